//! The mark of Nagle's algorithm and a delayed acknowledgement.
//!
//! A server without TCP_NODELAY that writes an answer in two parts sends the
//! second when the client has acknowledged the first. Linux delays that by 40 ms
//! (`TCP_DELACK_MIN`, tcp(7) on `TCP_QUICKACK`): the head of the answer comes at
//! once and its message 40 ms later.

use super::{Finding, Kind, Level};
use crate::plan::{Endpoint, Selection};
use crate::record::Time;
use crate::results::{Results, Window};
use crate::units;

/// How much later the message comes, in nanoseconds: the delay is 40 ms, and the
/// timer of it ticks every 4 ms. Two of them in a row are rare.
const STALL_NS: std::ops::Range<f64> = 38e6..50e6;

/// Fewer answers say nothing about how answers usually come.
const ENOUGH: u64 = 10;

/// Names the step that stalls the most often asked; there is one setting to mend.
pub(super) fn find(results: &Results) -> Option<Finding> {
    // Over stdio there are no acknowledgements.
    let network = |server: &crate::plan::Server| {
        !matches!(server.endpoint, Endpoint::Stdio { .. } | Endpoint::Builtin { stdio: true, .. }) && !server.quickack
    };
    if !results.plan.servers.iter().any(network) {
        return None;
    }
    let stalled = (0..results.plan.series.len()).filter_map(|series| {
        let selection = Selection { series: vec![series], ..Selection::default() };
        let times = |time| results.times(&selection, time, Window::Whole);
        let (first, whole) = (times(Time::FirstByte), times(Time::Service));
        let (first_byte, message) = (first.percentile(50.0)?, whole.percentile(50.0)?);
        (whole.count() >= ENOUGH && STALL_NS.contains(&(message - first_byte))).then_some((
            whole.count(),
            series,
            first_byte,
            message,
        ))
    });
    let (_, series, first_byte, message) = stalled.max_by_key(|(count, ..)| *count)?;
    let text = format!(
        "the answers of `{}` begin after {} and end after {}: 40ms between the parts of an answer are the mark of a server \
         that leaves Nagle's algorithm on; set TCP_NODELAY in the server (`quickack on` shows what that would save)",
        results.plan.series.get(series)?.step,
        units::duration(first_byte),
        units::duration(message)
    );
    Some(Finding { kind: Kind::Nagle, level: Level::Notice, text })
}
