//! Sessions that the server forgets.

use super::super::Kind;
use super::{Symptom, course, problem};
use crate::record::ErrorClass;
use crate::results::{Results, Window};
use crate::units;

/// The sessions that a server forgot. One is enough: it had been opened, and nobody had
/// ended it.
#[expect(clippy::cast_precision_loss, reason = "times stay below 2^53 ns, 104 days")]
pub(super) fn find(results: &Results) -> Option<Symptom> {
    let everything = results.everything();
    let counts = results.counts(&everything, Window::Whole);
    let failed = counts.errors.get(&ErrorClass::SessionLost).copied().filter(|count| *count > 0)?;
    // One that was lost in the warm-up fails requests later.
    let rows = results.recording.seconds.iter().flat_map(|slice| &slice.scenarios);
    let lost = rows.fold(0_u64, |sum, row| sum.saturating_add(row.lost));
    let failures = results.recording.failures.iter().filter(|failure| failure.class == ErrorClass::SessionLost);
    let first = failures.min_by_key(|failure| failure.at_ms);
    let since = first.map_or_else(String::new, |failure| {
        let step = course::name(results, failure.series);
        format!(", the first after {} in `{step}`", units::duration(failure.at_ms as f64 * 1e6))
    });
    let sessions = match lost {
        0 => "sessions".to_owned(),
        1 => "1 session".to_owned(),
        lost => format!("{lost} sessions"),
    };
    let text = format!(
        "the server forgot {sessions} that nobody had ended{since}: {failed} of {} requests ({}) were answered HTTP 404; look \
         for sessions that only one replica knows (a balancer without affinity), a restart, or a limit that drops them",
        counts.requests,
        units::percent(failed as f64 / counts.requests.max(1) as f64)
    );
    Some(problem(Kind::LostSessions, text))
}
