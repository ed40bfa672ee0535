//! The server over Streamable HTTP.

use std::future::{Future, IntoFuture};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::serve::{ListenerExt, TapIo};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::error::ServeError;
use super::handler::{Handler, Shared};
use super::limits::{CLOSE, DRAIN, LISTEN_BACKLOG};
use super::options::{Answers, Options};
use super::spoil::Spoiler;
use super::spoil::http::{Between, between};

/// A listener whose connections go through a function once accepted.
type Tapped = TapIo<TcpListener, fn(&mut TcpStream)>;

/// The path of the MCP endpoint.
pub const PATH: &str = "/mcp";

/// The server, listening on a loopback address.
#[derive(Debug)]
pub struct HttpServer {
    shared: Arc<Shared>,
    spoiler: Option<Spoiler>,
    answers: Answers,
    pub(super) listener: Tapped,
    addr: SocketAddr,
}

impl HttpServer {
    /// Makes the library and listens on `addr`, port 0 for any free port.
    /// Clients can connect from then on; they are answered by
    /// [`run`](Self::run). Needs a tokio runtime with time and I/O enabled.
    ///
    /// # Errors
    ///
    /// An option is out of range, `addr` is not a loopback address, or it
    /// cannot be listened on.
    pub async fn bind(options: Options, addr: SocketAddr) -> Result<Self, ServeError> {
        if !addr.ip().is_loopback() {
            return Err(ServeError::NotLoopback(addr));
        }
        let shared = Shared::new(&options, false)?;
        let listen = || {
            let socket = if addr.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
            // A server that is started again may take its port again at once.
            #[cfg(unix)]
            socket.set_reuseaddr(true)?;
            socket.bind(addr)?;
            let listener = socket.listen(LISTEN_BACKLOG)?;
            let addr = listener.local_addr()?;
            Ok((listener, addr))
        };
        let (listener, addr) = listen().map_err(|source| ServeError::Listen { addr, source })?;
        let listener = listener.tap_io(if options.nagle { delay } else { undelay } as fn(&mut TcpStream));
        let spoiler = Spoiler::new(&options);
        Ok(Self { shared, spoiler, answers: options.answers, listener, addr })
    }

    /// The address it listens on, with the real port.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Answers requests at [`PATH`] until `shutdown` resolves, and then stops
    /// within about a second: requests in flight get half of it to finish,
    /// open streams and sessions are ended after that. A connection whose
    /// client does not even read then is left to the runtime.
    ///
    /// # Errors
    ///
    /// The accept loop failed.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send + 'static) -> Result<(), ServeError> {
        let config = config(self.answers, self.addr);
        let streams = config.cancellation_token.clone();
        let shared = self.shared;
        let sessions = Arc::new(LocalSessionManager::default());
        let service = StreamableHttpService::new(move || Ok(Handler::new(shared.clone())), sessions.clone(), config);
        let mut router = Router::new().route_service(PATH, service);
        if let Some(spoiler) = self.spoiler {
            router = router.layer(from_fn_with_state(Arc::new(Between { spoiler, sessions }), between));
        }

        let (stop, stopped) = oneshot::channel::<()>();
        let serving = axum::serve(self.listener, router).with_graceful_shutdown(async move {
            // Dropping the sender, also with this future, is the signal.
            let _ = stopped.await;
        });
        let mut serving = pin!(serving.into_future());
        tokio::select! {
            result = &mut serving => return result.map_err(ServeError::Http),
            () = shutdown => drop(stop),
        }
        let drained = timeout(DRAIN, &mut serving).await;
        // Sessions outlive their connections, so they are ended in any case.
        streams.cancel();
        match drained {
            Ok(result) => result.map_err(ServeError::Http),
            Err(_) => timeout(CLOSE, &mut serving).await.unwrap_or(Ok(())).map_err(ServeError::Http),
        }
    }
}

/// Answers leave at once: with Nagle's algorithm on, the second part of an
/// event stream waits 40 ms for the client's delayed acknowledgement.
fn undelay(stream: &mut TcpStream) {
    // It fails on a connection that is gone already, which reading notices.
    let _ = stream.set_nodelay(true);
}

/// Leaves it on, as servers do that have never heard of it.
fn delay(_: &mut TcpStream) {}

/// rmcp answers the legacy revisions in JSON only without sessions, and the
/// newest, which has no sessions, in either form.
fn config(answers: Answers, addr: SocketAddr) -> StreamableHttpServerConfig {
    let json = answers == Answers::Json;
    let hosts = ["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned(), addr.ip().to_string()];
    StreamableHttpServerConfig::default()
        .with_json_response(json)
        .with_legacy_session_mode(!json)
        .with_allowed_hosts(hosts)
}
