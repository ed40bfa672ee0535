//! The text of the scenario.
//!
//! Texts of the server stand in comments, which end with their line, and in JSON
//! strings; nothing of them can become a statement.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::Value as Json;

use super::{Address, Call, LeftOut, Starter};
use crate::{format, syntax};

/// Virtual users over HTTP: enough to see requests get in each other's way, and
/// nothing that a server on a laptop would mind.
const USERS_HTTP: u32 = 10;

/// Each of them starts a process of its own.
const USERS_STDIO: u32 = 4;

/// How much further `--set users=…` reaches before the guard refuses it.
const HEADROOM: u32 = 5;

/// Characters of a server's text in a comment.
const MAX_COMMENT: usize = 100;

/// Characters of a tool's name in the name of its flow.
const MAX_WORD: usize = 40;

/// Things left out that are named; the rest are counted.
const MAX_NAMED: usize = 40;

/// The scenario file, in the one style of the language.
#[must_use]
pub fn scenario(starter: &Starter) -> String {
    format::format(&syntax::parse(&draft(starter)))
}

/// The same, not yet laid out.
fn draft(starter: &Starter) -> String {
    let mut out = "mcpl 1\n\n".to_owned();
    heading(&mut out, starter);
    let users = match starter.address {
        Address::Stdio(_) => USERS_STDIO,
        Address::Http(_) | Address::Sse(_) => USERS_HTTP,
    };
    let _ = write!(out, "param users = {users} users\nparam time = 8s\n\n");
    let _ = match &starter.address {
        Address::Http(url) => write!(out, "server mine {{\nhttp {}\n", quoted(url)),
        Address::Sse(url) => write!(out, "server mine {{\nsse {}\n", quoted(url)),
        Address::Stdio(command) => write!(out, "server mine {{\nstdio {}\n", json(&Json::from(command.clone()))),
    };
    if let Some(variable) = &starter.bearer {
        let _ = writeln!(out, "auth bearer secret({})", quoted(variable));
    }
    out.push_str("timeout 10s\n}\n\nguard {\n");
    if let Some(host) = &starter.elsewhere {
        if !starter.allowed {
            out.push_str("# This host is not this machine. Take the `#` off the next line if load may go there.\n# ");
        }
        let _ = writeln!(out, "allow hosts [{}]", quoted(host));
    }
    let _ = write!(
        out,
        "max users {} users\nmax rate 200/s\nmax duration 2m\nabort when errors.rate > 50% for 3s\n}}\n\n",
        users * HEADROOM
    );
    out.push_str(
        "scenario first {\ntarget mine\nwarmup 2s\nstages {\nramp 0 -> users over 2s\nhold users for time\n\
         drain up to 10s\n}\n",
    );
    let flows = flows(starter);
    mix(&mut out, &flows);
    out.push_str("}\n\n");
    for Flow { name, comment, steps } in &flows {
        if !comment.is_empty() {
            let _ = writeln!(out, "## {comment}");
        }
        let _ = write!(out, "flow {name} {{\n{steps}think 50ms..150ms\n}}\n\n");
    }
    out.push_str("assert {\nerrors.rate == 0%\n# Add a limit once you know what to expect: latency.p95 < 250ms\n}\n");
    out
}

fn heading(out: &mut String, starter: &Starter) {
    let server = comment(&starter.server);
    let of = if server.is_empty() { "a server".to_owned() } else { format!("the server {server}") };
    let _ = writeln!(out, "# A first look at {of}, made by mcpl from what the server lists.");
    if starter.calls.is_empty() {
        out.push_str("# No tool is called: none can be called safely without your say. Lists");
        out.push_str(if starter.reads.is_empty() {
            " are read instead.\n"
        } else {
            " and resources are read instead.\n"
        });
    } else {
        out.push_str("# Called are tools that are marked read-only, with arguments made from their schemas.\n");
        out.push_str(match starter.elsewhere {
            Some(_) => "# None has been called yet, so the arguments may not be what the server wants.\n",
            None => "# Each was called once, and answered.\n",
        });
    }
    let left_out = &starter.left_out;
    if !left_out.is_empty() {
        out.push_str("#\n# Left out:\n");
        for LeftOut { name, why } in left_out.iter().take(MAX_NAMED) {
            let _ = writeln!(out, "#   {}: {}", comment(name), comment(why));
        }
        if left_out.len() > MAX_NAMED {
            let _ = writeln!(out, "#   and {} more", left_out.len() - MAX_NAMED);
        }
    }
    out.push('\n');
}

struct Flow {
    name: String,
    comment: String,
    steps: String,
}

fn flows(starter: &Starter) -> Vec<Flow> {
    let mut names = BTreeSet::new();
    let mut flows = Vec::new();
    for Call { tool, description, arguments } in &starter.calls {
        let name = unused(&mut names, &format!("call_{}", word(tool)));
        let mut steps = format!("call {}", quoted_unless_plain(tool));
        if arguments.as_object().is_some_and(|arguments| !arguments.is_empty()) {
            let _ = write!(steps, " {{\nargs {}\n}}", json(arguments));
        }
        steps.push('\n');
        flows.push(Flow { name, comment: description.as_deref().map(comment).unwrap_or_default(), steps });
    }
    if !starter.reads.is_empty() {
        let name = unused(&mut names, "read_resources");
        let steps = starter.reads.iter().map(|uri| format!("read {}\n", quoted(uri))).collect();
        flows.push(Flow { name, comment: String::new(), steps });
    }
    if !starter.lists.is_empty() {
        let name = unused(&mut names, "look_around");
        let steps = starter.lists.iter().map(|what| format!("list {what} {{ pages 1 }}\n")).collect();
        flows.push(Flow { name, comment: String::new(), steps });
    }
    flows
}

/// Equal shares, as far as whole percentages allow.
fn mix(out: &mut String, flows: &[Flow]) {
    if let [only] = flows {
        let _ = writeln!(out, "run {}", only.name);
        return;
    }
    out.push_str("mix {\n");
    let count = flows.len().max(1);
    for (index, flow) in flows.iter().enumerate() {
        let share = 100 / count + usize::from(index < 100 % count);
        let _ = writeln!(out, "{share}% {}", flow.name);
    }
    out.push_str("}\n");
}

/// A name that no flow has yet.
fn unused(names: &mut BTreeSet<String>, name: &str) -> String {
    let numbered = (2..).map(|number| format!("{name}_{number}"));
    let free = std::iter::once(name.to_owned()).chain(numbered).find(|name| !names.contains(name));
    let free = free.unwrap_or_default();
    names.insert(free.clone());
    free
}

/// Part of an identifier.
fn word(name: &str) -> String {
    name.chars().take(MAX_WORD).map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}

fn quoted_unless_plain(name: &str) -> String {
    let plain = name.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if plain { name.to_owned() } else { quoted(name) }
}

fn quoted(text: &str) -> String {
    json(&Json::from(text))
}

/// JSON in which nothing hides: such characters occur in strings only, where they
/// can be written as escapes.
fn json(value: &Json) -> String {
    let mut text = String::new();
    for c in value.to_string().chars() {
        if hides(c) {
            let _ = write!(text, "\\u{:04x}", u32::from(c));
        } else {
            text.push(c);
        }
    }
    text
}

/// Whether a character breaks a line, or changes how the text around it looks.
fn hides(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
}

/// A text of the server on one line: blanks for whatever breaks or turns lines,
/// and cut.
fn comment(text: &str) -> String {
    let tame: String = text.chars().take(MAX_COMMENT * 8).map(|c| if hides(c) { ' ' } else { c }).collect();
    let mut line = String::new();
    for word in tame.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    match line.char_indices().nth(MAX_COMMENT) {
        Some((at, _)) => format!("{}…", line.get(..at).unwrap_or_default().trim_end()),
        None => line,
    }
}
