//! What a server does against the protocol without making an answer impossible.
//!
//! A violation is counted beside the request during which it was seen, which may
//! well have succeeded. Departures that leave no answer are failures of the
//! class `protocol` instead. `docs/violations.md` has the same catalogue for
//! readers.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A kind of violation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Violation {
    /// The answer carries a token that another request sent, see `unique()`: it
    /// has reached the wrong user.
    CrossWired,
    /// A response with an id that no request has had.
    UnknownId,
    /// A second response to a request.
    DuplicateResponse,
    /// Another message on an event stream after the response that ends it.
    AfterResponse,
    /// An event or a line of standard output that is no JSON-RPC message.
    NotAMessage,
    /// A request of the server in a revision that has none.
    ServerRequest,
    /// Progress of a request that did not increase.
    ProgressOrder,
    /// A response whose `jsonrpc` is not `"2.0"`.
    JsonrpcMember,
    /// A result without what its method's result must have.
    ResultShape,
    /// A result of 2026-07-28 without `resultType`.
    ResultType,
    /// A list or a resource of 2026-07-28 without `ttlMs` or `cacheScope`.
    CacheHints,
    /// An error code that the specification keeps for itself.
    ReservedCode,
    /// A body of another type than those that an answer may have.
    ContentType,
    /// An HTTP response without a header that its status asks for.
    MissingHeader,
    /// A result without the structured content that its tool has promised.
    StructuredContent,
    /// Structured content that does not fit the schema of its tool.
    OutputSchema,
}

impl Violation {
    /// All of them, in order.
    pub const ALL: [Violation; 16] = [
        Violation::CrossWired,
        Violation::UnknownId,
        Violation::DuplicateResponse,
        Violation::AfterResponse,
        Violation::NotAMessage,
        Violation::ServerRequest,
        Violation::ProgressOrder,
        Violation::JsonrpcMember,
        Violation::ResultShape,
        Violation::ResultType,
        Violation::CacheHints,
        Violation::ReservedCode,
        Violation::ContentType,
        Violation::MissingHeader,
        Violation::StructuredContent,
        Violation::OutputSchema,
    ];

    /// Its name in metrics and results.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Violation::CrossWired => "cross_wired",
            Violation::UnknownId => "unknown_id",
            Violation::DuplicateResponse => "duplicate_response",
            Violation::AfterResponse => "after_response",
            Violation::NotAMessage => "not_a_message",
            Violation::ServerRequest => "server_request",
            Violation::ProgressOrder => "progress_order",
            Violation::JsonrpcMember => "jsonrpc_member",
            Violation::ResultShape => "result_shape",
            Violation::ResultType => "result_type",
            Violation::CacheHints => "cache_hints",
            Violation::ReservedCode => "reserved_code",
            Violation::ContentType => "content_type",
            Violation::MissingHeader => "missing_header",
            Violation::StructuredContent => "structured_content",
            Violation::OutputSchema => "output_schema",
        }
    }

    /// The kind of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Violation> {
        Violation::ALL.into_iter().find(|violation| violation.name() == name)
    }

    /// What was seen, for a list of such things.
    #[must_use]
    pub const fn phrase(self) -> &'static str {
        match self {
            Violation::CrossWired => "an answer that carries the token of another request",
            Violation::UnknownId => "a response with an id that no request has had",
            Violation::DuplicateResponse => "a second response to a request",
            Violation::AfterResponse => "a message on an event stream after its response",
            Violation::NotAMessage => "an event or a line that is no JSON-RPC message",
            Violation::ServerRequest => "a request of the server, which 2026-07-28 does not have",
            Violation::ProgressOrder => "progress of a request that did not increase",
            Violation::JsonrpcMember => "a response whose `jsonrpc` is not \"2.0\"",
            Violation::ResultShape => "a result without what its method's result must have",
            Violation::ResultType => "a result without `resultType`",
            Violation::CacheHints => "a result without `ttlMs` or `cacheScope`",
            Violation::ReservedCode => "an error code that MCP keeps for itself",
            Violation::ContentType => "an answer that is neither JSON nor an event stream",
            Violation::MissingHeader => "an HTTP response without a header that its status asks for",
            Violation::StructuredContent => "a result without the structured content that its tool has promised",
            Violation::OutputSchema => "structured content that does not fit the schema of its tool",
        }
    }

    /// The rule that it breaks, and where that stands.
    #[must_use]
    pub const fn rule(self) -> &'static str {
        match self {
            Violation::CrossWired => "JSON-RPC 2.0, section 5: a response belongs to the request whose id it has",
            Violation::UnknownId | Violation::DuplicateResponse => {
                "JSON-RPC 2.0, section 5: one response to each request, with its id"
            }
            Violation::AfterResponse => {
                "MCP, Streamable HTTP (2025-03-26 and later): the stream is closed after the response"
            }
            Violation::NotAMessage => {
                "MCP, transports: events of the type `message`, and all of a server's standard output, are MCP messages"
            }
            Violation::ServerRequest => "MCP 2026-07-28: servers ask by `inputRequests`, not by requests",
            Violation::ProgressOrder => "MCP, progress: the value increases with each notification",
            Violation::JsonrpcMember => "JSON-RPC 2.0, section 4: `jsonrpc` is exactly \"2.0\"",
            Violation::ResultShape => "MCP, schema: the required members of each result",
            Violation::ResultType => "MCP 2026-07-28, schema: every result has `resultType`",
            Violation::CacheHints => "MCP 2026-07-28, caching: lists and resources have `ttlMs` and `cacheScope`",
            Violation::ReservedCode => "MCP 2026-07-28: codes from -32099 to -32023 are kept for the specification",
            Violation::ContentType => {
                "MCP, Streamable HTTP: the answer to a request is `application/json` or `text/event-stream`"
            }
            Violation::MissingHeader => "RFC 9110, section 15.5: 401 has `WWW-Authenticate`, 405 has `Allow`",
            Violation::StructuredContent | Violation::OutputSchema => {
                "MCP, tools (2025-06-18 and later): with an `outputSchema`, structured results are there and fit it"
            }
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Violations of one kind that were seen together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The kind.
    pub kind: Violation,
    /// How many.
    pub count: u32,
    /// What the first of them looked like, fit for one line.
    pub example: String,
}

/// The violations that were seen during one request. Empty in nearly all cases,
/// and no larger than the catalogue however many there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Violations {
    found: Vec<Found>,
}

impl Violations {
    /// Counts one. The example is asked for if it is the first of its kind.
    pub fn note(&mut self, violation: Violation, example: impl FnOnce() -> String) {
        match self.found.iter_mut().find(|found| found.kind == violation) {
            Some(found) => found.count = found.count.saturating_add(1),
            None => self.found.push(Found { kind: violation, count: 1, example: example() }),
        }
    }

    /// Adds those of another request.
    pub fn merge(&mut self, other: &Violations) {
        for found in &other.found {
            match self.found.iter_mut().find(|own| own.kind == found.kind) {
                Some(own) => own.count = own.count.saturating_add(found.count),
                None => self.found.push(found.clone()),
            }
        }
    }

    /// By kind, in the order in which each was first seen.
    #[must_use]
    pub fn found(&self) -> &[Found] {
        &self.found
    }

    /// How many there are of all kinds.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.found.iter().fold(0, |sum, found| sum.saturating_add(found.count))
    }

    /// How many there are of one kind.
    #[must_use]
    pub fn of(&self, violation: Violation) -> u32 {
        self.found.iter().find(|found| found.kind == violation).map_or(0, |found| found.count)
    }
}

#[cfg(test)]
mod tests {
    use super::{Violation, Violations};

    #[test]
    fn names_are_those_of_the_results() {
        for violation in Violation::ALL {
            assert_eq!(Violation::from_name(violation.name()), Some(violation));
            assert_eq!(serde_json::to_value(violation).ok(), Some(violation.name().into()));
            assert!(!violation.rule().is_empty() && !violation.phrase().is_empty());
        }
        assert_eq!(Violation::from_name("nothing"), None);
    }

    #[test]
    fn a_flood_is_counted_and_not_kept() {
        let mut violations = Violations::default();
        for number in 0..1000 {
            violations.note(Violation::NotAMessage, || number.to_string());
        }
        violations.note(Violation::UnknownId, String::new);
        assert_eq!(
            (violations.count(), violations.of(Violation::NotAMessage), violations.of(Violation::ResultType)),
            (1001, 1000, 0)
        );
        assert_eq!(violations.found().len(), 2);
        let mut both = Violations::default();
        both.note(Violation::UnknownId, String::new);
        both.merge(&violations);
        assert_eq!((both.count(), both.of(Violation::UnknownId), both.of(Violation::NotAMessage)), (1002, 2, 1000));
        assert_eq!(violations.found().first().map(|found| found.example.as_str()), Some("0"));
    }
}
