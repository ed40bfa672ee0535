//! Keeping a run that has ended.

use std::path::Path;

use super::super::commit::commit;
use super::super::terminal;
use super::place::{for_runs, open_to_write, unusable};
use super::tags::Tag;
use crate::results::Results;
use crate::store::{Details, Tags};
use crate::verdict::Outcome;

/// The tag that every run gets where the commit is known.
pub(in super::super) const COMMIT: &str = "commit";

/// The tags that a run of a scenario in the directory `beside` gets.
pub(in super::super) fn tags_of(beside: &Path, tags: &[Tag]) -> Tags {
    let mut all = Tags::new();
    if let Some(commit) = commit(beside) {
        all.insert(COMMIT.to_owned(), commit);
    }
    all.extend(tags.iter().map(|tag| (tag.key.clone(), tag.value.clone())));
    all
}

/// Keeps a run of a scenario in the directory `beside`. What prevents that is told,
/// and changes nothing else.
pub(in super::super) fn keep(beside: &Path, results: &Results, outcome: Outcome, tags: &Tags, quiet: bool) {
    let Some(path) = for_runs(beside) else { return };
    let kept = open_to_write(&path).and_then(|mut history| {
        history.keep(results, outcome.word(), tags, Details::Whole).map_err(|error| unusable(&path, &error))
    });
    match kept {
        Ok(_) if quiet => {}
        Ok(_) => {
            let path = path.display().to_string();
            terminal::note(&format!("kept in the history `{}` as {}\n", terminal::printable(&path), results.run.id));
        }
        Err(complaint) => {
            terminal::note(&format!(
                "this run is not kept in the history: {}\n",
                terminal::printable(&complaint.message)
            ));
        }
    }
}
