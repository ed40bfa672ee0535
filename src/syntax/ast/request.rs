//! The steps of a flow and the statements of a request.

use super::super::kind::Kind;
use super::super::string;
use super::statement::{Attr, statements};
use super::{Expr, Name, blocks, expr_at, keyword_span, tokens, views};
use crate::text::Span;

views! {
    /// A step that sends a request: `call search { … }`.
    Request;
    /// `think 300ms..1.2s`
    Think;
    /// `let NAME = VALUE` or `save NAME = VALUE`.
    Binding;
    /// `expect CONDITION as "label"`
    Expectation;
}

blocks!(Request);

statements! {
    /// A step of a flow.
    Step {
        /// `call TOOL { … }`
        Call => Call(Request),
        /// `read URI { … }`
        Read => Read(Request),
        /// `prompt NAME { … }`
        Prompt => Prompt(Request),
        /// `list tools { … }`
        List => List(Request),
        /// `think 1s`
        Think => Think(Think),
        /// `let NAME = VALUE`
        Binding => Let(Binding),
    }
}

statements! {
    /// A statement of a request.
    RequestStmt {
        /// `as "label"`
        AsLabel => As(Attr),
        /// `args { … }`
        Args => Args(Attr),
        /// `timeout 10s`
        Timeout => Timeout(Attr),
        /// `pages 1`
        Pages => Pages(Attr),
        /// `expect CONDITION`
        Expect => Expect(Expectation),
        /// `require CONDITION`
        Require => Require(Expectation),
        /// `save NAME = VALUE`
        Save => Save(Binding),
    }
}

impl Request {
    /// The tool or prompt.
    #[must_use]
    pub fn name(&self) -> Option<Name> {
        matches!(self.0.kind(), Kind::Call | Kind::Prompt).then(|| Name::of(&self.0)).flatten()
    }

    /// The address in `read`.
    #[must_use]
    pub fn uri(&self) -> Option<Expr> {
        (self.0.kind() == Kind::Read).then(|| expr_at(&self.0, 0)).flatten()
    }

    /// What `list` lists.
    #[must_use]
    pub fn what(&self) -> Option<Name> {
        (self.0.kind() == Kind::List).then(|| Name::of(&self.0)).flatten()
    }

    /// What its block says.
    #[must_use]
    pub fn statements(&self) -> Vec<RequestStmt> {
        self.0.children().filter_map(RequestStmt::cast).collect()
    }
}

impl Think {
    /// The keyword `think`, with `exponential` where it stands.
    #[must_use]
    pub fn keyword_span(&self) -> Span {
        keyword_span(&self.0)
    }

    /// Whether the pause is drawn from an exponential distribution.
    #[must_use]
    pub fn is_exponential(&self) -> bool {
        tokens(&self.0).any(|token| token.kind() == Kind::KwExponential)
    }

    /// The pause, its range, or its mean.
    #[must_use]
    pub fn value(&self) -> Option<Expr> {
        expr_at(&self.0, 0)
    }
}

impl Binding {
    /// The keyword it starts with.
    #[must_use]
    pub fn keyword_span(&self) -> Span {
        keyword_span(&self.0)
    }

    /// The name being given.
    #[must_use]
    pub fn name(&self) -> Option<Name> {
        Name::of(&self.0)
    }

    /// The value behind `=`.
    #[must_use]
    pub fn value(&self) -> Option<Expr> {
        expr_at(&self.0, 0)
    }
}

impl Expectation {
    /// The keyword it starts with.
    #[must_use]
    pub fn keyword_span(&self) -> Span {
        keyword_span(&self.0)
    }

    /// What must hold.
    #[must_use]
    pub fn condition(&self) -> Option<Expr> {
        expr_at(&self.0, 0)
    }

    /// The string behind `as`, and where it stands.
    #[must_use]
    pub fn label(&self) -> Option<(String, Span)> {
        let label = self.0.children().find(|node| node.kind() == Kind::Label)?;
        let token = tokens(&label).next()?;
        Some((string::value(token.text()), super::token_span(&token)))
    }
}
