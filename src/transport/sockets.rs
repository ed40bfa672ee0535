//! How many sockets a thread has open to servers.
//!
//! The system could be asked, but it answers with every descriptor of the
//! process, and 10,000 of them take it longer than a second may cost.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

thread_local! {
    static OPEN: Arc<AtomicU64> = Arc::default();
}

/// Sockets that clients of this thread have open at the moment.
#[must_use]
pub fn open_sockets() -> u64 {
    OPEN.with(|open| open.load(Ordering::Relaxed))
}

/// Stands beside a socket and counts it for as long as it is there, for the
/// thread that has opened it.
#[derive(Debug)]
pub(super) struct Counted {
    open: Arc<AtomicU64>,
}

impl Counted {
    pub(super) fn new() -> Self {
        let open = OPEN.with(Arc::clone);
        open.fetch_add(1, Ordering::Relaxed);
        Self { open }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }
}
