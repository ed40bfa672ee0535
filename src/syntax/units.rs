//! Units as people write them, and their form here.
//!
//! Invariant: data and one function; what it offers parses.

use crate::diag::errors::syntax::Mend;
use crate::text::Span;

/// What people write behind a number, in lower case without blanks, and what is
/// written here.
const UNITS: &[(&[&str], &str)] = &[
    (&["ms", "msec", "msecs", "millis", "millisecond", "milliseconds"], "ms"),
    (&["us", "usec", "usecs", "µs", "microsecond", "microseconds"], "us"),
    (&["ns", "nanosecond", "nanoseconds"], "ns"),
    (&["s", "sec", "secs", "second", "seconds"], "s"),
    (&["m", "min", "mins", "minute", "minutes"], "m"),
    (&["h", "hr", "hrs", "hour", "hours"], "h"),
    (&["%", "percent", "pct"], "%"),
    (
        &[
            "/s",
            "/sec",
            "/secs",
            "/second",
            "/seconds",
            "rps",
            "qps",
            "tps",
            "req/s",
            "reqs/s",
            "requests/s",
            "persecond",
        ],
        "/s",
    ),
    (&["/m", "/min", "/mins", "/minute", "/minutes", "rpm", "perminute"], "/m"),
    (&["/h", "/hr", "/hour", "/hours", "perhour"], "/h"),
    (&["user", "users", "vu", "vus"], " users"),
    (&["b", "byte", "bytes"], "B"),
    (&["kb"], "kB"),
    (&["k", "kib"], "KiB"),
    (&["mb"], "MB"),
    (&["mib"], "MiB"),
    (&["gb"], "GB"),
    (&["gib"], "GiB"),
];

/// How to write the quantity `written` at `span`.
pub(super) fn mend(written: &str, span: Span) -> Mend {
    let digits = written.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(written.len());
    let (number, rest) = written.split_at_checked(digits).unwrap_or((written, ""));
    let unit: String = rest.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect();
    if unit.is_empty() {
        let plain = number.trim_start_matches('0');
        let plain = if plain.is_empty() || plain.starts_with('.') { format!("0{plain}") } else { plain.to_owned() };
        return Mend::certain(format!("write `{plain}`, without zeros before it"), span, plain);
    }
    if unit.contains('_') && unit.chars().all(|c| c.is_ascii_digit() || c == '_') {
        let plain: String = written.chars().filter(|c| *c != '_').collect();
        return Mend::certain(format!("write `{plain}`"), span, plain);
    }
    match UNITS.iter().find(|(words, _)| words.contains(&unit.as_str())) {
        Some((_, ours)) => {
            let right = format!("{number}{ours}");
            Mend::certain(format!("write `{right}`"), span, right)
        }
        None => Mend::advice(format!(
            "write a unit such as `{number}s`, `{number}ms`, `{number}/s`, `{number}%`, `{number}KiB` or `{number} users`"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::{UNITS, mend};
    use crate::text::Span;

    #[test]
    fn each_unit_has_its_form() {
        for (words, ours) in UNITS {
            for word in *words {
                let mend = mend(&format!("5{word}"), Span::at(0));
                assert_eq!(mend.edits, [(Span::at(0), format!("5{ours}"))], "{word}");
            }
        }
    }

    #[test]
    fn zeros_and_underscores_go() {
        let fix = |text: &str| mend(text, Span::at(0)).edits.first().map(|(_, new)| new.clone());
        assert_eq!(fix("007").as_deref(), Some("7"));
        assert_eq!(fix("00.5").as_deref(), Some("0.5"));
        assert_eq!(fix("1_000").as_deref(), Some("1000"));
        assert_eq!(fix("5parsec"), None);
    }
}
