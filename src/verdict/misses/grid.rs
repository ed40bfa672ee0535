//! The measured time cut into cells that have enough to show something.

use std::ops::Range;

use crate::plan::Selection;
use crate::record::Distribution;
use crate::results::{Results, Window};
use crate::stats::median;

/// So many requests make a cell worth looking at.
const ENOUGH: f64 = 10.0;

/// More cells show no more.
const MOST_CELLS: u32 = 600;

/// With fewer cells nothing has a course.
pub(super) const LEAST_CELLS: usize = 8;

/// How long cells may be, in seconds: people count in these.
const WIDTHS: [u32; 9] = [1, 2, 5, 10, 20, 30, 60, 120, 300];

/// Cells of the same length; the last may be longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Grid {
    first: u32,
    end: u32,
    /// In seconds.
    pub(super) width: u32,
    pub(super) cells: usize,
}

impl Grid {
    /// The shortest cells in which most hold enough of what was asked. `None` for a run
    /// that is too short to have a course.
    pub(super) fn of(results: &Results, selection: &Selection) -> Option<Grid> {
        let everything = results.everything();
        let chosen = if selection.series.is_empty() { &everything } else { selection };
        let span = results.measured_seconds(if selection == &Selection::default() { &everything } else { selection });
        let known = results.recording.seconds.iter().filter(|slice| span.contains(&slice.second));
        #[expect(clippy::cast_precision_loss, reason = "counts stay below 2^53")]
        let requests = known.map(|slice| results.counts(chosen, Window::Second(slice.second)).requests as f64);
        let requests: Vec<f64> = requests.filter(|count| *count > 0.0).collect();
        if requests.len() < LEAST_CELLS {
            return None;
        }
        let usual = median(requests)?;
        let length = u32::try_from(span.len()).ok()?;
        let fits = |width: &u32| f64::from(*width) * usual >= ENOUGH && length / width <= MOST_CELLS;
        let width = WIDTHS.into_iter().find(fits)?;
        let cells = usize::try_from(length / width).ok()?;
        (cells >= LEAST_CELLS).then_some(Grid { first: span.start, end: span.end, width, cells })
    }

    /// The first second of a cell; the end of all behind the last one.
    pub(super) fn second(&self, cell: usize) -> u32 {
        if cell >= self.cells {
            return self.end;
        }
        let cell = u32::try_from(cell).unwrap_or(u32::MAX);
        self.first.saturating_add(cell.saturating_mul(self.width))
    }

    /// The seconds of some cells.
    pub(super) fn seconds(&self, cells: Range<usize>) -> Range<u32> {
        self.second(cells.start)..self.second(cells.end)
    }

    /// A value of each cell, from its seconds.
    pub(super) fn each<T>(&self, value: impl Fn(Range<u32>) -> T) -> Vec<T> {
        (0..self.cells).map(|cell| value(self.seconds(cell..cell + 1))).collect()
    }
}

/// What was recorded in some seconds, summed up.
pub(super) fn summed(seconds: Range<u32>, of: impl Fn(Window) -> Distribution) -> Distribution {
    if seconds.len() == 1 {
        return of(Window::Second(seconds.start));
    }
    let mut sum = Distribution::new();
    seconds.for_each(|second| sum.add(&of(Window::Second(second))));
    sum
}
