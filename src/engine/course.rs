//! The load of a scenario as it is driven: at once as planned, or leg by leg
//! where a search decides as it goes.

use tokio::time::Instant;

use super::shard::Shard;
use crate::plan::{Leg, Load, Scenario, Segment};
use crate::transport::Connector;

/// A part of the load that is known.
#[derive(Clone, Debug)]
pub(super) struct Stretch {
    /// Its start, in nanoseconds from the start of the run.
    pub(super) from_ns: u64,
    pub(super) segments: Vec<Segment>,
}

impl Stretch {
    /// Its end, in nanoseconds from the start of the run.
    pub(super) fn to_ns(&self) -> u64 {
        self.segments.iter().fold(self.from_ns, |at, segment| at.saturating_add(segment.duration_ns))
    }
}

/// Walks along the load of one scenario.
pub(super) struct Course {
    scenario: usize,
    /// When the next stretch begins.
    from_ns: u64,
    /// When the load is over at the latest.
    end_ns: u64,
    way: Way,
}

enum Way {
    Planned(Option<Vec<Segment>>),
    /// The number of the next leg, and the first one.
    Search(usize, Leg),
}

impl Course {
    pub(super) fn new(index: usize, scenario: &Scenario) -> Course {
        let way = match &scenario.load {
            Load::Seek(seek) => Way::Search(0, seek.tried(0)),
            load => Way::Planned(Some(load.segments().to_vec())),
        };
        Course { scenario: index, from_ns: scenario.start_ns, end_ns: scenario.end_ns(), way }
    }

    /// The next stretch; waits until it is known. `None` at the end of the load
    /// and when the run is being stopped.
    pub(super) async fn next<C: Connector>(&mut self, shard: &Shard<C>) -> Option<Stretch> {
        let segments = match &mut self.way {
            Way::Planned(segments) => segments.take()?,
            Way::Search(number, first) => {
                let leg = match *number {
                    0 => *first,
                    number => {
                        // A search that nobody decides ends with its plan.
                        let decided = shard.control.leg(self.scenario, number - 1);
                        tokio::time::timeout_at(shard.at(self.end_ns), decided).await.ok()??
                    }
                };
                *number += 1;
                vec![Segment { from: leg.level, to: leg.level, duration_ns: leg.duration_ns }]
            }
        };
        let stretch = Stretch { from_ns: self.from_ns, segments };
        self.from_ns = stretch.to_ns();
        Some(stretch)
    }

    /// Whether a stretch may follow on the last one without a break.
    pub(super) fn goes_on(&self) -> bool {
        matches!(self.way, Way::Search(..))
    }

    /// Waits until the load is over.
    pub(super) async fn end<C: Connector>(mut self, shard: &Shard<C>) {
        while let Some(stretch) = self.next(shard).await {
            tokio::time::sleep_until(shard.at(stretch.to_ns())).await;
        }
    }

    /// The instant at which a stretch ends.
    pub(super) fn end_of<C: Connector>(shard: &Shard<C>, stretch: &Stretch) -> Instant {
        shard.at(stretch.to_ns())
    }
}
