//! `builtin rulebook { … }`

use super::lower::Lowering;
use super::server::whole_ns;
use super::types::Type;
use crate::diag::errors;
use crate::expr::Value;
use crate::plan::Endpoint;
use crate::syntax::ast;
use crate::text::Span;
use crate::units::{self, Dimension, Quantity};

/// Switches of `builtin rulebook`: the options of `mcpl serve rulebook`.
const RULEBOOK: [(&str, Switch); 26] = [
    ("rules", Switch::Number),
    ("seed", Switch::Number),
    ("cache", Switch::Number),
    ("cache_ttl", Switch::Quantity(Dimension::Duration)),
    ("latency", Switch::Quantity(Dimension::Duration)),
    ("jitter", Switch::Quantity(Dimension::Duration)),
    ("errors", Switch::Quantity(Dimension::Share)),
    ("tool_errors", Switch::Quantity(Dimension::Share)),
    ("error_bursts", Switch::Quantity(Dimension::Share)),
    ("drift", Switch::Quantity(Dimension::Duration)),
    ("slow_start", Switch::Quantity(Dimension::Duration)),
    ("freeze", Switch::Quantity(Dimension::Duration)),
    ("lock", Switch::Quantity(Dimension::Duration)),
    ("leak", Switch::Quantity(Dimension::Size)),
    ("session_leak", Switch::Quantity(Dimension::Size)),
    ("cross_wired", Switch::Quantity(Dimension::Share)),
    ("lost", Switch::Quantity(Dimension::Share)),
    ("duplicates", Switch::Quantity(Dimension::Share)),
    ("stalled", Switch::Quantity(Dimension::Share)),
    ("malformed", Switch::Quantity(Dimension::Share)),
    ("wrong_ids", Switch::Quantity(Dimension::Share)),
    ("lost_sessions", Switch::Quantity(Dimension::Share)),
    ("ignore_cancellation", Switch::OnOff),
    ("nagle", Switch::OnOff),
    ("answers", Switch::Word(&["json", "sse"])),
    ("stdio", Switch::OnOff),
];

#[derive(Clone, Copy)]
enum Switch {
    Number,
    Quantity(Dimension),
    Word(&'static [&'static str]),
    OnOff,
}

/// `builtin rulebook { … }`
pub(super) fn builtin(lowering: &mut Lowering<'_>, builtin: &ast::Builtin, name: &ast::Name) -> Option<Endpoint> {
    if name.text() != "rulebook" {
        let known = ["rulebook".to_owned()];
        lowering.out.push(errors::names::unknown_builtin("built-in server", &name.text(), name.span(), &known));
        return None;
    }
    let (mut options, mut stdio, mut whole) = (Vec::new(), false, true);
    let mut said: Vec<ast::Name> = Vec::new();
    for setting in builtin.settings() {
        if let Some(name) = setting.name() {
            if let Some(first) = said.iter().find(|first| first.text() == name.text()) {
                lowering.out.push(errors::load::repeated(&name.text(), name.span(), first.span()));
                whole = false;
                continue;
            }
            said.push(name);
        }
        match switch(lowering, &setting) {
            Some((name, value)) if name == "stdio" => stdio = value == "true",
            Some((name, value)) => options.push(format!("--{}={value}", name.replace('_', "-"))),
            None => whole = false,
        }
    }
    whole.then(|| Endpoint::Builtin { name: name.text(), options, stdio })
}

/// `rulebook --latency=5ms --stdio`, as the command line has it.
pub(super) fn of_words(lowering: &mut Lowering<'_>, words: &[&str], span: Span) -> Option<Endpoint> {
    let known = ["rulebook".to_owned()];
    let Some((name, words)) = words.split_first().filter(|(name, _)| **name == "rulebook") else {
        let name = words.first().copied().unwrap_or_default();
        lowering.out.push(errors::names::unknown_in_target("built-in server", name, span, &known));
        return None;
    };
    let (mut options, mut stdio) = (Vec::new(), false);
    for word in words {
        let (option, value) = word.split_once('=').unwrap_or((word, "true"));
        let found = option.strip_prefix("--").map(|name| name.replace('-', "_"));
        let Some((switch, kind)) = RULEBOOK.iter().find(|(switch, _)| found.as_deref() == Some(*switch)) else {
            let known: Vec<String> = RULEBOOK.iter().map(|(name, _)| format!("--{}", name.replace('_', "-"))).collect();
            lowering.out.push(errors::names::unknown_in_target("rulebook option", option, span, &known));
            return None;
        };
        if let Err((wanted, example)) = kind.takes(value) {
            let example = format!("{option}={example}");
            let found = if word.contains('=') { format!("`{word}`") } else { format!("`{option}` without a value") };
            lowering.out.push(errors::types::wrong_kind(wanted, &example, &found, span));
            return None;
        }
        match *switch {
            "stdio" => stdio = value == "true",
            _ => options.push(format!("{option}={value}")),
        }
    }
    Some(Endpoint::Builtin { name: (*name).to_owned(), options, stdio })
}

impl Switch {
    /// Whether this is a value of it, as the command line has it; otherwise what is
    /// wanted, with an example.
    fn takes(self, value: &str) -> Result<(), (&'static str, &'static str)> {
        let fits = match self {
            Switch::Number => value.parse::<u64>().is_ok(),
            Switch::Quantity(dimension) => units::parse(value).is_some_and(|found| {
                found.dimension == dimension && (dimension != Dimension::Share || found.value <= 1.0)
            }),
            Switch::Word(words) => words.contains(&value),
            Switch::OnOff => value == "true" || value == "false",
        };
        let wanted = match self {
            Switch::Number => ("a whole number", "200"),
            Switch::Quantity(Dimension::Duration) => ("a duration", "20ms"),
            Switch::Quantity(Dimension::Size) => ("a size", "64KiB"),
            Switch::Quantity(_) => ("a percentage up to 100%", "1%"),
            Switch::Word(_) => ("`json` or `sse`", "sse"),
            Switch::OnOff => ("`true` or `false`", "true"),
        };
        if fits { Ok(()) } else { Err(wanted) }
    }
}

/// A switch and its value as a command-line option takes it.
fn switch(lowering: &mut Lowering<'_>, setting: &ast::Setting) -> Option<(String, String)> {
    let name = setting.name()?;
    let Some((_, kind)) = RULEBOOK.iter().find(|(known, _)| *known == name.text()) else {
        let known: Vec<String> = RULEBOOK.iter().map(|(name, _)| (*name).to_owned()).collect();
        lowering.out.push(errors::names::unknown_builtin("rulebook switch", &name.text(), name.span(), &known));
        return None;
    };
    let expr = setting.value()?;
    let value = match kind {
        Switch::Number => match lowering.constant(&expr)? {
            Value::Json(serde_json::Value::Number(number)) if number.is_u64() => number.to_string(),
            value => {
                let found = match value.as_quantity() {
                    Some(Quantity { value, dimension: Dimension::Number }) if value.fract() != 0.0 => {
                        "a number with a fraction"
                    }
                    Some(Quantity { value, dimension: Dimension::Number }) if value < 0.0 => "a negative number",
                    Some(Quantity { dimension: Dimension::Number, .. }) => "a number beyond 64 bits",
                    _ => Type::of(&value).phrase(),
                };
                lowering.out.push(errors::types::wrong_kind("a whole number", "200", found, expr.span()));
                return None;
            }
        },
        Switch::Quantity(Dimension::Duration) => {
            format!("{}ns", whole_ns(lowering.quantity_from(&expr, Dimension::Duration, 0.0)?))
        }
        Switch::Quantity(Dimension::Size) => {
            format!("{}B", whole_ns(lowering.quantity_from(&expr, Dimension::Size, 0.0)?))
        }
        Switch::Quantity(dimension) => {
            format!("{}%", lowering.quantity_from(&expr, *dimension, 0.0)? * 100.0)
        }
        Switch::Word(words) => {
            let word = match &expr {
                ast::Expr::Name(name) => name.text(),
                expr => lowering.text(expr, "a word", words.first().copied().unwrap_or_default())?,
            };
            if !words.contains(&word.as_str()) {
                let known: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
                lowering.out.push(errors::names::unknown_word("form of answers", &word, expr.span(), &known));
                return None;
            }
            word
        }
        Switch::OnOff => {
            let found = match &expr {
                ast::Expr::Name(name) if !lowering.params.contains_key(&name.text()) => format!("`{}`", name.text()),
                expr => match lowering.constant(expr)? {
                    Value::Json(serde_json::Value::Bool(on)) => return Some((name.text(), on.to_string())),
                    value => Type::of(&value).phrase().to_owned(),
                },
            };
            lowering.out.push(errors::types::wrong_kind("`on` or `off`", "on", &found, expr.span()));
            return None;
        }
    };
    Some((name.text(), value))
}
