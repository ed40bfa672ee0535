//! The statements of `guard`, `data`, `scenario`, `assert`, `baseline` and `report`.

use super::super::kind::Kind;
use super::super::tree::Node;
use super::stage::Stages;
use super::{Expr, Name, Step, blocks, expr_at, named, span_of, tokens, views};
use crate::text::Span;

views! {
    /// A keyword and its value: `timeout 10s`.
    Attr;
    /// A keyword and a name: `target docs`.
    NameStmt;
    /// A keyword and a word: `arrivals poisson`.
    WordStmt;
    /// `abort when CONDITION for D`
    Abort;
    /// `types { … }`
    Types;
    /// `limit: int`
    CellType;
    /// `target docs`, or a block of shares.
    Target;
    /// `before user { … }` and `after user { … }`
    UserSteps;
    /// `tag key = VALUE`
    Tag;
    /// `mix { … }`
    Mix;
    /// `60% search`
    Share;
    /// One condition of `assert`.
    AssertLine;
    /// One condition of `baseline`.
    WithinLine;
    /// `template "mine.j2" to "out.txt"`
    Template;
}

blocks!(Mix, Types, Target, UserSteps);
named!(NameStmt, Target, Tag);

/// Declares the statements of one block: each kind of node, its variant and its
/// view.
macro_rules! statements {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $kind:ident => $variant:ident($view:ident),)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum $name {
            $($(#[$variant_doc])* $variant($view),)*
            /// What the parser rejected.
            Broken(crate::text::Span),
        }

        impl $name {
            pub(super) fn cast(node: crate::syntax::tree::Node) -> Option<$name> {
                match node.kind() {
                    $(crate::syntax::kind::Kind::$kind => Some($name::$variant($view(node))),)*
                    crate::syntax::kind::Kind::Rejected => Some($name::Broken(crate::syntax::ast::span_of(&node))),
                    _ => None,
                }
            }

            /// Where it stands.
            #[must_use]
            pub fn span(&self) -> crate::text::Span {
                match self {
                    $($name::$variant(view) => view.span(),)*
                    $name::Broken(span) => *span,
                }
            }

            /// Whether a syntax diagnostic was given inside its own head.
            #[must_use]
            pub fn is_broken(&self) -> bool {
                match self {
                    $($name::$variant(view) => view.is_broken(),)*
                    $name::Broken(_) => true,
                }
            }
        }
    };
}

pub(super) use statements;

statements! {
    /// A statement of `data`.
    DataStmt {
        /// `csv PATH`
        Csv => Csv(Attr),
        /// `json PATH`
        Json => Json(Attr),
        /// `jsonl PATH`
        Jsonl => Jsonl(Attr),
        /// `rows [ … ]`
        Rows => Rows(Attr),
        /// `order shuffle`
        Order => Order(WordStmt),
        /// `at_end wrap`
        AtEnd => AtEnd(WordStmt),
        /// `types { … }`
        Types => Types(Types),
    }
}

statements! {
    /// A statement of `guard`.
    GuardStmt {
        /// `allow hosts ["…"]`
        AllowHosts => AllowHosts(Attr),
        /// `allow tools ["…"]`
        AllowTools => AllowTools(Attr),
        /// `deny tools ["…"]`
        DenyTools => DenyTools(Attr),
        /// `max rate 100/s`
        MaxRate => MaxRate(Attr),
        /// `max users 50 users`
        MaxUsers => MaxUsers(Attr),
        /// `max in_flight 200`
        MaxInFlight => MaxInFlight(Attr),
        /// `max duration 10m`
        MaxDuration => MaxDuration(Attr),
        /// `max requests 10000`
        MaxRequests => MaxRequests(Attr),
        /// `abort when CONDITION for D`
        Abort => Abort(Abort),
        /// `on abort drain`
        OnAbort => OnAbort(WordStmt),
    }
}

statements! {
    /// A statement of `scenario`.
    ScenarioStmt {
        /// `target docs`, or shares of several.
        Target => Target(Target),
        /// `warmup 10s`
        Warmup => Warmup(Attr),
        /// `stages { … }`
        Stages => Stages(Stages),
        /// `mix { … }`
        Mix => Mix(Mix),
        /// `run search`
        Run => Run(NameStmt),
        /// `start at 30s`
        StartAt => StartAt(Attr),
        /// `start after OTHER`
        StartAfter => StartAfter(NameStmt),
        /// `sessions per user`
        SessionsPer => SessionsPer(WordStmt),
        /// `sessions shared 10`
        SessionsShared => SessionsShared(Attr),
        /// `close 90%`
        CloseSessions => Close(Attr),
        /// `hold stream on`
        HoldStream => HoldStream(Attr),
        /// `cache hints on`
        CacheHints => CacheHints(Attr),
        /// `lost session renew`
        LostSession => LostSession(WordStmt),
        /// `ids text`
        Ids => Ids(WordStmt),
        /// `list before call 50%`
        ListBeforeCall => ListBeforeCall(Attr),
        /// `persona "ChatGPT"`
        Persona => Persona(Attr),
        /// `before user { … }`
        BeforeUser => BeforeUser(UserSteps),
        /// `after user { … }`
        AfterUser => AfterUser(UserSteps),
        /// `tag key = VALUE`
        Tag => Tag(Tag),
    }
}

statements! {
    /// A statement of `report`.
    ReportStmt {
        /// `html "out.html"`
        Html => Html(Attr),
        /// `markdown "out.md"`
        Markdown => Markdown(Attr),
        /// `junit "out.xml"`
        Junit => Junit(Attr),
        /// `template "mine.j2" to "out.txt"`
        Template => Template(Template),
    }
}

/// Adds the span of the keyword to statements that have no block.
macro_rules! keywords {
    ($($name:ident),* $(,)?) => {$(
        impl $name {
            /// The keyword or keywords it starts with.
            #[must_use]
            pub fn keyword_span(&self) -> crate::text::Span {
                crate::syntax::ast::keyword_span(&self.0)
            }
        }
    )*};
}

pub(super) use keywords;

keywords!(Attr, NameStmt, WordStmt, Abort, Tag, Template);

impl Attr {
    /// The value behind the keyword.
    #[must_use]
    pub fn value(&self) -> Option<Expr> {
        expr_at(&self.0, 0)
    }
}

impl WordStmt {
    /// The word behind the keyword.
    #[must_use]
    pub fn word(&self) -> Option<Name> {
        Name::of(&self.0)
    }
}

/// The value behind the keyword `kind`, where the statement has several parts
/// that may be left out.
pub(super) fn behind(node: &Node, kind: Kind) -> Option<Expr> {
    let mut rest = node.children_with_tokens().skip_while(|element| element.kind() != kind);
    rest.find_map(|element| element.into_node().and_then(Expr::cast))
}

impl Abort {
    /// The condition.
    #[must_use]
    pub fn condition(&self) -> Option<Expr> {
        expr_at(&self.0, 0)
    }

    /// For how long it must have held.
    #[must_use]
    pub fn duration(&self) -> Option<Expr> {
        behind(&self.0, Kind::KwFor)
    }
}

impl Types {
    /// Its lines; rejected ones are left out.
    #[must_use]
    pub fn columns(&self) -> Vec<CellType> {
        self.0.children().filter(|node| node.kind() == Kind::CellType).map(CellType).collect()
    }
}

impl CellType {
    /// The column.
    #[must_use]
    pub fn column(&self) -> Option<Name> {
        self.0.children().find(|child| child.kind() == Kind::Column).and_then(|name| Name::in_node(&name))
    }

    /// What its cells are.
    #[must_use]
    pub fn word(&self) -> Option<Name> {
        self.0.children().find(|child| child.kind() == Kind::Word).and_then(|word| Name::in_node(&word))
    }
}

impl Target {
    /// Its shares, where it is a block.
    #[must_use]
    pub fn shares(&self) -> Vec<Share> {
        self.0.children().filter(|node| node.kind() == Kind::Share).map(Share).collect()
    }

    /// The lines that the parser rejected.
    #[must_use]
    pub fn rejected(&self) -> Vec<Span> {
        rejected(&self.0)
    }
}

impl UserSteps {
    /// Its steps.
    #[must_use]
    pub fn statements(&self) -> Vec<Step> {
        self.0.children().filter_map(Step::cast).collect()
    }
}

impl Tag {
    /// The value behind `=`.
    #[must_use]
    pub fn value(&self) -> Option<Expr> {
        expr_at(&self.0, 0)
    }
}

impl WithinLine {
    /// The metric.
    #[must_use]
    pub fn metric(&self) -> Option<Expr> {
        expr_at(&self.0, 0)
    }

    /// The margin, and whether it is one downwards; `None` where it has no sign.
    #[must_use]
    pub fn sign(&self) -> Option<bool> {
        tokens(&self.0).find(|token| token.kind() == Kind::MarginSign).map(|token| token.text() == "-")
    }

    /// How far it may be away.
    #[must_use]
    pub fn margin(&self) -> Option<Expr> {
        expr_at(&self.0, 1)
    }
}

impl Template {
    /// The template.
    #[must_use]
    pub fn template(&self) -> Option<Expr> {
        expr_at(&self.0, 0)
    }

    /// The file to write.
    #[must_use]
    pub fn to(&self) -> Option<Expr> {
        expr_at(&self.0, 1)
    }
}

impl Mix {
    /// Its shares; rejected lines are left out.
    #[must_use]
    pub fn shares(&self) -> Vec<Share> {
        self.0.children().filter(|node| node.kind() == Kind::Share).map(Share).collect()
    }

    /// The lines that the parser rejected: a sum over the shares says nothing
    /// while there are any.
    #[must_use]
    pub fn rejected(&self) -> Vec<Span> {
        rejected(&self.0)
    }
}

impl Share {
    /// The part of the iterations.
    #[must_use]
    pub fn percent(&self) -> Option<Expr> {
        expr_at(&self.0, 0)
    }

    /// The flow.
    #[must_use]
    pub fn flow(&self) -> Option<Name> {
        Name::of(&self.0)
    }
}

impl AssertLine {
    /// What must hold.
    #[must_use]
    pub fn condition(&self) -> Option<Expr> {
        expr_at(&self.0, 0)
    }

    /// The share in `in 99% of seconds`.
    #[must_use]
    pub fn share(&self) -> Option<Expr> {
        expr_at(&self.0, 1)
    }
}

/// The spans of what the parser rejected directly in a block.
pub(super) fn rejected(node: &Node) -> Vec<Span> {
    node.children().filter(|child| child.kind() == Kind::Rejected).map(|child| span_of(&child)).collect()
}
