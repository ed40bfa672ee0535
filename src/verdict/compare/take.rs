//! What a comparison means for the verdict on a run.

use super::super::{Outcome, Verdict};
use super::{Change, Compared, Comparison};

impl Comparison {
    /// Whether a comparison that decides nothing is a reason for doubt: with `strict`
    /// always; otherwise when a metric is worse by more than its margin as far as the
    /// figures go, or has no value where it must have one.
    #[must_use]
    pub fn is_in_doubt(&self, strict: bool) -> bool {
        let open = match self.outcome {
            Change::Inconclusive | Change::NoValue => true,
            Change::Descriptive => return strict,
            _ => return false,
        };
        let undecided = self.metrics.iter().filter(|metric| metric.verdict == Change::Inconclusive);
        let known = self.metrics.iter().any(|metric| metric.verdict != Change::NoValue);
        open && (strict || !known || undecided.into_iter().any(looks_worse))
    }
}

fn looks_worse(metric: &Compared) -> bool {
    let Some(change) = metric.change else { return true };
    metric.above.is_some_and(|above| change > above) || metric.below.is_some_and(|below| change < -below)
}

impl Verdict {
    /// Takes in a comparison with a baseline: a run that has regressed has failed, and
    /// one that cannot be compared, or is in doubt, is inconclusive unless it has
    /// failed. `strict` says that whatever decides nothing is in doubt.
    pub fn take_in(&mut self, comparison: Comparison, strict: bool) {
        let compared = match comparison.outcome {
            Change::Regressed => Outcome::Failed,
            Change::NotComparable => Outcome::Inconclusive,
            _ if comparison.is_in_doubt(strict) => Outcome::Inconclusive,
            _ => Outcome::Passed,
        };
        self.outcome = match (self.outcome, compared) {
            (Outcome::Passed, compared) => compared,
            (Outcome::Inconclusive, Outcome::Failed) => Outcome::Failed,
            (own, _) => own,
        };
        let name = comparison.baseline.as_deref().unwrap_or("the old runs");
        self.sentence = format!("{}; compared with {name}: {}", self.sentence, comparison.sentence);
        self.comparisons.push(comparison);
    }
}
