//! Data files: the rows that a run takes its inputs from.
//!
//! Invariant: a table of rows in memory: each row addressable by its number; a
//! broken row is named by line and column; never reads a file itself.
//! Imports nothing.
//!
//! A file is read through once when it is loaded, and everything that can be
//! wrong with it is found then. What is kept is its text and where each row
//! begins, 4 bytes a row; a row becomes a value when it is asked for. A file of
//! a million rows is not a million trees.

mod broken;
mod csv;
mod json;
mod weight;

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use broken::Broken;
use broken::Flaw;

/// The largest file, in bytes: 1 GiB. It is kept in memory whole, and the place
/// of a row has to fit into 32 bits.
pub const MAX_FILE_BYTES: usize = 1 << 30;

/// The most columns of a CSV file. A real table has dozens; a file of binary
/// data may seem to have any number.
pub const MAX_COLUMNS: usize = 4096;

/// The most keys of JSON rows that are told apart. Beyond it the keys are data,
/// and a list of them helps nobody.
pub const MAX_KEYS: usize = 256;

/// How a data file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Cells parted by commas as in RFC 4180; the first row names the columns.
    Csv,
    /// One list of objects.
    Json,
    /// One object on each line.
    Jsonl,
}

/// What the cells of a CSV column hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CellType {
    /// The cell as it is.
    #[default]
    Text,
    /// A whole number from -2^63 to 2^63-1, exact.
    Int,
    /// A number as JSON writes it; exact when it is whole and fits 64 bits.
    Number,
    /// `true` or `false`.
    Bool,
    /// Anything JSON can say.
    Json,
}

impl CellType {
    /// All of them, in the order in which they are offered.
    pub const ALL: [CellType; 5] = [CellType::Text, CellType::Int, CellType::Number, CellType::Bool, CellType::Json];

    /// The word for it in `types { column: WORD }`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            CellType::Text => "text",
            CellType::Int => "int",
            CellType::Number => "number",
            CellType::Bool => "bool",
            CellType::Json => "json",
        }
    }
}

/// Rows by number. A clone shares them, and threads may share a clone.
#[derive(Clone)]
pub struct Table {
    inner: Arc<Inner>,
}

struct Inner {
    /// `None` when the keys of the rows are too many to name.
    columns: Option<Vec<String>>,
    rows: Rows,
}

enum Rows {
    /// A CSV file: its text, where each row begins, the types of its columns.
    Cells { text: String, starts: Vec<u32>, types: Vec<CellType> },
    /// A JSON or JSONL file: its text and where each object begins.
    Objects { text: String, starts: Vec<u32> },
    /// Rows that are written in the scenario file; few enough to keep as trees.
    Inline(Vec<Value>),
}

/// What is known of a file that was read through.
struct Parsed {
    columns: Option<Vec<String>>,
    /// Where each row begins, in bytes.
    starts: Vec<u32>,
    /// Of the columns, in their order; empty for JSON.
    types: Vec<CellType>,
}

impl Table {
    /// Reads a whole file. A byte order mark at its start does not count.
    ///
    /// `types` gives columns of a CSV file another type than text; the first
    /// entry for a column counts. JSON values have types of their own, so there
    /// it must be empty.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong, and where. After `Ok` every row from 0 to
    /// [`Table::len`] is there.
    pub fn load(bytes: Vec<u8>, format: Format, types: &[(String, CellType)]) -> Result<Table, Broken> {
        Table::load_within(bytes, format, types, MAX_FILE_BYTES)
    }

    fn load_within(bytes: Vec<u8>, format: Format, types: &[(String, CellType)], most: usize) -> Result<Table, Broken> {
        if bytes.len() > most {
            return Err(broken::too_large(most));
        }
        let text = broken::utf8(bytes)?;
        let parsed = Table::parsed(&text, format, types).map_err(|flaw| flaw.placed(&text))?;
        let Parsed { columns, mut starts, types } = parsed;
        starts.shrink_to_fit();
        let rows = match format {
            Format::Csv => Rows::Cells { text, starts, types },
            Format::Json | Format::Jsonl => Rows::Objects { text, starts },
        };
        Ok(Table { inner: Arc::new(Inner { columns, rows }) })
    }

    fn parsed(text: &str, format: Format, types: &[(String, CellType)]) -> Result<Parsed, Flaw> {
        match format {
            Format::Csv => csv::load(text, types),
            Format::Json | Format::Jsonl if !types.is_empty() => {
                Err(Flaw::new(0, "the values of JSON have types of their own", "remove `types { … }`"))
            }
            Format::Json => json::load(text),
            Format::Jsonl => json::load_lines(text),
        }
    }

    /// Rows that are already values. Unlike a file they may be none.
    #[must_use]
    pub fn inline(rows: Vec<Map<String, Value>>) -> Table {
        let mut keys = json::Keys::default();
        rows.iter().for_each(|row| keys.note(row));
        let rows = Rows::Inline(rows.into_iter().map(Value::Object).collect());
        Table { inner: Arc::new(Inner { columns: keys.names(), rows }) }
    }

    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> u64 {
        match &self.inner.rows {
            Rows::Cells { starts, .. } | Rows::Objects { starts, .. } => starts.len() as u64,
            Rows::Inline(rows) => rows.len() as u64,
        }
    }

    /// Whether there is no row; never so for a file.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The names of the columns: the header of a CSV file, or every key that
    /// any row has, in the order in which they come. `None` when there are more
    /// than [`MAX_KEYS`] keys.
    #[must_use]
    pub fn columns(&self) -> Option<&[String]> {
        self.inner.columns.as_deref()
    }

    /// Row number `index`, from 0, as a JSON object; `None` beyond the last.
    #[must_use]
    pub fn row(&self, index: u64) -> Option<Value> {
        let index = usize::try_from(index).ok()?;
        match &self.inner.rows {
            Rows::Cells { text, starts, types } => csv::row(text, *starts.get(index)? as usize, self.columns()?, types),
            Rows::Objects { text, starts } => json::row(text, *starts.get(index)? as usize),
            Rows::Inline(rows) => rows.get(index).cloned(),
        }
    }

    /// How much memory the rows take, in bytes: for a file its size, 4 bytes for
    /// each row and a few hundred for the names of the columns; for rows in the
    /// scenario file an estimate.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        let columns = self.inner.columns.as_deref().unwrap_or_default();
        let names: usize = columns.iter().map(|name| size_of::<String>() + name.capacity()).sum();
        let rows = match &self.inner.rows {
            Rows::Cells { text, starts, types } => {
                text.capacity() + starts.capacity() * size_of::<u32>() + types.capacity() * size_of::<CellType>()
            }
            Rows::Objects { text, starts } => text.capacity() + starts.capacity() * size_of::<u32>(),
            Rows::Inline(rows) => rows.iter().map(weight::of).sum(),
        };
        size_of::<Inner>() + names + rows
    }
}

/// Its size only: the rows would flood whatever it is printed to.
impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table").field("len", &self.len()).field("columns", &self.columns()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
