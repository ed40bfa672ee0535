//! The statements of `server`, `guard`, `scenario`, `assert` and `report`.

use super::super::kind::Kind;
use super::super::tree::Node;
use super::{Expr, Name, blocks, expr_at, keyword_span, named, span_of, views};
use crate::text::Span;

views! {
    /// A keyword and its value: `timeout 10s`.
    Attr;
    /// A keyword and a name: `target docs`.
    NameStmt;
    /// A keyword and a word: `arrivals poisson`.
    WordStmt;
    /// `builtin rulebook { … }`
    Builtin;
    /// A switch of a built-in server.
    Setting;
    /// `header NAME VALUE`
    HeaderStmt;
    /// `stages { … }`
    Stages;
    /// `ramp A -> B over D`
    Ramp;
    /// `hold A for D`
    Hold;
    /// `mix { … }`
    Mix;
    /// `60% search`
    Share;
    /// One condition of `assert`.
    AssertLine;
}

blocks!(Builtin, Stages, Mix);
named!(NameStmt, Builtin, Setting);

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
    /// A statement of `server`.
    ServerStmt {
        /// `http URL`
        Http => Http(Attr),
        /// `stdio ["cmd", "arg"]`
        Stdio => Stdio(Attr),
        /// `builtin rulebook { … }`
        Builtin => Builtin(Builtin),
        /// `header NAME VALUE`
        Header => Header(HeaderStmt),
        /// `protocol auto` or a revision.
        Protocol => Protocol(WordStmt),
        /// `timeout 10s`
        Timeout => Timeout(Attr),
        /// `connect_timeout 1s`
        ConnectTimeout => ConnectTimeout(Attr),
        /// `env { "K": "V" }`
        Env => Env(Attr),
        /// `cwd "dir"`
        Cwd => Cwd(Attr),
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
    }
}

statements! {
    /// A statement of `scenario`.
    ScenarioStmt {
        /// `target docs`
        Target => Target(NameStmt),
        /// `warmup 10s`
        Warmup => Warmup(Attr),
        /// `stages { … }`
        Stages => Stages(Stages),
        /// `mix { … }`
        Mix => Mix(Mix),
        /// `run search`
        Run => Run(NameStmt),
    }
}

statements! {
    /// A statement of `stages`.
    Stage {
        /// `ramp A -> B over D`
        Ramp => Ramp(Ramp),
        /// `hold A for D`
        Hold => Hold(Hold),
        /// `drain up to D`
        Drain => Drain(Attr),
        /// `arrivals poisson`
        Arrivals => Arrivals(WordStmt),
        /// `max users 50 users`
        MaxUsers => MaxUsers(Attr),
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
    }
}

/// Adds the span of the keyword to statements that have no block.
macro_rules! keywords {
    ($($name:ident),* $(,)?) => {$(
        impl $name {
            /// The keyword or keywords it starts with.
            #[must_use]
            pub fn keyword_span(&self) -> Span {
                keyword_span(&self.0)
            }
        }
    )*};
}

keywords!(Attr, NameStmt, WordStmt, HeaderStmt, Ramp, Hold);

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

impl Builtin {
    /// Its switches; rejected lines are left out.
    #[must_use]
    pub fn settings(&self) -> Vec<Setting> {
        self.0.children().filter(|node| node.kind() == Kind::Setting).map(Setting).collect()
    }
}

impl Setting {
    /// The value behind the name.
    #[must_use]
    pub fn value(&self) -> Option<Expr> {
        expr_at(&self.0, 0)
    }
}

impl HeaderStmt {
    /// The name of the header.
    #[must_use]
    pub fn name(&self) -> Option<Expr> {
        expr_at(&self.0, 0)
    }

    /// Its value.
    #[must_use]
    pub fn value(&self) -> Option<Expr> {
        expr_at(&self.0, 1)
    }
}

impl Stages {
    /// The stages and their settings, in order.
    #[must_use]
    pub fn statements(&self) -> Vec<Stage> {
        self.0.children().filter_map(Stage::cast).collect()
    }
}

impl Ramp {
    /// The level it starts at.
    #[must_use]
    pub fn from(&self) -> Option<Expr> {
        expr_at(&self.0, 0)
    }

    /// The level it ends at.
    #[must_use]
    pub fn to(&self) -> Option<Expr> {
        expr_at(&self.0, 1)
    }

    /// How long it takes.
    #[must_use]
    pub fn over(&self) -> Option<Expr> {
        expr_at(&self.0, 2)
    }
}

impl Hold {
    /// The level.
    #[must_use]
    pub fn level(&self) -> Option<Expr> {
        expr_at(&self.0, 0)
    }

    /// How long it lasts.
    #[must_use]
    pub fn duration(&self) -> Option<Expr> {
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
fn rejected(node: &Node) -> Vec<Span> {
    node.children().filter(|child| child.kind() == Kind::Rejected).map(|child| span_of(&child)).collect()
}
