//! What is wrong is said once, at its place, with the mend.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::words::in_block;
use super::{check_invariants, codes, read, repository};
use crate::diag::{Diagnostic, apply_fixes};
use crate::syntax::foreign::FOREIGN;
use crate::syntax::words::Block;
use crate::text::Source;

/// The folders of the syntax codes.
fn folders() -> Vec<(String, PathBuf)> {
    let mut found: Vec<(String, PathBuf)> = std::fs::read_dir(repository("tests/corpus/errors"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), path))
        .filter(|(code, _)| code.starts_with("E1") || code.starts_with("W1"))
        .collect();
    found.sort();
    found
}

#[test]
fn each_constructor_has_its_folder_and_page() {
    let source = read(&repository("src/diag/errors/syntax.rs"));
    let made: BTreeSet<&str> = source.split('"').filter(|text| is_code(text)).collect();
    let folders = folders();
    let kept: BTreeSet<&str> = folders.iter().map(|(code, _)| code.as_str()).collect();
    assert_eq!(made, kept);
    assert!(made.len() >= 20, "{made:?}");
    let constructors = source.matches("\npub fn ").count();
    assert_eq!(constructors, made.len(), "one constructor each");
}

fn is_code(text: &str) -> bool {
    text.len() == 4 && text.starts_with(['E', 'W']) && text[1..].bytes().all(|byte| byte.is_ascii_digit())
}

#[test]
fn each_bad_file_yields_its_code_alone_and_its_mend_is_clean() {
    for (code, folder) in folders() {
        let (bad, fixed) = (read(&folder.join("bad.mcpl")), read(&folder.join("fixed.mcpl")));
        let parse = check_invariants(&bad);
        assert_eq!(codes(&parse), [code.as_str()], "{code}");
        assert_eq!(check_invariants(&fixed).diagnostics(), [], "{code}");
        if parse.diagnostics().iter().any(|diagnostic| diagnostic.fix.is_some()) {
            assert_eq!(apply_fixes(&bad, parse.diagnostics(), true), fixed, "{code}: what the fix makes of it");
        }
    }
}

#[test]
fn each_page_shows_its_code() {
    for (code, folder) in folders() {
        let page = read(&repository(&format!("docs/errors/{code}.md")));
        assert!(page.starts_with(&format!("# {code}: ")), "{code}");
        let fence = |info: &str| page.split_once(&format!("```{info}\n")).map(|(_, rest)| rest.split("```\n").next());
        assert_eq!(fence(&format!("mcpl {code}")).flatten(), Some(read(&folder.join("bad.mcpl")).as_str()), "{code}");
        assert_eq!(fence("mcpl").flatten(), Some(read(&folder.join("fixed.mcpl")).as_str()), "{code}");
    }
}

/// The house rules for the sentences of a diagnostic.
fn check_style(diagnostic: &Diagnostic) {
    let all = format!("{diagnostic:?}");
    let start = diagnostic.message.chars().next().unwrap();
    assert!(!start.is_uppercase(), "{}", diagnostic.message);
    assert!(!diagnostic.message.ends_with('.'), "{}", diagnostic.message);
    for word in ["invalid", "unexpected", "KW_", "name_ref", "expr "] {
        assert!(!all.contains(word), "{word} in {all}");
    }
    if let Some(help) = &diagnostic.help {
        let verb = help.split([' ', ',', ':']).next().unwrap();
        let verbs = ["write", "remove", "insert", "move", "close", "split", "start"];
        assert!(verbs.contains(&verb), "{help}");
    }
    assert!(diagnostic.help.is_some(), "{all}");
}

#[test]
fn sentences_keep_the_house_rules() {
    for (_, folder) in folders() {
        let text = read(&folder.join("bad.mcpl"));
        check_invariants(&text).diagnostics().iter().for_each(check_style);
    }
    let broken = read(&repository("tests/corpus/parse/broken.mcpl"));
    check_invariants(&broken).diagnostics().iter().for_each(check_style);
}

#[test]
fn one_pass_finds_many_mistakes_at_their_places() {
    let text = read(&repository("tests/corpus/parse/broken.mcpl"));
    let source = Source::new("broken", text.as_str());
    let parse = check_invariants(&text);
    let found: Vec<(usize, &str)> = parse
        .diagnostics()
        .iter()
        .map(|diagnostic| (source.position(diagnostic.primary.span.start).line, diagnostic.code))
        .collect();
    let expected = [
        (3, "E103"),
        (4, "E103"),
        (6, "E102"),
        (9, "E104"),
        (12, "E103"),
        (13, "E101"),
        (14, "E111"),
        (15, "E103"),
        (16, "E101"),
        (19, "E104"),
    ];
    assert_eq!(found[..expected.len()], expected);
    assert!(found.len() >= 16, "{found:?}");
}

/// The only diagnostic of a file in which `line` stands in `block`.
fn only(block: Block, line: &str) -> (String, Diagnostic) {
    let text = in_block(block, line);
    let parse = check_invariants(&text);
    let [diagnostic] = parse.diagnostics() else { panic!("{:?} for {text}", parse.diagnostics()) };
    check_style(diagnostic);
    (text.clone(), diagnostic.clone())
}

#[test]
fn foreign_words_are_answered_with_ours() {
    for entry in FOREIGN {
        for word in entry.words {
            let blocks = if entry.blocks.is_empty() { &[Block::Scenario] } else { entry.blocks };
            for block in blocks {
                let (text, diagnostic) = only(*block, &format!("{word} 5"));
                assert!(matches!(diagnostic.code, "E101" | "E102"), "{word}: {diagnostic:?}");
                assert_eq!(diagnostic.help.as_deref(), Some(entry.help), "{text}");
            }
        }
    }
}

/// A line that is wrong, and the line its fix makes.
fn check_fix(block: Block, bad: &str, code: &str, good: &str) {
    let (text, diagnostic) = only(block, bad);
    assert_eq!(diagnostic.code, code, "{diagnostic:?}");
    let fixed = apply_fixes(&text, std::slice::from_ref(&diagnostic), true);
    assert_eq!(fixed, in_block(block, good), "{diagnostic:?}");
}

#[test]
fn near_misses_are_mended() {
    for (block, bad, code, good) in [
        (Block::Stages, "ramp 0/s => 40/s over 30s", "E103", "ramp 0/s -> 40/s over 30s"),
        (Block::Stages, "ramp 0/s to 40/s over 30s", "E103", "ramp 0/s -> 40/s over 30s"),
        (Block::Stages, "ramp 0/s -> 40/s 30s", "E103", "ramp 0/s -> 40/s over 30s"),
        (Block::Stages, "ramp 0/s -> 40/s for 30s", "E103", "ramp 0/s -> 40/s over 30s"),
        (Block::Stages, "ramp 0/s -> 40/s ovre 30s", "E103", "ramp 0/s -> 40/s over 30s"),
        (Block::Stages, "hold 40/s 2m", "E103", "hold 40/s for 2m"),
        (Block::Stages, "hold 40/s over 2m", "E103", "hold 40/s for 2m"),
        (Block::Stages, "hold 40/s for 2 minutes", "E111", "hold 40/s for 2m"),
        (Block::Stages, "hold 40 rps for 120sec", "E111", "hold 40/s for 120s"),
        (Block::Stages, "hold 40 per second for 2m", "E111", "hold 40/s for 2m"),
        (Block::Stages, "drain 10s", "E103", "drain up to 10s"),
        (Block::Stages, "rmap 0/s -> 40/s over 30s", "E101", "ramp 0/s -> 40/s over 30s"),
        (Block::Server, "timeout = 10s", "E103", "timeout 10s"),
        (Block::Server, "timeout: 10s", "E103", "timeout 10s"),
        (Block::Server, "timeout 10s;", "E103", "timeout 10s"),
        (Block::Server, "timeout\u{a0}10s", "E109", "timeout 10s"),
        (Block::Server, "stdio ['node', `server.js`]", "E117", "stdio [\"node\", \"server.js\"]"),
        (Block::Server, "stdio [\"node\" \"server.js\"]", "E103", "stdio [\"node\", \"server.js\"]"),
        (Block::Server, "http $base", "E103", "http base"),
        (Block::Guard, "allow hsots [\"a\"]", "E103", "allow hosts [\"a\"]"),
        (Block::Flow, "call get-weather", "E119", "call \"get-weather\""),
        (Block::Flow, "call tools/list { }", "E119", "call \"tools/list\" { }"),
        (Block::Flow, "let x : 1", "E103", "let x = 1"),
        (Block::Flow, "let x: 1", "E103", "let x = 1"),
        (Block::Flow, "let x 1", "E103", "let x = 1"),
        (Block::Flow, "read docs://guides/intro", "E103", "read \"docs://guides/intro\""),
        (Block::Flow, "call search\n{\n}", "E104", "call search {\n}"),
        (Block::Flow, "call search\n  args 1\n}", "E104", "call search {\n  args 1\n}"),
        (Block::Request, "args { a: 1, b: 2 }", "E118", "args { \"a\": 1, \"b\": 2 }"),
        (Block::Request, "args { a : 1 }", "E103", "args { \"a\" : 1 }"),
        (Block::Request, "args { \"a\" = 1 }", "E103", "args { \"a\": 1 }"),
        (Block::Request, "args { \"a\": 1 \"b\": 2 }", "E103", "args { \"a\": 1, \"b\": 2 }"),
        (Block::Request, "args {\n  \"a\": 1\n  \"b\": 2\n}", "E103", "args {\n  \"a\": 1,\n  \"b\": 2\n}"),
        (Block::Request, "args { \"a\": 007 }", "E111", "args { \"a\": 7 }"),
        (Block::Request, "args { \"a\": .5 }", "E103", "args { \"a\": 0.5 }"),
        (Block::Request, "args { \"a\": \"\t\" }", "E109", "args { \"a\": \"\\t\" }"),
        (Block::Request, "args { \"a\": \"x }", "E107", "args { \"a\": \"x\" }"),
        (Block::Request, "args { \"a\": [1, 2 }", "E103", "args { \"a\": [1, 2 }"),
        (Block::Request, "expect x = 3", "E103", "expect x == 3"),
        (Block::Request, "expect x === 3", "E103", "expect x == 3"),
        (Block::Request, "expect x && y", "E103", "expect x and y"),
        (Block::Request, "expect x || y", "E103", "expect x or y"),
        (Block::Request, "expect !x", "E103", "expect not x"),
        (Block::Request, "expect x <> 3", "E103", "expect x != 3"),
        (Block::Request, "expect ok as fast", "E103", "expect ok as \"fast\""),
        (Block::Request, "expect text matches \"\\d+\\.\"", "E112", "expect text matches \"\\\\d+\\.\""),
        (Block::Request, "expect f\"a}\" == b", "E116", "expect f\"a}}\" == b"),
        (Block::Request, "sve x = 1", "E101", "save x = 1"),
        (Block::Request, "pages 1 # fine\n  expct ok", "E101", "pages 1 # fine\n  expect ok"),
        (Block::Report, "htlm \"a\"", "E101", "html \"a\""),
        (Block::File, "guard x { }", "E103", "guard { }"),
        (Block::Server, "builtin rulebook --error-bursts=5%", "E103", "builtin rulebook { error_bursts 5% }"),
        (Block::Server, "builtin rulebook --stdio", "E103", "builtin rulebook { stdio on }"),
        (
            Block::Server,
            "builtin rulebook --latency 5ms --seed=2",
            "E103",
            "builtin rulebook {\n    latency 5ms\n    seed 2\n  }",
        ),
        (Block::File, "server s\n{ }", "E104", "server s { }"),
        (Block::File, "param x: 3", "E103", "param x = 3"),
        (Block::File, "scenaro x { target y }", "E102", "scenario x { target y }"),
    ] {
        check_fix(block, bad, code, good);
    }
}

#[test]
fn mistakes_without_a_certain_mend_are_named() {
    for (block, line, code, message) in [
        (Block::Flow, "let x = f\"{}\"", "E116", "braces without a value"),
        (Block::Flow, "let x = f\"{a b}\"", "E116", "expected one value in braces"),
        (Block::Flow, "let x = f\"{a\"", "E107", "string without its closing quote"),
        (Block::Flow, "let x = [1, 2)", "E103", "expected `,` or `]` after `2`"),
        (Block::Flow, "let x = f(1", "E115", "`(` without its `)`"),
        (Block::Flow, "let x = 1 +", "E103", "expected a value after `+`"),
        (Block::Flow, "call search(query: 1)", "E103", "arguments in parentheses"),
        (Block::Flow, "call search as \"find\" {\n}", "E103", "label before the block"),
        (Block::Flow, "call", "E113", "`call` without the name of a tool"),
        (Block::Flow, "expect ok", "E101", "unknown statement `expect` in `flow`"),
        (Block::Stages, "hold", "E103", "expected a value after `hold`"),
        (Block::Stages, "repeat 5", "E101", "unknown statement `repeat` in `stages`"),
        (Block::Mix, "search 60%", "E103", "expected a percentage such as `60%`"),
        (Block::Assert, "a.b <", "E103", "expected a value after `<`"),
        (Block::Server, "timeout 10parsec", "E111", "`10parsec` is no number with a known unit"),
        (Block::File, "quota docs {\n}", "E102", "unknown item `quota`"),
        (Block::File, "server {\n}", "E113", "`server` without a name"),
    ] {
        let (_, diagnostic) = only(block, line);
        assert_eq!((diagnostic.code, diagnostic.message.as_str()), (code, message), "{line}");
    }
    for (text, code, message) in [
        ("mcpl", "E114", "`mcpl` without its edition"),
        ("mcpl 1.0", "E114", "unknown edition `1.0`"),
        ("mcpl 1 x", "E103", "more text than the head of `mcpl` takes"),
    ] {
        let parse = check_invariants(text);
        let [diagnostic] = parse.diagnostics() else { panic!("{:?}", parse.diagnostics()) };
        assert_eq!((diagnostic.code, diagnostic.message.as_str()), (code, message), "{text}");
    }
}

#[test]
fn no_cascades() {
    for (text, expected) in [
        // A brace too few: the statement that shows it has no finding of its own.
        ("mcpl 1\nflow a {\n  call b {\n    args 1\n  think 1s\n  call c\n}\n", vec!["E105"]),
        ("mcpl 1\nflow a {\n  call b {\n    args 1\n\nflow c { call d }\n", vec!["E105"]),
        // A brace too many: what follows is adrift, and so is the last brace.
        ("mcpl 1\nscenario a {\n  stages { hold 1/s for 1s } }\n  mix { 100% b }\n  warmup 1s\n}\n", vec!["E102"]),
        // Nothing inside an unknown block, and its missing brace is no news.
        ("mcpl 1\nscenaro a {\n  foo\n  bar {\n", vec!["E102"]),
        ("mcpl 1\nflow a {\n  cal b {\n    foo\n    args { x: 1 }\n  }\n}\n", vec!["E101"]),
        // Lines that mean nothing are one finding.
        ("mcpl 1\nflow a {\n  ?? x\n  !! y\n\n  ;; z\n}\n", vec!["E101"]),
        // A head with two mistakes.
        ("mcpl 1\nflow %% a\n  call b\n}\n", vec!["E103"]),
        // Braces gone altogether.
        ("mcpl 1\nscenario a\n  target b\n  stages\n    hold 1/s for 1s\n  run c\nflow c\n  call d\n", vec!["E104"; 3]),
        ("mcpl 1\nmcpl 1\n", vec!["E102"]),
        ("flow a { call b }\nmcpl 1\n", vec!["E102"]),
        ("mpcl 1\nflow a { call b }\n", vec!["E102"]),
    ] {
        assert_eq!(codes(&check_invariants(text)), expected, "{text}");
    }
}

#[test]
fn certain_fixes_end_and_add_no_error() {
    let broken = read(&repository("tests/corpus/parse/broken.mcpl"));
    let mut text = broken;
    let mut count = check_invariants(&text).diagnostics().len();
    for _ in 0..40 {
        let parse = check_invariants(&text);
        let fixed = apply_fixes(&text, parse.diagnostics(), false);
        if fixed == text {
            return;
        }
        let now = check_invariants(&fixed).diagnostics().len();
        assert!(now <= count + 1, "{now} findings after a fix, {count} before");
        (text, count) = (fixed, now);
    }
    panic!("fixes do not end");
}
