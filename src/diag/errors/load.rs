//! E4xx: the shape of the load and what a block must hold.

use super::types::exact_percent;
use crate::diag::Diagnostic;
use crate::text::Span;

/// Rates and users in one scenario.
#[must_use]
pub fn rates_and_users(span: Span, found: &str, first: Span, first_is: &str) -> Diagnostic {
    Diagnostic::error("E401", "stages in rates and in users in one scenario", span, format!("this stage is in {found}"))
        .also(first, format!("this one is in {first_is}"))
        .help("use one unit for all stages, or two scenarios")
        .note("`/s` starts work at its own times whatever the server does; `users` start again when they have finished")
}

/// The shares of a mix do not sum to 100 %.
#[must_use]
pub fn mix_sum(of: &str, sum: f64, span: Span, last: Option<(f64, Span)>) -> Diagnostic {
    let total = exact_percent(sum);
    let message = format!("the shares of a {of} do not sum to 100%");
    let diagnostic = Diagnostic::error("E402", message, span, format!("these sum to {total}"));
    match last.map(|(share, at)| (share + 1.0 - sum, at)).filter(|(rest, _)| *rest > 0.0) {
        Some((rest, at)) => {
            let rest = exact_percent(rest);
            diagnostic.help(format!("make the last share `{rest}`")).maybe_fix(at, rest)
        }
        None => diagnostic.help("make the shares smaller, so that they sum to 100%"),
    }
}

/// Something that a block must say is missing; `what` is in backticks.
#[must_use]
pub fn missing(what: &str, owner: &str, span: Span, help: &str) -> Diagnostic {
    Diagnostic::error("E403", format!("{owner} has no {what}"), span, "missing here").help(help.to_owned())
}

/// Something that may be said once is said twice.
#[must_use]
pub fn repeated(what: &str, span: Span, first: Span) -> Diagnostic {
    Diagnostic::error("E404", format!("`{what}` is said twice"), span, "again here")
        .also(first, "first here")
        .help("remove one of the two")
}

/// Two statements that exclude each other.
#[must_use]
pub fn contradicting(first: &str, second: &str, span: Span, first_span: Span) -> Diagnostic {
    Diagnostic::error("E405", format!("`{second}` beside `{first}`"), span, "one of the two is too many")
        .also(first_span, "the other")
        .help(format!("keep either `{first}` or `{second}`"))
}

/// A stage that lasts no time.
#[must_use]
pub fn empty_stage(span: Span) -> Diagnostic {
    Diagnostic::error("E406", "a stage that lasts no time", span, "0 long").help(
        "give it a length, for example `for 10s`, or remove the stage: levels may jump from one stage to the next",
    )
}

/// Nothing is left to measure behind the warm-up.
#[must_use]
pub fn warmup_too_long(warmup: &str, stages: &str, span: Span, stages_span: Span) -> Diagnostic {
    Diagnostic::error("E407", "the warm-up leaves nothing to measure", span, format!("{warmup} of warm-up"))
        .also(stages_span, format!("{stages} of stages"))
        .help(format!("make the warm-up shorter than {stages}, or the stages longer"))
}

/// Stages that never ask for any work.
#[must_use]
pub fn no_load(span: Span) -> Diagnostic {
    Diagnostic::error("E408", "stages without any load", span, "every level is 0")
        .help("raise a level, for example `hold 10/s for 30s`")
}

/// A flow that sends nothing.
#[must_use]
pub fn silent_flow(name: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E409", format!("flow `{name}` sends no request"), span, "nothing to measure")
        .help("add a step such as `call TOOL`")
}

/// Things that lead to each other and so have no beginning.
#[must_use]
pub fn circle(what: &str, how: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E411", format!("{what} {how}"), span, "this leads back to where it started")
        .help("remove this line, or one of those that lead here")
}

/// Data that ends before the load does.
#[must_use]
pub fn too_few_rows(name: &str, rows: u64, drawn: u64, span: Span) -> Diagnostic {
    let message = format!("data `{name}` ends before the load: it has {rows} rows, and {drawn} are drawn");
    Diagnostic::warning("W402", message, span, "each row is handed out once")
        .help("add `at_end wrap` to begin again, or `at_end stop` to stop the users")
}

/// Requests that all have the same id, and a server whose answers come over one
/// channel.
#[must_use]
pub fn ids_alike(server: &str, span: Span, target: Span, word: Span) -> Diagnostic {
    let message = format!("the answers of server `{server}` cannot be told apart without ids");
    Diagnostic::error("E412", message, span, "each request has the same id")
        .also(target, "over stdio and HTTP+SSE all answers come over one channel")
        .help("write `ids counting`, or target servers that are reached over Streamable HTTP")
        .maybe_fix(word, "counting")
}

/// A run whose results will be large.
#[must_use]
pub fn many_rows(rows: &str, usual: &str, span: Span, others: &[Span]) -> Diagnostic {
    let message = format!("the results will have {rows} rows of steps and seconds");
    let mut diagnostic = Diagnostic::warning("W403", message, span, "a step has a row for each second of this");
    for other in others {
        diagnostic = diagnostic.also(*other, "and of this");
    }
    diagnostic.help(format!("make the load shorter, or see that there is memory: {usual} rows take about a gigabyte"))
}

/// A statement that means nothing together with another; `beside` says where
/// it stands, such as "in `read`".
#[must_use]
pub fn no_effect(what: &str, beside: &str, why: &str, help: &str, span: Span, other: Span) -> Diagnostic {
    Diagnostic::error("E410", format!("`{what}` has no effect {beside}"), span, why)
        .also(other, "because of this")
        .help(help)
}
