//! Rows for `take`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rows::{AtEnd, Order};

/// A table of rows and how they are handed out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Data {
    /// Its name in the file.
    pub name: String,
    /// Where the rows are.
    pub source: DataSource,
    /// How many there are.
    pub rows: u64,
    /// SHA-256 of the file or of the rows as JSON, in hex: a plan with other
    /// rows is another plan.
    pub sha256: String,
    /// In which order they are handed out.
    pub order: Order,
    /// What happens when there are no more.
    pub at_end: AtEnd,
}

/// Where rows are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DataSource {
    /// A file of comma-separated values.
    Csv(String),
    /// A file that is one list of objects.
    Json(String),
    /// A file with an object on each line.
    Jsonl(String),
    /// The scenario file.
    Inline,
}
