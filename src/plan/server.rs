//! How to reach an MCP server.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How to reach one MCP server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Server {
    /// Its name in the file.
    pub name: String,
    /// Where it is.
    pub endpoint: Endpoint,
    /// Extra HTTP headers; a value may name secrets, never hold one.
    pub headers: Vec<Header>,
    /// The pinned revision, or `None` for `auto`.
    pub protocol: Option<String>,
    /// Shares of several revisions; empty where one is pinned or found out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub revisions: Vec<RevisionShare>,
    /// Per request, in nanoseconds.
    pub timeout_ns: u64,
    /// For opening a connection or starting a child, in nanoseconds.
    pub connect_timeout_ns: u64,
    /// A server to start before the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub launch: Option<Launch>,
    /// How TLS is spoken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
    /// How a token is had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth: Option<Auth>,
    /// What its requests go through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<Proxy>,
    /// Whether received data is acknowledged at once.
    #[serde(default, skip_serializing_if = "super::is_false")]
    pub quickack: bool,
    /// The number of its process on this machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// What this client answers when the server asks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<Answer>,
    /// What this client says that it can do, as JSON text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<String>,
}

impl Server {
    /// Whether its processes are known: mcpl starts them, or the file names them.
    #[must_use]
    pub fn is_watched(&self) -> bool {
        match self.endpoint {
            Endpoint::Http { .. } | Endpoint::Sse { .. } => self.launch.is_some() || self.pid.is_some(),
            Endpoint::Stdio { .. } | Endpoint::Builtin { .. } => true,
        }
    }

    /// A server at `endpoint`, with the timeouts that a file has unless it says
    /// otherwise: 30 s for a request and for a connection.
    #[must_use]
    pub fn new(name: impl Into<String>, endpoint: Endpoint) -> Server {
        Server {
            name: name.into(),
            endpoint,
            headers: Vec::new(),
            protocol: None,
            revisions: Vec::new(),
            timeout_ns: 30_000_000_000,
            connect_timeout_ns: 30_000_000_000,
            launch: None,
            tls: None,
            auth: None,
            proxy: None,
            quickack: false,
            pid: None,
            answers: Vec::new(),
            capabilities: None,
        }
    }

    /// Whether 2026-07-28 can be spoken with it, as far as the file says.
    #[must_use]
    pub fn may_be_modern(&self) -> bool {
        let mut pinned = self.protocol.iter().chain(self.revisions.iter().map(|share| &share.revision)).peekable();
        let spoken = pinned.peek().is_none() || pinned.any(|revision| revision == MODERN);
        spoken && !matches!(self.endpoint, Endpoint::Sse { .. })
    }
}

/// The revision without sessions.
const MODERN: &str = "2026-07-28";

/// A revision's part of the virtual users.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RevisionShare {
    /// The revision.
    pub revision: String,
    /// Its part of every bag of users, in slots.
    pub slots: u32,
}

/// A server that is started before the run and stopped afterwards.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Launch {
    /// Program and arguments.
    pub command: Vec<String>,
    /// Within this time it must accept connections, in nanoseconds.
    pub ready_ns: u64,
}

/// How TLS is spoken.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tls {
    /// File of certificates to trust.
    pub ca: Option<String>,
    /// Files of the client's certificate and of its key.
    pub cert: Option<(String, String)>,
    /// Whether any certificate is taken.
    pub insecure: bool,
}

/// How a token is had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Auth {
    /// OAuth client credentials.
    Oauth(Oauth),
}

/// OAuth client credentials (RFC 6749, section 4.4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Oauth {
    /// Where tokens are had; found out from the server where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_url: Option<String>,
    /// Who asks.
    pub client_id: String,
    /// What proves it.
    #[serde(flatten)]
    pub credential: Credential,
    /// What the token is for.
    pub scopes: Vec<String>,
}

/// What proves to a token endpoint who asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Credential {
    /// A secret; may name secrets, never hold one.
    ClientSecret(Vec<TextPart>),
    /// A key, which is named and not here.
    ClientKey(ClientKey),
}

/// The private key of a client (RFC 7523, section 2.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClientKey {
    /// Where it is, in PEM form.
    pub pem: Pem,
    /// What the authorization server calls it, if that is of use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_id: Option<String>,
    /// Whom its assertions are for, where the file says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
}

/// Where a key in PEM form is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Pem {
    /// In this file, counted from the directory of the scenario file.
    File(String),
    /// In the environment variable of this name.
    Secret(String),
}

/// What this client answers when the server asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Answer {
    /// `sampling`, `elicitation` or `roots`.
    pub to: String,
    /// The answer, as JSON text.
    pub value: String,
}

/// Where a server is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Endpoint {
    /// Streamable HTTP at this URL.
    Http {
        /// The whole URL.
        url: String,
    },
    /// The HTTP+SSE transport of 2024-11-05 at this URL.
    Sse {
        /// The whole URL of the event stream.
        url: String,
    },
    /// A child process that speaks MCP on its standard input and output; one
    /// for each session.
    Stdio {
        /// Program and arguments.
        command: Vec<String>,
        /// Added to the environment.
        env: Vec<(String, Vec<TextPart>)>,
        /// Working directory.
        cwd: Option<String>,
    },
    /// The built-in demo server, started for the run.
    Builtin {
        /// Which one: `rulebook`.
        name: String,
        /// Its switches as command-line options, such as `--latency=5ms`.
        options: Vec<String>,
        /// Whether over standard input and output instead of HTTP.
        stdio: bool,
    },
}

/// A proxy that is asked to forward requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Proxy {
    /// The one that variables of the environment name for the address of the server
    /// when the run begins, if they name one.
    Environment,
    /// That at this URL; with credentials only where it names secrets.
    Url(Vec<TextPart>),
}

/// An HTTP header whose value may be put together at the start of the run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Header {
    /// Its name.
    pub name: String,
    /// Parts of its value, joined.
    pub value: Vec<TextPart>,
}

/// Part of a text that is put together at the start of the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TextPart {
    /// Literal text.
    Text(String),
    /// The environment variable of this name; its value appears nowhere.
    Secret(String),
}
