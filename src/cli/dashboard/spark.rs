//! Bars of values over time.

/// From an eighth of a cell to a whole one.
const EIGHTHS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Values as bars, from left to right, in rows from top to bottom; `highest` fills all
/// rows but for an eighth. A second without a value leaves a gap.
pub(super) fn bars(values: &[Option<f64>], width: usize, height: usize, highest: f64) -> Vec<String> {
    let columns = columns(values, width);
    let height = height.max(1);
    let row = |below: usize| -> String {
        let blank = width.saturating_sub(columns.len());
        let cells = columns.iter().map(|value| cell(*value, below, height, highest));
        cells.chain(std::iter::repeat_n(' ', blank)).collect()
    };
    (0..height).rev().map(row).collect()
}

/// So many values at most that one column stands for all of their seconds. Columns
/// begin at whole multiples, counted from the newest back, and show the highest.
fn columns(values: &[Option<f64>], width: usize) -> Vec<Option<f64>> {
    let each = values.len().div_ceil(width.max(1)).max(1);
    let chunks = values.rchunks(each).map(|chunk| chunk.iter().flatten().copied().reduce(f64::max));
    let mut columns: Vec<_> = chunks.collect();
    columns.reverse();
    columns
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few cells")]
#[expect(clippy::cast_precision_loss, reason = "a few cells")]
fn cell(value: Option<f64>, below: usize, height: usize, highest: f64) -> char {
    let Some(value) = value.filter(|value| *value > 0.0 && highest > 0.0) else { return ' ' };
    // The highest leaves a little room below the row above.
    let eighths = ((value / highest).min(1.0) * (height * EIGHTHS.len() - 1) as f64).ceil() as usize;
    match eighths.saturating_sub(below * EIGHTHS.len()) {
        0 => ' ',
        part => EIGHTHS.get(part - 1).copied().unwrap_or('█'),
    }
}

/// The highest of some values; 0 without any.
pub(super) fn highest(values: &[Option<f64>]) -> f64 {
    values.iter().flatten().copied().fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(values: &[f64], width: usize, height: usize, highest: f64) -> Vec<String> {
        bars(&values.iter().copied().map(Some).collect::<Vec<_>>(), width, height, highest)
    }

    #[test]
    fn bars_go_from_an_eighth_to_the_whole() {
        assert_eq!(line(&[0.0, 1.0, 4.0, 7.0, 99.0], 5, 1, 7.0), [" ▁▄▇▇"]);
        assert_eq!(line(&[4.0, 12.0, 15.0], 4, 2, 15.0), [" ▄▇ ", "▄██ "]);
    }

    #[test]
    fn bars_begin_on_the_left_and_many_values_share_a_column() {
        assert_eq!(line(&[8.0, 1.0], 4, 1, 8.0), ["▇▁  "]);
        assert_eq!(line(&[8.0, 1.0, 1.0, 4.0, 1.0], 2, 1, 8.0), ["▇▄"]);
    }

    #[test]
    fn nothing_and_no_room_are_drawn_too() {
        assert_eq!(bars(&[], 3, 1, 0.0), ["   "]);
        assert_eq!(bars(&[Some(1.0), None], 2, 1, 1.0), ["▇ "]);
        assert_eq!(bars(&[Some(1.0)], 0, 1, 1.0).concat().chars().count(), 1);
        assert!((highest(&[None, Some(2.0), Some(1.0)]) - 2.0).abs() < f64::EPSILON);
    }
}
