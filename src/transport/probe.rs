//! Finding out which revision a server speaks, before anything is measured.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::client::{Client, Connector, ServerInfo};
use super::connector::{AnyClient, AnyConnector};
use super::envelope::{Reply, RpcError};
use super::exchange::{Call, Exchange};
use super::failure::{Failure, OpenError};
use super::handshake;
use super::revision::Revision;
use super::target::Target;

/// The request that only modern servers know.
pub(super) const DISCOVER: &str = "server/discover";

/// How long a child may leave `server/discover` unanswered before it is taken
/// for a legacy server. rmcp waits as long; package runners need some of it.
const SILENCE: Duration = Duration::from_secs(10);

/// Error codes that only modern servers send: HeaderMismatch,
/// MissingRequiredClientCapability, UnsupportedProtocolVersion.
const HEADER_MISMATCH: i64 = -32020;
const MISSING_CAPABILITY: i64 = -32021;
const UNSUPPORTED_VERSION: i64 = -32022;
const METHOD_NOT_FOUND: i64 = -32601;

/// What a server turned out to be.
#[derive(Clone, Debug, PartialEq)]
pub struct Probe {
    /// The revision to use from now on.
    pub revision: Revision,
    /// The server's name and version; empty if it gave none.
    pub server: ServerInfo,
    /// The server's capabilities, an object; `null` if it gave none.
    pub capabilities: Value,
    /// The server's words on how to use it.
    pub instructions: Option<String>,
}

/// What a modern server says of itself.
#[derive(Debug, Default)]
pub(super) struct Discovered {
    pub(super) server: ServerInfo,
    pub(super) capabilities: Value,
    pub(super) instructions: Option<String>,
    versions: Vec<String>,
}

impl Discovered {
    /// A server that is modern, and has said no more than that.
    fn unknown() -> Self {
        Self { versions: vec![Revision::NEWEST_MODERN.to_string()], ..Self::default() }
    }
}

/// Reads a `DiscoverResult`; `None` if the result is something else.
pub(super) fn discovered(reply: &Reply) -> Option<Discovered> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct DiscoverResult {
        supported_versions: Vec<String>,
        #[serde(default)]
        capabilities: Value,
        #[serde(default)]
        instructions: Option<String>,
        #[serde(default)]
        server_info: Option<ServerInfo>,
        #[serde(default, rename = "_meta")]
        meta: Meta,
    }
    #[derive(Default, Deserialize)]
    struct Meta {
        #[serde(default, rename = "io.modelcontextprotocol/serverInfo")]
        server_info: Option<ServerInfo>,
    }
    let result: DiscoverResult = reply.parse().ok()?;
    Some(Discovered {
        server: result.meta.server_info.or(result.server_info).unwrap_or_default(),
        capabilities: result.capabilities,
        instructions: result.instructions,
        versions: result.supported_versions,
    })
}

/// Finds the newest revision that the server and this crate both speak.
///
/// Asks `server/discover`, which a modern server must know and a legacy server
/// refuses; then, if need be, `initialize`. The probe's session is closed. Run
/// it once before a test and pin the result.
///
/// # Errors
///
/// If the server cannot be reached, wants credentials, refuses both requests,
/// or speaks only other revisions.
pub async fn probe(target: &Target) -> Result<Probe, OpenError> {
    // HTTP+SSE is older than what modern servers are asked.
    if matches!(target, Target::Sse(_)) {
        return initialize(target, Revision::NEWEST_LEGACY).await;
    }
    let Some(found) = discover(target).await? else {
        return initialize(target, Revision::NEWEST_LEGACY).await;
    };
    match found.versions.iter().filter_map(|version| version.parse().ok()).max() {
        Some(revision) if Revision::is_modern(revision) => Ok(Probe {
            revision,
            server: found.server,
            capabilities: found.capabilities,
            instructions: found.instructions,
        }),
        Some(revision) => initialize(target, revision).await,
        None => Err(OpenError::Version { offered: found.versions, asked: None }),
    }
}

/// Asks `server/discover`; `None` means a legacy server.
async fn discover(target: &Target) -> Result<Option<Discovered>, OpenError> {
    let call = |timeout| Call { method: DISCOVER, params: b"{}", timeout, ..Call::default() };
    match AnyConnector::new(target, Revision::NEWEST_MODERN).client() {
        AnyClient::Http(mut client) => {
            let exchange = client.call(call(target.open_timeout())).await;
            http_era(exchange)
        }
        AnyClient::Channel(mut client) => {
            client.start().await?;
            let exchange = client.call(call(SILENCE.min(target.open_timeout()))).await;
            let answered = exchange.outcome.is_ok();
            let found = stdio_era(exchange);
            if answered {
                // Legacy servers may be confused by a request before
                // `initialize`, so that comes to a fresh child. How this one
                // ends is of no interest; a silent one is killed.
                let _ = client.close().await;
            }
            Ok(found)
        }
    }
}

/// HTTP: modern are a `DiscoverResult`, the three codes that no legacy server
/// knows, and 404 with -32601. 401 and 403 say nothing about the era.
fn http_era(exchange: Exchange) -> Result<Option<Discovered>, OpenError> {
    let status = exchange.status;
    match handshake::reply(DISCOVER, exchange) {
        Ok(reply) => Ok(discovered(&reply)),
        Err(OpenError::Refused { error, .. }) => Ok(match error.code {
            UNSUPPORTED_VERSION => supported(&error),
            HEADER_MISMATCH | MISSING_CAPABILITY => Some(Discovered::unknown()),
            METHOD_NOT_FOUND if status == Some(404) => Some(Discovered::unknown()),
            _ => None,
        }),
        Err(OpenError::Failed { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// stdio: modern are a `DiscoverResult` and -32022. Any other answer, silence,
/// and the end of the child mean legacy.
fn stdio_era(exchange: Exchange) -> Option<Discovered> {
    match handshake::reply(DISCOVER, exchange) {
        Ok(reply) => discovered(&reply),
        Err(OpenError::Refused { error, .. }) if error.code == UNSUPPORTED_VERSION => supported(&error),
        Err(_) => None,
    }
}

/// The versions that UnsupportedProtocolVersion lists.
fn supported(error: &RpcError) -> Option<Discovered> {
    let versions = error.data.as_ref()?.get("supported")?.as_array()?;
    Some(Discovered {
        versions: versions.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        ..Discovered::default()
    })
}

/// Opens and closes a legacy session.
async fn initialize(target: &Target, revision: Revision) -> Result<Probe, OpenError> {
    let mut client = AnyConnector::new(target, revision).client();
    let opened = match &mut client {
        AnyClient::Http(client) => client.open_fully().await,
        AnyClient::Channel(client) => client.open_fully().await,
    };
    let (opened, instructions) = opened.map_err(|error| match error {
        OpenError::Failed { method, failure: Failure::Http { status: status @ (400 | 404 | 405), .. } } => {
            OpenError::NotStreamable { method, status }
        }
        error => error,
    })?;
    // The probe has what it wanted; a server that cannot end a session will show
    // it in the run.
    let _ = client.close().await;
    Ok(Probe { revision: opened.revision, server: opened.server, capabilities: opened.capabilities, instructions })
}
