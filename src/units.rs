//! Numbers with a dimension: how they are written, compared and shown.
//!
//! Invariant: a quantity is one `f64` in the base unit of its dimension;
//! nothing here knows where it came from. Imports nothing.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Nanoseconds in a second.
pub const NANOS_PER_SEC: f64 = 1e9;

/// From here on, people read "12 times the limit" more easily than "1100 % above
/// the limit".
pub const MANY_TIMES: f64 = 10.0;

/// What a number measures. Two quantities compare only within one dimension.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Dimension {
    /// A plain number.
    Number,
    /// A time; base unit nanosecond.
    Duration,
    /// Events per second.
    Rate,
    /// A part of a whole; 1 is 100 %.
    Share,
    /// A size; base unit byte.
    Size,
    /// Virtual users.
    Users,
}

impl Dimension {
    /// With its article, as diagnostics name it: "a duration".
    #[must_use]
    pub fn phrase(self) -> &'static str {
        match self {
            Dimension::Number => "a number",
            Dimension::Duration => "a duration",
            Dimension::Rate => "a rate",
            Dimension::Share => "a percentage",
            Dimension::Size => "a size",
            Dimension::Users => "a number of users",
        }
    }

    /// A literal of this dimension, for help texts.
    #[must_use]
    pub fn example(self) -> &'static str {
        match self {
            Dimension::Number => "10",
            Dimension::Duration => "10s",
            Dimension::Rate => "40/s",
            Dimension::Share => "99%",
            Dimension::Size => "64KiB",
            Dimension::Users => "50 users",
        }
    }
}

/// A number and what it measures.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize, JsonSchema)]
pub struct Quantity {
    /// In the base unit of `dimension`.
    pub value: f64,
    /// What it measures.
    pub dimension: Dimension,
}

impl Quantity {
    /// `value` in the base unit of `dimension`.
    #[must_use]
    pub fn new(value: f64, dimension: Dimension) -> Quantity {
        Quantity { value, dimension }
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.dimension {
            Dimension::Number => f.write_str(&number(self.value)),
            Dimension::Duration => f.write_str(&duration(self.value)),
            Dimension::Rate => write!(f, "{}/s", number(self.value)),
            Dimension::Share => f.write_str(&percent(self.value)),
            Dimension::Size => f.write_str(&bytes(self.value)),
            Dimension::Users => {
                let users = number(self.value);
                write!(f, "{users} {}", if users == "1" { "user" } else { "users" })
            }
        }
    }
}

/// Reads a literal with its unit: `250ms`, `1m30s`, `40/s`, `99.9%`, `64KiB`,
/// `50 users`, or a plain JSON number. `None` when it is none of these or too
/// large to be finite.
#[must_use]
pub fn parse(text: &str) -> Option<Quantity> {
    let text = text.trim();
    let dimensioned = |value: f64, dimension| value.is_finite().then_some(Quantity { value, dimension });
    if let Some(number) = text.strip_suffix('%') {
        return dimensioned(decimal(number)? / 100.0, Dimension::Share);
    }
    if let Some((number, per)) = text.split_once('/') {
        let seconds = match per {
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return None,
        };
        return dimensioned(decimal(number)? / seconds, Dimension::Rate);
    }
    if let Some(number) = text.strip_suffix("users").or_else(|| text.strip_suffix("user")) {
        return dimensioned(decimal(number.trim_end())?, Dimension::Users);
    }
    if let Some(number) = text.strip_suffix('B') {
        return size(number).and_then(|value| dimensioned(value, Dimension::Size));
    }
    if let Some(nanos) = compound_duration(text) {
        return dimensioned(nanos, Dimension::Duration);
    }
    text.parse::<f64>().ok().and_then(|value| dimensioned(value, Dimension::Number))
}

fn decimal(text: &str) -> Option<f64> {
    let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    plain.then(|| text.parse().ok()).flatten()
}

fn size(number: &str) -> Option<f64> {
    for (suffix, factor) in
        [("Ki", 1024.0), ("Mi", 1048576.0), ("Gi", 1073741824.0), ("k", 1e3), ("K", 1e3), ("M", 1e6), ("G", 1e9)]
    {
        if let Some(number) = number.strip_suffix(suffix) {
            return decimal(number).map(|value| value * factor);
        }
    }
    decimal(number)
}

/// `1m30s` and its like: each unit at most once, from large to small.
fn compound_duration(text: &str) -> Option<f64> {
    const UNITS: [(&str, f64); 6] = [("h", 3600e9), ("m", 60e9), ("s", 1e9), ("ms", 1e6), ("us", 1e3), ("ns", 1.0)];
    let mut rest = text;
    let mut total = 0.0;
    let mut allowed = UNITS.as_slice();
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at_checked(digits)?;
        let word = tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at_checked(word)?;
        let index = allowed.iter().position(|(name, _)| *name == unit)?;
        let (_, factor) = allowed.get(index)?;
        total += decimal(number)? * factor;
        allowed = allowed.get(index + 1..)?;
        rest = tail;
    }
    (!text.is_empty()).then_some(total)
}

/// A plain number with at most three significant decimals: `12`, `0.125`.
#[must_use]
pub fn number(value: f64) -> String {
    if !value.is_finite() {
        return "n/a".to_owned();
    }
    let decimals = match value.abs() {
        v if v >= 100.0 || v == v.trunc() => 0,
        v if v >= 10.0 => 1,
        v if v >= 1.0 => 2,
        _ => 3,
    };
    let text = format!("{value:.decimals$}");
    if decimals == 0 { text } else { text.trim_end_matches('0').trim_end_matches('.').to_owned() }
}

/// A duration in nanoseconds with three significant digits: `1.23ms`, `12.3s`,
/// `2m 5s`.
#[must_use]
pub fn duration(nanos: f64) -> String {
    if !nanos.is_finite() {
        return "n/a".to_owned();
    }
    let sign = if nanos < 0.0 { "-" } else { "" };
    let n = nanos.abs();
    if n >= 60.0 * NANOS_PER_SEC {
        let total = (n / NANOS_PER_SEC).round();
        let (hours, minutes, seconds) = ((total / 3600.0).floor(), ((total % 3600.0) / 60.0).floor(), total % 60.0);
        let parts: Vec<String> = [(hours, "h"), (minutes, "m"), (seconds, "s")]
            .into_iter()
            .filter(|(value, _)| *value > 0.0)
            .map(|(value, unit)| format!("{value:.0}{unit}"))
            .collect();
        return format!("{sign}{}", parts.join(" "));
    }
    let (value, unit) = match n {
        n if n >= 1e9 => (n / 1e9, "s"),
        n if n >= 1e6 => (n / 1e6, "ms"),
        n if n >= 1e3 => (n / 1e3, "us"),
        n => (n, "ns"),
    };
    format!("{sign}{}{unit}", number(value))
}

/// A share as a percentage: `12.5%`; tiny but non-zero shares stay visible.
#[must_use]
pub fn percent(share: f64) -> String {
    if !share.is_finite() {
        return "n/a".to_owned();
    }
    let value = share * 100.0;
    let near_whole = value.abs() >= 99.0 && value.abs() < 100.0;
    let text = match value.abs() {
        0.0 => "0".to_owned(),
        v if v < 0.01 => format!("{value:.4}"),
        v if v < 10.0 || near_whole => format!("{value:.2}"),
        _ => format!("{value:.1}"),
    };
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text };
    format!("{text}%")
}

/// A size in bytes: `512B`, `1.5KiB`, `3MiB`.
#[must_use]
pub fn bytes(value: f64) -> String {
    let (scaled, unit) = match value.abs() {
        v if v >= 1073741824.0 => (value / 1073741824.0, "GiB"),
        v if v >= 1048576.0 => (value / 1048576.0, "MiB"),
        v if v >= 1024.0 => (value / 1024.0, "KiB"),
        _ => (value, "B"),
    };
    format!("{}{unit}", number(scaled))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_unit() {
        let read = |text| parse(text).map(|q| (q.value, q.dimension));
        assert_eq!(read("250us"), Some((250e3, Dimension::Duration)));
        assert_eq!(read("1m30s"), Some((90e9, Dimension::Duration)));
        assert_eq!(read("1.5s"), Some((1.5e9, Dimension::Duration)));
        assert_eq!(read("2h"), Some((7200e9, Dimension::Duration)));
        assert_eq!(read("40/s"), Some((40.0, Dimension::Rate)));
        assert_eq!(read("900/m"), Some((15.0, Dimension::Rate)));
        assert_eq!(read("99.9%"), Some((0.9990000000000001, Dimension::Share)));
        assert_eq!(read("64KiB"), Some((65536.0, Dimension::Size)));
        assert_eq!(read("512B"), Some((512.0, Dimension::Size)));
        assert_eq!(read("50 users"), Some((50.0, Dimension::Users)));
        assert_eq!(read("1 user"), Some((1.0, Dimension::Users)));
        assert_eq!(read("1e3"), Some((1000.0, Dimension::Number)));
    }

    #[test]
    fn refuses_what_is_no_literal() {
        for text in ["", "s", "10q", "1s1s", "1s1m", "10/d", "%", "1..2s", "-5s", "1e999", "KiB"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn shows_three_significant_digits() {
        assert_eq!(duration(1_234_567.0), "1.23ms");
        assert_eq!(duration(250_000_000.0), "250ms");
        assert_eq!(duration(125e9), "2m 5s");
        assert_eq!(duration(999.0), "999ns");
        assert_eq!(percent(0.9995), "99.95%");
        assert_eq!(percent(0.00001), "0.001%");
        assert_eq!(percent(0.0), "0%");
        assert_eq!(percent(0.125), "12.5%");
        assert_eq!(bytes(1536.0), "1.5KiB");
        assert_eq!(number(1234.5), "1234", "ties go to even");
        assert_eq!(Quantity::new(1.0, Dimension::Users).to_string(), "1 user");
    }

    #[test]
    fn a_literal_survives_the_round_trip() {
        for text in ["250ms", "40/s", "99.9%", "64KiB", "50 users", "1.5s"] {
            let quantity = parse(text).unwrap_or(Quantity::new(f64::NAN, Dimension::Number));
            assert_eq!(quantity.to_string(), text);
        }
    }
}
