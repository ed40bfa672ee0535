//! A connection through a proxy, in which TLS is spoken with the server behind it
//! (CONNECT, RFC 9110, section 9.3.6).
//!
//! Invariant: what comes after the answer of the proxy is the server's, and none of
//! it is read here.

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::super::failure::{Failure, excerpt};
use super::super::proxy::Proxy;

/// The longest answer of a proxy to CONNECT: its head.
const MAX_HEAD: usize = 16 * 1024;

/// The most headers of it.
const MAX_HEADERS: usize = 64;

impl Proxy {
    /// Has a connection to `host` opened through the one to this proxy. What is written to
    /// it from then on goes there.
    pub(super) async fn tunnel(
        &self,
        stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
        (host, port): (&str, u16),
    ) -> Result<(), Failure> {
        let place = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
        let refused = |why: &str| Failure::Connect(format!("the proxy opens no connection to {place}: {why}"));
        let mut request = format!("CONNECT {place} HTTP/1.1\r\nhost: {place}\r\n").into_bytes();
        if let Some(authorization) = self.authorization() {
            request.extend_from_slice(b"proxy-authorization: ");
            request.extend_from_slice(authorization.as_bytes());
            request.extend_from_slice(b"\r\n");
        }
        request.extend_from_slice(b"\r\n");
        stream.write_all(&request).await.map_err(|error| refused(&error.to_string()))?;
        let mut answer = BytesMut::with_capacity(1024);
        loop {
            match stream.read_buf(&mut answer).await {
                Ok(0) => return Err(refused("it closed the connection")),
                Ok(_) => {}
                Err(error) => return Err(refused(&error.to_string())),
            }
            match head(&answer) {
                // A server says nothing before it is greeted: this is from somebody else.
                Ok(Some((200..300, length))) if length < answer.len() => {
                    return Err(refused("it goes on after its answer"));
                }
                Ok(Some((200..300, _))) => return Ok(()),
                Ok(Some((407, _))) => return Err(refused("it answered HTTP 407: it wants to know who asks")),
                Ok(Some((status, _))) => return Err(refused(&format!("it answered HTTP {status}"))),
                Ok(None) if answer.len() < MAX_HEAD => {}
                Ok(None) => return Err(refused("its answer has no end")),
                Err(()) => return Err(refused(&format!("its answer is no HTTP: {}", excerpt(&answer)))),
            }
        }
    }
}

/// The status of an answer and the length of its head, once that is whole.
fn head(text: &[u8]) -> Result<Option<(u16, usize)>, ()> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    match response.parse(text) {
        Ok(httparse::Status::Complete(length)) => Ok(Some((response.code.unwrap_or_default(), length))),
        Ok(httparse::Status::Partial) => Ok(None),
        Err(_) => Err(()),
    }
}
