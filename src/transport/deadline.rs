//! One timer per client instead of one per request.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::task::coop::has_budget_remaining;
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
            let passed = match timer.as_mut().poll(cx) {
                Poll::Ready(()) => timer.deadline() >= at,
                Poll::Pending if has_budget_remaining() => return Poll::Pending,
                // A peer that sends faster than it is read uses up all that tokio
                // lets a task do in one go, and then no timer is ever ready.
                Poll::Pending if Instant::now() < at => return Poll::Pending,
                Poll::Pending => true,
            };
            if passed {
                self.timer = None;
                return Poll::Ready(());
            }
            timer.as_mut().reset(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{Future as _, poll_fn};
    use std::pin::pin;
    use std::task::Poll;
    use std::time::Duration;

    use tokio::task::coop::{consume_budget, has_budget_remaining};
    use tokio::time::Instant;

    use super::Deadline;

    #[tokio::test(start_paused = true)]
    async fn a_task_that_has_used_up_its_turn_still_sees_its_deadline_pass() {
        const AFTER: Duration = Duration::from_millis(10);
        let mut deadline = Deadline::default();
        deadline.set(Instant::now(), AFTER);
        for (waited, expected) in [(AFTER / 2, false), (AFTER, true)] {
            tokio::time::advance(waited).await;
            let passed = poll_fn(|cx| {
                while has_budget_remaining() {
                    let _ = pin!(consume_budget()).poll(cx);
                }
                Poll::Ready(deadline.poll(cx).is_ready())
            })
            .await;
            assert_eq!(passed, expected);
        }
    }
}
