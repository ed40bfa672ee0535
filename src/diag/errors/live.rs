//! E6xx: what only the server can tell.

use crate::diag::Diagnostic;
use crate::diag::suggest::nearest;
use crate::text::Span;

/// The server has no tool of this name.
#[must_use]
pub fn unknown_tool(tool: &str, server: &str, span: Span, known: &[String]) -> Diagnostic {
    /// More names than this are no help any more.
    const SHOWN: usize = 12;
    let message = format!("the server `{server}` has no tool `{tool}`");
    let diagnostic = Diagnostic::error("E601", message, span, "it would answer with an error");
    let all = known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    match nearest(tool, known.iter().map(String::as_str)) {
        Some(near) => diagnostic.help(format!("write `call {near}`")).maybe_fix(span, near),
        None if known.is_empty() => diagnostic.help("remove the step: the server offers no tools at all"),
        None if known.len() <= SHOWN => diagnostic.help(format!("call one that it has: {all}")),
        None => diagnostic.help(format!("call one of the {} that it has", known.len())),
    }
}

/// A tool that may change something, and the guard does not allow it.
#[must_use]
pub fn tool_not_read_only(tool: &str, span: Span) -> Diagnostic {
    Diagnostic::error(
        "E602",
        format!("the tool `{tool}` may change data"),
        span,
        "its server does not call it read-only",
    )
    .help(format!("add `allow tools [\"{tool}\"]` to the guard, if it may be called under load"))
    .note("a tool counts as harmless only when its annotations say `readOnlyHint: true`")
}
