//! From text to a tree that keeps every byte, and what is wrong with it.
//!
//! Invariant: parsing never fails and loses no byte; no pest or rowan type is
//! public. May import `text` and `diag`.
//!
//! The way: [`nesting`] masks what is too deep → [`parser`] (pest, total
//! grammar) gives a flat list of pairs ([`raw`]) → [`tree`] builds the lossless
//! tree and [`check`] the diagnostics → [`ast`] is what others read, and
//! [`pieces`] what is printed again.

pub mod ast;
mod check;
mod explain;
mod foreign;
mod kind;
mod lexical;
mod mark;
mod nearmiss;
mod nesting;
mod parser;
mod parts;
mod phrase;
mod pieces;
mod raw;
mod role;
mod string;
#[cfg(test)]
pub(crate) mod tests;
mod tree;
mod units;
mod words;

use rowan::GreenNode;

use crate::diag::Diagnostic;
use crate::text::Source;
use kind::Kind;
use raw::Raws;
use tree::Node;
pub use words::{Statement, vocabulary};

pub use pieces::{Class, Leaf, Piece};

/// Parses a file. Never fails: what cannot be understood is in the tree as such
/// and has a diagnostic.
#[must_use]
pub fn parse(text: &str) -> Parse {
    let masked = nesting::mask(text);
    let mut raws = match parser::pairs(&masked.text) {
        Some(pairs) => Raws::new(pairs),
        // Pest refused for want of stack: the file is one opaque token.
        None => Raws::whole(Kind::Skipped, text.len()),
    };
    mark::mark(text, &mut raws);
    let diagnostics = check::check(text, &raws, &masked.too_deep);
    Parse { green: tree::build(text, &raws), diagnostics }
}

/// The parses of the files of `source`, one for each, as one. Spans count over
/// all of them.
#[must_use]
pub fn join(source: &Source, mut parts: Vec<Parse>) -> Parse {
    if parts.len() == 1 {
        return parts.remove(0);
    }
    let mut diagnostics = Vec::new();
    for (file, part) in source.files().zip(&parts) {
        diagnostics.extend(part.diagnostics.iter().map(|diagnostic| diagnostic.clone().shifted(file.start)));
    }
    Parse { green: tree::join(source.text(), source.files().map(|file| file.start), parts), diagnostics }
}

/// A parsed file.
#[derive(Clone, Debug)]
pub struct Parse {
    green: GreenNode,
    diagnostics: Vec<Diagnostic>,
}

impl Parse {
    fn root(&self) -> Node {
        Node::new_root(self.green.clone())
    }

    /// The file as typed views; the first of several.
    #[must_use]
    pub fn file(&self) -> ast::File {
        self.files().into_iter().next().unwrap_or(ast::File(self.root()))
    }

    /// All files as typed views, each included one behind those before it.
    #[must_use]
    pub fn files(&self) -> Vec<ast::File> {
        let root = self.root();
        match root.kind() {
            Kind::Files => root.children().map(ast::File).collect(),
            _ => vec![ast::File(root)],
        }
    }

    /// What is wrong with it, in the order of the places.
    #[must_use]
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// The statements that it holds, each as it stands in the vocabulary.
    #[must_use]
    pub fn statements(&self) -> Vec<Statement> {
        words::statements(&self.root())
    }

    /// The tree as text, a line per node and token, with spans.
    #[must_use]
    pub fn dump(&self) -> String {
        tree::dump(&self.root())
    }

    /// The text it was parsed from, put together again from the tree.
    #[must_use]
    pub fn text(&self) -> String {
        self.root().to_string()
    }
}
