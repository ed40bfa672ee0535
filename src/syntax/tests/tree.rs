//! Golden dumps of trees. `UPDATE=1` rewrites them.

use std::fmt::Write as _;

use super::{check_invariants, read, repository};
use crate::syntax::Parse;
use crate::text::Source;

/// The tree, then one line for each diagnostic.
fn describe(name: &str, parse: &Parse) -> String {
    let source = Source::new(name, parse.text());
    let mut out = parse.dump();
    for diagnostic in parse.diagnostics() {
        let place = source.position(diagnostic.primary.span.start);
        let help = diagnostic.help.as_deref().unwrap_or("");
        writeln!(out, "{place}: {}: {}: {}; {help}", diagnostic.code, diagnostic.message, diagnostic.primary.text)
            .unwrap();
    }
    out
}

#[test]
fn trees_are_as_recorded() {
    let folder = repository("tests/corpus/parse");
    let mut cases = 0;
    let mut different = Vec::new();
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "mcpl") {
            continue;
        }
        cases += 1;
        let found = describe("case", &check_invariants(&read(&path)));
        let golden = path.with_extension("tree");
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&golden, &found).unwrap();
        } else if read(&golden) != found {
            different.push(path.display().to_string());
        }
    }
    assert!(cases >= 4, "only {cases} cases in {}", folder.display());
    assert!(different.is_empty(), "trees changed, `UPDATE=1` records them: {different:?}");
}
