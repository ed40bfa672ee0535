//! How much of a run is kept: rows of series × seconds.

use super::{Plan, Scenario};

/// So many rows of series × seconds are kept apart, which takes about a gigabyte:
/// a row is a few hundred bytes of histograms and as much around them. Beyond
/// it, series that differ only in values of tags are summed up, so that it is the
/// plan alone and not a server's answers that says how much memory a run takes.
pub const ROWS_MAX: u64 = 1_000_000;

/// Rows that a run of `plan` has by its steps alone, without values of tags.
#[must_use]
pub fn rows(plan: &Plan) -> u64 {
    let seconds = |scenario: &Scenario| scenario.load.duration_ns().div_ceil(1_000_000_000);
    let of_series = plan.series.iter().filter_map(|series| plan.scenarios.get(series.scenario)).map(seconds);
    of_series.fold(0, u64::saturating_add)
}
