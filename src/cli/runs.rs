//! A run that a command line names: a results file, a journal, an HTML report, or a run
//! of the history.

use std::fs;
use std::path::Path;

use super::complaint::Complaint;
use super::history::{open, unusable};
use super::{journal, output, terminal};
use crate::diag::suggest::nearest;
use crate::report;
use crate::results::{Journal, Results};
use crate::store::{Filter, History, StoreError};

/// So many runs are named to someone who names one that is not there.
const NAMED: usize = 3;

/// Reads the run that is meant. A file goes before a run of the history.
///
/// # Errors
/// When there is none, or it cannot be read.
pub(super) fn load(spec: &Path) -> Result<Results, Complaint> {
    if spec.exists() || looks_like_a_path(spec) {
        return file(spec);
    }
    let name = spec.to_string_lossy();
    let (history, path) = open(None).map_err(|mut complaint| {
        complaint.message = format!("`{name}` is no file, and {}", complaint.message);
        complaint
    })?;
    let entry = find(&history, &path, &name)?;
    if !entry.detailed {
        terminal::note(&format!("of the run {} the sum is kept, and not its single seconds\n", entry.id));
    }
    history.results(&entry.id).map_err(|error| unusable(&path, &error))
}

/// Whether it can only be meant as a file.
fn looks_like_a_path(spec: &Path) -> bool {
    spec.to_string_lossy().contains('/')
        || spec.extension().is_some_and(|ending| ["json", "jsonl", "html"].iter().any(|known| ending == *known))
}

/// The run of a history that is meant.
///
/// # Errors
/// When there is none, or there are several.
pub(super) fn find(history: &History, path: &Path, name: &str) -> Result<crate::store::Entry, Complaint> {
    history.find(name).map_err(|error| match &error {
        StoreError::NoRun(_) => {
            let complaint = Complaint::usage(format!("the history `{}` has no run `{name}`", path.display()));
            let known = history.list(&Filter { limit: Some(1000), ..Filter::default() }).unwrap_or_default();
            let ids: Vec<&str> = known.iter().map(|entry| entry.id.as_str()).collect();
            let near = nearest(name, ids.iter().copied().chain(["latest"]));
            match near.filter(|_| !name.starts_with("latest")) {
                Some(near) => complaint.help(format!("write `{near}`")),
                None if ids.is_empty() => complaint.help("run a scenario first: the history is empty"),
                None => complaint.help(format!(
                    "name one of its runs: latest, {}; `mcpl history list` has them all",
                    ids.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ")
                )),
            }
        }
        StoreError::Ambiguous { .. } => Complaint::usage(error.to_string()).help("write more of its id"),
        _ => unusable(path, &error),
    })
}

/// Reads a results file, a journal, or an HTML report.
///
/// # Errors
/// When it is none of them, or cannot be read.
pub(super) fn file(path: &Path) -> Result<Results, Complaint> {
    let bytes = fs::read(path)
        .map_err(|error| Complaint::usage(format!("cannot read `{}`: {}", path.display(), output::plain(&error))))?;
    from_bytes(path, bytes)
}

/// The run in the bytes of a file.
///
/// # Errors
/// When there is none.
pub(super) fn from_bytes(path: &Path, bytes: Vec<u8>) -> Result<Results, Complaint> {
    let not_results = |reason: String| {
        Complaint::usage(format!("`{}` is not the results of a run: {reason}", path.display()))
            .help("give a file that `mcpl run FILE --out run.json` wrote, an HTML report of a run, or a run of `mcpl history list`")
    };
    if Journal::is_one(&bytes) {
        return journalled(path, &bytes);
    }
    let text = String::from_utf8(bytes).map_err(|_| not_results("it is not UTF-8 text".to_owned()))?;
    let text = match report::is_page(&text) {
        true => report::embedded_results(&text).map_err(|error| not_results(error.to_string()))?,
        false => text,
    };
    Results::from_json(&text).map_err(|error| not_results(error.to_string()))
}

/// The results of a run that was cut off, as far as it was journalled.
fn journalled(path: &Path, bytes: &[u8]) -> Result<Results, Complaint> {
    let read = Journal::from_bytes(bytes).map_err(|error| {
        Complaint::usage(format!("`{}` is a journal that cannot be used: {error}", path.display()))
            .help("give a journal that `mcpl run` wrote and nobody changed")
    })?;
    if journal::is_being_written(path) {
        terminal::note("the run is still under way: this is what it has measured so far\n");
    }
    if read.torn {
        terminal::note("the last line of the journal was not written to its end and is left out\n");
    }
    Ok(read.results)
}
