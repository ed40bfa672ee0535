//! Reading a results file: whatever the bytes, an answer or an error.

use serde::Deserialize;

use super::{BASELINE, JOURNAL, Results, SCHEMA};
use crate::plan::MAX_LOAD_NS;
use crate::record::{Counts, Slice};

/// Why a results file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Not JSON, cut off, or of another shape.
    #[error("line {line}, column {column}: {message}")]
    Damaged {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
        /// What is wrong there.
        message: String,
    },
    /// Made by a version that this one does not know.
    #[error("its format is `{found}`, and this version reads `{SCHEMA}`")]
    OtherSchema {
        /// What the file says.
        found: String,
    },
    /// A journal of a version that this one does not know.
    #[error("its format is `{found}`, and this version reads `{JOURNAL}`")]
    OtherJournal {
        /// What the file says.
        found: String,
    },
    /// A baseline of a version that this one does not know.
    #[error("its format is `{found}`, and this version reads `{BASELINE}`")]
    OtherBaseline {
        /// What the file says.
        found: String,
    },
    /// JSON, but no baseline.
    #[error("it has no `schema` that begins with `mcpl.baseline/`")]
    NoBaseline,
    /// JSON, but no results of a run.
    #[error("it has no `schema` that begins with `mcpl.results/`")]
    NoResults,
    /// It names a series, scenario or label that its plan does not have.
    #[error("it is inconsistent: {0}")]
    Inconsistent(String),
    /// Parts of different plans cannot be summed up.
    #[error("the files were made from different plans")]
    OtherPlan,
    /// A part can be counted once only; with its id.
    #[error("the part {0} is in both of them, and would be counted twice")]
    SamePart(String),
}

impl From<serde_json::Error> for ReadError {
    fn from(error: serde_json::Error) -> ReadError {
        let text = error.to_string();
        let message = text.split(" at line ").next().unwrap_or(&text).to_owned();
        ReadError::Damaged { line: error.line(), column: error.column(), message }
    }
}

/// No machine counts more of anything, bytes included, in one second; sums over
/// a file stay far from overflow.
const MAX_COUNT: u64 = 1 << 44;

/// Every count of one second.
fn counts(slice: &Slice) -> impl Iterator<Item = u64> {
    let series = slice.series.iter().flat_map(|row| {
        // By name, so that a count that is added is not forgotten here.
        let Counts {
            requests,
            errors,
            bytes_in,
            bytes_out,
            notifications,
            progress,
            updates,
            questions,
            rounds,
            stalled,
            polls,
            late,
            cached,
            violations,
            violation_kinds,
        } = &row.counts;
        let wire = [requests, bytes_in, bytes_out, notifications, progress, updates, questions];
        let more = [rounds, stalled, polls, late, cached, violations];
        wire.into_iter().chain(more).chain(errors.values()).chain(violation_kinds.values()).copied()
    });
    let scenarios = slice
        .scenarios
        .iter()
        .flat_map(|row| [row.started, row.iterations, row.dropped, row.abandoned, row.sessions, row.lost]);
    let tallies = slice.expectations.iter().flat_map(|tally| [tally.passed, tally.failed]);
    let of = &slice.health;
    let machine = [of.cpu_ns, of.cpu_of_ns, of.busiest_ns, of.rss_bytes, of.open_files, of.open_sockets];
    let health = [of.in_flight, of.users, of.held].into_iter().chain(machine);
    let processes = slice
        .processes
        .iter()
        .flat_map(|row| [row.processes, row.cpu_ns, row.cpu_of_ns, row.rss_bytes, row.open_files]);
    series.chain(scenarios).chain(tallies).chain(health).chain(processes)
}

/// The only thing that a file of any version has.
#[derive(Deserialize)]
pub(super) struct Head {
    schema: Option<serde_json::Value>,
}

impl Head {
    pub(super) fn schema(&self) -> Option<&str> {
        self.schema.as_ref().and_then(serde_json::Value::as_str)
    }
}

impl ReadError {
    /// The same in a file that was read line by line.
    pub(super) fn in_line(self, line: usize) -> ReadError {
        match self {
            ReadError::Damaged { column, message, .. } => ReadError::Damaged { line, column, message },
            other => other,
        }
    }
}

/// Whether this version reads results with this `schema`.
fn known(schema: Option<&str>) -> Result<(), ReadError> {
    match schema {
        Some(SCHEMA) => Ok(()),
        Some(found) if found.starts_with("mcpl.results/") => Err(ReadError::OtherSchema { found: found.to_owned() }),
        _ => Err(ReadError::NoResults),
    }
}

/// Whether a text says that it is results that this version reads.
fn what(text: &str) -> Result<(), ReadError> {
    let head: Head = serde_json::from_str(text).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => ReadError::NoResults,
        _ => error.into(),
    })?;
    known(head.schema())
}

impl Results {
    /// Reads the JSON text of a results file.
    ///
    /// # Errors
    /// [`ReadError`], never a panic.
    pub fn from_json(text: &str) -> Result<Results, ReadError> {
        // What a file of megabytes is, is asked only where it is not what it should be.
        let results: Results = serde_json::from_str(text).map_err(|error| match what(text) {
            Ok(()) => error.into(),
            Err(other) => other,
        })?;
        results.schema_known()?;
        results.check()?;
        Ok(results)
    }

    /// Whether this version reads results with this `schema`.
    pub(super) fn schema_known(&self) -> Result<(), ReadError> {
        known(Some(&self.schema))
    }

    pub(super) fn check(&self) -> Result<(), ReadError> {
        let wrong =
            |what: &str, index: usize| Err(ReadError::Inconsistent(format!("no {what} has the number {index}")));
        let plan = &self.plan;
        for series in &plan.series {
            if series.scenario >= plan.scenarios.len() {
                return wrong("scenario", series.scenario);
            }
            if series.flow >= plan.flows.len() {
                return wrong("flow", series.flow);
            }
        }
        let mut targets = plan.scenarios.iter().flat_map(|scenario| &scenario.targets);
        if let Some(target) = targets.find(|target| target.server >= plan.servers.len()) {
            return wrong("server", target.server);
        }
        if plan.load_ns() > MAX_LOAD_NS {
            return Err(ReadError::Inconsistent("its load is longer than 30 days".to_owned()));
        }
        for slice in &self.recording.seconds {
            if counts(slice).any(|count| count > MAX_COUNT) {
                return Err(ReadError::Inconsistent(format!(
                    "a count of second {} is beyond all measure",
                    slice.second
                )));
            }
            if let Some(row) = slice.series.iter().find(|row| row.series >= plan.series.len()) {
                return wrong("series", row.series);
            }
            if let Some(row) = slice.scenarios.iter().find(|row| row.scenario >= plan.scenarios.len()) {
                return wrong("scenario", row.scenario);
            }
            if let Some(tally) = slice.expectations.iter().find(|tally| tally.label >= plan.expectations.len()) {
                return wrong("expectation", tally.label);
            }
            if let Some(row) = slice.processes.iter().find(|row| row.server >= plan.servers.len()) {
                return wrong("server", row.server);
            }
        }
        let sorted = self.recording.seconds.is_sorted_by(|a, b| a.second < b.second);
        if !sorted {
            return Err(ReadError::Inconsistent("its seconds are not in order".to_owned()));
        }
        if let Some(failure) = self.recording.failures.iter().find(|failure| failure.series >= plan.series.len()) {
            return wrong("series", failure.series);
        }
        for slow in &self.recording.slowest {
            if slow.series >= plan.series.len() {
                return wrong("series", slow.series);
            }
            if slow.server >= plan.servers.len() {
                return wrong("server", slow.server);
            }
        }
        Ok(())
    }
}
