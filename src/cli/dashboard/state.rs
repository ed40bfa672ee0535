//! What the seconds of a run come to, for the view.
//!
//! Invariant: memory does not grow with the run; nothing here reads a clock or the
//! terminal.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::cli::lookout::Sought;
use crate::cli::terminal::Noted;
use crate::plan::{Load, Plan};
use crate::record::{Counts, Distribution, ErrorClass, Moment, Phase, ProcessRow, SeriesRow, Slice, Time};
use crate::verdict::{Standing, Standings, Strain};

use super::text::plain;

/// Seconds of which the course is shown: ten minutes.
const HISTORY: usize = 600;

/// What the view is about.
pub(in super::super) struct Subject {
    /// The run's plan.
    pub(in super::super) plan: Arc<Plan>,
    /// Threads of the engine.
    pub(in super::super) threads: usize,
    /// Its number and how many there are, where it is one of several.
    pub(in super::super) place: Option<(usize, usize)>,
    /// The servers, as they presented themselves.
    pub(in super::super) against: String,
}

/// One second, over everything.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Point {
    /// Planned and begun, in arrivals per second or, without any open load, users.
    pub(super) planned: f64,
    pub(super) load: f64,
    pub(super) requests: f64,
    /// Percentiles 50, 95 and 99 of the latency, in nanoseconds.
    pub(super) latency: [Option<f64>; 3],
}

/// The percentiles of [`Point`].
pub(super) const PERCENTILES: [f64; 3] = [50.0, 95.0, 99.0];

/// What a series has come to.
#[derive(Default)]
pub(super) struct Sum {
    /// Nothing of the warm-up counts any more once something else does.
    pub(super) measured: bool,
    pub(super) counts: Counts,
    pub(super) latency: Option<Box<Distribution>>,
    /// Requests of the last second.
    pub(super) now: u64,
}

impl Sum {
    fn add(&mut self, row: &SeriesRow) {
        self.now += row.counts.requests;
        match (row.phase, self.measured) {
            (Phase::Measured, false) => *self = Sum { measured: true, now: self.now, ..Sum::default() },
            (Phase::Warmup, true) => return,
            _ => {}
        }
        self.counts.add(&row.counts);
        if let Some(times) = row.times.get(Time::Latency as usize).filter(|times| !times.is_empty()) {
            self.latency.get_or_insert_default().add_frozen(times);
        }
    }
}

/// The load generator in the last second.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Generator {
    pub(super) busiest: Option<f64>,
    pub(super) lag: Option<f64>,
    pub(super) rss_bytes: u64,
    pub(super) sockets: u64,
    pub(super) in_flight: u64,
    pub(super) users: u64,
}

/// A run as far as it has come.
pub(super) struct State {
    pub(super) plan: Arc<Plan>,
    pub(super) threads: usize,
    pub(super) place: Option<(usize, usize)>,
    pub(super) against: String,
    /// The end of the last second, in seconds from the start.
    pub(super) at: u32,
    pub(super) points: VecDeque<Point>,
    pub(super) sums: Vec<Sum>,
    /// Arrivals or iterations begun in the last second, by scenario.
    pub(super) begun: Vec<u64>,
    /// Arrivals that were dropped, warm-up excluded.
    pub(super) dropped: u64,
    pub(super) generator: Generator,
    pub(super) strain: Strain,
    pub(super) processes: BTreeMap<usize, ProcessRow>,
    pub(super) sought: Vec<Sought>,
    pub(super) standings: Standings,
    pub(super) standing: Vec<Standing>,
    /// What was noted meanwhile.
    pub(super) notes: Noted,
    /// Seconds that the view could not take.
    pub(super) lost: u64,
}

impl State {
    pub(super) fn new(subject: Subject) -> State {
        let Subject { plan, threads, place, against } = subject;
        let mut standings = Standings::new(&plan, threads);
        State {
            threads,
            place,
            against: plain(&against),
            at: 0,
            points: VecDeque::new(),
            sums: plan.series.iter().map(|_| Sum::default()).collect(),
            begun: vec![0; plan.scenarios.len()],
            dropped: 0,
            generator: Generator::default(),
            strain: Strain::default(),
            processes: BTreeMap::new(),
            sought: Vec::new(),
            standing: standings.all(),
            standings,
            notes: Noted::default(),
            lost: 0,
            plan,
        }
    }

    /// A second has ended.
    pub(super) fn second(&mut self, slice: &Slice, sought: Vec<Sought>) {
        self.at = slice.second.saturating_add(1);
        self.sought = sought;
        self.sums.iter_mut().for_each(|sum| sum.now = 0);
        self.begun.fill(0);
        let mut latency = Distribution::new();
        for row in &slice.series {
            if let Some(sum) = self.sums.get_mut(row.series) {
                sum.add(row);
            }
            if let Some(times) = row.times.get(Time::Latency as usize) {
                latency.add_frozen(times);
            }
        }
        for row in &slice.scenarios {
            if let Some(begun) = self.begun.get_mut(row.scenario) {
                *begun += row.started;
            }
            if row.phase == Phase::Measured {
                self.dropped += row.dropped;
            }
        }
        for row in slice.processes.iter().filter(|row| row.moment == Moment::During) {
            self.processes.insert(row.server, row.clone());
        }
        let mut lag = Distribution::new();
        lag.add_frozen(&slice.health.lag);
        self.strain.second(slice, self.threads, &lag, &latency);
        let health = &slice.health;
        self.generator = Generator {
            busiest: health.busiest(self.threads),
            lag: lag.percentile(99.0),
            rss_bytes: health.rss_bytes,
            sockets: health.open_sockets,
            in_flight: health.in_flight,
            users: health.users,
        };
        self.standings.second(slice);
        self.standing = self.standings.all();
        let point = self.point(slice, &latency);
        if self.points.len() == HISTORY {
            self.points.pop_front();
        }
        self.points.push_back(point);
    }

    #[expect(clippy::cast_precision_loss, reason = "for people")]
    fn point(&self, slice: &Slice, latency: &Distribution) -> Point {
        let scenarios = self.plan.scenarios.iter().enumerate();
        let open: Vec<usize> = scenarios.filter(|(_, one)| one.load.is_open()).map(|(index, _)| index).collect();
        let chosen = |index: &usize| open.is_empty() || open.contains(index);
        let planned = (0..self.plan.scenarios.len()).filter(chosen).map(|index| self.planned(index)).sum();
        let load = match open.is_empty() {
            true => slice.health.users as f64,
            false => open.iter().filter_map(|index| self.begun.get(*index)).sum::<u64>() as f64,
        };
        Point {
            planned,
            load,
            requests: slice.series.iter().map(|row| row.counts.requests).sum::<u64>() as f64,
            latency: PERCENTILES.map(|percentile| latency.percentile(percentile)),
        }
    }

    /// The planned level of a scenario at the middle of the last second.
    pub(super) fn planned(&self, scenario: usize) -> f64 {
        if let Some(sought) = self.sought.iter().find(|sought| sought.scenario == scenario) {
            return sought.level;
        }
        let Some(one) = self.plan.scenarios.get(scenario) else { return 0.0 };
        match one.load {
            // How far it has come is not in the plan.
            Load::Seek(_) => 0.0,
            _ => one.level_at((u64::from(self.at) * NANOS).saturating_sub(NANOS / 2)),
        }
    }

    /// Failures and other ends by class, and the requests that they are of; without
    /// what users do before and after their iterations.
    pub(super) fn totals(&self) -> (Counts, Distribution) {
        let (mut counts, mut latency) = (Counts::default(), Distribution::new());
        for (series, sum) in self.plan.series.iter().zip(&self.sums) {
            if !series.apart {
                counts.add(&sum.counts);
                if let Some(times) = &sum.latency {
                    latency.add(times);
                }
            }
        }
        (counts, latency)
    }
}

pub(super) const NANOS: u64 = 1_000_000_000;

/// Classes that there are some of, the most frequent first.
pub(super) fn classes(counts: &Counts) -> Vec<(ErrorClass, u64)> {
    let mut classes: Vec<_> = counts.errors.iter().map(|(class, count)| (*class, *count)).collect();
    classes.retain(|(_, count)| *count > 0);
    classes.sort_by_key(|(class, count)| (std::cmp::Reverse(*count), *class));
    classes
}
