//! Tests of the room: expected files, and what holds of any text.

mod golden;
mod properties;
mod unknown;

use std::path::{Path, PathBuf};

use crate::syntax::{self, Class, Leaf, Parse, Piece};

fn styled(text: &str) -> String {
    super::format(&syntax::parse(text))
}

/// Whether the check refuses the styled text, so that the file is left as it is.
/// That keeps meanings safe, and is a mistake of the formatter all the same.
fn is_refused(text: &str) -> bool {
    super::lay_out(&syntax::parse(text), text) != styled(text)
}

/// The scenario files below a directory, in order.
fn scenarios(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut dirs = vec![dir.to_owned()];
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                dirs.push(path);
            } else if path.extension().is_some_and(|ending| ending == "mcpl") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Codes of the diagnostics, sorted.
fn codes(parse: &Parse) -> Vec<&'static str> {
    let mut codes: Vec<_> = parse.diagnostics().iter().map(|diagnostic| diagnostic.code).collect();
    codes.sort_unstable();
    codes
}

/// All that is written in a file, without blanks and line ends.
fn written(text: &str) -> String {
    text.chars().filter(|c| !matches!(c, ' ' | '\t' | '\n' | '\r')).collect()
}

/// The comments of the good parts, sorted.
fn comments(parse: &Parse, text: &str) -> Vec<String> {
    let comment = |piece: &Piece| match piece {
        Piece::Leaf(Leaf { class: Class::Comment, span }) => Some(text[span.range()].trim_end().to_owned()),
        _ => None,
    };
    let mut comments: Vec<String> = parse.pieces().iter().filter_map(comment).collect();
    comments.sort();
    comments
}

/// What holds of any text. Gives the styled text.
fn check_invariants(text: &str) -> String {
    let parse = syntax::parse(text);
    let once = styled(text);
    let again = syntax::parse(&once);
    let shown = || format!("--- from\n{text}\n--- to\n{once}");
    assert_eq!(written(&once), written(text), "nothing is added or lost\n{}", shown());
    assert_eq!(comments(&again, &once), comments(&parse, text), "comments are kept\n{}", shown());
    assert_eq!(codes(&again), codes(&parse), "the same mistakes\n{}", shown());
    assert!(super::says_the_same(&parse, text, &again, &once), "the same tree\n{}", shown());
    assert_eq!(styled(&once), once, "idempotent\n{}", shown());
    if once == text {
        // It was in the style, or was refused: who says that it is not looks at
        // the latter.
        return once;
    }
    assert!(once.is_empty() || once.ends_with('\n') && !once.ends_with("\n\n"), "one final newline\n{}", shown());
    assert!(!once.contains('\r'), "line ends are LF\n{}", shown());
    once
}
