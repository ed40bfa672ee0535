//! Single requests that are kept for people to look at.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ErrorClass, SlowRequest};

/// Failures kept for each series and class, as examples: the first ones.
const FAILURES_KEPT: usize = 5;

/// An example of a failure, for people.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Failure {
    /// Index of the series in the plan.
    pub series: usize,
    /// Its class.
    pub class: ErrorClass,
    /// Milliseconds from the start of the run.
    pub at_ms: u64,
    /// What was wrong.
    pub message: String,
}

/// Single requests of one stretch of time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Examples {
    /// Failures.
    pub failures: Vec<Failure>,
    /// Those that took longest.
    pub slowest: Vec<SlowRequest>,
}

impl Examples {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.failures.is_empty() && self.slowest.is_empty()
    }

    /// Adds those of another thread.
    pub fn extend(&mut self, other: &Examples) {
        self.failures.extend_from_slice(&other.failures);
        self.slowest.extend_from_slice(&other.slowest);
    }
}

/// Leaves the first failures of each kind, in order.
pub(super) fn keep_first(failures: &mut Vec<Failure>) {
    failures.sort();
    let mut kept: BTreeMap<(usize, ErrorClass), usize> = BTreeMap::new();
    failures.retain(|failure| {
        let count = kept.entry((failure.series, failure.class)).or_default();
        *count += 1;
        *count <= FAILURES_KEPT
    });
}
