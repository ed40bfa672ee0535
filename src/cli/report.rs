//! `mcpl report` and `mcpl judge`: from a results file alone.

use std::fs;
use std::path::Path;

use super::against::{Against, AgainstArgs};
use super::args::{JudgeArgs, ReportArgs, ReportFormat};
use super::complaint::Complaint;
use super::{Done, earlier, exit, output, runs, terminal};
use crate::report::{self, Format, Style, Template};
use crate::results::Results;
use crate::verdict;

/// Renders a stored run.
pub(super) fn report(args: &ReportArgs) -> Done {
    if let Some(directory) = &args.init_templates {
        return init_templates(directory);
    }
    // One of them is there: clap sees to it.
    let results = runs::load(args.run.as_deref().or(args.from.as_deref()).unwrap_or(Path::new("")))?;
    let mut verdict = judged(&results, &args.against)?;
    earlier::tell(&results, &mut verdict);
    let rendered = match &args.template {
        Some(path) => report::render_template(&results, &verdict, &template(path)?),
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

/// Writes the built-in templates out, and over nothing.
fn init_templates(directory: &Path) -> Done {
    let files: Vec<_> = report::built_in_templates().map(|(name, source)| (directory.join(name), source)).collect();
    if let Some((path, _)) = files.iter().find(|(path, _)| path.exists()) {
        return Err(Complaint::usage(format!("`{}` is there already", path.display()))
            .help("name a directory without templates"));
    }
    for (path, source) in &files {
        let made = path.parent().map_or(Ok(()), fs::create_dir_all);
        made.and_then(|()| output::write(path, source)).map_err(|error| {
            Complaint::usage(format!("cannot write `{}`: {}", path.display(), output::plain(&error)))
        })?;
    }
    let page = directory.join("report.html.j2");
    terminal::note(&format!(
        "wrote {} templates; change what you like and render with `mcpl report RUN --template {}`\n",
        files.len(),
        page.display()
    ));
    Ok(exit::OK)
}

/// Reads a template, and what lies beside it to be included.
///
/// # Errors
/// When it cannot be read.
pub(super) fn template(path: &Path) -> Result<Template, Complaint> {
    let source = fs::read_to_string(path).map_err(|error| {
        Complaint::usage(format!("cannot read the template `{}`: {}", path.display(), output::plain(&error)))
    })?;
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let directory = path.parent().unwrap_or(Path::new(""));
    let mut parts = Vec::new();
    for folder in ["", "parts/"] {
        let Ok(entries) = fs::read_dir(Path::new(".").join(directory).join(folder)) else { continue };
        for entry in entries.flatten() {
            let part = format!("{folder}{}", entry.file_name().to_string_lossy());
            let small = entry.metadata().is_ok_and(|data| data.is_file() && data.len() <= PART_BYTES);
            // What cannot be read as text is no template.
            if small && is_part(&part) && part != name && parts.len() < PARTS {
                parts.extend(fs::read_to_string(entry.path()).ok().map(|source| (part, source)));
            }
        }
    }
    parts.sort();
    Ok(Template { name, source, parts })
}

/// So many files beside a template are looked at, and none that is larger: more is no
/// directory of templates.
const PARTS: usize = 200;
const PART_BYTES: u64 = 1024 * 1024;

/// Whether a file is one that a template may include.
fn is_part(name: &str) -> bool {
    [".j2", ".jinja", ".jinja2", ".css", ".js"].iter().any(|ending| name.ends_with(ending))
}

fn format_of(format: ReportFormat) -> Format {
    match format {
        ReportFormat::Text => Format::Text,
        ReportFormat::Html => Format::Html,
        ReportFormat::Markdown => Format::Markdown,
        ReportFormat::Junit => Format::Junit,
        ReportFormat::Csv => Format::Csv,
        ReportFormat::Json => Format::Json,
    }
}
