//! Words of other tools and of the wire, and what they are called here.
//!
//! Invariant: data; one entry is one test.

use super::words::Block;

/// Words that people bring along, and what to say.
pub(super) struct Foreign {
    /// The words, in lower case, without `-` and `_`.
    pub(super) words: &'static [&'static str],
    /// Where it is meant; anywhere when empty.
    pub(super) blocks: &'static [Block],
    /// What to do; begins with a verb and holds the right form.
    pub(super) help: &'static str,
    /// Why, when it is not plain.
    pub(super) note: Option<&'static str>,
    /// The word that takes its place, when that mends the line.
    pub(super) word: Option<&'static str>,
}

const fn entry(words: &'static [&'static str], blocks: &'static [Block], help: &'static str) -> Foreign {
    Foreign { words, blocks, help, note: None, word: None }
}

const fn same(
    words: &'static [&'static str],
    blocks: &'static [Block],
    help: &'static str,
    word: &'static str,
) -> Foreign {
    Foreign { words, blocks, help, note: None, word: Some(word) }
}

const fn why(
    words: &'static [&'static str],
    blocks: &'static [Block],
    help: &'static str,
    note: &'static str,
) -> Foreign {
    Foreign { words, blocks, help, note: Some(note), word: None }
}

/// The table.
pub(super) const FOREIGN: &[Foreign] = &[
    same(
        &["sleep", "pause", "wait", "delay", "thinktime"],
        &[Block::Flow, Block::Request, Block::Scenario, Block::Stages],
        "write `think 1s` in the flow",
        "think",
    ),
    why(
        &["vus", "vu", "virtualusers", "concurrency", "threads", "clients", "connections", "workers"],
        &[],
        "write the load in `stages`, as in `hold 50 users for 2m`",
        "a level in `users` keeps so many users busy; a level such as `40/s` starts so many iterations a second",
    ),
    why(
        &["users"],
        &[Block::Scenario, Block::Stages, Block::File],
        "write the load in `stages`, as in `hold 50 users for 2m`",
        "a level in `users` keeps so many users busy; a level such as `40/s` starts so many iterations a second",
    ),
    entry(
        &["rps", "tps", "qps", "rate", "throughput", "arrivalrate", "startrate", "targetrate"],
        &[Block::Scenario, Block::Stages, Block::File, Block::Flow],
        "write the load in `stages`, as in `hold 40/s for 2m`",
    ),
    entry(
        &["duration", "for", "during", "time", "runtime"],
        &[Block::Scenario, Block::Stages, Block::File, Block::Flow],
        "write it with its level in `stages`, as in `hold 40/s for 30s`",
    ),
    entry(
        &["rampto", "rampup", "rampdown", "rampfrom", "rampuserto", "ramping", "increase", "spike"],
        &[Block::Scenario, Block::Stages],
        "write `ramp 0/s -> 40/s over 30s` in `stages`",
    ),
    entry(
        &["constant", "steady", "plateau", "soak", "keep"],
        &[Block::Scenario, Block::Stages],
        "write `hold 40/s for 2m`",
    ),
    entry(
        &["cooldown", "gracefulstop", "gracefulrampdown", "rampdowntime"],
        &[],
        "write `drain up to 10s` in `stages`",
    ),
    entry(
        &["threshold", "thresholds", "slo", "slos", "sla", "ensure", "goal", "goals", "criteria", "passfail"],
        &[],
        "write an `assert` line, as in `assert { search.latency.p95 < 250ms }`",
    ),
    why(
        &["check", "checks", "verify", "validate", "must", "should", "test"],
        &[],
        "write `expect latency < 2s` in a request, or a line in `assert { … }`",
        "`expect` judges one response, `assert` judges the whole run",
    ),
    entry(&["assert", "assertions"], &[Block::Request, Block::Flow], "write `expect latency < 2s` in the request"),
    same(&["asserts"], &[Block::File], "write `assert { search.latency.p95 < 250ms }`", "assert"),
    entry(
        &["capture", "captures", "extract", "extractor", "extractors", "store", "[captures]", "set"],
        &[Block::Flow, Block::Request],
        "write `save id = structured.hits[0].id` in the request",
    ),
    entry(&["var", "const", "local", "variable"], &[Block::Flow, Block::Request], "write `let id = uuid()`"),
    entry(
        &["var", "const", "let", "variable", "variables", "vars", "set", "params", "parameters"],
        &[Block::File],
        "write `param peak = 40/s`",
    ),
    same(&["tools/call", "tool", "invoke", "calltool", "execute"], &[Block::Flow], "write `call search { … }`", "call"),
    same(
        &["resources/read", "resource", "readresource", "get", "fetch"],
        &[Block::Flow],
        "write `read \"docs://guides/intro\"`",
        "read",
    ),
    same(&["prompts/get", "getprompt"], &[Block::Flow], "write `prompt summarise { … }`", "prompt"),
    entry(&["tools/list", "listtools"], &[Block::Flow], "write `list tools`"),
    entry(&["resources/list", "listresources"], &[Block::Flow], "write `list resources`"),
    entry(&["prompts/list", "listprompts"], &[Block::Flow], "write `list prompts`"),
    entry(&["resources/templates/list", "listtemplates"], &[Block::Flow], "write `list templates`"),
    why(
        &["initialize", "initialise", "initialized", "handshake", "ping", "connect", "disconnect", "close", "open"],
        &[Block::Flow, Block::Request],
        "remove the line, and look at the metrics `connect`, `session_open` and `session_close`",
        "sessions are opened and closed by the protocol's own rules",
    ),
    entry(&["post", "put", "delete", "patch"], &[Block::Flow], "write the tool that is meant, as in `call search`"),
    same(
        &["arguments", "parameters", "input", "body", "payload", "json", "with"],
        &[Block::Request],
        "write `args { \"query\": \"rust\" }`",
        "args",
    ),
    entry(
        &["tags", "labels"],
        &[Block::Request, Block::Scenario],
        "write a line for each, as in `tag team = \"docs\"`",
    ),
    entry(&["fail"], &[Block::Flow, Block::Request], "write `require CONDITION` in the request"),
    why(
        &["retry", "retries"],
        &[Block::Flow, Block::Request, Block::Server, Block::Scenario],
        "remove the line",
        "a load test that tries again hides what it was sent out to find: a request that failed has failed",
    ),
    entry(
        &["executor", "executors", "inject", "injection"],
        &[Block::Scenario, Block::File],
        "write the load in `stages`, as in `hold 40/s for 2m`",
    ),
    entry(&["name", "label", "id"], &[Block::Request], "write `as \"label\"`"),
    entry(
        &["url", "uri", "endpoint", "address", "baseurl", "host"],
        &[Block::Server],
        "write `http \"http://127.0.0.1:8931/mcp\"`",
    ),
    entry(&["command", "cmd", "exec", "spawn", "args"], &[Block::Server], "write `stdio [\"node\", \"server.js\"]`"),
    entry(&["headers"], &[Block::Server], "write a line for each, as in `header \"X-Team\" \"docs\"`"),
    entry(
        &["token", "bearer", "authorization", "oauth", "apikey"],
        &[Block::Server],
        "write `auth bearer secret(\"TOKEN\")`",
    ),
    same(
        &["privatekey", "privatekeypem", "privatekeyfile", "signingkey", "keyfile"],
        &[Block::Oauth],
        "write `client_key \"client.key\"`",
        "client_key",
    ),
    same(&["kid"], &[Block::Oauth], "write `key_id \"2026-07\"`", "key_id"),
    same(&["aud", "issuer"], &[Block::Oauth], "write `audience \"https://id.example.com\"`", "audience"),
    same(
        &["servers", "endpoint", "backend", "transport", "environment"],
        &[Block::File],
        "write `server docs { … }`",
        "server",
    ),
    same(
        &["scenarios", "workload", "profile", "simulation", "load"],
        &[Block::File],
        "write `scenario browse { … }`",
        "scenario",
    ),
    same(
        &["flows", "journey", "task", "tasks", "user", "steps", "function", "fn", "def"],
        &[Block::File],
        "write `flow search { … }`",
        "flow",
    ),
    same(&["stage", "phases", "phase", "steps"], &[Block::Scenario], "write `stages { … }`", "stages"),
    same(&["limits", "limit", "safety"], &[Block::File], "write `guard { … }`", "guard"),
    same(
        &["reports", "output", "outputs", "reporter", "reporters"],
        &[Block::File],
        "write `report { html \"out.html\" }`",
        "report",
    ),
    same(&["weights", "flows", "weight"], &[Block::Scenario], "write `mix { 60% search }`", "mix"),
    same(&["exec", "execute", "flow", "use"], &[Block::Scenario], "write `run search`", "run"),
    same(&["import", "require", "use", "source"], &[Block::File], "write `include \"common.mcpl\"`", "include"),
    same(
        &["feeder", "feeders", "feed", "dataset", "table", "csv", "payload"],
        &[Block::File],
        "write `data queries { csv \"queries.csv\" }`",
        "data",
    ),
    entry(
        &["loop", "foreach", "while", "times", "dountil"],
        &[Block::Flow],
        "write `repeat 3 { … }`, with a number that is known before the run",
    ),
    same(
        &["switch", "randomswitch", "case", "either", "random", "oneof"],
        &[Block::Flow],
        "write `choose { 70% { … } 30% { … } }`",
        "choose",
    ),
    same(&["transaction", "section", "block"], &[Block::Flow], "write `group \"open a page\" { … }`", "group"),
    same(&["pacing", "constantpacing", "constantthroughput"], &[Block::Flow], "write `pace 2s`", "pace"),
    same(&["concurrent", "batch", "all"], &[Block::Flow], "write `parallel { … }`", "parallel"),
    same(&["print", "console", "echo", "debug", "trace"], &[Block::Flow], "write `log VALUE`", "log"),
    entry(&["abort", "exit", "break", "return", "continue"], &[Block::Flow], "write `stop iteration` or `stop user`"),
    entry(&["feed", "row", "next"], &[Block::Flow], "write `take row from queries`"),
    entry(
        &["setup", "onstart", "beforeall", "beforeeach", "setupuser"],
        &[Block::Scenario],
        "write `before user { … }`",
    ),
    entry(&["teardown", "onstop", "afterall", "aftereach"], &[Block::Scenario], "write `after user { … }`"),
    entry(&["offset", "startdelay", "starttime"], &[Block::Scenario], "write `start at 30s`, or `start after OTHER`"),
    entry(&["sequential", "shuffle", "shuffled", "random"], &[Block::Data], "write `order shuffle`"),
    entry(&["loop", "recycle", "repeat", "wraparound", "circular", "queue"], &[Block::Data], "write `at_end wrap`"),
    entry(&["file", "path", "filename"], &[Block::Data], "write `csv \"queries.csv\"`, `json …` or `jsonl …`"),
    entry(
        &["metric", "gauge", "trend", "counter", "record"],
        &[Block::Request],
        "write `measure hits = length(structured.hits)`",
    ),
    entry(
        &["stopwhen", "failfast", "abortonfail", "breakon", "circuitbreaker"],
        &[Block::Guard, Block::Scenario, Block::File, Block::Assert],
        "write `abort when errors.rate > 25% for 10s` in `guard`",
    ),
    entry(&["//", "/*", "--", ";"], &[], "write comments behind `#`"),
    entry(&["true", "yes", "false", "no"], &[], "write switches as `on` or `off` behind their name"),
];

/// The entry for `word` in `block`.
pub(super) fn find(block: Block, word: &str) -> Option<&'static Foreign> {
    let folded: String = word.chars().filter(|c| !matches!(c, '-' | '_')).flat_map(char::to_lowercase).collect();
    // Comment marks of other languages are all punctuation.
    let folded = if folded.is_empty() { word } else { folded.as_str() };
    let fits = |entry: &&Foreign| entry.blocks.is_empty() || entry.blocks.contains(&block);
    FOREIGN.iter().filter(fits).find(|entry| entry.words.contains(&folded))
}
