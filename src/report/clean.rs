//! Text that a server or a file chose, made fit to be shown anywhere.
//!
//! Invariant: what leaves here holds no control character, no line break and
//! no character that turns the direction of writing; so it can reach neither
//! the state of a terminal nor the structure of XML, and it reads in the order
//! in which it was written.

/// `text` on one line, with control characters made visible: `ESC` becomes `␛`.
#[must_use]
pub fn clean(text: &str) -> String {
    text.trim_end_matches(['\n', '\r']).chars().map(visible).collect()
}

/// Whether `c` may stand in clean text.
pub(super) fn is_clean(c: char) -> bool {
    visible(c) == c
}

fn visible(c: char) -> char {
    match c {
        '\n' | '\r' | '\t' | '\u{85}' | '\u{2028}' | '\u{2029}' => ' ',
        // The control pictures lie in the order of the characters they show.
        '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)).unwrap_or(char::REPLACEMENT_CHARACTER),
        '\u{7f}' => '\u{2421}',
        '\u{80}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}' => char::REPLACEMENT_CHARACTER,
        c if turns_direction(c) => char::REPLACEMENT_CHARACTER,
        c => c,
    }
}

fn turns_direction(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::clean;

    #[test]
    fn nothing_that_acts_on_a_terminal_or_on_xml_survives() {
        assert_eq!(clean("a\u{1b}[31mred\u{7}"), "a␛[31mred␇");
        assert_eq!(clean("two\r\nlines\tand\u{0}nul\n"), "two  lines and␀nul");
        assert_eq!(clean("\u{202e}evil\u{2066}\u{9b}31m\u{7f}\u{ffff}"), "�evil��31m␡�");
        assert_eq!(clean("søk ✓ 検索 👩‍💻"), "søk ✓ 検索 👩‍💻", "ordinary text stays as it is");
    }
}
