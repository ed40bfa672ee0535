//! The head of a response: status, framing, and headers that stay text until
//! somebody asks for one.

use std::mem::MaybeUninit;

use bytes::BytesMut;

use super::super::headers::Headers;
use super::body::{Chunks, Framing};
use super::link::MAX_HEAD;

/// The most headers of a response.
const MAX_HEADERS: usize = 100;

/// What a response says before its body.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) status: u16,
    pub(super) headers: Headers,
}

impl Head {
    /// Whether the status is one of success.
    pub(super) const fn is_success(&self) -> bool {
        matches!(self.status, 200..=299)
    }

    /// The media type without its parameters.
    pub(super) fn media_type(&self) -> &[u8] {
        let value = self.headers.bytes("content-type").unwrap_or_default();
        let end = value.iter().position(|&byte| byte == b';').unwrap_or(value.len());
        value.get(..end).unwrap_or_default().trim_ascii()
    }
}

/// A head, and what it says of its connection.
#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) head: Head,
    pub(super) framing: Framing,
    /// The connection can be used again after the body.
    pub(super) keep_alive: bool,
}

/// Why there is no head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// More than [`MAX_HEADERS`], or more than [`MAX_HEAD`] bytes.
    TooLarge,
    /// What is not HTTP/1.1 about it.
    Garbled(&'static str),
}

impl std::fmt::Display for Unreadable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TooLarge => {
                let kib = MAX_HEAD / 1024;
                write!(f, "the response has more than {MAX_HEADERS} headers, or more than {kib} KiB of them")
            }
            Self::Garbled(what) => write!(f, "the answer is not HTTP/1.1: {what}"),
        }
    }
}

/// Takes the head of a response from the bytes that have arrived; `None` if it
/// has no end yet. Interim responses (100 to 199) are passed over.
pub(super) fn take(arrived: &mut BytesMut) -> Result<Option<Parsed>, Unreadable> {
    loop {
        let Some((status, framing, keep_alive, length)) = parse(arrived)? else {
            return if arrived.len() > MAX_HEAD { Err(Unreadable::TooLarge) } else { Ok(None) };
        };
        let text = arrived.split_to(length).freeze();
        match status {
            101 => return Err(Unreadable::Garbled("it changes to another protocol")),
            100..=199 => {}
            _ => {
                let head = Head { status, headers: Headers::new(text) };
                return Ok(Some(Parsed { head, framing, keep_alive }));
            }
        }
    }
}

/// Status, framing, whether the connection is kept, and the length of the head.
fn parse(arrived: &[u8]) -> Result<Option<(u16, Framing, bool, usize)>, Unreadable> {
    let mut space = [const { MaybeUninit::uninit() }; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut []);
    let config = httparse::ParserConfig::default();
    let length = match config.parse_response_with_uninit_headers(&mut response, arrived, &mut space) {
        Ok(httparse::Status::Complete(length)) if length <= MAX_HEAD => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Ok(_) | Err(httparse::Error::TooManyHeaders) => return Err(Unreadable::TooLarge),
        Err(error) => return Err(Unreadable::Garbled(reason(error))),
    };
    let status = response.code.unwrap_or_default();
    let mut said = Said { keep_alive: response.version == Some(1), ..Said::default() };
    for header in response.headers.iter() {
        said.note(header).map_err(Unreadable::Garbled)?;
    }
    let framing = match said {
        _ if matches!(status, 100..=199 | 204 | 304) => Framing::NONE,
        // A length beside it does not count.
        Said { chunked: Some(true), .. } => Framing::Chunked(Chunks::Size),
        Said { chunked: None, length: Some(length), .. } => Framing::Length(length),
        _ => Framing::UntilClose,
    };
    Ok(Some((status, framing, said.keep_alive, length)))
}

/// What the headers say of the connection.
#[derive(Clone, Copy, Default)]
struct Said {
    length: Option<u64>,
    /// Whether the last coding of the transfer is `chunked`.
    chunked: Option<bool>,
    keep_alive: bool,
}

impl Said {
    fn note(&mut self, header: &httparse::Header<'_>) -> Result<(), &'static str> {
        let is = |name: &str| header.name.eq_ignore_ascii_case(name);
        // The length alone tells most headers apart.
        match header.name.len() {
            14 if is("content-length") => {
                let digits = header.value.trim_ascii();
                let number = std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|b| b.is_ascii_digit()));
                let length = number.and_then(|text| text.parse().ok()).ok_or("its content-length is not a number")?;
                if self.length.replace(length).is_some_and(|other| other != length) {
                    return Err("it has two content-lengths");
                }
            }
            17 if is("transfer-encoding") => {
                let last = header.value.rsplit(|&byte| byte == b',').next().unwrap_or_default();
                self.chunked = Some(last.trim_ascii().eq_ignore_ascii_case(b"chunked"));
            }
            10 if is("connection") => {
                for option in header.value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii) {
                    if option.eq_ignore_ascii_case(b"close") {
                        self.keep_alive = false;
                    } else if option.eq_ignore_ascii_case(b"keep-alive") {
                        self.keep_alive = true;
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// What httparse found, for a sentence.
const fn reason(error: httparse::Error) -> &'static str {
    match error {
        httparse::Error::Version => "it does not begin with HTTP/1.0 or HTTP/1.1",
        httparse::Error::Status => "its status line is malformed",
        httparse::Error::HeaderName => "the name of a header is malformed",
        httparse::Error::HeaderValue => "the value of a header is malformed",
        httparse::Error::NewLine => "it has a line break that is none",
        httparse::Error::Token | httparse::Error::TooManyHeaders => "its head is malformed",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

    use bytes::BytesMut;
    use proptest::prelude::*;

    use super::super::body::{Chunks, Framing};
    use super::{Unreadable, take};

    const CHUNKED: Framing = Framing::Chunked(Chunks::Size);

    #[test]
    fn the_framing_is_that_of_rfc_9112() {
        let table = [
            ("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n", Framing::Length(5), true),
            ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\ncontent-length: 5\r\n\r\n", Framing::Length(5), true),
            ("HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, Chunked\r\n\r\n", CHUNKED, true),
            ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n", CHUNKED, true),
            ("HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\ncontent-length: 5\r\n\r\n", Framing::UntilClose, true),
            ("HTTP/1.1 200 OK\r\n\r\n", Framing::UntilClose, true),
            ("HTTP/1.1 204\r\ncontent-length: 5\r\n\r\n", Framing::NONE, true),
            ("HTTP/1.1 304 Not Modified\r\ntransfer-encoding: chunked\r\n\r\n", Framing::NONE, true),
            ("HTTP/1.1 200 OK\r\nconnection: x, close\r\ncontent-length: 0\r\n\r\n", Framing::NONE, false),
            ("HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n", Framing::NONE, false),
            ("HTTP/1.0 200 OK\r\nconnection: Keep-Alive\r\ncontent-length: 0\r\n\r\n", Framing::NONE, true),
        ];
        for (text, framing, keep_alive) in table {
            let mut arrived = BytesMut::from(format!("{text}rest").as_bytes());
            let parsed = take(&mut arrived).unwrap().unwrap();
            assert_eq!((parsed.framing, parsed.keep_alive), (framing, keep_alive), "{text}");
            assert_eq!(&arrived[..], b"rest");
        }
    }

    #[test]
    fn interim_responses_are_passed_over() {
        let text = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 201 Created\r\n";
        let mut arrived = BytesMut::from(text.as_bytes());
        assert!(take(&mut arrived).unwrap().is_none());
        arrived.extend_from_slice(b"a: b\r\n\r\n");
        let head = take(&mut arrived).unwrap().unwrap().head;
        assert_eq!((head.status, head.headers.get("A"), head.is_success()), (201, Some("b"), true));
    }

    #[test]
    fn what_is_no_head_is_told() {
        let garbled = |text: &str| match take(&mut BytesMut::from(text.as_bytes())) {
            Err(Unreadable::Garbled(what)) => what,
            other => panic!("{text}: {other:?}"),
        };
        assert_eq!(garbled("HTTP/2 200 OK\r\n\r\n"), "it does not begin with HTTP/1.0 or HTTP/1.1");
        assert_eq!(garbled("HTTP/1.1 abc\r\n\r\n"), "its status line is malformed");
        assert_eq!(garbled("HTTP/1.1 200 OK\r\na b: c\r\n\r\n"), "the name of a header is malformed");
        assert_eq!(garbled("HTTP/1.1 200 OK\r\na: \0\r\n\r\n"), "the value of a header is malformed");
        assert_eq!(garbled("HTTP/1.1 200 OK\r\ncontent-length: +5\r\n\r\n"), "its content-length is not a number");
        assert_eq!(
            garbled("HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n"),
            "it has two content-lengths"
        );
        assert_eq!(garbled("HTTP/1.1 101 Switching\r\n\r\n"), "it changes to another protocol");
    }

    proptest! {
        #[test]
        fn no_bytes_can_hurt(start in "(HTTP/1.1 200 OK\r\n)?", bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut arrived = BytesMut::from(start.as_bytes());
            arrived.extend_from_slice(&bytes);
            let _ = take(&mut arrived);
        }
    }
}
