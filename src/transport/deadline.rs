//! One timer per client instead of one per request.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// A deadline that moves with every request.
///
/// Setting a timer costs a lock and two list operations, and nearly all of them
/// would be cancelled. The timer here stays armed for the first deadline; when
/// it fires and the deadline has meanwhile moved on, it is set again. That is
/// one timer per timeout period, not per request.
#[derive(Debug, Default)]
pub(super) struct Deadline {
    timer: Option<Pin<Box<Sleep>>>,
    at: Option<Instant>,
    after: Duration,
}

impl Deadline {
    /// Moves the deadline to `after` from `now`.
    pub(super) fn set(&mut self, now: Instant, after: Duration) {
        // A duration beyond the range of the clock means no deadline.
        self.at = now.checked_add(after);
        self.after = after;
        // An armed timer that would fire too late must go.
        if let (Some(timer), Some(at)) = (&self.timer, self.at)
            && timer.deadline() > at
        {
            self.timer = None;
        }
    }

    /// What is left of it.
    pub(super) fn left(&self) -> Duration {
        self.at.map_or(Duration::MAX, |at| at.saturating_duration_since(Instant::now()))
    }

    /// The duration that was set.
    pub(super) const fn after(&self) -> Duration {
        self.after
    }

    /// Ready once the deadline has passed.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(at) = self.at else {
            return Poll::Pending;
        };
        loop {
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(at)));
            match timer.as_mut().poll(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(()) if timer.deadline() >= at => {
                    self.timer = None;
                    return Poll::Ready(());
                }
                Poll::Ready(()) => timer.as_mut().reset(at),
            }
        }
    }
}
