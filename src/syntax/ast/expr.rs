//! Values and conditions.

use super::super::kind::Kind;
use super::super::tree::Node;
use super::literal::{FString, Literal};
use super::{Name, expr_at, exprs, is_broken, span_of, token_span, tokens, views};
use crate::text::Span;

views! {
    /// `base.field`
    Access;
    /// `base[index]`
    Index;
    /// `base[tag="x"]`
    Select;
    /// `f(a, name: b)`
    Call;
    /// An argument of a call.
    Arg;
    /// `[a, b]`
    Array;
    /// A JSON object.
    Object;
    /// `a + b`
    Binary;
    /// `not a`
    Unary;
    /// `a..b`
    Range;
    /// `(a)`
    Paren;
}

/// A value or condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expr {
    /// A literal.
    Literal(Literal),
    /// A bare identifier.
    Name(Name),
    /// `base.field`
    Access(Access),
    /// `base[index]`
    Index(Index),
    /// `base[tag="x"]`
    Select(Select),
    /// `f(a, name: b)`
    Call(Call),
    /// `f"…{value}…"`
    FString(FString),
    /// `[a, b]`
    Array(Array),
    /// A JSON object.
    Object(Object),
    /// `a + b`
    Binary(Binary),
    /// `not a`
    Unary(Unary),
    /// `a..b`
    Range(Range),
    /// `(a)`
    Paren(Paren),
    /// What could not be parsed because of its depth or length.
    Broken(Span),
}

impl Expr {
    pub(super) fn cast(node: Node) -> Option<Expr> {
        Some(match node.kind() {
            Kind::Literal => Expr::Literal(Literal(node)),
            Kind::Reference => Name::in_node(&node).map_or_else(|| Expr::Broken(span_of(&node)), Expr::Name),
            Kind::Access => Expr::Access(Access(node)),
            Kind::Index => Expr::Index(Index(node)),
            Kind::Select => Expr::Select(Select(node)),
            Kind::Function => Expr::Call(Call(node)),
            Kind::Fstr => Expr::FString(FString(node)),
            Kind::Array => Expr::Array(Array(node)),
            Kind::Object => Expr::Object(Object(node)),
            Kind::Binary => Expr::Binary(Binary(node)),
            Kind::Unary => Expr::Unary(Unary(node)),
            Kind::Range => Expr::Range(Range(node)),
            Kind::Paren => Expr::Paren(Paren(node)),
            Kind::Unparsed | Kind::TooLong => Expr::Broken(span_of(&node)),
            _ => return None,
        })
    }

    /// Where it stands.
    #[must_use]
    pub fn span(&self) -> Span {
        match self {
            Expr::Literal(view) => view.span(),
            Expr::Name(name) => name.span(),
            Expr::Access(view) => view.span(),
            Expr::Index(view) => view.span(),
            Expr::Select(view) => view.span(),
            Expr::Call(view) => view.span(),
            Expr::FString(view) => view.span(),
            Expr::Array(view) => view.span(),
            Expr::Object(view) => view.span(),
            Expr::Binary(view) => view.span(),
            Expr::Unary(view) => view.span(),
            Expr::Range(view) => view.span(),
            Expr::Paren(view) => view.span(),
            Expr::Broken(span) => *span,
        }
    }

    /// Whether a syntax diagnostic was given inside it.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        match self {
            Expr::Literal(Literal(node))
            | Expr::Access(Access(node))
            | Expr::Index(Index(node))
            | Expr::Select(Select(node))
            | Expr::Call(Call(node))
            | Expr::FString(FString(node))
            | Expr::Array(Array(node))
            | Expr::Object(Object(node))
            | Expr::Binary(Binary(node))
            | Expr::Unary(Unary(node))
            | Expr::Range(Range(node))
            | Expr::Paren(Paren(node)) => is_broken(node),
            Expr::Name(name) => name.is_broken(),
            Expr::Broken(_) => true,
        }
    }
}

impl Access {
    /// What is looked into.
    #[must_use]
    pub fn base(&self) -> Option<Expr> {
        expr_at(&self.0, 0)
    }

    /// The field; may be a percentile such as `p99.9`.
    #[must_use]
    pub fn field(&self) -> Option<Name> {
        Name::token(&self.0, Kind::Field)
    }
}

impl Index {
    /// What is looked into.
    #[must_use]
    pub fn base(&self) -> Option<Expr> {
        expr_at(&self.0, 0)
    }

    /// The index or key.
    #[must_use]
    pub fn index(&self) -> Option<Expr> {
        expr_at(&self.0, 1)
    }
}

impl Select {
    /// What is narrowed.
    #[must_use]
    pub fn base(&self) -> Option<Expr> {
        expr_at(&self.0, 0)
    }

    /// The tag.
    #[must_use]
    pub fn tag(&self) -> Option<Name> {
        Name::token(&self.0, Kind::TagName)
    }

    /// The value the tag must have.
    #[must_use]
    pub fn value(&self) -> Option<Expr> {
        expr_at(&self.0, 1)
    }
}

impl Call {
    /// The name of the function.
    #[must_use]
    pub fn callee(&self) -> Option<Name> {
        Name::token(&self.0, Kind::Callee)
    }

    /// The arguments, in order.
    #[must_use]
    pub fn args(&self) -> Vec<Arg> {
        self.0.children().filter(|node| node.kind() == Kind::Arg).map(Arg).collect()
    }
}

impl Arg {
    /// The name of a named argument.
    #[must_use]
    pub fn name(&self) -> Option<Name> {
        Name::token(&self.0, Kind::ArgName)
    }

    /// Its value.
    #[must_use]
    pub fn value(&self) -> Option<Expr> {
        expr_at(&self.0, 0)
    }
}

impl Array {
    /// Its elements, in order.
    #[must_use]
    pub fn elements(&self) -> Vec<Expr> {
        exprs(&self.0).collect()
    }
}

impl Object {
    /// Keys and values, in order; an entry without its value is left out.
    #[must_use]
    pub fn entries(&self) -> Vec<(Name, Expr)> {
        let entry = |node: Node| {
            let key = node.children().find(|child| matches!(child.kind(), Kind::Key | Kind::DuplicateKey))?;
            Some((Name::in_node(&key)?, expr_at(&node, 0)?))
        };
        self.0.children().filter(|node| node.kind() == Kind::Entry).filter_map(entry).collect()
    }
}

/// An operator between two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryOp {
    /// `or`
    Or,
    /// `and`
    And,
    /// `==`
    Eq,
    /// `!=`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
    /// `contains`
    Contains,
    /// `matches`
    Matches,
    /// `in`
    In,
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
    /// `/`
    Div,
}

fn binary_op(kind: Kind) -> Option<BinaryOp> {
    Some(match kind {
        Kind::KwOr => BinaryOp::Or,
        Kind::KwAnd => BinaryOp::And,
        Kind::EqEq => BinaryOp::Eq,
        Kind::NotEq => BinaryOp::Ne,
        Kind::Lt => BinaryOp::Lt,
        Kind::LtEq => BinaryOp::Le,
        Kind::Gt => BinaryOp::Gt,
        Kind::GtEq => BinaryOp::Ge,
        Kind::KwContains => BinaryOp::Contains,
        Kind::KwMatches => BinaryOp::Matches,
        Kind::InOp => BinaryOp::In,
        Kind::Plus => BinaryOp::Add,
        Kind::Minus => BinaryOp::Sub,
        Kind::Star => BinaryOp::Mul,
        Kind::Slash => BinaryOp::Div,
        _ => return None,
    })
}

impl Binary {
    fn operator(&self) -> Option<(BinaryOp, Span)> {
        tokens(&self.0).find_map(|token| binary_op(token.kind()).map(|op| (op, token_span(&token))))
    }

    /// The operator.
    #[must_use]
    pub fn op(&self) -> Option<BinaryOp> {
        self.operator().map(|(op, _)| op)
    }

    /// Where the operator stands.
    #[must_use]
    pub fn op_span(&self) -> Span {
        self.operator().map_or_else(|| self.span(), |(_, span)| span)
    }

    /// The operand before it.
    #[must_use]
    pub fn left(&self) -> Option<Expr> {
        expr_at(&self.0, 0)
    }

    /// The operand behind it.
    #[must_use]
    pub fn right(&self) -> Option<Expr> {
        expr_at(&self.0, 1)
    }
}

/// An operator before an operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnaryOp {
    /// `not`
    Not,
    /// `-`
    Neg,
    /// `exists`
    Exists,
}

impl Unary {
    fn operator(&self) -> Option<(UnaryOp, Span)> {
        tokens(&self.0).find_map(|token| {
            let op = match token.kind() {
                Kind::KwNot => UnaryOp::Not,
                Kind::Neg => UnaryOp::Neg,
                Kind::KwExists => UnaryOp::Exists,
                _ => return None,
            };
            Some((op, token_span(&token)))
        })
    }

    /// The operator.
    #[must_use]
    pub fn op(&self) -> Option<UnaryOp> {
        self.operator().map(|(op, _)| op)
    }

    /// Where the operator stands.
    #[must_use]
    pub fn op_span(&self) -> Span {
        self.operator().map_or_else(|| self.span(), |(_, span)| span)
    }

    /// The operand.
    #[must_use]
    pub fn operand(&self) -> Option<Expr> {
        expr_at(&self.0, 0)
    }
}

impl Range {
    /// Where it starts.
    #[must_use]
    pub fn from(&self) -> Option<Expr> {
        expr_at(&self.0, 0)
    }

    /// Where it ends.
    #[must_use]
    pub fn to(&self) -> Option<Expr> {
        expr_at(&self.0, 1)
    }
}

impl Paren {
    /// What is inside.
    #[must_use]
    pub fn inner(&self) -> Option<Expr> {
        expr_at(&self.0, 0)
    }
}
