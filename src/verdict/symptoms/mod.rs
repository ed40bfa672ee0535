//! What is wrong with a server, told from how a run went.
//!
//! Each symptom asks for two things: an effect that matters to users, and a course
//! that chance does not make. A sentence says which step shows it, since when, how
//! sure that is, and what to try. How often they are found, and found where nothing
//! is wrong, is measured: see `docs/verdicts.md`.

mod blocking;
mod bursts;
mod cancellation;
mod course;
mod drift;
mod freeze;
mod leak;
mod sessions;
mod silence;
mod warming;

use super::{Finding, Kind, Level};
use crate::results::Results;

/// A symptom, and the step that shows it where it is one.
pub(super) struct Symptom {
    pub(super) finding: Finding,
    pub(super) series: Option<usize>,
}

/// The symptoms that a run shows.
pub(super) fn find(results: &Results) -> Vec<Symptom> {
    let found = [
        silence::find(results),
        sessions::find(results),
        leak::find(results),
        bursts::find(results),
        freeze::find(results),
        warming::find(results),
        drift::find(results),
        blocking::find(results),
        cancellation::find(results),
    ];
    found.into_iter().flatten().collect()
}

fn problem(kind: Kind, text: String) -> Symptom {
    Symptom { finding: Finding { kind, level: Level::Problem, text }, series: None }
}

impl Symptom {
    /// It is one step that shows it.
    fn of(self, series: usize) -> Symptom {
        Symptom { series: Some(series), ..self }
    }
}
