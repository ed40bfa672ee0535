//! The server that all clients are measured against: echoes on one thread, and
//! does little else, so that it is not the bottleneck.
//!
//! What it does follows from the path: `/json` and `/sse` answer at once,
//! `/slow` after 5 ms, `/freeze` not between the third and the fourth second
//! after its first request. `/stats` tells what it has seen, `/reset` forgets it.

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Either, Full};
use hyper::body::{Body, Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpSocket, TcpStream};

/// What `/slow` takes.
const SLOW: Duration = Duration::from_millis(5);

/// Tokio's timer is up to 2 ms late; the rest is waited for by asking the clock.
const SPIN: Duration = Duration::from_millis(2);

/// So long after a call whose answer has its time the server does not sleep: a
/// processor that has to be woken would take some of the time that the answer
/// is said to take, and the client would be blamed for it.
const AWAKE: Duration = Duration::from_millis(500);

/// Connections that wait to be accepted: all users of a run may come at once.
const BACKLOG: u32 = 4096;

/// What has been seen since the last reset.
#[derive(Default)]
struct Seen {
    calls: u64,
    /// The first call, as nanoseconds of the Unix time.
    first_ns: u128,
    /// The same, for distances.
    first: Option<Instant>,
    /// What calls of `/slow` took here, in nanoseconds.
    slow: Vec<u64>,
}

/// Until when the server asks for work again and again instead of sleeping.
#[derive(Default)]
struct Vigil {
    until: Cell<Option<Instant>>,
    kept: Cell<bool>,
}

impl Vigil {
    fn keep(self: &Rc<Self>) {
        self.until.set(Some(Instant::now() + AWAKE));
        if self.kept.replace(true) {
            return;
        }
        let vigil = Rc::clone(self);
        tokio::task::spawn_local(async move {
            while vigil.until.get().is_some_and(|until| Instant::now() < until) {
                tokio::task::yield_now().await;
            }
            vigil.kept.set(false);
        });
    }
}

type Answer = Response<Either<Full<Bytes>, Once>>;

/// Serves until the process is ended. Prints the port first.
pub fn serve() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        // While it does not sleep, it looks for work at every turn.
        .event_interval(1)
        .build()
        .expect("a runtime");
    tokio::task::LocalSet::new().block_on(&runtime, async {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind("127.0.0.1:0".parse().expect("an address")).expect("a free port");
        let listener = socket.listen(BACKLOG).expect("a listener");
        println!("{}", listener.local_addr().expect("an address").port());
        let seen = Rc::new(RefCell::new(Seen::default()));
        let vigil = Rc::new(Vigil::default());
        loop {
            // Out of descriptors, for example: the client will notice.
            let Ok((stream, _)) = listener.accept().await else { continue };
            tokio::task::spawn_local(connection(stream, Rc::clone(&seen), Rc::clone(&vigil)));
        }
    });
}

async fn connection(stream: TcpStream, seen: Rc<RefCell<Seen>>, vigil: Rc<Vigil>) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let (seen, vigil) = (Rc::clone(&seen), Rc::clone(&vigil));
        async move { Ok::<_, Infallible>(answer(request, &seen, &vigil).await) }
    });
    // A client that goes away is no failure.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(request: Request<Incoming>, seen: &RefCell<Seen>, vigil: &Rc<Vigil>) -> Answer {
    let arrived = Instant::now();
    if request.method() != Method::POST {
        return match request.uri().path() {
            "/stats" => text(StatusCode::OK, "application/json", stats(&seen.borrow()).into()),
            "/reset" => {
                *seen.borrow_mut() = Seen::default();
                text(StatusCode::OK, "application/json", Bytes::from_static(b"{}"))
            }
            _ => text(StatusCode::METHOD_NOT_ALLOWED, "text/plain", Bytes::new()),
        };
    }
    let path = request.uri().path().to_owned();
    let Ok(body) = request.into_body().collect().await else {
        return text(StatusCode::BAD_REQUEST, "text/plain", Bytes::new());
    };
    let body = body.to_bytes();
    let Some(id) = after(&body, b"\"id\":").map(|rest| until(rest, b",}")) else {
        return text(StatusCode::ACCEPTED, "application/json", Bytes::new());
    };
    let id = String::from_utf8_lossy(id);
    let message = if contains(&body, b"\"tools/call\"") {
        note(seen);
        if matches!(path.as_str(), "/slow" | "/freeze") {
            vigil.keep();
        }
        wait(&path, arrived, seen).await;
        let echoed = after(&body, b"\"text\":\"").map_or(&b""[..], |rest| until(rest, b"\""));
        let echoed = String::from_utf8_lossy(echoed);
        let result = format!(r#"{{"content":[{{"type":"text","text":"{echoed}"}}],"isError":false}}"#);
        format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#)
    } else if contains(&body, b"\"tools/list\"") {
        let schema = r#"{"type":"object","properties":{"text":{"type":"string"}}}"#;
        let tool = format!(r#"{{"name":"echo","inputSchema":{schema},"annotations":{{"readOnlyHint":true}}}}"#);
        format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"tools":[{tool}]}}}}"#)
    } else if contains(&body, b"\"initialize\"") {
        let server = r#"{"name":"peers","version":"0"}"#;
        let result =
            format!(r#"{{"protocolVersion":"2025-11-25","capabilities":{{"tools":{{}}}},"serverInfo":{server}}}"#);
        format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#)
    } else {
        format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":-32601,"message":"method not found"}}}}"#)
    };
    if path == "/sse" {
        let event = format!("event: message\ndata: {message}\n\n");
        let mut response = Response::new(Either::Right(Once(Some(event.into()))));
        response.headers_mut().insert("content-type", "text/event-stream".parse().expect("a header"));
        return response;
    }
    text(StatusCode::OK, "application/json", message.into())
}

fn note(seen: &RefCell<Seen>) {
    let mut seen = seen.borrow_mut();
    seen.calls += 1;
    if seen.first.is_none() {
        seen.first = Some(Instant::now());
        seen.first_ns = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_nanos());
    }
}

/// Holds an answer back as the path asks for.
async fn wait(path: &str, arrived: Instant, seen: &RefCell<Seen>) {
    let end = match path {
        "/slow" => arrived + SLOW,
        "/freeze" => {
            let first = seen.borrow().first.unwrap_or(arrived);
            let (from, to) = (first + Duration::from_secs(3), first + Duration::from_secs(4));
            if (from..to).contains(&arrived) { to } else { return }
        }
        _ => return,
    };
    tokio::time::sleep_until((end - SPIN).into()).await;
    while Instant::now() < end {
        tokio::task::yield_now().await;
    }
    if path == "/slow" {
        let took = u64::try_from(arrived.elapsed().as_nanos()).unwrap_or(u64::MAX);
        seen.borrow_mut().slow.push(took);
    }
}

fn stats(seen: &Seen) -> String {
    let mut slow = seen.slow.clone();
    slow.sort_unstable();
    let median = slow.get(slow.len() / 2).copied().unwrap_or(0);
    format!(r#"{{"calls":{},"first_ns":{},"slow_p50_ns":{median}}}"#, seen.calls, seen.first_ns)
}

fn text(status: StatusCode, kind: &'static str, body: Bytes) -> Answer {
    let mut response = Response::new(Either::Left(Full::new(body)));
    *response.status_mut() = status;
    response.headers_mut().insert("content-type", kind.parse().expect("a header"));
    response
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    after(text, part).is_some()
}

fn after<'a>(text: &'a [u8], part: &[u8]) -> Option<&'a [u8]> {
    let at = text.windows(part.len()).position(|window| window == part)?;
    text.get(at + part.len()..)
}

fn until<'a>(text: &'a [u8], ends: &[u8]) -> &'a [u8] {
    let end = text.iter().position(|byte| ends.contains(byte)).unwrap_or(text.len());
    text.get(..end).unwrap_or_default()
}

/// A body of one piece whose length is not told: it is sent as a chunk, like
/// every event stream.
pub struct Once(Option<Bytes>);

impl Body for Once {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.take().map(|bytes| Ok(Frame::data(bytes))))
    }
}
