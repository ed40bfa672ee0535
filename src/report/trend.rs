//! A history of runs as one report.

use serde::Serialize;

use super::clean::clean;
use super::view::ToolView;
use super::view::trend::{TrendFinding, level_text, newest};
use super::{Format, RenderError, Style, Template, chart, json, templates};
use crate::units::{Dimension, Quantity};
use crate::verdict::trend::{Point, Segment, Series, Trend};

/// Version of what templates see of a trend: it changes when a field changes its meaning
/// or goes.
const VERSION: u32 = 1;

/// A trend, to be rendered.
#[derive(Clone, Debug)]
pub struct TrendReport<'a> {
    trend: &'a Trend,
    view: TrendPage,
}

/// What templates see of a trend.
#[derive(Clone, Debug, Serialize)]
pub(super) struct TrendPage {
    /// [`VERSION`].
    view: u32,
    /// What made the trend.
    tool: ToolView,
    /// `passed`, or `failed` where a worsening stands that nobody took note of.
    outcome: &'static str,
    /// All in one sentence, without a full stop.
    sentence: String,
    /// Names of the scenarios.
    scenarios: Vec<String>,
    /// Whether a text has the chart of each series, and not of those only in which
    /// something happened.
    all: bool,
    /// One for each metric of each scenario.
    series: Vec<SeriesView>,
    /// What else a reader should know, each a sentence without a full stop.
    notes: Vec<String>,
    /// What the charts are drawn from.
    #[serde(skip)]
    drawn: Vec<Series>,
}

/// A metric over the runs of a scenario.
#[derive(Clone, Debug, Serialize)]
struct SeriesView {
    /// The name of its chart.
    chart: String,
    /// The name of the scenario.
    scenario: String,
    /// The metric as written.
    metric: String,
    /// What its values measure.
    dimension: Dimension,
    /// How many runs have a value.
    runs: usize,
    /// The newest level in the base unit, on the class of machine of the newest run; none
    /// without runs.
    level: Option<f64>,
    /// The same for people; `n/a` without runs.
    level_text: String,
    /// The runs that have a value, the oldest first.
    points: Vec<PointView>,
    /// What happened, in the order of the runs.
    findings: Vec<TrendFinding>,
    /// The chart as lines of text.
    lines: Vec<String>,
}

/// A run in a series.
#[derive(Clone, Debug, Serialize)]
struct PointView {
    /// Identifies the run.
    run: String,
    /// Start of the load, RFC 3339 in UTC.
    started: String,
    /// The commit that was measured; none where it is not known.
    commit: Option<String>,
    /// Its class of machine.
    machine: String,
    /// In the base unit.
    value: f64,
    /// For people.
    text: String,
    /// The median between the changes before and after it, in the base unit.
    level: Option<f64>,
}

impl templates::Subject for TrendPage {
    fn charts(&self) -> Vec<&str> {
        self.series.iter().map(|series| series.chart.as_str()).collect()
    }

    fn chart(&self, name: &str) -> Option<String> {
        let at = self.series.iter().position(|series| series.chart == name)?;
        self.drawn.get(at).map(|series| chart::history(series, name))
    }
}

impl<'a> TrendReport<'a> {
    /// A trend, with charts of text at most `width` columns wide. Series in which nothing
    /// happened have a chart in text only where `all` is set.
    #[must_use]
    pub fn new(trend: &'a Trend, all: bool, width: usize) -> TrendReport<'a> {
        let series = (1..).zip(&trend.series).map(|(number, series)| SeriesView::new(series, number, width));
        let mut scenarios: Vec<String> = trend.series.iter().map(|series| clean(&series.scenario)).collect();
        scenarios.dedup();
        let view = TrendPage {
            view: VERSION,
            tool: ToolView::this(),
            outcome: if trend.fails { "failed" } else { "passed" },
            sentence: sentence(trend),
            scenarios,
            all,
            series: series.collect(),
            notes: trend.notes.iter().map(|note| clean(note)).collect(),
            drawn: trend.series.clone(),
        };
        TrendReport { trend, view }
    }

    /// Renders it in a built-in format. JUnit has a test case for each series, CSV a row
    /// for each run of each series; JSON is the trend itself.
    ///
    /// # Errors
    /// [`RenderError`] only if a built-in template is wrong.
    pub fn render(&self, format: Format, style: Style) -> Result<String, RenderError> {
        let name = match format {
            Format::Html => "trend.html.j2",
            Format::Markdown => "trend.md.j2",
            Format::Junit => "trend.xml.j2",
            Format::Text => "trend.txt.j2",
            Format::Csv => "trend.csv.j2",
            Format::Json => return Ok(json(self.trend)),
        };
        templates::render(self.view.clone(), name, &[], style)
    }

    /// Renders it by a template of the user's own.
    ///
    /// # Errors
    /// [`RenderError`] when the template has a mistake or names what the view does not
    /// have.
    pub fn render_template(&self, template: &Template) -> Result<String, RenderError> {
        template.render(self.view.clone())
    }

    #[cfg(test)]
    pub(super) fn view(&self) -> &impl Serialize {
        &self.view
    }
}

impl SeriesView {
    fn new(series: &Series, number: usize, width: usize) -> SeriesView {
        let text = |value: f64| Quantity::new(value, series.dimension).to_string();
        let point = |(at, point): (usize, &Point)| PointView {
            run: clean(&point.run),
            started: clean(&point.started),
            commit: point.commit.as_deref().map(clean),
            machine: series.machines.get(point.machine).map(|machine| clean(machine)).unwrap_or_default(),
            value: point.value,
            text: text(point.value),
            level: segment(series, point, at).map(|segment| segment.level),
        };
        SeriesView {
            chart: format!("trend-{number}"),
            scenario: clean(&series.scenario),
            metric: clean(&series.metric),
            dimension: series.dimension,
            runs: series.points.len(),
            level: newest(series).map(|segment| segment.level),
            level_text: level_text(series),
            points: series.points.iter().enumerate().map(point).collect(),
            findings: series.findings.iter().map(TrendFinding::new).collect(),
            lines: chart::history_text(series, width),
        }
    }
}

/// The segment that a point is part of.
fn segment<'a>(series: &'a Series, point: &Point, at: usize) -> Option<&'a Segment> {
    let own = |segment: &&Segment| segment.machine == point.machine && (segment.first..=segment.last).contains(&at);
    series.segments.iter().find(own)
}

fn sentence(trend: &Trend) -> String {
    let findings = || trend.series.iter().flat_map(|series| &series.findings);
    let failing = findings().filter(|finding| finding.fails).count();
    let (told, series) = (findings().count(), trend.series.len());
    let of = format!("{series} series");
    match (failing, told) {
        (0, 0) => format!("nothing changed in {of}"),
        (0, 1) => format!("1 finding in {of}, which fails nothing"),
        (0, _) => format!("{told} findings in {of}, which fail nothing"),
        (1, _) => format!("1 worsening in {of} stands that nobody took note of"),
        (_, _) => format!("{failing} worsenings in {of} stand that nobody took note of"),
    }
}
