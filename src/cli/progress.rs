//! What a person sees while a run is under way: the live view on a terminal, plain
//! lines elsewhere.

use std::time::Duration;

use clap::ValueEnum;

use super::dashboard::{self, Dashboard, Subject};
use super::lookout::Sought;
use super::terminal;
use crate::engine::Control;
use crate::plan::{Load, Plan, Scenario};
use crate::record::{Distribution, LogLine, Slice, Time};
use crate::units;

/// A pipe gets about so many lines for a whole run, so that a log stays short.
const PLAIN_LINES: u64 = 20;

/// How a run shows how far it has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Show {
    // No doc comments: they would make a page of the help of `run`.
    #[default]
    Auto,
    Live,
    Plain,
    None,
}

/// Shows how a run goes on.
pub(super) struct Progress {
    view: Option<Dashboard>,
    show: Show,
    quiet: bool,
    total: Duration,
    every: u64,
    planned: Vec<Load>,
    /// Of the scenarios.
    names: Vec<String>,
    requests: u64,
    errors: u64,
}

impl Progress {
    /// For a run of `plan`.
    pub(super) fn new(plan: &Plan, quiet: bool) -> Progress {
        let total = Duration::from_nanos(plan.load_ns());
        Progress {
            view: None,
            show: if quiet { Show::None } else { Show::Plain },
            quiet,
            total,
            every: (total.as_secs() / PLAIN_LINES).max(1),
            planned: plan.scenarios.iter().map(Scenario::placed_load).collect(),
            names: plan.scenarios.iter().map(|scenario| scenario.name.clone()).collect(),
            requests: 0,
            errors: 0,
        }
    }

    /// The load begins, and is shown like this rather than in plain lines. `stop` is
    /// what a key that stops the run does.
    pub(super) fn begin(&mut self, show: Show, subject: Subject, control: &Control, stop: fn(&Control)) {
        if self.quiet {
            return;
        }
        self.show = show;
        let wanted = match show {
            Show::Auto => terminal::live() && dashboard::fits(),
            Show::Live => terminal::is_capable(),
            Show::Plain | Show::None => false,
        };
        if wanted && dashboard::is_possible() {
            self.view = Dashboard::begin(subject, control.clone(), stop);
        }
        if self.view.is_none() && show == Show::Live {
            self.note("standard error is no terminal that a live view could have: plain lines follow\n");
        }
    }

    /// A second has ended, and the searches do this.
    pub(super) fn second(&mut self, slice: &Slice, sought: &[Sought]) {
        let requests: u64 = slice.series.iter().map(|row| row.counts.requests).sum();
        let failed: u64 = slice.series.iter().map(|row| row.counts.failed()).sum();
        self.requests += requests;
        self.errors += failed;
        for line in &slice.logs {
            self.log(line);
        }
        if self.view.as_ref().is_some_and(|view| view.second(slice, sought)) || self.show == Show::None {
            return;
        }
        // A view whose terminal is gone has left.
        self.finish();
        if u64::from(slice.second + 1).is_multiple_of(self.every) {
            let at = Duration::from_secs(u64::from(slice.second) + 1);
            terminal::note(&format!("{}\n", self.line(slice, requests, at)));
        }
    }

    fn line(&self, slice: &Slice, requests: u64, at: Duration) -> String {
        let mut latency = Distribution::new();
        for row in &slice.series {
            row.times.get(Time::Latency as usize).map(|time| latency.add_frozen(time));
        }
        let p95 = latency.percentile(95.0).map_or("-".to_owned(), units::duration);
        let load = if at > self.total {
            "draining".to_owned()
        } else {
            let levels: Vec<String> = self.planned.iter().map(|load| level(load, at)).collect();
            format!("load {}", levels.join(" + "))
        };
        #[expect(clippy::cast_precision_loss, reason = "for people")]
        let share = units::percent(if self.requests == 0 { 0.0 } else { self.errors as f64 / self.requests as f64 });
        format!(
            "{:>4}s of {}  {load}  {requests} req/s  p95 {p95}  errors {share}  {} in flight",
            at.min(self.total.max(Duration::from_secs(1))).as_secs(),
            units::duration(self.total.as_nanos() as f64),
            slice.health.in_flight,
        )
    }

    /// A line of `log`. What is in it may come from a server.
    fn log(&self, line: &LogLine) {
        let scenario = self.names.get(line.scenario).map_or("", String::as_str);
        #[expect(clippy::cast_precision_loss, reason = "for people")]
        let at = units::duration(line.at_ms as f64 * 1e6);
        terminal::note(&format!("{at} {scenario} user {}: {}\n", line.user, terminal::printable(&line.text)));
    }

    /// Work is over: the live view goes away.
    pub(super) fn finish(&mut self) {
        if let Some(view) = self.view.take() {
            view.finish();
        }
    }

    /// Says something.
    pub(super) fn note(&self, text: &str) {
        if !self.quiet {
            terminal::note(text);
        }
    }
}

impl Drop for Progress {
    /// Also where a run ends by a panic the terminal is given back.
    fn drop(&mut self) {
        self.finish();
    }
}

/// The planned level at the middle of the second that ended.
fn level(load: &Load, at: Duration) -> String {
    if let Load::Seek(_) = load {
        // How far it has come is not in the plan.
        return "searching".to_owned();
    }
    let nanos = u64::try_from(at.as_nanos()).unwrap_or(u64::MAX).saturating_sub(500_000_000);
    let level = load.level_at(nanos);
    if load.is_open() {
        format!("{}/s", units::number(level))
    } else {
        format!("{} users", units::number(level.round()))
    }
}
