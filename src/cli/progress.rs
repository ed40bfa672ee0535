//! What a person sees while a run is under way: one line that is drawn again on
//! a terminal, plain lines in a pipe.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::terminal;
use crate::plan::{Load, Plan, Scenario};
use crate::record::{Distribution, LogLine, Slice, Time};
use crate::units;

/// A pipe gets about so many lines for a whole run, so that a log stays short.
const PLAIN_LINES: u64 = 20;

/// Shows how a run goes on.
pub(super) struct Progress {
    bar: Option<ProgressBar>,
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
        let bar = (!quiet && terminal::live()).then(|| {
            let bar = ProgressBar::with_draw_target(Some(total.as_millis() as u64), ProgressDrawTarget::stderr());
            let style = ProgressStyle::with_template("{bar:24} {msg}").unwrap_or_else(|_| ProgressStyle::default_bar());
            bar.set_style(style);
            bar
        });
        Progress {
            bar,
            quiet,
            total,
            every: (total.as_secs() / PLAIN_LINES).max(1),
            planned: plan.scenarios.iter().map(Scenario::placed_load).collect(),
            names: plan.scenarios.iter().map(|scenario| scenario.name.clone()).collect(),
            requests: 0,
            errors: 0,
        }
    }

    /// A second has ended.
    pub(super) fn second(&mut self, slice: &Slice) {
        let requests: u64 = slice.series.iter().map(|row| row.counts.requests).sum();
        let failed: u64 = slice.series.iter().map(|row| row.counts.failed()).sum();
        self.requests += requests;
        self.errors += failed;
        for line in &slice.logs {
            self.log(line);
        }
        if self.quiet {
            return;
        }
        let at = Duration::from_secs(u64::from(slice.second) + 1);
        let line = self.line(slice, requests, at);
        match &self.bar {
            Some(bar) => {
                bar.set_position(at.min(self.total).as_millis() as u64);
                bar.set_message(line);
            }
            None if u64::from(slice.second + 1).is_multiple_of(self.every) => terminal::note(&format!("{line}\n")),
            None => {}
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
        let text = format!("{at} {scenario} user {}: {}\n", line.user, terminal::printable(&line.text));
        match &self.bar {
            Some(bar) => bar.suspend(|| terminal::note(&text)),
            None => terminal::note(&text),
        }
    }

    /// Work is over: the line goes away.
    pub(super) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// Says something without spoiling the line.
    pub(super) fn note(&self, text: &str) {
        match &self.bar {
            _ if self.quiet => {}
            Some(bar) => bar.suspend(|| terminal::note(text)),
            None => terminal::note(text),
        }
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
