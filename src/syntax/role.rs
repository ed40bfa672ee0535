//! What a kind is: a keyword, a mistake, a statement.

use super::kind::Kind;

impl Kind {
    /// Whether it is a keyword token.
    pub(super) fn is_keyword(self) -> bool {
        self.name().starts_with("KW_")
    }

    /// Whether a syntax diagnostic is given wherever it stands.
    pub(super) fn is_error(self) -> bool {
        matches!(
            self,
            Kind::NoName
                | Kind::LateOpen
                | Kind::NoOpen
                | Kind::NoRequestOpen
                | Kind::NoClose
                | Kind::BadHead
                | Kind::BareKey
                | Kind::BadName
                | Kind::BadQuantity
                | Kind::SpacedQuantity
                | Kind::LooseStr
                | Kind::OpenStr
                | Kind::WrongStr
                | Kind::LooseFstr
                | Kind::OpenFstr
                | Kind::Skipped
                | Kind::TooLong
                | Kind::DuplicateKey
        )
    }

    /// Whether it is an item or a statement.
    pub(super) fn is_statement(self) -> bool {
        matches!(
            self,
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
                | Kind::Setting
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
                | Kind::Share
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
                | Kind::AssertLine
                | Kind::Html
                | Kind::Markdown
                | Kind::Junit
                | Kind::Include
                | Kind::Data
                | Kind::Baseline
                | Kind::Sse
                | Kind::RevisionShare
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
                | Kind::CellType
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
                | Kind::Branch
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
                | Kind::WithinLine
                | Kind::Template
        )
    }
}
