//! E3xx and W3xx: types and units.

use crate::diag::Diagnostic;
use crate::text::Span;
use crate::units::Dimension;

/// A value of another kind than the statement takes.
#[must_use]
pub fn wrong_kind(wanted: &str, example: &str, found: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E301", format!("{wanted} is needed here"), span, format!("this is {found}"))
        .help(format!("write {wanted} such as `{example}`"))
}

/// A bare number where a number with a unit is due.
#[must_use]
pub fn missing_unit(dimension: Dimension, number: &str, span: Span) -> Diagnostic {
    let fixed = match dimension {
        Dimension::Duration => format!("{number}s"),
        Dimension::Rate => format!("{number}/s"),
        Dimension::Share => format!("{number}%"),
        Dimension::Size => format!("{number}B"),
        Dimension::Users if number == "1" => "1 user".to_owned(),
        Dimension::Users => format!("{number} users"),
        Dimension::Number => number.to_owned(),
    };
    let message = format!("{} without a unit", dimension.phrase());
    Diagnostic::error("E302", message, span, "a bare number").help(format!("write `{fixed}`")).maybe_fix(span, fixed)
}

/// A value outside its range.
#[must_use]
pub fn out_of_range(what: &str, range: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E303", format!("{what} is out of range"), span, format!("must be {range}"))
        .help(format!("choose a value that is {range}"))
}

/// The two sides of an operator measure different things.
#[must_use]
pub fn sides_differ(operator: &str, operator_span: Span, left: (&str, Span), right: (&str, Span)) -> Diagnostic {
    let message = format!("`{operator}` between {} and {}", left.0, right.0);
    Diagnostic::error("E304", message, operator_span, "these have no meaning together")
        .also(left.1, left.0)
        .also(right.1, right.0)
        .help(format!("give both sides the same unit, so that both are {}", left.0))
}

/// A value that must be known before the run is not.
#[must_use]
pub fn not_constant(why: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E305", "this must be known before the run", span, why)
        .help("use literals, parameters and `env(…)` here")
}

/// A function called with the wrong arguments.
#[must_use]
pub fn wrong_arguments(function: &str, usage: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E306", format!("`{function}` is called with other arguments than it takes"), span, "")
        .help(format!("write `{usage}`"))
}

/// A regular expression that cannot be compiled.
#[must_use]
pub fn broken_pattern(reason: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E307", "this regular expression cannot be read", span, reason)
        .help("escape the character with `\\\\` if it is meant literally, for example `\"a\\\\.b\"`")
}

/// A secret where its value could become visible.
#[must_use]
pub fn secret_here(span: Span) -> Diagnostic {
    Diagnostic::error("E308", "a secret cannot be used here", span, "its value could appear in results")
        .help("use `secret(…)` in a `header` only: `header \"Authorization\" f\"Bearer {secret(\"TOKEN\")}\"`")
}

/// A name that exists only once there is a response.
#[must_use]
pub fn no_response_yet(name: &str, span: Span) -> Diagnostic {
    Diagnostic::error(
        "E309",
        format!("`{name}` is not known before there is a response"),
        span,
        "sent before the answer",
    )
    .help("save it in an earlier step, `save NAME = …`, and use that name here")
}

/// A duration or rate where JSON is sent.
#[must_use]
pub fn no_json_form(found: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E310", format!("{found} cannot be sent as JSON"), span, "JSON has no units")
        .help("write a plain number or a text in quotes, as the tool expects it")
}

/// An address that is no URL of an MCP server.
#[must_use]
pub fn bad_url(url: &str, reason: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E311", format!("`{url}` is not the address of an MCP server"), span, reason)
        .help("write an address such as `http \"http://127.0.0.1:3000/mcp\"`")
}

/// A line of `assert` that compares nothing that is measured.
#[must_use]
pub fn not_an_assertion(reason: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E312", "this asserts nothing about the run", span, reason)
        .help("compare a metric with a limit, for example `latency.p95 < 250ms`")
}

/// `--set` gives a parameter a value of another kind.
#[must_use]
pub fn override_kind(name: &str, value: &str, wanted: &str, example: &str, span: Span) -> Diagnostic {
    Diagnostic::error(
        "E313",
        format!("`--set {name}={value}` does not fit the parameter"),
        span,
        format!("{wanted} here"),
    )
    .help(format!("give {wanted}, for example `--set {name}={example}`"))
}

/// An assertion whose outcome does not depend on the run.
#[must_use]
pub fn foregone(outcome: &str, why: &str, span: Span) -> Diagnostic {
    Diagnostic::warning("W301", format!("this assertion can never {outcome}"), span, why.to_owned())
        .help("change the limit, or remove the line")
}
