//! Whatever the validator accepts, the walk does not report, however little is
//! known of it.

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Map, Value as Json, json};

use super::super::schema::Walk;
use crate::model::{Argument, Kind, Known};
use crate::schema::{Judge, Judged};
use crate::text::Span;

const NAMES: [&str; 4] = ["a", "ab", "limit", "limits"];

fn name() -> impl Strategy<Value = &'static str> {
    prop::sample::select(&NAMES[..])
}

fn scalar() -> impl Strategy<Value = Json> {
    prop::sample::select(vec![
        json!(null),
        json!(true),
        json!(false),
        json!(0),
        json!(1),
        json!(1.0),
        json!(1.5),
        json!(-3),
        json!(9_007_199_254_740_993_u64),
        json!(18_446_744_073_709_551_615_u64),
        json!(1e300),
        json!(""),
        json!("a"),
        json!("ab"),
        json!("søk"),
        json!("12"),
    ])
}

fn value() -> impl Strategy<Value = Json> {
    scalar().prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Json::Array),
            vec((name(), inner), 0..3)
                .prop_map(|members| members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
        ]
    })
}

fn number() -> impl Strategy<Value = Json> {
    prop::sample::select(vec![json!(0), json!(1), json!(1.5), json!(2), json!(9_007_199_254_740_992_u64), json!(-1)])
}

/// One keyword that looks at the value itself.
fn keyword() -> impl Strategy<Value = (String, Json)> {
    let types = ["null", "boolean", "integer", "number", "string", "array", "object"];
    let ty = prop::sample::select(types.to_vec());
    let limits = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"];
    let counts = ["minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"];
    let patterns = ["^a", "b$", "^\\d+$", "^(?!a)", "\\p{L}", "."];
    let pair = |keyword: &'static str, value: Json| (keyword.to_owned(), value);
    prop_oneof![
        ty.clone().prop_map(move |ty| pair("type", json!(ty))),
        prop::sample::subsequence(types.to_vec(), 1..4).prop_map(move |types| pair("type", json!(types))),
        vec(scalar(), 1..4).prop_map(move |mut values| {
            values.dedup();
            pair("enum", Json::Array(values))
        }),
        value().prop_map(move |value| pair("const", value)),
        (prop::sample::select(limits.to_vec()), number()).prop_map(move |(keyword, limit)| pair(keyword, limit)),
        (prop::sample::select(counts.to_vec()), 0..3_u64).prop_map(move |(keyword, limit)| pair(keyword, json!(limit))),
        prop::sample::select(patterns.to_vec()).prop_map(move |pattern| pair("pattern", json!(pattern))),
        prop::sample::subsequence(NAMES.to_vec(), 0..3).prop_map(move |names| pair("required", json!(names))),
        any::<bool>().prop_map(move |allowed| pair("additionalProperties", json!(allowed))),
        prop::sample::select(vec!["#/$defs/a", "#/$defs/b"]).prop_map(move |to| pair("$ref", json!(to))),
    ]
}

fn object(keywords: Vec<(String, Json)>) -> Json {
    Json::Object(keywords.into_iter().collect())
}

fn schema() -> impl Strategy<Value = Json> {
    vec(keyword(), 0..3).prop_map(object).prop_recursive(3, 16, 3, |inner| {
        let properties = vec((name(), inner.clone()), 0..4).prop_map(|properties| {
            let properties: Map<String, Json> =
                properties.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect();
            ("properties".to_owned(), Json::Object(properties))
        });
        let single = (
            prop::sample::select(vec!["items", "additionalProperties", "not", "if", "then", "contains"]),
            inner.clone(),
        )
            .prop_map(|(keyword, schema)| (keyword.to_owned(), schema));
        let several = (prop::sample::select(vec!["allOf", "anyOf", "oneOf", "prefixItems"]), vec(inner, 1..4))
            .prop_map(|(keyword, schemas)| (keyword.to_owned(), Json::Array(schemas)));
        vec(prop_oneof![3 => properties, 2 => single, 2 => several, 2 => keyword()], 0..4).prop_map(object)
    })
}

fn document() -> impl Strategy<Value = Json> {
    let drafts = vec![
        None,
        Some("http://json-schema.org/draft-04/schema#"),
        Some("http://json-schema.org/draft-07/schema#"),
        Some("https://json-schema.org/draft/2019-09/schema"),
        Some("https://json-schema.org/draft/2020-12/schema"),
    ];
    (schema(), schema(), schema(), prop::sample::select(drafts)).prop_map(|(mut root, a, b, draft)| {
        root["$defs"] = json!({ "a": a, "b": b });
        if let Some(draft) = draft {
            root["$schema"] = json!(draft);
        }
        root
    })
}

/// The same value with less known of it: each decision takes one bit.
fn forget(argument: &mut Argument, bits: &mut impl Iterator<Item = u8>) {
    match bits.next().unwrap_or(0) {
        0 => argument.known = Known::Any,
        1 => argument.known = argument.kind().map_or(Known::Any, Known::Kind),
        2 => argument.known = Known::Choice(vec![argument.clone(), argument.clone()]),
        _ => match &mut argument.known {
            Known::List(elements) => elements.iter_mut().for_each(|element| forget(element, bits)),
            Known::Object(entries) => entries.iter_mut().for_each(|entry| forget(&mut entry.value, bits)),
            _ => {}
        },
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn what_the_validator_accepts_is_not_reported(
        schema in document(),
        values in vec(value(), 8),
        bits in vec(0..6_u8, 24),
    ) {
        let Ok(judge) = Judge::new(&schema) else { return Ok(()) };
        for value in values {
            if judge.judge(&value) != Judged::Accepted {
                continue;
            }
            let mut argument = Argument::of_json(&value, Span::default());
            for _ in 0..2 {
                let faults = Walk::new(&schema, &judge).faults(&argument);
                prop_assert!(faults.iter().all(|fault| fault.is_doubt()), "{schema} {argument:?} {faults:?}");
                forget(&mut argument, &mut bits.iter().copied());
            }
        }
    }
}

#[test]
fn kinds_are_those_of_the_values() {
    assert_eq!(Argument::of_json(&json!([1]), Span::default()).kind(), Some(Kind::List));
}
