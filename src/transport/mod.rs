//! The measured path.
//!
//! Invariant: this module turns one MCP request into one outcome with
//! timestamps, and knows no scenario. It never retries, never opens a second
//! session by itself, never follows a redirect, never caches an answer and
//! adds nothing to a request that the caller did not ask for: each of these
//! would put the load generator's own behaviour into the measurements.
//!
//! A [`Client`] is one virtual user. It lives on one thread, holds at most one
//! connection (or one child process) and has at most one request in flight;
//! several clients of one session have a request each. A [`Connector`] makes
//! clients and is shared by all threads.
//!
//! ```text
//! Target ─ probe ─► Revision ─ AnyConnector ─► AnyClient ─ open, call…, close
//! ```

mod assertion;
#[doc(hidden)]
pub mod bench;
mod channel;
mod client;
mod compliance;
mod connector;
mod deadline;
mod discovery;
mod envelope;
mod exchange;
mod failure;
#[doc(hidden)]
pub mod fuzz;
mod handshake;
mod headers;
mod http;
mod ids;
mod late;
mod lists;
mod mirror;
mod oauth;
mod probe;
mod progress;
mod proxy;
mod questions;
mod render;
mod revision;
mod scan;
mod sockets;
mod sse;
mod stamped;
mod target;
mod task;
mod tls;
mod updates;
mod wire;

#[cfg(test)]
mod tests;

pub use assertion::{Assertions, ClientKey, KeyError};
pub use channel::ChannelClient;
pub use client::{Client, Connector, Opened, ServerInfo};
pub use connector::{AnyClient, AnyConnector, ClientInfo};
pub use discovery::{Authorization, DiscoveryError, discover};
pub use envelope::{Reply, RpcError};
pub use exchange::{Asides, Call, Changes, Exchange, Tasks};
pub use failure::{Failure, OpenError, TargetError, excerpt};
pub use http::HttpClient;
pub use http::form::send_once;
pub use ids::Ids;
pub use lists::{
    Hints, List, ListError, Listed, PromptArgument, PromptInfo, ResourceInfo, TaskSupport, TemplateInfo, ToolInfo,
    list_all, list_tools,
};
pub use oauth::{Bearer, ClientAuth, Credential, Token, TokenError, TokenSource};
pub use probe::{Probe, probe};
pub use proxy::Proxy;
pub use questions::{Answers, Question};
pub use revision::{Revision, UnknownRevision};
pub use sockets::open_sockets;
pub use target::{HttpTarget, Living, StdioTarget, Target};
pub use task::{Task, TaskStatus, serves_tasks};
pub use tls::{TlsClient, TlsOptions};
