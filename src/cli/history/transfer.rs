//! `mcpl history export` and `mcpl history import`

use std::borrow::Cow;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::super::complaint::Complaint;
use super::super::output::{self, plain};
use super::super::{runs, terminal};
use super::place::{nearest_or_here, open_to_write};
use super::{ExportArgs, HistoryArgs, ImportArgs, show, unusable};
use crate::results::Results;
use crate::store::{Details, Entry, Filter, Kept, Tags};
use crate::verdict;

/// Version of the lines of an export.
const SCHEMA: &str = "mcpl.history/1";

/// How a line of an export begins.
const BEGINNING: &[u8] = br#"{"schema":"mcpl.history/"#;

/// A run of an export.
#[derive(Serialize, Deserialize)]
struct Line<'a> {
    schema: Cow<'a, str>,
    outcome: Cow<'a, str>,
    tags: Cow<'a, Tags>,
    /// Whether the results have the single seconds.
    detailed: bool,
    /// A results file, or its sum.
    results: Box<serde_json::value::RawValue>,
}

/// Writes runs, the first first.
pub(super) fn export(args: &HistoryArgs, export: &ExportArgs) -> Result<(), Complaint> {
    let (history, path) = args.open()?;
    let wrong = |error| unusable(&path, &error);
    let chosen: Vec<Entry> = match export.runs.as_slice() {
        [] => {
            let mut all = history.list(&Filter::default()).map_err(wrong)?;
            all.reverse();
            all
        }
        named => named.iter().map(|run| runs::find(&history, &path, run)).collect::<Result<_, _>>()?,
    };
    let mut text = String::new();
    for entry in &chosen {
        let results = history.results(&entry.id).map_err(wrong)?;
        let raw = serde_json::value::RawValue::from_string(results.to_json().trim_end().to_owned());
        let line = Line {
            schema: Cow::Borrowed(SCHEMA),
            outcome: Cow::Borrowed(&entry.outcome),
            tags: Cow::Borrowed(&entry.tags),
            detailed: entry.detailed,
            results: raw.map_err(|error| Complaint::usage(format!("cannot write the run {}: {error}", entry.id)))?,
        };
        text.push_str(&serde_json::to_string(&line).unwrap_or_default());
        text.push('\n');
        if export.out.is_none() {
            // One run at a time, so that a pipe need not wait for all of them.
            terminal::print(&std::mem::take(&mut text))?;
        }
    }
    if let Some(out) = &export.out {
        output::write(out, &text)
            .map_err(|error| Complaint::usage(format!("cannot write `{}`: {}", out.display(), plain(&error))))?;
        terminal::print(&format!("exported {} to `{}`\n", show::runs(chosen.len()), out.display()))?;
    }
    Ok(())
}

/// A run that is to be added.
struct Incoming {
    results: Results,
    outcome: String,
    tags: Tags,
    details: Details,
}

/// Adds runs. Nothing is added unless all files can be read.
pub(super) fn import(args: &HistoryArgs, import: &ImportArgs) -> Result<(), Complaint> {
    let files = import.files.iter().map(|file| incoming(file)).collect::<Result<Vec<_>, _>>()?;
    let path = nearest_or_here(args.history.as_deref());
    let mut history = open_to_write(&path)?;
    let (mut new, mut completed, mut known) = (0, 0, 0);
    for mut run in files.into_iter().flatten() {
        run.tags.extend(import.tag.iter().map(|tag| (tag.key.clone(), tag.value.clone())));
        let kept = history.keep(&run.results, &run.outcome, &run.tags, run.details);
        match kept.map_err(|error| unusable(&path, &error))? {
            Kept::New => new += 1,
            Kept::Completed => completed += 1,
            Kept::Known => known += 1,
        }
    }
    let mut told = format!("imported {} into `{}`", show::runs(new), path.display());
    if completed > 0 {
        told.push_str(&format!("; completed {}", show::runs(completed)));
    }
    if known > 0 {
        told.push_str(&format!("; it had {} already", show::runs(known)));
    }
    terminal::print(&format!("{told}\n"))
}

/// The runs in a file.
fn incoming(path: &Path) -> Result<Vec<Incoming>, Complaint> {
    let bytes = fs::read(path)
        .map_err(|error| Complaint::usage(format!("cannot read `{}`: {}", path.display(), plain(&error))))?;
    if bytes.starts_with(BEGINNING) {
        return exported(path, &bytes);
    }
    let results = runs::from_bytes(path, bytes)?;
    let outcome = verdict::judge(&results).outcome.word().to_owned();
    Ok(vec![Incoming { results, outcome, tags: Tags::new(), details: Details::Whole }])
}

fn exported(path: &Path, bytes: &[u8]) -> Result<Vec<Incoming>, Complaint> {
    let lines = bytes.split(|byte| *byte == b'\n').enumerate().filter(|(_, line)| !line.is_empty());
    let wrong = |number: usize, reason: String| {
        Complaint::usage(format!("line {} of `{}` is no run of an export: {reason}", number + 1, path.display()))
            .help("give a file that `mcpl history export` wrote, whole")
    };
    let read = |(number, line): (usize, &[u8])| {
        let line: Line<'_> = serde_json::from_slice(line).map_err(|error| wrong(number, error.to_string()))?;
        if line.schema != SCHEMA {
            let reason = format!("its format is `{}`, and this version reads `{SCHEMA}`", line.schema);
            return Err(wrong(number, reason));
        }
        let results = Results::from_json(line.results.get()).map_err(|error| wrong(number, error.to_string()))?;
        let details = if line.detailed { Details::Whole } else { Details::Condensed };
        let (outcome, tags) = (line.outcome.into_owned(), line.tags.into_owned());
        Ok(Incoming { results, outcome, tags, details })
    };
    lines.map(read).collect()
}
