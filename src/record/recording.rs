//! A recording: what happened in each second, per series.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::violation::Violation;

use super::examples::keep_first;
use super::slowest::keep_slowest;
use super::{ErrorClass, Examples, Failure, Frozen, OTHER_TAGS, ProcessRow, SlowRequest};

/// Whether a request was due in the warm-up, which no statistic counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Due in the warm-up.
    Warmup,
    /// Counts.
    Measured,
}

/// Times kept of each answered request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Time {
    /// From the due instant to the response message; successes only.
    Latency,
    /// From the first byte written to the response message; successes only.
    Service,
    /// From the due instant to the first byte written.
    Wait,
    /// From the first byte written to the first byte of the response.
    FirstByte,
    /// From the due instant to the moment a failure was known.
    Failed,
}

/// How many [`Time`]s there are.
pub const TIMES: usize = 5;

/// Times kept of MCP sessions and iterations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionTime {
    /// A whole iteration without think time.
    Iteration,
    /// Opening a connection or starting a child.
    Connect,
    /// The handshake of the revision.
    Open,
    /// Ending the session.
    Close,
}

/// How many [`SessionTime`]s there are.
pub const SESSION_TIMES: usize = 4;

/// Counts of one series in one second.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Counts {
    /// Requests answered or failed.
    pub requests: u64,
    /// Failures by class.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub errors: BTreeMap<ErrorClass, u64>,
    /// Bytes received.
    pub bytes_in: u64,
    /// Bytes sent.
    pub bytes_out: u64,
    /// Notifications seen before the response.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub notifications: u64,
    /// Notifications of progress that was asked for.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub progress: u64,
    /// Updates of resources that were subscribed to.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub updates: u64,
    /// What the server asked of its client: requests of its own, or input that it
    /// required.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub questions: u64,
    /// Times that requests were sent again with answers.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub rounds: u64,
    /// Timeouts of answers that had begun.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub stalled: u64,
    /// Times that servers were asked how far a task has come.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub polls: u64,
    /// Results of requests that had been cancelled, which came all the same. They
    /// count in whichever request of the session is next.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub late: u64,
    /// Requests that were not sent, since the user had kept their results as the
    /// server allows. No other count has them.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cached: u64,
    /// Violations of the protocol.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub violations: u64,
    /// The same by kind.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub violation_kinds: BTreeMap<Violation, u64>,
}

pub(super) fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl Counts {
    /// All failures. Requests that met a stale connection, or were cancelled, are
    /// none, nor are they answered.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.errors.iter().filter(|(class, _)| class.is_failure()).map(|(_, count)| count).sum()
    }

    /// Adds another second or part.
    pub fn add(&mut self, other: &Counts) {
        self.requests += other.requests;
        for (class, count) in &other.errors {
            *self.errors.entry(*class).or_default() += count;
        }
        self.bytes_in += other.bytes_in;
        self.bytes_out += other.bytes_out;
        self.notifications += other.notifications;
        self.progress += other.progress;
        self.updates += other.updates;
        self.questions += other.questions;
        self.rounds += other.rounds;
        self.stalled += other.stalled;
        self.polls += other.polls;
        self.late += other.late;
        self.cached += other.cached;
        self.violations += other.violations;
        for (violation, count) in &other.violation_kinds {
            *self.violation_kinds.entry(*violation).or_default() += count;
        }
    }
}

/// One series in one second.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SeriesRow {
    /// Index of the series in the plan.
    pub series: usize,
    /// Warm-up or not.
    pub phase: Phase,
    /// Values of the tags that the requests brought, in the order of the series'
    /// keys in the plan.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Counts.
    pub counts: Counts,
    /// Times, in the order of [`Time`].
    pub times: [Frozen; TIMES],
}

/// One scenario in one second.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ScenarioRow {
    /// Index of the scenario in the plan.
    pub scenario: usize,
    /// Warm-up or not.
    pub phase: Phase,
    /// Iterations that were due or begun.
    pub started: u64,
    /// Iterations finished.
    pub iterations: u64,
    /// Arrivals that found no free virtual user, or came too late.
    pub dropped: u64,
    /// Iterations cut off at the end of the drain.
    pub abandoned: u64,
    /// MCP sessions opened.
    pub sessions: u64,
    /// MCP sessions that the server did not know any more.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub lost: u64,
    /// Times, in the order of [`SessionTime`].
    pub times: [Frozen; SESSION_TIMES],
}

/// Passes and failures of one expectation in one second.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tally {
    /// Index of the label in the plan.
    pub label: usize,
    /// Warm-up or not.
    pub phase: Phase,
    /// Times it held.
    pub passed: u64,
    /// Times it did not.
    pub failed: u64,
}

/// Values of one group or of one metric of the file's own in one second.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ValueRow {
    /// Index of the group or metric in the plan.
    pub index: usize,
    /// Warm-up or not.
    pub phase: Phase,
    /// Times in nanoseconds; values of a metric times their scale
    /// ([`crate::plan::Measure::scale`]).
    pub values: Frozen,
}

/// An example of a violation of the protocol.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct ViolationExample {
    /// Index of the series in the plan.
    pub series: usize,
    /// The kind.
    pub violation: Violation,
    /// Milliseconds from the start of the run.
    pub at_ms: u64,
    /// What was seen.
    pub message: String,
}

/// A line of `log`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct LogLine {
    /// Milliseconds from the start of the run.
    pub at_ms: u64,
    /// Index of the scenario in the plan.
    pub scenario: usize,
    /// Number of the user.
    pub user: u64,
    /// What was logged.
    pub text: String,
}

/// The load generator's own state in one second, over its threads.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Health {
    /// How late due work was started.
    pub lag: Frozen,
    /// CPU time used by the threads of the engine, in nanoseconds.
    pub cpu_ns: u64,
    /// The time in which it was used, summed over the threads, in nanoseconds; 0
    /// when that was not measured.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cpu_of_ns: u64,
    /// CPU time of the busiest thread in nanoseconds, as of a whole second: one
    /// busy thread among idle ones is a bottleneck that no sum shows. 0 when it
    /// was not measured.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub busiest_ns: u64,
    /// Requests on their way at the end of the second.
    pub in_flight: u64,
    /// Virtual users that exist at the end of the second.
    pub users: u64,
    /// Requests that waited because the guard's `max in_flight` was reached.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub held: u64,
    /// Memory of the process at the end of the second; 0 when unknown.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub rss_bytes: u64,
    /// Descriptors that the process had open at the end of the second; 0 when
    /// unknown.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub open_files: u64,
    /// Sockets of connections to servers that were open at the end of the second;
    /// 0 without any, and in results of before they were counted.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub open_sockets: u64,
}

impl Health {
    /// The share of a processor that the busiest thread used. Results of before
    /// that was measured have the average over the threads only.
    #[must_use]
    pub fn busiest(&self, threads: usize) -> Option<f64> {
        if self.busiest_ns == 0 { self.cpu_share(threads) } else { Some(share(self.busiest_ns, NANOS)) }
    }

    /// The share that all threads together used of their processors.
    #[must_use]
    pub fn cpu_share(&self, threads: usize) -> Option<f64> {
        let whole = match self.cpu_of_ns {
            0 => (threads.max(1) as u64).saturating_mul(NANOS),
            measured => measured,
        };
        (self.cpu_ns > 0).then(|| share(self.cpu_ns, whole))
    }

    /// Adds another thread or machine. Threads are compared, processes summed up.
    fn merge(&mut self, other: &Health) {
        self.lag.merge(&other.lag);
        self.cpu_ns += other.cpu_ns;
        self.cpu_of_ns += other.cpu_of_ns;
        self.busiest_ns = self.busiest_ns.max(other.busiest_ns);
        self.in_flight += other.in_flight;
        self.users += other.users;
        self.held += other.held;
        self.rss_bytes += other.rss_bytes;
        self.open_files += other.open_files;
        self.open_sockets += other.open_sockets;
    }
}

const NANOS: u64 = 1_000_000_000;

#[expect(clippy::cast_precision_loss, reason = "for statistics")]
fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}

/// Everything of one second, counted from the start of the run by the instant
/// at which a request ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Slice {
    /// From 0.
    pub second: u32,
    /// Per series and phase, sorted.
    pub series: Vec<SeriesRow>,
    /// Per scenario and phase, sorted.
    pub scenarios: Vec<ScenarioRow>,
    /// Per label and phase, sorted.
    pub expectations: Vec<Tally>,
    /// Per group and phase, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<ValueRow>,
    /// Per metric of the file's own and phase, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub measures: Vec<ValueRow>,
    /// What was logged, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub logs: Vec<LogLine>,
    /// The first violations of the protocol of each series and kind on each thread,
    /// sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub violations: Vec<ViolationExample>,
    /// Per server whose process is watched and moment, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub processes: Vec<ProcessRow>,
    /// The load generator itself.
    pub health: Health,
}

impl Slice {
    /// Adds what another thread or machine measured in the same second.
    pub fn merge(&mut self, other: Slice) {
        merge_rows(&mut self.series, other.series, SeriesRow::key, SeriesRow::add);
        let scenario_key = |row: &ScenarioRow| (row.scenario, row.phase);
        merge_rows(&mut self.scenarios, other.scenarios, scenario_key, |row, more| {
            row.started += more.started;
            row.iterations += more.iterations;
            row.dropped += more.dropped;
            row.abandoned += more.abandoned;
            row.sessions += more.sessions;
            row.lost += more.lost;
            row.times.iter_mut().zip(&more.times).for_each(|(time, more)| time.merge(more));
        });
        let tally_key = |row: &Tally| (row.label, row.phase);
        merge_rows(&mut self.expectations, other.expectations, tally_key, |row, more| {
            row.passed += more.passed;
            row.failed += more.failed;
        });
        let value_key = |row: &ValueRow| (row.index, row.phase);
        merge_rows(&mut self.groups, other.groups, value_key, |row, more| row.values.merge(&more.values));
        merge_rows(&mut self.measures, other.measures, value_key, |row, more| row.values.merge(&more.values));
        self.logs.extend(other.logs);
        self.logs.sort();
        self.violations.extend(other.violations);
        self.violations.sort();
        merge_rows(&mut self.processes, other.processes, ProcessRow::key, ProcessRow::add);
        self.health.merge(&other.health);
    }

    /// Sums up the rows of each series that differ in values of tags only.
    pub fn fold_tags(&mut self) {
        for mut row in std::mem::take(&mut self.series) {
            row.tags.iter_mut().for_each(|tag| OTHER_TAGS.clone_into(tag));
            merge_rows(&mut self.series, vec![row], SeriesRow::key, SeriesRow::add);
        }
    }
}

impl SeriesRow {
    fn key(&self) -> (usize, Phase, Vec<String>) {
        (self.series, self.phase, self.tags.clone())
    }

    fn add(&mut self, other: &SeriesRow) {
        self.counts.add(&other.counts);
        self.times.iter_mut().zip(&other.times).for_each(|(time, more)| time.merge(more));
    }
}

fn merge_rows<R, K: Ord>(rows: &mut Vec<R>, others: Vec<R>, key: impl Fn(&R) -> K, add: impl Fn(&mut R, &R)) {
    for other in others {
        match rows.binary_search_by(|row| key(row).cmp(&key(&other))) {
            Ok(at) => {
                if let Some(row) = rows.get_mut(at) {
                    add(row, &other);
                }
            }
            Err(at) => rows.insert(at, other),
        }
    }
}

/// A whole run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Recording {
    /// Seconds in order; a second in which nothing happened may be absent.
    pub seconds: Vec<Slice>,
    /// The first failures of each series and class.
    pub failures: Vec<Failure>,
    /// The ten slowest answered requests of each series, warm-up excluded, in the order
    /// of series and of latency.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slowest: Vec<SlowRequest>,
}

impl Recording {
    /// Adds one second of one thread.
    pub fn add(&mut self, slice: Slice) {
        match self.seconds.binary_search_by_key(&slice.second, |slice| slice.second) {
            Ok(at) => {
                if let Some(same) = self.seconds.get_mut(at) {
                    same.merge(slice);
                }
            }
            Err(at) => self.seconds.insert(at, slice),
        }
    }

    /// Adds single requests, and keeps of them what is to be kept of all.
    pub fn add_examples(&mut self, examples: Examples) {
        if !examples.failures.is_empty() {
            self.failures.extend(examples.failures);
            keep_first(&mut self.failures);
        }
        if !examples.slowest.is_empty() {
            self.slowest.extend(examples.slowest);
            keep_slowest(&mut self.slowest);
        }
    }

    /// Adds another recording of the same plan.
    pub fn merge(&mut self, other: Recording) {
        for slice in other.seconds {
            self.add(slice);
        }
        self.add_examples(Examples { failures: other.failures, slowest: other.slowest });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_busiest_thread_is_not_averaged_away() {
        let health = |cpu_ns| Health { cpu_ns, cpu_of_ns: NANOS, busiest_ns: cpu_ns, ..Health::default() };
        let mut sum = health(950_000_000);
        sum.merge(&health(50_000_000));
        assert_eq!(sum.busiest(2), Some(0.95));
        assert_eq!(sum.cpu_share(2), Some(0.5));
        assert_eq!((Health::default().busiest(2), Health::default().cpu_share(2)), (None, None));
        let before = Health { cpu_ns: NANOS, ..Health::default() };
        assert_eq!(before.busiest(2), Some(0.5), "older results have the average only");
    }

    #[test]
    fn folding_tags_keeps_every_count() {
        let row = |series, tag: &str| SeriesRow {
            series,
            phase: Phase::Measured,
            tags: if tag.is_empty() { Vec::new() } else { vec![tag.to_owned()] },
            counts: Counts { requests: 2, ..Counts::default() },
            times: Default::default(),
        };
        let mut slice = Slice { series: vec![row(0, ""), row(1, "a"), row(1, "b"), row(1, "c")], ..Slice::default() };
        slice.fold_tags();
        let seen: Vec<_> =
            slice.series.iter().map(|row| (row.series, row.tags.join(","), row.counts.requests)).collect();
        assert_eq!(seen, [(0, String::new(), 2), (1, OTHER_TAGS.to_owned(), 6)]);
    }
}
