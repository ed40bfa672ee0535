//! The load of a scenario over time.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Assertion;

/// The load over time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Load {
    /// Iterations are due at instants computed from the plan alone.
    Open {
        /// Levels in iterations per second.
        segments: Vec<Segment>,
        /// Spacing.
        arrivals: Arrivals,
    },
    /// Each virtual user starts its next iteration when the last one ends.
    Closed {
        /// Levels in virtual users.
        segments: Vec<Segment>,
        /// A fixed amount of work, which ends the load before the stages do.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        work: Option<Work>,
    },
    /// The level rises by steps until a condition breaks.
    Seek(Box<Seek>),
}

/// A fixed amount of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Work {
    /// Iterations: in all where they are shared, otherwise of each user.
    pub iterations: u64,
    /// Whether all users share them.
    pub shared: bool,
}

/// A search for the highest level at which a condition holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Seek {
    /// The longest that the search can take: each level from the lowest, with the
    /// second in which it is judged, and the time to confirm.
    pub segments: Vec<Segment>,
    /// The levels, from the lowest.
    pub levels: Vec<f64>,
    /// Whether levels are arrivals per second rather than users.
    pub open: bool,
    /// What must hold at each level.
    pub conditions: Vec<Assertion>,
    /// For how long each level is judged, in nanoseconds.
    pub every_ns: u64,
    /// For how long the last good level is confirmed, in nanoseconds.
    pub confirm_ns: u64,
}

/// In this time behind the part of a leg that is judged, the level stays as it is
/// and the next one is decided.
pub const DECIDED_NS: u64 = 1_000_000_000;

/// Before a level is confirmed, work under way may finish for as long as this.
pub const RECOVERY_NS: u64 = 10 * DECIDED_NS;

/// So many levels are confirmed at most: the last good one, and if it does not
/// hold for that long, the one below.
pub const CONFIRMATIONS: u32 = 2;

/// A part of a search, in which the level is constant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Leg {
    /// In arrivals per second or users.
    pub level: f64,
    /// With the time in which the next leg is decided, in nanoseconds.
    pub duration_ns: u64,
}

impl Seek {
    /// A search over some levels, without its conditions.
    #[must_use]
    pub fn new(levels: Vec<f64>, open: bool, every_ns: u64, confirm_ns: u64) -> Seek {
        let leg = |level: f64, nanos: u64| Segment { from: level, to: level, duration_ns: nanos + DECIDED_NS };
        let top = levels.last().copied().unwrap_or(0.0);
        let confirming = [leg(0.0, RECOVERY_NS), leg(top, confirm_ns)];
        let confirming = std::iter::repeat_n(confirming, CONFIRMATIONS as usize).flatten();
        let segments = levels.iter().map(|level| leg(*level, every_ns)).chain(confirming).collect();
        Seek { segments, levels, open, conditions: Vec::new(), every_ns, confirm_ns }
    }

    /// The leg at a level that is tried.
    #[must_use]
    pub fn tried(&self, level: usize) -> Leg {
        self.leg(level, self.every_ns)
    }

    /// The leg that confirms a level.
    #[must_use]
    pub fn confirmed(&self, level: usize) -> Leg {
        self.leg(level, self.confirm_ns)
    }

    fn leg(&self, level: usize, nanos: u64) -> Leg {
        Leg { level: self.levels.get(level).copied().unwrap_or(0.0), duration_ns: nanos.saturating_add(DECIDED_NS) }
    }
}

impl Load {
    /// Whether iterations are due at instants computed from the plan.
    #[must_use]
    pub fn is_open(&self) -> bool {
        match self {
            Load::Open { .. } => true,
            Load::Closed { .. } => false,
            Load::Seek(seek) => seek.open,
        }
    }

    /// The stages.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        match self {
            Load::Open { segments, .. } | Load::Closed { segments, .. } => segments,
            Load::Seek(seek) => &seek.segments,
        }
    }

    pub(super) fn segments_mut(&mut self) -> &mut Vec<Segment> {
        match self {
            Load::Open { segments, .. } | Load::Closed { segments, .. } => segments,
            Load::Seek(seek) => &mut seek.segments,
        }
    }

    /// Length of all stages, in nanoseconds.
    #[must_use]
    pub fn duration_ns(&self) -> u64 {
        self.segments().iter().fold(0, |sum, segment| segment.duration_ns.saturating_add(sum))
    }

    /// The highest level of any stage.
    #[must_use]
    pub fn peak(&self) -> f64 {
        self.segments().iter().map(|segment| segment.from.max(segment.to)).fold(0.0, f64::max)
    }

    /// The level for which there should be sessions before it begins: the peak,
    /// or the lowest level of a search.
    #[must_use]
    pub fn opening(&self) -> f64 {
        match self {
            Load::Seek(seek) => seek.levels.first().copied().unwrap_or(0.0),
            load => load.peak(),
        }
    }

    /// The level at `at_ns` from the start; 0 outside the stages.
    #[must_use]
    pub fn level_at(&self, at_ns: u64) -> f64 {
        let mut start = 0;
        for segment in self.segments() {
            if at_ns < segment.duration_ns.saturating_add(start) {
                return segment.level_at(at_ns - start);
            }
            start = segment.duration_ns.saturating_add(start);
        }
        0.0
    }
}

/// A stretch of time in which the level changes linearly.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Segment {
    /// Level at its start.
    pub from: f64,
    /// Level at its end.
    pub to: f64,
    /// Its length in nanoseconds; above 0.
    pub duration_ns: u64,
}

impl Segment {
    /// The level `at_ns` after the segment's start.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "nanoseconds of a run stay below 2^53")]
    pub fn level_at(&self, at_ns: u64) -> f64 {
        self.from + (self.to - self.from) * (at_ns as f64 / self.duration_ns as f64)
    }

    /// Area under the line in level × seconds.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "nanoseconds of a run stay below 2^53")]
    pub fn area(&self) -> f64 {
        f64::midpoint(self.from, self.to) * (self.duration_ns as f64 / 1e9)
    }
}

/// Spacing of arrivals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Arrivals {
    /// Evenly along the area under the rate line.
    #[default]
    Uniform,
    /// As independent clients would arrive, with the same total.
    Poisson,
}
