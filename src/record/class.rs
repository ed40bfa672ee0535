//! Why a request counts as failed.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Error classes, from the wire upwards, and that of the load generator itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErrorClass {
    /// No connection, no child process, or no MCP session.
    Connect,
    /// No response in time.
    Timeout,
    /// The connection broke before the response was complete.
    Transport,
    /// An HTTP status without a JSON-RPC answer.
    Http,
    /// The answer breaks JSON, JSON-RPC or MCP.
    Protocol,
    /// A JSON-RPC error.
    Rpc,
    /// A tool result with `isError: true`.
    Tool,
    /// An `expect` or `require` did not hold.
    Expectation,
    /// The path of a `save`, or of an argument, led nowhere.
    Save,
    /// The machine that makes the load had no descriptor, port or process left:
    /// no fault of the server.
    Local,
    /// The server had closed the connection because it was idle, and the request
    /// crossed that on its way: no fault of the server, and no failure of it.
    Stale,
    /// The file had it cancelled before there was an answer: no failure.
    Cancelled,
    /// HTTP 404 to a request with a session id: the server does not know the
    /// session any more.
    SessionLost,
}

impl ErrorClass {
    /// All of them, in order.
    pub const ALL: [ErrorClass; 13] = [
        ErrorClass::Connect,
        ErrorClass::Timeout,
        ErrorClass::Transport,
        ErrorClass::Http,
        ErrorClass::Protocol,
        ErrorClass::Rpc,
        ErrorClass::Tool,
        ErrorClass::Expectation,
        ErrorClass::Save,
        ErrorClass::Local,
        ErrorClass::Stale,
        ErrorClass::Cancelled,
        ErrorClass::SessionLost,
    ];

    /// Its name in metrics and results.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ErrorClass::Connect => "connect",
            ErrorClass::Timeout => "timeout",
            ErrorClass::Transport => "transport",
            ErrorClass::Http => "http",
            ErrorClass::Protocol => "protocol",
            ErrorClass::Rpc => "rpc",
            ErrorClass::Tool => "tool",
            ErrorClass::Expectation => "expectation",
            ErrorClass::Save => "save",
            ErrorClass::Local => "local",
            ErrorClass::Stale => "stale",
            ErrorClass::Cancelled => "cancelled",
            ErrorClass::SessionLost => "session_lost",
        }
    }

    /// The class of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<ErrorClass> {
        ErrorClass::ALL.into_iter().find(|class| class.name() == name)
    }

    /// Whether a request that ends so counts as failed.
    #[must_use]
    pub fn is_failure(self) -> bool {
        !matches!(self, ErrorClass::Stale | ErrorClass::Cancelled)
    }

    /// Its place in [`ErrorClass::ALL`].
    #[must_use]
    pub fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for ErrorClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::ErrorClass;

    #[test]
    fn names_and_indexes_are_inverse() {
        for (index, class) in ErrorClass::ALL.into_iter().enumerate() {
            assert_eq!(class.index(), index);
            assert_eq!(ErrorClass::from_name(class.name()), Some(class));
        }
    }
}
