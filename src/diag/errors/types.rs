//! E3xx and W3xx: types and units.

use crate::diag::Diagnostic;
use crate::text::Span;
use crate::units::Dimension;

/// A value of another kind than the statement takes.
#[must_use]
pub fn wrong_kind(wanted: &str, example: &str, found: &str, span: Span) -> Diagnostic {
    let help =
        if wanted.starts_with('`') { format!("write {wanted}") } else { format!("write {wanted} such as `{example}`") };
    Diagnostic::error("E301", format!("{wanted} is needed here"), span, format!("this is {found}")).help(help)
}

/// A bare number where a number with a unit is due. `measured` says that it is
/// compared with something measured, where times are short.
#[must_use]
pub fn missing_unit(dimension: Dimension, number: &str, measured: bool, span: Span) -> Diagnostic {
    let diagnostic = Diagnostic::error("E302", format!("{} without a unit", dimension.phrase()), span, "a bare number");
    let Some(value) = number.parse::<f64>().ok().filter(|_| !number.contains(['e', 'E'])) else {
        return diagnostic.help(format!("give it a unit, for example `{}`", dimension.example()));
    };
    let fixed = match dimension {
        Dimension::Duration if measured && value >= 10.0 => format!("{number}ms"),
        Dimension::Duration => format!("{number}s"),
        Dimension::Rate => format!("{number}/s"),
        // `0.01` is how a share is written elsewhere.
        Dimension::Share if value > 0.0 && value < 1.0 => exact_percent(value),
        Dimension::Share => format!("{number}%"),
        Dimension::Size => format!("{number}B"),
        Dimension::Users if number == "1" => "1 user".to_owned(),
        Dimension::Users => format!("{number} users"),
        Dimension::Number => number.to_owned(),
    };
    diagnostic.help(format!("write `{fixed}`")).maybe_fix(span, fixed)
}

/// A value outside its range; `range` is a noun, such as "a duration from 1ms
/// to 720h".
#[must_use]
pub fn out_of_range(what: &str, range: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E303", format!("{what} is out of range"), span, format!("must be {range}"))
        .help(format!("write {range}"))
}

/// A range whose ends are in the wrong order.
#[must_use]
pub fn reversed_range(written: &str, fixed: &str, span: Span) -> Diagnostic {
    Diagnostic {
        message: format!("the range `{written}` runs backwards"),
        ..out_of_range(written, "a range", span).maybe_fix(span, fixed)
    }
    .found("from high to low")
    .help(format!("write `{fixed}`"))
}

/// The two sides of an operator measure different things.
#[must_use]
pub fn sides_differ(operator: &str, operator_span: Span, left: (&str, Span), right: (&str, Span)) -> Diagnostic {
    let message = format!("`{operator}` between {} and {}", left.0, right.0);
    let either = |kind: &str| left.0 == kind || right.0 == kind;
    let help = match operator {
        "contains" | "in" => "look for a text in a text, or for any value in a list: `status in [200, 204]`".to_owned(),
        "*" => "multiply by a plain number such as `2`".to_owned(),
        "/" if left.0 == "a number" => "divide by a plain number such as `2`".to_owned(),
        "/" => format!("divide by a plain number such as `2`, or by {}", left.0),
        "+" if either("a text") => "join texts with a format string: `f\"{a}{b}\"`".to_owned(),
        _ if either("a value of the response") => {
            "write a plain number such as `5`: what a response holds has no units".to_owned()
        }
        _ => format!("write {} on both sides", left.0),
    };
    Diagnostic::error("E304", message, operator_span, "these have no meaning together")
        .also(left.1, left.0)
        .also(right.1, right.0)
        .help(help)
}

/// A value that must be known before the run is not.
#[must_use]
pub fn not_constant(why: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E305", "this must be known before the run", span, why)
        .help("use literals, parameters and `env(…)` here")
}

/// An expression of constants that can never be computed, such as `1 / 0`.
#[must_use]
pub fn no_value(why: &str, span: Span) -> Diagnostic {
    Diagnostic { message: "this never has a value".to_owned(), ..not_constant(why, span) }
        .help("write the value itself")
}

/// A function called with the wrong arguments.
#[must_use]
pub fn wrong_arguments(function: &str, usage: &str, found: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E306", format!("`{function}` is called with other arguments than it takes"), span, found)
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
    Diagnostic::error("E308", "a secret cannot be used here", span, "its value could appear in results").help(
        "use `secret(…)` for what is sent to prove who you are: in `auth`, a `header`, `proxy` or a child's `env`",
    )
}

/// A name that exists only once there is a response.
#[must_use]
pub fn no_response_yet(name: &str, span: Span) -> Diagnostic {
    Diagnostic::error(
        "E309",
        format!("`{name}` is not known before there is a response"),
        span,
        "there is no response here",
    )
    .help("save it in an earlier step, `save NAME = …`, and use that name here")
}

/// A duration or rate where JSON is sent.
#[must_use]
pub fn no_json_form(found: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E310", format!("{found} cannot be sent as JSON"), span, "JSON has no units")
        .help("write a plain number or a text in quotes, as the tool expects it")
}

/// An address that is no URL of an MCP server; `better` is what was probably
/// meant.
#[must_use]
pub fn bad_url(url: &str, reason: &str, span: Span, example: &str, better: Option<&str>) -> Diagnostic {
    let message = format!("`{url}` is not the address of an MCP server");
    let diagnostic = Diagnostic::error("E311", message, span, reason);
    match better {
        Some(better) => diagnostic.help(format!("write `http \"{better}\"`")).maybe_fix(span, format!("\"{better}\"")),
        None => diagnostic.help(format!("write an address such as `http \"{example}\"`")),
    }
}

/// A line of `assert` that compares nothing that is measured.
#[must_use]
pub fn not_an_assertion(reason: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E312", "this asserts nothing about the run", span, reason)
        .help("compare a metric with a limit, for example `latency.p95 < 250ms`")
}

/// What stands for a metric outside a file, such as on a command line, and is none.
#[must_use]
pub fn not_a_metric(span: Span) -> Diagnostic {
    Diagnostic {
        message: "this is no metric".to_owned(),
        ..not_an_assertion("not a metric alone", span).help("write it alone, without a limit, such as `latency.p95`")
    }
}

/// A condition of `expect` that has the same outcome for every response.
#[must_use]
pub fn expects_nothing(span: Span) -> Diagnostic {
    Diagnostic {
        message: "this expects nothing of the response".to_owned(),
        ..not_an_assertion("the outcome is always the same", span)
    }
    .help("ask for a part of the response, for example `expect length(structured.hits) > 0`")
}

/// A condition of `if` that has the same outcome each time.
#[must_use]
pub fn decides_nothing(span: Span) -> Diagnostic {
    Diagnostic {
        message: "this decides nothing".to_owned(),
        ..not_an_assertion("the outcome is always the same", span)
    }
    .help("ask for something that changes, for example `user.iteration == 0`, or remove the `if`")
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

/// `--set` for a parameter that is a secret.
#[must_use]
pub fn secret_override(name: &str, variable: &str, span: Span) -> Diagnostic {
    Diagnostic {
        message: format!("`--set {name}=…` would show a secret"),
        ..override_kind(name, "…", "a secret", "…", span)
    }
    .help(format!("set the environment variable `{variable}` instead: a command line is there for all to see"))
}

/// Something that has a meaning elsewhere only.
#[must_use]
pub fn misplaced(what: &str, found: &str, help: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E314", format!("{what} cannot stand here"), span, found).help(help)
}

/// A header that cannot be sent.
#[must_use]
pub fn bad_header(name: &str, reason: &str, help: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E315", format!("the header `{name}` cannot be sent"), span, reason).help(help)
}

/// An assertion whose outcome does not depend on the run.
#[must_use]
pub fn foregone(outcome: &str, why: &str, span: Span) -> Diagnostic {
    Diagnostic::warning("W301", format!("this assertion can never {outcome}"), span, why.to_owned())
        .help("change the limit, or remove the line")
}

/// A share as a percentage that reads back as the same share.
pub(super) fn exact_percent(share: f64) -> String {
    format!("{}%", (share * 1e8).round() / 1e6)
}
