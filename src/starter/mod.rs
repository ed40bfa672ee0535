//! The first scenario for a server that nobody has written one for.
//!
//! Invariant: pure. What a server offers becomes the text of a scenario file, and
//! the same offer and seed give the same text. Nothing is called that does not say
//! that it changes nothing, and every argument fits the schema that it was made
//! from.
//!
//! ```text
//! tools ─ choose ─► calls to try + tools left out, with reasons
//!                     │  (the caller may try each call once)
//!                     ▼
//! Starter ─ scenario ─► text
//! ```

mod arguments;
mod pattern;
mod text;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde_json::Value as Json;

pub use text::scenario;

/// The most tools that are called, and so the most calls that are tried. With more
/// of them ten seconds would leave each too few calls to say anything.
pub const MAX_CALLS: usize = 20;

/// The most tools that arguments are looked for; a list may be without end.
const MAX_LOOKED: usize = 200;

/// The most resources that are read.
pub const MAX_READS: usize = 3;

/// How the server is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// Streamable HTTP, by its URL.
    Http(String),
    /// HTTP+SSE, by its URL.
    Sse(String),
    /// Over its standard streams, by its command.
    Stdio(Vec<String>),
}

/// A tool, as its server describes it.
#[derive(Clone, Debug, Default)]
pub struct Tool {
    /// The name to call it by.
    pub name: String,
    /// What it does, in the server's words.
    pub description: Option<String>,
    /// The JSON Schema of its arguments; `null` without one.
    pub schema: Json,
    /// `readOnlyHint: true`
    pub read_only: bool,
    /// `destructiveHint: true`
    pub destructive: bool,
    /// `openWorldHint: true`: it reaches beyond its server.
    pub open_world: bool,
    /// Why the protocol forbids to call it, if it does.
    pub fault: Option<String>,
}

/// A call of the scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The tool.
    pub tool: String,
    /// What it does, in the server's words.
    pub description: Option<String>,
    /// An object that fits the schema of the tool.
    pub arguments: Json,
}

/// Something that the scenario does without.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// The tool, or the address of a resource.
    pub name: String,
    /// Why, as a fragment that follows the name.
    pub why: String,
}

/// What a scenario is made from.
#[derive(Clone, Debug)]
pub struct Starter {
    /// How the server is reached.
    pub address: Address,
    /// The environment variable that holds the token for the server.
    pub bearer: Option<String>,
    /// What the server calls itself; may be empty.
    pub server: String,
    /// Tools to call, each with its arguments.
    pub calls: Vec<Call>,
    /// Addresses to read.
    pub reads: Vec<String>,
    /// Lists to ask for, by the words of the language: `tools`, `resources`,
    /// `prompts`.
    pub lists: Vec<&'static str>,
    /// What is not asked for, and why.
    pub left_out: Vec<LeftOut>,
    /// The host, where it is not this machine: its tools were not tried.
    pub elsewhere: Option<String>,
    /// Whether the file allows it. It does not until somebody writes so.
    pub allowed: bool,
}

impl Starter {
    /// The scenario before anything is known of the server.
    #[must_use]
    pub fn unknown(address: Address) -> Starter {
        Starter {
            address,
            bearer: None,
            server: String::new(),
            calls: Vec::new(),
            reads: Vec::new(),
            lists: vec!["tools"],
            left_out: Vec::new(),
            elsewhere: None,
            allowed: false,
        }
    }
}

/// Which tools are called, with which arguments, and which are not.
#[must_use]
pub fn choose(tools: &[Tool], seed: u64) -> (Vec<Call>, Vec<LeftOut>) {
    let (mut calls, mut left_out) = (Vec::new(), Vec::new());
    let mut seen = BTreeSet::new();
    let mut looked = 0;
    for (index, tool) in tools.iter().enumerate().filter(|(_, tool)| seen.insert(&tool.name)) {
        let chosen = match against(tool) {
            Some(why) => Err(why),
            None if calls.len() == MAX_CALLS => Err(format!("more than the {MAX_CALLS} tools that are called")),
            None if looked == MAX_LOOKED => Err(format!("more than the {MAX_LOOKED} tools that are looked at")),
            None => {
                looked += 1;
                arguments::generate(&tool.schema, seed, index as u64)
            }
        };
        match chosen {
            Ok(arguments) => {
                calls.push(Call { tool: tool.name.clone(), description: tool.description.clone(), arguments });
            }
            Err(why) => left_out.push(LeftOut { name: tool.name.clone(), why }),
        }
    }
    (calls, left_out)
}

/// Why a tool is not called without anybody's asking for it.
fn against(tool: &Tool) -> Option<String> {
    if !tool.read_only {
        return Some("not marked read-only".to_owned());
    }
    if tool.destructive {
        return Some("marked read-only and destructive".to_owned());
    }
    if tool.open_world {
        return Some("reaches beyond its server (`openWorldHint`), where load may be unwelcome".to_owned());
    }
    tool.fault.clone()
}
