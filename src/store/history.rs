//! The file of the history.
//!
//! SQLite in its default mode, with a rollback journal: the file is one file
//! whenever nobody writes, can be read where nothing can be written, and works
//! where memory cannot be shared. Nobody reads while a run is under way, so there
//! is nothing to win from a write-ahead log.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior, params};

use super::entry::{COLUMNS, json};
use super::packed::{pack, unpack};
use super::{Entry, StoreError, Tags, VERSION};
use crate::results::Results;

/// So long one waits for others who write. A run is written within milliseconds;
/// whoever holds the file for longer is stuck.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// `mcpl` in ASCII: marks the file as ours (`application_id`).
const APPLICATION: i64 = 0x6d63_706c;

const LAYOUT: &str = "
    CREATE TABLE runs (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        started TEXT NOT NULL,
        name TEXT NOT NULL,
        load_hash TEXT NOT NULL,
        plan_hash TEXT NOT NULL,
        machine TEXT NOT NULL,
        tool TEXT NOT NULL,
        servers TEXT NOT NULL,
        outcome TEXT NOT NULL,
        ended TEXT NOT NULL,
        seconds REAL NOT NULL,
        requests INTEGER NOT NULL,
        failed INTEGER NOT NULL,
        p95_ns REAL,
        tags TEXT NOT NULL,
        condensed BLOB NOT NULL,
        results BLOB
    );
    CREATE INDEX runs_by_start ON runs (started, number);
    CREATE INDEX runs_by_load ON runs (load_hash);
";

/// What a history is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// To read one that exists.
    Read,
    /// To add to one, which is begun where there is none. It is looked through for
    /// damage first.
    Write,
}

/// Which runs to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Those of plans with this name.
    pub name: Option<String>,
    /// Those with this load ([`Entry::load_hash`]).
    pub load_hash: Option<String>,
    /// The last ones only.
    pub limit: Option<usize>,
}

/// What became of a run that was to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// It is new.
    New,
    /// The history had its sum only, and has its seconds now.
    Completed,
    /// The history had it already.
    Known,
}

/// How much of a run is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Details {
    /// Each of its seconds.
    Whole,
    /// The sum of its seconds ([`Results::condensed`]).
    Condensed,
}

/// An open history.
#[derive(Debug)]
pub struct History {
    connection: Connection,
}

impl History {
    /// Opens the file at `path`.
    ///
    /// # Errors
    /// [`StoreError`]; above all [`StoreError::Damaged`], after which the file is
    /// closed and may be moved.
    pub fn open(path: &Path, mode: Mode) -> Result<History, StoreError> {
        // Without `CREATE` a file that may only be read is opened for that.
        let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        if mode == Mode::Write {
            flags |= OpenFlags::SQLITE_OPEN_CREATE;
        }
        History::on(Connection::open_with_flags(path, flags)?, mode)
    }

    /// The history that a connection leads to. Nothing is written unless it is begun.
    pub(super) fn on(mut connection: Connection, mode: Mode) -> Result<History, StoreError> {
        connection.busy_timeout(PATIENCE)?;
        // What a file from elsewhere brings is data only.
        connection.execute_batch("PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;")?;
        // In one transaction: others may begin the file meanwhile.
        let ours = is_ours(&*connection.transaction()?)?;
        if !ours {
            if mode == Mode::Read {
                return Err(StoreError::Missing);
            }
            begin(&mut connection)?;
        }
        if mode == Mode::Write {
            let found: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
            if found != "ok" {
                return Err(StoreError::Damaged(found));
            }
        }
        Ok(History { connection })
    }

    /// Keeps a run whole, or its sum where that is all there is.
    ///
    /// # Errors
    /// When it cannot be written, and then nothing of it is.
    pub fn keep(
        &mut self,
        results: &Results,
        outcome: &str,
        tags: &Tags,
        details: Details,
    ) -> Result<Kept, StoreError> {
        let entry = Entry::new(results, outcome, tags, details == Details::Whole);
        let packed = |results: &Results| pack(results).map_err(|error| StoreError::System(error.to_string()));
        let condensed = packed(&results.condensed())?;
        let whole = if entry.detailed { Some(packed(results)?) } else { None };
        let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let new = transaction.execute(
            "INSERT INTO runs (id, started, name, load_hash, plan_hash, machine, tool, servers, outcome, ended,
                 seconds, requests, failed, p95_ns, tags, condensed, results)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)
             ON CONFLICT (id) DO NOTHING",
            params![
                entry.id,
                entry.started,
                entry.name,
                entry.load_hash,
                entry.plan_hash,
                entry.machine,
                entry.tool,
                as_json(&entry.servers),
                entry.outcome,
                as_json(&entry.ended),
                entry.seconds,
                count(entry.requests),
                count(entry.failed),
                entry.p95_ns,
                as_json(&entry.tags),
                condensed,
                whole,
            ],
        )?;
        let completed = match (new, &whole) {
            (0, Some(whole)) => transaction
                .execute("UPDATE runs SET results = ?2 WHERE id = ?1 AND results IS NULL", params![entry.id, whole])?,
            _ => 0,
        };
        transaction.commit()?;
        Ok(match (new, completed) {
            (0, 0) => Kept::Known,
            (0, _) => Kept::Completed,
            _ => Kept::New,
        })
    }

    /// Runs, the last first.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn list(&self, filter: &Filter) -> Result<Vec<Entry>, StoreError> {
        let mut statement = self.connection.prepare(&format!(
            "SELECT {COLUMNS} FROM runs
             WHERE (?1 IS NULL OR name = ?1) AND (?2 IS NULL OR load_hash = ?2)
             ORDER BY started DESC, number DESC LIMIT ?3"
        ))?;
        let limit = filter.limit.map_or(-1, |limit| i64::try_from(limit).unwrap_or(-1));
        let runs = statement.query_map(params![filter.name, filter.load_hash, limit], Entry::read)?;
        Ok(runs.collect::<Result<_, _>>()?)
    }

    /// The first runs whose id begins so, the one with that very id before others.
    pub(super) fn beginning_with(&self, prefix: &str, limit: usize) -> Result<Vec<Entry>, StoreError> {
        let mut statement = self.connection.prepare(&format!(
            "SELECT {COLUMNS} FROM runs WHERE substr(id, 1, length(?1)) = ?1 ORDER BY length(id), id LIMIT ?2"
        ))?;
        let limit = i64::try_from(limit).unwrap_or(-1);
        let runs = statement.query_map(params![prefix, limit], Entry::read)?;
        Ok(runs.collect::<Result<_, _>>()?)
    }

    /// What is kept of a run: whole, or its sum where its seconds were given up.
    ///
    /// # Errors
    /// When there is no such run, or it cannot be read.
    pub fn results(&self, id: &str) -> Result<Results, StoreError> {
        self.unpacked(id, "coalesce(results, condensed)")
    }

    /// The sum of a run ([`Results::condensed`]), which is read faster.
    ///
    /// # Errors
    /// When there is no such run, or it cannot be read.
    pub fn condensed(&self, id: &str) -> Result<Results, StoreError> {
        self.unpacked(id, "condensed")
    }

    fn unpacked(&self, id: &str, column: &str) -> Result<Results, StoreError> {
        let sql = format!("SELECT {column} FROM runs WHERE id = ?1");
        let packed: Vec<u8> = self.connection.query_row(&sql, [id], |row| row.get(0)).map_err(|error| match error {
            rusqlite::Error::QueryReturnedNoRows => StoreError::NoRun(id.to_owned()),
            error => error.into(),
        })?;
        unpack(&packed).map_err(|reason| StoreError::Unreadable { id: id.to_owned(), reason })
    }

    /// Changes the tags of a run, and tells what they are then.
    ///
    /// # Errors
    /// When there is no such run, or it cannot be written.
    pub fn tag(&mut self, id: &str, change: impl FnOnce(&mut Tags)) -> Result<Tags, StoreError> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let found = transaction.query_row("SELECT tags FROM runs WHERE id = ?1", [id], |row| json::<Tags>(row, 0));
        let mut tags = found.map_err(|error| match error {
            rusqlite::Error::QueryReturnedNoRows => StoreError::NoRun(id.to_owned()),
            error => error.into(),
        })?;
        change(&mut tags);
        transaction.execute("UPDATE runs SET tags = ?2 WHERE id = ?1", params![id, as_json(&tags)])?;
        transaction.commit()?;
        Ok(tags)
    }

    /// Removes runs: all of them or, where one cannot be removed, none. Tells how
    /// many there were.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn remove<'a>(&mut self, ids: impl IntoIterator<Item = &'a str>) -> Result<usize, StoreError> {
        self.each(ids, "DELETE FROM runs WHERE id = ?1")
    }

    /// Gives up the single seconds of runs and keeps their sums. Tells how many had
    /// some.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn condense<'a>(&mut self, ids: impl IntoIterator<Item = &'a str>) -> Result<usize, StoreError> {
        self.each(ids, "UPDATE runs SET results = NULL WHERE id = ?1 AND results IS NOT NULL")
    }

    fn each<'a>(&mut self, ids: impl IntoIterator<Item = &'a str>, sql: &str) -> Result<usize, StoreError> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut changed = 0;
        for id in ids {
            changed += transaction.execute(sql, [id])?;
        }
        transaction.commit()?;
        Ok(changed)
    }
}

/// Plain data with text keys, which serde_json can write.
fn as_json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// Whether the file is a history of a version that is known; `false` when nothing is
/// in it yet.
fn is_ours(connection: &Connection) -> Result<bool, StoreError> {
    let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
    let (application, version) = (number("PRAGMA application_id")?, number("PRAGMA user_version")?);
    match application {
        APPLICATION if version > VERSION => Err(StoreError::Newer { found: version }),
        APPLICATION => Ok(true),
        0 if version == 0 && number("SELECT count(*) FROM sqlite_schema")? == 0 => Ok(false),
        _ => Err(StoreError::Foreign),
    }
}

/// Lays out an empty file, unless somebody else was first.
fn begin(connection: &mut Connection) -> Result<(), StoreError> {
    // Space of runs that are removed goes back to the system. It is a property of the
    // file that only an empty one can be given, and not within a transaction.
    connection.execute_batch("PRAGMA auto_vacuum = FULL;")?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if !is_ours(&transaction)? {
        transaction.execute_batch(LAYOUT)?;
        transaction.pragma_update(None, "application_id", APPLICATION)?;
        transaction.pragma_update(None, "user_version", VERSION)?;
    }
    transaction.commit()?;
    Ok(())
}
