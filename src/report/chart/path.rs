//! The data of an SVG path, short and rounded to a tenth of a unit.

use std::fmt::Write as _;

/// A path under construction. It keeps whole tenths, so that rounding never
/// adds up.
#[derive(Default)]
pub(super) struct Path {
    data: String,
    at: (i64, i64),
}

impl Path {
    /// Begins a line at a point.
    pub(super) fn move_to(&mut self, x: f64, y: f64) {
        self.at = (tenths(x), tenths(y));
        let (x, y) = self.at;
        self.command('M', x, y);
    }

    /// Draws a straight line to a point.
    pub(super) fn line_to(&mut self, x: f64, y: f64) {
        let to = (tenths(x), tenths(y));
        let (dx, dy) = (to.0 - self.at.0, to.1 - self.at.1);
        self.at = to;
        match (dx, dy) {
            (dx, 0) => self.axis('h', dx),
            (0, dy) => self.axis('v', dy),
            (dx, dy) => self.command('l', dx, dy),
        }
    }

    /// Closes the line.
    pub(super) fn close(&mut self) {
        self.data.push('z');
    }

    /// The value of a `d` attribute.
    pub(super) fn data(self) -> String {
        self.data
    }

    fn command(&mut self, letter: char, x: i64, y: i64) {
        let separator = if y < 0 { "" } else { " " };
        let _ = write!(self.data, "{letter}{}{separator}{}", decimal(x), decimal(y));
    }

    fn axis(&mut self, letter: char, by: i64) {
        let _ = write!(self.data, "{letter}{}", decimal(by));
    }
}

#[expect(clippy::cast_possible_truncation, reason = "coordinates lie within a drawing of 1000 units")]
fn tenths(value: f64) -> i64 {
    (value * 10.0).round() as i64
}

/// Tenths as a decimal number without a needless `.0`.
fn decimal(tenths: i64) -> String {
    let sign = if tenths < 0 { "-" } else { "" };
    let (whole, rest) = (tenths.abs() / 10, tenths.abs() % 10);
    match (whole, rest) {
        (whole, 0) => format!("{sign}{whole}"),
        (0, rest) => format!("{sign}.{rest}"),
        (whole, rest) => format!("{sign}{whole}.{rest}"),
    }
}

/// One coordinate, rounded to a tenth.
pub(super) fn coordinate(value: f64) -> String {
    decimal(tenths(value))
}

#[cfg(test)]
mod tests {
    use super::Path;

    #[test]
    fn steps_are_relative_and_rounding_does_not_add_up() {
        let mut path = Path::default();
        path.move_to(0.0, 300.0);
        (1..=300).for_each(|n| path.line_to(f64::from(n) / 3.0, 299.96));
        path.line_to(100.0, 10.0);
        path.line_to(99.5, 9.5);
        path.close();
        let data = path.data();
        assert!(data.starts_with("M0 300h.3h.4h.3"), "{data}");
        assert!(data.ends_with("v-290l-.5-.5z"), "{data}");
    }
}
