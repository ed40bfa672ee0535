//! CSV as in RFC 4180: cells parted by commas, rows by LF or CRLF, quotes
//! around what holds either, a quote inside written twice.
//!
//! What the RFC leaves undefined is refused instead of guessed at: a quote in
//! the middle of a cell, text behind a closing quote, a carriage return alone.
//! A file that has such a thing would be cut into other cells than its author
//! sees.

use std::borrow::Cow;
use std::collections::HashSet;

use serde_json::{Map, Number, Value};

use super::broken::{Flaw, excerpt};
use super::{CellType, MAX_COLUMNS, Parsed};

/// A cell as it stands in the text.
struct Cell<'t> {
    /// Where it begins; its quote, if it has one.
    at: usize,
    /// What it holds, without the quotes around it.
    raw: &'t str,
    /// Whether quotes in it are written twice.
    doubled: bool,
    /// Behind its last character or quote.
    end: usize,
    next: Next,
}

enum Next {
    /// Another cell of the row begins here.
    Cell(usize),
    /// The row is over, and what follows begins here.
    Row(usize),
}

impl<'t> Cell<'t> {
    /// The cell that begins at `at`.
    fn read(text: &'t str, at: usize) -> Result<Cell<'t>, Flaw> {
        let rest = text.get(at..).unwrap_or_default();
        let (raw, doubled, end) = match rest.strip_prefix('"') {
            Some(inside) => {
                let (length, doubled) = quoted(inside, at)?;
                (inside.get(..length).unwrap_or_default(), doubled, at + length + 2)
            }
            None => {
                let length = rest.bytes().position(|b| matches!(b, b',' | b'\n' | b'\r' | b'"')).unwrap_or(rest.len());
                (rest.get(..length).unwrap_or_default(), false, at + length)
            }
        };
        let behind = text.as_bytes().get(end..).unwrap_or_default();
        let next = match behind {
            [] => Next::Row(end),
            [b',', ..] => Next::Cell(end + 1),
            [b'\n', ..] => Next::Row(end + 1),
            [b'\r', b'\n', ..] => Next::Row(end + 2),
            [b'\r', ..] => return Err(Flaw::new(end, "a carriage return alone", "end lines with LF or CRLF")),
            [b'"', ..] => {
                let help = "put the whole cell into quotes and write the quote inside twice: `\"a \"\"b\"\" c\"`";
                return Err(Flaw::new(end, "a quote in a cell without quotes around it", help));
            }
            _ => {
                let help = "write a quote inside a cell twice, and nothing behind the closing quote but a comma";
                return Err(Flaw::new(end, "text behind a closing quote", help));
            }
        };
        Ok(Cell { at, raw, doubled, end, next })
    }

    fn text(&self) -> Cow<'t, str> {
        if self.doubled { Cow::Owned(self.raw.replace("\"\"", "\"")) } else { Cow::Borrowed(self.raw) }
    }
}

/// How long the inside of a quoted cell is, and whether it has doubled quotes.
fn quoted(inside: &str, at: usize) -> Result<(usize, bool), Flaw> {
    let (mut from, mut doubled) = (0, false);
    while let Some(found) = inside.get(from..).and_then(|rest| rest.find('"')) {
        let quote = from + found;
        if inside.as_bytes().get(quote + 1) != Some(&b'"') {
            return Ok((quote, doubled));
        }
        doubled = true;
        from = quote + 2;
    }
    Err(Flaw::new(at, "a quote that is never closed", "close the cell with `\"`, and write a quote inside it twice"))
}

/// Reads through the whole file.
pub(super) fn load(text: &str, types: &[(String, CellType)]) -> Result<Parsed, Flaw> {
    let header_at = skip_blank_lines(text, 0);
    if header_at == text.len() {
        let help = "name the columns in the first line, and write a row on each further one";
        return Err(Flaw::empty(header_at, "no header row and no rows", help));
    }
    let (columns, mut at) = header(text, header_at)?;
    let types = column_types(&columns, types, header_at)?;
    let mut starts = Vec::new();
    loop {
        at = skip_blank_lines(text, at);
        if at == text.len() {
            break;
        }
        // No file is larger than 32 bits can count.
        starts.push(u32::try_from(at).unwrap_or(u32::MAX));
        at = check_row(text, at, &columns, &types)?;
    }
    if starts.is_empty() {
        return Err(Flaw::empty(text.len(), "no rows", "write a row below the names of the columns"));
    }
    Ok(Parsed { columns: Some(columns), starts, types })
}

/// Row `at` as an object.
pub(super) fn row(text: &str, at: usize, columns: &[String], types: &[CellType]) -> Option<Value> {
    let mut object = Map::with_capacity(columns.len());
    let mut at = at;
    for (name, kind) in columns.iter().zip(types) {
        let cell = Cell::read(text, at).ok()?;
        object.insert(name.clone(), value(*kind, cell.text())?);
        at = match cell.next {
            Next::Cell(next) | Next::Row(next) => next,
        };
    }
    Some(Value::Object(object))
}

fn skip_blank_lines(text: &str, mut at: usize) -> usize {
    loop {
        match text.as_bytes().get(at..).unwrap_or_default() {
            [b'\n', ..] => at += 1,
            [b'\r', b'\n', ..] => at += 2,
            _ => return at,
        }
    }
}

/// The names of the columns and what follows them.
fn header(text: &str, mut at: usize) -> Result<(Vec<String>, usize), Flaw> {
    let mut columns = Vec::new();
    let mut seen = HashSet::new();
    loop {
        let cell = Cell::read(text, at)?;
        let name = cell.text().into_owned();
        if name.is_empty() {
            let help = "give each column a name in the first line, such as `query`";
            return Err(Flaw::new(cell.at, "a column without a name", help));
        }
        if columns.len() == MAX_COLUMNS {
            let what = format!("more than {MAX_COLUMNS} columns");
            return Err(Flaw::new(cell.at, what, "keep the columns that a run needs"));
        }
        if !seen.insert(name.clone()) {
            let what = format!("a second column {}", excerpt(&name));
            return Err(Flaw::new(cell.at, what, "give each column a name of its own"));
        }
        columns.push(name);
        match cell.next {
            Next::Cell(next) => at = next,
            Next::Row(next) => return Ok((columns, next)),
        }
    }
}

/// The type of each column, in their order.
fn column_types(columns: &[String], types: &[(String, CellType)], header_at: usize) -> Result<Vec<CellType>, Flaw> {
    if let Some((name, _)) = types.iter().find(|(name, _)| !columns.contains(name)) {
        let what = format!("{} has a type and is no column", excerpt(name));
        return Err(Flaw::new(header_at, what, name_help(name, columns)));
    }
    let kind = |column: &String| types.iter().find(|(name, _)| name == column).map(|(_, kind)| *kind);
    Ok(columns.iter().map(|column| kind(column).unwrap_or_default()).collect())
}

fn name_help(name: &str, columns: &[String]) -> String {
    /// More names than this are no help any more.
    const SHOWN: usize = 12;
    let folded = name.to_lowercase();
    let likeness = columns.iter().map(|column| (strsim::damerau_levenshtein(&folded, &column.to_lowercase()), column));
    // As near as suggestions are elsewhere: a third of the name.
    let limit = (name.chars().count() / 3).max(1);
    let near = likeness.filter(|(distance, column)| *distance <= limit && *distance < column.chars().count());
    match near.min_by_key(|(distance, _)| *distance) {
        Some((_, column)) => format!("write {} in `types`", excerpt(column)),
        None if columns.len() <= SHOWN => {
            let all: Vec<String> = columns.iter().map(|column| excerpt(column)).collect();
            format!("name one of the columns: {}", all.join(", "))
        }
        None => format!("name one of the {} columns", columns.len()),
    }
}

/// Reads through a row and returns what follows it.
fn check_row(text: &str, mut at: usize, columns: &[String], types: &[CellType]) -> Result<usize, Flaw> {
    let wanted = columns.len();
    for (index, (name, kind)) in columns.iter().zip(types).enumerate() {
        let cell = Cell::read(text, at)?;
        // Any text is a text, and need not be made to know it.
        if *kind != CellType::Text && value(*kind, cell.text()).is_none() {
            return Err(misfit(&cell, name, *kind));
        }
        match cell.next {
            Next::Cell(next) if index + 1 < wanted => at = next,
            Next::Cell(next) => {
                let what = format!("a cell too many: the header has {wanted}");
                return Err(Flaw::new(next, what, "put a cell that holds a comma into quotes: `\"a, b\"`"));
            }
            Next::Row(next) if index + 1 == wanted => return Ok(next),
            Next::Row(_) => {
                let missing = columns.get(index + 1).map(|name| excerpt(name)).unwrap_or_default();
                let what = format!("the row ends after cell {} of {wanted}", index + 1);
                return Err(Flaw::new(cell.end, what, format!("add a cell for {missing}; it may be empty")));
            }
        }
    }
    Ok(at)
}

fn misfit(cell: &Cell<'_>, name: &str, kind: CellType) -> Flaw {
    let text = cell.text();
    let found = if text.is_empty() { "an empty cell".to_owned() } else { excerpt(&text) };
    let wanted = match kind {
        CellType::Int => "a whole number of at most 64 bits such as `5`",
        CellType::Number => "a number such as `0.5`",
        CellType::Bool => "`true` or `false`",
        CellType::Text | CellType::Json => "JSON such as `[1, 2]`",
    };
    let declared = excerpt(&format!("{name}: {}", kind.word()));
    let help = format!("write {wanted}, or leave {} out of `types`", excerpt(name));
    Flaw::new(cell.at, format!("{found} does not fit {declared}"), help)
}

/// A cell's value; `None` when it does not fit its type.
fn value(kind: CellType, text: Cow<'_, str>) -> Option<Value> {
    // Spaces around a number are how tables are aligned.
    let word = text.trim_matches([' ', '\t']);
    match kind {
        CellType::Text => Some(Value::String(text.into_owned())),
        // `007` names something and counts nothing: as a number it would change.
        CellType::Int => word.parse::<i64>().ok().filter(|number| number.to_string() == word).map(Value::from),
        CellType::Number => serde_json::from_str::<Number>(word).ok().map(Value::Number),
        CellType::Bool => word.parse().ok().map(Value::Bool),
        CellType::Json => serde_json::from_str(word).ok(),
    }
}
