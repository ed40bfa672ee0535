//! Is a run among the others twice? What is counted twice looks more certain than it is.

use std::collections::BTreeSet;

use crate::results::Results;

/// Whether both are the same run. Rehearsals have no id of their own, so that nothing is
/// known of them.
#[must_use]
pub fn is_same(one: &Results, other: &Results) -> bool {
    one.run.id == other.run.id && !one.rehearsed() && !other.rehearsed()
}

/// The ids of runs that are named more than once, on either side or on both.
pub(super) fn repeated<'a>(runs: impl Iterator<Item = &'a Results>) -> BTreeSet<&'a str> {
    let mut seen = BTreeSet::new();
    let ids = runs.filter(|run| !run.rehearsed()).map(|run| run.run.id.as_str());
    ids.filter(|id| !seen.insert(*id)).collect()
}
