//! E6xx and W6xx: what only the server can tell.
//!
//! Names, schemas and their values are texts of servers: they are cut and freed
//! of control characters here, and become part of a fix only when that changes
//! nothing.

use crate::diag::Diagnostic;
use crate::diag::suggest::nearest;
use crate::text::Span;

/// More names than this are no help any more.
const SHOWN: usize = 12;

/// Texts of servers are cut to this many characters.
const MAX_SHOWN: usize = 200;

/// A text of a server for a message: one line, without characters that act on a
/// terminal or turn the direction of writing.
fn shown(text: &str) -> String {
    let odd = |c: char| {
        c.is_control()
            || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let mut out: String =
        text.chars().take(MAX_SHOWN).map(|c| if odd(c) { char::REPLACEMENT_CHARACTER } else { c }).collect();
    if text.chars().nth(MAX_SHOWN).is_some() {
        out.push('…');
    }
    out
}

/// Offers an edit, unless its text is not fit to be shown as it is.
fn guess(diagnostic: Diagnostic, span: Span, replacement: &str) -> Diagnostic {
    if shown(replacement) == replacement { diagnostic.maybe_fix(span, replacement) } else { diagnostic }
}

/// A name as it is written in a file: quoted where it is no identifier.
fn written(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if plain { name.to_owned() } else { quoted(name) }
}

fn quoted(name: &str) -> String {
    serde_json::Value::from(name).to_string()
}

fn listed(known: &[String]) -> String {
    known.iter().map(|name| format!("`{}`", shown(name))).collect::<Vec<_>>().join(", ")
}

/// The server has no tool of this name.
#[must_use]
pub fn unknown_tool(tool: &str, server: &str, span: Span, known: &[String]) -> Diagnostic {
    let message = format!("the server `{server}` has no tool `{}`", shown(tool));
    let diagnostic = Diagnostic::error("E601", message, span, "it would answer with an error");
    not_offered(diagnostic, ("call", "tools"), tool, span, known)
}

/// The server has no prompt of this name.
#[must_use]
pub fn unknown_prompt(prompt: &str, server: &str, span: Span, known: &[String]) -> Diagnostic {
    let message = format!("the server `{server}` has no prompt `{}`", shown(prompt));
    let diagnostic = Diagnostic::error("E608", message, span, "it would answer with an error");
    not_offered(diagnostic, ("prompt", "prompts"), prompt, span, known)
}

fn not_offered(
    diagnostic: Diagnostic,
    (step, things): (&str, &str),
    name: &str,
    span: Span,
    known: &[String],
) -> Diagnostic {
    match nearest(name, known.iter().map(String::as_str)) {
        Some(near) => {
            let near = written(near);
            let diagnostic = diagnostic.help(format!("write `{step} {}`", shown(&near)));
            guess(diagnostic, span, &near)
        }
        None if known.is_empty() => diagnostic.help(format!("remove the step: the server offers no {things} at all")),
        None if known.len() <= SHOWN => diagnostic.help(format!("use one that it has: {}", listed(known))),
        None => diagnostic.help(format!("use one of the {} {things} that it has", known.len())),
    }
}

/// A tool that may change something, and the guard does not allow it. `listed`:
/// the guard has a list of tools already.
#[must_use]
pub fn tool_not_read_only(tool: &str, span: Span, listed: bool) -> Diagnostic {
    let tool = shown(tool);
    let add = if listed {
        format!("add `\"{tool}\"` to the list of `allow tools` in the guard")
    } else {
        format!("add `allow tools [\"{tool}\"]` to the guard")
    };
    Diagnostic::error(
        "E602",
        format!("the tool `{tool}` may change data"),
        span,
        "its server does not call it read-only",
    )
    .help(format!("{add}, if it may be called under load"))
    .note("a tool counts as harmless only when its annotations say `readOnlyHint: true`")
}

/// A tool that the protocol forbids to call; `fault` says what is wrong with its
/// schema.
#[must_use]
pub fn tool_not_callable(tool: &str, fault: &str, span: Span) -> Diagnostic {
    let message = format!("the protocol forbids to call the tool `{}`", shown(tool));
    Diagnostic::error("E609", message, span, "its schema asks for headers that cannot be")
        .help("remove the step, or pin an older revision such as `protocol 2025-11-25` if the server speaks one")
        .note(shown(fault))
        .note("clients of 2026-07-28 must leave out a tool with an annotation `x-mcp-header` that is not valid")
}

/// A call that is to become a task, of a server that makes none of calls.
#[must_use]
pub fn no_tasks(server: &str, span: Span) -> Diagnostic {
    let message = format!("the server `{server}` makes no tasks of calls");
    Diagnostic::error("E610", message, span, "clients must not ask for one")
        .help("remove `task`, or name a revision in which the server has tasks, such as `protocol 2025-11-25`")
        .note("its capabilities have no `tasks.requests.tools.call`")
}

/// The same in a revision in which the server decides, and may answer at once.
#[must_use]
pub fn no_tasks_said(server: &str, span: Span) -> Diagnostic {
    let message = format!("the server `{server}` does not say that it makes tasks of calls");
    Diagnostic::warning("W604", message, span, "it will answer at once")
        .help("remove `task`, unless the server has tasks and only does not say so")
        .note("its capabilities have no extension `io.modelcontextprotocol/tasks`")
}

/// A call that is to become a task and must not, or that must and is not to.
/// `missing`: the latter, and where a block with `task` belongs if there is none.
#[must_use]
pub fn task_mismatch(tool: &str, span: Span, missing: Option<Option<Span>>) -> Diagnostic {
    let tool = shown(tool);
    let (message, label, help) = match missing {
        None => {
            (format!("the tool `{tool}` cannot be called as a task"), "its `taskSupport` forbids it", "remove `task`")
        }
        Some(_) => (
            format!("the tool `{tool}` can only be called as a task"),
            "its `taskSupport` requires it",
            "add `task on` to the block of the call",
        ),
    };
    let diagnostic = Diagnostic::error("E611", message, span, label).help(help);
    match missing.flatten() {
        Some(at) => diagnostic.fix(at, " { task on }"),
        None => diagnostic,
    }
}

/// An argument that is required and not there. `entry` is one for it, `insert`
/// where it belongs; `instead_of` is what stands there by nearly its name.
#[must_use]
pub fn missing_argument(
    path: &str,
    owner: &str,
    entry: &str,
    instead_of: Option<&str>,
    span: Span,
    insert: Option<(Span, String)>,
) -> Diagnostic {
    let message = format!("the argument `{}` is missing", shown(path));
    let diagnostic = Diagnostic::error("E603", message, span, format!("{} requires it", shown(owner)));
    let name = path.rsplit('.').next().unwrap_or(path);
    let diagnostic = match instead_of {
        Some(other) => {
            diagnostic.help(format!("write `{}` in place of `{}`", shown(&quoted(name)), shown(&quoted(other))))
        }
        None => diagnostic.help(format!("add `{}`", shown(entry))),
    };
    match insert {
        Some((at, text)) => guess(diagnostic, at, &text),
        None => diagnostic,
    }
}

/// An argument that the schema does not allow; `known` are those that it does
/// and that are not there yet.
#[must_use]
pub fn unknown_argument(
    path: &str,
    name: &str,
    owner: &str,
    span: Span,
    known: &[String],
    mendable: bool,
) -> Diagnostic {
    let message = format!("{} takes no argument `{}`", shown(owner), shown(path));
    let diagnostic = Diagnostic::error("E604", message, span, "its schema allows no others");
    other_key(diagnostic, name, span, known, mendable)
}

fn other_key(diagnostic: Diagnostic, name: &str, span: Span, known: &[String], mendable: bool) -> Diagnostic {
    match nearest(name, known.iter().map(String::as_str)) {
        Some(near) => {
            let near = quoted(near);
            let diagnostic = diagnostic.help(format!("write `{}`", shown(&near)));
            if mendable { guess(diagnostic, span, &near) } else { diagnostic }
        }
        None if known.is_empty() || known.len() > SHOWN => diagnostic.help(format!("remove `{}`", shown(name))),
        None => diagnostic.help(format!("remove `{}`, or write one of {}", shown(name), listed(known))),
    }
}

/// An argument of another type; `mended` is the same value as the type that is
/// wanted.
#[must_use]
pub fn wrong_argument_type(
    path: &str,
    wanted: &str,
    found: &str,
    example: &str,
    span: Span,
    mended: Option<&str>,
) -> Diagnostic {
    let path = if path.is_empty() { "args" } else { path };
    let diagnostic = Diagnostic::error("E605", format!("`{}` must be {wanted}", shown(path)), span, found);
    match mended {
        Some(mended) if shown(mended) == mended => diagnostic.help(format!("write `{mended}`")).fix(span, mended),
        _ => diagnostic.help(format!("write {wanted}, for example `{}`", shown(example))),
    }
}

/// An argument with a value that the schema does not allow.
#[must_use]
pub fn argument_not_allowed(
    path: &str,
    must: &str,
    found: &str,
    help: &str,
    span: Span,
    mended: Option<&str>,
) -> Diagnostic {
    let path = if path.is_empty() { "args" } else { path };
    let message = format!("`{}` must {}", shown(path), shown(must));
    let diagnostic = Diagnostic::error("E606", message, span, shown(found)).help(shown(help));
    match mended {
        Some(mended) => guess(diagnostic, span, mended),
        None => diagnostic,
    }
}

/// Arguments that the schema refuses as a whole, in the words of the validator.
#[must_use]
pub fn arguments_refused(tool: &str, reason: &str, span: Span) -> Diagnostic {
    let tool = shown(tool);
    let message = format!("the schema of the tool `{tool}` does not accept these arguments");
    Diagnostic::error("E607", message, span, shown(reason))
        .help(format!("change them to what the schema of `{tool}` asks for"))
}

/// An argument that is allowed and not listed, and has nearly the name of one
/// that is.
#[must_use]
pub fn doubtful_argument(path: &str, owner: &str, near: &str, span: Span, mendable: bool) -> Diagnostic {
    let message = format!("{} lists no argument `{}`", shown(owner), shown(path));
    let diagnostic = Diagnostic::warning("W601", message, span, format!("it lists `{}`", shown(near)));
    let near = quoted(near);
    let diagnostic = diagnostic.help(format!("write `{}`, if that is meant", shown(&near)));
    if mendable { guess(diagnostic, span, &near) } else { diagnostic }
}

/// An argument that a prompt does not list: it may be ignored.
#[must_use]
pub fn unlisted_argument(name: &str, owner: &str, span: Span, known: &[String], mendable: bool) -> Diagnostic {
    let diagnostic = doubtful_argument(name, owner, name, span, false).found("it may be ignored");
    other_key(diagnostic, name, span, known, mendable)
}

/// The schema of a tool cannot be used: not a mistake of the file.
#[must_use]
pub fn unusable_schema(tool: &str, reason: &str, span: Span) -> Diagnostic {
    let message = format!("the arguments of the tool `{}` are not checked", shown(tool));
    Diagnostic::warning("W602", message, span, "its server gives a schema that cannot be used")
        .help("tell the makers of the server; the file may be right as it is")
        .note(shown(reason))
}

/// An address that the server does not list; `whole` is false when it is only
/// the beginning of one.
#[must_use]
pub fn unlisted_resource(uri: &str, whole: bool, server: &str, span: Span, known: &[String]) -> Diagnostic {
    let uri_is = if whole { "" } else { "that begins with " };
    let message = format!("the server `{server}` lists no resource {uri_is}`{}`", shown(uri));
    let diagnostic = Diagnostic::warning("W603", message, span, "neither listed nor made from a template");
    let near = nearest(uri, known.iter().map(String::as_str)).filter(|_| whole);
    match near {
        Some(near) => {
            let near = quoted(near);
            let diagnostic = diagnostic.help(format!("write `read {}`", shown(&near)));
            // A template is no address yet.
            if near.contains('{') { diagnostic } else { guess(diagnostic, span, &near) }
        }
        None if known.is_empty() => diagnostic.help("remove the step: the server lists no resources at all"),
        None if known.len() <= SHOWN => diagnostic.help(format!("read one that it lists: {}", listed(known))),
        None => diagnostic.help("read one that it lists, or leave it, if the server serves more than it lists"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Span, shown, unknown_tool, written};

    #[test]
    fn texts_of_servers_do_not_act_on_a_terminal() {
        assert_eq!(shown("a\u{1b}[31m\n\u{202e}b"), "a�[31m��b");
        assert_eq!(shown(&"x".repeat(300)).chars().count(), 201);
        let near = unknown_tool("echo", "s", Span::at(0), &["echo\u{202e}".to_owned()]);
        assert_eq!((near.help.as_deref(), near.fix), (Some("write `call \"echo�\"`"), None));
    }

    #[test]
    fn a_name_that_is_no_identifier_is_quoted() {
        assert_eq!(written("get_sum"), "get_sum");
        assert_eq!(written("get-sum"), "\"get-sum\"");
        assert_eq!(written(""), "\"\"");
    }
}
