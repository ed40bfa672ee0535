//! A history of runs as one report.

use serde::Serialize;

use super::clean::clean;
use super::view::TrendFinding;
use super::view::trend::level;
use super::{RenderError, Style, chart, templates};
use crate::verdict::trend::Trend;

/// The formats of a trend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrendFormat {
    /// For a terminal.
    Text {
        /// Columns to draw on.
        width: usize,
    },
    /// One self-contained page.
    Html,
    /// For a comment on a pull request or a step summary.
    Markdown,
}

/// What templates see of a trend.
#[derive(Debug, Serialize)]
struct View {
    /// Name and version of the program.
    tool: String,
    /// `passed`, or `failed` where a worsening stands that nobody took note of.
    outcome: &'static str,
    /// All in one sentence, without a full stop.
    sentence: String,
    /// Names of the scenarios.
    scenarios: Vec<String>,
    series: Vec<SeriesView>,
    notes: Vec<String>,
}

#[derive(Debug, Serialize)]
struct SeriesView {
    scenario: String,
    metric: String,
    runs: usize,
    /// The newest level as a text; `n/a` without runs.
    level: String,
    values: Vec<f64>,
    findings: Vec<TrendFinding>,
    /// The chart as lines of text; none where it would show nothing.
    lines: Vec<String>,
    /// The chart as HTML.
    drawing: String,
}

/// Renders a trend. Series in which nothing happened have a chart in HTML, and in text
/// where `all` is set.
///
/// # Errors
/// [`RenderError`] only if a built-in template is wrong.
pub fn render_trend(trend: &Trend, format: TrendFormat, all: bool, style: Style) -> Result<String, RenderError> {
    let width = if let TrendFormat::Text { width } = format { Some(width) } else { None };
    let name = match format {
        TrendFormat::Text { .. } => "trend.txt.j2",
        TrendFormat::Html => "trend.html.j2",
        TrendFormat::Markdown => "trend.md.j2",
    };
    let series = trend.series.iter().enumerate().map(|(index, series)| SeriesView {
        scenario: clean(&series.scenario),
        metric: clean(&series.metric),
        runs: series.points.len(),
        level: level(series),
        values: series.points.iter().map(|point| point.value).collect(),
        findings: series.findings.iter().map(TrendFinding::new).collect(),
        lines: width
            .filter(|_| all || !series.findings.is_empty())
            .map_or_else(Vec::new, |width| chart::history_text(series, width)),
        drawing: if format == TrendFormat::Html {
            chart::history(series, &format!("trend-{}", index + 1))
        } else {
            String::new()
        },
    });
    let mut scenarios: Vec<String> = trend.series.iter().map(|series| clean(&series.scenario)).collect();
    scenarios.dedup();
    let view = View {
        tool: format!("mcpl {}", env!("CARGO_PKG_VERSION")),
        outcome: if trend.fails { "failed" } else { "passed" },
        sentence: sentence(trend),
        scenarios,
        series: series.collect(),
        notes: trend.notes.iter().map(|note| clean(note)).collect(),
    };
    templates::render_view(&view, name, style).map_err(|error| RenderError::new(name, &error))
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
