//! Text made literal in the languages that reports are written in.
//!
//! Invariant: each function takes text that is [clean](super::clean) and
//! returns text that its language shows as that text and as nothing else.

use std::fmt::Write as _;

use super::clean::is_clean;

/// For the text and the attributes of HTML and XML.
pub(super) fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// A relative path as a reference to it (RFC 3986, 4.2): what it may not have, and what
/// would end it or begin another part, as `%` and two digits.
pub(super) fn reference(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// For running text and table cells of GitHub's Markdown, where it also keeps
/// `@name`, `#1` and bare addresses from becoming mentions and links.
pub(super) fn markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '$' | '!' => out.extend(['\\', c]),
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '@' | '#' => out.extend([c, '\u{200b}']),
            ':' if chars.peek() == Some(&'/') => out.extend([c, '\u{200b}']),
            'w' | 'W' if chars.peek().is_some_and(|next| next.eq_ignore_ascii_case(&'w')) => {
                out.extend([c, '\u{200b}'])
            }
            c => out.push(c),
        }
    }
    out
}

/// As a code span of a Markdown table cell.
pub(super) fn markdown_code(text: &str) -> String {
    // A pipe ends the cell even inside a code span unless it is escaped; a run
    // of backticks ends the span unless its fence is longer.
    let text = text.replace('|', "\\|");
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let pad = if longest > 0 || text.is_empty() { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// As a field of a CSV file (RFC 4180). What a spreadsheet would take for a formula has
/// an apostrophe before it, as spreadsheets write text that looks like one.
pub(super) fn csv(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@']);
    let text = if formula { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\n', '\r', ';', '\t']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

/// For the running text of LaTeX.
pub(super) fn latex(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\textbackslash{}"),
            '~' => out.push_str("\\textasciitilde{}"),
            '^' => out.push_str("\\textasciicircum{}"),
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out
}

/// JSON text inside a `<script>` element: no character of it can end the
/// element, begin a comment or mislead who reads the source. It stays the same
/// JSON, since what is escaped can only stand inside its strings.
pub(super) fn script_json(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.trim_end().chars() {
        if matches!(c, '<' | '>' | '&') || !is_clean(c) {
            let _ = write!(out, "\\u{:04x}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_text_has_no_structure() {
        assert_eq!(markdown("a|b `c` <i> [x](y) **z**"), "a\\|b \\`c\\` &lt;i&gt; \\[x\\](y) \\*\\*z\\*\\*");
        assert_eq!(
            markdown("@all #1 http://x www.x"),
            "@\u{200b}all #\u{200b}1 http:\u{200b}//x w\u{200b}w\u{200b}w.x"
        );
    }

    #[test]
    fn a_code_span_ends_where_it_should() {
        assert_eq!(markdown_code("p95 < 1s"), "`p95 < 1s`");
        assert_eq!(markdown_code("a`b``c|d"), "``` a`b``c\\|d ```");
    }

    #[test]
    fn json_in_a_script_cannot_end_it() {
        let json = serde_json::json!({ "a": "</script><!--&\u{2028}\u{9b}\u{202e}\u{7f}\n" }).to_string();
        let safe = script_json(&json);
        assert!(!safe.contains(['<', '>', '&']) && safe.chars().all(is_clean), "{safe}");
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&safe).unwrap(),
            serde_json::from_str::<serde_json::Value>(&json).unwrap()
        );
    }

    #[test]
    fn fields_of_tables_are_what_they_were() {
        let fields =
            [("plain", "plain"), ("a,b", "\"a,b\""), ("say \"x\"", "\"say \"\"x\"\"\""), ("=1+1", "'=1+1"), ("", "")];
        for (text, field) in fields {
            assert_eq!(csv(text), field);
        }
        assert_eq!(
            latex(r"50% of a_b \ {x}~^&$#"),
            r"50\% of a\_b \textbackslash{} \{x\}\textasciitilde{}\textasciicircum{}\&\$\#"
        );
    }
}
