//! What is on the screen, as data: made once a second, drawn as often as needed.

use super::state::{Generator, NANOS, PERCENTILES, Point, State, classes};
use super::text::{plain, seconds};
use crate::cli::lookout::Sought;
use crate::plan::{Load, Scenario};
use crate::record::ErrorClass;
use crate::units;
use crate::verdict::Standing;

/// All that can be seen of a run.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    pub(super) title: String,
    pub(super) against: String,
    /// How far it has come and how long it takes, in seconds.
    pub(super) at: u64,
    pub(super) total: u64,
    /// What is left of the time, in words.
    pub(super) left: String,
    pub(super) phase: Phase,
    /// Whether levels are arrivals per second rather than users.
    pub(super) open: bool,
    pub(super) load: Vec<LoadRow>,
    pub(super) points: Vec<Point>,
    pub(super) requests: u64,
    pub(super) failed: u64,
    pub(super) dropped: u64,
    pub(super) violations: u64,
    pub(super) classes: Vec<(ErrorClass, u64)>,
    /// Over all that counts, as the percentiles of [`Point`].
    pub(super) latency: [Option<f64>; 3],
    pub(super) steps: Vec<StepRow>,
    pub(super) standing: Vec<Standing>,
    /// Comparisons with stored runs, which are made after the run.
    pub(super) baselines: usize,
    pub(super) generator: Generator,
    pub(super) strain: Option<String>,
    pub(super) servers: Vec<String>,
    pub(super) notes: Vec<String>,
}

/// Where in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Warmup,
    Load,
    Drain,
}

/// The load of one scenario.
#[derive(Clone, Debug)]
pub(super) struct LoadRow {
    pub(super) name: String,
    pub(super) achieved: String,
    pub(super) stage: String,
}

/// One step.
#[derive(Clone, Debug)]
pub(super) struct StepRow {
    pub(super) name: String,
    pub(super) requests: u64,
    pub(super) now: u64,
    pub(super) failed: u64,
    pub(super) latency: [Option<f64>; 3],
    pub(super) classes: Vec<(ErrorClass, u64)>,
    pub(super) violations: u64,
}

impl State {
    /// What can be seen now.
    pub(super) fn shown(&self) -> Shown {
        let plan = &self.plan;
        let (counts, latency) = self.totals();
        let at = u64::from(self.at);
        let total = plan.load_ns().div_ceil(NANOS);
        let warm = plan.scenarios.iter().map(Scenario::measured_from_ns).min().unwrap_or(0);
        let phase = match () {
            () if at >= total => Phase::Drain,
            () if at.saturating_mul(NANOS) < warm => Phase::Warmup,
            () => Phase::Load,
        };
        let place = self.place.map_or(String::new(), |(number, of)| format!("{number} of {of}: "));
        Shown {
            title: format!("{place}{}", plain(&plan.name)),
            against: self.against.clone(),
            at,
            total,
            left: self.left(at, total),
            phase,
            open: plan.scenarios.iter().any(|one| one.load.is_open()),
            load: (0..plan.scenarios.len()).filter_map(|index| self.load_row(index)).collect(),
            points: self.points.iter().copied().collect(),
            requests: counts.requests,
            failed: counts.failed(),
            dropped: self.dropped,
            violations: counts.violations,
            classes: classes(&counts),
            latency: PERCENTILES.map(|percentile| latency.percentile(percentile)),
            steps: self.steps(),
            standing: self.standing.clone(),
            baselines: plan.baselines.len(),
            generator: self.generator,
            strain: self.strain.now(),
            servers: self.servers(),
            notes: self.notes(),
        }
    }

    fn left(&self, at: u64, total: u64) -> String {
        let scenarios = &self.plan.scenarios;
        if at >= total {
            let drained = scenarios.iter().map(|one| one.end_ns().saturating_add(one.drain_ns)).max().unwrap_or(0);
            let left = (drained.div_ceil(NANOS)).saturating_sub(at);
            return format!("draining, at most {}", seconds(left));
        }
        // A search or a fixed amount of work may be over long before.
        let bounded = |one: &Scenario| matches!(one.load, Load::Seek(_) | Load::Closed { work: Some(_), .. });
        let most = if scenarios.iter().any(bounded) { "at most " } else { "" };
        format!("{most}{} left", seconds(total - at))
    }

    #[expect(clippy::cast_precision_loss, reason = "for people")]
    fn load_row(&self, index: usize) -> Option<LoadRow> {
        let scenario = self.plan.scenarios.get(index)?;
        let sought = self.sought.iter().find(|sought| sought.scenario == index);
        let begun = self.begun.get(index).copied().unwrap_or(0) as f64;
        let what = if scenario.load.is_open() { "begun" } else { "iterations begun" };
        let achieved = format!("{}/s {what}", units::number(begun));
        let stage = stage(scenario, u64::from(self.at), sought);
        Some(LoadRow { name: plain(&scenario.name), achieved, stage })
    }

    fn steps(&self) -> Vec<StepRow> {
        let several = self.plan.scenarios.len() > 1;
        let rows = self.plan.series.iter().zip(&self.sums).map(|(series, sum)| {
            let scenario = self.plan.scenarios.get(series.scenario).filter(|_| several);
            let scenario = scenario.map_or(String::new(), |scenario| format!("{} · ", scenario.name));
            let apart = if series.apart { " (once per user)" } else { "" };
            let latency = |percentile| sum.latency.as_ref().and_then(|times| times.percentile(percentile));
            StepRow {
                name: plain(&format!("{scenario}{}{apart}", series.step)),
                requests: sum.counts.requests,
                now: sum.now,
                failed: sum.counts.failed(),
                latency: PERCENTILES.map(latency),
                classes: classes(&sum.counts),
                violations: sum.counts.violations,
            }
        });
        let mut rows: Vec<StepRow> = rows.collect();
        // Stable: steps of equal use stay in the order of the file.
        rows.sort_by_key(|row| std::cmp::Reverse(row.requests));
        rows
    }

    #[expect(clippy::cast_precision_loss, reason = "for people")]
    fn servers(&self) -> Vec<String> {
        let of = |(server, row): (&usize, &crate::record::ProcessRow)| {
            let name = self.plan.servers.get(*server).map_or("", |server| server.name.as_str());
            if row.processes == 0 {
                return format!("{}: its process has ended", plain(name));
            }
            let cpu = row.cpu_share().map_or("n/a".to_owned(), units::percent);
            let files = if row.open_files > 0 { format!("   {} descriptors", row.open_files) } else { String::new() };
            format!("{}: cpu {cpu}   memory {}{files}", plain(name), units::bytes(row.rss_bytes as f64))
        };
        self.processes.iter().map(of).collect()
    }

    fn notes(&self) -> Vec<String> {
        let mut notes: Vec<String> = self.notes.lines.iter().map(|line| plain(line)).collect();
        if self.lost > 0 {
            notes.push(format!("{} seconds are not shown: the terminal took nothing", self.lost));
        }
        notes
    }
}

fn level(load: &Load, level: f64) -> String {
    if load.is_open() {
        format!("{}/s", units::number(level))
    } else {
        format!("{} users", units::number(level.round()))
    }
}

/// Where a scenario is, `at` seconds from the start.
fn stage(scenario: &Scenario, at: u64, sought: Option<&Sought>) -> String {
    if let Some(sought) = sought {
        return sought.doing.clone();
    }
    // The stage in which the second was that has ended.
    let now = at.saturating_mul(NANOS).saturating_sub(1);
    let Some(mut since) = now.checked_sub(scenario.start_ns) else {
        return format!("begins in {}", seconds((scenario.start_ns / NANOS).saturating_sub(at)));
    };
    let stages = scenario.load.segments();
    for (index, stage) in stages.iter().enumerate() {
        if since < stage.duration_ns {
            let [from, to] = [stage.from, stage.to].map(|value| level(&scenario.load, value));
            let levels = if from == to { format!("hold {to}") } else { format!("ramp {from} → {to}") };
            let left = seconds((stage.duration_ns - since - 1).div_ceil(NANOS));
            return format!("stage {} of {}: {levels}, {left} left", index + 1, stages.len());
        }
        since -= stage.duration_ns;
    }
    "ended".to_owned()
}
