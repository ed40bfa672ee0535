//! The progress that a server tells of one request.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::failure::excerpt;
use super::ids;
use crate::violation::{Violation, Violations};

/// How far a request has come, by the words of its server.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Progress {
    /// Notifications of it.
    pub(super) count: u32,
    last: Option<f64>,
}

/// What a notification of progress says.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told<'a> {
    #[serde(borrow)]
    progress_token: &'a RawValue,
    progress: f64,
}

/// The request that a notification of progress is about: tokens are ids. `None`
/// if it is about no request of this client.
pub(super) fn subject(params: &[u8]) -> Option<u64> {
    let told: Told<'_> = serde_json::from_slice(params).ok()?;
    ids::read(told.progress_token.get())
}

impl Progress {
    /// Counts a notification about this request. Progress that does not increase
    /// is a violation.
    pub(super) fn note(&mut self, params: &[u8], violations: &mut Violations) {
        self.count = self.count.saturating_add(1);
        let Ok(Told { progress, .. }) = serde_json::from_slice(params) else { return };
        if let Some(last) = self.last.filter(|last| progress <= *last) {
            violations.note(Violation::ProgressOrder, || format!("{progress} after {last}: {}", excerpt(params)));
        }
        self.last = Some(progress);
    }
}

#[cfg(test)]
mod tests {
    use super::{Progress, subject};
    use crate::violation::{Violation, Violations};

    #[test]
    fn a_token_is_the_id_of_a_request() {
        for (params, expected) in [
            (r#"{"progressToken":7,"progress":1}"#, Some(7)),
            (r#"{"progressToken":"7","progress":1,"total":2}"#, Some(7)),
            (r#"{"progressToken":"x","progress":1}"#, None),
            (r#"{"progressToken":7}"#, None),
            (r#"{"progressToken":7,"progress":"1"}"#, None),
            ("[]", None),
            ("", None),
        ] {
            assert_eq!(subject(params.as_bytes()), expected, "{params}");
        }
    }

    #[test]
    fn progress_increases() {
        let (mut progress, mut violations) = (Progress::default(), Violations::default());
        for at in ["0", "0.5", "2", "2", "1", "3"] {
            progress.note(format!(r#"{{"progressToken":1,"progress":{at}}}"#).as_bytes(), &mut violations);
        }
        assert_eq!((progress.count, violations.of(Violation::ProgressOrder)), (6, 2));
        assert!(violations.found().iter().all(|found| found.example.starts_with("2 after 2: ")));
    }
}
