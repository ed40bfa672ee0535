//! What templates see: one type, documented, versioned, without behaviour.
//!
//! Invariant: a pure function of results and verdict; every text in it is
//! [`clean`](super::clean::clean), every time is in nanoseconds unless its
//! name says otherwise, every share lies between 0 and 1, and every statistic
//! excludes the warm-up unless its documentation says otherwise.
//! `docs/templates.md` lists every field.

mod assertion;
mod baselines;
mod comparison;
mod facts;
mod figures;
mod generator;
mod load;
mod measure;
mod process;
mod scenario;
mod search;
mod shape;
mod slowest;
mod timeline;
pub(super) mod trend;
mod values;

pub use assertion::{AssertionView, Value};
pub use comparison::{ComparedRun, ComparedView, ComparisonView};
pub use facts::{
    EnvironmentView, ErrorView, ExpectationView, FailureView, FindingView, RunView, ServerView, ToolView, VerdictView,
};
pub(super) use figures::RUNGS;
pub use figures::{ClassCount, Figures, Reading, Rung, StepView, TagView};
pub use generator::GeneratorView;
pub use load::PlannedLine;
pub use process::ProcessView;
pub use scenario::{MixView, ScenarioView};
pub use search::{LegView, SearchView};
pub(super) use shape::curve;
pub use shape::{Band, BaselineCurve, Curves, Heatmap};
pub use slowest::{SlowView, TogetherView};
pub use timeline::{ProcessPoint, Row, Timeline};
pub use trend::{TrendFinding, TrendRun, TrendSeries, TrendView};
pub use values::{Amount, ValueView};

use serde::Serialize;

use crate::results::Results;
use crate::verdict::Verdict;

/// Version of the view: it changes when a field changes its meaning or goes.
pub const VERSION: u32 = 1;

/// Rows that a table of a report shows over time.
const TABLE_ROWS: u64 = 60;

/// Rows that a chart is drawn from: every second of a run of an hour.
const CHART_ROWS: u64 = 3600;

/// A run as templates see it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct View {
    /// [`VERSION`].
    pub view: u32,
    /// What made the results.
    pub tool: ToolView,
    /// What became of the run.
    pub verdict: VerdictView,
    /// One for each assertion, in the order of the file.
    pub assertions: Vec<AssertionView>,
    /// Comparisons with baselines.
    pub comparisons: Vec<ComparisonView>,
    /// Earlier runs of the same load, and this one; none without a history that has some.
    pub trend: Option<TrendView>,
    /// Searches for a limit, in the order of the scenarios.
    pub searches: Vec<SearchView>,
    /// What else a reader should know, most important first.
    pub findings: Vec<FindingView>,
    /// When and how the run went.
    pub run: RunView,
    /// The machine that made the load.
    pub environment: EnvironmentView,
    /// The servers as they presented themselves.
    pub servers: Vec<ServerView>,
    /// Who ran which flows under which load.
    pub scenarios: Vec<ScenarioView>,
    /// One for each request step of each flow of each scenario.
    pub steps: Vec<StepView>,
    /// All steps together, but for what users do before their first iteration
    /// and after their last.
    pub totals: Figures,
    /// Groups, and metrics of the file's own.
    pub values: Vec<ValueView>,
    /// Failures by class, most frequent first.
    pub errors: Vec<ErrorView>,
    /// Labelled expectations, in the order of the file.
    pub expectations: Vec<ExpectationView>,
    /// The planned level of all open scenarios; empty without one.
    pub planned_rate: PlannedLine,
    /// The planned level of all closed scenarios; empty without one.
    pub planned_users: PlannedLine,
    /// The run over time for charts, warm-up included: up to 3,600 rows.
    pub timeline: Timeline,
    /// The run over time for tables, warm-up included: up to 60 rows.
    pub table: Timeline,
    /// Latencies of all requests over time, warm-up included.
    pub heatmap: Heatmap,
    /// Percentiles of all steps together, like `totals`.
    pub curves: Curves,
    /// Examples of failures in the order of time, those that say the same
    /// together; at most 40.
    pub failures: Vec<FailureView>,
    /// The slowest answered requests of all steps, but for what `totals` leaves out, the
    /// slowest first; at most 10.
    pub slowest: Vec<SlowView>,
    /// The moment at which most of these were under way; none unless they are three at
    /// least, and half of them, and chance would hardly do it.
    pub slowest_together: Option<TogetherView>,
    /// The servers whose processes were watched.
    pub processes: Vec<ProcessView>,
    /// The load generator's own health.
    pub generator: GeneratorView,
}

impl View {
    /// The view of a run.
    #[must_use]
    pub fn new(results: &Results, verdict: &Verdict) -> View {
        let searches = search::searches(results, verdict);
        // A search is shown as the load that it came to.
        let walked = search::walked(results, verdict);
        let results = walked.as_ref().unwrap_or(results);
        let sums = measure::Sums::new(results);
        let slowest = slowest::slowest(results);
        let old = baselines::Baselines::new(&verdict.comparisons);
        let seconds = measure::span_seconds(results, &results.everything());
        View {
            view: VERSION,
            tool: ToolView::new(results),
            verdict: VerdictView::new(verdict),
            assertions: verdict.assertions.iter().map(AssertionView::new).collect(),
            comparisons: verdict.comparisons.iter().map(ComparisonView::new).collect(),
            trend: verdict.trend.as_ref().map(|trend| TrendView::new(trend, &results.run.id)),
            searches,
            findings: verdict.findings.iter().map(FindingView::new).collect(),
            run: RunView::new(results),
            environment: EnvironmentView::new(results),
            servers: facts::servers(results),
            scenarios: scenario::scenarios(results),
            steps: figures::steps(results, &sums, &old),
            totals: Figures::new(&sums.total, seconds, &old.totals),
            values: values::values(results),
            errors: facts::errors(&sums.total.counts),
            expectations: facts::expectations(results),
            planned_rate: load::planned_rate(&results.plan),
            planned_users: load::planned_users(&results.plan),
            curves: Curves::new(&sums.total.latency, &sums.total.service, &old),
            heatmap: sums.heatmap,
            timeline: sums.timeline,
            table: sums.table,
            failures: facts::failures(results),
            slowest_together: slowest::together(&slowest, seconds * 1e9),
            slowest,
            processes: process::processes(results),
            generator: GeneratorView::new(results, &sums.lag),
        }
    }
}

/// A count as a number that arithmetic can use.
#[expect(clippy::cast_precision_loss, reason = "counts and nanoseconds of a run stay below 2^53")]
pub(super) fn float(count: u64) -> f64 {
    count as f64
}

/// A part of a whole; `None` when there is no whole.
pub(super) fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| float(part) / float(whole))
}
