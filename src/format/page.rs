//! Lines with their depth and the comment behind them, and how they become text.
//!
//! Invariant: comments behind code stand in one column in a run of consecutive
//! lines of one depth, and nowhere else.

use std::fmt::Write as _;

/// Blanks for each level of depth.
const INDENT: usize = 2;

/// Blanks between code and the comment behind it.
const GAP: usize = 2;

/// A line.
#[derive(Debug, Default)]
struct Line {
    depth: usize,
    code: String,
    comment: Option<String>,
    /// Written as it is, with line ends in it.
    raw: bool,
}

impl Line {
    fn width(&self) -> usize {
        self.code.chars().count()
    }

    /// Whether a comment stands behind code that is a line by itself. What is
    /// said about a bracket says nothing about the lines beside it.
    fn trails(&self) -> bool {
        let bracket = self.code.ends_with(['{', '[', '(']) || self.code.starts_with(['}', ']', ')']);
        self.comment.is_some() && !self.code.is_empty() && !bracket && !self.raw
    }
}

/// The lines written so far.
#[derive(Debug, Default)]
pub(super) struct Page {
    lines: Vec<Line>,
}

impl Page {
    /// How many lines there are.
    pub(super) fn len(&self) -> usize {
        self.lines.len()
    }

    /// Begins a line.
    pub(super) fn line(&mut self, depth: usize) {
        self.lines.push(Line { depth, ..Line::default() });
    }

    /// Adds an empty line.
    pub(super) fn blank(&mut self) {
        self.lines.push(Line::default());
    }

    /// Puts an empty line before the line at `index`.
    pub(super) fn blank_at(&mut self, index: usize) {
        self.lines.insert(index.min(self.lines.len()), Line::default());
    }

    /// Adds lines as they are.
    pub(super) fn raw(&mut self, code: String) {
        self.lines.push(Line { code, raw: true, ..Line::default() });
    }

    /// Goes on with the current line.
    pub(super) fn push(&mut self, code: &str) {
        if let Some(line) = self.lines.last_mut() {
            line.code.push_str(code);
        }
    }

    /// Ends the current line with a comment.
    pub(super) fn comment(&mut self, comment: &str) {
        if let Some(line) = self.lines.last_mut() {
            line.comment = Some(comment.to_owned());
        }
    }

    /// The text of all lines.
    pub(super) fn text(&self) -> String {
        let mut out = String::new();
        let mut rest = self.lines.as_slice();
        while let Some(first) = rest.first() {
            let len = rest.iter().take_while(|line| line.trails() && line.depth == first.depth).count().max(1);
            let (run, tail) = rest.split_at_checked(len).unwrap_or((rest, &[]));
            let column = run.iter().map(Line::width).max().unwrap_or(0) + GAP;
            for line in run {
                write_line(&mut out, line, column);
            }
            rest = tail;
        }
        out
    }
}

fn write_line(out: &mut String, line: &Line, column: usize) {
    let indent = line.depth * INDENT;
    match &line.comment {
        // Writing into a string cannot fail.
        _ if line.raw => out.push_str(&line.code),
        None if line.code.is_empty() => {}
        None => {
            let _ = write!(out, "{:indent$}{}", "", line.code);
        }
        Some(comment) if line.code.is_empty() => {
            let _ = write!(out, "{:indent$}{comment}", "");
        }
        Some(comment) => {
            let gap = column.saturating_sub(line.width());
            let _ = write!(out, "{:indent$}{}{:gap$}{comment}", "", line.code, "");
        }
    }
    out.push('\n');
}
