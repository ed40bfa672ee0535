//! The run over time, in a bounded number of rows.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{float, load, process};
use crate::plan::{Load, Plan, Scenario};
use crate::record::{Counts, ErrorClass, Moment, ProcessRow, Slice, Sparse, SparseSum};
use crate::results::Results;

/// Lengths of a row, in seconds, that people find easy to read.
const LENGTHS: [u64; 13] = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];

const NANOS: u64 = 1_000_000_000;

/// The run over time, warm-up included. Percentiles of a row are those of its
/// own requests, however few they are.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Timeline {
    /// Length of a row in seconds.
    pub every_s: u64,
    /// Length of the run in seconds, drain included.
    pub length_s: u64,
    /// Where stages begin and end, in seconds; the first is 0.
    pub borders_s: Vec<f64>,
    /// The time until which nothing is measured, in seconds.
    pub warmup_s: f64,
    /// In order, without gaps.
    pub rows: Vec<Row>,
}

/// What ended in one stretch of time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// Its start in seconds from the start of the load.
    pub second: u64,
    /// Whether it lies wholly in the warm-up.
    pub warmup: bool,
    /// Iterations due per second by the plan; none without an open scenario.
    pub planned_rate: Option<f64>,
    /// Users by the plan, on average; none without a closed scenario.
    pub planned_users: Option<f64>,
    /// Iterations of open scenarios begun per second; none without such a
    /// scenario and once the load has ended.
    pub started_rate: Option<f64>,
    /// Arrivals that found no free virtual user, or came too late.
    pub dropped: u64,
    /// Virtual users that existed at its end.
    pub users: u64,
    /// Requests on their way at its end.
    pub in_flight: u64,
    /// Requests answered or failed.
    pub requests: u64,
    /// The same per second.
    pub rate: f64,
    /// Requests that failed.
    pub errors: u64,
    /// The same by class: every class that occurs in the run has its entry.
    pub errors_by_class: BTreeMap<&'static str, u64>,
    /// Latency of successes; none where none succeeded.
    pub p50_ns: Option<f64>,
    /// The same, 95th percentile.
    pub p95_ns: Option<f64>,
    /// The same, 99th percentile.
    pub p99_ns: Option<f64>,
    /// The same, the largest.
    pub max_ns: Option<f64>,
    /// How late the load generator started due work, 99th percentile; none
    /// where it started none.
    pub lag_p99_ns: Option<f64>,
    /// CPU time as a share of all threads of the load generator; none when it
    /// was not measured.
    pub cpu: Option<f64>,
    /// CPU time of the busiest thread in its busiest second, as a share of one
    /// processor; none when it was not measured.
    pub busiest: Option<f64>,
    /// Memory of the load generator at its end; none when unknown.
    pub rss_bytes: Option<u64>,
    /// Descriptors that the load generator had open at its end; none when
    /// unknown.
    pub open_files: Option<u64>,
    /// Sockets that the load generator had open to servers at its end; none when
    /// there were none or they were not counted.
    pub open_sockets: Option<u64>,
    /// What the processes of servers had, one for each of the view's `processes`.
    pub processes: Vec<ProcessPoint>,
}

/// What the processes of one server had in a stretch of time.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ProcessPoint {
    /// CPU time as a share of one processor, above 1 where several were used; none
    /// when it was not measured.
    pub cpu: Option<f64>,
    /// Memory at its end; none without a process.
    pub rss_bytes: Option<u64>,
    /// Descriptors open at its end; none when unknown.
    pub open_files: Option<u64>,
}

/// Builds a timeline from slices in order.
pub(super) struct TimelineBuilder<'a> {
    results: &'a Results,
    /// The loads of all scenarios, as seen from the start of the run.
    loads: Vec<Load>,
    classes: Vec<ErrorClass>,
    /// Servers whose processes were watched.
    watched: Vec<usize>,
    every_s: u64,
    length_s: u64,
    rows: Vec<Row>,
    open: Open,
}

/// The row that is being summed up.
#[derive(Default)]
struct Open {
    index: u64,
    counts: Counts,
    started: u64,
    dropped: u64,
    users: u64,
    in_flight: u64,
    cpu_ns: u64,
    busiest: Option<f64>,
    rss_bytes: Option<u64>,
    open_files: Option<u64>,
    open_sockets: Option<u64>,
    /// Per watched server: the last row, with the CPU time of all.
    processes: BTreeMap<usize, ProcessRow>,
    latency: SparseSum,
    lag: SparseSum,
}

impl<'a> TimelineBuilder<'a> {
    /// With at most `rows_max` rows.
    pub(super) fn new(results: &'a Results, rows_max: u64) -> TimelineBuilder<'a> {
        let length_s = length_s(results);
        let mut classes: Vec<ErrorClass> = results
            .recording
            .seconds
            .iter()
            .flat_map(|slice| &slice.series)
            .flat_map(|row| row.counts.errors.keys().copied())
            .collect();
        classes.sort_unstable();
        classes.dedup();
        let every_s = row_length(length_s, rows_max);
        let watched = process::watched(results);
        let loads = results.plan.scenarios.iter().map(Scenario::placed_load).collect();
        TimelineBuilder { results, loads, classes, watched, every_s, length_s, rows: Vec::new(), open: Open::default() }
    }

    /// Adds a second and its lags; its latencies follow.
    pub(super) fn add(&mut self, slice: &Slice, lag: &Sparse) {
        self.close_until(u64::from(slice.second) / self.every_s);
        let open = &mut self.open;
        slice.series.iter().for_each(|row| open.counts.add(&row.counts));
        for row in &slice.scenarios {
            let scenario = self.results.plan.scenarios.get(row.scenario);
            if scenario.is_some_and(|scenario| is_open(&scenario.load)) {
                open.started += row.started;
            }
            open.dropped += row.dropped;
        }
        open.users = slice.health.users;
        open.in_flight = slice.health.in_flight;
        open.cpu_ns += slice.health.cpu_ns;
        let busiest = slice.health.busiest(self.results.run.threads);
        open.busiest = open.busiest.into_iter().chain(busiest).reduce(f64::max);
        open.rss_bytes = Some(slice.health.rss_bytes).filter(|bytes| *bytes > 0);
        open.open_files = Some(slice.health.open_files).filter(|files| *files > 0);
        open.open_sockets = Some(slice.health.open_sockets).filter(|sockets| *sockets > 0);
        for row in slice.processes.iter().filter(|row| row.moment == Moment::During) {
            let (cpu_ns, cpu_of_ns) = open.processes.get(&row.server).map_or((0, 0), |sum| (sum.cpu_ns, sum.cpu_of_ns));
            let sum = ProcessRow { cpu_ns: cpu_ns + row.cpu_ns, cpu_of_ns: cpu_of_ns + row.cpu_of_ns, ..row.clone() };
            open.processes.insert(row.server, sum);
        }
        open.lag.add(lag);
    }

    /// Adds latencies of the second that was added last.
    pub(super) fn add_latency(&mut self, latency: &Sparse) {
        self.open.latency.add(latency);
    }

    pub(super) fn finish(mut self) -> Timeline {
        self.close_until(self.length_s.div_ceil(self.every_s));
        let plan = &self.results.plan;
        let seconds = |nanos: u64| float(nanos) / 1e9;
        Timeline {
            every_s: self.every_s,
            length_s: self.length_s,
            borders_s: load::borders(self.loads.iter()).into_iter().map(seconds).collect(),
            warmup_s: seconds(warmup_ns(plan)),
            rows: self.rows,
        }
    }

    fn close_until(&mut self, index: u64) {
        while self.open.index < index {
            let next = Open { index: self.open.index + 1, ..Open::default() };
            let mut done = std::mem::replace(&mut self.open, next);
            let latency = std::mem::take(&mut done.latency).finish();
            let lag = std::mem::take(&mut done.lag).finish();
            let row = self.row(&done, &latency, &lag);
            self.rows.push(row);
        }
    }

    fn row(&self, open: &Open, latency: &Sparse, lag: &Sparse) -> Row {
        let plan = &self.results.plan;
        let second = open.index * self.every_s;
        let (from, to) = (second.saturating_mul(NANOS), (second + self.every_s).saturating_mul(NANOS));
        let load_end = self.results.run.load_ms.saturating_mul(1_000_000);
        let length = float(self.every_s);
        let loaded = float(to.min(load_end).saturating_sub(from)) / 1e9;
        let threads = self.results.run.threads.max(1) as f64;
        let planned = |open: bool| {
            let mut loads = self.loads.iter().filter(|load| is_open(load) == open).peekable();
            loads.peek().is_some().then(|| loads.map(|load| load::area_between(load, from, to)).sum::<f64>() / length)
        };
        let has_open = plan.scenarios.iter().any(|scenario| is_open(&scenario.load));
        let class_count = |class: &ErrorClass| (class.name(), open.counts.errors.get(class).copied().unwrap_or(0));
        Row {
            second,
            warmup: to <= warmup_ns(plan),
            planned_rate: planned(true),
            planned_users: planned(false),
            started_rate: (has_open && loaded > 0.0).then(|| float(open.started) / loaded),
            dropped: open.dropped,
            users: open.users,
            in_flight: open.in_flight,
            requests: open.counts.requests,
            rate: float(open.counts.requests) / length,
            errors: open.counts.failed(),
            errors_by_class: self.classes.iter().map(class_count).collect(),
            p50_ns: latency.percentile(50.0),
            p95_ns: latency.percentile(95.0),
            p99_ns: latency.percentile(99.0),
            max_ns: latency.max(),
            lag_p99_ns: lag.percentile(99.0),
            cpu: (open.cpu_ns > 0).then(|| float(open.cpu_ns) / 1e9 / length / threads),
            busiest: open.busiest,
            rss_bytes: open.rss_bytes,
            open_files: open.open_files,
            open_sockets: open.open_sockets,
            processes: self.watched.iter().map(|server| point(open.processes.get(server))).collect(),
        }
    }
}

fn point(row: Option<&ProcessRow>) -> ProcessPoint {
    let Some(row) = row else { return ProcessPoint::default() };
    let alive = row.processes > 0;
    ProcessPoint {
        cpu: row.cpu_share(),
        rss_bytes: alive.then_some(row.rss_bytes),
        open_files: Some(row.open_files).filter(|files| alive && *files > 0),
    }
}

/// Length of a run in seconds, drain included.
pub(super) fn length_s(results: &Results) -> u64 {
    let last = results.recording.seconds.last().map_or(0, |slice| u64::from(slice.second) + 1);
    last.max(results.run.load_ms.div_ceil(1000))
}

fn is_open(load: &Load) -> bool {
    matches!(load, Load::Open { .. })
}

/// Until when nothing is measured.
fn warmup_ns(plan: &Plan) -> u64 {
    plan.scenarios.iter().map(|scenario| scenario.measured_from_ns()).min().unwrap_or(0)
}

/// The shortest readable length with which `length_s` fits `rows_max` rows.
pub(super) fn row_length(length_s: u64, rows_max: u64) -> u64 {
    let least = length_s.div_ceil(rows_max).max(1);
    LENGTHS.into_iter().find(|length| *length >= least).unwrap_or_else(|| least.next_multiple_of(3600))
}

#[cfg(test)]
mod tests {
    use super::row_length;

    #[test]
    fn rows_have_readable_lengths_and_are_bounded() {
        assert_eq!(row_length(0, 60), 1);
        assert_eq!(row_length(60, 60), 1);
        assert_eq!(row_length(61, 60), 2);
        assert_eq!(row_length(600, 60), 10);
        assert_eq!(row_length(3600, 3600), 1);
        for length in [1, 59, 61, 4000, 100_000, u64::from(u32::MAX)] {
            assert!(length.div_ceil(row_length(length, 60)) <= 60, "{length}");
        }
    }
}
