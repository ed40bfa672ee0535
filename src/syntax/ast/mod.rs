//! Typed views of the tree.
//!
//! Invariant: a view never fails; what the text lacks is `None`, and what the
//! parser rejected is `Broken` with its span. No view exposes the tree itself.

mod expr;
mod item;
mod literal;
mod name;
mod request;
mod server;
mod stage;
mod statement;

pub use expr::{Access, Arg, Array, Binary, BinaryOp, Call, Expr, Index, Object, Paren, Range, Select, Unary, UnaryOp};
pub use item::{Assert, Baseline, Data, Edition, File, Flow, Guard, Item, Param, Report, Scenario, Server};
pub use literal::{FPart, FString, Literal, LiteralKind};
pub use name::Name;
pub use request::{
    Argument, Binding, Branch, Choose, Expectation, If, Request, RequestStmt, Step, Steps, Take, Task, TaskStmt, Think,
};
pub use server::{
    Answer, Builtin, Cert, HeaderStmt, Launch, Oauth, OauthStmt, Protocol, RevisionShare, ServerStmt, Setting, Tls,
    TlsStmt,
};
pub use stage::{Hold, Iterations, Ramp, Seek, Stage, Stages};
pub use statement::{
    Abort, AssertLine, Attr, CellType, DataStmt, GuardStmt, Mix, NameStmt, ReportStmt, ScenarioStmt, Share, Tag,
    Target, Template, Types, UserSteps, WithinLine, WordStmt,
};

use super::kind::Kind;
use super::tree::{Element, Node, Token, is_trivia};
use crate::text::Span;

/// Declares views: a struct around a node, with its span and whether its own
/// head is broken.
macro_rules! views {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name(pub(in crate::syntax) crate::syntax::tree::Node);

        impl $name {
            /// Where it stands, without blanks and newlines around it.
            #[must_use]
            pub fn span(&self) -> crate::text::Span {
                crate::syntax::ast::span_of(&self.0)
            }

            /// Whether a syntax diagnostic was given inside its own head, not
            /// counting the statements nested in it.
            #[must_use]
            pub fn is_broken(&self) -> bool {
                crate::syntax::ast::is_broken(&self.0)
            }
        }
    )*};
}

/// Adds to views what every block has.
macro_rules! blocks {
    ($($name:ident),* $(,)?) => {$(
        impl $name {
            /// The keyword it starts with.
            #[must_use]
            pub fn keyword_span(&self) -> crate::text::Span {
                crate::syntax::ast::keyword_span(&self.0)
            }

            /// The text of the `##` comments above it.
            #[must_use]
            pub fn doc(&self) -> Option<String> {
                crate::syntax::ast::doc_of(&self.0)
            }

            /// The brace that opens its block.
            #[must_use]
            pub fn open_span(&self) -> Option<crate::text::Span> {
                crate::syntax::ast::brace(&self.0, crate::syntax::kind::Kind::LBrace)
            }

            /// The brace that closes its block.
            #[must_use]
            pub fn close_span(&self) -> Option<crate::text::Span> {
                crate::syntax::ast::brace(&self.0, crate::syntax::kind::Kind::RBrace)
            }
        }
    )*};
}

/// Adds to views the name in their head.
macro_rules! named {
    ($($name:ident),* $(,)?) => {$(
        impl $name {
            /// The name in its head.
            #[must_use]
            pub fn name(&self) -> Option<crate::syntax::ast::Name> {
                crate::syntax::ast::Name::of(&self.0)
            }
        }
    )*};
}

pub(super) use {blocks, named, views};

pub(super) fn span(range: rowan::TextRange) -> Span {
    Span { start: range.start().into(), end: range.end().into() }
}

pub(super) fn token_span(token: &Token) -> Span {
    span(token.text_range())
}

/// From the first to the last token that is no trivia; empty where there is none.
fn span_of(node: &Node) -> Span {
    let whole = node.text_range();
    let inside = |token: &Token| whole.contains_range(token.text_range());
    let says = |token: &Token| !is_trivia(token.kind());
    let first = std::iter::successors(node.first_token(), Token::next_token).take_while(inside).find(says);
    let last = std::iter::successors(node.last_token(), Token::prev_token).take_while(inside).find(says);
    match (first, last) {
        (Some(first), Some(last)) => token_span(&first).to(token_span(&last)),
        _ => Span::at(u32::from(whole.start()) as usize),
    }
}

/// The tokens directly in a node that say something.
fn tokens(node: &Node) -> impl Iterator<Item = Token> {
    node.children_with_tokens().filter_map(Element::into_token).filter(|token| !is_trivia(token.kind()))
}

/// The run of keywords a node starts with: one, or two as in `allow hosts`.
fn keyword_span(node: &Node) -> Span {
    let mut words = node
        .children_with_tokens()
        .filter(|element| !is_trivia(element.kind()))
        .map_while(Element::into_token)
        .take_while(|token| token.kind().is_keyword());
    match words.next() {
        Some(first) => words.fold(token_span(&first), |span, token| span.to(token_span(&token))),
        None => span_of(node),
    }
}

fn brace(node: &Node, kind: Kind) -> Option<Span> {
    let direct = tokens(node).find(|token| token.kind() == kind);
    let late = || node.children().find(|child| child.kind() == Kind::LateOpen).and_then(|late| tokens(&late).next());
    direct.or_else(|| (kind == Kind::LBrace).then(late).flatten()).map(|token| token_span(&token))
}

/// The `##` comments on lines of their own above a node, without their marks.
fn doc_of(node: &Node) -> Option<String> {
    let above = std::iter::successors(node.prev_sibling_or_token(), Element::prev_sibling_or_token)
        .take_while(|element| is_trivia(element.kind()))
        .filter(|element| element.kind() == Kind::Doc)
        .filter_map(Element::into_token);
    let mut lines: Vec<String> = above.filter(starts_its_line).map(|token| doc_text(token.text())).collect();
    lines.reverse();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

fn starts_its_line(token: &Token) -> bool {
    std::iter::successors(token.prev_token(), Token::prev_token)
        .find(|before| before.kind() != Kind::Blank)
        .is_none_or(|before| matches!(before.kind(), Kind::Nl | Kind::Bom))
}

fn doc_text(comment: &str) -> String {
    let text = comment.trim_start_matches('#');
    text.strip_prefix(' ').unwrap_or(text).trim_end().to_owned()
}

/// Whether a node is a statement or an item, so that what is wrong inside it is
/// not wrong with what is around it.
fn is_nested(kind: Kind) -> bool {
    kind == Kind::Rejected || kind == Kind::BadBlock || kind.is_statement()
}

fn is_broken(node: &Node) -> bool {
    node.children_with_tokens().any(|element| {
        let kind = element.kind();
        kind.is_error()
            || match element {
                Element::Node(child) => !is_nested(kind) && is_broken(&child),
                Element::Token(_) => false,
            }
    })
}

/// The values directly in a node, in order.
fn exprs(node: &Node) -> impl Iterator<Item = Expr> {
    node.children().filter_map(Expr::cast)
}

/// The value at `index` among those directly in a node.
fn expr_at(node: &Node, index: usize) -> Option<Expr> {
    exprs(node).nth(index)
}
