//! One request and what became of it.

use std::time::Duration;

use tokio::time::Instant;

use super::envelope::Reply;
use super::failure::Failure;
use crate::violation::Violations;

/// One request as the engine hands it over.
#[derive(Clone, Copy, Debug, Default)]
pub struct Call<'a> {
    /// The JSON-RPC method, such as `tools/call`.
    pub method: &'a str,
    /// The value of the `Mcp-Name` header: tool name, prompt name, resource
    /// URI or task id. Sent over HTTP since 2026-07-28, ignored otherwise.
    pub name: Option<&'a str>,
    /// The text of a JSON object without `_meta`, which the transport adds
    /// where the revision asks for it. `{}` when there are no parameters.
    pub params: &'a [u8],
    /// The longest that the whole request may take, from the start of
    /// [`Client::call`](super::Client::call) to the response message, with a
    /// new connection if one is needed.
    pub timeout: Duration,
    /// When the request is given up and the server told so, from the same
    /// instant; `None`: never.
    pub cancel: Option<Duration>,
    /// Whether notifications of progress are asked for.
    pub progress: bool,
    /// What is said of tasks.
    pub tasks: Tasks,
}

/// What a request says of tasks. Said since 2025-11-25, ignored before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tasks {
    /// Nothing.
    #[default]
    Unsaid,
    /// That the client knows tasks, which 2026-07-28 wants to hear in each
    /// request of theirs.
    Known,
    /// That it may be answered with a task. In 2025-11-25 that it be one, kept for
    /// so long from its creation.
    Wanted {
        /// `None`: as long as the server likes. Whole milliseconds are sent.
        ttl: Option<Duration>,
    },
}

/// What the two sides said beside a request and its response.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asides {
    /// Notifications of progress, where the request asked for them.
    pub progress: u32,
    /// Updates of the resource that was subscribed to.
    pub updates: u32,
    /// What the server asked of its client, whatever the answer.
    pub questions: u32,
    /// Times that the request was sent again with answers.
    pub rounds: u32,
    /// Times that the server was asked how far its task has come.
    pub polls: u32,
    /// Results of requests that had been cancelled, heard since the last exchange.
    pub late: u32,
}

impl Asides {
    /// Adds those of another exchange.
    pub fn add(&mut self, other: Self) {
        self.progress = self.progress.saturating_add(other.progress);
        self.updates = self.updates.saturating_add(other.updates);
        self.questions = self.questions.saturating_add(other.questions);
        self.rounds = self.rounds.saturating_add(other.rounds);
        self.polls = self.polls.saturating_add(other.polls);
        self.late = self.late.saturating_add(other.late);
    }
}

/// What the server said has changed, which is how it calls back what it let be
/// cached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The list of tools.
    pub tools: bool,
    /// The list of prompts.
    pub prompts: bool,
    /// The lists of resources and of their templates.
    pub resources: bool,
    /// Beginnings of the URIs of resources that were updated. Of many there is one,
    /// which is empty: any resource may have been.
    pub updated: Vec<String>,
}

/// The most URIs that are kept of one exchange. What is cached at a time is of the
/// same order.
const UPDATED: usize = 100;

/// Bytes of a URI that is kept; a longer one may be any.
const MAX_URI: usize = 2_048;

impl Changes {
    /// Adds a resource that was updated.
    pub fn update(&mut self, uri: String) {
        if self.any() {
            return;
        }
        if self.updated.len() < UPDATED && uri.len() <= MAX_URI {
            self.updated.push(uri);
        } else {
            self.updated = vec![String::new()];
        }
    }

    /// Whether any resource may have been updated, so that no other need be noted.
    pub(super) fn any(&self) -> bool {
        self.updated.first().is_some_and(String::is_empty)
    }

    /// Adds those of another exchange.
    pub fn add(&mut self, other: Self) {
        self.tools |= other.tools;
        self.prompts |= other.prompts;
        self.resources |= other.resources;
        other.updated.into_iter().for_each(|uri| self.update(uri));
    }
}

/// What became of one request.
///
/// The latency of the server is `done - written`. What came before `written`
/// (draining the previous answer, a new connection) is the client's own.
#[derive(Debug)]
pub struct Exchange {
    /// When the write of the request's first byte began; `None` if nothing was
    /// written.
    pub written: Option<Instant>,
    /// When the first byte after the request arrived; over stdio, the first byte
    /// of the line with its answer. `None` if none did.
    pub first_byte: Option<Instant>,
    /// When the response message had arrived whole at this machine (not the end
    /// of the stream it came on), or when the failure was known. By the kernel's
    /// clock over TCP on Linux; elsewhere the instant at which it was read.
    pub done: Instant,
    /// The HTTP status; `None` over stdio or without a response.
    pub status: Option<u16>,
    /// Bytes written for this exchange, with headers.
    pub bytes_out: u64,
    /// Bytes read, with headers and framing. What is read of a stream after
    /// its response message counts in the next exchange of the same client, so
    /// that sums are right. Over stdio, the bytes of the answer, and of the other
    /// lines that were read by this exchange.
    pub bytes_in: u64,
    /// The cost of the connection that had to be made for this exchange;
    /// `None` if one was reused.
    pub connect: Option<Duration>,
    /// How long the call waited for the end of the previous event stream before
    /// it could use the connection; zero in most cases.
    pub drain: Duration,
    /// Messages without an id that came before the response. Where several
    /// requests are under way on one child, each message counts in one of them.
    pub notifications: u32,
    /// What else was said beside the request and its response.
    pub asides: Asides,
    /// What notifications that came with it said has changed.
    pub changes: Changes,
    /// Departures from the protocol that did not prevent an answer. Messages
    /// after the response count in the next exchange, which is the first to see
    /// them.
    pub violations: Violations,
    /// The response, or why there is none.
    pub outcome: Result<Reply, Failure>,
}

impl Exchange {
    /// An exchange that failed now, before anything was sent.
    #[must_use]
    pub fn unsent(failure: Failure) -> Self {
        Self {
            written: None,
            first_byte: None,
            done: Instant::now(),
            status: None,
            bytes_out: 0,
            bytes_in: 0,
            connect: None,
            drain: Duration::ZERO,
            notifications: 0,
            asides: Asides::default(),
            changes: Changes::default(),
            violations: Violations::default(),
            outcome: Err(failure),
        }
    }

    /// Adds what was sent and heard in an exchange that has no answer of interest.
    pub fn add_beside(&mut self, other: Self) {
        self.bytes_out += other.bytes_out;
        self.bytes_in += other.bytes_in;
        self.notifications += other.notifications;
        self.asides.add(other.asides);
        self.changes.add(other.changes);
        self.violations.merge(&other.violations);
    }

    /// From the first byte written to the response message; `None` if nothing
    /// was written.
    #[must_use]
    pub fn latency(&self) -> Option<Duration> {
        Some(self.done.saturating_duration_since(self.written?))
    }
}

#[cfg(test)]
mod tests {
    use super::{Changes, UPDATED};

    #[test]
    fn too_many_updates_are_an_update_of_anything() {
        let of = |count: usize| {
            let mut changes = Changes::default();
            (0..count).for_each(|number| changes.update(format!("a://{number}")));
            changes
        };
        assert_eq!(of(UPDATED).updated.len(), UPDATED);
        assert_eq!(of(UPDATED + 1).updated, [""]);
        let mut sum = of(UPDATED);
        sum.add(Changes { tools: true, ..of(2) });
        assert_eq!(sum, Changes { tools: true, updated: vec![String::new()], ..Changes::default() });
    }
}
