//! Source text and places in it.
//!
//! Invariant: a span is two byte offsets into one file; line and column are
//! computed only when shown. Imports nothing.

use std::fmt;
use std::ops::Range;

/// A half-open range of bytes in one source file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// Offset of the first byte.
    pub start: u32,
    /// Offset behind the last byte; never below `start`.
    pub end: u32,
}

impl Span {
    /// The span from `start` to `end`, in bytes. A reversed pair becomes empty.
    #[must_use]
    pub fn new(start: usize, end: usize) -> Span {
        let start = u32::try_from(start).unwrap_or(u32::MAX);
        let end = u32::try_from(end).unwrap_or(u32::MAX);
        Span { start, end: end.max(start) }
    }

    /// The empty span at `offset`.
    #[must_use]
    pub fn at(offset: usize) -> Span {
        Span::new(offset, offset)
    }

    /// Length in bytes.
    #[must_use]
    pub fn len(self) -> usize {
        (self.end - self.start) as usize
    }

    /// Whether it holds no byte.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// As a range usable for slicing.
    #[must_use]
    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// The smallest span that holds both.
    #[must_use]
    pub fn to(self, other: Span) -> Span {
        Span { start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// Whether `other` lies wholly inside.
    #[must_use]
    pub fn contains(self, other: Span) -> bool {
        self.start <= other.start && other.end <= self.end
    }
}

/// The text of a scenario file and of the files that it includes, one behind
/// the other. A span lies in one of them; offsets count over all, so that a
/// span alone says in which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    text: String,
    /// In the order of their starts; never empty.
    files: Vec<(String, usize)>,
}

/// One file of a [`Source`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct File<'a> {
    /// Its number; 0 is the scenario file itself.
    pub index: usize,
    /// Its name as the user wrote it, or as it was found beside the file that
    /// includes it.
    pub name: &'a str,
    /// Its text.
    pub text: &'a str,
    /// Offset of its first byte in the source.
    pub start: usize,
}

/// What stands between two files, so that the end of one is not the start of
/// the next.
const BETWEEN: &str = "\n";

impl Source {
    /// A file called `name` (a path, or `<stdin>`) with this text.
    #[must_use]
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Source {
        Source { text: text.into(), files: vec![(name.into(), 0)] }
    }

    /// Adds a file behind the others, and gives the offset of its first byte.
    pub fn add(&mut self, name: impl Into<String>, text: &str) -> usize {
        self.text.push_str(BETWEEN);
        let start = self.text.len();
        self.files.push((name.into(), start));
        self.text.push_str(text);
        start
    }

    /// The name of the scenario file as the user wrote it.
    #[must_use]
    pub fn name(&self) -> &str {
        self.files.first().map_or("", |(name, _)| name)
    }

    /// The text of all files, one behind the other.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The files, the scenario file first.
    pub fn files(&self) -> impl Iterator<Item = File<'_>> {
        (0..self.files.len()).filter_map(|index| self.file_at(index))
    }

    /// The file that the byte offset lies in. The end of a file is in it.
    #[must_use]
    pub fn file(&self, offset: u32) -> File<'_> {
        let index = self.files.partition_point(|(_, start)| *start <= offset as usize).saturating_sub(1);
        self.file_at(index).unwrap_or(File { index: 0, name: "", text: "", start: 0 })
    }

    fn file_at(&self, index: usize) -> Option<File<'_>> {
        let (name, start) = self.files.get(index)?;
        let end = self.files.get(index + 1).map_or(self.text.len(), |(_, next)| next - BETWEEN.len());
        Some(File { index, name, text: self.text.get(*start..end)?, start: *start })
    }

    /// The text under `span`; empty when the span does not lie on character
    /// borders.
    #[must_use]
    pub fn slice(&self, span: Span) -> &str {
        self.text.get(span.range()).unwrap_or("")
    }

    /// Line and column of a byte offset in its file, both from 1; the column
    /// counts characters. An offset past the end is the end.
    #[must_use]
    pub fn position(&self, offset: u32) -> Position {
        let file = self.file(offset);
        let mut end = (offset as usize).saturating_sub(file.start).min(file.text.len());
        while !file.text.is_char_boundary(end) {
            end -= 1;
        }
        let before = file.text.get(..end).unwrap_or("");
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Position {
            line: before.bytes().filter(|byte| *byte == b'\n').count() + 1,
            column: before.get(line_start..).unwrap_or("").chars().count() + 1,
        }
    }
}

/// A place as people count: line and column from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_lines_and_characters_from_one() {
        let source = Source::new("a.mcpl", "ab\nçd\n");
        assert_eq!(source.position(0).to_string(), "1:1");
        assert_eq!(source.position(3).to_string(), "2:1");
        assert_eq!(source.position(5).to_string(), "2:2", "ç is two bytes and one column");
        assert_eq!(source.position(4).to_string(), "2:1", "inside ç counts as ç");
        assert_eq!(source.position(99).to_string(), "3:1");
    }

    #[test]
    fn each_file_counts_its_own_lines() {
        let mut source = Source::new("a.mcpl", "one\ntwo");
        let start = source.add("b.mcpl", "three\nfour");
        assert_eq!(start, 8);
        let at = |offset: u32| (source.file(offset).name.to_owned(), source.position(offset).to_string());
        assert_eq!(at(7), ("a.mcpl".to_owned(), "2:4".to_owned()), "the end of a file is in it");
        assert_eq!(at(8), ("b.mcpl".to_owned(), "1:1".to_owned()));
        assert_eq!(at(14), ("b.mcpl".to_owned(), "2:1".to_owned()));
        assert_eq!(source.files().map(|file| file.text).collect::<Vec<_>>(), ["one\ntwo", "three\nfour"]);
        assert_eq!(source.slice(Span::new(8, 13)), "three");
    }

    #[test]
    fn a_span_off_a_character_border_slices_to_nothing() {
        let source = Source::new("a", "ç");
        assert_eq!(source.slice(Span::new(1, 2)), "");
        assert_eq!(source.slice(Span::new(0, 2)), "ç");
    }

    #[test]
    fn a_reversed_span_is_empty() {
        assert!(Span::new(5, 3).is_empty());
        assert_eq!(Span::new(1, 2).to(Span::new(4, 6)), Span::new(1, 6));
    }
}
