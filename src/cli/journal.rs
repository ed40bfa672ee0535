//! The journal of a run that is under way: a file beside the scenario that goes
//! when the run has ended and its results are told, and stays when the process
//! dies.

use std::borrow::Cow;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use super::output::plain;
use super::terminal;
use crate::record::{Examples, Slice};
use crate::results::{Results, Second};

/// Where journals are, from the directory of the scenario file.
const DIRECTORY: &str = ".mcpl/journal";

/// A journal that is being written.
pub(super) struct Journal {
    /// Locked as long as this process lives: that is how others know.
    file: File,
    path: PathBuf,
    /// It could not be written: what is missing now would be missing in the
    /// middle, so nothing more is written.
    broken: bool,
}

impl Journal {
    /// Begins the journal of a run whose results are known but for what it
    /// measures. Without a place to write it there is a note and no journal.
    pub(super) fn begin(beside: &Path, results: &Results) -> Option<Journal> {
        match Journal::create(&beside.join(DIRECTORY), results) {
            Ok(journal) => Some(journal),
            Err(error) => {
                let place = beside.join(DIRECTORY);
                terminal::note(&format!(
                    "no journal is kept of this run, because `{}` cannot be written: {}\n",
                    place.display(),
                    plain(&error)
                ));
                None
            }
        }
    }

    fn create(directory: &Path, results: &Results) -> std::io::Result<Journal> {
        fs::create_dir_all(directory)?;
        let path = directory.join(format!("{}.jsonl", results.run.id));
        let mut file = File::create_new(&path)?;
        // Where there are no locks, nobody will take this journal for a dead one's.
        let _ = flock(&file, FlockOperation::NonBlockingLockExclusive);
        if let Err(error) = file.write_all(results.to_journal_head().as_bytes()) {
            let _ = fs::remove_file(&path);
            return Err(error);
        }
        Ok(Journal { file, path, broken: false })
    }

    /// A second has ended. It is handed to the system in one piece, which keeps it
    /// when this process is killed; a machine that loses power may lose more.
    pub(super) fn second(&mut self, slice: &Slice, examples: &Examples) {
        if self.broken {
            return;
        }
        let line = Second {
            slice: Cow::Borrowed(slice),
            failures: (&examples.failures).into(),
            slowest: (&examples.slowest).into(),
        }
        .to_line();
        if let Err(error) = self.file.write_all(line.as_bytes()) {
            self.broken = true;
            let path = self.path.display();
            terminal::note(&format!("the journal `{path}` ends here: {}\n", plain(&error)));
        }
    }

    /// Removes it, and its directories where nothing else is in them.
    pub(super) fn remove(self) {
        let _ = fs::remove_file(&self.path);
        for directory in self.path.ancestors().skip(1).take(2) {
            if fs::remove_dir(directory).is_err() {
                break;
            }
        }
    }
}

/// A sentence about journals that were left beside the scenario by processes
/// that died.
pub(super) fn left_over(beside: &Path) -> Option<String> {
    let mut dead: Vec<PathBuf> = fs::read_dir(beside.join(DIRECTORY))
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|ending| ending == "jsonl") && !is_being_written(path))
        .collect();
    dead.sort_by_key(|path| fs::metadata(path).and_then(|meta| meta.modified()).ok());
    let last = dead.last()?.display().to_string();
    let what = match dead.len() {
        1 => "a run before this one was cut off".to_owned(),
        runs => format!("{runs} runs before this one were cut off, the last"),
    };
    Some(format!(
        "{what}: render what it measured with `mcpl report {last}`, or add it to the history with `mcpl history import \
         {last}`; then remove the file\n"
    ))
}

/// Whether the process that writes it lives. An empty one is being begun.
pub(super) fn is_being_written(path: &Path) -> bool {
    let Ok(file) = File::open(path) else { return true };
    let empty = file.metadata().is_ok_and(|meta| meta.len() == 0);
    empty || flock(&file, FlockOperation::NonBlockingLockExclusive).is_err()
}
