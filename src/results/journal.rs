//! The journal of a run: its results as far as they are known, second by
//! second, for the case that the process does not live to write them.
//!
//! Lines of JSON. The first is the head: the results of a run of which nothing
//! is measured yet. Each further one is a second that has ended.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::{Ended, ReadError, Results};
use crate::record::{Examples, Failure, Slice, SlowRequest};

/// Version of the journal's format.
pub const JOURNAL: &str = "mcpl.journal/1";

/// The first line.
#[derive(Serialize, Deserialize)]
struct Head<'a> {
    schema: Cow<'a, str>,
    results: Cow<'a, Results>,
}

/// A line for a second.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Second<'a> {
    /// What ended in it.
    pub slice: Cow<'a, Slice>,
    /// Examples of failures that came with it.
    #[serde(default, skip_serializing_if = "<[Failure]>::is_empty")]
    pub failures: Cow<'a, [Failure]>,
    /// Requests that were among the slowest of their series when it ended.
    #[serde(default, skip_serializing_if = "<[SlowRequest]>::is_empty")]
    pub slowest: Cow<'a, [SlowRequest]>,
}

/// A journal that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Journal {
    /// The run as far as it was journalled, ended with its process.
    pub results: Results,
    /// Whether the last line was not written to its end, and left out.
    pub torn: bool,
}

impl Second<'_> {
    /// As a line, with its end.
    #[must_use]
    pub fn to_line(&self) -> String {
        line(self)
    }
}

/// Every part is plain data with text keys, which serde_json can write.
fn line(value: &impl Serialize) -> String {
    let mut text = serde_json::to_string(value).unwrap_or_default();
    text.push('\n');
    text
}

impl Results {
    /// As the first line of a journal, with its end. What is measured already is
    /// left out.
    #[must_use]
    pub fn to_journal_head(&self) -> String {
        let mut results = self.clone();
        results.recording = crate::record::Recording::default();
        results.run.ended = Ended::Killed;
        (results.run.load_ms, results.run.total_ms) = (0, 0);
        line(&Head { schema: Cow::Borrowed(JOURNAL), results: Cow::Owned(results) })
    }
}

impl Journal {
    /// Whether these are the bytes of a journal, of whatever version.
    #[must_use]
    pub fn is_one(bytes: &[u8]) -> bool {
        bytes.starts_with(br#"{"schema":"mcpl.journal/"#)
    }

    /// Reads a journal. A last line without its end is left out.
    ///
    /// # Errors
    /// [`ReadError`], never a panic.
    pub fn from_bytes(bytes: &[u8]) -> Result<Journal, ReadError> {
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let torn = whole < bytes.len();
        let mut lines = bytes.get(..whole).unwrap_or_default().split_inclusive(|byte| *byte == b'\n').enumerate();
        let Some((_, head)) = lines.next() else {
            return Err(ReadError::Damaged { line: 1, column: 1, message: "its first line has no end".to_owned() });
        };
        let found: super::read::Head = serde_json::from_slice(head)?;
        match found.schema() {
            Some(JOURNAL) => {}
            other => return Err(ReadError::OtherJournal { found: other.unwrap_or_default().to_owned() }),
        }
        let mut results = serde_json::from_slice::<Head<'_>>(head)?.results.into_owned();
        results.schema_known()?;
        for (number, line) in lines {
            let second: Second<'_> =
                serde_json::from_slice(line).map_err(|error| ReadError::from(error).in_line(number + 1))?;
            results.recording.add(second.slice.into_owned());
            let (failures, slowest) = (second.failures.into_owned(), second.slowest.into_owned());
            results.recording.add_examples(Examples { failures, slowest });
        }
        let journalled = results.recording.seconds.last().map_or(0, |slice| (u64::from(slice.second) + 1) * 1000);
        results.run.ended = Ended::Killed;
        results.run.load_ms = journalled.min(results.plan.load_ns() / 1_000_000);
        results.run.total_ms = journalled;
        results.check()?;
        Ok(Journal { results, torn })
    }
}
