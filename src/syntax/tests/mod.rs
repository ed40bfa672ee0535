//! Tests of the room: the tree, the views, what is wrong, and how much of a
//! broken file survives.

mod errors;
mod json;
mod lossless;
mod recovery;
mod tree;
mod views;
mod words;

use std::path::{Path, PathBuf};

use super::Parse;
use super::kind::Kind;
use super::tree::Element;

/// A place in the repository.
pub(crate) fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A file of the repository.
fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A good file that uses the whole language.
fn tour() -> String {
    read(&repository("tests/corpus/parse/tour.mcpl"))
}

/// Codes of the diagnostics of a file, in order.
fn codes(parse: &Parse) -> Vec<&'static str> {
    parse.diagnostics().iter().map(|diagnostic| diagnostic.code).collect()
}

/// The invariants that hold of any text: nothing is lost, no byte that is not
/// blank lies outside of a named leaf, and each diagnostic lies in the text.
fn check_invariants(text: &str) -> Parse {
    let parse = super::parse(text);
    assert_eq!(parse.text(), text, "the tree says what the text says");
    for token in parse.root().descendants_with_tokens().filter_map(Element::into_token) {
        let blank = token.text().chars().all(|c| matches!(c, ' ' | '\t'));
        // Between two holes of a format string a blank is text.
        let said = token.kind() == Kind::Blank || token.kind() == Kind::FText && blank;
        assert_eq!(said, blank, "{token:?} in {text:?}");
    }
    for diagnostic in parse.diagnostics() {
        let edits = diagnostic.fix.iter().flat_map(|fix| fix.edits.iter().map(|edit| edit.span));
        let also = diagnostic.secondary.iter().map(|label| label.span);
        for span in std::iter::once(diagnostic.primary.span).chain(edits).chain(also) {
            assert!(text.get(span.range()).is_some(), "{diagnostic:?} in {text:?}");
        }
    }
    parse
}

/// A small generator of numbers, so that runs repeat.
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit.max(1)
    }
}

/// One random edit: bytes deleted, or a piece of the language put in or in
/// their place.
pub(crate) fn mutate(text: &str, numbers: &mut Numbers) -> String {
    const PIECES: [&str; 32] = [
        "{",
        "}",
        "[",
        "]",
        "(",
        ")",
        "\"",
        "f\"",
        "#",
        ":",
        ",",
        "=",
        "->",
        "..",
        "\n",
        " ",
        "flow ",
        "\nflow x {\n",
        "call ",
        "stages",
        "args",
        "expect ",
        "10s",
        "40/s",
        "é",
        "\\",
        "'",
        "x",
        "%",
        "\r",
        "\u{0}",
        "server",
    ];
    let mut cut = |low: usize| {
        let mut at = (low + numbers.below(text.len() + 1 - low)).min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let start = cut(0);
    let end = (start + 1 + cut(0) % 4).min(text.len());
    let end = (end..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    let piece = PIECES[numbers.below(PIECES.len())];
    match numbers.below(3) {
        0 => format!("{}{}", &text[..start], &text[end..]),
        1 => format!("{}{piece}{}", &text[..start], &text[start..]),
        _ => format!("{}{piece}{}", &text[..start], &text[end..]),
    }
}
