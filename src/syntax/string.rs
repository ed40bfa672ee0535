//! What a written string says.
//!
//! Invariant: total; an escape that JSON does not know stays as written.

/// The content of a quoted string as written, of any kind of quotes, closed or
/// not. A lone half of a surrogate pair becomes the replacement character.
pub(super) fn value(written: &str) -> String {
    let mut inner = written.chars();
    let quote = inner.next();
    if let Some(last) = written.chars().next_back()
        && written.chars().nth(1).is_some()
        && closes(quote, last)
    {
        inner.next_back();
    }
    unescape(inner.as_str(), false)
}

fn closes(quote: Option<char>, last: char) -> bool {
    match quote {
        Some(quote @ ('"' | '\'' | '`')) => last == quote,
        _ => matches!(last, '\u{201C}' | '\u{201D}'),
    }
}

/// The text of a format string between its holes: escapes resolved, `{{` and
/// `}}` halved.
pub(super) fn format_text(written: &str) -> String {
    unescape(written, true)
}

fn unescape(text: &str, halve_braces: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => escape(&mut out, &mut chars),
            '{' | '}' if halve_braces => {
                out.push(c);
                chars.next();
            }
            _ => out.push(c),
        }
    }
    out
}

fn escape(out: &mut String, chars: &mut std::str::Chars<'_>) {
    let Some(c) = chars.next() else {
        out.push('\\');
        return;
    };
    match c {
        '"' | '\\' | '/' => out.push(c),
        'b' => out.push('\u{8}'),
        'f' => out.push('\u{c}'),
        'n' => out.push('\n'),
        'r' => out.push('\r'),
        't' => out.push('\t'),
        'u' => unicode(out, chars),
        _ => {
            out.push('\\');
            out.push(c);
        }
    }
}

fn unicode(out: &mut String, chars: &mut std::str::Chars<'_>) {
    let Some(unit) = hex(chars) else {
        out.push_str("\\u");
        return;
    };
    if (0xD800..0xDC00).contains(&unit) {
        let mut ahead = chars.clone();
        if ahead.next() == Some('\\')
            && ahead.next() == Some('u')
            && let Some(low @ 0xDC00..0xE000) = hex(&mut ahead)
        {
            *chars = ahead;
            let code = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
            out.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            return;
        }
    }
    out.push(char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER));
}

/// Four hex digits; consumes nothing when they are not there.
fn hex(chars: &mut std::str::Chars<'_>) -> Option<u32> {
    let digits = chars.as_str().get(..4).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
    let unit = u32::from_str_radix(digits, 16).ok()?;
    chars.nth(3);
    Some(unit)
}

#[cfg(test)]
mod tests {
    use super::{format_text, value};

    #[test]
    fn strings_say_what_json_says() {
        for written in [r#""""#, r#""a\n\t\"\\\/\b\f\r""#, r#""é😀\u00e9\ud83d\ude00""#, r#""\u0000""#] {
            let json: String = serde_json::from_str(written).unwrap();
            assert_eq!(value(written), json, "{written}");
        }
    }

    #[test]
    fn what_json_does_not_know_stays_or_is_replaced() {
        assert_eq!(value(r#""\d\u12""#), r"\d\u12");
        assert_eq!(value(r#""\ud800x""#), "\u{FFFD}x");
        assert_eq!(value(r#""\ud800\u0041""#), "\u{FFFD}A");
        assert_eq!(value("\"open"), "open");
        assert_eq!(value("\""), "");
        assert_eq!(value("'it'"), "it");
        assert_eq!(value("\u{201C}x\u{201D}"), "x");
    }

    #[test]
    fn braces_are_halved_in_format_strings_only() {
        assert_eq!(format_text(r#"{{a}} \" {{"#), "{a} \" {");
        assert_eq!(value(r#""{{a}}""#), "{{a}}");
    }
}
