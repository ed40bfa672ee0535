use crate::rulebook::compose::{Conflict, Format, compose};
use crate::rulebook::library::{Library, Rule, RuleId};
use crate::rulebook::limits::{MAX_COMPOSITION_BYTES, MAX_RULES};
use crate::rulebook::search::search;

fn rule(id: &str, priority: i32, includes: &[&str], conflicts: &[&str]) -> Rule {
    let mut rule = Rule::new(id.into(), format!("Title {id}"), format!("Text {id}."), Vec::new(), priority);
    rule.includes = ids(includes);
    rule.conflicts = ids(conflicts);
    rule
}

fn ids(ids: &[&str]) -> Vec<RuleId> {
    ids.iter().map(|id| RuleId::from(*id)).collect()
}

fn order(library: &Library, asked: &[&str]) -> Vec<String> {
    let composition = compose(library, &ids(asked), Format::Markdown).unwrap();
    composition.rules.iter().map(|part| part.id.to_string()).collect()
}

#[test]
fn includes_come_along_once_each() {
    let library = Library::new([
        rule("a", 1, &["b", "c"], &[]),
        rule("b", 1, &["d"], &[]),
        rule("c", 1, &["d"], &[]),
        rule("d", 1, &[], &[]),
        rule("e", 1, &[], &[]),
    ]);
    assert_eq!(order(&library, &["a"]), ["a", "b", "c", "d"]);
    assert_eq!(order(&library, &["c", "e", "c"]), ["c", "d", "e"]);
    let composition = compose(&library, &ids(&["c"]), Format::Markdown).unwrap();
    let requested: Vec<bool> = composition.rules.iter().map(|part| part.requested).collect();
    assert_eq!(requested, [true, false]);
}

#[test]
fn the_highest_priority_comes_first_then_the_id() {
    let library = Library::new([
        rule("low", 1, &[], &[]),
        rule("high", 9, &["b-equal"], &[]),
        rule("b-equal", 5, &[], &[]),
        rule("a-equal", 5, &[], &[]),
    ]);
    assert_eq!(order(&library, &["low", "a-equal", "high"]), ["high", "a-equal", "b-equal", "low"]);
}

#[test]
fn contradictions_count_between_rules_that_are_there() {
    let library = Library::new([
        rule("a", 1, &["b"], &["z"]),
        rule("b", 1, &[], &["c"]),
        rule("c", 1, &[], &["b"]),
        rule("z", 1, &[], &[]),
    ]);
    let found = |asked: &[&str]| compose(&library, &ids(asked), Format::Markdown).unwrap().conflicts;
    assert_eq!(found(&["a"]), []);
    let b_c = Conflict { a: "b".into(), b: "c".into() };
    assert_eq!(found(&["c", "a"]), vec![b_c.clone()], "b is included; both sides name it, it counts once");
    assert_eq!(found(&["a", "c", "z"]), [Conflict { a: "a".into(), b: "z".into() }, b_c]);
}

#[test]
fn markdown_names_rules_and_contradictions() {
    let library = Library::new([rule("a", 2, &[], &["b"]), rule("b", 1, &[], &[])]);
    let text = compose(&library, &ids(&["a", "b"]), Format::Markdown).unwrap().text;
    assert_eq!(
        text,
        "# 2 rules\n\n> `a` contradicts `b`; the one that comes first wins.\n\n\
         ## Title a (`a`)\n\nText a.\n\n## Title b (`b`)\n\nText b.\n"
    );
}

#[test]
fn json_is_the_rules_in_order() {
    let library = Library::new([rule("a", 1, &["b"], &[]), rule("b", 2, &[], &[])]);
    let text = compose(&library, &ids(&["a"]), Format::Json).unwrap().text;
    let rules: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(rules[0]["id"], "b");
    assert_eq!(rules[1]["includes"], serde_json::json!(["b"]));
    assert_eq!(rules[1]["text"], "Text a.");
    assert_eq!(rules[1].as_object().unwrap().len(), 7, "what serves the search stays inside");
}

#[test]
fn a_chain_as_long_as_the_library_is_resolved() {
    let name = |number: usize| format!("rule-{number:04}");
    let chain = (1..=MAX_RULES).map(|number| {
        let next = (number < MAX_RULES).then(|| name(number + 1));
        rule(&name(number), 1, &next.iter().map(String::as_str).collect::<Vec<_>>(), &[])
    });
    assert_eq!(order(&Library::new(chain), &["rule-0001"]).len(), MAX_RULES);
}

#[test]
fn a_generated_rule_brings_a_handful_of_others() {
    for count in [200, MAX_RULES] {
        let library = Library::generate(count, 1);
        let parts: usize = library.iter().map(|rule| order(&library, &[&rule.id]).len()).sum();
        let mean = parts as f64 / count as f64;
        assert!((1.5..4.0).contains(&mean), "{mean} in a library of {count}");
    }
}

#[test]
fn a_composition_has_a_size_limit() {
    let long = |id: &str| Rule::new(id.into(), id.into(), "x".repeat(MAX_COMPOSITION_BYTES / 2), Vec::new(), 1);
    let library = Library::new([long("a"), long("b"), rule("c", 1, &[], &[])]);
    assert!(compose(&library, &ids(&["a", "b"]), Format::Markdown).is_ok());
    assert_eq!(compose(&library, &ids(&["a", "b", "c"]), Format::Json), Err(MAX_COMPOSITION_BYTES + 7));
}

#[test]
fn a_search_ranks_titles_over_tags_over_texts() {
    let of = |id: &str, title: &str, text: &str, tag: &str| {
        Rule::new(id.into(), title.into(), text.into(), vec![tag.into()], 1)
    };
    let library = Library::new([
        of("in-text", "Other", "A lock.", "x"),
        of("in-tag", "Other", "Nothing.", "lock"),
        of("in-title", "Lock it", "Nothing.", "x"),
        of("twice", "Other", "Lock and lock, KEY.", "x"),
        of("none", "Other", "Nothing.", "x"),
    ]);
    let hits: Vec<(String, u32)> =
        search(&library, " LOCK key ").iter().map(|hit| (hit.rule.id.to_string(), hit.score)).collect();
    let expected = [("in-title", 5), ("in-tag", 3), ("twice", 3), ("in-text", 1)];
    assert_eq!(hits, expected.map(|(id, score)| (id.to_owned(), score)));
    assert!(search(&library, "  ").is_empty());
}
