//! A history of runs: since when is a metric what it is?
//!
//! Invariant: a pure function of the runs, the triage and the day: the same give the
//! same trend, byte for byte. Runs are compared with runs of the same load on the same
//! class of machine, and never with others.
//!
//! Three detectors look at each series: change points (`stats::changes`), the prediction
//! interval of the newest runs, and a slow drift. All that is told is held to one level
//! over all series ([`CHANGES_LEVEL`], [`NEWEST_LEVEL`]).

mod level;
mod say;
mod strand;
mod triage;

#[cfg(test)]
mod tests;

pub use triage::{Entry, Handling, Subject, Triage};

use serde::{Deserialize, Serialize};

use self::strand::Strand;
use super::evaluate::evaluate;
use crate::plan::{MetricExpr, MetricRef};
use crate::results::{Results, Window};
use crate::stats;
use crate::units::Dimension;

/// Version of a trend as JSON.
pub const SCHEMA: &str = "mcpl.trend/1";

/// Share of false ones among the changes that are told, over all series of a report;
/// without any change, the chance to tell of one.
const CHANGES_LEVEL: f64 = 0.03;

/// The same of what the newest runs are suspected of, and of drifts. Together they make
/// one report in twenty that tells of something that is not there.
const NEWEST_LEVEL: f64 = 0.02;

/// Up to this chance divisions are looked into further.
const LOOKED_INTO: f64 = 0.05;

/// Orders that a change is held against at least.
const DRAWS: u32 = 999;

/// And at most: a report of a thousand series takes long, but not for ever.
const MOST_DRAWS: u32 = 19_999;

/// Where the orders come from. It is the same for all series: what is told of one does
/// not depend on which others there are.
const SEED: u64 = 1;

/// Detectors that must agree before a worsening fails a build.
const AGREEING: usize = 2;

/// A run as far as its metrics go.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Identifies it.
    pub id: String,
    /// Start of the load, RFC 3339 in UTC.
    pub started: String,
    /// The commit that was measured, where it is known.
    pub commit: Option<String>,
    /// The class of machine that made the load.
    pub machine: String,
    /// One for each metric, in the base unit; absent without data, or with fewer samples
    /// than the percentile needs.
    pub values: Vec<Option<f64>>,
}

impl Run {
    /// What `metrics`, which are of a plan with the same load, come to in a run. Its sum
    /// ([`Results::condensed`]) is enough.
    #[must_use]
    pub fn of(results: &Results, metrics: &[MetricRef], commit: Option<String>) -> Run {
        let value = |metric: &MetricRef| {
            let observed = evaluate(results, &MetricExpr::Metric(metric.clone()), Window::Whole);
            observed.value.filter(|value| observed.samples >= observed.needs && value.is_finite())
        };
        let simulated = if results.rehearsed() { "simulated servers | " } else { "" };
        // Each part makes the whole load of the plan.
        let parts = match results.run.parts().len() {
            1 => String::new(),
            several => format!("the sum of {several} parts | "),
        };
        Run {
            id: results.run.id.clone(),
            started: results.run.started.clone(),
            commit,
            machine: format!("{simulated}{parts}{}", results.environment.class()),
            values: metrics.iter().map(value).collect(),
        }
    }
}

/// Runs of one load.
#[derive(Clone, Debug, PartialEq)]
pub struct History {
    /// The name of their plan.
    pub scenario: String,
    /// What is looked at.
    pub metrics: Vec<MetricRef>,
    /// The oldest first.
    pub runs: Vec<Run>,
    /// Why other runs of that name are left out, each a phrase such as `2 were invalid`.
    pub left_out: Vec<String>,
}

/// What there is to say about a history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trend {
    /// [`SCHEMA`].
    pub schema: String,
    /// One for each metric of each scenario.
    pub series: Vec<Series>,
    /// What else a reader should know, each a sentence without a full stop.
    pub notes: Vec<String>,
    /// Whether a worsening stands that nobody took note of.
    pub fails: bool,
}

/// A metric over runs of one load.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// The name of the plan.
    pub scenario: String,
    /// The metric as written.
    pub metric: String,
    /// What its values measure.
    pub dimension: Dimension,
    /// Whether more is worse; absent where that depends.
    pub worse_above: Option<bool>,
    /// The runs that have a value, the oldest first.
    pub points: Vec<Point>,
    /// Classes of machines, in the order of their first runs.
    pub machines: Vec<String>,
    /// Stretches of runs on one class of machine between changes.
    pub segments: Vec<Segment>,
    /// What happened, in the order of the runs.
    pub findings: Vec<Finding>,
}

/// A run in a series.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Identifies the run.
    pub run: String,
    /// Start of the load, RFC 3339 in UTC.
    pub started: String,
    /// The commit that was measured, where it is known.
    pub commit: Option<String>,
    /// Index of its class of machine.
    pub machine: usize,
    /// In the base unit.
    pub value: f64,
}

/// A stretch without a change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Segment {
    /// Index of the class of machine; runs on others lie between.
    pub machine: usize,
    /// Index of its first point.
    pub first: usize,
    /// Index of its last point.
    pub last: usize,
    /// The median of its values, in the base unit.
    pub level: f64,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// What.
    pub kind: Kind,
    /// Whether it is for the worse; absent where that depends.
    pub worse: Option<bool>,
    /// The first run that shows it.
    pub run: String,
    /// Start of that run, RFC 3339 in UTC.
    pub started: String,
    /// Its commit, where it is known.
    pub commit: Option<String>,
    /// Index of its point.
    pub at: usize,
    /// Before it, in the base unit.
    pub before: f64,
    /// After it, in the base unit.
    pub after: f64,
    /// The chance to see the like without a change, all series of the report considered.
    pub chance: f64,
    /// Runs on the same class of machine after the first one that shows it, up to the next change.
    pub since: usize,
    /// Whether the newest runs on the same class of machine still show it.
    pub stands: bool,
    /// Which detectors agree.
    pub detectors: Detectors,
    /// What was decided about it.
    pub triage: Option<Triaged>,
    /// Whether it should fail a build: confirmed, for the worse, still there where the
    /// newest run is, seen by two detectors, and nobody decided anything about it.
    pub fails: bool,
    /// All that in one sentence, without a full stop.
    pub text: String,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A change of level, with at least three runs on either side.
    Change,
    /// A change of level that one or two runs show so far.
    Suspected,
    /// A slow change without a step.
    Drift,
}

/// Which detectors agree about a finding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detectors {
    /// A change point is there.
    pub change_point: bool,
    /// The newest run is outside the prediction interval of those before.
    pub newest_run: bool,
    /// There is a trend.
    pub drift: bool,
}

impl Detectors {
    fn agreeing(self) -> usize {
        usize::from(self.change_point) + usize::from(self.newest_run) + usize::from(self.drift)
    }
}

/// What was decided about a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Triaged {
    /// What.
    pub state: Handling,
    /// The last day for which that holds, as `2026-12-31`.
    pub until: Option<String>,
    /// Why.
    pub reason: String,
}

/// What there is to say about `histories`, with what was decided about them, on the day
/// `today` (`2026-11-28`).
#[must_use]
pub fn trend(histories: &[History], triage: &Triage, today: &str) -> Trend {
    let mut series: Vec<Series> = histories.iter().flat_map(blank).collect();
    let mut strands: Vec<Strand> =
        series.iter().enumerate().flat_map(|(index, series)| Strand::all(index, series)).collect();
    divide(&mut strands);
    look_at_newest(&mut strands);
    for strand in &strands {
        if let Some(series) = series.get_mut(strand.series) {
            strand.tell(series);
        }
    }
    let mut decisions = triage.of(today);
    for series in &mut series {
        let newest = series.points.last().map(|point| point.machine);
        series.segments.sort_by_key(|segment| (segment.first, segment.machine));
        series.findings.sort_by_key(|finding| finding.at);
        let mut findings = std::mem::take(&mut series.findings);
        for finding in &mut findings {
            finding.triage = decisions.decide(series, finding);
            let here = series.points.get(finding.at).map(|point| point.machine) == newest;
            finding.fails = finding.worse == Some(true)
                && finding.kind != Kind::Suspected
                && finding.stands
                && here
                && finding.detectors.agreeing() >= AGREEING
                && finding.triage.is_none();
            finding.text = say::finding(series, finding);
        }
        series.findings = findings;
    }
    let mut notes: Vec<String> = histories.iter().filter_map(say::left_out).collect();
    notes.extend(histories.iter().flat_map(say::moved));
    notes.extend(histories.iter().filter_map(say::too_short));
    notes.extend(histories.iter().flat_map(say::without_values));
    notes.extend(decisions.notes());
    let fails = series.iter().flat_map(|series| &series.findings).any(|finding| finding.fails);
    Trend { schema: SCHEMA.to_owned(), series, notes, fails }
}

/// The series of a history before anything is known of them.
fn blank(history: &History) -> Vec<Series> {
    let series = |(index, metric): (usize, &MetricRef)| {
        let mut machines: Vec<String> = Vec::new();
        let mut points = Vec::new();
        for run in &history.runs {
            let Some(value) = run.values.get(index).copied().flatten() else { continue };
            let machine = machines.iter().position(|known| *known == run.machine).unwrap_or_else(|| {
                machines.push(run.machine.clone());
                machines.len() - 1
            });
            let (id, started, commit) = (run.id.clone(), run.started.clone(), run.commit.clone());
            points.push(Point { run: id, started, commit, machine, value });
        }
        Series {
            scenario: history.scenario.clone(),
            metric: metric.source.clone(),
            dimension: metric.metric.dimension(metric.statistic).unwrap_or(Dimension::Number),
            worse_above: metric.metric.worse_above(metric.statistic),
            points,
            machines,
            segments: Vec::new(),
            findings: Vec::new(),
        }
    };
    history.metrics.iter().enumerate().map(series).collect()
}

/// Finds the changes of level, all strands considered together.
fn divide(strands: &mut [Strand]) {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
    #[expect(clippy::cast_precision_loss, reason = "a number of series")]
    let draws = (4.0 * strands.len() as f64 / CHANGES_LEVEL).clamp(f64::from(DRAWS), f64::from(MOST_DRAWS)) as u32;
    let found: Vec<stats::Changes> =
        strands.iter().map(|strand| stats::changes(&strand.values, LOOKED_INTO, draws, SEED)).collect();
    let chances = found
        .iter()
        .flat_map(|changes| changes.found.iter().map(|change| change.chance).chain(changes.rejected.iter().copied()));
    let mut adjusted = stats::benjamini_hochberg(&chances.collect::<Vec<_>>()).into_iter();
    for (strand, changes) in strands.iter_mut().zip(&found) {
        let told = changes.found.iter().zip(adjusted.by_ref()).filter(|(_, chance)| *chance <= CHANGES_LEVEL);
        strand.divide(told.map(|(change, chance)| (change.at, chance)).collect());
        // Those that are none count, and are not told.
        adjusted.by_ref().take(changes.rejected.len()).for_each(drop);
    }
}

/// Looks at the newest level of each strand, all strands considered together.
fn look_at_newest(strands: &mut [Strand]) {
    let looks: Vec<_> = strands.iter().map(|strand| (strand.newest(), strand.drift())).collect();
    let chances = looks.iter().flat_map(|(newest, drift)| [newest.map(|n| n.chance), drift.map(|d| d.chance)]);
    let mut adjusted = stats::benjamini_hochberg(&chances.flatten().collect::<Vec<_>>()).into_iter();
    for (strand, (newest, drift)) in strands.iter_mut().zip(looks) {
        let mut told = |look: Option<strand::Look>| {
            let look = look?;
            let chance = adjusted.next()?;
            (chance <= NEWEST_LEVEL && look.large).then_some(strand::Look { chance, ..look })
        };
        strand.suspected = told(newest);
        strand.drifting = told(drift);
    }
}
