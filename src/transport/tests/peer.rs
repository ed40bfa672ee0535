//! A server that does exactly what a test says, byte for byte.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::transport::{
    AnyClient, AnyConnector, Call, Client as _, Connector as _, Exchange, HttpTarget, Revision, Target,
};
use crate::violation::{Violation, Violations};

/// Long enough for anything that must happen.
pub const PATIENCE: Duration = Duration::from_secs(10);

pub struct Server {
    listener: TcpListener,
}

/// A request as it came over the wire.
#[derive(Debug, PartialEq, Eq)]
pub struct Received {
    pub line: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
    /// All of it, in bytes.
    pub size: u64,
}

impl Received {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

impl Server {
    pub async fn start() -> Self {
        Self { listener: TcpListener::bind("127.0.0.1:0").await.unwrap() }
    }

    pub fn authority(&self) -> String {
        self.listener.local_addr().unwrap().to_string()
    }

    pub fn target(&self) -> Target {
        Target::Http(HttpTarget::parse(&format!("http://{}/mcp", self.authority()), Vec::new()).unwrap())
    }

    pub fn client(&self, revision: Revision) -> AnyClient {
        AnyConnector::new(&self.target(), revision).client()
    }

    pub async fn accept(&self) -> Peer {
        let (stream, _) = self.listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        Peer::new(stream)
    }

    /// Accepts and answers one request on a connection of its own.
    pub async fn answer_once(&self, answer: impl AsRef<[u8]>) -> Received {
        let mut peer = self.accept().await;
        let request = peer.request().await;
        peer.send(answer).await;
        request
    }
}

/// One connection to a client.
pub struct Peer<S = TcpStream> {
    stream: S,
    arrived: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Peer<S> {
    pub fn new(stream: S) -> Peer<S> {
        Peer { stream, arrived: Vec::new() }
    }

    pub async fn request(&mut self) -> Received {
        let end = loop {
            if let Some(at) = self.arrived.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            self.more().await;
        };
        let head = String::from_utf8(self.arrived[..end - 4].to_vec()).unwrap();
        let mut lines = head.split("\r\n").map(str::to_owned);
        let line = lines.next().unwrap();
        let headers: Vec<(String, String)> = lines
            .map(|header| {
                let (name, value) = header.split_once(": ").unwrap();
                (name.to_owned(), value.to_owned())
            })
            .collect();
        let length = headers
            .iter()
            .find(|(name, _)| name == "content-length")
            .map_or(0, |(_, value)| value.parse::<usize>().unwrap());
        while self.arrived.len() < end + length {
            self.more().await;
        }
        let rest = self.arrived.split_off(end + length);
        let all = std::mem::replace(&mut self.arrived, rest);
        Received { line, headers, body: String::from_utf8(all[end..].to_vec()).unwrap(), size: all.len() as u64 }
    }

    async fn more(&mut self) {
        let read = self.stream.read_buf(&mut self.arrived).await.unwrap();
        assert_ne!(read, 0, "the client closed the connection");
    }

    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    /// Reads a request and answers it.
    pub async fn answer(&mut self, answer: impl AsRef<[u8]>) -> Received {
        let request = self.request().await;
        self.send(answer).await;
        request
    }

    /// Waits for the first bytes of a client.
    pub async fn greeted(&mut self) {
        self.more().await;
    }

    /// Sends as long as the client takes it; returns whether it did.
    pub async fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream.write_all(bytes.as_ref()).await.is_ok()
    }

    /// Answers one more request, if there is one.
    pub async fn try_answer(&mut self, answer: impl AsRef<[u8]>) -> bool {
        let asked = self.stream.read_buf(&mut self.arrived).await.is_ok_and(|read| read > 0);
        self.arrived.clear();
        asked && self.try_send(answer).await
    }

    /// Whether the client has closed the connection.
    pub async fn is_closed(&mut self) -> bool {
        matches!(self.stream.read(&mut [0; 64]).await, Ok(0) | Err(_))
    }
}

impl Peer {
    /// Whether the client is known to have closed the connection.
    pub fn is_closed_now(&self) -> bool {
        matches!(self.stream.try_read(&mut [0; 64]), Ok(0))
    }
}

/// A response with a length.
pub fn http(status: &str, kind: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}")
}

/// A JSON response with status 200.
pub fn json(body: &str) -> String {
    http("200 OK", "application/json", body)
}

/// The head of an event stream.
pub const SSE_HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";

/// One chunk of a stream.
pub fn chunk(text: &str) -> String {
    format!("{:x}\r\n{text}\r\n", text.len())
}

/// The end of a stream.
pub const SSE_END: &str = "0\r\n\r\n";

/// A whole event stream.
pub fn sse(text: &str) -> String {
    format!("{SSE_HEAD}{}{SSE_END}", chunk(text))
}

pub fn result(id: u64) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"resultType":"complete","content":[],"n":{id}}}}}"#)
}

/// The result of the first call.
pub const RESULT: &str = r#"{"resultType":"complete","content":[],"n":1}"#;

/// Violations that are not about the contents of a response, which scripts keep
/// as short as can be.
pub fn strays(violations: &Violations) -> u32 {
    let contents = [Violation::JsonrpcMember, Violation::ResultShape, Violation::ResultType];
    violations.count() - contents.into_iter().map(|kind| violations.of(kind)).sum::<u32>()
}

/// The call of all tests that care for no other.
pub fn echo() -> Call<'static> {
    Call {
        method: "tools/call",
        name: Some("echo"),
        params: br#"{"name":"echo","arguments":{"text":"hi"}}"#,
        timeout: PATIENCE,
        ..Call::default()
    }
}

/// What a modern client makes of the bytes with which its first request is
/// answered; the connection stays open.
pub async fn exchange_of(answer: impl AsRef<[u8]>) -> Exchange {
    let server = Server::start().await;
    let mut client = server.client(Revision::V2026_07_28);
    let (exchange, _peer) = tokio::join!(client.call(echo()), async {
        let mut peer = server.accept().await;
        peer.request().await;
        peer.send(answer).await;
        peer
    });
    exchange
}

/// The same, but the server closes the connection after its answer.
pub async fn exchange_of_last(answer: impl AsRef<[u8]>) -> Exchange {
    let server = Server::start().await;
    let mut client = server.client(Revision::V2026_07_28);
    let (exchange, ()) = tokio::join!(client.call(echo()), async {
        let mut peer = server.accept().await;
        peer.request().await;
        peer.send(answer).await;
    });
    exchange
}
