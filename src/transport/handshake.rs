//! `initialize`, as far as it is the same over all transports.

use serde::Deserialize;
use serde_json::Value;

use super::client::ServerInfo;
use super::envelope::Reply;
use super::exchange::Exchange;
use super::failure::{Failure, OpenError};
use super::revision::Revision;

/// The request that opens a legacy session.
pub(super) const INITIALIZE: &str = "initialize";

/// What a server says of itself.
#[derive(Debug)]
pub(super) struct Greeting {
    pub(super) revision: Revision,
    pub(super) server: ServerInfo,
    pub(super) capabilities: Value,
    pub(super) instructions: Option<String>,
}

/// The reply to a request of the opening, or the error that ends it.
pub(super) fn reply(method: &'static str, exchange: Exchange) -> Result<Reply, OpenError> {
    if let Some(status @ (401 | 403)) = exchange.status {
        return Err(OpenError::Unauthorized { method, status });
    }
    match exchange.outcome {
        Ok(reply) => match reply.error() {
            Some(error) => Err(OpenError::Refused { method, error: error.clone() }),
            None => Ok(reply),
        },
        Err(failure) => Err(failed(method, failure)),
    }
}

/// A failure during the opening.
pub(super) fn failed(method: &'static str, failure: Failure) -> OpenError {
    match failure {
        Failure::Connect(_) | Failure::Local(_) => OpenError::Connect(failure),
        failure => OpenError::Failed { method, failure },
    }
}

/// Reads the result of `initialize`. The server may have chosen another legacy
/// revision than `asked`, and it is used then; any other version ends the
/// opening, as the specification asks.
pub(super) fn greeting(reply: &Reply, asked: Revision) -> Result<Greeting, OpenError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct InitializeResult {
        protocol_version: String,
        #[serde(default)]
        capabilities: Value,
        #[serde(default)]
        server_info: ServerInfo,
        #[serde(default)]
        instructions: Option<String>,
    }
    let result: InitializeResult = reply.parse().map_err(|error| OpenError::Failed {
        method: INITIALIZE,
        failure: Failure::Protocol(format!("the result is malformed: {error}")),
    })?;
    match result.protocol_version.parse::<Revision>() {
        Ok(revision) if !revision.is_modern() => Ok(Greeting {
            revision,
            server: result.server_info,
            capabilities: result.capabilities,
            instructions: result.instructions,
        }),
        _ => Err(OpenError::Version { offered: vec![result.protocol_version], asked: Some(asked) }),
    }
}
