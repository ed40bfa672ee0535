//! A value of each run of two sides, as dots in two rows.

use super::path::Path;
use super::scale::Scale;

const WIDTH: f64 = 240.0;
const HEIGHT: f64 = 32.0;

/// Where the rows lie: the old side above the new one.
const ROWS: [(&str, f64); 2] = [("old", 8.0), ("new", 24.0)];

/// Room at both ends for half a dot.
const MARGIN: f64 = 6.0;

/// Values of the old runs above those of the new ones, on one scale from the lowest to the
/// highest of all. Empty without values. It is an ornament beside numbers and hidden from
/// screen readers.
pub(crate) fn strip(old: &[Option<f64>], new: &[Option<f64>]) -> String {
    let known = || old.iter().chain(new).flatten().copied().filter(|value| value.is_finite());
    let (Some(low), Some(high)) = (known().reduce(f64::min), known().reduce(f64::max)) else { return String::new() };
    let (low, high) = if low < high { (low, high) } else { (low - 1.0, high + 1.0) };
    let scale = Scale::Linear { low, high };
    let mut out = format!(
        r#"<svg class="strip" viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" aria-hidden="true" focusable="false">"#
    );
    for ((class, y), values) in ROWS.into_iter().zip([old, new]) {
        let (mut ground, mut dots) = (Path::default(), Path::default());
        ground.move_to(0.0, y);
        ground.line_to(WIDTH, y);
        for value in values.iter().flatten().filter(|value| value.is_finite()) {
            let x = MARGIN + scale.share(*value) * (WIDTH - 2.0 * MARGIN);
            dots.move_to(x, y);
            dots.line_to(x, y);
        }
        out.push_str(&format!(
            r#"<path class="ground" d="{}"/><path class="{class}" d="{}"/>"#,
            ground.data(),
            dots.data()
        ));
    }
    out + "</svg>"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_run_has_a_dot_in_the_row_of_its_side() {
        let drawn = strip(&[Some(1.0), None, Some(2.0)], &[Some(3.0)]);
        assert!(drawn.contains(r#"<path class="old" d="M6 8h0M120 8h0"/>"#), "{drawn}");
        assert!(drawn.contains(r#"<path class="new" d="M234 24h0"/>"#), "{drawn}");
    }

    #[test]
    fn any_values_are_drawn() {
        assert_eq!(strip(&[None], &[Some(f64::NAN)]), "");
        assert!(strip(&[Some(5.0)], &[Some(5.0)]).contains("M120 8h0"), "alike is in the middle");
        assert!(strip(&[Some(-1e300)], &[Some(1e300)]).contains("class=\"new\""));
    }
}
