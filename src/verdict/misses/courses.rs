//! What else there is to look at: the courses that a run has beside the one that broke a
//! limit.
//!
//! What follows from the same requests by itself is left out: how long the iterations and
//! groups of a slow step take, or how many requests users who wait for it make.

use std::ops::Range;

use super::super::findings::describe;
use super::About;
use super::grid::{Grid, summed};
use crate::plan::{Measure, Selection, Step};
use crate::record::{Counts, Distribution, ErrorClass, SessionTime, Time};
use crate::results::{ProcessSums, Results, Window};
use crate::units::{Dimension, Quantity};

/// A cell with fewer values has no mean or median worth the name.
const ENOUGH: u64 = 5;

/// The smallest changes that matter, whatever they are a part of: times, shares of
/// requests that are answered otherwise, shares that fail, memory, processor time,
/// descriptors, sessions a second, and bytes for a request.
const TIME_NS: f64 = 1e6;
const SHARE: f64 = 0.05;
const FAILED: f64 = 0.01;
const MEMORY: f64 = 4.0 * 1024.0 * 1024.0;
const CPU: f64 = 0.1;
const FILES: f64 = 5.0;
const SESSIONS: f64 = 1.0;
const BYTES: f64 = 64.0;

/// A course of values, one for each cell.
pub(super) struct Course {
    /// What it is of: `the CPU of `rules``.
    pub(super) name: String,
    pub(super) values: Vec<Option<f64>>,
    dimension: Dimension,
    /// A smaller change does not matter.
    pub(super) least: f64,
    /// Whether it is the latency of another step: of several, one is enough.
    pub(super) is_step: bool,
}

impl Course {
    pub(super) fn show(&self, value: f64) -> String {
        Quantity::new(value, self.dimension).to_string()
    }
}

/// All that a miss can be held beside.
pub(super) struct Courses<'a> {
    pub(super) results: &'a Results,
    pub(super) grid: &'a Grid,
    pub(super) about: &'a About,
    /// The step that carries the miss, or all that it is about.
    pub(super) own: &'a Selection,
    /// Whether the load changed at once, and what is in proportion to it with it.
    pub(super) loaded: bool,
}

impl Courses<'_> {
    pub(super) fn all(&self) -> Vec<Course> {
        let mut all = self.of_the_file();
        all.extend(self.of_counts());
        all.extend(self.of_sessions());
        all.extend(self.of_servers());
        all.extend(self.of_steps());
        // What is the same in every cell cannot have changed.
        all.retain(|course| {
            let mut known = course.values.iter().flatten();
            known.next().is_some_and(|first| known.any(|value| value != first))
        });
        all
    }

    fn course(&self, name: String, dimension: Dimension, least: f64, of: impl Fn(Range<u32>) -> Option<f64>) -> Course {
        Course { name, values: self.grid.each(of), dimension, least, is_step: false }
    }

    /// Metrics of the file's own, expectations with a label, and groups of other flows.
    fn of_the_file(&self) -> Vec<Course> {
        let (results, plan) = (self.results, &self.results.plan);
        let mut found = Vec::new();
        for (index, measure) in
            plan.measures.iter().enumerate().filter(|(index, _)| *self.about != About::Measure(*index))
        {
            let mean = |seconds| {
                let values = summed(seconds, |window| results.measure(index, window));
                let enough = values.count() >= ENOUGH;
                values.mean().filter(|_| enough).map(|mean| mean / Measure::scale(measure.dimension))
            };
            found.push(self.course(format!("the mean of `{}`", measure.name), measure.dimension, 0.0, mean));
        }
        for (index, label) in plan.expectations.iter().enumerate() {
            // What does not hold is a failure, and the other way about.
            if label.is_empty() || matches!(self.about, About::Failures) || *self.about == About::Expectation(index) {
                continue;
            }
            let held = |seconds: Range<u32>| {
                let tallies = seconds.map(|second| results.tally(index, Window::Second(second)));
                let (passed, failed) = tallies.fold((0, 0), |(a, b), (passed, failed)| (a + passed, b + failed));
                share(passed, passed + failed)
            };
            found.push(self.course(format!("the share of `{label}` that held"), Dimension::Share, SHARE, held));
        }
        for (index, group) in plan.groups.iter().enumerate().filter(|(index, _)| !self.is_within(*index)) {
            let median = |seconds| middle(&summed(seconds, |window| results.group(index, window)));
            let name = format!("the median of the group `{group}`");
            found.push(self.course(name, Dimension::Duration, TIME_NS, median));
        }
        found
    }

    /// Whether a group may hold what the miss is about.
    fn is_within(&self, group: usize) -> bool {
        let plan = &self.results.plan;
        let own: Vec<usize> =
            self.own.series.iter().filter_map(|series| plan.series.get(*series)).map(|series| series.flow).collect();
        own.is_empty()
            || *self.about == About::Group(group)
            || plan.flows.iter().enumerate().any(|(index, flow)| {
                let (mut here, mut runs) = (false, false);
                flow.visit(&mut |step| match step {
                    Step::Group { group: known, .. } => here |= *known == group,
                    Step::Run { .. } => runs = true,
                    _ => {}
                });
                here && (runs || own.contains(&index))
            })
    }

    /// Whether a class of failures is what the miss is about, by another name.
    fn is_same(&self, class: ErrorClass) -> bool {
        matches!(self.about, About::Expectation(_)) && class == ErrorClass::Expectation
    }

    fn counts(&self, selection: &Selection, seconds: Range<u32>) -> Counts {
        let mut sum = Counts::default();
        seconds.for_each(|second| sum.add(&self.results.counts(selection, Window::Second(second))));
        sum
    }

    /// Shares of requests, and what answers weigh.
    #[expect(clippy::cast_precision_loss, reason = "counts stay below 2^53")]
    fn of_counts(&self) -> Vec<Course> {
        let everything = self.results.everything();
        let whole = self.results.counts(&everything, Window::Whole);
        let mut found = Vec::new();
        let cached = |seconds| {
            let counts = self.counts(&everything, seconds);
            share(counts.cached, counts.requests + counts.cached)
        };
        let name = "the share of requests that users had kept the results of".to_owned();
        found.push(self.course(name, Dimension::Share, SHARE, cached));
        if *self.about != About::Failures {
            for class in whole.errors.keys().copied().filter(|class| class.is_failure() && !self.is_same(*class)) {
                let of = |counts: &Counts| counts.errors.get(&class).copied().unwrap_or(0);
                // Of the step itself where most are its own.
                let mine = of(&self.results.counts(self.own, Window::Whole));
                let selection = if mine * 2 > of(&whole) { self.own } else { &everything };
                let failed = |seconds| {
                    let counts = self.counts(selection, seconds);
                    share(of(&counts), counts.requests)
                };
                let name = format!("the share of requests that failed with {}", describe(class));
                found.push(self.course(name, Dimension::Share, FAILED, failed));
            }
        }
        let violations = |seconds| {
            let counts = self.counts(&everything, seconds);
            share(counts.violations, counts.requests)
        };
        found.push(self.course("violations per request".to_owned(), Dimension::Share, FAILED, violations));
        // What fails is answered with something else, or not at all.
        if !matches!(self.about, About::Failures | About::Expectation(_)) {
            let weight = |seconds| {
                let counts = self.counts(self.own, seconds);
                (counts.requests >= ENOUGH).then(|| counts.bytes_in as f64 / counts.requests as f64)
            };
            found.push(self.course("bytes received per request".to_owned(), Dimension::Size, BYTES, weight));
        }
        found
    }

    #[expect(clippy::cast_precision_loss, reason = "counts stay below 2^53")]
    fn of_sessions(&self) -> Vec<Course> {
        let (results, everything) = (self.results, self.results.everything());
        let times = |time: SessionTime| {
            let everything = everything.clone();
            move |seconds| summed(seconds, |window| results.session_times(&everything, time, window))
        };
        let mut found = Vec::new();
        if !self.loaded {
            let name = |what: &str| format!("the number of {what} opened in a second");
            for (what, time) in [("sessions", SessionTime::Open), ("connections", SessionTime::Connect)] {
                let times = times(time);
                let opened = |seconds: Range<u32>| Some(times(seconds.clone()).count() as f64 / seconds.len() as f64);
                found.push(self.course(name(what), Dimension::Number, SESSIONS, opened));
            }
        }
        if *self.about != About::Sessions {
            let times = times(SessionTime::Open);
            let name = "the median of opening a session".to_owned();
            found.push(self.course(name, Dimension::Duration, TIME_NS, |seconds| middle(&times(seconds))));
        }
        let late = |seconds| {
            let lag = summed(seconds, |window| results.lag(window));
            lag.percentile(99.0).filter(|_| lag.count() >= ENOUGH)
        };
        let name = "the load generator's own lateness (p99)".to_owned();
        found.push(self.course(name, Dimension::Duration, TIME_NS, late));
        found
    }

    #[expect(clippy::cast_precision_loss, reason = "bytes and counts stay below 2^53")]
    fn of_servers(&self) -> Vec<Course> {
        let mut found = Vec::new();
        for (index, server) in self.results.plan.servers.iter().enumerate() {
            let mean = |of: fn(ProcessSums) -> Option<f64>| {
                move |seconds: Range<u32>| {
                    let rows =
                        seconds.flat_map(|second| self.results.process_sums(Some(index), Window::Second(second)));
                    let values: Vec<f64> = rows.filter_map(|(_, sums)| of(sums)).collect();
                    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
                }
            };
            let name = |what: &str| format!("{what} of `{}`", server.name);
            if *self.about != About::Server {
                found.push(self.course(
                    name("the memory"),
                    Dimension::Size,
                    MEMORY,
                    mean(|sums| Some(sums.rss_bytes as f64)),
                ));
                if !self.loaded {
                    found.push(self.course(name("the processor use"), Dimension::Share, CPU, mean(|sums| sums.cpu)));
                    let files = mean(|sums| Some(sums.open_files as f64).filter(|files| *files > 0.0));
                    found.push(self.course(name("the open files"), Dimension::Number, FILES, files));
                }
            }
        }
        found
    }

    /// Latencies of other steps; of all where that is not what broke.
    fn of_steps(&self) -> Vec<Course> {
        let plan = &self.results.plan;
        let slow = matches!(self.about, About::Latency | About::Group(_));
        let shown = |series: &usize| !slow || !self.own.series.contains(series);
        let chosen = self.results.everything().series.into_iter().filter(shown);
        chosen
            .filter_map(|series| {
                let step = Selection { series: vec![series], ..Selection::default() };
                let median =
                    |seconds| middle(&summed(seconds, |window| self.results.times(&step, Time::Service, window)));
                let name = format!("the median of `{}`", plan.series.get(series)?.step);
                let course = self.course(name, Dimension::Duration, TIME_NS, median);
                Some(Course { is_step: true, ..course })
            })
            .collect()
    }
}

fn middle(times: &Distribution) -> Option<f64> {
    times.percentile(50.0).filter(|_| times.count() >= ENOUGH)
}

#[expect(clippy::cast_precision_loss, reason = "counts stay below 2^53")]
fn share(part: u64, whole: u64) -> Option<f64> {
    (whole >= ENOUGH).then(|| part as f64 / whole as f64)
}
