//! A waker that a task cannot ring from within its own poll.
//!
//! The two halves of a hyper connection wake each other at every hand-over,
//! because they are made for two tasks. Here both are polled by the same task,
//! one after the other, so that such a wake-up would only have the task polled
//! once more for nothing, with each request.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::task::{Context, Poll, Wake, Waker};

/// The waker of a task, which can be muted.
#[derive(Debug)]
pub(in super::super) struct Quiet {
    bell: Arc<Bell>,
    waker: Waker,
}

#[derive(Debug)]
struct Bell {
    task: Waker,
    /// The task is being polled.
    muted: AtomicBool,
    /// It was woken since its last poll began.
    rung: AtomicBool,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // This order, and the reverse one in `poll`, make sure that one of the
        // two wakes the task, even if a driver on another thread rings.
        self.rung.store(true, SeqCst);
        if !self.muted.load(SeqCst) {
            self.task.wake_by_ref();
        }
    }
}

impl Quiet {
    pub(in super::super) fn new(task: Waker) -> Self {
        let bell = Arc::new(Bell { task, muted: AtomicBool::new(false), rung: AtomicBool::new(false) });
        Self { waker: Arc::clone(&bell).into(), bell }
    }

    /// Polls with the waker muted. Wake-ups from within are dropped if the poll
    /// is ready, and passed on once if it is pending: then they may be the only
    /// ones.
    pub(in super::super) fn poll<T>(
        &mut self,
        cx: &Context<'_>,
        poll: impl FnOnce(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        if !self.bell.task.will_wake(cx.waker()) {
            *self = Self::new(cx.waker().clone());
        }
        self.bell.rung.store(false, SeqCst);
        self.bell.muted.store(true, SeqCst);
        let outcome = poll(&mut Context::from_waker(&self.waker));
        self.bell.muted.store(false, SeqCst);
        if self.bell.rung.swap(false, SeqCst) && outcome.is_pending() {
            cx.waker().wake_by_ref();
        }
        outcome
    }
}
