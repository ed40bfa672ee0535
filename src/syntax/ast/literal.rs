//! Literals and format strings.

use super::super::kind::Kind;
use super::super::string;
use super::super::tree::{Element, Token};
use super::{Expr, expr_at, tokens, views};

views! {
    /// A literal: a string, a number with or without a unit, or one of
    /// `true false null on off`.
    Literal;
    /// `f"…{value}…"`
    FString;
}

/// What a literal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LiteralKind {
    /// `null`
    Null,
    /// `true`
    True,
    /// `false`
    False,
    /// `on`
    On,
    /// `off`
    Off,
    /// A JSON number.
    Number,
    /// A JSON string.
    String,
    /// `1m30s`
    Duration,
    /// `40/s`
    Rate,
    /// `99.9%`
    Percent,
    /// `64KiB`
    Size,
    /// `50 users`
    Users,
    /// `2025-11-25`
    Revision,
    /// `p99.9`; `p99` reads as a name.
    Percentile,
    /// A number with a unit that is none; a diagnostic was given.
    Broken,
}

impl Literal {
    fn token(&self) -> Option<Token> {
        tokens(&self.0).next()
    }

    /// What it is.
    #[must_use]
    pub fn kind(&self) -> LiteralKind {
        match self.token().map(|token| token.kind()) {
            Some(Kind::KwNull) => LiteralKind::Null,
            Some(Kind::KwTrue) => LiteralKind::True,
            Some(Kind::KwFalse) => LiteralKind::False,
            Some(Kind::KwOn) => LiteralKind::On,
            Some(Kind::KwOff) => LiteralKind::Off,
            Some(Kind::Number) => LiteralKind::Number,
            Some(Kind::String | Kind::LooseStr | Kind::OpenStr | Kind::WrongStr) => LiteralKind::String,
            Some(Kind::Duration) => LiteralKind::Duration,
            Some(Kind::Rate) => LiteralKind::Rate,
            Some(Kind::Percent) => LiteralKind::Percent,
            Some(Kind::Size) => LiteralKind::Size,
            Some(Kind::Users) => LiteralKind::Users,
            Some(Kind::Revision) => LiteralKind::Revision,
            Some(Kind::Percentile) => LiteralKind::Percentile,
            _ => LiteralKind::Broken,
        }
    }

    /// As written.
    #[must_use]
    pub fn text(&self) -> String {
        self.token().map(|token| token.text().to_owned()).unwrap_or_default()
    }

    /// What a string says: without quotes, escapes resolved. `None` when it is
    /// no string.
    #[must_use]
    pub fn string_value(&self) -> Option<String> {
        (self.kind() == LiteralKind::String).then(|| string::value(&self.text()))
    }
}

/// A part of a format string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FPart {
    /// Text, escapes resolved.
    Text(String),
    /// The value in a pair of braces.
    Hole(Expr),
}

impl FString {
    /// Its parts, in order; none when it is broken.
    #[must_use]
    pub fn parts(&self) -> Vec<FPart> {
        let part = |element: Element| match element {
            Element::Token(token) if token.kind() == Kind::FText => {
                Some(FPart::Text(string::format_text(token.text())))
            }
            Element::Node(node) if node.kind() == Kind::Hole => expr_at(&node, 0).map(FPart::Hole),
            _ => None,
        };
        self.0.children_with_tokens().filter_map(part).collect()
    }
}
