mod offers;
mod schemas;

use serde_json::{Value as Json, json};

use super::*;
use crate::model;

/// A tool that may be called.
fn tool(name: &str, schema: Json) -> Tool {
    Tool { name: name.to_owned(), schema, read_only: true, ..Tool::default() }
}

fn starter(calls: Vec<Call>) -> Starter {
    Starter { calls, server: "x".to_owned(), ..Starter::unknown(Address::Http("http://127.0.0.1:1/mcp".to_owned())) }
}

/// Compiles without any other file.
fn compile(text: &str) -> model::Compiled {
    struct None;
    impl model::Files for None {
        fn read(&self, _path: &str, _from: &str) -> Result<(String, Vec<u8>), String> {
            Err("no such file".to_owned())
        }
    }
    let options =
        model::Options { name: "first", seed: 1, overrides: &[], targets: &[], env: &|_| Option::None, files: &None };
    model::compile("first.mcpl", text, &options)
}

/// The arguments for one schema.
fn arguments(schema: Json) -> Result<Json, String> {
    let (mut calls, mut left_out) = choose(&[tool("t", schema)], 1);
    match calls.pop() {
        Some(call) => Ok(call.arguments),
        None => Err(left_out.pop().unwrap().why),
    }
}

#[test]
fn what_a_schema_names_comes_first_and_the_rest_is_plain() {
    let of = |schema: Json| {
        arguments(json!({ "type": "object", "properties": { "a": schema }, "required": ["a"] })).unwrap()["a"].clone()
    };
    for (schema, value) in [
        (json!({ "const": 7 }), json!(7)),
        (json!({ "type": "string", "examples": ["naming"], "default": "x" }), json!("naming")),
        (json!({ "type": "string", "default": "x", "enum": ["x", "y"] }), json!("x")),
        (json!({ "enum": ["asc"] }), json!("asc")),
        (json!({ "type": "string" }), json!("text")),
        (json!({ "type": "string", "maxLength": 2 }), json!("te")),
        (json!({ "type": "string", "minLength": 6 }), json!("textxx")),
        (json!({ "type": "string", "pattern": "^[a-z]{2}-\\d+$" }), json!("aa-0")),
        (json!({ "type": "string", "pattern": "^a+$", "minLength": 3 }), json!("aaa")),
        (json!({ "type": "string", "format": "date" }), json!("2025-01-01")),
        (json!({ "type": "string", "format": "uri" }), json!("http://localhost/0")),
        (json!({ "type": "integer" }), json!(1)),
        (json!({ "type": "integer", "minimum": 5 }), json!(5)),
        (json!({ "type": "integer", "maximum": -5 }), json!(-5)),
        (json!({ "type": "integer", "exclusiveMinimum": 5, "multipleOf": 4 }), json!(8)),
        (json!({ "type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1 }), json!(0.5)),
        (json!({ "type": "boolean" }), json!(false)),
        (json!({ "type": ["null", "integer"] }), json!(1)),
        (json!({ "type": "null" }), json!(null)),
        (json!({ "type": "array" }), json!(["text"])),
        (json!({ "type": "array", "maxItems": 0 }), json!([])),
        (json!({ "type": "array", "items": { "type": "integer" }, "minItems": 2 }), json!([1, 2])),
        (json!({ "type": "array", "items": { "type": "string" }, "minItems": 2 }), json!(["text", "1 text"])),
        (json!({ "anyOf": [{ "type": "null" }, { "type": "string" }] }), json!("text")),
        (json!({ "allOf": [{ "minimum": 2 }, { "type": "integer", "minimum": 4 }] }), json!(4)),
        (json!({ "type": "object", "properties": { "b": {}, "c": {} }, "required": ["b"] }), json!({ "b": "text" })),
        (json!({ "properties": { "b": { "type": "boolean" } }, "minProperties": 1 }), json!({ "b": false })),
    ] {
        assert_eq!(of(schema.clone()), value, "{schema}");
    }
}

#[test]
fn the_oldest_draft_has_switches_for_limits() {
    let schema = json!({ "$schema": "http://json-schema.org/draft-04/schema#", "type": "object", "required": ["a"],
        "properties": { "a": { "type": "integer", "minimum": 3, "exclusiveMinimum": true } } });
    assert_eq!(arguments(schema), Ok(json!({ "a": 4 })));
}

#[test]
fn tools_without_parameters_are_called_without_arguments() {
    for schema in [json!(null), json!({}), json!({ "type": "object" }), json!({ "properties": { "a": {} } })] {
        assert_eq!(arguments(schema.clone()), Ok(json!({})), "{schema}");
    }
}

#[test]
fn references_are_followed_and_those_without_end_are_not() {
    let node = json!({ "type": "object", "properties": { "n": { "$ref": "#/$defs/n" } }, "required": ["n"],
        "$defs": { "n": { "type": "object", "properties": { "id": { "type": "integer" }, "next": { "$ref": "#/$defs/n" } },
            "required": ["id"] } } });
    assert_eq!(arguments(node), Ok(json!({ "n": { "id": 1 } })));
    let endless = json!({ "type": "object", "properties": { "n": { "$ref": "#" } }, "required": ["n"] });
    assert!(arguments(endless).unwrap_err().contains("no arguments were found"));
    let itself = json!({ "$ref": "#" });
    assert!(arguments(itself).unwrap_err().contains("cannot be used: it refers to itself"));
}

#[test]
fn another_alternative_is_taken_where_the_first_does_not_fit() {
    let schema = json!({ "type": "object", "required": ["a"], "properties": {
        "a": { "anyOf": [{ "type": "string" }, { "type": "integer" }], "not": { "type": "string" } } } });
    assert_eq!(arguments(schema), Ok(json!({ "a": 1 })));
    // An example that is wrong.
    let schema = json!({ "type": "object", "required": ["a"], "properties": {
        "a": { "type": "integer", "examples": ["one"] } } });
    assert_eq!(arguments(schema), Ok(json!({ "a": 1 })));
}

#[test]
fn what_cannot_be_made_up_is_left_out_with_the_reason() {
    let with = |member: Json| json!({ "type": "object", "properties": { "a": member }, "required": ["a"] });
    for (schema, why) in [
        (with(json!({ "type": "string", "pattern": "^(?=x)x$" })), "it asks for what is not made up here"),
        (with(json!({ "type": "string", "minLength": 100_000 })), "it asks for what is not made up here"),
        (with(json!({ "type": "array", "items": {}, "minItems": 1_000_000_000_u64 })), "is not made up here"),
        (with(json!({ "type": "string", "enum": [] })), "its input schema"),
        (json!({ "type": "string" }), "it asks for what is not made up here"),
        (json!({ "required": (0..100_000).map(|n| n.to_string()).collect::<Vec<_>>() }), "is not made up here"),
        (json!(3), "its input schema cannot be used"),
        (json!(false), "it asks for what is not made up here"),
        (with(json!({ "enum": ["x".repeat(20_000)] })), "they are longer than 16 KiB"),
    ] {
        let found = arguments(schema.clone());
        assert!(found.as_ref().is_err_and(|found| found.contains(why)), "{schema}: {found:?}");
    }
}

#[test]
fn the_seed_chooses_among_examples_and_nothing_else_does() {
    let examples: Vec<u64> = (0..100).collect();
    let schema = json!({ "properties": { "a": { "examples": examples } }, "required": ["a"] });
    let with = |seed| choose(&[tool("t", schema.clone())], seed).0;
    assert_eq!(with(1), with(1));
    assert!((2..6).any(|seed| with(seed) != with(1)));
}
