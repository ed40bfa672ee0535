//! A line as small as a word.

use std::fmt::Write as _;

use super::path::Path;
use super::reduce::min_max;
use super::scale::Scale;

/// Levels of a line of text.
const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Most points of a drawn line.
const COLUMNS: usize = 60;

const WIDTH: f64 = 120.0;
const HEIGHT: f64 = 24.0;

/// Values as an SVG line, with a dashed line at `limit`. Empty without values.
/// It is an ornament beside numbers and hidden from screen readers.
pub(crate) fn sparkline(values: &[Option<f64>], limit: Option<f64>) -> String {
    let known = || values.iter().flatten().copied().filter(|value| value.is_finite());
    let Some((low, high)) = range(known().chain(limit)) else { return String::new() };
    if known().next().is_none() {
        return String::new();
    }
    let (low, high) = if low < high { (low, high) } else { (low - 1.0, high + 1.0) };
    let scale = Scale::Linear { low, high };
    let y = |value: f64| 1.5 + (1.0 - scale.share(value)) * (HEIGHT - 3.0);
    let length = values.len() as f64;
    let points: Vec<_> = values.iter().enumerate().map(|(n, value)| (n as f64 + 0.5, *value)).collect();
    let mut path = Path::default();
    let mut drawing = false;
    for (at, value) in min_max(&points, length, COLUMNS) {
        let x = at / length * WIDTH;
        match value {
            Some(value) if drawing => path.line_to(x, y(value)),
            Some(value) => {
                path.move_to(x, y(value));
                // A dot, should no line follow.
                path.line_to(x, y(value));
            }
            None => {}
        }
        drawing = value.is_some();
    }
    let mut svg = format!(
        r#"<svg class="sparkline" viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" aria-hidden="true" focusable="false" fill="none">"#
    );
    if let Some(limit) = limit {
        let mut line = Path::default();
        line.move_to(0.0, y(limit));
        line.line_to(WIDTH, y(limit));
        let _ = write!(
            svg,
            r#"<path class="limit" d="{}" stroke="var(--muted,currentColor)" stroke-dasharray="2 3" vector-effect="non-scaling-stroke"/>"#,
            line.data()
        );
    }
    let _ = write!(
        svg,
        r#"<path d="{}" stroke="var(--c1,currentColor)" stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round" vector-effect="non-scaling-stroke"/></svg>"#,
        path.data()
    );
    svg
}

/// Values as a line of block characters, at most `width` of them, from 0 to the
/// largest; a gap is a space.
pub(crate) fn sparkline_text(values: &[Option<f64>], width: usize) -> String {
    let Some((_, high)) = range(values.iter().flatten().copied()) else { return String::new() };
    let scale = Scale::Linear { low: 0.0, high };
    let per_cell = values.len().div_ceil(width.max(1)).max(1);
    values
        .chunks(per_cell)
        .map(|cell| match range(cell.iter().flatten().copied()) {
            Some((_, most)) => block(scale.share(most)),
            None => ' ',
        })
        .collect()
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a handful")]
fn block(share: f64) -> char {
    let level = (share * (BLOCKS.len() - 1) as f64).round() as usize;
    BLOCKS.get(level).copied().unwrap_or(' ')
}

fn range(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values.fold(None, |range, value| match range {
        None => Some((value, value)),
        Some((low, high)) => Some((f64::min(low, value), f64::max(high, value))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_text_keeps_spikes_and_gaps() {
        let mut values = vec![Some(1.0); 40];
        values[13] = Some(8.0);
        values[20..24].fill(None);
        assert_eq!(sparkline_text(&values, 10), "▂▂▂█▂ ▂▂▂▂");
        assert_eq!(sparkline_text(&[None, None], 10), "");
        assert_eq!(sparkline_text(&[Some(0.0), Some(0.0)], 10), "▁▁");
    }

    #[test]
    fn a_drawn_line_is_small_and_has_its_limit() {
        let values: Vec<_> = (0..3600).map(|n| Some(f64::from(n % 97))).collect();
        let svg = sparkline(&values, Some(250.0));
        assert!(svg.len() < 2000 && svg.contains(r#"class="limit""#), "{}", svg.len());
        assert!(sparkline(&[None], Some(1.0)).is_empty());
        assert!(sparkline(&[Some(5.0)], None).contains("M60 12h0"));
    }
}
