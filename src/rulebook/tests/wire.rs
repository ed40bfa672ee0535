//! A small MCP client on a raw socket, so that the tests see the bytes.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// The revision without sessions, with metadata in every request.
pub const MODERN: &str = "2026-07-28";

/// Far longer than anything here takes, short enough to fail a test by it.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// One HTTP answer.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    head: String,
    pub body: String,
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// The JSON-RPC message: the body, or the last event that has data.
    pub fn message(&self) -> Value {
        let json = match self.header("content-type") {
            Some("application/json") => self.body.as_str(),
            Some("text/event-stream") => self
                .body
                .lines()
                .filter_map(|line| line.strip_prefix("data:"))
                .map(str::trim)
                .rfind(|data| !data.is_empty())
                .unwrap(),
            other => panic!("{other:?}: {self:?}"),
        };
        serde_json::from_str(json).unwrap()
    }
}

/// One HTTP/1.1 connection.
pub struct Connection {
    stream: TcpStream,
    read: Vec<u8>,
    pub host: String,
}

impl Connection {
    pub async fn open(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).await.unwrap();
        Self { stream, read: Vec::new(), host: addr.to_string() }
    }

    /// Sends a request without waiting for the answer.
    pub async fn send(&mut self, method: &str, headers: &[(&str, &str)], body: &str) {
        let mut request =
            format!("{method} /mcp HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\n", self.host, body.len());
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        request.push_str(&format!("\r\n{body}"));
        self.stream.write_all(request.as_bytes()).await.unwrap();
    }

    /// Reads status and headers; the body is still to come.
    pub async fn head(&mut self) -> Reply {
        let head = self.until(b"\r\n\r\n").await;
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Reply { status, head, body: String::new() }
    }

    /// Reads one whole answer.
    pub async fn reply(&mut self) -> Reply {
        let mut reply = self.head().await;
        if let Some(length) = reply.header("content-length") {
            let length = length.parse().unwrap();
            reply.body = self.exactly(length).await;
        } else if reply.header("transfer-encoding") == Some("chunked") {
            loop {
                let size = usize::from_str_radix(self.until(b"\r\n").await.trim(), 16).unwrap();
                let chunk = self.exactly(size + 2).await;
                if size == 0 {
                    break;
                }
                reply.body.push_str(&chunk[..size]);
            }
        }
        reply
    }

    /// Reads whatever else comes until the server closes the connection.
    pub async fn rest(&mut self) -> String {
        self.stream.read_to_end(&mut self.read).await.unwrap();
        String::from_utf8(std::mem::take(&mut self.read)).unwrap()
    }

    async fn until(&mut self, mark: &[u8]) -> String {
        loop {
            if let Some(at) = self.read.windows(mark.len()).position(|window| window == mark) {
                return self.exactly(at + mark.len()).await;
            }
            self.fill().await;
        }
    }

    async fn exactly(&mut self, length: usize) -> String {
        while self.read.len() < length {
            self.fill().await;
        }
        String::from_utf8(self.read.drain(..length).collect()).unwrap()
    }

    async fn fill(&mut self) {
        let count = self.stream.read_buf(&mut self.read).await.unwrap();
        assert!(count > 0, "closed after {:?}", String::from_utf8_lossy(&self.read));
    }
}

/// A client of one revision on one connection.
pub struct Client {
    pub connection: Connection,
    revision: &'static str,
    pub session: Option<String>,
}

impl Client {
    /// Connects, and opens a session where the revision has any.
    pub async fn open(addr: SocketAddr, revision: &'static str) -> Self {
        let mut client = Self { connection: Connection::open(addr).await, revision, session: None };
        if revision != MODERN {
            let reply = client.request(
                "initialize",
                json!({
                    "protocolVersion": revision, "capabilities": {}, "clientInfo": { "name": "test", "version": "0" },
                }),
            );
            let reply = reply.await;
            assert_eq!(reply.message()["result"]["protocolVersion"], revision, "{reply:?}");
            client.session = reply.header("mcp-session-id").map(str::to_owned);
            client
                .post("notifications/initialized", &json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }))
                .await;
            assert_eq!(client.connection.reply().await.status, 202);
        }
        client
    }

    /// Sends a request without waiting for the answer.
    pub async fn send(&mut self, method: &str, mut params: Value) {
        if self.revision == MODERN {
            params["_meta"] = json!({
                "io.modelcontextprotocol/protocolVersion": MODERN,
                "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "0" },
                "io.modelcontextprotocol/clientCapabilities": {},
            });
        }
        self.post(method, &json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params })).await;
    }

    pub async fn request(&mut self, method: &str, params: Value) -> Reply {
        self.send(method, params).await;
        self.connection.reply().await
    }

    /// The result of a request; fails on an error.
    pub async fn result(&mut self, method: &str, params: Value) -> Value {
        let message = self.request(method, params).await.message();
        assert_eq!(message["id"], 7, "{message}");
        message.get("result").unwrap_or_else(|| panic!("{message}")).clone()
    }

    /// The code of the error that a request is answered with.
    pub async fn error(&mut self, method: &str, params: Value) -> i64 {
        let message = self.request(method, params).await.message();
        message["error"]["code"].as_i64().unwrap_or_else(|| panic!("{message}"))
    }

    pub async fn call(&mut self, tool: &str, arguments: Value) -> Value {
        self.result("tools/call", json!({ "name": tool, "arguments": arguments })).await
    }

    /// The figures of the server.
    pub async fn stats(&mut self) -> Value {
        let read = self.result("resources/read", json!({ "uri": "rule://stats" })).await;
        serde_json::from_str(read["contents"][0]["text"].as_str().unwrap()).unwrap()
    }

    /// Asks for the figures until one of them has that value.
    pub async fn until(&mut self, figure: &str, value: u64) {
        let asking = async { while self.stats().await.pointer(figure) != Some(&json!(value)) {} };
        timeout(PATIENCE, asking).await.unwrap_or_else(|_| panic!("{figure} never became {value}"));
    }

    /// The headers of this revision and session.
    pub fn headers<'a>(&'a self, method: &'a str, name: Option<&'a str>) -> Vec<(&'a str, &'a str)> {
        let mut headers = vec![("Content-Type", "application/json"), ("Accept", "application/json, text/event-stream")];
        if method != "initialize" {
            headers.push(("MCP-Protocol-Version", self.revision));
        }
        if let Some(session) = &self.session {
            headers.push(("Mcp-Session-Id", session));
        }
        if self.revision == MODERN {
            headers.push(("Mcp-Method", method));
            headers.extend(name.map(|name| ("Mcp-Name", name)));
        }
        headers
    }

    async fn post(&mut self, method: &str, message: &Value) {
        let params = &message["params"];
        let name = params["name"].as_str().or_else(|| params["uri"].as_str());
        let headers: Vec<(String, String)> =
            self.headers(method, name).into_iter().map(|(key, value)| (key.into(), value.into())).collect();
        let headers: Vec<(&str, &str)> = headers.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        self.connection.send("POST", &headers, &message.to_string()).await;
    }
}
