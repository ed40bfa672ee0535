//! Names and messages that a server chose to do harm.

use super::{rendered, sample, xml};
use crate::report::{Format, Style, render};

pub(super) const EVIL: &str = "x</script><img src=x onerror=alert(1)>\"'&|`a`\n# h\r\n- [l](http://e.vil) @all \u{1b}[2J\u{1b}]0;t\u{7}\u{0}\u{9b}31m\u{202e}\u{ffff}<!--]]>{{ 7 * 7 }}";

#[test]
fn html_shows_it_and_does_nothing_else() {
    let html = rendered(&sample::hostile(EVIL), Format::Html);
    assert!(html.contains("&lt;img src=x onerror=alert(1)&gt;"), "it is shown");
    assert!(!html.contains("<img") && !html.contains("<!--"), "it makes no element and no comment");
    assert_eq!(html.matches("</script").count(), 2, "only the page's own elements end");
    assert!(html.chars().all(|c| !c.is_control() || c == '\n'));
    assert!(!html.contains(">49<"), "it is no template");
    // Attributes: no quote of its own can end one.
    assert!(!html.contains("\"'&|"));
}

#[test]
fn junit_stays_well_formed() {
    let text = rendered(&sample::hostile(EVIL), Format::Junit);
    xml::check(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert!(text.contains("&lt;img"), "it is shown");
}

#[test]
fn nothing_reaches_the_terminal_but_text() {
    let (results, verdict) = sample::hostile(EVIL);
    let plain = render(&results, &verdict, Format::Text, Style { color: false }).unwrap();
    assert!(plain.chars().all(|c| !c.is_control() || c == '\n'), "{plain:?}");
    assert!(plain.contains("␛[2J"), "it is made visible");
    assert!(plain.lines().all(|line| line.chars().count() <= 80), "{plain}");
    let colored = render(&results, &verdict, Format::Text, Style { color: true }).unwrap();
    let escapes: Vec<_> =
        colored.split('\u{1b}').skip(1).filter_map(|rest| rest.split_once('m')).map(|(code, _)| code).collect();
    assert!(
        !escapes.is_empty() && escapes.iter().all(|code| ["[0", "[1;31", "[1", "[2", "[31", "[32"].contains(code)),
        "{escapes:?}"
    );
}

#[test]
fn markdown_keeps_its_structure() {
    let plain = rendered(&sample::hostile("plain"), Format::Markdown);
    let evil = rendered(&sample::hostile(EVIL), Format::Markdown);
    assert_eq!(evil.lines().count(), plain.lines().count(), "it adds no line");
    // Pipes that separate cells: those without a backslash.
    let cells = |line: &str| line.replace("\\|", "").matches('|').count();
    for (evil, plain) in evil.lines().zip(plain.lines()) {
        assert_eq!(cells(evil), cells(plain), "{evil}");
    }
    // Outside code spans nothing is left that means anything.
    for line in evil.lines() {
        let outside = without_code(line);
        for part in ["<img", "<!--", "](", "@all", "http://", "`"] {
            assert!(!outside.contains(part), "{part} in {outside}");
        }
    }
}

/// A line of Markdown without its code spans: a run of backticks opens one, the
/// next run of the same length closes it; a backslash makes a backtick literal.
fn without_code(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some(at) = rest.find(['\\', '`']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(escaped) = rest.strip_prefix('\\') {
            rest = &escaped[escaped.chars().next().map_or(0, char::len_utf8)..];
            continue;
        }
        let fence = rest.len() - rest.trim_start_matches('`').len();
        let inside = &rest[fence..];
        let runs: Vec<_> = inside.match_indices('`').map(|(at, _)| at).collect();
        let closing = runs.iter().copied().find(|at| {
            let run = inside[*at..].len() - inside[*at..].trim_start_matches('`').len();
            run == fence && !inside[..*at].ends_with('`')
        });
        rest = &inside[closing.unwrap_or_else(|| panic!("a code span that does not end: {line}")) + fence..];
    }
    out + rest
}
