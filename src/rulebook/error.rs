//! Why the server could not start or had to stop.

use std::io;
use std::net::SocketAddr;

/// Why the server could not start or had to stop.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// An option is out of its range.
    #[error("{option} {problem}")]
    Option {
        /// The field of [`Options`](super::Options).
        option: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// The address would be reachable from other machines.
    #[error("{0} is not a loopback address: the built-in server has no access control, use 127.0.0.1 or [::1]")]
    NotLoopback(SocketAddr),
    /// The address could not be listened on.
    #[error("cannot listen on {addr}")]
    Listen {
        /// The address that was asked for.
        addr: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The accept loop failed.
    #[error("the HTTP server failed")]
    Http(#[source] io::Error),
    /// The session on standard input and output failed.
    #[error("the stdio session failed: {0}")]
    Stdio(String),
}
