//! Cells of a heatmap, drawn as rows of horizontal lines.

use std::fmt::Write as _;

use super::path::coordinate;

/// Shades of a heatmap. The eye tells about as many apart.
const LEVELS: usize = 6;

/// Cells that are drawn: what keeps the chart below 15 KB.
const CELLS: usize = 1600;

/// Opacity of the faintest shade; the others are spread up to 1.
const FAINTEST: f64 = 0.14;

/// How many there are of something, by column and band.
pub(super) struct Cells {
    /// A CSS variable, such as `--c1`.
    pub(super) color: &'static str,
    /// Length of a column, in units of the x axis.
    pub(super) width: f64,
    /// Columns from left to right, each from its lowest band up.
    pub(super) columns: Vec<Vec<u64>>,
    /// The largest count of a cell.
    most: u64,
}

impl Cells {
    /// Columns are joined in pairs until the drawing is small enough.
    pub(super) fn new(color: &'static str, width: f64, columns: &[Vec<u64>]) -> Cells {
        let (mut columns, mut width) = (columns.to_vec(), width);
        while columns.len() > 1 && columns.iter().flatten().filter(|count| **count > 0).count() > CELLS {
            let join = |pair: &[Vec<u64>]| match pair {
                [a, b] => a.iter().zip(b).map(|(a, b)| a + b).collect(),
                _ => pair.concat(),
            };
            columns = columns.chunks(2).map(join).collect();
            width *= 2.0;
        }
        let most = columns.iter().flatten().copied().max().unwrap_or(0);
        Cells { color, width, columns, most }
    }

    /// Shades that occur, from faint to strong, with their opacity and the counts
    /// that they stand for.
    pub(super) fn levels(&self) -> Vec<(usize, String, String)> {
        let counts: Vec<u64> = self.columns.iter().flatten().copied().filter(|count| *count > 0).collect();
        (1..=LEVELS)
            .filter_map(|level| {
                let of = || counts.iter().copied().filter(|count| self.level(*count) == level);
                let (low, high) = (of().min()?, of().max()?);
                let label = if low == high { low.to_string() } else { format!("{low}–{high}") };
                Some((level, opacity(level), label))
            })
            .collect()
    }

    /// The cells of one shade as the data of a path: a column is one wide, a band
    /// one high, and the path is to be one thick.
    pub(super) fn path(&self, level: usize) -> String {
        let bands = self.columns.first().map_or(0, Vec::len);
        let mut data = String::new();
        for band in (0..bands).rev() {
            let row: Vec<bool> = self
                .columns
                .iter()
                .map(|column| column.get(band).is_some_and(|count| *count > 0 && self.level(*count) == level))
                .collect();
            let mut at = 0;
            // Where the last line of the row ended.
            let mut pen = None;
            for run in row.chunk_by(|a, b| a == b) {
                if run.first() == Some(&true) {
                    let _ = match pen {
                        None => write!(data, "M{at} {}.5", bands - 1 - band),
                        Some(pen) => write!(data, "m{} 0", at - pen),
                    };
                    let _ = write!(data, "h{}", run.len());
                    pen = Some(at + run.len());
                }
                at += run.len();
            }
        }
        data
    }

    /// The cells as a drawing of `width` by `height` units, `length` long on the x
    /// axis.
    pub(super) fn svg(&self, length: f64, width: f64, height: f64, first: usize) -> String {
        let bands = self.columns.first().map_or(0, Vec::len);
        let columns = coordinate(length / self.width);
        let mut out = format!(
            r#"<svg width="{width}" height="{height}" viewBox="0 0 {columns} {bands}" preserveAspectRatio="none" shape-rendering="crispEdges" stroke="var({},currentColor)">"#,
            self.color
        );
        for (n, (level, opacity, _)) in self.levels().into_iter().enumerate() {
            let _ = write!(out, r#"<path data-s="{}" d="{}" opacity="{opacity}"/>"#, first + n, self.path(level));
        }
        out.push_str("</svg>");
        out
    }

    /// Equal ratios of counts are equal steps of shades.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "counts of requests stay below 2^53, and levels are a handful"
    )]
    fn level(&self, count: u64) -> usize {
        let share = (count as f64).ln_1p() / (self.most.max(1) as f64).ln_1p();
        ((share * LEVELS as f64).ceil() as usize).clamp(1, LEVELS)
    }
}

#[expect(clippy::cast_precision_loss, reason = "levels are a handful")]
fn opacity(level: usize) -> String {
    let share = (level - 1) as f64 / (LEVELS - 1) as f64;
    format!("{:.2}", FAINTEST + (1.0 - FAINTEST) * share).trim_start_matches('0').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_of_a_shade_are_joined_along_a_row() {
        let cells = Cells::new("--c1", 1.0, &[vec![0, 9], vec![1, 9], vec![0, 0], vec![9, 9]]);
        let levels = cells.levels();
        let labels: Vec<_> = levels.iter().map(|(_, _, label)| label.as_str()).collect();
        assert_eq!(labels, ["1", "9"]);
        assert_eq!(
            (cells.path(levels[0].0), cells.path(levels[1].0)),
            ("M1 1.5h1".into(), "M0 .5h2m1 0h1M3 1.5h1".replace(" .5", " 0.5"))
        );
        assert_eq!((levels[0].1.as_str(), levels[1].1.as_str()), (".31", "1.00"));
    }

    #[test]
    fn a_crowded_heatmap_has_fewer_columns_and_as_many_requests() {
        let columns: Vec<Vec<u64>> =
            (0..160).map(|n| (0..24).map(|band| 1 + (n * 7 + band * 13) % 50).collect()).collect();
        let cells = Cells::new("--c1", 5.0, &columns);
        assert_eq!((cells.columns.len(), cells.width), (40, 20.0));
        assert_eq!(cells.columns.iter().flatten().sum::<u64>(), columns.iter().flatten().sum::<u64>());
        assert!(cells.svg(800.0, 1000.0, 300.0, 0).len() < 13_000);
        assert!(Cells::new("--c1", 1.0, &[]).levels().is_empty());
    }
}
