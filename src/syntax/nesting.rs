//! The limit on nesting, kept before anything recurses.
//!
//! Invariant: linear; the masked text has the length of the source, line ends
//! and all, so that spans in one are spans in the other.

use std::borrow::Cow;

use crate::text::Span;

/// At most so many brackets, blocks and format strings inside each other.
/// Parser and readers of the tree recurse once a level; people stay below ten,
/// and generated JSON below this.
pub(super) const MAX_NESTING: usize = 64;

/// What stands in the text for what is too deep; the grammar's `skipped`.
const MASK: u8 = 1;

/// A source with what is nested too deeply masked out.
pub(super) struct Masked<'a> {
    /// To be parsed.
    pub(super) text: Cow<'a, str>,
    /// What was masked.
    pub(super) too_deep: Vec<Span>,
}

/// Masks each bracket that is nested too deeply, with all that is inside it.
pub(super) fn mask(text: &str) -> Masked<'_> {
    let mut scan = Scan { bytes: text.as_bytes(), open: Vec::new(), strings: 0, region: None, too_deep: Vec::new() };
    scan.run();
    if scan.too_deep.is_empty() {
        return Masked { text: Cow::Borrowed(text), too_deep: Vec::new() };
    }
    let mut bytes = text.as_bytes().to_vec();
    for span in &scan.too_deep {
        if let Some(region) = bytes.get_mut(span.range()) {
            region.fill(MASK);
        }
    }
    // Regions begin and end at ASCII characters, so the rest stays UTF-8.
    let masked = String::from_utf8(bytes).map_or(Cow::Borrowed(text), Cow::Owned);
    Masked { text: masked, too_deep: scan.too_deep }
}

/// What is open: `{ [ (`, the text of a format string, or a hole in one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    Brace,
    Bracket,
    Paren,
    Format,
    Hole,
}

struct Scan<'a> {
    bytes: &'a [u8],
    open: Vec<Open>,
    /// How many format strings are open: they end with their line.
    strings: usize,
    /// Where the region being masked starts, and the depth outside it.
    region: Option<(usize, usize)>,
    too_deep: Vec<Span>,
}

impl Scan<'_> {
    fn byte(&self, at: usize) -> u8 {
        self.bytes.get(at).copied().unwrap_or(b'\n')
    }

    fn run(&mut self) {
        let mut at = 0;
        while at < self.bytes.len() {
            at = if self.open.last() == Some(&Open::Format) { self.in_format(at) } else { self.in_code(at) };
        }
        if let Some((start, _)) = self.region.take() {
            self.too_deep.push(Span::new(start, self.bytes.len()));
        }
    }

    /// One step outside of strings; gives where to go on.
    fn in_code(&mut self, at: usize) -> usize {
        match self.byte(at) {
            b'#' => return self.line_end(at),
            b'\n' | b'\r' => self.newline(at),
            b'"' => return self.string(at),
            quote @ (b'\'' | b'`') => return self.quoted(at, quote),
            b'{' => self.push(Open::Brace, at),
            b'[' => self.push(Open::Bracket, at),
            b'(' => self.push(Open::Paren, at),
            b']' => self.pop_if(Open::Bracket, at + 1),
            b')' => self.pop_if(Open::Paren, at + 1),
            b'}' => self.close_brace(at + 1),
            _ => {}
        }
        at + 1
    }

    /// One step in the text of a format string.
    fn in_format(&mut self, at: usize) -> usize {
        match (self.byte(at), self.byte(at + 1)) {
            (b'\n' | b'\r', _) => self.newline(at),
            (b'\\', next) if !matches!(next, b'\n' | b'\r') => return at + 2,
            (b'{', b'{') | (b'}', b'}') => return at + 2,
            (b'{', _) => self.push(Open::Hole, at),
            (b'"', _) => self.pop_if(Open::Format, at + 1),
            _ => {}
        }
        at + 1
    }

    fn push(&mut self, open: Open, at: usize) {
        if self.open.len() >= MAX_NESTING && self.region.is_none() {
            self.region = Some((at, self.open.len()));
        }
        self.strings += usize::from(open == Open::Format);
        self.open.push(open);
    }

    /// Forgets the innermost thing; `end` is where it ends.
    fn pop(&mut self, end: usize) {
        if let Some(open) = self.open.pop() {
            self.strings -= usize::from(open == Open::Format);
        }
        if let Some((start, depth)) = self.region
            && self.open.len() <= depth
        {
            self.region = None;
            self.too_deep.push(Span::new(start, end));
        }
    }

    fn pop_if(&mut self, open: Open, end: usize) {
        if self.open.last() == Some(&open) {
            self.pop(end);
        }
    }

    /// A brace closes what is open inside its pair, too.
    fn close_brace(&mut self, end: usize) {
        while let Some(open) = self.open.last().copied() {
            if matches!(open, Open::Brace | Open::Hole) {
                return self.pop(end);
            }
            self.pop(end - 1);
        }
    }

    /// Format strings end with their line, everything ends at an item.
    fn newline(&mut self, at: usize) {
        while self.strings > 0 {
            self.pop(at);
        }
        if item_at(self.bytes.get(at + 1..).unwrap_or(&[])) {
            while !self.open.is_empty() {
                self.pop(at);
            }
        }
    }

    fn string(&mut self, at: usize) -> usize {
        let before = |back: usize| at.checked_sub(back).map_or(b' ', |at| self.byte(at));
        if before(1) == b'f' && !is_word(before(2)) {
            self.push(Open::Format, at - 1);
            return at + 1;
        }
        let mut at = at + 1;
        loop {
            match self.byte(at) {
                b'"' => return at + 1,
                b'\n' | b'\r' => return at,
                b'\\' if !matches!(self.byte(at + 1), b'\n' | b'\r') => at += 2,
                _ => at += 1,
            }
        }
    }

    /// Quotes of another kind count only when they close on their line.
    fn quoted(&self, at: usize, quote: u8) -> usize {
        let rest = self.bytes.get(at + 1..).unwrap_or(&[]);
        let end = rest.iter().position(|byte| *byte == quote || matches!(byte, b'\n' | b'\r'));
        match end {
            Some(len) if rest.get(len) == Some(&quote) => at + len + 2,
            _ => at + 1,
        }
    }

    fn line_end(&self, at: usize) -> usize {
        let rest = self.bytes.get(at..).unwrap_or(&[]);
        at + rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(rest.len())
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// Whether an item starts here; the grammar's `item_word`.
pub(super) fn item_at(line: &[u8]) -> bool {
    const WORDS: [&[u8]; 10] =
        [b"scenario", b"server", b"flow", b"param", b"guard", b"assert", b"report", b"data", b"include", b"baseline"];
    WORDS
        .iter()
        .filter_map(|word| line.strip_prefix(*word))
        .any(|rest| rest.first().is_none_or(|next| matches!(next, b' ' | b'\t' | b'{' | b'"' | b'#' | b'\n' | b'\r')))
}

#[cfg(test)]
mod tests {
    use super::{MAX_NESTING, mask};

    fn too_deep(text: &str) -> Vec<&str> {
        let masked = mask(text);
        assert_eq!(masked.text.len(), text.len());
        masked.too_deep.iter().map(|span| text.get(span.range()).unwrap()).collect()
    }

    #[test]
    fn the_limit_itself_is_allowed() {
        let nested = |n: usize| format!("{}1{} x", "[".repeat(n), "]".repeat(n));
        assert_eq!(too_deep(&nested(MAX_NESTING)), Vec::<&str>::new());
        assert_eq!(too_deep(&nested(MAX_NESTING + 1)), ["[1]"]);
        assert_eq!(too_deep(&nested(MAX_NESTING + 3)), ["[[[1]]]"]);
    }

    #[test]
    fn strings_comments_and_the_next_item_do_not_nest() {
        let open = "[".repeat(200);
        assert_eq!(too_deep(&format!("\"{open}\" '{open}' # {open}\nf\"{open}\"")), Vec::<&str>::new());
        assert_eq!(too_deep(&"flow a {\n call b {\n".repeat(100)), Vec::<&str>::new(), "each item closes the last");
        assert_eq!(too_deep(&"f\"{\n".repeat(100)), Vec::<&str>::new(), "a format string ends with its line");
        let item = format!("{open}\nflow b {{}}");
        assert_eq!(too_deep(&item), ["[".repeat(200 - MAX_NESTING)], "masked up to the next item");
    }

    #[test]
    fn format_strings_and_their_holes_nest() {
        let text = format!("{}x", "f\"{".repeat(40));
        assert_eq!(too_deep(&text), ["f\"{".repeat(8) + "x"]);
    }
}
