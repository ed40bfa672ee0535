//! The statements of `server`, `guard`, `scenario`, `assert` and `report`.

use super::super::kind::Kind;
use super::super::tree::Node;
use super::{Expr, Name, Step, blocks, expr_at, keyword_span, named, span_of, tokens, views};
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
    /// `protocol auto`, or a block of shares.
    Protocol;
    /// `60% 2025-11-25`
    RevisionShare;
    /// `launch ["cmd"] ready within D`
    Launch;
    /// `tls { … }`
    Tls;
    /// `cert "c.pem" key "k.pem"`
    Cert;
    /// `auth oauth { … }`
    Oauth;
    /// `answer sampling { … }`
    Answer;
    /// `header NAME VALUE`
    HeaderStmt;
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
    /// `stages { … }`
    Stages;
    /// `ramp A -> B over D`
    Ramp;
    /// `hold A for D`
    Hold;
    /// `seek A -> B step C while CONDITION`
    Seek;
    /// `iterations N shared by 20 users`
    Iterations;
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

blocks!(Builtin, Stages, Mix, Protocol, Tls, Oauth, Types, Target, UserSteps);
named!(NameStmt, Builtin, Setting, Target, Tag);

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
        /// `sse URL`
        Sse => Sse(Attr),
        /// `builtin rulebook { … }`
        Builtin => Builtin(Builtin),
        /// `header NAME VALUE`
        Header => Header(HeaderStmt),
        /// `protocol auto`, a revision, or shares of several.
        Protocol => Protocol(Protocol),
        /// `timeout 10s`
        Timeout => Timeout(Attr),
        /// `connect_timeout 1s`
        ConnectTimeout => ConnectTimeout(Attr),
        /// `env { "K": "V" }`
        Env => Env(Attr),
        /// `cwd "dir"`
        Cwd => Cwd(Attr),
        /// `launch ["cmd"] ready within 10s`
        Launch => Launch(Launch),
        /// `tls { … }`
        Tls => Tls(Tls),
        /// `auth bearer VALUE`
        AuthBearer => AuthBearer(Attr),
        /// `auth oauth { … }`
        AuthOauth => AuthOauth(Oauth),
        /// `quickack on`
        Quickack => Quickack(Attr),
        /// `answer elicitation { … }`
        Answer => Answer(Answer),
        /// `capabilities { … }`
        Capabilities => Capabilities(Attr),
    }
}

statements! {
    /// A statement of `tls`.
    TlsStmt {
        /// `ca "ca.pem"`
        Ca => Ca(Attr),
        /// `cert "c.pem" key "k.pem"`
        Cert => Cert(Cert),
        /// `insecure on`
        Insecure => Insecure(Attr),
    }
}

statements! {
    /// A statement of `auth oauth`.
    OauthStmt {
        /// `token_url URL`
        TokenUrl => TokenUrl(Attr),
        /// `client_id ID`
        ClientId => ClientId(Attr),
        /// `client_secret VALUE`
        ClientSecret => ClientSecret(Attr),
        /// `scopes […]`
        Scopes => Scopes(Attr),
    }
}

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
        /// `before user { … }`
        BeforeUser => BeforeUser(UserSteps),
        /// `after user { … }`
        AfterUser => AfterUser(UserSteps),
        /// `tag key = VALUE`
        Tag => Tag(Tag),
    }
}

statements! {
    /// A statement of `stages`.
    Stage {
        /// `ramp A -> B over D`
        Ramp => Ramp(Ramp),
        /// `hold A for D`
        Hold => Hold(Hold),
        /// `seek A -> B step C while CONDITION`
        Seek => Seek(Seek),
        /// `iterations N shared by 20 users`
        Iterations => Iterations(Iterations),
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
            pub fn keyword_span(&self) -> Span {
                keyword_span(&self.0)
            }
        }
    )*};
}

keywords!(
    Attr, NameStmt, WordStmt, HeaderStmt, Ramp, Hold, Launch, Cert, Answer, Abort, Tag, Seek, Iterations, Template
);

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

/// The value behind the keyword `kind`, where the statement has several parts
/// that may be left out.
fn behind(node: &Node, kind: Kind) -> Option<Expr> {
    let mut rest = node.children_with_tokens().skip_while(|element| element.kind() != kind);
    rest.find_map(|element| element.into_node().and_then(Expr::cast))
}

impl Protocol {
    /// The word behind the keyword.
    #[must_use]
    pub fn word(&self) -> Option<Name> {
        Name::of(&self.0)
    }

    /// Its shares, where it is a block.
    #[must_use]
    pub fn shares(&self) -> Vec<RevisionShare> {
        self.0.children().filter(|node| node.kind() == Kind::RevisionShare).map(RevisionShare).collect()
    }

    /// The lines that the parser rejected.
    #[must_use]
    pub fn rejected(&self) -> Vec<Span> {
        rejected(&self.0)
    }
}

impl RevisionShare {
    /// The part of the virtual users.
    #[must_use]
    pub fn percent(&self) -> Option<Expr> {
        expr_at(&self.0, 0)
    }

    /// The revision.
    #[must_use]
    pub fn revision(&self) -> Option<Name> {
        Name::of(&self.0)
    }
}

impl Launch {
    /// The command.
    #[must_use]
    pub fn command(&self) -> Option<Expr> {
        expr_at(&self.0, 0)
    }

    /// The time behind `ready within`.
    #[must_use]
    pub fn within(&self) -> Option<Expr> {
        behind(&self.0, Kind::KwWithin)
    }
}

impl Tls {
    /// Its statements.
    #[must_use]
    pub fn statements(&self) -> Vec<TlsStmt> {
        self.0.children().filter_map(TlsStmt::cast).collect()
    }
}

impl Cert {
    /// The file of the certificate.
    #[must_use]
    pub fn cert(&self) -> Option<Expr> {
        expr_at(&self.0, 0)
    }

    /// The file of its key.
    #[must_use]
    pub fn key(&self) -> Option<Expr> {
        behind(&self.0, Kind::KwKey)
    }
}

impl Oauth {
    /// Its statements.
    #[must_use]
    pub fn statements(&self) -> Vec<OauthStmt> {
        self.0.children().filter_map(OauthStmt::cast).collect()
    }
}

impl Answer {
    /// What the server asks for.
    #[must_use]
    pub fn word(&self) -> Option<Name> {
        Name::of(&self.0)
    }

    /// The answer.
    #[must_use]
    pub fn value(&self) -> Option<Expr> {
        expr_at(&self.0, 0)
    }
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

impl Seek {
    /// The level it starts at.
    #[must_use]
    pub fn from(&self) -> Option<Expr> {
        expr_at(&self.0, 0)
    }

    /// The level it ends at unless the condition breaks before.
    #[must_use]
    pub fn to(&self) -> Option<Expr> {
        behind(&self.0, Kind::Arrow)
    }

    /// By how much the level rises.
    #[must_use]
    pub fn step(&self) -> Option<Expr> {
        behind(&self.0, Kind::KwStep)
    }

    /// How long a level lasts.
    #[must_use]
    pub fn every(&self) -> Option<Expr> {
        self.has(Kind::KwEvery).then(|| behind(&self.0, Kind::KwEvery)).flatten()
    }

    /// What must hold of each level.
    #[must_use]
    pub fn condition(&self) -> Option<Expr> {
        behind(&self.0, Kind::KwWhile)
    }

    /// For how long the last good level is confirmed.
    #[must_use]
    pub fn confirm(&self) -> Option<Expr> {
        self.has(Kind::KwConfirm).then(|| behind(&self.0, Kind::KwConfirm)).flatten()
    }

    fn has(&self, kind: Kind) -> bool {
        tokens(&self.0).any(|token| token.kind() == kind)
    }
}

impl Iterations {
    /// How many.
    #[must_use]
    pub fn count(&self) -> Option<Expr> {
        expr_at(&self.0, 0)
    }

    /// Whether all users share them, rather than each having so many.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        tokens(&self.0).any(|token| token.kind() == Kind::KwShared)
    }

    /// The users who perform them.
    #[must_use]
    pub fn users(&self) -> Option<Expr> {
        behind(&self.0, Kind::KwBy)
    }

    /// The time within which they must be done.
    #[must_use]
    pub fn within(&self) -> Option<Expr> {
        behind(&self.0, Kind::KwWithin)
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
