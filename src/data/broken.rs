//! What is wrong with a file, and where.

use std::fmt;

/// What is wrong with a data file: the first thing that is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// From 1; lines end with LF.
    pub line: u64,
    /// From 1; counts characters, and a byte order mark is none.
    pub column: u64,
    /// A lowercase fragment.
    pub what: String,
    /// How to mend it: begins with a verb.
    pub help: String,
    /// Whether nothing is broken and there is only no row.
    pub empty: bool,
}

/// `17:5: what`, as it follows the name of the file.
impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.what)
    }
}

/// The same with a place in bytes, which is what a parser knows.
#[derive(Debug)]
pub(super) struct Flaw {
    at: usize,
    what: String,
    help: String,
    empty: bool,
}

impl Flaw {
    pub(super) fn new(at: usize, what: impl Into<String>, help: impl Into<String>) -> Flaw {
        Flaw { at, what: what.into(), help: help.into(), empty: false }
    }

    /// There is no row, and `at` is where the first one would be.
    pub(super) fn empty(at: usize, what: &str, help: &str) -> Flaw {
        Flaw { empty: true, ..Flaw::new(at, what, help) }
    }

    pub(super) fn placed(self, text: &str) -> Broken {
        let (line, column) = place(text.as_bytes(), self.at);
        Broken { line, column, what: self.what, help: self.help, empty: self.empty }
    }
}

/// Line and column of a byte: it is run once, for the one thing that is shown.
fn place(text: &[u8], at: usize) -> (u64, u64) {
    let continues = |byte: u8| byte & 0b1100_0000 == 0b1000_0000;
    let mut at = at.min(text.len());
    // A place inside a character is that character's.
    while text.get(at).is_some_and(|byte| continues(*byte)) {
        at -= 1;
    }
    let before = text.get(..at).unwrap_or_default();
    let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
    let line = before.iter().filter(|byte| **byte == b'\n').count() as u64 + 1;
    let in_line = before.get(line_start..).unwrap_or_default();
    (line, in_line.iter().filter(|byte| !continues(**byte)).count() as u64 + 1)
}

pub(super) fn too_large(most: usize) -> Broken {
    Broken {
        line: 1,
        column: 1,
        what: format!("the file is larger than {most} bytes"),
        help: "split the file, or keep the rows that a run needs".to_owned(),
        empty: false,
    }
}

/// The text of a file without its byte order mark.
pub(super) fn utf8(bytes: Vec<u8>) -> Result<String, Broken> {
    const MARK: char = '\u{feff}';
    match String::from_utf8(bytes) {
        Ok(mut text) => {
            if text.starts_with(MARK) {
                text.drain(..MARK.len_utf8());
            }
            text.shrink_to_fit();
            Ok(text)
        }
        Err(error) => {
            let good = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default();
            let good = good.strip_prefix("\u{feff}".as_bytes()).unwrap_or(good);
            let (line, column) = place(good, good.len());
            let what = "a byte that is no UTF-8".to_owned();
            Err(Broken { line, column, what, help: "save the file as UTF-8".to_owned(), empty: false })
        }
    }
}

/// A piece of a file for a message: in backticks, short, on one line, without
/// anything that a terminal would obey.
pub(super) fn excerpt(text: &str) -> String {
    /// As many characters as leave room for the rest of the sentence.
    const CHARS: usize = 40;
    let shown = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    let mut short: String = text.chars().take(CHARS).map(shown).collect();
    if text.chars().nth(CHARS).is_some() {
        short.push('…');
    }
    format!("`{short}`")
}
