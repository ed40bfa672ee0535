//! `mcpl report` and `mcpl judge`: from a results file alone.

use std::fs;
use std::path::Path;

use super::against::{Against, AgainstArgs};
use super::args::{JudgeArgs, ReportArgs, ReportFormat};
use super::complaint::Complaint;
use super::{Done, exit, output, runs, terminal};
use crate::report::{self, Format, RenderError, Style};
use crate::results::Results;
use crate::verdict;

/// Renders a stored run.
pub(super) fn report(args: &ReportArgs) -> Done {
    // One of them is there: clap sees to it.
    let results = runs::load(args.run.as_deref().or(args.from.as_deref()).unwrap_or(Path::new("")))?;
    let verdict = judged(&results, &args.against)?;
    let rendered = match &args.template {
        Some(path) => template(path)?.render(&results, &verdict),
        None => {
            let color = args.output.is_none() && terminal::stdout_color();
            report::render(&results, &verdict, format_of(args.format), Style { color })
        }
    };
    let text = rendered.map_err(|error| Complaint::usage(error.to_string()))?;
    match &args.output {
        None => terminal::print(&text)?,
        Some(path) => output::write(path, &text).map_err(|error| {
            Complaint::usage(format!("cannot write `{}`: {}", path.display(), output::plain(&error)))
        })?,
    }
    Ok(exit::OK)
}

/// Judges a stored run again; the exit code is the verdict's.
pub(super) fn judge(args: &JudgeArgs) -> Done {
    let results = runs::load(&args.run)?;
    let verdict = judged(&results, &args.against)?;
    let style = Style { color: terminal::stdout_color() };
    let text =
        report::render(&results, &verdict, Format::Text, style).map_err(|error| Complaint::usage(error.to_string()))?;
    terminal::print(&text)?;
    Ok(verdict.outcome.exit_code())
}

/// The verdict on a stored run, with the baselines of its file and those that are asked
/// for.
fn judged(results: &Results, args: &AgainstArgs) -> Result<verdict::Verdict, Complaint> {
    let against = Against::again(args, results)?;
    let mut verdict = verdict::judge(results);
    against.judge(results, &mut verdict);
    Ok(verdict)
}

/// A template of the user's own.
pub(super) struct Template {
    name: String,
    source: String,
}

/// Reads a template.
///
/// # Errors
/// When it cannot be read.
pub(super) fn template(path: &Path) -> Result<Template, Complaint> {
    let source = fs::read_to_string(path).map_err(|error| {
        Complaint::usage(format!("cannot read the template `{}`: {}", path.display(), output::plain(&error)))
    })?;
    Ok(Template { name: path.file_name().unwrap_or_default().to_string_lossy().into_owned(), source })
}

impl Template {
    /// What it makes of a run.
    pub(super) fn render(&self, results: &Results, verdict: &verdict::Verdict) -> Result<String, RenderError> {
        report::render_template(results, verdict, &self.name, &self.source)
    }
}

fn format_of(format: ReportFormat) -> Format {
    match format {
        ReportFormat::Text => Format::Text,
        ReportFormat::Html => Format::Html,
        ReportFormat::Markdown => Format::Markdown,
        ReportFormat::Junit => Format::Junit,
    }
}
