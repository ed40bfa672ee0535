//! Clients for any target, pinned to one revision.

use std::sync::Arc;
use std::time::Duration;

use super::channel::{ChannelClient, ChannelPlan, Server};
use super::client::{Client, Connector, Opened};
use super::exchange::{Call, Exchange};
use super::failure::{Failure, OpenError};
use super::http::{HttpClient, HttpPlan};
use super::ids::Ids;
use super::lists::ToolInfo;
use super::questions::Answers;
use super::revision::Revision;
use super::target::Target;

/// How the client names itself to servers.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct ClientInfo {
    /// The name.
    pub name: String,
    /// The version.
    pub version: String,
}

impl Default for ClientInfo {
    fn default() -> Self {
        Self { name: "mcpl".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() }
    }
}

/// Makes clients for one target, all of one revision or of several that are
/// mixed. What does not change from request to request is rendered here, once,
/// and shared.
#[derive(Clone, Debug)]
pub struct AnyConnector {
    plan: Plan,
    /// Those of further revisions.
    others: Vec<Plan>,
}

#[derive(Clone, Debug)]
enum Plan {
    Http(Arc<HttpPlan>),
    Channel(Arc<ChannelPlan>),
}

impl AnyConnector {
    /// Clients that introduce themselves as mcpl.
    #[must_use]
    pub fn new(target: &Target, revision: Revision) -> Self {
        Self::with_info(target, revision, &ClientInfo::default())
    }

    /// Clients that introduce themselves as mcpl and give these answers.
    #[must_use]
    pub fn answering(target: &Target, revision: Revision, answers: Answers) -> Self {
        Self::of(target, revision, &ClientInfo::default(), answers)
    }

    /// Clients that introduce themselves as `info` says.
    #[must_use]
    pub fn with_info(target: &Target, revision: Revision, info: &ClientInfo) -> Self {
        Self::of(target, revision, info, Answers::default())
    }

    fn of(target: &Target, revision: Revision, info: &ClientInfo, answers: Answers) -> Self {
        let channel = |server| Plan::Channel(Arc::new(ChannelPlan::new(server, revision, info, answers.clone())));
        let plan = match target {
            Target::Http(target) => {
                Plan::Http(Arc::new(HttpPlan::new(target.clone(), revision, info, answers.clone())))
            }
            Target::Sse(target) => channel(Server::Feed(Arc::new(target.clone()))),
            Target::Stdio(target) => channel(Server::Child(target.clone())),
        };
        Self { plan, others: Vec::new() }
    }

    /// Clients of several revisions: number 0 is that of `self`, the others follow
    /// in their order.
    #[must_use]
    pub fn mixed(mut self, others: Vec<Self>) -> Self {
        self.others.extend(others.into_iter().flat_map(|other| std::iter::once(other.plan).chain(other.others)));
        self
    }

    /// That of the revision number `share`; without one, that of the first.
    fn plan(&self, share: usize) -> &Plan {
        share.checked_sub(1).and_then(|other| self.others.get(other)).unwrap_or(&self.plan)
    }

    /// Clients that repeat arguments in `Mcp-Param-…` headers as the schemas of
    /// these tools ask (`"x-mcp-header"`). 2026-07-28 demands it over HTTP; for
    /// other revisions and over stdio nothing changes. Tools with a
    /// [`ToolInfo::header_fault`] must not be called, and get no such headers.
    #[must_use]
    pub fn mirroring(&self, tools: &[ToolInfo]) -> Self {
        let mirroring = |plan: &Plan| match plan {
            Plan::Http(plan) => Plan::Http(Arc::new(plan.mirroring(tools))),
            Plan::Channel(plan) => Plan::Channel(Arc::clone(plan)),
        };
        Self { plan: mirroring(&self.plan), others: self.others.iter().map(mirroring).collect() }
    }
}

impl Connector for AnyConnector {
    type Client = AnyClient;

    fn client(&self) -> AnyClient {
        self.client_of(0)
    }

    fn client_of(&self, share: usize) -> AnyClient {
        match self.plan(share) {
            Plan::Http(plan) => AnyClient::Http(HttpClient::new(Arc::clone(plan))),
            Plan::Channel(plan) => AnyClient::Channel(ChannelClient::new(Arc::clone(plan))),
        }
    }

    fn revision(&self, share: usize) -> Revision {
        match self.plan(share) {
            Plan::Http(plan) => plan.revision(),
            Plan::Channel(plan) => plan.revision(),
        }
    }
}

/// A client over HTTP or stdio.
#[derive(Debug)]
pub enum AnyClient {
    /// Over Streamable HTTP.
    Http(HttpClient),
    /// Over the standard streams of a child process, or HTTP+SSE.
    Channel(ChannelClient),
}

impl Client for AnyClient {
    async fn open(&mut self) -> Result<Opened, OpenError> {
        match self {
            Self::Http(client) => client.open().await,
            Self::Channel(client) => client.open().await,
        }
    }

    fn is_open(&self) -> bool {
        match self {
            Self::Http(client) => client.is_open(),
            Self::Channel(client) => client.is_open(),
        }
    }

    fn number(&mut self, ids: Ids) {
        match self {
            Self::Http(client) => client.number(ids),
            Self::Channel(client) => client.number(ids),
        }
    }

    fn sibling(&mut self) -> Self {
        match self {
            Self::Http(client) => Self::Http(client.sibling()),
            Self::Channel(client) => Self::Channel(client.sibling()),
        }
    }

    async fn call(&mut self, call: Call<'_>) -> Exchange {
        match self {
            Self::Http(client) => client.call(call).await,
            Self::Channel(client) => client.call(call).await,
        }
    }

    async fn hold_stream(&mut self) {
        match self {
            Self::Http(client) => client.hold_stream().await,
            Self::Channel(client) => client.hold_stream().await,
        }
    }

    async fn subscribe(&mut self, call: Call<'_>, time: Duration) -> Exchange {
        match self {
            Self::Http(client) => client.subscribe(call, time).await,
            Self::Channel(client) => client.subscribe(call, time).await,
        }
    }

    async fn close(&mut self) -> Result<Duration, Failure> {
        match self {
            Self::Http(client) => client.close().await,
            Self::Channel(client) => client.close().await,
        }
    }
}
