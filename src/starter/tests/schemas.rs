//! Schemas at random.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::schema::{Judge, Judged};

/// Schemas for which arguments are always found.
fn usual() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        (0..20_u64, 0..20_u64)
            .prop_map(|(least, more)| json!({ "type": "string", "minLength": least, "maxLength": least + more })),
        (-50..50_i64, 0..50_i64)
            .prop_map(|(low, more)| json!({ "type": "integer", "minimum": low, "maximum": low + more })),
        (-50..50_i64, 1..50_i64).prop_map(
            |(low, more)| json!({ "type": "number", "exclusiveMinimum": low, "exclusiveMaximum": low + more })
        ),
        (1..9_u64, 0..90_u64).prop_map(|(step, low)| json!({ "type": "integer", "multipleOf": step, "minimum": low })),
        prop::sample::select(vec![
            "^[a-f0-9]{8}$",
            "^(on|off)$",
            r"^\w+@\w+\.(org|net)$",
            "^[A-Z]{1,3}-\\d+$",
            "^#?x*$"
        ])
        .prop_map(|pattern| json!({ "type": "string", "pattern": pattern })),
        prop::sample::select(vec!["date", "date-time", "email", "uri", "uuid", "ipv4", "other"])
            .prop_map(|format| json!({ "type": "string", "format": format })),
        Just(json!({ "type": "boolean" })),
        Just(json!({ "enum": ["a", 1, null] })),
        Just(json!({ "const": { "a": [1] } })),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            (inner.clone(), 0..4_u64)
                .prop_map(|(items, least)| json!({ "type": "array", "items": items, "minItems": least })),
            vec(inner.clone(), 1..4).prop_map(|choices| json!({ "anyOf": choices })),
            inner.clone().prop_map(|part| json!({ "allOf": [part, {}] })),
            object(inner),
        ]
    })
}

fn object(member: impl Strategy<Value = Json>) -> impl Strategy<Value = Json> {
    vec((member, any::<bool>()), 0..4).prop_map(|members| {
        let required: Vec<String> =
            members.iter().enumerate().filter(|(_, (_, required))| *required).map(|(at, _)| format!("m{at}")).collect();
        let properties: serde_json::Map<String, Json> =
            members.into_iter().enumerate().map(|(at, (schema, _))| (format!("m{at}"), schema)).collect();
        json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
    })
}

/// Anything that looks like a schema.
fn any_schema() -> impl Strategy<Value = Json> {
    let words = [
        "type",
        "enum",
        "const",
        "examples",
        "default",
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "multipleOf",
        "minLength",
        "pattern",
        "format",
        "minItems",
        "items",
        "prefixItems",
        "properties",
        "required",
        "a",
        "anyOf",
        "oneOf",
        "allOf",
        "not",
        "$ref",
        "minProperties",
        "uniqueItems",
        "contains",
        "additionalProperties",
    ];
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        (-3..3_i64).prop_map(Json::from),
        prop::sample::select(vec!["object", "string", "array", "integer", "a", "#/properties/a", "#", "^(a|b)+$", "("])
            .prop_map(Json::from),
    ];
    leaf.prop_recursive(6, 48, 4, move |inner| {
        prop_oneof![
            1 => vec(inner.clone(), 0..4).prop_map(Json::Array),
            3 => vec((prop::sample::select(words.to_vec()), inner), 0..5)
                .prop_map(|members| members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn usual_schemas_have_arguments(schema in object(usual())) {
        let made = arguments(schema.clone());
        prop_assert!(made.is_ok(), "{schema}: {made:?}");
        prop_assert_eq!(Judge::new(&schema).unwrap().judge(&made.unwrap()), Judged::Accepted);
    }

    #[test]
    fn no_schema_is_too_much(mut schema in any_schema()) {
        if let Some(schema) = schema.as_object_mut() {
            schema.insert("type".to_owned(), json!("object"));
        }
        if let Ok(made) = arguments(schema.clone()) {
            prop_assert!(schema.is_null() || Judge::new(&schema).unwrap().judge(&made) == Judged::Accepted, "{schema}");
        }
    }

    #[test]
    fn what_is_made_up_reaches_the_server_as_it_is(schema in object(usual())) {
        let (calls, _) = choose(&[tool("t", schema)], 1);
        let wanted = calls[0].arguments.clone();
        let lowered = compile(&scenario(&starter(calls))).lowered;
        prop_assert!(lowered.diagnostics.is_empty());
        let plan = lowered.plan.unwrap();
        let request = plan.flows.iter().flat_map(crate::plan::Flow::requests).next().unwrap();
        let sent: Json = serde_json::from_str(request.params.as_constant().unwrap()).unwrap();
        prop_assert_eq!(sent.get("arguments").cloned().unwrap_or(json!({})), wanted);
    }
}
