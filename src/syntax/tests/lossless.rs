//! Any text parses, and no byte is lost.

use super::{Numbers, check_invariants, codes, mutate, read, repository, tour};

#[test]
fn good_files_are_clean() {
    for case in ["tour", "keywords", "values", "whole"] {
        let text = read(&repository(&format!("tests/corpus/parse/{case}.mcpl")));
        let parse = check_invariants(&text);
        assert_eq!(parse.diagnostics(), [], "{case}");
    }
}

#[test]
fn a_file_cut_after_each_byte_parses() {
    let text = tour();
    for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
        check_invariants(&text[..end]);
    }
}

#[test]
fn many_edits_lose_nothing() {
    let mut numbers = Numbers(2);
    for _ in 0..25 {
        let mut text = tour();
        for _ in 0..20 {
            text = mutate(&text, &mut numbers);
            check_invariants(&text);
        }
    }
}

#[test]
fn line_ends_of_all_kinds_parse_alike() {
    let text = tour();
    for end in ["\r\n", "\r"] {
        let other = text.replace('\n', end);
        let parse = check_invariants(&other);
        assert_eq!(parse.diagnostics(), [], "{end:?}");
    }
    assert_eq!(check_invariants(text.trim_end()).diagnostics(), [], "no final newline");
    assert_eq!(check_invariants(&format!("\u{FEFF}{text}")).diagnostics(), [], "byte order mark");
    assert_eq!(check_invariants(&text.replace("  ", "\t")).diagnostics(), [], "tabs");
}

#[test]
fn odd_files_parse() {
    for (text, expected) in [
        ("", vec!["W101"]),
        ("\n\n", vec!["W101"]),
        ("# only a comment", vec!["W101"]),
        ("\u{FEFF}", vec!["W101"]),
        ("mcpl 1", vec![]),
        ("mcpl 1\n\0", vec!["E109"]),
        ("mcpl 1\nflow a { call b { args { \"x\": 1\u{0} } } }\n", vec!["E109"]),
        ("mcpl 1\nparam größe = 1\n", vec!["E119"]),
        ("mcpl 1\n}\n}\n", vec!["E106"]),
        ("mcpl 1\n{\n", vec!["E102"]),
        ("mcpl 1\n\u{1}\n", vec!["E109"]),
        ("mcpl 1\nparam a = \u{1}\n", vec!["E109"]),
        ("mcpl 1\nparam a = f\"{b} {c}\"\n", vec![]),
    ] {
        assert_eq!(codes(&check_invariants(text)), expected, "{text:?}");
    }
}

#[test]
fn a_long_line_parses() {
    let long = format!("mcpl 1\nparam a = \"{}\"\n", "x".repeat(10_000));
    assert_eq!(check_invariants(&long).diagnostics(), []);
    let junk = format!("mcpl 1\nflow a {{\n  {}\n}}\n", "? ".repeat(5_000));
    assert_eq!(codes(&check_invariants(&junk)), ["E101"]);
}

#[test]
fn deep_nesting_is_told_once_and_bounded() {
    let list = |depth: usize| format!("mcpl 1\nparam a = {}{}\nparam b = 1\n", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(check_invariants(&list(64)).diagnostics(), []);
    let parse = check_invariants(&list(65));
    assert_eq!(codes(&parse), ["E108"]);
    assert_eq!(parse.file().items().len(), 2, "the next item is whole");
    assert_eq!(codes(&check_invariants(&list(100_000))), ["E108"]);
    for piece in ["[", "{", "(", "f(", "a[", "f\"{", "{ \"a\": ", "not (", "call a {\n", "x {\n"] {
        let text = format!("mcpl 1\nparam a = {}\nflow b {{\n{}\n", piece.repeat(5_000), piece.repeat(5_000));
        check_invariants(&text);
    }
}

#[test]
fn long_chains_are_told_once_and_bounded() {
    let chain = |item: &str, count: usize| format!("mcpl 1\nparam a = {}1\nparam b = 1\n", item.repeat(count));
    assert_eq!(check_invariants(&chain("1 + ", 127)).diagnostics(), []);
    for item in ["1 + ", "- ", "not ", "a or ", "x..", "[1] + "] {
        let parse = check_invariants(&chain(item, 50_000));
        assert_eq!(codes(&parse), ["E120"], "{item}");
    }
    let nested = format!("mcpl 1\nparam a = {}1{}\n", "(".repeat(60), " + 1 + 1 + 1 + 1)".repeat(60));
    assert_eq!(codes(&check_invariants(&nested)), ["E120"], "chains in chains count together");
    let path = format!("mcpl 1\nparam a = a{}\n", ".b".repeat(50_000));
    assert_eq!(codes(&check_invariants(&path)), ["E120"]);
}

#[test]
fn large_broken_files_take_linear_time() {
    // Each was quadratic in some draft; at this size quadratic is minutes.
    for piece in [
        "flow a {\n",
        "flow a { call b {\n",
        "call b {\n",
        "scenario a\nstages\n\n\n",
        "args [ (  [ \"a\",\n",
        "\"a\": {\n",
        "rmap 1\n",
        "'",
        "?",
        "f\"{",
        "{ \"a\": 1, \"a\": 2,",
        " ",
        "\n",
        "x = ",
        "}\n",
    ] {
        let text = format!("mcpl 1\nflow a {{\n{}", piece.repeat(20_000 / piece.len()));
        check_invariants(&text);
    }
}
