//! Texts that fit into cells.

use ratatui::text::Span;

use crate::cli::terminal;

/// Columns that a text takes.
pub(super) fn width(text: &str) -> usize {
    Span::raw(text).width()
}

/// Without anything that could move the cursor, turn the direction of writing, or
/// not be seen: names come from files and servers.
pub(super) fn plain(text: &str) -> String {
    let hidden = |c: &char| {
        matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{ad}')
            || ('\u{e0000}'..='\u{e0fff}').contains(c)
    };
    let line = text.replace(['\n', '\t'], " ");
    terminal::printable(&line).chars().map(|c| if hidden(&c) { '\u{fffd}' } else { c }).collect()
}

/// At most so many columns; what is cut off is marked.
pub(super) fn cut(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut taken = 0;
    for c in text.chars() {
        let next = width(c.encode_utf8(&mut [0; 4]));
        if taken + next + 1 > columns {
            break;
        }
        taken += next;
        kept.push(c);
    }
    if columns > 0 {
        kept.push('…');
    }
    kept
}

/// Exactly so many columns, on the left of them.
pub(super) fn left(text: &str, columns: usize) -> String {
    let text = cut(text, columns);
    let blank = columns.saturating_sub(width(&text));
    format!("{text}{}", " ".repeat(blank))
}

/// Exactly so many columns, on the right of them.
pub(super) fn right(text: &str, columns: usize) -> String {
    let text = cut(text, columns);
    let blank = columns.saturating_sub(width(&text));
    format!("{}{text}", " ".repeat(blank))
}

/// A whole number with its thousands apart: `1,164`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Whole seconds: `48s`, `2m 5s`.
#[expect(clippy::cast_precision_loss, reason = "for people")]
pub(super) fn seconds(seconds: u64) -> String {
    if seconds == 0 { "0s".to_owned() } else { crate::units::duration(seconds as f64 * 1e9) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_take_the_columns_that_they_are_given() {
        assert_eq!(left("abc", 5), "abc  ");
        assert_eq!(right("abc", 5), "  abc");
        assert_eq!(left("abcdef", 4), "abc…");
        assert_eq!(left("工具工具", 4), "工… ", "a wide character is not cut in two");
        assert_eq!(width(&left("工具工具", 5)), 5);
        assert_eq!(cut("abc", 0), "");
    }

    #[test]
    fn nothing_of_a_name_reaches_the_terminal_but_what_is_seen() {
        assert_eq!(plain("a\x1b[2Jb\u{202e}c\u{200b}\nd"), "a\u{fffd}[2Jb\u{fffd}c\u{fffd} d");
    }

    #[test]
    fn thousands_are_apart() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }
}
