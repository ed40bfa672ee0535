//! E5xx: the guard.

use crate::diag::Diagnostic;
use crate::text::Span;

/// A target host that is neither loopback nor allowed. `insert` is where the
/// line or block that allows it belongs, and its text.
#[must_use]
pub fn host_not_allowed(host: &str, span: Span, insert: Option<(Span, String)>) -> Diagnostic {
    let diagnostic = Diagnostic::error(
        "E501",
        format!("the host `{host}` is not allowed"),
        span,
        "not this machine, and not in the guard",
    )
    .help(format!("add `allow hosts [\"{host}\"]` to the guard, if this server may be put under load"))
    .note("nothing is sent to a host that is neither loopback nor named by the file; no option waives this");
    match insert {
        Some((at, text)) => diagnostic.maybe_fix(at, text),
        None => diagnostic,
    }
}

/// A tool that the guard denies by name.
#[must_use]
pub fn tool_denied(tool: &str, span: Span, deny: Span) -> Diagnostic {
    Diagnostic::error("E502", format!("the tool `{tool}` is denied by the guard"), span, "called here")
        .also(deny, "denied here")
        .help("remove the step, or take the tool out of `deny tools`")
}

/// More requests per second than the guard allows. `enough` is the lowest limit
/// that would do; `None` when stages in users must share it.
#[must_use]
pub fn rate_above_guard(peak: &str, limit: &str, enough: Option<&str>, span: Span, stages: &[Span]) -> Diagnostic {
    let message = format!("requests at up to {peak}, and the guard allows {limit}");
    let mut diagnostic = Diagnostic::error("E503", message, span, "the limit");
    for stage in stages {
        diagnostic = diagnostic.also(*stage, "this load");
    }
    match enough {
        Some(enough) => diagnostic.help(format!("lower the stages, or raise the limit to `max rate {enough}`")),
        None => diagnostic.help(format!("lower the stages, or raise `max rate` above {peak}: users send requests too")),
    }
    .note("requests count: arrivals per second times the requests that an iteration makes on average over the mix")
}

/// A run that lasts longer than the guard allows.
#[must_use]
pub fn longer_than_guard(length: &str, limit: &str, span: Span, stages: &[Span]) -> Diagnostic {
    let mut diagnostic =
        Diagnostic::error("E505", format!("a load of {length}, and the guard allows {limit}"), span, "the limit");
    for stage in stages {
        diagnostic = diagnostic.also(*stage, "this load");
    }
    diagnostic.help(format!("shorten the stages, or raise the limit to `max duration {length}`"))
}

/// More requests than the guard allows.
#[must_use]
pub fn requests_above_guard(count: &str, limit: u64, span: Span, stages: &[Span]) -> Diagnostic {
    let message = format!("up to {count} requests, and the guard allows {limit}");
    let mut diagnostic = Diagnostic::error("E506", message, span, "the limit");
    for stage in stages {
        diagnostic = diagnostic.also(*stage, "this load");
    }
    diagnostic.help(format!("lower the stages, or raise the limit to `max requests {count}`"))
}

/// More virtual users than the guard allows.
#[must_use]
pub fn users_above_guard(peak: &str, limit: &str, span: Span, stages: &[Span]) -> Diagnostic {
    let mut diagnostic =
        Diagnostic::error("E504", format!("up to {peak}, and the guard allows {limit}"), span, "the limit");
    for stage in stages {
        diagnostic = diagnostic.also(*stage, "this load");
    }
    diagnostic.help(format!("lower the stages, or raise the limit to `max users {peak}`"))
}
