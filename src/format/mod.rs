//! A scenario file in the one style of the language.
//!
//! Invariant: idempotent; every comment is kept; the model and the codes of the
//! diagnostics stay what they were. What is broken is left as it was written.
//! May import `syntax` and `text`.
//!
//! The way: pieces ([`crate::syntax::Piece`]) → [`build`] gives blocks of entries
//! → [`print`] and [`statement`] write them as [`page`] lines. No kind of
//! statement is named anywhere: blanks follow from tokens, lines from brackets.

mod build;
mod page;
mod print;
mod statement;
#[cfg(test)]
mod tests;

use crate::syntax::{self, Class, Leaf, Parse, Piece};
use crate::text::Span;

/// Columns that a block on one line may take.
const MAX_WIDTH: usize = 100;

const BOM: char = '\u{FEFF}';

/// The file in the style of the language. What has mistakes in it is left as it
/// is, and so is a whole file that would say something else afterwards.
#[must_use]
pub fn format(parse: &Parse) -> String {
    let text = parse.text();
    let styled = lay_out(parse, &text);
    if styled == text || says_the_same(parse, &text, &syntax::parse(&styled), &styled) { styled } else { text }
}

/// How many statements are left as they are because of mistakes in them.
#[must_use]
pub fn left_alone(parse: &Parse) -> usize {
    parse.pieces().iter().filter(|piece| matches!(piece, Piece::Broken(_))).count()
}

/// The styled text, not yet held against the old one.
fn lay_out(parse: &Parse, text: &str) -> String {
    let pieces = parse.pieces();
    let styled = print::file(&build::file(text, &pieces));
    match (text.trim_start_matches([' ', '\t']).starts_with(BOM), styled.starts_with(BOM)) {
        // It belongs to how the file is stored.
        (true, _) => format!("{BOM}{styled}"),
        // A stray one must not come to stand at the very start.
        (false, true) => format!("\n{styled}"),
        (false, false) => styled,
    }
}

/// Whether two texts differ in nothing but blanks and lines. This is checked and
/// not trusted: the grammar grows, and a formatter must not change a meaning.
fn says_the_same(old: &Parse, old_text: &str, new: &Parse, new_text: &str) -> bool {
    let (old_pieces, new_pieces) = (old.pieces(), new.pieces());
    let mut left = old_pieces.iter().filter_map(|piece| essence(old_text, piece));
    let mut right = new_pieces.iter().filter_map(|piece| essence(new_text, piece));
    loop {
        match (left.next(), right.next()) {
            (None, None) => break,
            (Some(a), Some(b)) if a.same(&b) => {}
            _ => return false,
        }
    }
    let codes = |parse: &Parse| -> Vec<&'static str> {
        let mut codes: Vec<_> = parse.diagnostics().iter().map(|diagnostic| diagnostic.code).collect();
        codes.sort_unstable();
        codes
    };
    codes(old) == codes(new)
}

/// What a piece says, without how it is laid out.
enum Essence<'a> {
    Begin,
    End,
    Broken(&'a str),
    Leaf(Class, &'a str),
}

impl Essence<'_> {
    fn same(&self, other: &Essence<'_>) -> bool {
        match (self, other) {
            (Essence::Begin, Essence::Begin) | (Essence::End, Essence::End) => true,
            (Essence::Broken(a), Essence::Broken(b)) => a.split_whitespace().eq(b.split_whitespace()),
            (Essence::Leaf(a, text), Essence::Leaf(b, other)) => a == b && same_token(text, other),
            _ => false,
        }
    }
}

/// Whether two tokens are the same. Only a comment loses the blanks at its end,
/// and only a format string has lines in it.
fn same_token(a: &str, b: &str) -> bool {
    a.trim_end() == b.trim_end() || a.contains(['\n', '\r']) && a.split_whitespace().eq(b.split_whitespace())
}

fn essence<'a>(text: &'a str, piece: &Piece) -> Option<Essence<'a>> {
    Some(match piece {
        Piece::Begin(_) => Essence::Begin,
        Piece::End => Essence::End,
        Piece::Broken(span) => Essence::Broken(slice(text, *span)),
        Piece::Leaf(Leaf { class: Class::Newline, .. }) => return None,
        Piece::Leaf(Leaf { class, span }) => Essence::Leaf(*class, slice(text, *span)),
    })
}

fn slice(text: &str, span: Span) -> &str {
    text.get(span.range()).unwrap_or("")
}
