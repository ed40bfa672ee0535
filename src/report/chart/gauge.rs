//! How far a value is from its limit, as a bar.

use super::path::coordinate;

/// Length of the drawing.
const WIDTH: f64 = 200.0;

/// A bar as long as `observed`, with a mark at `limit`, from 0 to a little
/// beyond the larger. Empty when either is not a positive number. It is an
/// ornament beside numbers and hidden from screen readers.
pub(crate) fn gauge(observed: f64, limit: f64) -> String {
    let usable = |value: f64| value.is_finite() && value >= 0.0;
    if !usable(observed) || !usable(limit) || limit <= 0.0 {
        return String::new();
    }
    // Beyond four times the limit the bar only says "far".
    let most = (observed.max(limit) * 1.12).min(limit * 4.5);
    let x = |value: f64| coordinate((value / most).min(1.0) * WIDTH);
    let (width, mark) = (x(observed), x(limit));
    format!(
        concat!(
            r#"<svg class="gauge" viewBox="0 0 {w} 10" preserveAspectRatio="none" aria-hidden="true" focusable="false">"#,
            r#"<path class="track" d="M0 3h{w}v4h-{w}z" fill="var(--line,currentColor)"/>"#,
            r#"<path class="bar" d="M0 3h{width}v4h-{width}z" fill="var(--state,currentColor)"/>"#,
            r#"<path class="limit" d="M{mark} 0v10" stroke="currentColor" stroke-width="2" vector-effect="non-scaling-stroke"/></svg>"#
        ),
        w = WIDTH,
        width = width,
        mark = mark
    )
}

#[cfg(test)]
mod tests {
    use super::gauge;

    #[test]
    fn the_mark_lies_at_the_limit() {
        assert!(gauge(112.0, 56.0).contains("M89.3 0v10"), "{}", gauge(112.0, 56.0));
        assert_eq!(gauge(1.0, 0.0), "");
        assert_eq!(gauge(f64::NAN, 1.0), "");
    }
}
