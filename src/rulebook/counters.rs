//! Counts since the start, kept without locks.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    /// One more.
    pub fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// The number now.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What the server has done.
#[derive(Debug, Default)]
pub struct Counters {
    calls: BTreeMap<&'static str, Count>,
    /// Resources read, `rule://stats` included.
    pub reads: Count,
    /// Prompts given.
    pub prompts: Count,
    /// Requests failed by the error ratio.
    pub injected_errors: Count,
    sessions_opened: Count,
    sessions_closed: Count,
}

impl Counters {
    /// Counters for these tools.
    pub fn new(tools: impl IntoIterator<Item = &'static str>) -> Self {
        let calls = tools.into_iter().map(|name| (name, Count::default())).collect();
        Self { calls, ..Self::default() }
    }

    /// Counts a call; other names are not counted, so that callers cannot
    /// make the table grow.
    pub fn called(&self, tool: &str) {
        if let Some(count) = self.calls.get(tool) {
            count.add();
        }
    }

    /// Calls of each tool.
    pub fn calls(&self) -> BTreeMap<&'static str, u64> {
        self.calls.iter().map(|(name, count)| (*name, count.get())).collect()
    }

    /// Sessions opened so far, and those still open.
    pub fn sessions(&self) -> (u64, u64) {
        // Closed first: read the other way round, a session that opens and
        // closes in between would make fewer than none open.
        let closed = self.sessions_closed.get();
        let opened = self.sessions_opened.get();
        (opened, opened - closed)
    }
}

/// A session, counted as open until it is dropped.
#[derive(Debug)]
pub struct OpenSession(Arc<Counters>);

impl OpenSession {
    /// Counts a new session.
    pub fn new(counters: Arc<Counters>) -> Self {
        counters.sessions_opened.add();
        Self(counters)
    }
}

impl Drop for OpenSession {
    fn drop(&mut self) {
        self.0.sessions_closed.add();
    }
}
