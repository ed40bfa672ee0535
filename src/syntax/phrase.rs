//! What was expected, in words.
//!
//! Invariant: each kind has its phrase, by a match without a wildcard.

use super::kind::Kind;

/// How a kind reads in "expected …".
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Phrase {
    /// A word or sign, shown as code.
    Exact(String),
    /// Something of a sort.
    Sort(&'static str),
    /// The end of the statement.
    End,
    /// Not worth a word: operators and trivia, which may stand everywhere, and
    /// rules that nobody waits for.
    Silent,
}

/// The phrase of a kind.
pub(super) fn phrase(kind: Kind) -> Phrase {
    let exact = |text: &str| Phrase::Exact(text.to_owned());
    match kind {
        Kind::End => Phrase::End,
        Kind::LBrace => exact("{"),
        Kind::RBrace => exact("}"),
        Kind::LBracket => exact("["),
        Kind::RBracket => exact("]"),
        Kind::RParen => exact(")"),
        Kind::Comma => exact(","),
        Kind::Colon => exact(":"),
        Kind::Assign => exact("="),
        Kind::Dot => exact("."),
        Kind::Arrow => exact("->"),
        Kind::Quote => exact("\""),
        Kind::FQuote => exact("f\""),
        Kind::Expr | Kind::Free => Phrase::Sort("a value"),
        Kind::Arg => Phrase::Sort("an argument"),
        Kind::Amount | Kind::Percent => Phrase::Sort("a percentage such as `60%`"),
        Kind::Duration => Phrase::Sort("a duration such as `30s`"),
        Kind::Rate => Phrase::Sort("a rate such as `40/s`"),
        Kind::Size => Phrase::Sort("a size such as `64KiB`"),
        Kind::Users => Phrase::Sort("a number of users such as `50 users`"),
        Kind::Number => Phrase::Sort("a number"),
        Kind::Revision => Phrase::Sort("a revision such as `2025-11-25`"),
        Kind::Percentile => Phrase::Sort("a percentile such as `p99.9`"),
        Kind::Name | Kind::PlainName | Kind::NameRef => Phrase::Sort("a name"),
        Kind::Word | Kind::OtherWord => Phrase::Sort("a word"),
        Kind::Field => Phrase::Sort("the name of a field"),
        Kind::TagName => Phrase::Sort("the name of a tag"),
        Kind::Key | Kind::Entry => Phrase::Sort("a key in quotes such as `\"limit\"`"),
        Kind::Label | Kind::WrongStr | Kind::String | Kind::TextValue => Phrase::Sort("a string such as `\"fast\"`"),
        Kind::Object => Phrase::Sort("an object such as `{ \"limit\": 10 }`"),
        Kind::Array => Phrase::Sort("a list such as `[1, 2]`"),
        Kind::EditionNumber => Phrase::Sort("the number of an edition"),
        Kind::AssertLine => Phrase::Sort("a condition such as `search.latency.p95 < 250ms`"),
        Kind::Share => Phrase::Sort("a share such as `60% search`"),
        Kind::RevisionShare => Phrase::Sort("a share such as `60% 2025-11-25`"),
        Kind::Branch => Phrase::Sort("a branch such as `70% { … }`"),
        Kind::CellType => Phrase::Sort("a column and its type such as `limit: int`"),
        Kind::WithinLine => Phrase::Sort("a condition such as `search.latency.p95 within +10%`"),
        Kind::Column | Kind::ColumnWord => Phrase::Sort("the name of a column"),
        Kind::MarginSign => Phrase::Sort("`+` or `-`"),
        Kind::Setting => Phrase::Sort("a switch and its value"),
        Kind::File => Phrase::Sort("a file"),
        Kind::Edition
        | Kind::Param
        | Kind::Server
        | Kind::Guard
        | Kind::Scenario
        | Kind::Flow
        | Kind::Assert
        | Kind::Report
        | Kind::Http
        | Kind::Stdio
        | Kind::Builtin
        | Kind::Header
        | Kind::Protocol
        | Kind::Timeout
        | Kind::ConnectTimeout
        | Kind::Env
        | Kind::Cwd
        | Kind::AllowHosts
        | Kind::AllowTools
        | Kind::DenyTools
        | Kind::MaxRate
        | Kind::MaxUsers
        | Kind::Target
        | Kind::Warmup
        | Kind::Run
        | Kind::Stages
        | Kind::Ramp
        | Kind::Hold
        | Kind::Drain
        | Kind::Arrivals
        | Kind::Mix
        | Kind::Call
        | Kind::Read
        | Kind::Prompt
        | Kind::List
        | Kind::Think
        | Kind::Binding
        | Kind::AsLabel
        | Kind::Args
        | Kind::Expect
        | Kind::Require
        | Kind::Save
        | Kind::Pages
        | Kind::Html
        | Kind::Markdown
        | Kind::Junit
        | Kind::Include
        | Kind::Data
        | Kind::Baseline
        | Kind::Sse
        | Kind::Launch
        | Kind::Tls
        | Kind::Ca
        | Kind::Cert
        | Kind::Insecure
        | Kind::AuthBearer
        | Kind::AuthOauth
        | Kind::TokenUrl
        | Kind::ClientId
        | Kind::ClientSecret
        | Kind::ClientKey
        | Kind::KeyId
        | Kind::Audience
        | Kind::Scopes
        | Kind::At
        | Kind::ProxyEnvironment
        | Kind::Proxy
        | Kind::Quickack
        | Kind::Pid
        | Kind::Answer
        | Kind::Capabilities
        | Kind::MaxInFlight
        | Kind::MaxDuration
        | Kind::MaxRequests
        | Kind::Abort
        | Kind::OnAbort
        | Kind::Csv
        | Kind::Json
        | Kind::Jsonl
        | Kind::Rows
        | Kind::Order
        | Kind::AtEnd
        | Kind::Types
        | Kind::StartAt
        | Kind::StartAfter
        | Kind::SessionsPer
        | Kind::SessionsShared
        | Kind::CloseSessions
        | Kind::HoldStream
        | Kind::CacheHints
        | Kind::LostSession
        | Kind::Ids
        | Kind::ListBeforeCall
        | Kind::Persona
        | Kind::BeforeUser
        | Kind::AfterUser
        | Kind::Tag
        | Kind::Seek
        | Kind::Iterations
        | Kind::Complete
        | Kind::Subscribe
        | Kind::Request
        | Kind::Pace
        | Kind::Take
        | Kind::Repeat
        | Kind::IfStep
        | Kind::ElseIf
        | Kind::ElseStep
        | Kind::Choose
        | Kind::Parallel
        | Kind::Group
        | Kind::Stop
        | Kind::Log
        | Kind::Params
        | Kind::Argument
        | Kind::Cancel
        | Kind::Progress
        | Kind::Task
        | Kind::Ttl
        | Kind::Measure
        | Kind::Template => Phrase::Sort("a statement"),
        Kind::KwMcpl
        | Kind::KwParam
        | Kind::KwServer
        | Kind::KwGuard
        | Kind::KwScenario
        | Kind::KwFlow
        | Kind::KwAssert
        | Kind::KwReport
        | Kind::KwHttp
        | Kind::KwStdio
        | Kind::KwBuiltin
        | Kind::KwHeader
        | Kind::KwProtocol
        | Kind::KwTimeout
        | Kind::KwConnectTimeout
        | Kind::KwEnv
        | Kind::KwCwd
        | Kind::KwAllow
        | Kind::KwDeny
        | Kind::KwHosts
        | Kind::KwTools
        | Kind::KwMax
        | Kind::KwRate
        | Kind::KwUsers
        | Kind::KwTarget
        | Kind::KwWarmup
        | Kind::KwStages
        | Kind::KwMix
        | Kind::KwRun
        | Kind::KwRamp
        | Kind::KwOver
        | Kind::KwHold
        | Kind::KwFor
        | Kind::KwDrain
        | Kind::KwUp
        | Kind::KwTo
        | Kind::KwArrivals
        | Kind::KwCall
        | Kind::KwRead
        | Kind::KwPrompt
        | Kind::KwList
        | Kind::KwThink
        | Kind::KwExponential
        | Kind::KwLet
        | Kind::KwAs
        | Kind::KwArgs
        | Kind::KwExpect
        | Kind::KwRequire
        | Kind::KwSave
        | Kind::KwPages
        | Kind::KwHtml
        | Kind::KwMarkdown
        | Kind::KwJunit
        | Kind::KwInclude
        | Kind::KwData
        | Kind::KwBaseline
        | Kind::KwCsv
        | Kind::KwJson
        | Kind::KwJsonl
        | Kind::KwRows
        | Kind::KwOrder
        | Kind::KwAtEnd
        | Kind::KwTypes
        | Kind::KwWithin
        | Kind::KwTemplate
        | Kind::KwSse
        | Kind::KwLaunch
        | Kind::KwReady
        | Kind::KwProxy
        | Kind::KwEnvironment
        | Kind::KwQuickack
        | Kind::KwPid
        | Kind::KwTls
        | Kind::KwCa
        | Kind::KwCert
        | Kind::KwKey
        | Kind::KwInsecure
        | Kind::KwAuth
        | Kind::KwBearer
        | Kind::KwOauth
        | Kind::KwTokenUrl
        | Kind::KwClientId
        | Kind::KwClientSecret
        | Kind::KwClientKey
        | Kind::KwKeyId
        | Kind::KwAudience
        | Kind::KwScopes
        | Kind::KwAnswer
        | Kind::KwCapabilities
        | Kind::KwInFlight
        | Kind::KwDuration
        | Kind::KwRequests
        | Kind::KwAbort
        | Kind::KwWhen
        | Kind::KwStart
        | Kind::KwAt
        | Kind::KwAfter
        | Kind::KwSessions
        | Kind::KwPer
        | Kind::KwShared
        | Kind::KwClose
        | Kind::KwStream
        | Kind::KwCache
        | Kind::KwHints
        | Kind::KwLost
        | Kind::KwSession
        | Kind::KwIds
        | Kind::KwPersona
        | Kind::KwBefore
        | Kind::KwUser
        | Kind::KwTag
        | Kind::KwIterations
        | Kind::KwEach
        | Kind::KwBy
        | Kind::KwSeek
        | Kind::KwStep
        | Kind::KwEvery
        | Kind::KwWhile
        | Kind::KwConfirm
        | Kind::KwComplete
        | Kind::KwResource
        | Kind::KwArgument
        | Kind::KwValue
        | Kind::KwSubscribe
        | Kind::KwRequest
        | Kind::KwParams
        | Kind::KwTake
        | Kind::KwFrom
        | Kind::KwPace
        | Kind::KwRepeat
        | Kind::KwIf
        | Kind::KwElse
        | Kind::KwChoose
        | Kind::KwParallel
        | Kind::KwGroup
        | Kind::KwStop
        | Kind::KwLog
        | Kind::KwCancel
        | Kind::KwProgress
        | Kind::KwTask
        | Kind::KwTtl
        | Kind::KwMeasure
        | Kind::KwOf
        | Kind::KwSeconds => exact(&keyword(kind).unwrap_or_default()),
        Kind::Comment
        | Kind::KwAnd
        | Kind::KwOr
        | Kind::KwContains
        | Kind::KwMatches
        | Kind::KwExists
        | Kind::KwNot
        | Kind::KwTrue
        | Kind::KwFalse
        | Kind::KwNull
        | Kind::KwOn
        | Kind::KwOff
        | Kind::KwIn
        | Kind::LParen
        | Kind::Nl
        | Kind::Bom
        | Kind::Blank
        | Kind::Doc
        | Kind::Hidden
        | Kind::EqEq
        | Kind::NotEq
        | Kind::LtEq
        | Kind::GtEq
        | Kind::Lt
        | Kind::Gt
        | Kind::Plus
        | Kind::Minus
        | Kind::Neg
        | Kind::Star
        | Kind::Slash
        | Kind::DotDot
        | Kind::InOp
        | Kind::BareKey
        | Kind::BadName
        | Kind::BadQuantity
        | Kind::SpacedQuantity
        | Kind::LooseStr
        | Kind::OpenStr
        | Kind::LooseFstr
        | Kind::OpenFstr
        | Kind::Skipped
        | Kind::BadText
        | Kind::BadBlock
        | Kind::BadHead
        | Kind::Rejected
        | Kind::StrayClose
        | Kind::NoName
        | Kind::NoOpen
        | Kind::NoRequestOpen
        | Kind::NoClose
        | Kind::LateOpen
        | Kind::Access
        | Kind::Select
        | Kind::Index
        | Kind::Paren
        | Kind::FText
        | Kind::Hole
        | Kind::Fstr
        | Kind::Function
        | Kind::Callee
        | Kind::ArgName
        | Kind::TooLong
        | Kind::Files
        | Kind::Unparsed
        | Kind::DuplicateKey
        | Kind::Literal
        | Kind::Reference
        | Kind::Binary
        | Kind::Range
        | Kind::Unary => Phrase::Silent,
    }
}

/// The text of a keyword.
pub(super) fn keyword(kind: Kind) -> Option<String> {
    kind.name().strip_prefix("KW_").map(str::to_lowercase)
}

/// "a, b or c", at most three of them, what is certain before what is of a sort.
/// `None` when nothing of it can be said.
pub(super) fn expected(kinds: &[Kind]) -> Option<String> {
    const SHOWN: usize = 3;
    let mut exact = Vec::new();
    let mut sorts = Vec::new();
    let mut ends = false;
    for kind in kinds {
        match phrase(*kind) {
            Phrase::Exact(text) => exact.push(format!("`{text}`")),
            Phrase::Sort(text) => sorts.push(text.to_owned()),
            Phrase::End => ends = true,
            Phrase::Silent => {}
        }
    }
    // What goes on before what ends.
    exact.sort_by_key(|text| matches!(text.as_str(), "`}`" | "`]`" | "`)`"));
    let mut all = exact;
    all.append(&mut sorts);
    if ends {
        all.push("the end of the line".to_owned());
    }
    all.dedup();
    all.truncate(SHOWN);
    let last = all.pop()?;
    Some(if all.is_empty() { last } else { format!("{} or {last}", all.join(", ")) })
}
