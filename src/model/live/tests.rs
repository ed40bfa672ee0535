//! The walk over schemas, and what it says of files.

mod property;

use serde_json::{Value as Json, json};

use super::{Offer, Prompt, Resources, TaskSupport, Tasks, Tool, check};
use crate::diag::{Diagnostic, apply_fixes};
use crate::model::{Options, lower};
use crate::schema::{Judge, Judged};
use crate::syntax;
use crate::text::Source;

fn file(flow: &str) -> String {
    format!(
        "mcpl 1\nparam five = 5\nparam word = \"five\"\nserver s {{ builtin rulebook }}\nscenario a {{\n  target s\n  \
         stages {{ hold 1/s for 1s }}\n  run f\n}}\nflow f {{\n  list tools {{ save seen = result }}\n  let used = [five, \
         word]\n{flow}\n}}\n"
    )
}

fn found(flow: &str, offer: &Offer) -> (String, Vec<Diagnostic>) {
    let text = file(flow);
    let source = Source::new("test.mcpl", text.as_str());
    let lowered = lower(
        &source,
        &syntax::parse(&text),
        &Options { name: "test", seed: 1, overrides: &[], targets: &[], env: &|_| None, files: &crate::model::NoFiles },
    );
    let plan = lowered.plan.unwrap_or_else(|| panic!("{:#?}", lowered.diagnostics));
    (text, check(&plan, &lowered.model, std::slice::from_ref(offer)))
}

/// A server with one harmless tool `t`.
fn tool(schema: Json) -> Offer {
    Offer {
        server: "s".to_owned(),
        tools: vec![Tool {
            name: "t".to_owned(),
            read_only: true,
            schema,
            header_fault: None,
            tasks: TaskSupport::Forbidden,
        }],
        ..Offer::default()
    }
}

/// What is said of a call of `t` with these arguments, one line each: code,
/// what is marked, message, label.
fn said(schema: Json, args: &str) -> Vec<String> {
    let (text, found) = found(&format!("call t {{ args {args} }}"), &tool(schema));
    let line = |found: &Diagnostic| {
        let marked = &text[found.primary.span.range()];
        format!("{} {marked}: {}: {}", found.code, found.message, found.primary.text)
    };
    found.iter().map(line).collect()
}

fn with(properties: Json) -> Json {
    json!({ "type": "object", "properties": properties })
}

#[test]
fn what_fits_is_not_reported() {
    let schema = json!({
        "type": "object",
        "required": ["q"],
        "additionalProperties": false,
        "properties": {
            "q": { "type": "string", "minLength": 1, "pattern": "^[a-zA-Z ]+$" },
            "n": { "type": "integer", "minimum": 1, "maximum": 5 },
            "tags": { "type": "array", "items": { "enum": ["a", "b"] }, "maxItems": 2 },
            "maybe": { "anyOf": [{ "type": "string" }, { "type": "null" }] },
            "when": { "type": "string", "format": "date" },
        },
    });
    for args in [
        "{ \"q\": \"x\" }",
        "{ \"q\": word, \"n\": five }",
        "{ \"q\": f\"{seen}\", \"n\": 5.0, \"tags\": [\"a\", seen.x], \"maybe\": null }",
        "{ \"q\": seen.q, \"n\": random(1..5), \"tags\": seen.tags, \"when\": \"no date\" }",
        "{ \"q\": pick([\"a\", \"b\"]), \"maybe\": pick([\"a\", null]) }",
        "seen",
        "{ \"q\": uuid(), \"n\": seen.n + 1 }",
    ] {
        assert_eq!(said(schema.clone(), args), [""; 0], "{args}");
    }
}

#[test]
fn the_place_of_a_mistake_is_the_value_or_the_key() {
    let table = [
        (json!({ "a": { "type": "integer" } }), "{ \"a\": \"x\" }", "E605 \"x\": `a` must be an integer: a text"),
        (
            json!({ "a": { "type": "integer" } }),
            "{ \"a\": 1.5 }",
            "E605 1.5: `a` must be an integer: a number with a fraction",
        ),
        (
            json!({ "a": { "type": "integer" } }),
            "{ \"a\": f\"{seen}\" }",
            "E605 f\"{seen}\": `a` must be an integer: a text",
        ),
        (
            json!({ "a": { "type": ["string", "null"] } }),
            "{ \"a\": five }",
            "E605 five: `a` must be a text or null: a number",
        ),
        (
            json!({ "a": { "type": "array", "items": { "type": "string" } } }),
            "{ \"a\": [\"x\", 2] }",
            "E605 2: `a[1]` must be a text: a number",
        ),
        (json!({ "a": { "enum": ["x", 2] } }), "{ \"a\": 3 }", "E606 3: `a` must be one of `\"x\"`, `2`: 3"),
        (json!({ "a": { "enum": [1, 2] } }), "{ \"a\": uuid() }", "E606 uuid(): `a` must be one of `1`, `2`: a text"),
        (json!({ "a": { "const": "x" } }), "{ \"a\": \"y\" }", "E606 \"y\": `a` must be `\"x\"`: \"y\""),
        (json!({ "a": { "maximum": 5 } }), "{ \"a\": random(1..6) }", "E606 6: `a` must be at most 5: 6"),
        (json!({ "a": { "exclusiveMinimum": 0 } }), "{ \"a\": 0 }", "E606 0: `a` must be more than 0: 0"),
        (
            json!({ "a": { "minLength": 2 } }),
            "{ \"a\": \"\" }",
            "E606 \"\": `a` must have at least 2 characters: an empty text",
        ),
        (json!({ "a": { "pattern": "^x" } }), "{ \"a\": \"y\" }", "E606 \"y\": `a` must match `^x`: \"y\""),
        (
            json!({ "a": { "minItems": 1 } }),
            "{ \"a\": [] }",
            "E606 []: `a` must have at least 1 element: an empty list",
        ),
        (
            json!({ "a": { "anyOf": [{ "type": "string" }, { "type": "null" }] } }),
            "{ \"a\": 1 }",
            "E605 1: `a` must be a text or null: a number",
        ),
        (
            json!({ "a": { "anyOf": [{ "enum": ["x"] }, { "type": "null" }] } }),
            "{ \"a\": \"z\" }",
            "E606 \"z\": `a` must be `\"x\"`: \"z\"",
        ),
        (
            json!({ "a": { "multipleOf": 2 } }),
            "{ \"a\": 3 }",
            "E607 3: the schema of the tool `t` does not accept these arguments: 3 is not a multiple of 2",
        ),
        (
            json!({ "a": with(json!({ "b": { "type": "null" } })) }),
            "{ \"a\": { \"b\": true } }",
            "E605 true: `a.b` must be null: a truth value",
        ),
    ];
    for (properties, args, expected) in table {
        assert_eq!(said(with(properties.clone()), args), [expected], "{properties} {args}");
    }
}

#[test]
fn each_of_several_values_is_checked_where_it_stands() {
    let schema = with(json!({ "a": { "oneOf": [{ "const": "x", "description": "X" }, { "enum": ["yes", "no"] }] } }));
    assert_eq!(
        said(schema.clone(), "{ \"a\": pick([\"x\", \"yess\", \"no\"]) }"),
        ["E606 \"yess\": `a` must be one of `\"x\"`, `\"yes\"`, `\"no\"`: \"yess\""]
    );
    let (text, found) = found("call t { args { \"a\": pick([\"x\", \"yess\"]) } }", &tool(schema));
    assert_eq!(apply_fixes(&text, &found, true), text.replace("yess", "yes"));
    let whole = with(json!({ "a": { "type": "integer" } }));
    assert_eq!(said(whole, "{ \"a\": pick([five, word]) }"), ["E605 word: `a` must be an integer: a text"]);
}

#[test]
fn references_and_parts_of_schemas_are_followed() {
    let schema = json!({
        "allOf": [{ "$ref": "#/$defs/base" }, { "required": ["b"] }],
        "$defs": { "base": with(json!({ "tree": { "$ref": "#/$defs/node" } })), "node": {
            "type": "object",
            "properties": { "left": { "$ref": "#/$defs/node" }, "value": { "type": "integer" } },
        } },
    });
    let args = "{ \"b\": 1, \"tree\": { \"left\": { \"left\": { \"value\": \"x\" } }, \"value\": seen } }";
    assert_eq!(said(schema.clone(), args), ["E605 \"x\": `tree.left.left.value` must be an integer: a text"]);
    assert_eq!(said(schema, "{}"), ["E603 {}: the argument `b` is missing: the tool `t` requires it"]);
}

#[test]
fn one_mistyped_name_is_one_finding() {
    let closed = json!({ "required": ["query"], "properties": { "query": {} }, "additionalProperties": false });
    assert_eq!(
        said(closed.clone(), "{ \"querry\": 1 }"),
        ["E604 \"querry\": the tool `t` takes no argument `querry`: its schema allows no others"]
    );
    let mut open = closed;
    open["additionalProperties"] = json!(true);
    assert_eq!(
        said(open, "{ \"querry\": 1 }"),
        ["E603 \"querry\": the argument `query` is missing: the tool `t` requires it"]
    );
    assert_eq!(said(with(json!({ "limit": {} })), "{ \"other\": 1 }"), [""; 0], "an open schema takes anything");
}

#[test]
fn fixes_give_what_the_schema_takes() {
    let schema = json!({
        "required": ["query", "limit"],
        "properties": { "query": { "examples": ["naming"] }, "limit": { "type": "integer", "minimum": 3 } },
    });
    for (call, fixed) in [
        ("call t", "call t { args { \"query\": \"naming\", \"limit\": 3 } }"),
        ("call t { args { \"limit\": \"4\", \"query\": 1 } }", "call t { args { \"limit\": 4, \"query\": 1 } }"),
        ("call t { args { \"more\": 1 } }", "call t { args { \"more\": 1, \"query\": \"naming\", \"limit\": 3 } }"),
        ("call t { args { \"limit\": 3, \"qurey\": \"x\" } }", "call t { args { \"limit\": 3, \"query\": \"x\" } }"),
    ] {
        let (text, diagnostics) = found(call, &tool(schema.clone()));
        assert_eq!(apply_fixes(&text, &diagnostics, true), file(fixed), "{call}");
        assert_eq!(found(fixed, &tool(schema.clone())).1, []);
    }
    let (_, diagnostics) = found("call t { timeout 1s }", &tool(schema));
    assert!(diagnostics.iter().all(|found| found.fix.is_none()));
    assert_eq!(diagnostics[0].help.as_deref(), Some("add `args { \"query\": \"naming\", \"limit\": 3 }`"));
}

#[test]
fn prompts_take_texts() {
    let prompt =
        Prompt { name: "p".to_owned(), arguments: vec![("ids".to_owned(), true), ("language".to_owned(), false)] };
    let offer = Offer { server: "s".to_owned(), prompts: Some(vec![prompt]), ..Offer::default() };
    let said = |flow: &str| -> Vec<String> {
        let (_, found) = found(flow, &offer);
        found
            .iter()
            .map(|found| format!("{} {}; {}", found.code, found.message, found.help.as_deref().unwrap()))
            .collect()
    };
    assert_eq!(said("prompt p { args { \"ids\": word, \"language\": seen.x } }"), [""; 0]);
    assert_eq!(said("prompt p { args seen }"), [""; 0]);
    assert_eq!(said("prompt q"), ["E608 the server `s` has no prompt `q`; use one that it has: `p`"]);
    assert_eq!(said("prompt p"), ["E603 the argument `ids` is missing; add `args { \"ids\": \"text\" }`"]);
    assert_eq!(said("prompt p { args { \"ids\": 1 } }"), ["E605 `ids` must be a text; write `\"1\"`"]);
    assert_eq!(
        said("prompt p { args { \"ids\": random(1..2) } }"),
        [
            "E605 `ids` must be a text; write a text, for example `\"1\"`",
            "E605 `ids` must be a text; write a text, for example `\"2\"`"
        ]
    );
    assert_eq!(
        said("prompt p { args { \"ids\": \"1\", \"lang\": \"x\", \"langauge\": \"y\" } }"),
        [
            "W601 the prompt `p` lists no argument `lang`; remove `lang`, or write one of `language`",
            "W601 the prompt `p` lists no argument `langauge`; write `\"language\"`"
        ]
    );
    assert_eq!(
        said("prompt p { args { \"id\": \"1\" } }"),
        ["E603 the argument `ids` is missing; write `\"ids\"` in place of `\"id\"`"]
    );
}

#[test]
fn an_address_is_held_against_the_lists_as_far_as_it_is_known() {
    let resources = Resources { uris: vec!["x://stats".to_owned()], templates: vec!["rule://{id}".to_owned()] };
    let offer = Offer { server: "s".to_owned(), resources: Some(resources), ..Offer::default() };
    for (uri, odd) in [
        ("\"x://stats\"", false),
        ("\"rule://a\"", false),
        ("f\"rule://{seen.id}\"", false),
        ("f\"{word}://{seen.id}\"", true),
        ("f\"{seen.scheme}://a\"", false),
        ("seen.uri", false),
        ("f\"x://{seen.id}\"", false),
        ("\"x://stat\"", true),
        ("f\"rules://{seen.id}\"", true),
    ] {
        let (_, found) = found(&format!("read {uri}"), &offer);
        let codes: Vec<_> = found.iter().map(|found| found.code).collect();
        assert_eq!(codes, if odd { vec!["W603"] } else { Vec::new() }, "{uri}");
    }
    assert_eq!(found("read \"x://stat\"", &Offer { resources: None, ..offer }).1, [], "not known, not reported");
}

#[test]
fn a_flow_that_no_scenario_runs_is_not_checked() {
    let (_, found) = found("list tools\n}\nflow g { call nothing", &tool(json!({})));
    assert_eq!(found, []);
}

#[test]
fn requests_inside_of_other_steps_and_flows_are_checked() {
    let schema = with(json!({ "a": { "type": "integer" } }));
    let inner = "if exists seen { call t { args { \"a\": \"x\" } } }";
    let (_, inside) = found(&format!("repeat 2 {{ {inner} }}"), &tool(schema.clone()));
    let (_, beside) = found(
        &format!("run g\n}}\nflow g {{\n  let seen = 1\n  {}", inner.replace("exists seen", "user.id > seen")),
        &tool(schema),
    );
    for found in [inside, beside] {
        assert_eq!(found.iter().map(|found| found.code).collect::<Vec<_>>(), ["E605"]);
    }
}

#[test]
fn a_schema_that_cannot_be_used_is_reported_once_and_never_followed() {
    let deep = (0..400).fold(json!({}), |inner, _| json!({ "allOf": [inner] }));
    let mut wide = json!({ "d0": {} });
    for level in 1..40 {
        let below = json!({ "$ref": format!("#/$defs/d{}", level - 1) });
        wide[format!("d{level}")] = json!({ "anyOf": [below, below] });
    }
    for schema in [
        json!({ "$ref": "#" }),
        json!({ "$ref": "#/nowhere" }),
        json!({ "$ref": "https://example.com/schema.json" }),
        json!({ "$ref": "file:///etc/passwd" }),
        json!({ "$schema": "https://example.com/dialect", "type": "object" }),
        json!({ "type": "objekt" }),
        json!({ "properties": { "a": { "pattern": "(" } } }),
        json!({ "$dynamicRef": "#a" }),
        json!({ "$ref": "#/$defs/a", "$defs": { "a": { "not": { "$ref": "#/$defs/b" } }, "b": { "if": { "$ref": "#/$defs/a" } } } }),
        json!({ "$ref": "#/$defs/d39", "$defs": wide }),
        deep,
    ] {
        let (_, found) = found("call t { args { \"a\": \"x\" } }\ncall t", &tool(schema.clone()));
        let codes: Vec<_> = found.iter().map(|found| found.code).collect();
        assert_eq!(codes, ["W602"], "{schema}");
    }
}

#[test]
fn a_schema_that_grows_with_its_arguments_is_no_trouble() {
    let mut defs = json!({ "d0": { "type": "string" } });
    for level in 1..60 {
        let below = json!({ "$ref": format!("#/$defs/d{}", level - 1) });
        defs[format!("d{level}")] = json!({ "properties": { "a": below, "b": below, "c": below } });
    }
    let schema = json!({ "$ref": "#/$defs/d59", "$defs": defs });
    assert_eq!(Judge::new(&schema).unwrap().judge(&json!({ "a": { "b": { "c": {} } } })), Judged::Accepted);
    assert_eq!(said(schema, "{ \"a\": { \"b\": seen.c } }"), [""; 0]);
}

#[test]
fn a_tool_without_a_schema_takes_anything() {
    assert_eq!(said(Json::Null, "{ \"a\": 1 }"), [""; 0]);
    assert_eq!(said(json!(true), "{ \"a\": 1 }"), [""; 0]);
}

#[test]
fn a_task_is_asked_for_as_the_server_and_the_tool_want_it() {
    let offer = |asked, served, tasks| {
        let mut offer = tool(with(json!({})));
        offer.tasks = vec![Tasks { asked, served }];
        offer.tools[0].tasks = tasks;
        offer
    };
    let (no, maybe, must) = (TaskSupport::Forbidden, TaskSupport::Optional, TaskSupport::Required);
    for (call, offer, expected) in [
        ("call t { task on }", offer(true, Some(false), must), Some("E610")),
        ("call t { task on }", offer(true, Some(true), no), Some("E611")),
        ("call t", offer(true, Some(true), must), Some("E611")),
        ("call t { task { ttl 5s } }", offer(true, Some(true), maybe), None),
        ("call t", offer(true, Some(true), maybe), None),
        ("call t", offer(true, Some(false), must), None),
        ("call t { task off }", offer(true, Some(true), no), None),
        ("call t { task on }", offer(true, None, no), None),
        ("call t { task on }", offer(false, Some(false), no), Some("W604")),
        ("call t { task on }", offer(false, Some(true), no), None),
        ("call t", offer(false, Some(true), must), None),
    ] {
        let (text, found) = found(call, &offer);
        assert_eq!(found.first().map(|found| found.code), expected, "{call} {offer:?}");
        if found.iter().any(|found| found.fix.is_some()) {
            assert!(apply_fixes(&text, &found, false).contains("call t { task on }"), "{call}");
        }
    }
}
