//! How many sockets a thread has open to servers.
//!
//! The system could be asked, but it answers with every descriptor of the
//! process, and 10,000 of them take it longer than a second may cost.

use std::cell::Cell;
use std::marker::PhantomData;

thread_local! {
    static OPEN: Cell<u64> = const { Cell::new(0) };
}

/// Sockets that clients of this thread have open at the moment.
#[must_use]
pub fn open_sockets() -> u64 {
    OPEN.get()
}

/// Stands beside a socket and counts it for as long as it is there. It stays on
/// its thread.
#[derive(Debug)]
pub(super) struct Counted(PhantomData<*const ()>);

impl Counted {
    pub(super) fn new() -> Self {
        OPEN.set(OPEN.get() + 1);
        Self(PhantomData)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        OPEN.set(OPEN.get().saturating_sub(1));
    }
}
