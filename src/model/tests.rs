//! Lowering, apart from the corpora: what poisons what, what is typed how, and
//! what the plan holds.

mod assertions;
mod json;
mod mistakes;
mod personas;
mod plans;
mod poison;

use super::{Lowered, NoFiles, Options, lower};
use crate::plan::Plan;
use crate::syntax;
use crate::text::Source;

/// Compiles a file in an empty environment.
fn compile(text: &str, overrides: &[(&str, &str)]) -> Lowered {
    let overrides: Vec<_> = overrides.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let options =
        Options { name: "test", seed: 1, overrides: &overrides, targets: &[], env: &|_| None, files: &NoFiles };
    lower(&Source::new("test.mcpl", text), &syntax::parse(text), &options)
}

/// The codes of what is wrong with a file, in the order of the places.
fn codes(text: &str) -> Vec<&'static str> {
    compile(text, &[]).diagnostics.iter().map(|diagnostic| diagnostic.code).collect()
}

/// The plan of a file in which nothing is wrong.
#[track_caller]
fn plan(text: &str) -> Plan {
    let lowered = compile(text, &[]);
    assert!(lowered.diagnostics.is_empty(), "{:#?}", lowered.diagnostics);
    lowered.plan.unwrap()
}

/// A file whose parts can be replaced one by one.
#[derive(Clone, Copy)]
struct File<'a> {
    /// Items before the others.
    items: &'a str,
    server: &'a str,
    scenario: &'a str,
    stages: &'a str,
    flow: &'a str,
    assert: &'a str,
}

impl File<'_> {
    fn text(self) -> String {
        let File { items, server, scenario, stages, flow, assert } = self;
        format!(
            "mcpl 1\n{items}\nserver docs {{\n{server}\n}}\nscenario browse {{\ntarget docs\n{scenario}\nstages {{\n\
             {stages}\n}}\n}}\nflow look {{\n{flow}\n}}\nassert {{\n{assert}\n}}\n"
        )
    }
}

/// A good file.
const GOOD: File<'static> = File {
    items: "",
    server: "builtin rulebook",
    scenario: "run look",
    stages: "hold 5/s for 10s",
    flow: "call search { expect ok as \"answers\" }",
    assert: "latency.p95 < 1s",
};

#[test]
fn the_good_file_is_good() {
    assert_eq!(plan(&GOOD.text()).series.len(), 1);
}
