//! The history: runs that were, in one SQLite file.
//!
//! Invariant: a run is written whole or not at all, whoever else writes and
//! whenever a writer dies; nothing that the file holds makes a reader panic.
//! Opened by `cli` only. May import `record`, `results`.

mod entry;
mod find;
mod history;
mod packed;
#[cfg(test)]
mod tests;

pub use entry::{Entry, Tags};
pub use history::{Details, Filter, History, Kept, Mode};

use crate::results::ReadError;

/// Version of the file's layout (`user_version`). A newer one is refused.
pub const VERSION: i64 = 1;

/// Why a history, or a run of it, cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no file.
    #[error("there is no such file")]
    Missing,
    /// It is damaged, or no database at all. It holds nothing that can be added to.
    #[error("it is damaged: {0}")]
    Damaged(String),
    /// A database of another program.
    #[error("it is a database of another program")]
    Foreign,
    /// Made by a later version.
    #[error("its layout has the number {found}, and this version knows those up to {VERSION}")]
    Newer {
        /// The number in the file.
        found: i64,
    },
    /// Others kept it locked for longer than anybody should.
    #[error("another process has kept it locked for {} s", history::PATIENCE.as_secs())]
    Busy,
    /// The system does not let it be read or written.
    #[error("{0}")]
    System(String),
    /// No run has this name.
    #[error("the history has no run `{0}`")]
    NoRun(String),
    /// Several runs have names that begin so.
    #[error("`{prefix}` is the beginning of several runs: {}", of.join(", "))]
    Ambiguous {
        /// What was asked for.
        prefix: String,
        /// The first runs that begin so.
        of: Vec<String>,
    },
    /// What was kept of a run cannot be read.
    #[error("what is kept of the run `{id}` cannot be read: {reason}")]
    Unreadable {
        /// The run.
        id: String,
        /// Why.
        reason: ReadError,
    },
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> StoreError {
        use rusqlite::ErrorCode;
        let text = match &error {
            rusqlite::Error::SqliteFailure(_, Some(message)) => message.clone(),
            other => other.to_string(),
        };
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => StoreError::Damaged(text),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Busy,
            Some(_) => StoreError::System(text),
            // A column is missing, or holds something else than was written.
            None => StoreError::Damaged(text),
        }
    }
}
