//! E2xx and W2xx: names.

use crate::diag::Diagnostic;
use crate::diag::suggest::nearest;
use crate::text::Span;

/// A name in an expression that nothing binds.
#[must_use]
pub fn unknown_name(name: &str, span: Span, known: &[String]) -> Diagnostic {
    let diagnostic = Diagnostic::error("E201", format!("unknown name `{name}`"), span, "nothing here has this name");
    suggest(diagnostic, name, span, known, "a text is written in quotes")
}

/// `target` names no server.
#[must_use]
pub fn unknown_server(name: &str, span: Span, known: &[String]) -> Diagnostic {
    let diagnostic = Diagnostic::error("E202", format!("unknown server `{name}`"), span, "no `server` has this name");
    suggest(diagnostic, name, span, known, &format!("add `server {name} {{ … }}`"))
}

/// `mix` or `run` names no flow.
#[must_use]
pub fn unknown_flow(name: &str, span: Span, known: &[String]) -> Diagnostic {
    let diagnostic = Diagnostic::error("E203", format!("unknown flow `{name}`"), span, "no `flow` has this name");
    suggest(diagnostic, name, span, known, &format!("add `flow {name} {{ … }}`"))
}

/// Two items of one kind have the same name.
#[must_use]
pub fn duplicate(kind: &str, name: &str, span: Span, first: Span) -> Diagnostic {
    Diagnostic::error("E204", format!("{kind} `{name}` is defined twice"), span, "the second definition")
        .also(first, "the first definition")
        .help(format!("rename one of them, for example to `{name}_2`"))
}

/// An assertion looks at something that is no scenario, flow or step.
#[must_use]
pub fn unknown_selector(name: &str, span: Span, known: &[String]) -> Diagnostic {
    let message = format!("no scenario, flow or step is called `{name}`");
    suggest(Diagnostic::error("E205", message, span, "nothing to measure"), name, span, known, "name one that exists")
}

/// A path that should name a metric does not.
#[must_use]
pub fn unknown_metric(name: &str, span: Span, known: &[String]) -> Diagnostic {
    let diagnostic = Diagnostic::error("E206", format!("unknown metric `{name}`"), span, "not a metric");
    suggest(diagnostic, name, span, known, &format!("write one of {}", code_list(known)))
}

/// A statistic that does not exist, or that the metric does not have.
#[must_use]
pub fn unknown_statistic(metric: &str, name: Option<&str>, span: Span, known: &[String]) -> Diagnostic {
    let message = match name {
        Some(name) => format!("`{metric}` has no statistic `{name}`"),
        None => format!("`{metric}` stands without a statistic"),
    };
    let diagnostic = Diagnostic::error("E207", message, span, "which number of it?");
    let example = known.first().map_or(metric.to_owned(), |stat| format!("{metric}.{stat}"));
    match name {
        Some(name) => suggest(diagnostic, name, span, known, &format!("write one of {}", code_list(known))),
        None => diagnostic.help(format!("add one of {}, for example `{example}`", code_list(known))),
    }
}

/// A name that is a scenario, a flow and a step, or two of them.
#[must_use]
pub fn ambiguous_selector(name: &str, span: Span, kinds: &[&str]) -> Diagnostic {
    let choices: Vec<String> = kinds.iter().map(|kind| format!("`{kind}({name})`")).collect();
    Diagnostic::error(
        "E208",
        format!("`{name}` could mean {}", choices.join(" or ")),
        span,
        "more than one has this name",
    )
    .help(format!("write {}", choices.join(" or ")))
}

/// A function that does not exist.
#[must_use]
pub fn unknown_function(name: &str, span: Span, known: &[String]) -> Diagnostic {
    let diagnostic = Diagnostic::error("E209", format!("unknown function `{name}`"), span, "no function has this name");
    suggest(diagnostic, name, span, known, &format!("use one of {}", code_list(known)))
}

/// `expect("label")` in an assertion, and no expectation has the label.
#[must_use]
pub fn unknown_label(label: &str, span: Span, known: &[String]) -> Diagnostic {
    let message = format!("no expectation is labelled `{label}`");
    let diagnostic = Diagnostic::error("E210", message, span, "no `expect … as` says this");
    let quoted = known.iter().map(|known| format!("\"{known}\"")).collect::<Vec<_>>();
    suggest(diagnostic, &format!("\"{label}\""), span, &quoted, &format!("label one: `expect … as \"{label}\"`"))
}

/// `env("X")` without a default, and X is not set.
#[must_use]
pub fn unset_variable(name: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E211", format!("the environment variable `{name}` is not set"), span, "and there is no default")
        .help(format!("set it before the run, or write `env(\"{name}\", default: \"…\")`"))
}

/// A switch that a built-in server does not have, or a server that is not
/// built in.
#[must_use]
pub fn unknown_builtin(what: &str, name: &str, span: Span, known: &[String]) -> Diagnostic {
    let diagnostic = Diagnostic::error("E212", format!("unknown {what} `{name}`"), span, format!("no such {what}"));
    suggest(diagnostic, name, span, known, &format!("use one of {}", code_list(known)))
}

/// A word that is none of those that may stand there.
#[must_use]
pub fn unknown_word(what: &str, word: &str, span: Span, known: &[String]) -> Diagnostic {
    let diagnostic = Diagnostic::error("E213", format!("unknown {what} `{word}`"), span, "");
    suggest(diagnostic, word, span, known, &format!("write one of {}", code_list(known)))
}

/// The code of [`unused`].
pub const UNUSED: &str = "W201";

/// Nothing uses a flow, server or parameter.
#[must_use]
pub fn unused(kind: &str, name: &str, span: Span) -> Diagnostic {
    Diagnostic::warning(UNUSED, format!("{kind} `{name}` is never used"), span, "nothing refers to it")
        .help(format!("use it, or remove `{kind} {name}`"))
}

fn code_list(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// The nearest known name as a fix; otherwise what is known, or `otherwise`.
fn suggest(diagnostic: Diagnostic, name: &str, span: Span, known: &[String], otherwise: &str) -> Diagnostic {
    /// More names than this are no help any more.
    const SHOWN: usize = 8;
    match nearest(name, known.iter().map(String::as_str)) {
        Some(near) => diagnostic.help(format!("write `{near}`")).maybe_fix(span, near),
        None if known.is_empty() || known.len() > SHOWN => diagnostic.help(otherwise),
        None if otherwise.contains('`') && otherwise.starts_with("write one of") => diagnostic.help(otherwise),
        None => diagnostic.help(otherwise).note(format!("known here: {}", code_list(known))),
    }
}
