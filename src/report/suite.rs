//! Several runs, one after the other, as one report.

use serde::Serialize;

use super::clean::clean;
use super::view::{AssertionView, FindingView, Reading, ToolView, View};
use super::{Format, RenderError, Style, Template, escape, render, templates};
use crate::results::Results;
use crate::verdict::Verdict;

/// Version of what templates see of a suite: it changes when a field changes its meaning
/// or goes.
const VERSION: u32 = 1;

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
#[derive(Clone, Debug, Serialize)]
pub struct Suite {
    /// [`VERSION`].
    view: u32,
    /// What ran it.
    tool: ToolView,
    /// What was run: the name of a directory.
    name: String,
    /// `passed` if all files did, `failed` if one failed, was stopped or was not run,
    /// otherwise `inconclusive`.
    word: &'static str,
    /// Files whose verdict is that they passed.
    passed: usize,
    /// Seconds that all runs took.
    seconds: f64,
    /// In the order in which they were run.
    files: Vec<FileView>,
}

/// A file of a suite.
#[derive(Clone, Debug, Serialize)]
struct FileView {
    /// Its name without its ending.
    name: String,
    /// Exit code of its run alone.
    exit_code: u8,
    /// Path of its page as a reference, for `href`; none without one.
    page: Option<String>,
    /// What it asks: the documentation of its first scenario.
    asks: Option<String>,
    /// The verdict in one word, `not run` without one.
    word: String,
    /// The verdict, or why there is none, without a full stop.
    sentence: String,
    /// Assertions that held.
    held: usize,
    /// All assertions.
    assertions: usize,
    /// Requests answered or failed.
    requests: u64,
    /// Failed requests as a share of all; none without requests.
    error_share: Option<f64>,
    /// Latency of all requests; none where it was not run.
    p50: Option<Reading>,
    /// The same.
    p95: Option<Reading>,
    /// The same.
    p99: Option<Reading>,
    /// Seconds that the run took.
    seconds: f64,
    /// Assertions that did not hold.
    broken: Vec<AssertionView>,
    /// What else a reader should know.
    findings: Vec<FindingView>,
}

impl templates::Subject for Suite {
    fn charts(&self) -> Vec<&str> {
        Vec::new()
    }

    fn chart(&self, _: &str) -> Option<String> {
        None
    }
}

impl Suite {
    /// The view of runs that have ended, in their order.
    #[must_use]
    pub fn new(name: &str, runs: &[Ran]) -> Suite {
        let files: Vec<FileView> = runs.iter().map(FileView::new).collect();
        let passed = files.iter().filter(|file| file.word == "passed").count();
        let failed = |file: &FileView| ["failed", "stopped", "not run"].contains(&file.word.as_str());
        Suite {
            view: VERSION,
            tool: ToolView::this(),
            name: clean(name),
            word: match passed == files.len() {
                true => "passed",
                false if files.iter().any(failed) => "failed",
                false => "inconclusive",
            },
            passed,
            seconds: files.iter().map(|file| file.seconds).sum(),
            files,
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

    /// Renders it by a template of the user's own.
    ///
    /// # Errors
    /// [`RenderError`] when the template has a mistake or names what the view does not
    /// have.
    pub fn render_template(&self, template: &Template) -> Result<String, RenderError> {
        template.render(self.clone())
    }

    fn template(&self, name: &str, style: Style) -> Result<String, RenderError> {
        templates::render(self.clone(), name, &[], style)
    }
}

/// The file's name without its ending.
fn name_of(ran: &Ran) -> String {
    clean(&std::path::Path::new(&ran.file).file_stem().unwrap_or_default().to_string_lossy())
}

impl FileView {
    fn new(ran: &Ran) -> FileView {
        let mut file = FileView {
            name: name_of(ran),
            exit_code: ran.code,
            page: ran.page.as_deref().map(escape::reference),
            asks: None,
            word: "not run".to_owned(),
            sentence: String::new(),
            held: 0,
            assertions: 0,
            requests: 0,
            error_share: None,
            p50: None,
            p95: None,
            p99: None,
            seconds: 0.0,
            broken: Vec::new(),
            findings: Vec::new(),
        };
        let (results, verdict) = match &ran.outcome {
            Ok(outcome) => outcome,
            Err(reason) => {
                file.sentence = clean(reason);
                return file;
            }
        };
        let view = View::new(results, verdict);
        file.asks = view.scenarios.iter().find_map(|scenario| scenario.doc.clone());
        file.word = verdict.outcome.word().to_owned();
        file.sentence = view.verdict.sentence;
        file.held = verdict.assertions.iter().filter(|judgement| judgement.state.held()).count();
        file.assertions = verdict.assertions.len();
        file.requests = view.totals.requests;
        file.error_share = view.totals.error_share;
        file.p50 = Some(view.totals.p50);
        file.p95 = Some(view.totals.p95);
        file.p99 = Some(view.totals.p99);
        file.seconds = std::time::Duration::from_millis(results.run.total_ms).as_secs_f64();
        file.broken = view.assertions.into_iter().filter(|assertion| !assertion.held).collect();
        file.findings = view.findings;
        file
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
            let (name, reason) = (escape::html(&name_of(ran)), escape::html(&clean(reason)));
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
