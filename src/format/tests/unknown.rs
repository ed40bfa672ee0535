//! Statements that the grammar does not have: the formatter knows none, and so
//! those to come are laid out like those there are.

use crate::format::{build, print};
use crate::syntax::{Class, Leaf, Piece};
use crate::text::Span;

/// Lays out words and blocks; `‹` and `›` stand where a statement begins and
/// ends.
fn styled(text: &str) -> String {
    let mut pieces = Vec::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        let word = rest.find(['‹', '›', '{', '}', ' ', '\n']).unwrap_or(rest.len());
        let (class, len) = match c {
            '‹' => (None, c.len_utf8()),
            '›' => (None, c.len_utf8()),
            ' ' => (None, 1),
            '\n' => (Some(Class::Newline), 1),
            '{' => (Some(Class::BlockOpen), 1),
            '}' => (Some(Class::BlockClose), 1),
            '#' => (Some(Class::Comment), rest.find('\n').unwrap_or(rest.len())),
            _ => (Some(Class::Word), word),
        };
        let span = Span::new(at, at + len);
        match (c, class) {
            ('‹', _) => pieces.push(Piece::Begin(span)),
            ('›', _) => pieces.push(Piece::End),
            (_, Some(class)) => pieces.push(Piece::Leaf(Leaf { class, span })),
            _ => {}
        }
        at += len;
    }
    print::file(&build::file(text, &pieces))
}

#[test]
fn an_else_follows_the_brace_whatever_the_grammar_calls_it() {
    let expected = "if x {\n  a\n  b\n} else {\n  c\n}\n";
    for text in [
        "‹if x {‹a›\n‹b›} else {‹c›\n}›\n",
        "‹if x {\n‹a›\n‹b›\n}\nelse\n{\n‹c›\n}›\n",
        "‹if x {‹a›\n‹b›\n}› ‹else {‹c›}›\n",
        "if x {\na\nb\n} else {\nc\n}\n",
        "‹if x {‹a›\n‹b›} ‹else {‹c›\n}››\n",
    ] {
        assert_eq!(styled(text), expected, "{text}");
    }
    assert_eq!(styled("‹if x { ‹a› } else { ‹b› }›"), "if x { a } else { b }\n");
    assert_eq!(styled("‹if x { ‹a› } ‹else if y { ‹b› } else { }››"), "if x { a } else if y { b } else {}\n");
    assert_eq!(styled("‹if x { ‹a› } # why\nelse { ‹b› }›"), "if x {\n  a\n}  # why\nelse {\n  b\n}\n");
}

#[test]
fn branches_stand_below_each_other() {
    let expected = "choose {\n  70% { a }\n  30% { b }\n}\n";
    for text in [
        "‹choose { ‹70% { ‹a› }› ‹30% { ‹b› }› }›\n",
        "‹choose {\n70% { ‹a› } 30% { ‹b› }\n}›\n",
        "‹choose {\n\n70% { ‹a› }\n30% { ‹b› }\n}›\n",
    ] {
        assert_eq!(styled(text), expected, "{text}");
    }
    assert_eq!(styled("‹repeat 3 { ‹group g { ‹a› } › }›"), "repeat 3 { group g { a } }\n");
    assert_eq!(styled("‹x {\nca 1\n  cert 2 key 3\n}›"), "x {\n  ca 1\n  cert 2 key 3\n}\n");
}
