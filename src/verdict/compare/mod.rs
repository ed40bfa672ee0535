//! Comparing runs: is the new side worse than the old one?
//!
//! What is compared is a figure for each run, never the requests of runs: runs of one
//! build differ by more than their requests tell (`docs/statistics.md`).

mod again;
mod decide;
mod differ;
mod enough;
mod fit;
mod sample;
mod say;
mod spread;
mod take;

pub use again::is_same;
pub use differ::differences;
pub use fit::{unlike, unusable};
pub use sample::{Figure, figures};
pub use spread::Spread;

use serde::{Deserialize, Serialize};

use crate::plan::{Metric, MetricRef, Plan, Statistic};
use crate::results::Results;
use crate::units::Dimension;

/// How far a metric of all runs may be from where it was, unless a file says.
const STANDARD_MARGIN: f64 = 0.05;

/// A latency that changes by less, in nanoseconds, has not changed.
const LATENCY_FLOOR_NS: f64 = 1e6;

/// A share that changes by less has not changed: a tenth of a percentage point.
const SHARE_FLOOR: f64 = 0.001;

/// The chance of saying *regressed* of anything when nothing has changed.
pub const LEVEL: f64 = 0.05;

/// What is to be found out.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// The name of the baseline, where the old side is one.
    pub baseline: Option<String>,
    /// What is compared. The metrics are those of the plan of the first new run.
    pub gates: Vec<Gate>,
    /// Whether runs were made in pairs.
    pub pairing: Pairing,
    /// Seed of what is drawn where there are too many ways to try all.
    pub seed: u64,
    /// The chance of saying *regressed* of anything when nothing has changed, above 0
    /// and below 0.5; the same for *improved*.
    pub level: f64,
    /// Whether runs of different loads, machines or protocols are compared all the
    /// same.
    pub force: bool,
}

/// A metric, and how far it may be from where it was.
#[derive(Clone, Debug, PartialEq)]
pub struct Gate {
    /// What is compared.
    pub metric: MetricRef,
    /// How much more is not worse yet, as a share; `None`: more is not worse.
    pub above: Option<f64>,
    /// How much less is not worse yet, as a share; `None`: less is not worse.
    pub below: Option<f64>,
    /// A change by less than this is none, in the base unit.
    pub floor: Option<f64>,
    /// Whether nothing can be said when it has no value in some run. Otherwise it is
    /// left out.
    pub required: bool,
}

/// Whether runs were made in pairs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pairing {
    /// Each by itself.
    #[default]
    Independent,
    /// The first old run with the first new one, and so on.
    Paired,
}

impl Question {
    /// Of the metrics that every run has: latency at p50, p95 and p99 up to 5 % more
    /// (and 1 ms), the share of errors (up to a twentieth, and 0.1 percentage points,
    /// more), and throughput up to 5 % less.
    #[must_use]
    pub fn standard(plan: &Plan) -> Question {
        let gate = |metric: MetricRef| {
            let (above, below, floor) = match (&metric.metric, metric.statistic) {
                (Metric::Requests, Statistic::Rate) => (None, Some(STANDARD_MARGIN), None),
                (Metric::Errors { .. }, _) => (Some(STANDARD_MARGIN), None, Some(SHARE_FLOOR)),
                _ => (Some(STANDARD_MARGIN), None, Some(LATENCY_FLOOR_NS)),
            };
            Gate { metric, above, below, floor, required: false }
        };
        Question::of(plan.standard_metrics().into_iter().map(gate).collect())
    }

    /// Of a `baseline` of a file: each of its lines, and nothing else.
    #[must_use]
    pub fn written(baseline: &crate::plan::Baseline) -> Question {
        let gates = baseline.margins.iter().map(|margin| Gate {
            metric: margin.metric.clone(),
            above: margin.above,
            below: margin.below,
            floor: None,
            required: true,
        });
        Question::of(gates.collect())
    }

    fn of(gates: Vec<Gate>) -> Question {
        Question { baseline: None, gates, pairing: Pairing::Independent, seed: 1, level: LEVEL, force: false }
    }
}

/// What became of a comparison.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The name of the baseline, where the old side is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<String>,
    /// In one word.
    pub outcome: Change,
    /// In one sentence, without a full stop.
    pub sentence: String,
    /// Why the runs cannot be compared; with `force`, why they should not be.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
    /// What else differs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// How it was found out, in one sentence.
    pub method: String,
    /// Whether runs were made in pairs.
    #[serde(default)]
    pub pairing: Pairing,
    /// The chance of saying *regressed* when nothing has changed.
    pub level: f64,
    /// The runs that were there before.
    pub old: Vec<RunOf>,
    /// The runs that are held against them.
    pub new: Vec<RunOf>,
    /// One for each metric, in the order of the question.
    pub metrics: Vec<Compared>,
    /// How the requests of the old runs were spread, where somebody wants to draw it
    /// ([`Comparison::with_spread`]). It is in no JSON.
    #[serde(skip)]
    pub spread: Option<Spread>,
}

/// In one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Worse by more than the margin.
    Regressed,
    /// Not worse by more than the margin.
    NoMeaningfulChange,
    /// Better by more than the margin.
    Improved,
    /// There were too few runs, or they differ too much among themselves.
    Inconclusive,
    /// The runs, or one of them, are no basis of a comparison.
    NotComparable,
    /// There is no more than one run against one or two: what they show, and no
    /// verdict.
    Descriptive,
    /// Of a metric: some run has no value of it.
    NoValue,
}

impl Change {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Change::Regressed => "regressed",
            Change::NoMeaningfulChange => "no meaningful change",
            Change::Improved => "improved",
            Change::Inconclusive => "inconclusive",
            Change::NotComparable => "not comparable",
            Change::Descriptive => "descriptive",
            Change::NoValue => "no value",
        }
    }

    /// The exit code of a comparison that is made for itself.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Change::NoMeaningfulChange | Change::Improved | Change::Descriptive => 0,
            Change::Regressed => 1,
            Change::Inconclusive | Change::NotComparable | Change::NoValue => 5,
        }
    }
}

/// A run that was compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunOf {
    /// Its id.
    pub id: String,
    /// Start of the load, RFC 3339 in UTC.
    pub started: String,
    /// The names and versions that its servers gave.
    pub servers: Vec<String>,
}

/// A metric of both sides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Compared {
    /// The metric as written.
    pub source: String,
    /// What its values measure.
    pub dimension: Dimension,
    /// What `change`, `low`, `high`, `margin` and `detectable` are.
    pub scale: Scale,
    /// In one word.
    pub verdict: Change,
    /// In one sentence, without a full stop.
    pub explanation: String,
    /// Its value in each old run, in the base unit; absent without data or with too
    /// few samples.
    pub old: Vec<Option<f64>>,
    /// The same of each new run.
    pub new: Vec<Option<f64>>,
    /// The mean of the old values, geometric where changes are ratios.
    pub old_typical: Option<f64>,
    /// The same of the new values.
    pub new_typical: Option<f64>,
    /// By how much the new side is above the old one.
    pub change: Option<f64>,
    /// The change is no lower than this, with a chance of error of the level; absent
    /// when nothing is known.
    pub low: Option<f64>,
    /// The change is no higher than this, with the same chance of error.
    pub high: Option<f64>,
    /// How far above is not worse yet; absent where more is not worse.
    pub above: Option<f64>,
    /// How far below is not worse yet; absent where less is not worse.
    pub below: Option<f64>,
    /// The chance of such figures if it were not worse by more than the margin, made
    /// larger for the number of metrics.
    pub p: Option<f64>,
    /// The smallest change for the worse that so many runs show four times in five.
    pub detectable: Option<f64>,
    /// The standard deviation between runs of one side, on the same scale as
    /// `change` but for small numbers.
    pub spread: Option<f64>,
    /// How many runs would do, where these were too few.
    pub needed: Option<Needed>,
}

/// What a change is expressed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// The ratio of new to old, less 1: 0.1 is a tenth more.
    Ratio,
    /// New less old, in the base unit.
    Difference,
}

/// Runs that would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Needed {
    /// Old runs.
    pub old: u32,
    /// New runs.
    pub new: u32,
}

/// Compares new runs with old ones. The same runs and question give the same
/// comparison.
#[must_use]
pub fn compare(old: &[Results], new: &[Results], question: &Question) -> Comparison {
    let fit = fit::judge(old, new, question);
    let metrics = if fit.refused { Vec::new() } else { decide::all(old, new, question) };
    let outcome = match fit.refused {
        true => Change::NotComparable,
        false => outcome(&metrics),
    };
    Comparison {
        baseline: question.baseline.clone(),
        outcome,
        sentence: say::sentence(outcome, &metrics, &fit.reasons, (old.len(), new.len()), question),
        reasons: fit.reasons,
        notes: fit.notes,
        method: say::method(old.len(), new.len(), question, fit.refused),
        pairing: question.pairing,
        level: question.level,
        old: old.iter().map(run_of).collect(),
        new: new.iter().map(run_of).collect(),
        metrics,
        spread: None,
    }
}

fn outcome(metrics: &[Compared]) -> Change {
    let any = |change| metrics.iter().any(|metric| metric.verdict == change);
    let order = [Change::Descriptive, Change::Regressed, Change::Inconclusive, Change::Improved];
    match order.into_iter().find(|change| any(*change)) {
        Some(change) => change,
        None if any(Change::NoMeaningfulChange) => Change::NoMeaningfulChange,
        None => Change::Inconclusive,
    }
}

fn run_of(results: &Results) -> RunOf {
    let named = results.servers.iter().map(|server| {
        let name = if server.server_name.is_empty() { &server.name } else { &server.server_name };
        format!("{name} {}", server.server_version).trim_end().to_owned()
    });
    RunOf { id: results.run.id.clone(), started: results.run.started.clone(), servers: named.collect() }
}
