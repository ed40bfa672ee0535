//! `tests/corpus/format/CASE.in.mcpl` becomes `CASE.out.mcpl`. `UPDATE=1`
//! rewrites the latter.

use std::fs;

use super::{check_invariants, is_refused, scenarios};
use crate::format::{format, left_alone};
use crate::syntax;
use crate::syntax::tests::repository;

#[test]
fn files_become_what_stands_beside_them() {
    let mut cases = 0;
    for path in scenarios(&repository("tests/corpus/format")) {
        let name = path.to_string_lossy().into_owned();
        let Some(case) = name.strip_suffix(".in.mcpl") else { continue };
        cases += 1;
        let text = fs::read_to_string(&path).unwrap();
        let formatted = format(&syntax::parse(&text));
        assert_eq!(check_invariants(&text), formatted, "{name}");
        assert!(!is_refused(&text), "{name}");
        let beside = format!("{case}.out.mcpl");
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&beside, &formatted).unwrap();
        }
        assert_eq!(fs::read_to_string(&beside).unwrap_or_default(), formatted, "{name}");
    }
    assert!(cases >= 12, "only {cases} cases");
}

#[test]
fn examples_are_in_the_style() {
    for path in scenarios(&repository("examples")) {
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(format(&syntax::parse(&text)), text, "{}", path.display());
    }
}

#[test]
fn what_is_left_alone_is_counted() {
    let count = |text: &str| left_alone(&syntax::parse(text));
    assert_eq!(count("mcpl 1\nparam a = 1\n"), 0);
    assert_eq!(count("mcpl 1\nparam a =\nflow b {\n  rmap\n  call c {\n    expect ==\n  }\n}\n"), 3);
    assert_eq!(count("mcpl 1\nflow b {\n  rmap\n"), 1, "a block without its end is one");
}
