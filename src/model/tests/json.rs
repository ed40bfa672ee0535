//! Any JSON text, pasted behind `args`, is sent with the same meaning.

use proptest::prelude::*;
use serde_json::Value;

use super::{File, GOOD, compile};
use crate::plan::Plan;

/// What is sent for `args TEXT`.
fn sent(text: &str) -> String {
    let plan = lowered(text);
    let requests = plan.flows[0].requests();
    let params = requests[0].params.as_constant().expect("JSON has no holes");
    let arguments = params.strip_prefix("{\"name\":\"search\",\"arguments\":").and_then(|rest| rest.strip_suffix('}'));
    arguments.unwrap_or_else(|| panic!("{params}")).to_owned()
}

fn lowered(text: &str) -> Plan {
    let file = File { flow: &format!("call search {{\nargs {text}\n}}"), ..GOOD }.text();
    let lowered = compile(&file, &[]);
    lowered.plan.unwrap_or_else(|| panic!("{:?} in {file}", lowered.diagnostics))
}

/// The text without what means nothing: blanks between tokens, and which of the
/// ways to write a character was taken. Numbers stay as they are written.
fn meaning(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let len = match first {
            '"' => {
                let escaped = |at: usize| rest[..at].bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1;
                1 + (1..).find(|at| rest.as_bytes()[*at] == b'"' && !escaped(*at)).unwrap()
            }
            first => first.len_utf8(),
        };
        let (token, behind) = rest.split_at(len);
        rest = behind;
        match first {
            '"' => out.push_str(&Value::from(serde_json::from_str::<String>(token).unwrap()).to_string()),
            ' ' | '\t' | '\r' | '\n' => {}
            _ => out.push_str(token),
        }
    }
    out
}

fn check(text: &str) {
    assert_eq!(meaning(&sent(text)), meaning(text), "{text}");
}

/// A number in any of its forms, far beyond what a computer calculates with.
fn number() -> impl Strategy<Value = String> {
    "-?(0|[1-9][0-9]{0,40})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,4})?"
}

/// The inside of a string: characters as they are and as escapes.
fn characters() -> impl Strategy<Value = String> {
    let escape = prop::sample::select(
        [
            "\\\"",
            "\\\\",
            "\\/",
            "\\b",
            "\\f",
            "\\n",
            "\\r",
            "\\t",
            "\\u0000",
            "\\u001F",
            "\\u0022",
            "\\u005c",
            "\\u00e9",
            "\\uFFFF",
            "\\ud83d\\ude00",
            "\\uDBFF\\uDFFF",
            "{",
            "}",
            "{{",
            "#",
            "//",
            "f",
            "'",
            "\u{7f}",
            "\u{feff}",
            "\u{2028}",
            "é",
            "🙂",
            "\u{10ffff}",
            ": ",
            ", ",
            "mcpl",
        ]
        .as_slice(),
    );
    let piece = prop_oneof![escape.prop_map(str::to_owned), "[^\u{0}-\u{1f}\"\\\\]{0,4}"];
    prop::collection::vec(piece, 0..5).prop_map(|pieces| pieces.concat())
}

/// Blanks as JSON allows them.
fn blank() -> impl Strategy<Value = &'static str> {
    prop::sample::select(["", "", "", " ", "\t", "\n", "\r\n", "\r", " \n\n\t "].as_slice())
}

/// Any JSON text. Keys differ by their numbers.
fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        prop::sample::select(["null", "true", "false", "[]", "{}", "\"\"", "-0", "18446744073709551616"].as_slice())
            .prop_map(str::to_owned),
        number(),
        characters().prop_map(|inside| format!("\"{inside}\"")),
    ];
    leaf.prop_recursive(6, 40, 5, |inner| {
        let element =
            (blank(), inner, blank()).prop_map(|(before, value, after)| format!("{before}{value}{after}")).boxed();
        let entry = (blank(), characters(), blank(), element.clone()).boxed();
        prop_oneof![
            prop::collection::vec(element, 1..5).prop_map(|elements| format!("[{}]", elements.join(","))),
            prop::collection::vec(entry, 1..5).prop_map(|entries: Vec<Entry>| object(&entries)),
        ]
    })
}

/// What stands before a key, the key, what stands behind it, and the value.
type Entry = (&'static str, String, &'static str, String);

fn object(entries: &[Entry]) -> String {
    let entry =
        |(index, (before, key, after, value)): (usize, &Entry)| format!("{before}\"{key}{index}\"{after}:{value}");
    let entries: Vec<String> = entries.iter().enumerate().map(entry).collect();
    format!("{{{}}}", entries.join(","))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_json_text_is_sent_with_the_same_meaning(text in json(), before in blank(), after in blank()) {
        check(&format!("{{{before}\"value\"{after}:{before}{text}{after}}}"));
    }

    #[test]
    fn compact_and_pretty_json_are_sent_alike(text in json()) {
        // Not each number has a place in serde's values.
        if let Ok(value) = serde_json::from_str::<Value>(&format!("{{\"value\": {text}}}")) {
            let (compact, pretty) = (value.to_string(), format!("{value:#}"));
            check(&compact);
            prop_assert_eq!(sent(&pretty), sent(&compact));
            // Read back by serde, too: it does not keep each last digit of a float.
            let parsed = |text: &str| serde_json::from_str::<Value>(text).unwrap();
            prop_assert_eq!(parsed(&sent(&compact)), parsed(&compact));
        }
    }
}

#[test]
fn numbers_keep_each_character() {
    for number in [
        "9007199254740993",
        "18446744073709551616",
        "-170141183460469231731687303715884105728",
        "-0",
        "-0.0",
        "1.0",
        "1E400",
        "1e-400",
        "0.1000000000000000055511151231257827",
        "1E+2",
    ] {
        let text = format!("{{\"a\":[{number}],\"b\":{number}}}");
        assert_eq!(sent(&text), text);
    }
}

#[test]
fn strings_keep_their_escapes() {
    for string in
        [r#""\u0000""#, r#""\ud83d\ude00 \uD83D\uDE00""#, r#""\/ / \u002f""#, r#""\ud800""#, "\"{x} # no comment\""]
    {
        let text = format!("{{\"a\":[{string}],\"b\":{string}}}");
        assert_eq!(sent(&text), text);
    }
    check(r#"{ "\u0000": 1, "\ud83d\ude00": 2, "\/": 3, "": 4 }"#);
}

#[test]
fn json_may_be_nested_up_to_the_limit() {
    // The flow and its call are two of the 64 levels.
    let nested = |open: &str, close: &str, depth: usize| {
        format!("{{\"a\":{}1{}}}", open.repeat(depth - 1), close.repeat(depth - 1))
    };
    for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("[ ", "\n]")] {
        check(&nested(open, close, 62));
        let file = File { flow: &format!("call search {{\nargs {}\n}}", nested(open, close, 63)), ..GOOD }.text();
        assert_eq!(super::codes(&file), ["E108"], "{open}");
    }
}
