use std::collections::{BTreeMap, BTreeSet};

use crate::rulebook::library::{Change, Library, RuleId, Shelf};
use crate::rulebook::limits::{MAX_NAME_CHARS, MAX_RULES};
use crate::rulebook::phrases::TOPICS;

#[test]
fn a_seed_makes_one_library() {
    assert_eq!(Library::generate(300, 7), Library::generate(300, 7));
    assert_ne!(Library::generate(300, 7), Library::generate(300, 8));
}

#[test]
fn ids_count_up_and_sort_as_numbers_do() {
    let library = Library::generate(1200, 1);
    let ids: Vec<&str> = library.iter().map(|rule| rule.id.as_ref()).collect();
    let expected: Vec<String> = (1..=1200).map(|number| format!("rule-{number:04}")).collect();
    assert_eq!(ids, expected);
    assert_eq!(library.ends(), Some(("rule-0001", "rule-1200")));
}

#[test]
fn rules_have_a_topic_a_title_and_text() {
    let library = Library::generate(200, 1);
    for rule in library.iter() {
        assert!(!rule.title.is_empty() && rule.text.contains("**"), "{rule:?}");
        assert!((0..=100).contains(&rule.priority), "{rule:?}");
    }
    let topics: BTreeSet<&str> = library.iter().map(|rule| rule.tags[0].as_str()).collect();
    assert_eq!(topics, TOPICS.iter().map(|topic| topic.name).collect());
}

#[test]
fn includes_exist_and_form_no_circle() {
    let library = Library::generate(2000, 3);
    let mut open: BTreeMap<RuleId, BTreeSet<RuleId>> =
        library.iter().map(|rule| (rule.id.clone(), rule.includes.iter().cloned().collect())).collect();
    assert!(open.values().any(|includes| includes.len() > 1), "some rules include several");

    // Takes away whatever includes nothing that is left; a circle stays.
    let mut done = BTreeSet::new();
    while !open.is_empty() {
        let ready: Vec<RuleId> =
            open.iter().filter(|(_, includes)| includes.is_subset(&done)).map(|(id, _)| id.clone()).collect();
        assert!(!ready.is_empty(), "a circle or an unknown id among {:?}", open.keys());
        for id in ready {
            open.remove(&id);
            done.insert(id);
        }
    }
}

#[test]
fn contradictions_are_noted_on_both_sides() {
    let mut seen = 0;
    // Small libraries, so that include and contradiction often meet.
    for library in (1..=200).map(|seed| Library::generate(12, seed)) {
        for rule in library.iter() {
            for other in &rule.conflicts {
                seen += 1;
                assert_ne!(&rule.id, other);
                assert!(!rule.includes.contains(other), "{rule:?} contradicts what it includes");
                let back = &library.get(other).unwrap().conflicts;
                assert!(back.contains(&rule.id), "{other} knows nothing of {}", rule.id);
            }
        }
    }
    assert!(seen > 100, "only {seen} contradictions");
}

#[test]
fn a_snapshot_does_not_change() {
    let shelf = Shelf::new(Library::generate(3, 1));
    let before = shelf.snapshot();
    assert_eq!(shelf.put("rule-0002", "New text.".to_owned()), Ok((Change::Replaced, 2)));
    assert_ne!(before.get("rule-0002").unwrap().text, "New text.");

    let after = shelf.snapshot();
    let rule = after.get("rule-0002").unwrap();
    assert_eq!((rule.text.as_str(), rule.folded_text()), ("New text.", "new text."));
    assert_eq!(rule.title, before.get("rule-0002").unwrap().title, "a new text keeps the title");
}

#[test]
fn the_same_text_again_changes_nothing() {
    let shelf = Shelf::new(Library::generate(3, 1));
    assert_eq!(shelf.put("mine", "# Mine\n\nText.".to_owned()), Ok((Change::Created, 2)));
    assert_eq!(shelf.put("mine", "# Mine\n\nText.".to_owned()), Ok((Change::None, 2)));
    assert_eq!(shelf.snapshot().get("mine").unwrap().title, "Mine");
    assert_eq!(shelf.snapshot().len(), 4);
}

#[test]
fn ids_of_new_rules_are_plain_names() {
    let shelf = Shelf::new(Library::generate(1, 1));
    let long = "x".repeat(MAX_NAME_CHARS + 1);
    for id in ["", "stats", "Upper", "with space", "a/b", "ä", &long] {
        let refused = shelf.put(id, "text".to_owned()).unwrap_err();
        assert!(refused.contains("cannot name"), "{id}: {refused}");
    }
    assert_eq!(shelf.snapshot().revision(), 1);
}

#[test]
fn a_full_library_takes_no_new_rule() {
    let shelf = Shelf::new(Library::generate(MAX_RULES, 1));
    assert!(shelf.put("one-more", "text".to_owned()).unwrap_err().contains("full"));
    assert_eq!(shelf.put("rule-0001", "text".to_owned()), Ok((Change::Replaced, 2)));
}
