//! Why there is no reply, in sentences that a user can act on.

use std::time::Duration;

use super::envelope::RpcError;
use super::revision::Revision;

/// Why a request got no JSON-RPC response.
///
/// A JSON-RPC error is a response, not a failure: see
/// [`Reply::error`](super::Reply::error).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// No connection to the server.
    #[error("{0}")]
    Connect(String),
    /// This machine has no descriptor, local port or process left for a
    /// connection. It says nothing about the server.
    #[error("{0}")]
    Local(String),
    /// The response message did not arrive in time.
    #[error("no answer within {}", seconds(*.after))]
    Timeout {
        /// The limit that was exceeded.
        after: Duration,
    },
    /// The connection (or the child process) failed under the request, or what
    /// came was not HTTP.
    #[error("{0}")]
    Transport(String),
    /// A connection that had been idle for a second or more died before one byte
    /// of the answer: an idle timeout of the server that crossed the request on
    /// the wire. It says nothing about the server's work, and the request was not
    /// sent again.
    #[error("the server had closed the idle connection when it was used again")]
    Stale,
    /// It was given up, as the caller wanted, and the server told so.
    #[error("cancelled after {}, as was asked", seconds(*.after))]
    Cancelled {
        /// After so long.
        after: Duration,
    },
    /// The server ended the task that the request had become, without a result.
    #[error("the server cancelled the task{}{reason}", if .reason.is_empty() { "" } else { ": " })]
    Ended {
        /// Why, in its words, fit for one line of a terminal; empty if it had none.
        reason: String,
    },
    /// An HTTP status that is not a success and whose body is no JSON-RPC error.
    #[error("the server answered HTTP {status}{}{excerpt}", if .excerpt.is_empty() { "" } else { ": " })]
    Http {
        /// The status, 300 or above.
        status: u16,
        /// The start of the body, fit for one line of a terminal.
        excerpt: String,
    },
    /// HTTP 404 to a request with a session id: the server does not know the session
    /// any more (2025-03-26 and later, "Session Management").
    #[error("the server has lost the session: HTTP 404{}{excerpt}", if .excerpt.is_empty() { "" } else { ": " })]
    SessionLost {
        /// What the server said, fit for one line of a terminal.
        excerpt: String,
    },
    /// An answer that MCP does not allow.
    #[error("{0}")]
    Protocol(String),
}

impl Failure {
    /// The class under which reports count the failure: `connect`, `local`,
    /// `timeout`, `transport`, `stale`, `cancelled`, `rpc`, `http`, `session_lost` or
    /// `protocol`.
    #[must_use]
    pub const fn class(&self) -> &'static str {
        match self {
            Self::Connect(_) => "connect",
            Self::Local(_) => "local",
            Self::Timeout { .. } => "timeout",
            Self::Transport(_) => "transport",
            Self::Stale => "stale",
            Self::Cancelled { .. } => "cancelled",
            Self::Ended { .. } => "rpc",
            Self::Http { .. } => "http",
            Self::SessionLost { .. } => "session_lost",
            Self::Protocol(_) => "protocol",
        }
    }
}

/// Why a session could not be opened.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum OpenError {
    /// The child process could not be started.
    #[error("cannot start `{program}`: {reason}")]
    Spawn {
        /// The program as it was given.
        program: String,
        /// What the operating system said.
        reason: String,
    },
    /// A request of the opening got no response.
    #[error("{method}: {failure}")]
    Failed {
        /// The request, such as `initialize`.
        method: &'static str,
        /// Why there is no response.
        failure: Failure,
    },
    /// No connection.
    #[error("{0}")]
    Connect(Failure),
    /// The server answered a request of the opening with an error.
    #[error("the server refused {method}: {error}")]
    Refused {
        /// The request, such as `initialize`.
        method: &'static str,
        /// The server's error.
        error: RpcError,
    },
    /// HTTP 401 or 403: a matter of authorization, not of the protocol.
    #[error("the server answered HTTP {status} to {method}: it wants credentials, or others than those given")]
    Unauthorized {
        /// The request, such as `initialize`.
        method: &'static str,
        /// 401 or 403.
        status: u16,
    },
    /// The child answered nothing, but wrote something else.
    #[error("{method}: {words}")]
    Silent {
        /// The request, such as `initialize`.
        method: &'static str,
        /// That no answer came, and the child's last words.
        words: String,
    },
    /// The endpoint does not take POST requests of this transport.
    #[error(
        "the server answered HTTP {status} to {method}: the path of the URL may be wrong, or the server speaks \
         only the HTTP+SSE transport of 2024-11-05, which a scenario file asks for with `sse`"
    )]
    NotStreamable {
        /// The request, such as `initialize`.
        method: &'static str,
        /// 400, 404 or 405.
        status: u16,
    },
    /// The server speaks only revisions that this crate does not, or not the
    /// one that was asked for.
    #[error("the server offers MCP {}, which mcpl does not speak{}", .offered.join(", "), wanted(*.asked))]
    Version {
        /// What the server offers.
        offered: Vec<String>,
        /// The revision that was asked for, if one was pinned.
        asked: Option<Revision>,
    },
}

impl OpenError {
    /// The class under which reports count the error; those of
    /// [`Failure::class`], where a child that cannot be started is `connect`.
    #[must_use]
    pub const fn class(&self) -> &'static str {
        match self {
            Self::Spawn { .. } => "connect",
            Self::Failed { failure, .. } | Self::Connect(failure) => failure.class(),
            Self::Unauthorized { .. } | Self::NotStreamable { .. } => "http",
            Self::Silent { .. } => "timeout",
            Self::Refused { .. } | Self::Version { .. } => "protocol",
        }
    }
}

/// What this machine has none left of, where `error` says so.
pub(super) fn exhausted(error: &std::io::Error) -> Option<&'static str> {
    use rustix::io::Errno;
    match Errno::from_io_error(error)? {
        Errno::MFILE => Some("no descriptor is left to this process: raise the limit (ulimit -n)"),
        Errno::NFILE => Some("no descriptor is left on this machine: raise the limit (sysctl fs.file-max)"),
        Errno::ADDRNOTAVAIL => Some(
            "this machine has no local address or port left for it, as when many connections were opened in a short \
             time (sysctl net.ipv4.ip_local_port_range)",
        ),
        Errno::NOMEM | Errno::NOBUFS => Some("this machine has no memory left for it"),
        _ => None,
    }
}

fn wanted(asked: Option<Revision>) -> String {
    asked.map_or_else(String::new, |revision| format!(" (asked for {revision})"))
}

/// Why a target cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// The text is no URL with a host.
    #[error("`{url}` is not a URL of an MCP server (an example: http://127.0.0.1:3000/mcp): {reason}")]
    Url {
        /// The text.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// TLS cannot be spoken as the options say.
    #[error("TLS: {0}")]
    Tls(String),
    /// The text is no address of a proxy. It may hold a password, so it is not shown.
    #[error("the address of the proxy {0}: it looks like http://proxy.example.com:3128")]
    Proxy(&'static str),
    /// Another scheme than `http` and `https`.
    #[error("`{0}` URLs are not supported: an MCP server is reached by http or https, or as a command over stdio")]
    Scheme(String),
    /// User name and password in the URL.
    #[error("the URL holds credentials: send them as a header instead, such as `authorization`")]
    Credentials,
    /// A header that cannot be sent.
    #[error("header `{name}`: {reason}")]
    Header {
        /// The name as it was given.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// An empty command.
    #[error("the command is empty")]
    Command,
}

/// The most characters of a body that an error message repeats: two lines of a
/// terminal, enough to recognise a proxy's error page.
pub(super) const EXCERPT_CHARS: usize = 200;

/// The start of `bytes` on one line: runs of white space and control characters
/// become one space, the rest is cut after [`EXCERPT_CHARS`] characters.
#[must_use]
pub fn excerpt(bytes: &[u8]) -> String {
    // A character has at most four bytes, so this prefix suffices unless most
    // of it is white space; then a shorter excerpt is no loss.
    let prefix = bytes.get(..EXCERPT_CHARS * 8).unwrap_or(bytes);
    let text = String::from_utf8_lossy(prefix);
    let mut out = String::new();
    let mut chars = 0;
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()) {
        if word.is_empty() {
            continue;
        }
        if !out.is_empty() {
            out.push(' ');
            chars += 1;
        }
        for c in word.chars() {
            if chars >= EXCERPT_CHARS {
                out.push('…');
                return out;
            }
            out.push(c);
            chars += 1;
        }
    }
    out
}

/// A duration as people write it: `10s`, `1.5s`, `250ms`.
pub(super) fn seconds(duration: Duration) -> String {
    let rounded = |value: f64| (value * 1e3).round() / 1e3;
    if duration < Duration::from_secs(1) {
        format!("{}ms", rounded(duration.as_secs_f64() * 1e3))
    } else {
        format!("{}s", rounded(duration.as_secs_f64()))
    }
}
