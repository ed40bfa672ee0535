//! What a transport must be able to do: open a session, call, close.

use std::time::Duration;

use super::exchange::{Call, Exchange};
use super::failure::{Failure, OpenError};
use super::ids::Ids;
use super::revision::Revision;

/// Name and version of a server, as it gave them. Empty where it gave none
/// (a modern session has no handshake in which it would).
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ServerInfo {
    /// The server's name.
    #[serde(default)]
    pub name: String,
    /// The server's version.
    #[serde(default)]
    pub version: String,
}

/// A session that is open.
#[derive(Clone, Debug, PartialEq)]
pub struct Opened {
    /// What it took to connect, or to start the child process.
    pub connect: Duration,
    /// What the handshake of the revision took after that; zero for a revision
    /// without one.
    pub session: Duration,
    /// The server's name and version.
    pub server: ServerInfo,
    /// The revision in use. A legacy server may have chosen another one than it
    /// was asked for.
    pub revision: Revision,
    /// The server's capabilities, an object; `null` if none were exchanged.
    pub capabilities: serde_json::Value,
}

/// One virtual user: one session, at most one connection, one request at a time.
/// Several clients of one session ([`Client::sibling`]) have a request each.
///
/// Clients live on one thread, in a current-thread runtime; their futures are
/// not `Send`. Dropping one of the futures before it is done abandons the
/// request and costs the connection, nothing else.
#[allow(async_fn_in_trait, reason = "clients and their futures live on one thread")]
pub trait Client {
    /// Opens the session: connects or starts the child, then does the handshake
    /// of the revision (`initialize`, `notifications/initialized`; nothing for
    /// 2026-07-28). An open session is left alone.
    ///
    /// # Errors
    ///
    /// Without a connection, a child, or a handshake that both sides accept.
    async fn open(&mut self) -> Result<Opened, OpenError>;

    /// Whether the session is open: it was opened, and its child is not known to
    /// have ended. A broken HTTP connection does not end a session.
    fn is_open(&self) -> bool;

    /// How the requests of the sessions are numbered that are opened from now on.
    fn number(&mut self, ids: Ids) {
        let _ = ids;
    }

    /// Another client on the same open session, so that requests can be under way
    /// together: over HTTP with a connection of its own, over stdio with the same
    /// child. It must not be closed: the session belongs to this one.
    fn sibling(&mut self) -> Self
    where
        Self: Sized;

    /// Sends one request and waits for its response, which may be an error of
    /// the server. Nothing is sent twice.
    async fn call(&mut self, call: Call<'_>) -> Exchange;

    /// Holds the server's own stream of messages open from now on, where the
    /// transport has one beside its requests (legacy HTTP): what comes on it is
    /// answered, and counts in whichever request of the session ends next.
    async fn hold_stream(&mut self) {}

    /// Subscribes to a resource for some `time` and counts its updates, by the
    /// means of the revision. `call.params` is `{"uri": …}`. The exchange is that
    /// of the subscription, up to its acknowledgement.
    async fn subscribe(&mut self, call: Call<'_>, time: Duration) -> Exchange {
        let _ = (call, time);
        Exchange::unsent(Failure::Protocol("this client cannot subscribe".to_owned()))
    }

    /// Ends the session: DELETE with the session id (HTTP, legacy), or end of
    /// input, then SIGTERM, then SIGKILL (stdio). The client can be opened
    /// again afterwards, whatever the result. Returns the time it took.
    ///
    /// # Errors
    ///
    /// If the server refused the DELETE (405 is no refusal), or did not answer
    /// it; if the child had to be killed.
    async fn close(&mut self) -> Result<Duration, Failure>;
}

/// Makes clients; shared by all threads.
pub trait Connector: Clone + Send + Sync + 'static {
    /// What it makes.
    type Client: Client;

    /// A client for one virtual user, not yet open.
    fn client(&self) -> Self::Client;

    /// The same, of the revision number `share` where it makes clients of several
    /// revisions.
    fn client_of(&self, share: usize) -> Self::Client {
        let _ = share;
        self.client()
    }

    /// The revision of such clients; of a server that is simulated, the newest.
    fn revision(&self, share: usize) -> Revision {
        let _ = share;
        Revision::V2026_07_28
    }
}
