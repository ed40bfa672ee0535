//! The vocabulary: which words start a statement in which block.
//!
//! Invariant: the one table of it. Suggestions, explanations and completion
//! read it; a test proves it equal to the grammar.

use super::kind::Kind;
use super::tree::Node;

/// A kind of block, which decides what a line in it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Block {
    /// The top of a file.
    File,
    /// `server`
    Server,
    /// The switches of `builtin`.
    Builtin,
    /// The shares of `protocol`.
    Revisions,
    /// `tls`
    Tls,
    /// `auth oauth`
    Oauth,
    /// `guard`
    Guard,
    /// `data`
    Data,
    /// `types`
    Types,
    /// `scenario`
    Scenario,
    /// The shares of `target`.
    Targets,
    /// `stages`
    Stages,
    /// `mix`
    Mix,
    /// `flow`
    Flow,
    /// A request step such as `call`.
    Request,
    /// `task`
    Task,
    /// The steps of `choose`.
    Choose,
    /// `assert`
    Assert,
    /// `baseline`
    Baseline,
    /// `report`
    Report,
}

impl Block {
    /// All of them.
    pub(super) const ALL: [Block; 20] = [
        Block::File,
        Block::Server,
        Block::Builtin,
        Block::Revisions,
        Block::Tls,
        Block::Oauth,
        Block::Guard,
        Block::Data,
        Block::Types,
        Block::Scenario,
        Block::Targets,
        Block::Stages,
        Block::Mix,
        Block::Flow,
        Block::Request,
        Block::Task,
        Block::Choose,
        Block::Assert,
        Block::Baseline,
        Block::Report,
    ];

    /// The block that a node of this kind opens.
    pub(super) fn of(kind: Kind) -> Option<Block> {
        Some(match kind {
            Kind::Server => Block::Server,
            Kind::Builtin => Block::Builtin,
            Kind::Guard => Block::Guard,
            Kind::Scenario => Block::Scenario,
            Kind::Stages => Block::Stages,
            Kind::Mix => Block::Mix,
            Kind::Protocol => Block::Revisions,
            Kind::Tls => Block::Tls,
            Kind::AuthOauth => Block::Oauth,
            Kind::Data => Block::Data,
            Kind::Types => Block::Types,
            Kind::Target => Block::Targets,
            Kind::Flow
            | Kind::Repeat
            | Kind::IfStep
            | Kind::ElseIf
            | Kind::ElseStep
            | Kind::Branch
            | Kind::Parallel
            | Kind::Group
            | Kind::BeforeUser
            | Kind::AfterUser => Block::Flow,
            Kind::Task => Block::Task,
            Kind::Choose => Block::Choose,
            Kind::Call | Kind::Read | Kind::Prompt | Kind::List | Kind::Complete | Kind::Subscribe | Kind::Request => {
                Block::Request
            }
            Kind::Assert => Block::Assert,
            Kind::Baseline => Block::Baseline,
            Kind::Report => Block::Report,
            _ => return None,
        })
    }

    /// How a message names it.
    pub(super) fn phrase(self) -> &'static str {
        match self {
            Block::File => "the top of a file",
            Block::Server => "`server`",
            Block::Builtin => "`builtin`",
            Block::Revisions => "`protocol`",
            Block::Tls => "`tls`",
            Block::Oauth => "`auth oauth`",
            Block::Guard => "`guard`",
            Block::Data => "`data`",
            Block::Types => "`types`",
            Block::Targets => "`target`",
            Block::Scenario => "`scenario`",
            Block::Stages => "`stages`",
            Block::Mix => "`mix`",
            Block::Flow => "`flow`",
            Block::Request => "a request such as `call`",
            Block::Task => "`task`",
            Block::Choose => "`choose`",
            Block::Assert => "`assert`",
            Block::Baseline => "`baseline`",
            Block::Report => "`report`",
        }
    }

    /// What each line is where no keyword starts it, and an example.
    pub(super) fn plain_line(self) -> Option<(Kind, &'static str)> {
        match self {
            Block::Builtin => Some((Kind::Setting, "latency 10ms")),
            Block::Revisions => Some((Kind::RevisionShare, "60% 2025-11-25")),
            Block::Types => Some((Kind::CellType, "limit: int")),
            Block::Targets => Some((Kind::Share, "50% docs")),
            Block::Mix => Some((Kind::Share, "60% search")),
            Block::Choose => Some((Kind::Branch, "70% { call search }")),
            Block::Baseline => Some((Kind::WithinLine, "search.latency.p95 within +10%")),
            Block::Assert => Some((Kind::AssertLine, "search.latency.p95 < 250ms")),
            _ => None,
        }
    }
}

/// A word that starts statements of a block.
pub(super) struct Word {
    /// Where it is valid.
    pub(super) block: Block,
    /// The word.
    pub(super) word: &'static str,
    /// The statements it starts.
    pub(super) kinds: &'static [Kind],
    /// One of them, in full.
    pub(super) example: &'static str,
}

const fn word(block: Block, word: &'static str, kinds: &'static [Kind], example: &'static str) -> Word {
    Word { block, word, kinds, example }
}

/// All words.
pub(super) const WORDS: &[Word] = &[
    word(Block::File, "mcpl", &[Kind::Edition], "mcpl 1"),
    word(Block::File, "param", &[Kind::Param], "param peak = 40/s"),
    word(Block::File, "include", &[Kind::Include], "include \"common.mcpl\""),
    word(Block::File, "server", &[Kind::Server], "server docs { http \"http://127.0.0.1:8931/mcp\" }"),
    word(Block::File, "guard", &[Kind::Guard], "guard { max rate 100/s }"),
    word(Block::File, "data", &[Kind::Data], "data queries { csv \"queries.csv\" }"),
    word(Block::File, "scenario", &[Kind::Scenario], "scenario browse { target docs }"),
    word(Block::File, "flow", &[Kind::Flow], "flow search { call search }"),
    word(Block::File, "assert", &[Kind::Assert], "assert { search.latency.p95 < 250ms }"),
    word(Block::File, "baseline", &[Kind::Baseline], "baseline docs { search.latency.p95 within +10% }"),
    word(Block::File, "report", &[Kind::Report], "report { html \"out.html\" }"),
    word(Block::Server, "http", &[Kind::Http], "http \"http://127.0.0.1:8931/mcp\""),
    word(Block::Server, "stdio", &[Kind::Stdio], "stdio [\"node\", \"server.js\"]"),
    word(Block::Server, "sse", &[Kind::Sse], "sse \"http://127.0.0.1:8931/sse\""),
    word(Block::Server, "builtin", &[Kind::Builtin], "builtin rulebook"),
    word(Block::Server, "at", &[Kind::At], "at \"http://127.0.0.1:8931/mcp\""),
    word(Block::Server, "header", &[Kind::Header], "header \"Authorization\" f\"Bearer {secret(\"TOKEN\")}\""),
    word(Block::Server, "protocol", &[Kind::Protocol], "protocol auto"),
    word(Block::Server, "timeout", &[Kind::Timeout], "timeout 10s"),
    word(Block::Server, "connect_timeout", &[Kind::ConnectTimeout], "connect_timeout 2s"),
    word(Block::Server, "env", &[Kind::Env], "env { \"LOG\": \"debug\" }"),
    word(Block::Server, "cwd", &[Kind::Cwd], "cwd \"server\""),
    word(Block::Server, "launch", &[Kind::Launch], "launch [\"node\", \"server.js\"] ready within 10s"),
    word(Block::Server, "tls", &[Kind::Tls], "tls { ca \"ca.pem\" }"),
    word(Block::Server, "auth", &[Kind::AuthBearer, Kind::AuthOauth], "auth bearer secret(\"TOKEN\")"),
    word(Block::Server, "proxy", &[Kind::ProxyEnvironment, Kind::Proxy], "proxy \"http://proxy.example.com:3128\""),
    word(Block::Server, "quickack", &[Kind::Quickack], "quickack on"),
    word(Block::Server, "pid", &[Kind::Pid], "pid 1234"),
    word(Block::Server, "answer", &[Kind::Answer], "answer elicitation { \"action\": \"accept\" }"),
    word(Block::Server, "capabilities", &[Kind::Capabilities], "capabilities { \"sampling\": {} }"),
    word(Block::Tls, "ca", &[Kind::Ca], "ca \"ca.pem\""),
    word(Block::Tls, "cert", &[Kind::Cert], "cert \"client.pem\" key \"client.key\""),
    word(Block::Tls, "insecure", &[Kind::Insecure], "insecure on"),
    word(Block::Oauth, "token_url", &[Kind::TokenUrl], "token_url \"http://127.0.0.1:8080/token\""),
    word(Block::Oauth, "client_id", &[Kind::ClientId], "client_id \"mcpl\""),
    word(Block::Oauth, "client_secret", &[Kind::ClientSecret], "client_secret secret(\"CLIENT_SECRET\")"),
    word(Block::Oauth, "client_key", &[Kind::ClientKey], "client_key \"client.key\""),
    word(Block::Oauth, "key_id", &[Kind::KeyId], "key_id \"2026-07\""),
    word(Block::Oauth, "audience", &[Kind::Audience], "audience \"https://id.example.com\""),
    word(Block::Oauth, "scopes", &[Kind::Scopes], "scopes [\"mcp\"]"),
    word(Block::Guard, "allow", &[Kind::AllowHosts, Kind::AllowTools], "allow hosts [\"*.staging.example.com\"]"),
    word(Block::Guard, "deny", &[Kind::DenyTools], "deny tools [\"delete_*\"]"),
    word(
        Block::Guard,
        "max",
        &[Kind::MaxRate, Kind::MaxUsers, Kind::MaxInFlight, Kind::MaxDuration, Kind::MaxRequests],
        "max rate 100/s",
    ),
    word(Block::Guard, "abort", &[Kind::Abort], "abort when errors.rate > 25% for 10s"),
    word(Block::Guard, "on", &[Kind::OnAbort], "on abort drain"),
    word(Block::Data, "csv", &[Kind::Csv], "csv \"queries.csv\""),
    word(Block::Data, "json", &[Kind::Json], "json \"queries.json\""),
    word(Block::Data, "jsonl", &[Kind::Jsonl], "jsonl \"queries.jsonl\""),
    word(Block::Data, "rows", &[Kind::Rows], "rows [{ \"text\": \"rust\" }]"),
    word(Block::Data, "order", &[Kind::Order], "order shuffle"),
    word(Block::Data, "at_end", &[Kind::AtEnd], "at_end wrap"),
    word(Block::Data, "types", &[Kind::Types], "types { limit: int }"),
    word(Block::Scenario, "target", &[Kind::Target], "target docs"),
    word(Block::Scenario, "warmup", &[Kind::Warmup], "warmup 10s"),
    word(Block::Scenario, "stages", &[Kind::Stages], "stages { hold 40/s for 2m }"),
    word(Block::Scenario, "mix", &[Kind::Mix], "mix { 100% search }"),
    word(Block::Scenario, "run", &[Kind::Run], "run search"),
    word(Block::Scenario, "start", &[Kind::StartAt, Kind::StartAfter], "start at 30s"),
    word(Block::Scenario, "sessions", &[Kind::SessionsPer, Kind::SessionsShared], "sessions per iteration"),
    word(Block::Scenario, "close", &[Kind::CloseSessions], "close 90%"),
    word(Block::Scenario, "hold", &[Kind::HoldStream], "hold stream on"),
    word(Block::Scenario, "cache", &[Kind::CacheHints], "cache hints on"),
    word(Block::Scenario, "lost", &[Kind::LostSession], "lost session renew"),
    word(Block::Scenario, "ids", &[Kind::Ids], "ids text"),
    word(Block::Scenario, "list", &[Kind::ListBeforeCall], "list before call 50%"),
    word(Block::Scenario, "persona", &[Kind::Persona], "persona \"ChatGPT\""),
    word(Block::Scenario, "before", &[Kind::BeforeUser], "before user { call login }"),
    word(Block::Scenario, "after", &[Kind::AfterUser], "after user { call logout }"),
    word(Block::Scenario, "tag", &[Kind::Tag], "tag team = \"docs\""),
    word(Block::Stages, "ramp", &[Kind::Ramp], "ramp 0/s -> 40/s over 30s"),
    word(Block::Stages, "hold", &[Kind::Hold], "hold 40/s for 2m"),
    word(Block::Stages, "seek", &[Kind::Seek], "seek 10/s -> 200/s step 10/s while latency.p95 < 250ms"),
    word(Block::Stages, "iterations", &[Kind::Iterations], "iterations 100 shared by 20 users"),
    word(Block::Stages, "drain", &[Kind::Drain], "drain up to 10s"),
    word(Block::Stages, "arrivals", &[Kind::Arrivals], "arrivals poisson"),
    word(Block::Stages, "max", &[Kind::MaxUsers], "max users 50 users"),
    word(Block::Flow, "call", &[Kind::Call], "call search { args { \"query\": \"rust\" } }"),
    word(Block::Flow, "read", &[Kind::Read], "read \"docs://guides/intro\""),
    word(Block::Flow, "prompt", &[Kind::Prompt], "prompt summarise { args { \"page\": \"intro\" } }"),
    word(Block::Flow, "list", &[Kind::List], "list tools"),
    word(Block::Flow, "complete", &[Kind::Complete], "complete prompt summarise { argument \"page\" value \"in\" }"),
    word(Block::Flow, "subscribe", &[Kind::Subscribe], "subscribe \"docs://guides/intro\" for 10s"),
    word(Block::Flow, "request", &[Kind::Request], "request \"logging/setLevel\" { params { \"level\": \"error\" } }"),
    word(Block::Flow, "think", &[Kind::Think], "think 300ms..1.2s"),
    word(Block::Flow, "let", &[Kind::Binding], "let id = uuid()"),
    word(Block::Flow, "pace", &[Kind::Pace], "pace 2s"),
    word(Block::Flow, "take", &[Kind::Take], "take row from queries"),
    word(Block::Flow, "repeat", &[Kind::Repeat], "repeat 3 { call search }"),
    word(Block::Flow, "if", &[Kind::IfStep], "if user.iteration == 0 { call login } else { call search }"),
    word(Block::Flow, "choose", &[Kind::Choose], "choose { 70% { call search } 30% { call browse } }"),
    word(Block::Flow, "parallel", &[Kind::Parallel], "parallel { call search }"),
    word(Block::Flow, "group", &[Kind::Group], "group \"open\" { call search }"),
    word(Block::Flow, "run", &[Kind::Run], "run search"),
    word(Block::Flow, "stop", &[Kind::Stop], "stop iteration"),
    word(Block::Flow, "log", &[Kind::Log], "log user.id"),
    word(Block::Request, "as", &[Kind::AsLabel], "as \"label\""),
    word(Block::Request, "args", &[Kind::Args], "args { \"query\": \"rust\" }"),
    word(Block::Request, "params", &[Kind::Params], "params { \"cursor\": \"2\" }"),
    word(Block::Request, "argument", &[Kind::Argument], "argument \"page\" value \"in\""),
    word(Block::Request, "tag", &[Kind::Tag], "tag cache = \"hit\""),
    word(Block::Request, "cancel", &[Kind::Cancel], "cancel after 500ms"),
    word(Block::Request, "progress", &[Kind::Progress], "progress on"),
    word(Block::Request, "task", &[Kind::Task], "task on"),
    word(Block::Request, "timeout", &[Kind::Timeout], "timeout 10s"),
    word(Block::Request, "expect", &[Kind::Expect], "expect latency < 2s as \"fast\""),
    word(Block::Request, "require", &[Kind::Require], "require length(structured.hits) > 0"),
    word(Block::Request, "save", &[Kind::Save], "save id = structured.hits[0].id"),
    word(Block::Request, "measure", &[Kind::Measure], "measure hits = length(structured.hits)"),
    word(Block::Request, "pages", &[Kind::Pages], "pages 1"),
    word(Block::Task, "ttl", &[Kind::Ttl], "ttl 60s"),
    word(Block::Report, "html", &[Kind::Html], "html \"out.html\""),
    word(Block::Report, "markdown", &[Kind::Markdown], "markdown \"out.md\""),
    word(Block::Report, "junit", &[Kind::Junit], "junit \"out.xml\""),
    word(Block::Report, "template", &[Kind::Template], "template \"mine.j2\" to \"out.txt\""),
];

/// The words that start a statement of `block`.
pub(super) fn words_of(block: Block) -> impl Iterator<Item = &'static Word> {
    WORDS.iter().filter(move |word| word.block == block)
}

/// What `text` starts in `block`.
pub(super) fn find(block: Block, text: &str) -> Option<&'static Word> {
    words_of(block).find(|word| word.word == text)
}

/// The blocks other than `block` in which `text` starts a statement.
pub(super) fn elsewhere(block: Block, text: &str) -> Vec<&'static Word> {
    WORDS.iter().filter(|word| word.block != block && word.word == text).collect()
}

/// A statement of the language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The block that it stands in, as a message names it.
    pub block: &'static str,
    /// The word that starts it; empty where no keyword does.
    pub word: &'static str,
    /// A statement that this word starts, in full.
    pub example: &'static str,
    /// What tells statements apart that one word starts.
    kind: Kind,
}

/// All statements of the language.
#[must_use]
pub fn vocabulary() -> Vec<Statement> {
    let of_word = |word: &Word| {
        let (block, word, example) = (word.block.phrase(), word.word, word.example);
        move |kind: &Kind| Statement { block, word, example, kind: *kind }
    };
    let worded = WORDS.iter().flat_map(|word| word.kinds.iter().map(of_word(word)));
    let plain = Block::ALL.into_iter().filter_map(|block| {
        let (kind, example) = block.plain_line()?;
        Some(Statement { block: block.phrase(), word: "", example, kind })
    });
    worded.chain(plain).collect()
}

/// The statements of a tree, each as it stands in the vocabulary.
pub(super) fn statements(root: &Node) -> Vec<Statement> {
    let vocabulary = vocabulary();
    let known = |node: Node| {
        let around = node.ancestors().skip(1).find_map(|outer| Block::of(outer.kind())).unwrap_or(Block::File);
        vocabulary.iter().find(|known| known.kind == node.kind() && known.block == around.phrase()).copied()
    };
    root.descendants().filter_map(known).collect()
}
