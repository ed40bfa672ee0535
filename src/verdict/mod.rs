//! The verdict: did what had to hold, hold?
//!
//! Invariant: a pure function of results (and, later, stored runs): the same
//! results give the same verdict, byte for byte. May import `results`, `plan`,
//! `record`, `stats`, `units`.

mod bottleneck;
mod breach;
pub mod compare;
mod confidence;
mod evaluate;
mod findings;
mod judge;
mod lateness;
mod misses;
mod search;
mod stall;
mod standing;
mod symptoms;
mod tags;
#[cfg(test)]
mod tests;
pub mod trend;
mod watch;

pub use bottleneck::Strain;
pub use judge::judge;
pub use search::{Search, SearchEnd, Searched, Tried, searches};
pub use standing::{Standing, Standings};
pub use watch::Watch;

use serde::{Deserialize, Serialize};

use crate::plan::Comparison;
use crate::units::Quantity;

/// What became of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// In one word.
    pub outcome: Outcome,
    /// In one sentence, without a full stop.
    pub sentence: String,
    /// One for each assertion, in the order of the file.
    pub assertions: Vec<Judgement>,
    /// What the searches for a limit found, in the order of the scenarios.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub searches: Vec<Searched>,
    /// Comparisons with stored runs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub comparisons: Vec<compare::Comparison>,
    /// What the history says of the load, up to this run. It decides nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trend: Option<trend::Trend>,
    /// What else a reader should know, most important first; at most five.
    pub findings: Vec<Finding>,
}

/// In one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// All assertions held.
    Passed,
    /// At least one did not.
    Failed,
    /// Nothing can be said, for example because nothing was measured.
    Inconclusive,
    /// The load generator was the bottleneck, so that the figures are not the
    /// server's, whether or not the assertions held.
    Invalid,
    /// The run was stopped or cut off; the assertions were judged on what there
    /// was.
    Interrupted,
    /// The guard of the file stopped the run; the same.
    Guarded,
}

impl Outcome {
    /// The exit code that says so.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Outcome::Passed => 0,
            Outcome::Failed => 1,
            Outcome::Guarded => 4,
            Outcome::Inconclusive | Outcome::Invalid => 5,
            Outcome::Interrupted => 130,
        }
    }

    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Outcome::Passed => "passed",
            Outcome::Failed => "failed",
            Outcome::Inconclusive => "inconclusive",
            Outcome::Invalid => "invalid",
            Outcome::Interrupted => "interrupted",
            Outcome::Guarded => "stopped",
        }
    }
}

/// One assertion and what was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// The assertion as written.
    pub source: String,
    /// Whether it held.
    pub state: State,
    /// The left side as measured, or the share of seconds in which it held for
    /// an assertion `in 99% of seconds`; absent without data.
    pub observed: Option<Quantity>,
    /// How the sides compare.
    pub comparison: Comparison,
    /// The right side, or the share of seconds in which it had to hold.
    pub limit: Option<Quantity>,
    /// Distance from the limit relative to it: positive when it held, negative
    /// when it did not; 0.2 is a fifth of the limit. Absent when the limit is 0.
    pub margin: Option<f64>,
    /// How many samples the left side rests on.
    pub samples: u64,
    /// What happened, in one sentence without a full stop.
    pub explanation: String,
    /// The first measured second (from 0) in which it did not hold.
    pub first_breach: Option<u32>,
    /// Share of the seconds with data in which it held, 0 to 1.
    pub seconds_met: Option<f64>,
    /// The left side second by second over the measured stretch, in base units;
    /// absent where a second has no data.
    pub per_second: Vec<Option<f64>>,
    /// The second of the first entry of `per_second`.
    pub first_second: u32,
}

/// Whether an assertion held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It held.
    Held,
    /// It did not.
    Failed,
    /// There was nothing to judge, which is a failure.
    NoData,
    /// There were fewer samples than the percentile needs, which is a failure.
    TooFewSamples,
}

impl State {
    /// Whether the run may pass.
    #[must_use]
    pub fn held(self) -> bool {
        self == State::Held
    }
}

/// Something a reader should know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What it is about, in one word for programs.
    pub kind: Kind,
    /// How much it matters.
    pub level: Level,
    /// One sentence.
    pub text: String,
}

/// What a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// No server was contacted.
    Rehearsed,
    /// The load generator was the bottleneck.
    GeneratorBottleneck,
    /// The load generator was late.
    GeneratorLate,
    /// Answers reached the wrong user.
    CrossWired,
    /// Another violation of the protocol.
    Violation,
    /// Arrivals were dropped.
    Dropped,
    /// A target was missed, and it is known where, since when or beside what.
    Missed,
    /// Requests waited for the guard.
    HeldBack,
    /// Iterations were cut off.
    Abandoned,
    /// Requests failed.
    Errors,
    /// A fixed amount of work was not done.
    Unfinished,
    /// Idle connections were closed under requests.
    Stale,
    /// A pause of 40 ms within answers.
    Nagle,
    /// A tag has too many values.
    Tags,
    /// Answers are lost.
    LostReplies,
    /// Answers stop halfway.
    StalledReplies,
    /// Sessions are forgotten.
    LostSessions,
    /// Memory grows and does not come back.
    Leak,
    /// Failures come in bursts.
    ErrorBursts,
    /// The server stands still by the clock.
    Freeze,
    /// The server is slow at first.
    SlowStart,
    /// Latency grows while the load stays the same.
    Drift,
    /// The server does not keep up with the rate.
    Saturated,
    /// A step waits behind another.
    Blocking,
    /// Cancelled requests are answered all the same.
    IgnoredCancellation,
}

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// It puts the numbers in doubt, or users were harmed.
    Problem,
    /// Worth a look.
    Notice,
}
