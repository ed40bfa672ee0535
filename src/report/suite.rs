//! Several runs, one after the other, as one report.

use std::sync::Arc;

use serde::Serialize;

use super::clean::clean;
use super::view::{AssertionView, FindingView, View};
use super::{Format, RenderError, Style, escape, render, templates};
use crate::results::Results;
use crate::verdict::Verdict;

/// One file of a suite and what became of it.
#[derive(Debug)]
pub struct Ran {
    /// The file as it was given.
    pub file: String,
    /// Exit code of its run alone.
    pub code: u8,
    /// What was measured, and the verdict; or why there is nothing.
    pub outcome: Result<(Results, Verdict), String>,
    /// Path of the page of this run, as seen from the page of the suite.
    pub page: Option<String>,
}

/// What templates see of a suite.
#[derive(Debug, Serialize)]
pub struct Suite {
    /// Name and version of the program.
    tool: String,
    /// What was run.
    name: String,
    parts: Vec<Part>,
    /// Parts whose verdict is that they passed.
    passed: usize,
    /// Seconds that all runs took.
    seconds: f64,
}

#[derive(Debug, Serialize)]
struct Part {
    /// Name of the file without its ending.
    name: String,
    code: u8,
    /// Path of its page as a reference, for `href`; none without results.
    page: Option<String>,
    /// What it asks: the documentation of its first scenario.
    asks: Option<String>,
    /// The verdict in one word, `not run` without one.
    word: String,
    /// The verdict, or why there is none.
    sentence: String,
    held: usize,
    assertions: usize,
    requests: u64,
    error_share: Option<f64>,
    /// Median and p95 of all requests, as texts.
    p50: String,
    p95: String,
    seconds: f64,
    /// Assertions that did not hold.
    broken: Vec<AssertionView>,
    findings: Vec<FindingView>,
}

impl Suite {
    /// The view of runs that have ended, in their order.
    #[must_use]
    pub fn new(name: &str, runs: &[Ran]) -> Suite {
        let parts: Vec<Part> = runs.iter().map(Part::new).collect();
        Suite {
            tool: format!("mcpl {}", env!("CARGO_PKG_VERSION")),
            name: clean(name),
            passed: parts.iter().filter(|part| part.code == 0).count(),
            seconds: parts.iter().map(|part| part.seconds).sum(),
            parts,
        }
    }

    /// Renders it. JUnit has the suites of all runs, Markdown and text have the table
    /// and each run below it, HTML the table with links to the pages of the runs, CSV the
    /// rows of all runs, JSON a list of their views.
    ///
    /// # Errors
    /// [`RenderError`] only if a built-in template is wrong.
    pub fn render(&self, runs: &[Ran], format: Format) -> Result<String, RenderError> {
        let style = Style::default();
        let each = || {
            let measured = runs.iter().filter_map(|ran| ran.outcome.as_ref().ok());
            measured.map(|(results, verdict)| render(results, verdict, format, style)).collect::<Result<Vec<_>, _>>()
        };
        match format {
            Format::Html => self.template("suite.html.j2", style),
            Format::Markdown => Ok([self.template("suite.md.j2", style)?, each()?.join("\n")].join("\n")),
            Format::Text => Ok([each()?.join("\n"), self.table(style)?].join("\n")),
            Format::Junit => Ok(junit(runs, &each()?)),
            // One table with one head.
            Format::Csv => {
                let tables = each()?;
                let head = tables.first().and_then(|table| table.split_inclusive('\n').next()).unwrap_or_default();
                let rows = tables.iter().map(|table| table.strip_prefix(head).unwrap_or(table));
                Ok(std::iter::once(head).chain(rows).collect())
            }
            Format::Json => Ok(format!("[\n{}]\n", each()?.join(","))),
        }
    }

    /// The table for a terminal.
    ///
    /// # Errors
    /// [`RenderError`] only if a built-in template is wrong.
    pub fn table(&self, style: Style) -> Result<String, RenderError> {
        self.template("suite.txt.j2", style)
    }

    fn template(&self, name: &str, style: Style) -> Result<String, RenderError> {
        templates::render_suite(self, name, style).map_err(|error| RenderError::new(name, &error))
    }
}

impl Part {
    fn new(ran: &Ran) -> Part {
        let path = std::path::Path::new(&ran.file);
        let mut part = Part {
            name: clean(&path.file_stem().unwrap_or_default().to_string_lossy()),
            code: ran.code,
            page: ran.page.as_deref().map(escape::reference),
            asks: None,
            word: "not run".to_owned(),
            sentence: String::new(),
            held: 0,
            assertions: 0,
            requests: 0,
            error_share: None,
            p50: "n/a".to_owned(),
            p95: "n/a".to_owned(),
            seconds: 0.0,
            broken: Vec::new(),
            findings: Vec::new(),
        };
        let (results, verdict) = match &ran.outcome {
            Ok(outcome) => outcome,
            Err(reason) => {
                part.sentence = clean(reason);
                return part;
            }
        };
        let view = Arc::new(View::new(results, verdict));
        let reading = |reading: &super::view::Reading| match reading.ns {
            Some(_) => reading.text.clone(),
            None => "n/a".to_owned(),
        };
        part.asks = view.scenarios.iter().find_map(|scenario| scenario.doc.clone());
        part.word = verdict.outcome.word().to_owned();
        part.sentence.clone_from(&view.verdict.sentence);
        part.held = verdict.assertions.iter().filter(|judgement| judgement.state.held()).count();
        part.assertions = verdict.assertions.len();
        part.requests = view.totals.requests;
        part.error_share = view.totals.error_share;
        part.p50 = reading(&view.totals.p50);
        part.p95 = reading(&view.totals.p95);
        part.seconds = std::time::Duration::from_millis(results.run.total_ms).as_secs_f64();
        part.broken = view.assertions.iter().filter(|assertion| !assertion.held).cloned().collect();
        part.findings.clone_from(&view.findings);
        part
    }
}

/// The suites of all runs under one root. Runs without results are an error each.
fn junit(runs: &[Ran], each: &[String]) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"mcpl\">\n");
    for text in each {
        let begin = text.find("<testsuite ").unwrap_or(text.len());
        let end = text.rfind("</testsuites>").unwrap_or(text.len());
        out.push_str(text.get(begin..end).unwrap_or_default());
    }
    for ran in runs {
        if let Err(reason) = &ran.outcome {
            let (name, reason) = (escape::html(&clean(&ran.file)), escape::html(&clean(reason)));
            out.push_str(&format!(
                "<testsuite name=\"{name}\" tests=\"1\" failures=\"0\" errors=\"1\" skipped=\"0\">\n<testcase \
                 classname=\"{name}\" name=\"the run\">\n<error type=\"not run\" message=\"{reason}\"/>\n</testcase>\n\
                 </testsuite>\n"
            ));
        }
    }
    out.push_str("</testsuites>\n");
    out
}
