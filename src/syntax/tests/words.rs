//! The vocabulary is the grammar's.

use std::collections::BTreeSet;

use super::{check_invariants, codes, read, repository};
use crate::syntax::kind::Kind;
use crate::syntax::nesting;
use crate::syntax::parser;
use crate::syntax::phrase::{self, Phrase};
use crate::syntax::words::{Block, WORDS, words_of};

/// A file in which `line` stands in `block`.
pub(super) fn in_block(block: Block, line: &str) -> String {
    let (before, after) = match block {
        Block::File => ("", ""),
        Block::Server => ("server s {\n", "\n}"),
        Block::Builtin => ("server s {\nbuiltin rulebook {\n", "\n}\n}"),
        Block::Revisions => ("server s {\nprotocol {\n", "\n}\n}"),
        Block::Tls => ("server s {\ntls {\n", "\n}\n}"),
        Block::Oauth => ("server s {\nauth oauth {\n", "\n}\n}"),
        Block::Data => ("data d {\n", "\n}"),
        Block::Types => ("data d {\ntypes {\n", "\n}\n}"),
        Block::Targets => ("scenario s {\ntarget {\n", "\n}\n}"),
        Block::Task => ("flow f {\ncall c {\ntask {\n", "\n}\n}\n}"),
        Block::Choose => ("flow f {\nchoose {\n", "\n}\n}"),
        Block::Baseline => ("baseline b {\n", "\n}"),
        Block::Guard => ("guard {\n", "\n}"),
        Block::Scenario => ("scenario s {\n", "\n}"),
        Block::Stages => ("scenario s {\nstages {\n", "\n}\n}"),
        Block::Mix => ("scenario s {\nmix {\n", "\n}\n}"),
        Block::Flow => ("flow f {\n", "\n}"),
        Block::Request => ("flow f {\ncall c {\n", "\n}\n}"),
        Block::Assert => ("assert {\n", "\n}"),
        Block::Report => ("report {\n", "\n}"),
    };
    // Not in column 0, where a word such as `assert` would start an item.
    let indent = if block == Block::File { "" } else { "  " };
    format!("mcpl 1\n{before}{indent}{line}{after}\n")
}

#[test]
fn each_word_starts_what_the_table_says() {
    for word in WORDS {
        let first = word.example.split(' ').next();
        assert_eq!(first, Some(word.word), "{}", word.example);
        let reached = word.kinds.iter().filter(|kind| parser::stop(**kind, word.example).is_none()).count();
        assert_eq!(reached, 1, "`{}` is one of its statements", word.example);
        if word.word != "mcpl" {
            let text = in_block(word.block, word.example);
            assert_eq!(check_invariants(&text).diagnostics(), [], "{text}");
        }
    }
}

#[test]
fn each_plain_line_is_one() {
    for block in Block::ALL {
        let words = words_of(block).count();
        match block.plain_line() {
            Some((kind, example)) => {
                assert_eq!(words, 0, "{block:?} has either words or plain lines");
                assert!(parser::stop(kind, example).is_none(), "{example}");
                assert_eq!(check_invariants(&in_block(block, example)).diagnostics(), []);
            }
            None => assert!(words > 0, "{block:?}"),
        }
    }
}

/// The alternatives of a rule such as `server_stmt = _{ http | stdio }`.
fn alternatives(grammar: &str, rule: &str) -> BTreeSet<String> {
    let start = grammar.find(&format!("\n{rule} = _{{")).unwrap_or_else(|| panic!("no rule {rule}"));
    let body = grammar[start..].split_once('{').unwrap().1.split_once('}').unwrap().0;
    // A look at the first letter is no alternative.
    let named = |name: &str| name.rsplit("~ ").next().unwrap_or(name).trim_matches([' ', '\n', '(', ')']).to_owned();
    body.split('|').map(named).collect()
}

#[test]
fn the_table_is_the_grammar() {
    let grammar = read(&repository("grammar/mcpl.pest"));
    for (block, rule) in [
        (Block::Server, "server_stmt"),
        (Block::Tls, "tls_stmt"),
        (Block::Oauth, "oauth_stmt"),
        (Block::Data, "data_stmt"),
        (Block::Guard, "guard_stmt"),
        (Block::Scenario, "scenario_stmt"),
        (Block::Stages, "stage"),
        (Block::Flow, "step"),
        (Block::Request, "request_stmt"),
        (Block::Task, "task_stmt"),
        (Block::Report, "report_stmt"),
    ] {
        let table = words_of(block).flat_map(|word| word.kinds).map(|kind| kind.name().to_owned());
        assert_eq!(table.collect::<BTreeSet<_>>(), alternatives(&grammar, rule), "{block:?}");
    }
    let mut items = alternatives(&grammar, "item");
    items.insert("edition".to_owned());
    let table = words_of(Block::File).flat_map(|word| word.kinds).map(|kind| kind.name().to_owned());
    assert_eq!(table.collect::<BTreeSet<_>>(), items);
    for (block, rule) in
        [(Block::Scenario, "scenario_word"), (Block::Flow, "step_word"), (Block::Request, "request_word")]
    {
        let table = words_of(block).map(|word| match (block, word.word) {
            // `hold` starts a stage, too.
            (Block::Scenario, "hold") => "hold_stream_word".to_owned(),
            (_, word) => format!("KW_{}", word.to_uppercase()),
        });
        assert_eq!(table.collect::<BTreeSet<_>>(), alternatives(&grammar, rule), "{rule}");
    }
}

#[test]
fn items_start_where_the_grammar_says() {
    for word in words_of(Block::File).map(|word| word.word).filter(|word| *word != "mcpl") {
        for (after, starts) in [(" x", true), ("{", true), ("", true), (".x", false), ("s", false), ("(", false)] {
            let line = format!("{word}{after}");
            assert_eq!(nesting::item_at(line.as_bytes()), starts, "{line}");
            let text = format!("mcpl 1\nassert {{\n  a < 1\n{line}\n");
            let closed =
                codes(&check_invariants(&text)).contains(&"E105") && check_invariants(&text).file().items().len() > 1;
            assert_eq!(closed, starts, "{line}");
        }
    }
}

#[test]
fn each_rule_has_its_line_of_documentation() {
    let grammar = read(&repository("grammar/mcpl.pest"));
    let lines: Vec<&str> = grammar.lines().collect();
    let mut rules = 0;
    for pair in lines.windows(2) {
        let is_rule = pair[1].starts_with(|c: char| c.is_ascii_alphabetic()) && pair[1].contains(" = ");
        if is_rule {
            rules += 1;
            assert!(pair[0].starts_with("/// "), "{}", pair[1]);
        }
    }
    assert!(rules > 200, "{rules}");
}

#[test]
fn keywords_are_called_what_they_are() {
    let grammar = read(&repository("grammar/mcpl.pest"));
    for kind in Kind::ALL.iter().copied().filter(|kind| kind.is_keyword()) {
        let word = phrase::keyword(kind).unwrap();
        assert!(grammar.contains(&format!("{} = @{{ \"{word}\" ~ !word_char }}", kind.name())), "{word}");
        assert!(matches!(phrase::phrase(kind), Phrase::Exact(_) | Phrase::Silent), "{word}");
    }
}
