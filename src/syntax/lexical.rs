//! Mistakes in single characters and tokens, found without the grammar.
//!
//! Invariant: pure functions on text; strings and comments are told apart as
//! the grammar does.

use crate::text::Span;

/// The token that starts `rest`, to be quoted in a message. Empty at the end of
/// a line.
pub(super) fn token(rest: &str) -> &str {
    let Some(first) = rest.chars().next() else { return "" };
    let run = |member: &dyn Fn(char) -> bool| rest.find(|c: char| !member(c)).unwrap_or(rest.len());
    let len = match first {
        '\n' | '\r' | '#' => 0,
        '"' | '\'' | '`' => quoted_len(rest, first),
        '(' | ')' | '[' | ']' | '{' | '}' | ',' | ';' => 1,
        c if is_word(c) || c == '$' || c == '@' => {
            run(&|c| is_word(c) || matches!(c, '.' | '/' | '-' | '$' | '@' | '%' | ':')).max(1)
        }
        _ => run(&|c| "=<>!&|+-*/:~^%.?\\→⇒≥≤≠".contains(c)).max(first.len_utf8()),
    };
    // What belongs to the text behind a word is no part of it.
    let token = rest.get(..len).unwrap_or("");
    if is_word(first) { token.trim_end_matches(['.', '/', '-', ':']) } else { token }
}

fn quoted_len(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            '\n' | '\r' => return at,
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// Whether it continues a word.
pub(super) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The leading run of letters, digits and `_`.
pub(super) fn word(text: &str) -> &str {
    let len = text.find(|c: char| !is_word(c)).unwrap_or(text.len());
    text.get(..len).unwrap_or("")
}

/// The name of a character that nobody sees or that word processors put in.
pub(super) fn odd_character(c: char) -> Option<(&'static str, &'static str)> {
    Some(match c {
        '\0' => ("a NUL character", ""),
        '\u{A0}' | '\u{202F}' | '\u{2007}' => ("a no-break space", " "),
        '\u{2000}'..='\u{200A}' | '\u{3000}' | '\u{205F}' | '\u{1680}' => ("a space of another width", " "),
        '\u{200B}'..='\u{200F}' | '\u{2060}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => {
            ("an invisible character", "")
        }
        '\u{FEFF}' => ("a byte order mark", ""),
        '\u{B}' | '\u{C}' | '\u{85}' | '\u{2028}' | '\u{2029}' => ("a line break of another kind", "\n"),
        c if c.is_control() && !matches!(c, '\n' | '\r' | '\t') => ("a control character", ""),
        _ => return None,
    })
}

/// A mistake in a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slip {
    /// A string that its line cuts off.
    OpenString,
    /// A character nobody sees: its name, and what takes its place.
    Odd(&'static str, &'static str),
}

/// The slips of a text, in order, with their places. Linear.
pub(super) fn slips(text: &str) -> Vec<(Span, Slip)> {
    let mut found = Vec::new();
    let mut at = 0;
    let mut word_before = false;
    while let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) {
        let rest = text.get(at..).unwrap_or("");
        let format = !word_before && rest.starts_with("f\"");
        let len = if format {
            format_len(rest)
        } else if matches!(c, '"') {
            quoted_len(rest, c)
        } else if c == '#' {
            rest.find(['\n', '\r']).unwrap_or(rest.len())
        } else {
            c.len_utf8()
        };
        let span = Span::new(at, at + len);
        if (format || c == '"') && !rest.get(1..len).is_some_and(|inner| closes(inner, format)) {
            found.push((span, Slip::OpenString));
        } else if let Some((name, instead)) = odd_character(c) {
            found.push((span, Slip::Odd(name, instead)));
        }
        word_before = is_word(c);
        at += len;
    }
    found
}

/// Whether what follows the first character of a quoted text ends with a quote
/// that is not its first.
fn closes(inner: &str, format: bool) -> bool {
    let inner = if format { inner.strip_prefix('"').unwrap_or(inner) } else { inner };
    let Some(body) = inner.strip_suffix('"') else { return false };
    // An escaped quote closes nothing.
    (body.len() - body.trim_end_matches('\\').len()).is_multiple_of(2)
}

/// The length of a format string: up to its quote outside of holes, or the end
/// of the line.
pub(super) fn format_len(rest: &str) -> usize {
    let mut depth = 0usize;
    let mut chars = rest.char_indices().skip(2).peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '\n' | '\r' => return at,
            '\\' => {
                chars.next_if(|(_, next)| !matches!(next, '\n' | '\r'));
            }
            '{' if depth == 0 && chars.next_if(|(_, next)| *next == '{').is_some() => {}
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            '"' if depth == 0 => return at + 1,
            '"' => {
                // A string in a hole.
                let inner = quoted_len(rest.get(at..).unwrap_or(""), '"');
                while chars.next_if(|(next, _)| *next < at + inner).is_some() {}
            }
            _ => {}
        }
    }
    rest.len()
}

/// The innermost bracket that `text` opens and does not close, and its offset.
pub(super) fn open_bracket(text: &str) -> Option<(usize, char)> {
    let mut open: Vec<(usize, char)> = Vec::new();
    let mut at = 0;
    let mut word_before = false;
    while let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) {
        let rest = text.get(at..).unwrap_or("");
        at += match c {
            '"' => quoted_len(rest, '"'),
            'f' if !word_before && rest.starts_with("f\"") => format_len(rest),
            '#' => rest.find(['\n', '\r']).unwrap_or(rest.len()),
            _ => {
                match c {
                    '(' | '[' | '{' => open.push((at, c)),
                    ')' | ']' | '}' if open.last().is_some_and(|(_, open)| closer(*open) == c) => {
                        open.pop();
                    }
                    _ => {}
                }
                c.len_utf8()
            }
        };
        word_before = is_word(c);
    }
    open.pop()
}

/// The bracket that closes `open`.
pub(super) fn closer(open: char) -> char {
    match open {
        '(' => ')',
        '[' => ']',
        _ => '}',
    }
}
