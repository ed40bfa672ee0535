//! Where a history is, and what becomes of one that is damaged.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use super::super::complaint::Complaint;
use super::super::output::plain;
use super::super::terminal;
use crate::store::{History, Mode, StoreError};

/// The history of the scenarios of a directory, from there.
const FILE: &str = ".mcpl/history.db";

/// The environment variable that names another file. Empty, it turns the history off.
const VARIABLE: &str = "MCPL_HISTORY";

/// What to do where there is none.
const ANOTHER: &str = "runs are kept beside their scenario: name that file with `MCPL_HISTORY=DIR/.mcpl/history.db` \
                       (`mcpl history` and `mcpl trend` take `--history DIR/.mcpl/history.db` too), or run a scenario first";

/// Bytes of the smallest page of SQLite.
const SMALLEST_PAGE: u64 = 512;

/// What an empty [`VARIABLE`] or a missing one comes to.
enum Named {
    File(PathBuf),
    Off,
    Nothing,
}

fn named() -> Named {
    match std::env::var_os(VARIABLE) {
        None => Named::Nothing,
        Some(path) if path.is_empty() => Named::Off,
        Some(path) => Named::File(PathBuf::from(path)),
    }
}

/// Where runs of a scenario in the directory `beside` are kept, if anywhere.
pub(in super::super) fn for_runs(beside: &Path) -> Option<PathBuf> {
    match named() {
        Named::File(path) => Some(path),
        Named::Off => None,
        Named::Nothing => Some(beside.join(FILE)),
    }
}

/// The history that a command means: the one that is named, or the nearest one in
/// the current directory and those above it.
pub(super) fn nearest(given: Option<&Path>) -> Option<PathBuf> {
    if let Some(path) = given {
        return Some(path.to_owned());
    }
    if let Named::File(path) = named() {
        return Some(path);
    }
    let here = std::env::current_dir().ok()?;
    here.ancestors().find(|directory| directory.join(FILE).exists()).map(|directory| {
        // As people would write it, where it is right here.
        if directory == here { PathBuf::from(FILE) } else { directory.join(FILE) }
    })
}

/// The nearest one that reports may take earlier runs from, if any.
pub(in super::super) fn for_reports() -> Option<PathBuf> {
    let path = if let Named::Off = named() { None } else { nearest(None) };
    path.filter(|path| path.exists())
}

/// The one that a command writes to, which need not exist.
pub(super) fn nearest_or_here(given: Option<&Path>) -> PathBuf {
    nearest(given).unwrap_or_else(|| PathBuf::from(FILE))
}

/// Opens the history that a command means.
///
/// # Errors
/// When there is none, or it cannot be used.
pub(in super::super) fn open(given: Option<&Path>) -> Result<(History, PathBuf), Complaint> {
    let path = nearest(given).ok_or_else(|| {
        let here = std::env::current_dir()
            .map_or_else(|_| "this directory".to_owned(), |here| format!("`{}`", here.display()));
        Complaint::usage(format!("there is no history: neither {here} nor a directory above it has `{FILE}`"))
            .help(ANOTHER)
    })?;
    if !path.exists() {
        let with = if given.is_some() { "--history" } else { VARIABLE };
        return Err(unusable(&path, &StoreError::Missing)
            .help(format!("run a scenario first, or name another file with `{with}`")));
    }
    let history = History::open(&path, Mode::Read).map_err(|error| unusable(&path, &error))?;
    Ok((history, path))
}

/// Opens a history to add to it, and begins it where there is none. A damaged file
/// is moved aside, which is told.
///
/// # Errors
/// When it cannot be written.
pub(super) fn open_to_write(path: &Path) -> Result<History, Complaint> {
    if path.is_dir() {
        return Err(unusable(path, &StoreError::System("it is a directory".to_owned())));
    }
    if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
        fs::create_dir_all(directory).map_err(|error| unusable(path, &StoreError::System(plain(&error))))?;
    }
    sound_or_new(path).map_err(|error| unusable(path, &error))
}

/// Opens a history to add to it, after a damaged one is moved aside.
fn sound_or_new(path: &Path) -> Result<History, StoreError> {
    // Whoever looks at a file does so under a lock that the mover waits for. A
    // connection that was still at the moved file would take the journal of the new one,
    // which has its name, for a leftover of its own, and delete it.
    let looking = looking(path);
    let reason = match sound(path) {
        Err(StoreError::Damaged(reason)) => reason,
        opened => return opened,
    };
    drop(looking);
    let moved =
        |error: &std::io::Error| StoreError::Damaged(format!("{reason}; nor can it be moved aside: {}", plain(error)));
    let _moving = lock(path, FlockOperation::LockExclusive).map_err(|error| moved(&error))?;
    // Another may have moved it meanwhile, and begun the next.
    let reason = match sound(path) {
        Err(StoreError::Damaged(reason)) => reason,
        opened => return opened,
    };
    set_aside(path, &reason).map_err(|error| moved(&error))?;
    sound(path)
}

/// What keeps others from moving a history while it is looked at; nothing where there are
/// no locks, or nothing is there.
pub(in super::super) fn looking(path: &Path) -> Option<File> {
    lock(path, FlockOperation::LockShared).ok()
}

/// Locks the directory of a history, for as long as what is returned lives. The file
/// itself is no place for a lock of ours: it is what is moved.
fn lock(path: &Path, operation: FlockOperation) -> std::io::Result<File> {
    let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty());
    let directory = File::open(directory.unwrap_or(Path::new(".")))?;
    rustix::io::retry_on_intr(|| flock(&directory, operation))?;
    Ok(directory)
}

/// Opens a history to add to it.
fn sound(path: &Path) -> Result<History, StoreError> {
    // SQLite would take what is shorter than its smallest page for an empty file.
    if fs::metadata(path).is_ok_and(|meta| (1..SMALLEST_PAGE).contains(&meta.len())) {
        return Err(StoreError::Damaged("it was cut off".to_owned()));
    }
    History::open(path, Mode::Write)
}

/// What is wrong with a history, and what to do.
pub(in super::super) fn unusable(path: &Path, error: &StoreError) -> Complaint {
    let shown = path.display();
    let complaint = Complaint::usage(format!("the history `{shown}` cannot be used: {error}"));
    match error {
        StoreError::Damaged(_) => complaint.help(format!(
            "the next run moves it aside and begins a new one; a backup can be brought back with `mcpl history import`; \
             what is left of `{shown}` may be read with `sqlite3 {shown} .recover`"
        )),
        StoreError::Foreign => complaint.help("name a file that mcpl made, or one that does not exist yet"),
        StoreError::Newer { .. } => complaint.help("use the later version of mcpl that wrote it"),
        StoreError::Busy => complaint.help("find out who has the file open, and end it"),
        StoreError::System(_) => complaint.help("make it a file that can be read, or name another with `MCPL_HISTORY`"),
        _ => complaint,
    }
}

/// Moves a damaged file aside, with what SQLite has left beside it. Nothing is written
/// over.
fn set_aside(path: &Path, reason: &str) -> std::io::Result<()> {
    let with = |base: &Path, ending: &str| {
        let mut name = base.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name)
    };
    let aside = (1..).map(|number| with(path, &format!(".damaged-{number}"))).find(|aside| {
        ["", "-journal", "-wal", "-shm"].iter().all(|ending| fs::symlink_metadata(with(aside, ending)).is_err())
    });
    let aside = aside.unwrap_or_else(|| with(path, ".damaged"));
    // The file itself last: before that, whoever looks finds it damaged still.
    for ending in ["-journal", "-wal", "-shm"] {
        match fs::rename(with(path, ending), with(&aside, ending)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    fs::rename(path, &aside)?;
    terminal::note(&format!(
        "the history `{}` is damaged ({reason}): it was moved to `{}`, and a new one is begun\n",
        path.display(),
        aside.display()
    ));
    Ok(())
}
