//! Filters of templates: numbers as people read them, and text that fits.
//!
//! Invariant: a filter is a pure function of its arguments. A missing number
//! (none) shows as `–`; a name that does not exist is an error.

use minijinja::{AutoEscape, Environment, Error, ErrorKind, State, Value};

use super::chart::sparkline_text;
use super::escape;
use crate::units;

/// What stands where there is no number.
const NOTHING: &str = "–";

/// Registers all filters.
pub(super) fn register(environment: &mut Environment<'_>, color: bool) {
    environment.add_filter("duration", |value: Value| show(&value, duration));
    environment.add_filter("second", |value: Value| show(&value, |seconds| duration(seconds * 1e9)));
    environment.add_filter("rate", |value: Value| show(&value, |rate| format!("{}/s", units::number(rate))));
    environment.add_filter("percent", |value: Value| show(&value, units::percent));
    environment.add_filter("bytes", |value: Value| show(&value, units::bytes));
    environment.add_filter("number", |value: Value| show(&value, units::number));
    environment.add_filter("count", |value: Value| show(&value, count));
    environment.add_filter("instant", |text: &str| instant(text));
    environment.add_filter("sentence", |text: &str| sentence(text));
    environment.add_filter("left", |text: &str, width: usize| left(text, width));
    environment.add_filter("right", |text: &str, width: usize| right(text, width));
    environment
        .add_filter("wrap", |text: &str, width: usize, indent: Option<usize>| wrap(text, width, indent.unwrap_or(0)));
    environment.add_filter("paint", move |text: &str, style: &str| paint(text, style, color));
    environment.add_filter("code", |text: &str| Value::from_safe_string(escape::markdown_code(text)));
    environment.add_filter("csv", |text: &str| Value::from_safe_string(escape::csv(text)));
    environment.add_filter("latex", |text: &str| Value::from_safe_string(escape::latex(text)));
    environment.add_filter("prose", |state: &State, text: &str| match state.auto_escape() {
        AutoEscape::Html => {
            Value::from_safe_string(prose(text, escape::html, |code| format!("<code>{}</code>", escape::html(code))))
        }
        AutoEscape::Custom(_) => Value::from_safe_string(prose(text, escape::markdown, escape::markdown_code)),
        _ => Value::from(text),
    });
    environment.add_filter("bars", |values: Vec<Value>, width: Option<usize>| {
        numbers(&values).map(|values| sparkline_text(&values, width.unwrap_or(10)))
    });
}

/// The number in `value` as `text` shows it.
fn show(value: &Value, text: impl Fn(f64) -> String) -> Result<String, Error> {
    Ok(if value.is_none() { NOTHING.to_owned() } else { text(f64::try_from(value.clone())?) })
}

/// Numbers and nones.
pub(super) fn numbers(values: &[Value]) -> Result<Vec<Option<f64>>, Error> {
    values.iter().map(|value| if value.is_none() { Ok(None) } else { f64::try_from(value.clone()).map(Some) }).collect()
}

fn duration(nanos: f64) -> String {
    if nanos == 0.0 { "0s".to_owned() } else { units::duration(nanos) }
}

/// A whole number with its thousands apart: `1,234,567`.
fn count(value: f64) -> String {
    if !value.is_finite() {
        return NOTHING.to_owned();
    }
    let digits = format!("{:.0}", value.abs());
    let mut out = String::from(if value < 0.0 { "-" } else { "" });
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// An RFC 3339 instant in UTC to the second: `2026-11-23 10:00:00 UTC`.
fn instant(text: &str) -> String {
    match text.strip_suffix('Z').and_then(|text| text.split_once('T')) {
        Some((date, time)) => format!("{date} {} UTC", time.split('.').next().unwrap_or(time)),
        None => text.to_owned(),
    }
}

/// A fragment as a sentence: a capital letter and a full stop. What begins with
/// a name in backticks or another sign keeps its beginning.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first: String = chars.next().map(|c| c.to_uppercase().collect()).unwrap_or_default();
    let stop = if text.ends_with(['.', '!', '?']) || text.is_empty() { "" } else { "." };
    format!("{first}{}{stop}", chars.as_str())
}

/// Text with what stands between backticks as code. A backtick without its
/// partner is a backtick.
fn prose(text: &str, plain: impl Fn(&str) -> String, code: impl Fn(&str) -> String) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    let pairs = (parts.len() - 1) / 2 * 2;
    let mut out = String::new();
    for (n, part) in parts.iter().enumerate() {
        match n {
            n if n % 2 == 1 && n < pairs => out.push_str(&code(part)),
            n if n > pairs => out.push_str(&plain(&format!("`{part}"))),
            _ => out.push_str(&plain(part)),
        }
    }
    out
}

/// Exactly `width` characters: padded on the right, or cut with `…`.
fn left(text: &str, width: usize) -> String {
    format!("{:<width$}", cut(text, width))
}

/// Exactly `width` characters: padded on the left, or cut with `…`.
fn right(text: &str, width: usize) -> String {
    format!("{:>width$}", cut(text, width))
}

fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let mut out: String = text.chars().take(width.saturating_sub(1)).collect();
    out.push('…');
    out
}

/// Lines of at most `width` characters; all but the first are indented.
fn wrap(text: &str, width: usize, indent: usize) -> String {
    let mut out = String::new();
    let mut column = indent;
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let mut rest: Vec<char> = word.chars().collect();
        if column > indent && column + 1 + rest.len() > width {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', indent));
            column = indent;
        } else if column > indent {
            out.push(' ');
            column += 1;
        }
        // A word longer than a line is broken where the line ends.
        while column + rest.len() > width && width > indent {
            let tail = rest.split_off((width - column).min(rest.len()));
            out.extend(rest);
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', indent));
            (rest, column) = (tail, indent);
        }
        column += rest.len();
        out.extend(rest);
    }
    out
}

/// Colours for a terminal; `text` alone without colour.
fn paint(text: &str, style: &str, color: bool) -> Result<String, Error> {
    let code = match style {
        "bold" => "1",
        "dim" => "2",
        "red" => "31",
        "green" => "32",
        "yellow" => "33",
        "bold red" => "1;31",
        "bold green" => "1;32",
        "bold yellow" => "1;33",
        _ => return Err(Error::new(ErrorKind::InvalidOperation, format!("there is no style `{style}`"))),
    };
    Ok(if color { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_readable() {
        assert_eq!(count(1_234_567.0), "1,234,567");
        assert_eq!((count(999.0), count(1000.0), count(-1000.0)), ("999".into(), "1,000".into(), "-1,000".into()));
        assert_eq!(instant("2026-11-23T10:00:00.123Z"), "2026-11-23 10:00:00 UTC");
        assert_eq!(instant("yesterday"), "yesterday");
        assert_eq!(sentence("all held"), "All held.");
    }

    #[test]
    fn backticks_mark_code() {
        let html = |text| prose(text, escape::html, |code| format!("<code>{}</code>", escape::html(code)));
        assert_eq!(html("`a<b` & c"), "<code>a&lt;b</code> &amp; c");
        assert_eq!(html("one ` alone"), "one ` alone");
        assert_eq!(html("`a` and ` alone"), "<code>a</code> and ` alone");
        assert_eq!(html("none"), "none");
    }

    #[test]
    fn text_fits_its_width() {
        assert_eq!((left("abc", 5), right("abc", 5)), ("abc  ".into(), "  abc".into()));
        assert_eq!((left("abcdef", 4), right("søkefelt", 4)), ("abc…".into(), "søk…".into()));
        let wrapped = wrap("one two three fourteenletters five", 10, 2);
        assert_eq!(wrapped, "one two\n  three\n  fourteen\n  letters\n  five");
        assert!(wrapped.lines().all(|line| line.chars().count() <= 10));
    }

    #[test]
    fn colour_is_optional() {
        assert_eq!(paint("x", "red", false).unwrap(), "x");
        assert_eq!(paint("x", "red", true).unwrap(), "\u{1b}[31mx\u{1b}[0m");
        assert!(paint("x", "pink", true).is_err());
    }
}
