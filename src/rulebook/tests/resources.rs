use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use crate::rulebook::cache::Cache;
use crate::rulebook::calls::Book;
use crate::rulebook::counters::Counters;
use crate::rulebook::library::{Library, Shelf};
use crate::rulebook::{prompts, resources, tools};

fn book(rules: usize) -> Book {
    Book { shelf: Shelf::new(Library::generate(rules, 1)), cache: Cache::new(10, 1_000_000, Duration::ZERO) }
}

/// The number of resources on each page, following cursors.
fn pages(rules: usize) -> Vec<usize> {
    let library = Library::generate(rules, 1);
    let (mut cursor, mut sizes, mut uris) = (None, Vec::new(), BTreeSet::new());
    loop {
        let page = resources::list(&library, cursor.as_deref()).unwrap();
        sizes.push(page.resources.len());
        uris.extend(page.resources.into_iter().map(|resource| resource.uri));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(uris.len(), rules + 1, "every rule and the figures, each once");
    sizes
}

#[test]
fn resources_come_in_pages() {
    assert_eq!(pages(1), [2]);
    assert_eq!(pages(49), [50], "a full page that is the last has no cursor");
    assert_eq!(pages(50), [50, 1]);
    assert_eq!(pages(120), [50, 50, 21]);
}

#[test]
fn a_foreign_cursor_is_refused() {
    for cursor in ["", "rule-9999"] {
        assert_eq!(resources::list(&Library::generate(10, 1), Some(cursor)).unwrap_err().code.0, -32602);
    }
}

#[test]
fn rules_are_read_by_uri() {
    let (book, counters) = (book(10), Counters::default());
    let read = resources::read(&book, &counters, "rule://rule-0003").unwrap();
    let read = serde_json::to_value(&read.contents[0]).unwrap();
    let library = book.shelf.snapshot();
    let rule = library.get("rule-0003").unwrap();
    assert_eq!(read["mimeType"], "text/markdown");
    assert_eq!(read["text"], format!("# {}\n\n{}\n", rule.title, rule.text));

    for uri in ["rule://rule-9999", "rule-0003", "file:///rule-0003", "rule://"] {
        let error = resources::read(&book, &counters, uri).unwrap_err();
        assert_eq!((error.code.0, error.data), (-32002, Some(json!({ "uri": uri }))));
    }
}

#[test]
fn the_figures_follow_what_happens() {
    let (book, counters) = (book(10), Counters::new(tools::NAMES));
    let stats = || -> Value {
        let read = resources::read(&book, &counters, "rule://stats").unwrap();
        let read = serde_json::to_value(&read.contents[0]).unwrap();
        serde_json::from_str(read["text"].as_str().unwrap()).unwrap()
    };
    assert_eq!(stats()["cache"]["hit_ratio"], Value::Null);
    for _ in 0..4 {
        counters.called("compose_rules");
        counters.called("no_such_tool");
        book.composition(&["rule-0001".to_owned()], Default::default()).unwrap();
    }
    let stats = stats();
    assert_eq!((&stats["rules"], &stats["revision"]), (&json!(10), &json!(1)));
    assert_eq!((&stats["cache"]["hits"], &stats["cache"]["misses"]), (&json!(3), &json!(1)));
    assert_eq!((&stats["cache"]["hit_ratio"], &stats["cache"]["entries"]), (&json!(0.75), &json!(1)));
    assert_eq!((&stats["calls"]["compose_rules"], &stats["calls"]["get_rule"]), (&json!(4), &json!(0)));
    assert_eq!(stats["calls"].as_object().unwrap().len(), tools::NAMES.len());
}

#[test]
fn the_prompt_carries_the_composed_rules() {
    let book = book(10);
    let ask = |arguments: Value| prompts::get(&book, "apply_rules", arguments.as_object());
    let given = ask(json!({ "ids": "rule-0001, rule-0002\nrule-0003", "language": "Rust" })).unwrap();
    let given = serde_json::to_value(&given).unwrap();
    let text = given["messages"][0]["content"]["text"].as_str().unwrap();
    assert!(text.starts_with("Review the following Rust code by these rules"), "{text}");
    for id in ["rule-0001", "rule-0002", "rule-0003"] {
        assert!(text.contains(&format!("(`{id}`)")), "{id} in {text}");
    }

    for (arguments, expected) in [
        (json!({}), "number of ids"),
        (json!({ "ids": "nobody" }), "unknown rule `nobody`"),
        (json!({ "ids": 7 }), "must be a string"),
        (json!({ "ids": "rule-0001", "language": "x".repeat(65) }), "language is longer"),
    ] {
        let error = ask(arguments).unwrap_err();
        assert_eq!(error.code.0, -32602);
        assert!(error.message.contains(expected), "{error:?}");
    }
    assert_eq!(prompts::get(&book, "other", None).unwrap_err().code.0, -32602);
}
