//! Tags with more values than are kept apart.

use std::collections::BTreeSet;

use super::{Finding, Kind, Level};
use crate::plan::Series;
use crate::record::{OTHER_TAGS, SeriesRow};
use crate::results::Results;
use crate::units;

/// Says which tag has too many values, if one has. Of several the one whose
/// requests were hit the most.
pub(super) fn find(results: &Results) -> Option<Finding> {
    let tagged = results.plan.series.iter().enumerate().filter(|(_, series)| !series.tag_keys.is_empty());
    let (_, text) = tagged.filter_map(|(index, series)| of_series(results, index, series)).max()?;
    Some(Finding { kind: Kind::Tags, level: Level::Problem, text })
}

#[expect(clippy::cast_precision_loss, reason = "counts stay below 2^53")]
fn of_series(results: &Results, index: usize, series: &Series) -> Option<(u64, String)> {
    let rows = || results.recording.seconds.iter().flat_map(|slice| &slice.series).filter(|row| row.series == index);
    let is_other = |row: &&SeriesRow| row.tags.iter().all(|tag| tag == OTHER_TAGS);
    let hidden: u64 = rows().filter(is_other).map(|row| row.counts.requests).sum();
    if hidden == 0 {
        return None;
    }
    let all: u64 = rows().map(|row| row.counts.requests).sum();
    let mut values: Vec<BTreeSet<&str>> = vec![BTreeSet::new(); series.tag_keys.len()];
    for row in rows().filter(|row| !is_other(row)) {
        values.iter_mut().zip(&row.tags).for_each(|(values, tag)| {
            values.insert(tag);
        });
    }
    let (key, values) = series.tag_keys.iter().zip(&values).max_by_key(|(_, values)| values.len())?;
    let text = format!(
        "the tag `{key}` of `{}` has too many values to keep them apart: {} were, and {hidden} requests ({}) are \
         counted under `{OTHER_TAGS}`: tag with what has few values, such as a kind instead of an identity",
        series.step,
        values.len(),
        units::percent(hidden as f64 / all as f64)
    );
    Some((hidden, text))
}
