//! Names, quoted or not.

use super::super::kind::Kind;
use super::super::string;
use super::super::tree::{Node, Token};
use super::{token_span, tokens};
use crate::text::Span;

/// A name as given or used: an identifier, or a quoted string where the name is
/// no identifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name(Token);

impl Name {
    /// The name in the head of `node`.
    pub(super) fn of(node: &Node) -> Option<Name> {
        let holder = node.children().find(|child| matches!(child.kind(), Kind::Name | Kind::Word))?;
        Name::in_node(&holder)
    }

    /// The first token of a node as a name.
    pub(super) fn in_node(node: &Node) -> Option<Name> {
        tokens(node).next().map(Name)
    }

    /// The token of `kind` directly in `node` as a name.
    pub(super) fn token(node: &Node, kind: Kind) -> Option<Name> {
        tokens(node).find(|token| token.kind() == kind).map(Name)
    }

    /// The name itself: without quotes, escapes resolved.
    #[must_use]
    pub fn text(&self) -> String {
        if self.is_quoted() { string::value(self.0.text()) } else { self.0.text().to_owned() }
    }

    /// Where it stands, with its quotes.
    #[must_use]
    pub fn span(&self) -> Span {
        token_span(&self.0)
    }

    /// Whether it is written in quotes.
    #[must_use]
    pub fn is_quoted(&self) -> bool {
        matches!(self.0.kind(), Kind::String | Kind::LooseStr | Kind::OpenStr | Kind::WrongStr)
    }

    /// Whether a syntax diagnostic was given for it.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.0.kind().is_error() || self.0.parent().is_some_and(|parent| parent.kind() == Kind::DuplicateKey)
    }
}
