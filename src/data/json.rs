//! JSON, one list of objects, and JSONL, one object on each line.
//!
//! Each row is parsed once when the file is loaded, to know that it can be, and
//! dropped again. Nesting ends at serde_json's own limit of 128. Whole numbers
//! are exact within 64 bits; of a key that an object has twice, the last one
//! counts.

use std::collections::HashSet;

use serde_json::{Deserializer, Map, Value};

use super::broken::{Flaw, excerpt};
use super::{MAX_KEYS, Parsed};

/// What a row looks like, for help texts.
const EXAMPLE: &str = "`{\"query\": \"rust\"}`";

/// The keys of all rows, in the order in which they come.
#[derive(Default)]
pub(super) struct Keys {
    names: Vec<String>,
    seen: HashSet<String>,
    too_many: bool,
}

impl Keys {
    pub(super) fn note(&mut self, row: &Map<String, Value>) {
        if self.too_many {
            return;
        }
        for key in row.keys() {
            if !self.seen.contains(key) {
                self.seen.insert(key.clone());
                self.names.push(key.clone());
            }
        }
        self.too_many = self.names.len() > MAX_KEYS;
    }

    pub(super) fn names(self) -> Option<Vec<String>> {
        (!self.too_many).then_some(self.names)
    }
}

/// A list of objects.
pub(super) fn load(text: &str) -> Result<Parsed, Flaw> {
    let mut at = skip_space(text, 0);
    match byte(text, at) {
        Some(b'[') => at = skip_space(text, at + 1),
        None => return Err(no_rows(at)),
        Some(b'{') => {
            let help = "put the rows between `[` and `]`, or say `jsonl` for one object on each line";
            return Err(Flaw::new(at, "an object where the list of rows begins", help));
        }
        Some(_) => {
            let help = format!("write the rows as a list of objects: `[{}]`", EXAMPLE.trim_matches('`'));
            return Err(Flaw::new(at, "the file does not begin with `[`", help));
        }
    }
    let (mut keys, mut starts) = (Keys::default(), Vec::new());
    let list_end = if byte(text, at) == Some(b']') { at } else { elements(text, at, &mut keys, &mut starts)? };
    at = skip_space(text, list_end + 1);
    if at < text.len() {
        return Err(Flaw::new(at, "text behind the list of rows", "remove what follows the last `]`"));
    }
    if starts.is_empty() {
        return Err(no_rows(list_end));
    }
    Ok(Parsed { columns: keys.names(), starts, types: Vec::new() })
}

/// The objects from the first one on; returns the place of the closing bracket.
fn elements(text: &str, mut at: usize, keys: &mut Keys, starts: &mut Vec<u32>) -> Result<usize, Flaw> {
    loop {
        let (row, end) = object(text, at)?;
        keys.note(&row);
        // No file is larger than 32 bits can count.
        starts.push(u32::try_from(at).unwrap_or(u32::MAX));
        let comma = skip_space(text, end);
        match byte(text, comma) {
            Some(b']') => return Ok(comma),
            Some(b',') => at = skip_space(text, comma + 1),
            None => return Err(ends_in_list(text)),
            Some(_) => return Err(Flaw::new(comma, "no comma between two rows", "put a `,` between the objects")),
        }
        match byte(text, at) {
            Some(b']') => {
                return Err(Flaw::new(comma, "a comma behind the last row", "remove the last `,` of the list"));
            }
            None => return Err(ends_in_list(text)),
            Some(_) => {}
        }
    }
}

/// One object on each line.
pub(super) fn load_lines(text: &str) -> Result<Parsed, Flaw> {
    let (mut keys, mut starts) = (Keys::default(), Vec::new());
    let mut line_at = 0;
    for line in text.split_inclusive('\n') {
        let line_end = line_at + line.trim_end().len();
        // Nothing looks beyond the line, or blank ones would be read again and
        // again.
        let so_far = text.get(..line_end).unwrap_or_default();
        let at = skip_space(so_far, line_at);
        line_at += line.len();
        if at == line_end {
            continue;
        }
        let (row, end) = object(so_far, at)?;
        let behind = skip_space(so_far, end);
        if behind < line_end {
            let help = "put each object on a line of its own, with nothing between them";
            return Err(Flaw::new(behind, "more than one object on a line", help));
        }
        keys.note(&row);
        starts.push(u32::try_from(at).unwrap_or(u32::MAX));
    }
    if starts.is_empty() {
        return Err(no_rows(text.len()));
    }
    Ok(Parsed { columns: keys.names(), starts, types: Vec::new() })
}

/// The object that begins at `at`.
pub(super) fn row(text: &str, at: usize) -> Option<Value> {
    object(text, at).ok().map(|(row, _)| Value::Object(row))
}

/// The object that begins at `at`, and what follows it.
fn object(text: &str, at: usize) -> Result<(Map<String, Value>, usize), Flaw> {
    let rest = text.get(at..).unwrap_or_default();
    if !rest.starts_with('{') {
        let what = format!("{} where a row begins", kind(rest));
        return Err(Flaw::new(at, what, format!("write each row as an object such as {EXAMPLE}")));
    }
    let mut rows = Deserializer::from_str(rest).into_iter();
    match rows.next() {
        Some(Ok(row)) => Ok((row, at + rows.byte_offset())),
        Some(Err(error)) => Err(flaw(&error, rest, at)),
        None => Err(ends_in_list(text)),
    }
}

/// What a text that is no object begins with.
fn kind(text: &str) -> String {
    match text.chars().next() {
        Some('[') => "a list".to_owned(),
        Some('"') => "a text".to_owned(),
        Some('-' | '0'..='9') => "a number".to_owned(),
        Some(_) => {
            let word = text.find([',', '\n', '\r', ']', '}', ' ']).unwrap_or(text.len());
            excerpt(text.get(..word.max(1)).unwrap_or_default())
        }
        None => "nothing".to_owned(),
    }
}

/// What serde_json says of the object that `rest` begins with, in the words of
/// this program and at the place in the whole text.
fn flaw(error: &serde_json::Error, rest: &str, at: usize) -> Flaw {
    let said = error.to_string();
    let said = said.split(" at line ").next().unwrap_or_default();
    if error.is_eof() {
        let inside = said.strip_prefix("EOF while parsing ").unwrap_or("a value");
        let help = "close every text, list and object of a row; in JSONL a row is one line";
        return Flaw::new(at + rest.trim_end().len(), format!("the row ends inside {inside}"), help);
    }
    let line_at = match error.line() {
        0 | 1 => 0,
        line => rest.match_indices('\n').nth(line - 2).map_or(0, |(newline, _)| newline + 1),
    };
    // Columns are bytes from 1; 0 is the line break itself.
    let place = (line_at + error.column()).saturating_sub(1);
    Flaw::new(
        at + place,
        said.replace("invalid", "malformed"),
        format!("write each row as an object such as {EXAMPLE}"),
    )
}

fn no_rows(at: usize) -> Flaw {
    Flaw::empty(at, "no rows", &format!("write at least one row such as {EXAMPLE}"))
}

fn ends_in_list(text: &str) -> Flaw {
    Flaw::new(text.trim_end().len(), "the file ends inside the list of rows", "close the list with `]`")
}

fn byte(text: &str, at: usize) -> Option<u8> {
    text.as_bytes().get(at).copied()
}

/// What JSON takes for white space.
fn skip_space(text: &str, at: usize) -> usize {
    let rest = text.as_bytes().get(at..).unwrap_or_default();
    at + rest.iter().position(|b| !matches!(b, b' ' | b'\t' | b'\n' | b'\r')).unwrap_or(rest.len())
}
