//! `at TARGET`: any way to reach a server in one text, as the command line has it, so
//! that a parameter can hold it.

use super::lower::Lowering;
use super::{address, builtin};
use crate::diag::errors;
use crate::plan::Endpoint;
use crate::text::Span;

/// Where the server is that a target names.
pub(super) fn endpoint(lowering: &mut Lowering<'_>, text: &str, span: Span) -> Option<Endpoint> {
    let text = text.trim();
    // No program has such a name; whatever is wrong with an address is said.
    let is_address = text.split_whitespace().next().is_some_and(|word| word.contains("://"));
    if let Some(url) = text.strip_prefix("sse+").filter(|_| is_address) {
        address::check_url(lowering, url, span)?;
        return Some(Endpoint::Sse { url: url.to_owned() });
    }
    if is_address {
        address::check_url(lowering, text, span)?;
        return Some(Endpoint::Http { url: text.to_owned() });
    }
    let mut words = text.split_whitespace();
    match words.next() {
        None => {
            let example = "http://127.0.0.1:3000/mcp";
            lowering.out.push(errors::types::wrong_kind("a target", example, "an empty text", span));
            None
        }
        Some("builtin") => {
            let words: Vec<&str> = words.collect();
            builtin::of_words(lowering, &words, span)
        }
        Some(program) => {
            let command = std::iter::once(program).chain(words).map(str::to_owned).collect();
            Some(Endpoint::Stdio { command, env: Vec::new(), cwd: None })
        }
    }
}
