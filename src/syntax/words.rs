//! The vocabulary: which words start a statement in which block.
//!
//! Invariant: the one table of it. Suggestions, explanations and completion
//! read it; a test proves it equal to the grammar.

use super::kind::Kind;

/// A kind of block, which decides what a line in it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Block {
    /// The top of a file.
    File,
    /// `server`
    Server,
    /// The switches of `builtin`.
    Builtin,
    /// `guard`
    Guard,
    /// `scenario`
    Scenario,
    /// `stages`
    Stages,
    /// `mix`
    Mix,
    /// `flow`
    Flow,
    /// A request step such as `call`.
    Request,
    /// `assert`
    Assert,
    /// `report`
    Report,
}

impl Block {
    /// All of them.
    #[cfg(test)]
    pub(super) const ALL: [Block; 11] = [
        Block::File,
        Block::Server,
        Block::Builtin,
        Block::Guard,
        Block::Scenario,
        Block::Stages,
        Block::Mix,
        Block::Flow,
        Block::Request,
        Block::Assert,
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
            Kind::Flow => Block::Flow,
            Kind::Call | Kind::Read | Kind::Prompt | Kind::List => Block::Request,
            Kind::Assert => Block::Assert,
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
            Block::Guard => "`guard`",
            Block::Scenario => "`scenario`",
            Block::Stages => "`stages`",
            Block::Mix => "`mix`",
            Block::Flow => "`flow`",
            Block::Request => "a request such as `call`",
            Block::Assert => "`assert`",
            Block::Report => "`report`",
        }
    }

    /// What each line is where no keyword starts it, and an example.
    pub(super) fn plain_line(self) -> Option<(Kind, &'static str)> {
        match self {
            Block::Builtin => Some((Kind::Setting, "latency 10ms")),
            Block::Mix => Some((Kind::Share, "60% search")),
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
    word(Block::File, "server", &[Kind::Server], "server docs { http \"http://127.0.0.1:8931/mcp\" }"),
    word(Block::File, "guard", &[Kind::Guard], "guard { max rate 100/s }"),
    word(Block::File, "scenario", &[Kind::Scenario], "scenario browse { target docs }"),
    word(Block::File, "flow", &[Kind::Flow], "flow search { call search }"),
    word(Block::File, "assert", &[Kind::Assert], "assert { search.latency.p95 < 250ms }"),
    word(Block::File, "report", &[Kind::Report], "report { html \"out.html\" }"),
    word(Block::Server, "http", &[Kind::Http], "http \"http://127.0.0.1:8931/mcp\""),
    word(Block::Server, "stdio", &[Kind::Stdio], "stdio [\"node\", \"server.js\"]"),
    word(Block::Server, "builtin", &[Kind::Builtin], "builtin rulebook"),
    word(Block::Server, "header", &[Kind::Header], "header \"Authorization\" f\"Bearer {secret(\"TOKEN\")}\""),
    word(Block::Server, "protocol", &[Kind::Protocol], "protocol auto"),
    word(Block::Server, "timeout", &[Kind::Timeout], "timeout 10s"),
    word(Block::Server, "connect_timeout", &[Kind::ConnectTimeout], "connect_timeout 2s"),
    word(Block::Server, "env", &[Kind::Env], "env { \"LOG\": \"debug\" }"),
    word(Block::Server, "cwd", &[Kind::Cwd], "cwd \"server\""),
    word(Block::Guard, "allow", &[Kind::AllowHosts, Kind::AllowTools], "allow hosts [\"*.staging.example.com\"]"),
    word(Block::Guard, "deny", &[Kind::DenyTools], "deny tools [\"delete_*\"]"),
    word(Block::Guard, "max", &[Kind::MaxRate, Kind::MaxUsers], "max rate 100/s"),
    word(Block::Scenario, "target", &[Kind::Target], "target docs"),
    word(Block::Scenario, "warmup", &[Kind::Warmup], "warmup 10s"),
    word(Block::Scenario, "stages", &[Kind::Stages], "stages { hold 40/s for 2m }"),
    word(Block::Scenario, "mix", &[Kind::Mix], "mix { 100% search }"),
    word(Block::Scenario, "run", &[Kind::Run], "run search"),
    word(Block::Stages, "ramp", &[Kind::Ramp], "ramp 0/s -> 40/s over 30s"),
    word(Block::Stages, "hold", &[Kind::Hold], "hold 40/s for 2m"),
    word(Block::Stages, "drain", &[Kind::Drain], "drain up to 10s"),
    word(Block::Stages, "arrivals", &[Kind::Arrivals], "arrivals poisson"),
    word(Block::Stages, "max", &[Kind::MaxUsers], "max users 50 users"),
    word(Block::Flow, "call", &[Kind::Call], "call search { args { \"query\": \"rust\" } }"),
    word(Block::Flow, "read", &[Kind::Read], "read \"docs://guides/intro\""),
    word(Block::Flow, "prompt", &[Kind::Prompt], "prompt summarise { args { \"page\": \"intro\" } }"),
    word(Block::Flow, "list", &[Kind::List], "list tools"),
    word(Block::Flow, "think", &[Kind::Think], "think 300ms..1.2s"),
    word(Block::Flow, "let", &[Kind::Binding], "let id = uuid()"),
    word(Block::Request, "as", &[Kind::AsLabel], "as \"label\""),
    word(Block::Request, "args", &[Kind::Args], "args { \"query\": \"rust\" }"),
    word(Block::Request, "timeout", &[Kind::Timeout], "timeout 10s"),
    word(Block::Request, "expect", &[Kind::Expect], "expect latency < 2s as \"fast\""),
    word(Block::Request, "require", &[Kind::Require], "require length(structured.hits) > 0"),
    word(Block::Request, "save", &[Kind::Save], "save id = structured.hits[0].id"),
    word(Block::Request, "pages", &[Kind::Pages], "pages 1"),
    word(Block::Report, "html", &[Kind::Html], "html \"out.html\""),
    word(Block::Report, "markdown", &[Kind::Markdown], "markdown \"out.md\""),
    word(Block::Report, "junit", &[Kind::Junit], "junit \"out.xml\""),
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
