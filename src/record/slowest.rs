//! The slowest requests of each series, one by one.
//!
//! Invariant: of any number of requests, however they are spread over threads,
//! parts and seconds, the same ones are kept: the first [`SLOWEST_KEPT`] of each
//! series in one order of all requests.

use std::cmp::Ordering;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::recording::is_zero;

/// Requests kept of each series. Of the ten slowest over several series none is
/// missing then.
pub(super) const SLOWEST_KEPT: usize = 10;

/// Longest text kept of the parameters of a request, in bytes.
const PARAMS_BYTES: usize = 200;

/// One of the slowest requests of a series that were answered, and did not fail.
/// Times in nanoseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct SlowRequest {
    /// Index of the series in the plan.
    pub series: usize,
    /// From the due instant to the response message.
    pub latency_ns: u64,
    /// When it was due, or sent where no arrival rate says when, in milliseconds from
    /// the start of the load; 0 before it.
    pub due_ms: u64,
    /// Number of its iteration in the scenario, of which its random numbers and rows
    /// follow; missing before the first iteration of a user and after its last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iteration: Option<u64>,
    /// Number of the user in the scenario.
    pub user: u64,
    /// Index of its server in the plan.
    pub server: usize,
    /// From the first byte written to the response message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_ns: Option<u64>,
    /// From the due instant to the first byte written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_ns: Option<u64>,
    /// From the first byte written to the first byte of the response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_byte_ns: Option<u64>,
    /// What it took to connect, where a connection was made for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connect_ns: Option<u64>,
    /// Bytes received.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub bytes_in: u64,
    /// Bytes sent.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub bytes_out: u64,
    /// Values of the tags that it brought, in the order of the series' keys in the
    /// plan.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// The beginning of the parameters that were sent, as JSON.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub params: String,
}

impl SlowRequest {
    /// The beginning of the parameters of a request, as it is kept.
    #[must_use]
    pub fn excerpt(params: &[u8]) -> String {
        let cut = params.get(..PARAMS_BYTES).unwrap_or(params);
        let text = match std::str::from_utf8(cut) {
            Ok(text) => text,
            // A character that is cut through is left out.
            Err(error) => cut.get(..error.valid_up_to()).and_then(|cut| std::str::from_utf8(cut).ok()).unwrap_or(""),
        };
        if text.len() < params.len() { format!("{text}…") } else { text.to_owned() }
    }

    /// The slower one first, of those alike the earlier one, and so on to the last
    /// field: so that what is kept never depends on who came first.
    #[must_use]
    pub fn order(&self, other: &SlowRequest) -> Ordering {
        other.latency_ns.cmp(&self.latency_ns).then_with(|| self.cmp(other))
    }
}

/// Leaves the slowest requests of each series, in order.
pub(super) fn keep_slowest(requests: &mut Vec<SlowRequest>) {
    requests.sort_by(|a, b| a.series.cmp(&b.series).then_with(|| a.order(b)));
    let (mut series, mut rank) = (usize::MAX, 0);
    requests.retain(|request| {
        rank = if request.series == series { rank + 1 } else { 0 };
        series = request.series;
        rank < SLOWEST_KEPT
    });
}

/// The slowest requests of one series on one thread.
#[derive(Debug, Default)]
pub(super) struct Slowest {
    /// A request that is faster is none of them.
    floor: u64,
    /// In no order, each with whether it was handed over.
    kept: Vec<(SlowRequest, bool)>,
}

impl Slowest {
    /// Whether a request that took so long may be one of them.
    #[inline]
    pub(super) const fn wants(&self, latency_ns: u64) -> bool {
        latency_ns >= self.floor
    }

    /// Keeps a request, if it is one of them.
    pub(super) fn add(&mut self, request: SlowRequest) {
        if self.kept.len() < SLOWEST_KEPT {
            self.kept.push((request, false));
        } else if let Some(last) = self.kept.iter_mut().max_by(|(a, _), (b, _)| a.order(b))
            && request.order(&last.0).is_lt()
        {
            *last = (request, false);
        }
        if self.kept.len() >= SLOWEST_KEPT {
            self.floor = self.kept.iter().map(|(request, _)| request.latency_ns).min().unwrap_or(0);
        }
    }

    /// Those that were not handed over yet.
    pub(super) fn hand_over(&mut self, to: &mut Vec<SlowRequest>) {
        for (request, handed) in &mut self.kept {
            if !std::mem::replace(handed, true) {
                to.push(request.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::record::{Recorder, Recording, Shape};

    /// Few values, so that many requests are alike.
    fn requests() -> impl Strategy<Value = Vec<SlowRequest>> {
        let one = (0..3_usize, 0..30_u64, 0..5_u64, 0..4_u64, 0..3_u64).prop_map(
            |(series, latency_ns, due_ms, iteration, user)| SlowRequest {
                series,
                latency_ns,
                due_ms,
                iteration: Some(iteration),
                user,
                ..SlowRequest::default()
            },
        );
        prop::collection::vec(one, 0..200)
    }

    /// What all requests, sorted, begin with.
    fn sorted(requests: &[SlowRequest]) -> Vec<SlowRequest> {
        let of = |series| {
            let mut all: Vec<_> = requests.iter().filter(|request| request.series == series).cloned().collect();
            all.sort_by_key(|request| (std::cmp::Reverse(request.latency_ns), request.clone()));
            all.truncate(SLOWEST_KEPT);
            all
        };
        (0..3).flat_map(of).collect()
    }

    /// What a thread hands over that has so many of these requests each second.
    fn recorded(requests: &[SlowRequest], each: usize) -> Recording {
        let mut recorder = Recorder::new(Shape { series: 3, ..Shape::default() });
        let mut recording = Recording::default();
        for part in requests.chunks(each) {
            for request in part {
                if recorder.wants_slow(request.series, request.latency_ns) {
                    recorder.slow(request.clone());
                }
            }
            recording.add_examples(recorder.drain().1);
        }
        recording
    }

    proptest! {
        #[test]
        fn those_that_are_kept_are_the_first_of_all_sorted(all in requests(), each in 1..50_usize) {
            prop_assert_eq!(recorded(&all, each).slowest, sorted(&all));
        }

        #[test]
        fn however_they_are_spread_over_threads_and_parts(
            all in requests(),
            which in prop::collection::vec(0..3_usize, 200),
        ) {
            let of = |part: usize| {
                let mine: Vec<_> =
                    all.iter().zip(&which).filter(|(_, to)| **to == part).map(|(request, _)| request.clone()).collect();
                recorded(&mine, 7)
            };
            for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
                let mut whole = Recording::default();
                order.into_iter().for_each(|part| whole.merge(of(part)));
                prop_assert_eq!(&whole.slowest, &sorted(&all));
            }
        }
    }

    #[test]
    fn a_faster_request_is_turned_away_by_one_comparison() {
        let mut recorder = Recorder::new(Shape { series: 1, ..Shape::default() });
        for latency_ns in 100..100 + SLOWEST_KEPT as u64 {
            assert!(recorder.wants_slow(0, latency_ns));
            recorder.slow(SlowRequest { latency_ns, ..SlowRequest::default() });
        }
        assert!(!recorder.wants_slow(0, 99));
        // One that is as slow as the last may be the earlier one.
        assert!(recorder.wants_slow(0, 100));
        assert!(!recorder.wants_slow(1, u64::MAX), "there is no such series");
    }

    #[test]
    fn what_was_handed_over_is_not_handed_over_again() {
        let mut recorder = Recorder::new(Shape { series: 1, ..Shape::default() });
        recorder.slow(SlowRequest { latency_ns: 5, ..SlowRequest::default() });
        assert_eq!(recorder.drain().1.slowest.len(), 1);
        assert_eq!(recorder.drain().1.slowest, []);
        recorder.slow(SlowRequest { latency_ns: 6, ..SlowRequest::default() });
        assert_eq!(recorder.drain().1.slowest.iter().map(|request| request.latency_ns).collect::<Vec<_>>(), [6]);
    }

    #[test]
    fn parameters_are_cut_between_characters() {
        assert_eq!(SlowRequest::excerpt(br#"{"a":1}"#), r#"{"a":1}"#);
        let long = format!("a{}", "ä".repeat(PARAMS_BYTES));
        let cut = SlowRequest::excerpt(long.as_bytes());
        assert_eq!(cut, format!("a{}…", "ä".repeat((PARAMS_BYTES - 1) / 2)));
        assert_eq!(SlowRequest::excerpt(&[0xff; 3]), "…", "what is no text is not shown");
    }
}
