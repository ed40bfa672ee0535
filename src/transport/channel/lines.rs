//! Where the lines of a child end, and nothing of how they arrive.

use bytes::{Buf as _, Bytes, BytesMut};

use super::super::scan;
use super::super::sse::MAX_EVENT;

/// The longest line that is accepted, as for an event.
const MAX_LINE: usize = MAX_EVENT;

/// What has arrived and was not yet taken as lines.
#[derive(Debug, Default)]
pub(in super::super) struct Lines {
    pub(in super::super) arrived: BytesMut,
    /// How much of `arrived` is known to hold no line end.
    scanned: usize,
}

impl Lines {
    /// The next line without its end, and its bytes with that.
    pub(in super::super) fn take(&mut self) -> Option<(Bytes, u64)> {
        let unseen = self.arrived.get(self.scanned..)?;
        let Some(end) = scan::find(unseen, |byte| byte == b'\n') else {
            self.scanned = self.arrived.len();
            return None;
        };
        let end = self.scanned + end;
        let line = self.arrived.split_to(end).freeze();
        self.arrived.advance(1);
        self.scanned = 0;
        let text = match line.strip_suffix(b"\r") {
            Some(text) => line.slice_ref(text),
            None => line,
        };
        Some((text, end as u64 + 1))
    }

    /// Whether what is left is more than a line may be.
    pub(in super::super) fn are_too_long(&self) -> bool {
        self.arrived.len() > MAX_LINE
    }
}
