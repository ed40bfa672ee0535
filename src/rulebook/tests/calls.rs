use std::time::Duration;

use rmcp::model::CallToolResult;
use serde_json::{Value, json};

use crate::rulebook::cache::Cache;
use crate::rulebook::calls::Book;
use crate::rulebook::library::{Library, Shelf};
use crate::rulebook::limits::{MAX_COMPOSE_IDS, MAX_QUERY_CHARS, MAX_TEXT_BYTES};
use crate::rulebook::tools;

fn book(cache_entries: usize) -> Book {
    Book {
        shelf: Shelf::new(Library::generate(600, 1)),
        cache: Cache::new(cache_entries, 1_000_000, Duration::from_secs(300)),
    }
}

fn result(book: &Book, tool: &str, arguments: Value) -> CallToolResult {
    book.call(tool, arguments.as_object().cloned()).unwrap()
}

fn value(book: &Book, tool: &str, arguments: Value) -> Value {
    let result = result(book, tool, arguments);
    assert_eq!(result.is_error, Some(false), "{result:?}");
    result.structured_content.unwrap()
}

/// What a call that is understood and fails tells its caller.
fn failure(book: &Book, tool: &str, arguments: Value) -> String {
    let result = result(book, tool, arguments);
    assert_eq!((result.is_error, result.structured_content.as_ref()), (Some(true), None), "{result:?}");
    result.content[0].as_text().unwrap().text.clone()
}

/// The message of a call whose arguments are refused.
fn refusal(book: &Book, tool: &str, arguments: Value) -> String {
    let error = book.call(tool, arguments.as_object().cloned()).unwrap_err();
    assert_eq!(error.code.0, -32602, "{error:?}");
    error.message.into_owned()
}

#[test]
fn results_have_the_fields_their_schema_promises() {
    let book = book(10);
    let calls = [
        ("list_rules", json!({ "limit": 3 })),
        ("get_rule", json!({ "id": "rule-0009" })),
        ("search_rules", json!({ "query": "name" })),
        ("compose_rules", json!({ "ids": ["rule-0009"] })),
        ("validate_rule", json!({ "text": "Text." })),
        ("put_rule", json!({ "id": "new", "text": "Text." })),
        ("clear_cache", json!({})),
    ];
    let definitions = tools::definitions();
    assert_eq!(definitions.iter().map(|tool| tool.name.as_ref()).collect::<Vec<_>>(), tools::NAMES);
    for (tool, (name, arguments)) in definitions.iter().zip(calls) {
        assert_eq!(tool.name, name);
        let schema = tool.output_schema.as_ref().unwrap();
        let result = value(&book, name, arguments);
        let fields: Vec<&String> = result.as_object().unwrap().keys().collect();
        for required in schema["required"].as_array().unwrap() {
            assert!(fields.iter().any(|field| **field == *required), "{name} lacks {required}");
        }
        for field in fields {
            assert!(schema["properties"].get(field).is_some(), "{name} does not announce {field}");
        }
    }
}

#[test]
fn annotations_tell_the_truth() {
    for tool in tools::definitions() {
        let hints = tool.annotations.unwrap();
        let expected = match tool.name.as_ref() {
            "put_rule" => (false, true),
            "clear_cache" => (false, false),
            _ => (true, false),
        };
        let told = (hints.read_only_hint.unwrap(), hints.destructive_hint.unwrap());
        assert_eq!(told, expected, "{}", tool.name);
        assert_eq!((hints.idempotent_hint, hints.open_world_hint), (Some(true), Some(false)), "{}", tool.name);
    }
}

#[test]
fn input_schemas_give_limits_and_examples_that_work() {
    let book = book(10);
    for tool in tools::definitions() {
        let schema = tool.input_schema;
        assert_eq!(schema["type"], "object");
        assert_eq!(schema["additionalProperties"], false);
        let mut arguments = serde_json::Map::new();
        if let Some(properties) = schema.get("properties") {
            for (name, property) in properties.as_object().unwrap() {
                if let Some(example) = property.get("examples").and_then(|examples| examples.get(0)) {
                    arguments.insert(name.clone(), example.clone());
                }
            }
        }
        value(&book, &tool.name, Value::Object(arguments));
    }
}

#[test]
fn lists_by_tag_and_counts_all() {
    let book = book(10);
    let listed = value(&book, "list_rules", json!({ "tag": "errors", "limit": 4 }));
    assert_eq!((listed["rules"].as_array().unwrap().len(), &listed["total"]), (4, &json!(50)));
    assert!(listed["rules"].as_array().unwrap().iter().all(|rule| rule["tags"][0] == "errors"));
    assert_eq!(value(&book, "list_rules", json!({}))["rules"].as_array().unwrap().len(), 50);
    assert_eq!(value(&book, "list_rules", json!({ "tag": "no-such" }))["total"], 0);
}

#[test]
fn searches_and_counts_all() {
    let found = value(&book(10), "search_rules", json!({ "query": "LOCKS", "limit": 2 }));
    let hits = found["hits"].as_array().unwrap();
    assert_eq!(hits.len(), 2);
    assert!(found["total"].as_u64().unwrap() > 2);
    assert!(hits[0]["title"].as_str().unwrap().contains("locks") && hits[0]["score"].as_u64().unwrap() > 1);
}

#[test]
fn a_composition_is_made_once() {
    let book = book(10);
    let ask = |ids: Value| {
        let result = result(&book, "compose_rules", json!({ "ids": ids }));
        let mut content = result.structured_content.unwrap();
        let cache = content.as_object_mut().unwrap().remove("cache").unwrap();
        assert_eq!(result.meta.unwrap().0["rulebook/cache"], cache);
        (cache, content)
    };
    let (first, made) = ask(json!(["rule-0100", "rule-0200"]));
    let (second, kept) = ask(json!(["rule-0200", "rule-0100", "rule-0200"]));
    assert_eq!((first, second), (json!("miss"), json!("hit")));
    assert_eq!(made, kept);
    assert!(made["text"].as_str().unwrap().contains("(`rule-0200`)"));

    value(&book, "put_rule", json!({ "id": "rule-0200", "text": "Changed." }));
    let (third, changed) = ask(json!(["rule-0100", "rule-0200"]));
    assert_eq!(third, "miss");
    assert!(changed["text"].as_str().unwrap().contains("Changed."), "a new text is never hidden by the cache");

    assert_eq!(value(&book, "clear_cache", json!({}))["removed"], 2);
    assert_eq!(ask(json!(["rule-0100", "rule-0200"])).0, "miss");
}

#[test]
fn without_a_cache_each_composition_is_made() {
    let book = book(0);
    for _ in 0..2 {
        assert_eq!(value(&book, "compose_rules", json!({ "ids": ["rule-0001"] }))["cache"], "off");
    }
}

#[test]
fn unknown_rules_fail_with_advice() {
    let book = book(10);
    let text = failure(&book, "get_rule", json!({ "id": "rule-9999" }));
    assert_eq!(text, "unknown rule `rule-9999`: call list_rules to see the ids (`rule-0001` to `rule-0600`)");

    let text = failure(&book, "compose_rules", json!({ "ids": ["a", "rule-0001", "b"] }));
    assert!(text.starts_with("unknown rules `a`, `b`: call list_rules"), "{text}");

    let many: Vec<String> = (0..8).map(|number| format!("x{number}")).collect();
    assert!(failure(&book, "compose_rules", json!({ "ids": many })).contains("`x4`, and 3 more:"));
}

#[test]
fn one_id_cannot_pass_for_two() {
    let book = book(10);
    value(&book, "compose_rules", json!({ "ids": ["rule-0001", "rule-0002"] }));
    failure(&book, "compose_rules", json!({ "ids": ["rule-0001 rule-0002"] }));
}

#[test]
fn arguments_that_do_not_fit_are_refused() {
    let book = book(10);
    let too_many = vec!["rule-0001"; MAX_COMPOSE_IDS + 1];
    for (tool, arguments, expected) in [
        ("get_rule", json!({}), "missing field `id`"),
        ("get_rule", json!({ "id": 7 }), "invalid type"),
        ("get_rule", json!({ "id": "rule-0001", "ix": 1 }), "unknown field `ix`"),
        ("list_rules", json!({ "limit": 0 }), "limit must be between 1 and 500, not 0"),
        ("list_rules", json!({ "limit": 501 }), "limit must be between"),
        ("search_rules", json!({ "query": "" }), "query must be between 1 and 256"),
        ("search_rules", json!({ "query": "x".repeat(MAX_QUERY_CHARS + 1) }), "query must be between"),
        ("search_rules", json!({ "query": "x", "limit": 101 }), "limit must be between"),
        ("compose_rules", json!({ "ids": [] }), "the number of ids must be between 1 and 500, not 0"),
        ("compose_rules", json!({ "ids": too_many }), "not 501"),
        ("compose_rules", json!({ "ids": ["rule-0001"], "format": "pdf" }), "unknown variant `pdf`"),
        ("put_rule", json!({ "id": "a", "text": "" }), "text in bytes must be between"),
        ("put_rule", json!({ "id": "a", "text": "x".repeat(MAX_TEXT_BYTES + 1) }), "text in bytes must be between"),
        ("no_such_tool", json!({}), "there is no tool `no_such_tool`"),
    ] {
        let message = refusal(&book, tool, arguments);
        assert!(message.contains(expected), "{tool}: {message}");
    }
    assert!(failure(&book, "put_rule", json!({ "id": "No Name", "text": "x" })).contains("cannot name"));
}

#[test]
fn the_limits_themselves_are_allowed() {
    let book = book(10);
    let ids: Vec<String> = (1..=MAX_COMPOSE_IDS).map(|number| format!("rule-{number:04}")).collect();
    let composed = value(&book, "compose_rules", json!({ "ids": ids, "format": "json" }));
    assert!(composed["rules"].as_array().unwrap().len() >= MAX_COMPOSE_IDS);
    value(&book, "list_rules", json!({ "limit": 500 }));
    value(&book, "put_rule", json!({ "id": "a", "text": "x".repeat(MAX_TEXT_BYTES) }));
}
