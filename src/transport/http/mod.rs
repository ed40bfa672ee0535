//! Streamable HTTP: one virtual user on one keep-alive connection.

mod answer;
#[doc(hidden)]
pub mod bench;
mod connect;
mod heads;
mod link;
mod quiet;
mod wire;

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Method, Request};
use tokio::net::TcpStream;
use tokio::time::Instant;

use self::answer::{Answer, Rest, Seen, Tail};
use self::connect::Dial;
use self::heads::{Heads, SESSION, Session};
use self::link::{Link, Stream};
#[cfg(test)]
pub(super) use self::quiet::Quiet;
use super::client::{Client, Opened, ServerInfo};
use super::connector::ClientInfo;
use super::deadline::Deadline;
use super::exchange::{Call, Exchange};
use super::failure::{Failure, OpenError, excerpt};
use super::handshake::{self, INITIALIZE};
use super::render::{INITIALIZED, Renderer, initialize_params};
use super::revision::Revision;
use super::target::HttpTarget;

/// How long a call waits for the end of the previous stream before it uses
/// another connection. Servers without TCP_NODELAY send the end up to 40 ms
/// after the message (a delayed acknowledgement), and a new connection per call
/// would be the greater distortion.
const DRAIN_TIME: Duration = Duration::from_millis(50);

/// The most that is read for the same purpose. An end has a few bytes; more
/// means that the stream goes on.
const DRAIN_BYTES: usize = 64 * 1024;

/// Ids of requests that one client of a shared session may use. Two million
/// clients of one session stay below 2^53, which is as far as JSON numbers are
/// safe.
const IDS_OF_A_SIBLING: u64 = 1 << 32;

/// How long the server may take to answer the DELETE of a session.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// What all clients of a run share: everything that does not change from request
/// to request.
#[derive(Debug)]
pub(super) struct HttpPlan {
    target: HttpTarget,
    revision: Revision,
    info: ClientInfo,
    heads: Heads,
    renderer: Renderer,
}

impl HttpPlan {
    pub(super) fn new(target: HttpTarget, revision: Revision, info: &ClientInfo) -> Self {
        Self {
            heads: Heads::new(&target, revision),
            renderer: Renderer::new(revision, info),
            info: info.clone(),
            revision,
            target,
        }
    }
}

/// A client over Streamable HTTP.
///
/// After a failure of the connection the next call makes a new one and keeps
/// the session. A response with an error status leaves the connection as usable
/// as HTTP says it is.
#[derive(Debug)]
#[expect(private_bounds, reason = "only this module makes streams")]
pub struct HttpClient<S: Stream = TcpStream> {
    plan: Arc<HttpPlan>,
    session: Session,
    opened: Option<Box<Opened>>,
    link: Option<Box<Link<S>>>,
    tail: Option<Box<Tail>>,
    deadline: Deadline,
    last_id: u64,
    /// How many clients the session has had beside the first; absent while it
    /// has had none.
    siblings: Option<Rc<Cell<u32>>>,
}

/// A connection that can take a request, and what it took to have it.
struct Ready<S: Stream> {
    link: Box<Link<S>>,
    connect: Option<Duration>,
}

#[expect(private_bounds, reason = "only this module makes streams")]
impl<S: Dial> HttpClient<S> {
    pub(super) fn new(plan: Arc<HttpPlan>) -> Self {
        Self {
            plan,
            session: Session::default(),
            opened: None,
            link: None,
            tail: None,
            deadline: Deadline::default(),
            last_id: 0,
            siblings: None,
        }
    }

    /// The connection for the next request: the present one if it is idle,
    /// otherwise a new one.
    async fn ready(&mut self) -> Result<Ready<S>, Failure> {
        if let Some(mut link) = self.link.take()
            && link.is_idle()
        {
            return Ok(Ready { link, connect: None });
        }
        let start = Instant::now();
        let link = connect::connect(&self.plan.target, self.deadline.left()).await?;
        Ok(Ready { link: Box::new(link), connect: Some(start.elapsed()) })
    }

    /// Reads the rest of the previous stream, so that its connection can be used
    /// again. Gives the connection up if the end does not come soon.
    async fn drain(&mut self, seen: &mut Seen) -> Duration {
        let Some(mut tail) = self.tail.take() else {
            return Duration::ZERO;
        };
        let Some(mut link) = self.link.take() else {
            return Duration::ZERO;
        };
        let start = Instant::now();
        let deadline = &mut self.deadline;
        let patience = DRAIN_TIME.min(deadline.left());
        let ended = tokio::time::timeout(patience, async {
            let mut bytes = 0;
            loop {
                while let Ok(Some(event)) = tail.parser.next() {
                    seen.violations += u32::from(event.is_message());
                }
                match link.chunk(&mut tail.body, deadline).await {
                    Ok(Some(chunk)) if bytes + chunk.len() <= DRAIN_BYTES => {
                        bytes += chunk.len();
                        tail.parser.feed(chunk);
                    }
                    Ok(None) => return true,
                    Ok(Some(_)) | Err(_) => return false,
                }
            }
        })
        .await;
        if ended == Ok(true) {
            self.link = Some(link);
        }
        start.elapsed()
    }

    fn request(&self, method: Method, headers: HeaderMap, body: Bytes) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = self.plan.target.uri().clone();
        *request.headers_mut() = headers;
        request
    }

    /// Sends the request `id` and reads its response. The deadline is set.
    async fn exchange(&mut self, request: Request<Full<Bytes>>, id: u64) -> Exchange {
        let mut seen = Seen::default();
        let drain = self.drain(&mut seen).await;
        let Ready { mut link, connect } = match self.ready().await {
            Ok(ready) => ready,
            Err(failure) => {
                return Exchange { drain, violations: seen.violations, ..Exchange::unsent(failure) };
            }
        };
        link.meter.reset_stamps();
        let mut status = None;
        let answer = match link.send(request, &mut self.deadline).await {
            Ok(response) => {
                status = Some(response.status().as_u16());
                answer::read(&mut link, response, id, &mut self.deadline, &mut seen).await
            }
            Err(failure) => Answer::broken(failure),
        };
        let (bytes_out, bytes_in) = link.meter.take_bytes();
        let exchange = Exchange {
            written: link.meter.written(),
            first_byte: link.meter.first_byte(),
            done: answer.done,
            status,
            bytes_out,
            bytes_in,
            connect,
            drain,
            notifications: seen.notifications,
            violations: seen.violations,
            outcome: answer.outcome,
        };
        self.keep(link, answer.rest);
        exchange
    }

    /// Keeps the connection for the next request if there can be one.
    fn keep(&mut self, mut link: Box<Link<S>>, rest: Rest) {
        link.reused = true;
        match rest {
            Rest::Clean => self.link = Some(link),
            Rest::Tail(tail) => {
                self.link = Some(link);
                self.tail = Some(tail);
            }
            Rest::Broken => {}
        }
    }

    /// Sends a message that has no JSON-RPC response; returns the status and the
    /// start of the body.
    async fn tell(&mut self, request: Request<Full<Bytes>>) -> Result<(u16, String), Failure> {
        self.drain(&mut Seen::default()).await;
        let Ready { mut link, .. } = self.ready().await?;
        link.meter.reset_stamps();
        let mut response = link.send(request, &mut self.deadline).await?;
        let status = response.status().as_u16();
        let text = answer::whole(&mut link, response.body_mut(), &mut self.deadline).await?;
        self.keep(link, Rest::Clean);
        Ok((status, excerpt(&text)))
    }

    /// The legacy handshake: `initialize`, then `notifications/initialized`.
    async fn initialize(&mut self) -> Result<(Opened, Option<String>), OpenError> {
        let start = Instant::now();
        let plan = Arc::clone(&self.plan);
        self.session = Session::default();
        self.siblings = None;
        let params = initialize_params(plan.revision, &plan.info);
        let exchange = self
            .call(Call { method: INITIALIZE, name: None, params: params.as_bytes(), timeout: plan.target.open_timeout })
            .await;
        let connect = exchange.connect.unwrap_or_default();
        // Errors may carry a session id too (the Python SDK's do), which must
        // not be adopted.
        let reply = handshake::reply(INITIALIZE, exchange)?;
        let greeting = handshake::greeting(&reply, plan.revision)?;
        let revision = greeting.revision;
        self.session = Session {
            // Copied, because the value is a slice of the connection's read
            // buffer and would keep all of it for as long as the session.
            id: reply.header(SESSION.as_str()).and_then(|id| HeaderValue::from_str(id).ok()),
            version: revision.has_version_header().then(|| HeaderValue::from_static(revision.as_str())),
        };
        drop(reply);
        self.initialized().await?;
        let opened = Opened {
            connect,
            session: start.elapsed().saturating_sub(connect),
            server: greeting.server,
            revision,
            capabilities: greeting.capabilities,
        };
        Ok((opened, greeting.instructions))
    }

    /// Opens the session; returns the server's instructions as well, which are
    /// too long to keep for each client.
    pub(super) async fn open_fully(&mut self) -> Result<(Opened, Option<String>), OpenError> {
        let (opened, instructions) =
            if self.plan.revision.is_modern() { (self.connect().await?, None) } else { self.initialize().await? };
        self.opened = Some(Box::new(opened.clone()));
        Ok((opened, instructions))
    }

    async fn initialized(&mut self) -> Result<(), OpenError> {
        const METHOD: &str = "notifications/initialized";
        let plan = Arc::clone(&self.plan);
        self.deadline.set(Instant::now(), plan.target.open_timeout);
        let headers = plan.heads.request(&self.session, METHOD, None);
        let request = self.request(Method::POST, headers, Bytes::from_static(INITIALIZED));
        match self.tell(request).await {
            // 202 by the specification; some servers say 200.
            Ok((200..300, _)) => Ok(()),
            Ok((status, excerpt)) => Err(handshake::failed(METHOD, Failure::Http { status, excerpt })),
            Err(failure) => Err(handshake::failed(METHOD, failure)),
        }
    }

    /// Connects, which is all that a modern session needs.
    async fn connect(&mut self) -> Result<Opened, OpenError> {
        self.deadline.set(Instant::now(), self.plan.target.open_timeout);
        let Ready { link, connect } = self.ready().await.map_err(OpenError::Connect)?;
        self.link = Some(link);
        Ok(Opened {
            connect: connect.unwrap_or_default(),
            session: Duration::ZERO,
            server: ServerInfo::default(),
            revision: self.plan.revision,
            capabilities: serde_json::Value::Null,
        })
    }

    async fn delete(&mut self) -> Result<(), Failure> {
        if self.session.id.is_none() {
            return Ok(());
        }
        let plan = Arc::clone(&self.plan);
        self.deadline.set(Instant::now(), CLOSE_TIMEOUT);
        let mut headers = plan.heads.request(&self.session, "", None);
        headers.remove(header::CONTENT_TYPE);
        let request = self.request(Method::DELETE, headers, Bytes::new());
        match self.tell(request).await? {
            // 405: the server does not let clients end sessions, and may say so.
            (200..300 | 405, _) => Ok(()),
            (status, excerpt) => Err(Failure::Http { status, excerpt }),
        }
    }
}

impl<S: Dial> Client for HttpClient<S> {
    async fn open(&mut self) -> Result<Opened, OpenError> {
        if let Some(opened) = &self.opened {
            return Ok((**opened).clone());
        }
        self.open_fully().await.map(|(opened, _)| opened)
    }

    fn is_open(&self) -> bool {
        self.opened.is_some()
    }

    fn sibling(&mut self) -> Self {
        let count = Rc::clone(self.siblings.get_or_insert_default());
        count.set(count.get() + 1);
        Self {
            session: self.session.clone(),
            opened: self.opened.clone(),
            // The ids of a session are unique: each client has a range of its own.
            last_id: u64::from(count.get()) * IDS_OF_A_SIBLING,
            siblings: Some(count),
            ..Self::new(Arc::clone(&self.plan))
        }
    }

    async fn call(&mut self, call: Call<'_>) -> Exchange {
        self.deadline.set(Instant::now(), call.timeout);
        self.last_id += 1;
        let id = self.last_id;
        let Some(body) = self.plan.renderer.request(id, &call, b"") else {
            return Exchange::unsent(Failure::Protocol("the parameters are not a JSON object".to_owned()));
        };
        let headers = self.plan.heads.request(&self.session, call.method, call.name);
        let request = self.request(Method::POST, headers, body);
        self.exchange(request, id).await
    }

    async fn close(&mut self) -> Result<Duration, Failure> {
        let start = Instant::now();
        let outcome = self.delete().await;
        self.session = Session::default();
        self.opened = None;
        self.link = None;
        self.tail = None;
        outcome.map(|()| start.elapsed())
    }
}
