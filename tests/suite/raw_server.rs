//! Servers made by hand: they answer what a run begins with as a server should,
//! and each call as the test says.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What the modern revision asks first.
const DISCOVERED: &str = r#"{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{}},"serverInfo":{"name":"x","version":"1"},"ttlMs":0,"cacheScope":"public"}"#;

const TOOLS: &str = r#"{"resultType":"complete","tools":[{"name":"list_rules","inputSchema":{"type":"object"},"annotations":{"readOnlyHint":true}}],"ttlMs":0,"cacheScope":"public"}"#;

const DONE: &str = r#"{"resultType":"complete","content":[]}"#;

/// The head of an event stream without a length.
pub const SSE: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";

/// A tool call of which only the head was read.
pub struct Call<'a> {
    pub stream: &'a mut TcpStream,
    /// Its number over all connections, from 0.
    pub number: u64,
    /// How many calls its connection has carried before.
    pub before: u64,
    /// Its head, in lower case.
    pub head: &'a str,
    /// Bytes of the body, which are still to be read.
    length: usize,
}

/// What becomes of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    Goes,
    Closes,
}

impl Call<'_> {
    /// Reads the rest and answers as a server should.
    pub fn answer(&mut self) -> Then {
        self.give(DONE)
    }

    /// Reads the rest.
    pub fn read(&mut self) {
        let _ = body(self.stream, self.length);
    }

    /// The same as [`Call::answer`]; gives what was asked to `record` before.
    pub fn recorded(&mut self, record: impl FnOnce(&str)) -> Then {
        match body(self.stream, self.length) {
            Some(request) => {
                record(&request);
                self.send(json(&request, DONE))
            }
            None => Then::Closes,
        }
    }

    /// Reads the rest and answers with this result.
    pub fn give(&mut self, result: &str) -> Then {
        match body(self.stream, self.length) {
            Some(request) => self.send(json(&request, result)),
            None => Then::Closes,
        }
    }

    /// Reads the rest and gives the message with this result to `with`.
    pub fn reply(&mut self, result: &str, with: impl FnOnce(String)) {
        if let Some(request) = body(self.stream, self.length) {
            with(message(&request, result));
        }
    }

    /// Sends bytes, if the client takes them.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> Then {
        if self.stream.write_all(bytes.as_ref()).is_ok() { Then::Goes } else { Then::Closes }
    }

    /// Says nothing until the client has gone.
    pub fn ignore(&mut self) -> Then {
        while self.stream.read(&mut [0; 65536]).is_ok_and(|read| read > 0) {}
        Then::Closes
    }

    /// Holds the connection and reads nothing more.
    pub fn never_read(&mut self) -> Then {
        loop {
            std::thread::park();
        }
    }

    /// Breaks the connection off: a close with bytes that nobody has read is a
    /// reset.
    pub fn reset(&mut self) -> Then {
        let _ = self.stream.peek(&mut [0]);
        Then::Closes
    }
}

/// A server on a free loopback port; returns its statement in a file.
pub fn server(on_call: impl Fn(Call<'_>) -> Then + Send + Sync + 'static) -> String {
    listing(TOOLS.to_owned(), on_call)
}

/// The same, whose tools are others; a JSON array.
pub fn server_with(tools: &serde_json::Value, on_call: impl Fn(Call<'_>) -> Then + Send + Sync + 'static) -> String {
    let list = serde_json::json!({ "resultType": "complete", "tools": tools, "ttlMs": 0, "cacheScope": "public" });
    listing(list.to_string(), on_call)
}

/// The same with the result that lists its tools.
pub fn listing(list: String, on_call: impl Fn(Call<'_>) -> Then + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let statement = format!("http \"http://{}/mcp\"", listener.local_addr().unwrap());
    let shared = Arc::new((on_call, AtomicU64::new(0), list));
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let shared = Arc::clone(&shared);
            std::thread::spawn(move || serve(stream, &shared.0, &shared.1, &shared.2));
        }
    });
    statement
}

fn serve(mut stream: TcpStream, on_call: &impl Fn(Call<'_>) -> Then, calls: &AtomicU64, list: &str) {
    let mut before = 0;
    while let Some(head) = head(&mut stream) {
        let header = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        let length = header("content-length:").and_then(|value| value.parse().ok()).unwrap_or(0);
        let then = if header("mcp-method:") == Some("tools/call") {
            let number = calls.fetch_add(1, Ordering::Relaxed);
            before += 1;
            on_call(Call { stream: &mut stream, number, before: before - 1, head: &head, length })
        } else {
            let Some(request) = body(&mut stream, length) else { return };
            let result = if request.contains("server/discover") { DISCOVERED } else { list };
            let _ = stream.write_all(json(&request, result).as_bytes());
            Then::Goes
        };
        if then == Then::Closes {
            return;
        }
    }
}

/// The head of a request, in lower case; what follows stays where it is.
fn head(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).ok()?;
        head.extend_from_slice(&byte);
    }
    Some(String::from_utf8_lossy(&head).to_lowercase())
}

fn body(stream: &mut TcpStream, length: usize) -> Option<String> {
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some(String::from_utf8_lossy(&body).into_owned())
}

/// The response to a request.
fn json(request: &str, result: &str) -> String {
    let body = message(request, result);
    format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

/// The message with the result of a request.
fn message(request: &str, result: &str) -> String {
    let id = request.split("\"id\":").nth(1).and_then(|rest| rest.split([',', '}']).next()).unwrap_or("1");
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#)
}

/// One chunk of a body without a length.
pub fn chunk(text: &str) -> String {
    format!("{:x}\r\n{text}\r\n", text.len())
}
