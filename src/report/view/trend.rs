//! Earlier runs of the same load.

use std::collections::BTreeMap;

use serde::Serialize;

use super::assertion::Value;
use crate::report::clean::clean;
use crate::units::Quantity;
use crate::verdict::trend::{Finding, Kind, Segment, Series, Trend};

/// Sentences that a short report has room for.
const TOLD: usize = 2;

/// Earlier runs of the same load, and this one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TrendView {
    /// The runs, the oldest first.
    pub runs: Vec<TrendRun>,
    /// One for each metric.
    pub series: Vec<TrendSeries>,
    /// What a short report tells: what the newest runs are suspected of, and worsenings that
    /// stand and nobody took note of; at most two sentences without a full stop.
    pub told: Vec<String>,
    /// What else a reader should know, each a sentence without a full stop.
    pub notes: Vec<String>,
}

/// A run of that load.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TrendRun {
    /// Its id.
    pub id: String,
    /// Start of the load, RFC 3339 in UTC.
    pub started: String,
    /// The commit that was measured; none where it is not known.
    pub commit: Option<String>,
    /// Whether it is the run that the report is about.
    pub this: bool,
    /// One for each of [`TrendView::series`]; none without data or with too few samples.
    pub values: Vec<Option<Value>>,
}

/// A metric over the runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TrendSeries {
    /// The name of its chart.
    pub chart: String,
    /// The metric as written.
    pub metric: String,
    /// Runs that have a value.
    pub runs: usize,
    /// The newest level in the base unit, on the class of machine of the newest run; none
    /// without runs.
    pub level: Option<f64>,
    /// The same for people; `n/a` without runs.
    pub level_text: String,
    /// What happened, in the order of the runs.
    pub findings: Vec<TrendFinding>,
    /// What its chart is drawn from.
    #[serde(skip)]
    pub(in crate::report) series: Series,
    /// Index of this run's point.
    #[serde(skip)]
    pub(in crate::report) this: Option<usize>,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TrendFinding {
    /// `worse`, `better`, `suspected`, `decided` or `changed`.
    pub state: &'static str,
    /// `change`, `suspected` or `drift`.
    pub kind: Kind,
    /// In one sentence, without a full stop.
    pub text: String,
    /// The first run that shows it.
    pub run: String,
    /// Start of that run, RFC 3339 in UTC.
    pub started: String,
    /// Its commit; none where it is not known.
    pub commit: Option<String>,
    /// Before it, in the base unit.
    pub before: f64,
    /// After it, in the base unit.
    pub after: f64,
    /// Names of the detectors that agree.
    pub detectors: Vec<&'static str>,
    /// Whether the newest runs still show it.
    pub stands: bool,
    /// Whether `mcpl trend --fail` fails for it.
    pub fails: bool,
}

impl TrendView {
    /// Of a trend of one scenario up to the run with this id.
    pub(super) fn new(trend: &Trend, this: &str) -> TrendView {
        let mut runs: BTreeMap<(&str, &str), TrendRun> = BTreeMap::new();
        for (index, series) in trend.series.iter().enumerate() {
            for point in &series.points {
                let run = runs.entry((&point.started, &point.run)).or_insert_with(|| TrendRun {
                    id: clean(&point.run),
                    started: clean(&point.started),
                    commit: point.commit.as_deref().map(clean),
                    this: point.run == this,
                    values: vec![None; trend.series.len()],
                });
                if let Some(value) = run.values.get_mut(index) {
                    *value = Some(Value::new(Quantity::new(point.value, series.dimension)));
                }
            }
        }
        let series = |(number, series): (usize, &Series)| TrendSeries {
            chart: format!("trend-{number}"),
            metric: clean(&series.metric),
            runs: series.points.len(),
            level: newest(series).map(|segment| segment.level),
            level_text: level_text(series),
            findings: series.findings.iter().map(TrendFinding::new).collect(),
            series: series.clone(),
            this: series.points.iter().position(|point| point.run == this),
        };
        TrendView {
            told: told(trend),
            runs: runs.into_values().collect(),
            series: (1..).zip(&trend.series).map(series).collect(),
            notes: trend.notes.iter().map(|note| clean(note)).collect(),
        }
    }
}

fn told(trend: &Trend) -> Vec<String> {
    let open = |finding: &Finding, series: &Series| {
        let machine = |at: usize| series.points.get(at).map(|point| point.machine);
        let here = machine(finding.at) == machine(series.points.len().saturating_sub(1));
        let bad = finding.worse == Some(true) || finding.kind == Kind::Suspected;
        bad && finding.stands && here && finding.triage.is_none()
    };
    let all = trend.series.iter().flat_map(|series| series.findings.iter().map(move |finding| (finding, series)));
    let mut told: Vec<String> =
        all.filter(|(finding, series)| open(finding, series)).map(|(finding, _)| clean(&finding.text)).collect();
    let more = told.len().saturating_sub(TOLD);
    told.truncate(TOLD);
    if let Some(last) = told.last_mut().filter(|_| more > 0) {
        last.push_str(&format!("; `mcpl trend` tells {more} more"));
    }
    told
}

/// The newest level for people.
pub(in crate::report) fn level_text(series: &Series) -> String {
    newest(series)
        .map_or_else(|| "n/a".to_owned(), |segment| Quantity::new(segment.level, series.dimension).to_string())
}

/// The newest segment of the class of machine that made the newest run.
pub(in crate::report) fn newest(series: &Series) -> Option<&Segment> {
    let machine = series.points.last().map(|point| point.machine);
    series.segments.iter().filter(|segment| Some(segment.machine) == machine).max_by_key(|segment| segment.last)
}

impl TrendFinding {
    pub(in crate::report) fn new(finding: &Finding) -> TrendFinding {
        let state = match finding.worse {
            _ if finding.triage.is_some() => "decided",
            _ if finding.kind == Kind::Suspected => "suspected",
            Some(true) => "worse",
            Some(false) => "better",
            None => "changed",
        };
        let detectors = finding.detectors;
        let named = [
            (detectors.change_point, "change point"),
            (detectors.newest_run, "newest run"),
            (detectors.drift, "drift"),
        ];
        TrendFinding {
            state,
            kind: finding.kind,
            text: clean(&finding.text),
            run: clean(&finding.run),
            started: clean(&finding.started),
            commit: finding.commit.as_deref().map(clean),
            before: finding.before,
            after: finding.after,
            detectors: named.into_iter().filter(|(agrees, _)| *agrees).map(|(_, name)| name).collect(),
            stands: finding.stands,
            fails: finding.fails,
        }
    }
}
