//! Which way is worse.

use super::{Metric, Statistic};

impl Metric {
    /// Whether more of a statistic of it is worse; `None` where that depends.
    #[must_use]
    pub fn worse_above(&self, statistic: Statistic) -> Option<bool> {
        match self {
            Metric::Expect { .. } => Some(false),
            Metric::Requests | Metric::Iterations if statistic == Statistic::Rate => Some(false),
            Metric::Requests
            | Metric::Iterations
            | Metric::Sessions
            | Metric::Measure { .. }
            | Metric::BytesIn
            | Metric::BytesOut
            | Metric::Updates
            | Metric::Progress
            | Metric::Questions
            | Metric::Rounds
            | Metric::Polls
            | Metric::Cached => None,
            _ if statistic == Statistic::Count && self.dimension(Statistic::Max).is_some() => None,
            _ => Some(true),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::TimeMetric;

    #[test]
    fn slower_is_worse_and_less_done_is_worse() {
        let latency = Metric::Time(TimeMetric::Latency);
        assert_eq!(latency.worse_above(Statistic::Percentile(95.0)), Some(true));
        assert_eq!(latency.worse_above(Statistic::Count), None, "a number of samples is neither");
        assert_eq!(Metric::Errors { class: None }.worse_above(Statistic::Rate), Some(true));
        assert_eq!(Metric::Dropped.worse_above(Statistic::Count), Some(true));
        assert_eq!(Metric::Expect { label: 0 }.worse_above(Statistic::Rate), Some(false));
        assert_eq!(Metric::Requests.worse_above(Statistic::Rate), Some(false));
        assert_eq!(Metric::Requests.worse_above(Statistic::Count), None);
        assert_eq!(Metric::BytesIn.worse_above(Statistic::Rate), None);
    }
}
