//! What makes a report: a built-in format, or a template of the user's own.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::complaint::Complaint;
use super::output;
use crate::report::{Format, Template};

/// What makes a report.
#[derive(Clone, Debug)]
pub(super) enum Form {
    /// A format that there is.
    BuiltIn(Format),
    /// A template of the user's own.
    Own(Template),
}

impl Form {
    /// Reads a template, and what lies beside it to be included.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn own(path: &Path) -> Result<Form, Complaint> {
        template(path).map(Form::Own)
    }

    /// The format of this name.
    ///
    /// # Errors
    /// When there is none.
    pub(super) fn named(name: &str) -> Result<Form, Complaint> {
        name.parse::<Format>().map(Form::BuiltIn).map_err(|_| {
            let names = Format::ALL.map(Format::name).join(", ");
            Complaint::usage(format!("there is no report format `{name}`"))
                .help(format!("write one of {names}, or the path of a template of your own"))
        })
    }

    /// Whether it makes a page for a browser.
    pub(super) fn is_page(&self) -> bool {
        match self {
            Form::BuiltIn(format) => *format == Format::Html,
            Form::Own(template) => template.is_page(),
        }
    }
}

/// What is printed.
#[derive(Debug, Clone, Args)]
pub(super) struct FormArgs {
    /// How it is rendered
    #[arg(long, value_enum, default_value_t, conflicts_with = "template")]
    format: ReportFormat,

    /// Render a template of your own (minijinja) instead; what lies beside it can be included
    #[arg(long, value_name = "FILE")]
    template: Option<PathBuf>,
}

impl FormArgs {
    /// Reads the template, if there is one.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn read(&self) -> Result<Form, Complaint> {
        match &self.template {
            Some(path) => Form::own(path),
            None => Ok(Form::BuiltIn(self.format.into())),
        }
    }
}

/// How it is rendered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum ReportFormat {
    /// For a terminal
    #[default]
    Text,
    /// One self-contained file for a browser
    Html,
    /// For a pull request or a job summary
    Markdown,
    /// JUnit XML for CI systems
    Junit,
    /// A table for spreadsheets
    Csv,
    /// For programs
    Json,
}

impl From<ReportFormat> for Format {
    fn from(format: ReportFormat) -> Format {
        match format {
            ReportFormat::Text => Format::Text,
            ReportFormat::Html => Format::Html,
            ReportFormat::Markdown => Format::Markdown,
            ReportFormat::Junit => Format::Junit,
            ReportFormat::Csv => Format::Csv,
            ReportFormat::Json => Format::Json,
        }
    }
}

/// Reads `--report FORMAT=FILE` and `--report TEMPLATE=FILE`: a name with a dot or a slash
/// is a path.
///
/// # Errors
/// When it names no file, no format that there is, or a template that cannot be read.
pub(super) fn parse_report(report: &str) -> Result<(Form, PathBuf), Complaint> {
    match report.split_once('=').filter(|(_, path)| !path.is_empty()) {
        Some((form, path)) if form.contains(['.', '/']) => Ok((Form::own(Path::new(form))?, PathBuf::from(path))),
        Some((format, path)) => Ok((Form::named(format)?, PathBuf::from(path))),
        None => Err(Complaint::usage(format!("`--report {report}` names no file"))
            .help(format!("write `--report {}=FILE`", report.trim_end_matches('=')))),
    }
}

/// Reads a template, and what lies beside it to be included.
///
/// # Errors
/// When it cannot be read.
fn template(path: &Path) -> Result<Template, Complaint> {
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
    let template = Template { name, source, parts };
    template.check().map_err(|error| Complaint::usage(error.to_string()))?;
    Ok(template)
}

/// So many files beside a template are looked at, and none that is larger: more is no
/// directory of templates.
const PARTS: usize = 200;
const PART_BYTES: u64 = 1024 * 1024;

/// Whether a file is one that a template may include.
fn is_part(name: &str) -> bool {
    [".j2", ".jinja", ".jinja2", ".css", ".js"].iter().any(|ending| name.ends_with(ending))
}
