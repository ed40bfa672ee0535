//! Reports: a run, a suite of runs, a comparison or a trend as HTML, Markdown, JUnit,
//! text, CSV or JSON, or by a template of the user's own.
//!
//! Invariant: a pure function of results, verdict and template to bytes: no
//! clock, no file, no network, and the same input gives the same bytes.
//! Templates see one type for each: [`View`], [`Suite`], [`ComparisonReport`] or
//! [`TrendReport`]. May import `results`, `verdict`, `plan`,
//! `record`, `stats`, `units`.

mod chart;
mod clean;
mod comparison;
mod embedded;
mod error;
mod escape;
mod filters;
mod suite;
mod templates;
mod trend;
mod value;
pub mod view;

#[cfg(test)]
pub(crate) mod tests;

pub use comparison::ComparisonReport;
pub use embedded::{NotEmbedded, embedded_results, is_page};
pub use error::RenderError;
pub use suite::{Ran, Suite};
pub use trend::TrendReport;
pub use view::View;

use std::str::FromStr;

use serde::Serialize;

use crate::results::Results;
use crate::verdict::Verdict;

/// The built-in formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// One self-contained page.
    Html,
    /// For a comment on a pull request or a step summary.
    Markdown,
    /// JUnit XML: one test case for each assertion.
    Junit,
    /// For a terminal of 80 columns.
    Text,
    /// A table of the steps, for spreadsheets (RFC 4180).
    Csv,
    /// The view that templates see, as JSON.
    Json,
}

impl Format {
    /// All of them.
    pub const ALL: [Format; 6] =
        [Format::Html, Format::Markdown, Format::Junit, Format::Text, Format::Csv, Format::Json];

    /// Its name on the command line and in scenario files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Format::Html => "html",
            Format::Markdown => "markdown",
            Format::Junit => "junit",
            Format::Text => "text",
            Format::Csv => "csv",
            Format::Json => "json",
        }
    }

    /// The template that makes it; the view needs none.
    fn template(self) -> Option<&'static str> {
        match self {
            Format::Html => Some("report.html.j2"),
            Format::Markdown => Some("report.md.j2"),
            Format::Junit => Some("junit.xml.j2"),
            Format::Text => Some("summary.txt.j2"),
            Format::Csv => Some("steps.csv.j2"),
            Format::Json => None,
        }
    }
}

/// A name that is no format's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no report format `{0}`, only html, markdown, junit, text, csv and json")]
pub struct UnknownFormat(pub String);

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Format, UnknownFormat> {
        Format::ALL.into_iter().find(|format| format.name() == name).ok_or_else(|| UnknownFormat(name.to_owned()))
    }
}

/// How a report is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// Whether [`Format::Text`] may use colours.
    pub color: bool,
}

/// What a run is rendered from.
#[derive(Serialize)]
#[serde(transparent)]
struct Single {
    view: View,
    #[serde(skip)]
    data: Option<String>,
}

impl templates::Subject for Single {
    fn charts(&self) -> Vec<&str> {
        let trend = self.view.trend.iter().flat_map(|trend| &trend.series);
        chart::NAMES.into_iter().chain(trend.map(|series| series.chart.as_str())).collect()
    }

    fn chart(&self, name: &str) -> Option<String> {
        let mut trend = self.view.trend.iter().flat_map(|trend| &trend.series);
        match trend.find(|series| series.chart == name) {
            Some(series) => Some(chart::history_plot(&series.series, name, series.this)),
            None => chart::chart(&self.view, name),
        }
    }

    fn data(&self) -> Option<&str> {
        self.data.as_deref()
    }
}

/// Renders a run in a built-in format.
///
/// # Errors
/// [`RenderError`] only if a built-in template is wrong.
pub fn render(results: &Results, verdict: &Verdict, format: Format, style: Style) -> Result<String, RenderError> {
    let view = View::new(results, verdict);
    let Some(name) = format.template() else { return Ok(json(&view)) };
    let data = if format == Format::Html { embedded::embed(results) } else { None };
    templates::render(Single { view, data }, name, &[], style)
}

/// A view as JSON: plain data with text keys, which serde_json can write.
fn json(view: &impl Serialize) -> String {
    serde_json::to_string_pretty(view).unwrap_or_default() + "\n"
}

/// Renders a run by a template of the user's own. The ending of `name` before
/// `.j2` decides how values are escaped: `.html`, `.htm`, `.xhtml`, `.xml` and
/// `.svg` as markup, `.md` and `.markdown` as Markdown, all others not at all.
///
/// # Errors
/// [`RenderError`] when the template has a mistake or names what the view does
/// not have.
pub fn render_template(results: &Results, verdict: &Verdict, template: &Template) -> Result<String, RenderError> {
    let view = View::new(results, verdict);
    // Only where they are asked for: to pack them takes a while.
    let asks = |source: &str| EMBEDDING.iter().any(|part| source.contains(part));
    let data = if template.own().iter().any(|(_, source)| asks(source)) { embedded::embed(results) } else { None };
    template.render(Single { view, data })
}

/// What stands in a template that has the results in it, or includes one that has.
const EMBEDDING: [&str; 3] = ["results(", "report.html.j2", "parts/provenance.html.j2"];

/// A template of the user's own.
#[derive(Clone, Debug, Default)]
pub struct Template {
    /// The file's name.
    pub name: String,
    /// What is in it.
    pub source: String,
    /// What it may include by name; these go before built-in templates.
    pub parts: Vec<(String, String)>,
}

impl Template {
    /// Whether what it makes is a page for a browser.
    #[must_use]
    pub fn is_page(&self) -> bool {
        templates::is_page(&self.name)
    }

    /// Finds mistakes that show without a run.
    ///
    /// # Errors
    /// [`RenderError`] when it, or what it includes, cannot be read as a template.
    pub fn check(&self) -> Result<(), RenderError> {
        templates::check(&self.name, &self.own())
    }

    /// It and its parts, by name.
    fn own(&self) -> Vec<(&str, &str)> {
        let parts = self.parts.iter().map(|(name, source)| (name.as_str(), source.as_str()));
        std::iter::once((self.name.as_str(), self.source.as_str())).chain(parts).collect()
    }

    fn render(&self, subject: impl templates::Subject) -> Result<String, RenderError> {
        templates::render(subject, &self.name, &self.own(), Style::default())
    }
}

/// The built-in templates and what they include, by name: to be changed.
pub fn built_in_templates() -> impl Iterator<Item = (&'static str, &'static str)> {
    templates::built_in()
}
