//! E2xx and W2xx: names.

use crate::diag::Diagnostic;
use crate::diag::suggest::nearest;
use crate::text::Span;

/// A name in an expression that nothing binds; `later` is where it gets its
/// value, if that is further down.
#[must_use]
pub fn unknown_name(name: &str, span: Span, known: &[String], later: Option<Span>) -> Diagnostic {
    let (message, found) = match later {
        Some(_) => (format!("`{name}` is used before it has a value"), "no value yet"),
        None => (format!("unknown name `{name}`"), "nothing here has this name"),
    };
    let diagnostic = Diagnostic::error("E201", message, span, found);
    match later {
        Some(later) => {
            diagnostic.also(later, "it gets its value here").help(format!("use `{name}` below that line only"))
        }
        None => suggest(diagnostic, name, span, known, &format!("write `\"{name}\"` if a text is meant")),
    }
}

/// A name that gets its value in a branch, which may not be performed.
#[must_use]
pub fn bound_in_branch(name: &str, span: Span, bound: Span) -> Diagnostic {
    Diagnostic {
        message: format!("`{name}` has a value in a branch only"),
        ..unknown_name(name, span, &[], Some(bound))
    }
    .found("the branch may not have been performed")
    .help(format!("use `{name}` inside that branch, or give it a value before: `let {name} = null`"))
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

/// `take` names no data.
#[must_use]
pub fn unknown_data(name: &str, span: Span, known: &[String]) -> Diagnostic {
    let diagnostic = Diagnostic::error("E214", format!("unknown data `{name}`"), span, "no `data` has this name");
    suggest(diagnostic, name, span, known, &format!("add `data {name} {{ csv \"{name}.csv\" }}`"))
}

/// A row has no column of this name.
#[must_use]
pub fn unknown_column(name: &str, data: &str, span: Span, known: &[String]) -> Diagnostic {
    let message = format!("data `{data}` has no column `{name}`");
    let diagnostic = Diagnostic::error("E215", message, span, "no such column");
    let otherwise = match known {
        [] => "add the column to the data".to_owned(),
        known => format!("write {}", one_of(known)),
    };
    suggest(diagnostic, name, span, known, &otherwise)
}

/// `start after` names no scenario.
#[must_use]
pub fn unknown_scenario(name: &str, span: Span, known: &[String]) -> Diagnostic {
    let message = format!("unknown scenario `{name}`");
    let diagnostic = Diagnostic::error("E216", message, span, "no other scenario has this name");
    suggest(diagnostic, name, span, known, &format!("add `scenario {name} {{ … }}`"))
}

/// No request carries a tag of this key.
#[must_use]
pub fn unknown_tag(key: &str, span: Span, known: &[String]) -> Diagnostic {
    let diagnostic = Diagnostic::error("E217", format!("unknown tag `{key}`"), span, "no request carries it");
    let otherwise = match known {
        [] => format!("add `tag {key} = …` to a request or a scenario"),
        known => format!("write {}", one_of(known)),
    };
    suggest(diagnostic, key, span, known, &otherwise)
}

/// Two items of one kind have the same name.
#[must_use]
pub fn duplicate(kind: &str, name: &str, span: Span, first: Span) -> Diagnostic {
    Diagnostic::error("E204", format!("{kind} `{name}` is defined twice"), span, "the second definition")
        .also(first, "the first definition")
        .help(format!("rename one of them, for example to `{name}_2`"))
}

/// A variable with a name that already means something of the response or the
/// user.
#[must_use]
pub fn taken(name: &str, meaning: &str, span: Span) -> Diagnostic {
    Diagnostic {
        message: format!("the name `{name}` is taken"),
        secondary: Vec::new(),
        ..duplicate("variable", name, span, span)
    }
    .found(format!("it means {meaning}"))
    .help(format!("choose another name, for example `my_{name}`"))
}

/// An assertion looks at something that is no scenario, flow or step; `kind`
/// says which of these it should be.
#[must_use]
pub fn unknown_selector(kind: &str, name: &str, span: Span, known: &[String]) -> Diagnostic {
    let diagnostic = Diagnostic::error("E205", format!("no {kind} is called `{name}`"), span, "nothing to measure");
    let otherwise = match known {
        [] => format!("remove this line: there is no {kind} at all"),
        known => format!("write {}", one_of(known)),
    };
    suggest(diagnostic, name, span, known, &otherwise)
}

/// A method that a file does not name: it has a statement of its own, or it
/// belongs to the protocol (`statement` is empty).
#[must_use]
pub fn has_statement(method: &str, statement: &str, span: Span) -> Diagnostic {
    let diagnostic = Diagnostic::error("E218", format!("`{method}` is no method for `request`"), span, "");
    if statement.is_empty() {
        return diagnostic
            .found("part of the protocol")
            .help("remove the step: sessions are opened and closed by the protocol's own rules");
    }
    diagnostic
        .found("it has a statement of its own")
        .help(format!("write `{statement}`"))
        .note("the guard looks at that statement; `request` is for methods that mcpl does not know")
}

/// Tags behind a metric that has none.
#[must_use]
pub fn without_tags(metric: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E219", format!("`{metric}` carries no tags"), span, "only requests do")
        .help("remove the brackets, or narrow a metric of requests such as `search[cache=\"hit\"].latency.p95`")
}

/// A path that should name a metric does not.
#[must_use]
pub fn unknown_metric(name: &str, span: Span, known: &[String]) -> Diagnostic {
    let diagnostic = Diagnostic::error("E206", format!("unknown metric `{name}`"), span, "not a metric");
    let otherwise = match known {
        [only] => format!("write `{only}`"),
        _ => "write a metric such as `latency`, `service_time`, `errors`, `throughput` or `dropped`".to_owned(),
    };
    suggest(diagnostic, name, span, known, &otherwise)
}

/// A scenario, flow or step without a metric behind it.
#[must_use]
pub fn missing_metric(name: &str, example: &str, span: Span) -> Diagnostic {
    Diagnostic { message: format!("`{name}` stands without a metric"), ..unknown_metric(name, span, &[]) }
        .found("which number of it?")
        .help(format!("add one, for example `{name}.{example}`"))
}

/// What is counted for whole scenarios, asked of a flow or a step.
#[must_use]
pub fn metric_of_scenarios(metric: &str, selector: &str, span: Span, scenarios: &[String]) -> Diagnostic {
    let choices: Vec<String> = scenarios.iter().map(|name| format!("{name}.{metric}")).collect();
    Diagnostic {
        message: format!("`{metric}` is measured for whole scenarios only"),
        ..unknown_metric(metric, span, &[])
    }
    .found(format!("`{selector}` is no scenario"))
    .help(format!("write {}", one_of(&choices)))
}

/// A metric of a server's process where no process is known.
#[must_use]
pub fn not_watched(metric: &str, span: Span) -> Diagnostic {
    Diagnostic {
        message: format!("`{metric}` is measured for servers whose process is known"),
        ..unknown_metric(metric, span, &[])
    }
    .found("no process is known")
    .help("name the process with `pid 1234` in its `server`, or let mcpl start it with `launch`")
}

/// Other words for statistics.
const STATISTICS: [(&str, &str); 9] = [
    ("avg", "mean"),
    ("average", "mean"),
    ("median", "p50"),
    ("p0", "min"),
    ("p100", "max"),
    ("std", "stddev"),
    ("sd", "stddev"),
    ("total", "count"),
    ("sum", "count"),
];

/// A statistic that does not exist, or that the metric does not have.
#[must_use]
pub fn unknown_statistic(metric: &str, name: Option<&str>, span: Span, known: &[String], example: &str) -> Diagnostic {
    let (message, found) = match name {
        Some(name) => (format!("`{metric}` has no statistic `{name}`"), "not a statistic of it"),
        None => (format!("`{metric}` stands without a statistic"), "which number of it?"),
    };
    let diagnostic = Diagnostic::error("E207", message, span, found);
    let Some(name) = name else {
        return diagnostic.help(format!("add {}, for example `{metric}.{example}`", one_of(known)));
    };
    match other_word(&STATISTICS, name, known) {
        Some(word) => diagnostic.help(format!("write `{word}`")).maybe_fix(span, word),
        None => suggest(diagnostic, name, span, known, &format!("write {}", one_of(known))),
    }
}

/// Something behind a statistic.
#[must_use]
pub fn behind_statistic(statistic: &str, extra: &str, span: Span) -> Diagnostic {
    Diagnostic {
        message: format!("nothing can follow `{statistic}`"),
        ..unknown_statistic(statistic, Some(extra), span, &[], "")
    }
    .found("one too many")
    .help(format!("remove `.{extra}`"))
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

/// Other words for functions and selectors.
const FUNCTIONS: [(&str, &str); 6] = [
    ("len", "length"),
    ("count", "length"),
    ("rand", "random"),
    ("choose", "pick"),
    ("tool", "step"),
    ("call", "step"),
];

/// A function that does not exist.
#[must_use]
pub fn unknown_function(name: &str, span: Span, known: &[String]) -> Diagnostic {
    let diagnostic = Diagnostic::error("E209", format!("unknown function `{name}`"), span, "no function has this name");
    match other_word(&FUNCTIONS, name, known) {
        Some(word) => diagnostic.help(format!("write `{word}`")).maybe_fix(span, word),
        None => suggest(diagnostic, name, span, known, &format!("use {}", one_of(known))),
    }
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
    suggest(diagnostic, name, span, known, &format!("write {}", one_of(known)))
}

/// The same inside a longer text, which cannot be replaced as a whole.
#[must_use]
pub fn unknown_in_target(what: &str, name: &str, span: Span, known: &[String]) -> Diagnostic {
    let mut diagnostic = unknown_builtin(what, name, span, known);
    diagnostic.fix = None;
    diagnostic
}

/// A word that is none of those that may stand there.
#[must_use]
pub fn unknown_word(what: &str, word: &str, span: Span, known: &[String]) -> Diagnostic {
    let diagnostic = Diagnostic::error("E213", format!("unknown {what} `{word}`"), span, format!("no such {what}"));
    suggest(diagnostic, word, span, known, &format!("write {}", one_of(known)))
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
    let mut quoted: Vec<String> = Vec::new();
    for name in names.iter().map(|name| format!("`{name}`")) {
        if !quoted.contains(&name) {
            quoted.push(name);
        }
    }
    quoted.join(", ")
}

/// "`a`", "`a` or `b`", "one of `a`, `b`, `c`".
fn one_of(names: &[String]) -> String {
    match names {
        [a, b] => format!("`{a}` or `{b}`"),
        [_, _, ..] => format!("one of {}", code_list(names)),
        _ => code_list(names),
    }
}

/// What is called so elsewhere, if it is known here.
fn other_word<'a>(words: &[(&str, &'a str)], name: &str, known: &[String]) -> Option<&'a str> {
    let (_, word) = words.iter().find(|(other, _)| name.eq_ignore_ascii_case(other))?;
    known.iter().any(|known| known == word).then_some(*word)
}

/// The nearest known name as a fix; otherwise what is known, and `otherwise`.
fn suggest(diagnostic: Diagnostic, name: &str, span: Span, known: &[String], otherwise: &str) -> Diagnostic {
    /// More names than this are no help any more.
    const SHOWN: usize = 8;
    // One date or number is as near as another.
    let near = nearest(name, known.iter().map(String::as_str)).filter(|_| !name.starts_with(|c: char| c.is_numeric()));
    if let Some(near) = near {
        return diagnostic.help(format!("write `{near}`")).maybe_fix(span, near);
    }
    let diagnostic = diagnostic.help(otherwise);
    let listed = known.iter().all(|known| otherwise.contains(&format!("`{known}`")));
    if listed || known.len() > SHOWN {
        diagnostic
    } else {
        diagnostic.note(format!("known here: {}", code_list(known)))
    }
}
