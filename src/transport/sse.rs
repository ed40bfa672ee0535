//! Server-sent events, parsed as they arrive and without input or output.
//!
//! The rules are those of the WHATWG HTML standard, "Server-sent events", with
//! what MCP adds: an event without data is a priming event, which is remembered
//! (`id`, `retry`) but not delivered.

use bytes::{Buf, Bytes, BytesMut};

use super::scan;

/// The largest event that is accepted. rmcp and the SDKs draw the line at the
/// same 16 MiB; beyond it a server is more likely to have run away.
pub(super) const MAX_EVENT: usize = 16 * 1024 * 1024;

/// An event with data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Event {
    /// The type; `None` is the default, `message`.
    pub(super) kind: Option<Box<[u8]>>,
    /// The data lines, joined by LF.
    pub(super) data: Bytes,
}

impl Event {
    /// Whether the event carries a message of the protocol.
    pub(super) fn is_message(&self) -> bool {
        self.kind.as_deref().is_none_or(|kind| kind == b"message")
    }
}

/// The event grew beyond [`MAX_EVENT`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooLarge;

/// A parser that is fed with chunks and asked for events in turn.
#[derive(Debug, Default)]
pub(super) struct Parser {
    /// What has arrived but is not yet parsed.
    chunk: Bytes,
    /// The start of a line whose end has not arrived.
    partial: BytesMut,
    /// A CR ended the last line: an LF that follows belongs to it.
    after_cr: bool,
    /// The first line, which may have a byte order mark, has been read.
    begun: bool,
    data: Data,
    kind: Option<Box<[u8]>>,
    /// The last id, which outlives its event.
    last_id: Option<Bytes>,
    /// The last reconnection time, in milliseconds.
    retry: Option<u64>,
}

/// The data of the event being read. One line, the common case, stays where it
/// arrived.
#[derive(Debug, Default)]
enum Data {
    #[default]
    None,
    Line(Bytes),
    Lines(BytesMut),
}

impl Data {
    fn len(&self) -> usize {
        match self {
            Self::None => 0,
            Self::Line(line) => line.len(),
            Self::Lines(lines) => lines.len(),
        }
    }

    fn push(&mut self, line: Bytes) {
        *self = match std::mem::take(self) {
            Self::None => Self::Line(line),
            Self::Line(first) => {
                let mut lines = BytesMut::with_capacity(first.len() + 1 + line.len());
                lines.extend_from_slice(&first);
                lines.extend_from_slice(b"\n");
                lines.extend_from_slice(&line);
                Self::Lines(lines)
            }
            Self::Lines(mut lines) => {
                lines.extend_from_slice(b"\n");
                lines.extend_from_slice(&line);
                Self::Lines(lines)
            }
        };
    }

    fn take(&mut self) -> Bytes {
        match std::mem::take(self) {
            Self::None => Bytes::new(),
            Self::Line(line) => line,
            Self::Lines(lines) => lines.freeze(),
        }
    }
}

impl Parser {
    /// Adds the next bytes of the stream. Take all events before.
    pub(super) fn feed(&mut self, chunk: Bytes) {
        if self.chunk.is_empty() {
            self.chunk = chunk;
        } else {
            let mut both = BytesMut::from(std::mem::take(&mut self.chunk));
            both.extend_from_slice(&chunk);
            self.chunk = both.freeze();
        }
    }

    /// The next complete event; `None` until more has been fed.
    pub(super) fn next(&mut self) -> Result<Option<Event>, TooLarge> {
        while let Some(line) = self.line()? {
            if line.is_empty() {
                let kind = self.kind.take();
                let data = self.data.take();
                if !data.is_empty() {
                    return Ok(Some(Event { kind, data }));
                }
            } else {
                self.field(line);
                if self.data.len() > MAX_EVENT {
                    return Err(TooLarge);
                }
            }
        }
        Ok(None)
    }

    /// The id to resume after, if the server sent one.
    pub(super) fn last_id(&self) -> Option<&[u8]> {
        self.last_id.as_deref()
    }

    /// How long the server asks to wait before reconnecting, in milliseconds.
    pub(super) const fn retry(&self) -> Option<u64> {
        self.retry
    }

    /// The next line without its end; `None` if no end has arrived.
    fn line(&mut self) -> Result<Option<Bytes>, TooLarge> {
        if self.after_cr && !self.chunk.is_empty() {
            self.after_cr = false;
            if self.chunk.first() == Some(&b'\n') {
                self.chunk.advance(1);
            }
        }
        let Some(end) = scan::find(&self.chunk, |byte| byte == b'\n' || byte == b'\r') else {
            self.partial.extend_from_slice(&self.chunk);
            self.chunk = Bytes::new();
            // The data so far counts too: an endless event may come as one
            // endless line or as endless lines.
            if self.partial.len() + self.data.len() > MAX_EVENT {
                return Err(TooLarge);
            }
            return Ok(None);
        };
        let rest = self.chunk.split_to(end);
        self.after_cr = self.chunk.first() == Some(&b'\r');
        self.chunk.advance(1);
        let mut line = if self.partial.is_empty() {
            rest
        } else {
            self.partial.extend_from_slice(&rest);
            self.partial.split().freeze()
        };
        if !self.begun {
            self.begun = true;
            if line.starts_with(b"\xEF\xBB\xBF") {
                line.advance(3);
            }
        }
        Ok(Some(line))
    }

    /// One line that is not blank.
    fn field(&mut self, mut line: Bytes) {
        let (name, value) = match scan::find(&line, |byte| byte == b':') {
            Some(colon) => {
                let name = line.split_to(colon);
                line.advance(1);
                if line.first() == Some(&b' ') {
                    line.advance(1);
                }
                (name, line)
            }
            None => (line, Bytes::new()),
        };
        match name.as_ref() {
            b"data" => self.data.push(value),
            b"event" => self.kind = (!value.is_empty()).then(|| value.as_ref().into()),
            // Copied, because it stays for long and would keep the chunk alive.
            b"id" if !value.contains(&0) => self.last_id = Some(Bytes::copy_from_slice(&value)),
            b"retry" if !value.is_empty() && value.iter().all(u8::is_ascii_digit) => {
                self.retry = std::str::from_utf8(&value).ok().and_then(|digits| digits.parse().ok());
            }
            // An empty name is a comment, any other is for later revisions.
            _ => {}
        }
    }
}
