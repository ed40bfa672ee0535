//! Requests that are under way, and those that are cut off.

use tokio::time::Instant;

use super::shard::{Shard, nanos_between};
use crate::record::{ErrorClass, Phase, Sample};
use crate::transport::Connector;

/// A request on its way. When the drain cuts it off, it counts as one that timed
/// out: a server that stalls until the end of a run must not look healthy. A
/// subscription that is cut off has done nothing wrong.
pub(super) struct Waiting<'a, C: Connector> {
    shard: &'a Shard<C>,
    series: usize,
    phase: Phase,
    due: Instant,
    /// What it counts as when it is cut off.
    class: ErrorClass,
    ended: bool,
}

impl<'a, C: Connector> Waiting<'a, C> {
    pub(super) fn begin(
        shard: &'a Shard<C>,
        series: usize,
        phase: Phase,
        due: Instant,
        class: ErrorClass,
    ) -> Waiting<'a, C> {
        shard.in_flight.set(shard.in_flight.get() + 1);
        Waiting { shard, series, phase, due, class, ended: false }
    }

    pub(super) fn end(mut self) {
        self.ended = true;
    }
}

impl<C: Connector> Drop for Waiting<'_, C> {
    fn drop(&mut self) {
        let shard = self.shard;
        shard.in_flight.set(shard.in_flight.get().saturating_sub(1));
        if self.ended {
            return;
        }
        let now = Instant::now();
        let class = self.class;
        let sample = Sample { latency: nanos_between(self.due, now), error: Some(class), ..Sample::default() };
        // Borrowed only when the thread is unwinding from inside the recorder.
        if let Ok(mut recorder) = shard.recorder.try_borrow_mut() {
            recorder.request(shard.second(now), self.series, self.phase, &sample);
            let message = match class {
                ErrorClass::Timeout => "no answer until the end of the drain",
                _ => "cut off by the end of the drain",
            };
            recorder.failure(self.series, class, shard.nanos(now) / 1_000_000, message);
        }
    }
}
