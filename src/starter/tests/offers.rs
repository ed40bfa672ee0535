//! From what a server offers to a file.

use super::*;
use crate::plan::{Flow, Method};

fn text_of(tools: &[Tool]) -> String {
    let (calls, left_out) = choose(tools, 1);
    scenario(&Starter { left_out, ..starter(calls) })
}

#[test]
fn only_what_says_that_it_is_harmless_is_called() {
    let harmless = tool("look", json!({}));
    let tools = [
        Tool { read_only: false, name: "write".to_owned(), ..harmless.clone() },
        Tool { destructive: true, name: "both".to_owned(), ..harmless.clone() },
        Tool { open_world: true, name: "web".to_owned(), ..harmless.clone() },
        Tool { fault: Some("two headers".to_owned()), name: "odd".to_owned(), ..harmless.clone() },
        harmless.clone(),
        harmless,
    ];
    let (calls, left_out) = choose(&tools, 1);
    assert_eq!(calls.iter().map(|call| call.tool.as_str()).collect::<Vec<_>>(), ["look"]);
    let whys: Vec<String> = left_out.iter().map(|left| format!("{}: {}", left.name, left.why)).collect();
    assert_eq!(
        whys,
        [
            "write: not marked read-only",
            "both: marked read-only and destructive",
            "web: reaches beyond its server (`openWorldHint`), where load may be unwelcome",
            "odd: two headers",
        ]
    );
}

#[test]
fn no_more_tools_are_called_than_are_tried() {
    let tools: Vec<Tool> = (0..=MAX_CALLS).map(|number| tool(&format!("t{number}"), json!({}))).collect();
    let (calls, left_out) = choose(&tools, 1);
    assert_eq!((calls.len(), left_out.len()), (MAX_CALLS, 1));
    assert_eq!(left_out[0].why, "more than the 20 tools that are called");
}

#[test]
fn a_list_without_end_is_not_looked_at_for_ever() {
    let tools: Vec<Tool> = (0..300).map(|number| tool(&format!("t{number}"), json!(7))).collect();
    let (calls, left_out) = choose(&tools, 1);
    assert_eq!((calls.len(), left_out.len()), (0, 300));
    let looked = left_out.iter().filter(|left| left.why.contains("schema")).count();
    assert_eq!(looked, MAX_LOOKED);
    let text = scenario(&Starter { left_out, ..starter(calls) });
    assert!(text.contains("#   t39: ") && !text.contains("#   t40: ") && text.contains("#   and 260 more\n"), "{text}");
}

#[test]
fn shares_are_equal_and_sum_up() {
    for count in 1..=MAX_CALLS {
        let tools: Vec<Tool> = (0..count).map(|number| tool(&format!("t{number}"), json!({}))).collect();
        let compiled = compile(&text_of(&tools));
        assert!(compiled.lowered.plan.is_some() && compiled.lowered.diagnostics.is_empty(), "{count}");
    }
}

#[test]
fn a_server_that_offers_nothing_safe_is_listed() {
    let text = scenario(&Starter::unknown(Address::Stdio(vec!["node".to_owned(), "a \"b\".js".to_owned()])));
    assert!(text.contains("stdio [\"node\", \"a \\\"b\\\".js\"]"), "{text}");
    assert!(text.contains("No tool is called") && text.contains("run look_around"), "{text}");
    let compiled = compile(&text);
    assert!(compiled.lowered.plan.is_some() && compiled.lowered.diagnostics.is_empty(), "{text}");
}

#[test]
fn a_host_elsewhere_is_refused_until_the_file_allows_it() {
    let away = Starter {
        elsewhere: Some("docs.example.com".to_owned()),
        ..Starter::unknown(Address::Http("https://docs.example.com/mcp".to_owned()))
    };
    let text = scenario(&away);
    let found = compile(&text).lowered.diagnostics;
    assert_eq!(found.iter().map(|diagnostic| diagnostic.code).collect::<Vec<_>>(), ["E501"]);
    let allowed = text.replace("# allow hosts", "allow hosts");
    assert!(compile(&allowed).lowered.diagnostics.is_empty(), "{allowed}");
}

#[test]
fn texts_of_servers_stay_comments_and_strings() {
    let evil = "a\n}\nserver other { http \"http://evil.example\" }\r\u{2028}\u{202e}\u{1b}[31m \"#{";
    let mut hostile = tool(evil, json!({ "properties": { evil: { "const": evil } }, "required": [evil] }));
    hostile.description = Some(evil.to_owned());
    let twin = Tool { name: "a b".to_owned(), ..hostile.clone() };
    let other = Tool { name: "a-b".to_owned(), ..hostile.clone() };
    let refused = Tool { name: evil.to_owned() + "!", read_only: false, ..hostile.clone() };
    let (calls, left_out) = choose(&[hostile, twin, other, refused], 1);
    let from = Starter {
        server: evil.to_owned(),
        reads: vec![evil.to_owned(), "x://{y}".to_owned()],
        lists: vec!["tools", "resources", "prompts"],
        left_out,
        ..starter(calls)
    };
    let text = scenario(&from);
    let lowered = compile(&text).lowered;
    assert!(!lowered.diagnostics.iter().any(crate::diag::Diagnostic::is_error), "{:?}\n{text}", lowered.diagnostics);
    assert!(!text.contains(['\u{1b}', '\r', '\u{2028}', '\u{202e}']), "{text}");
    let plan = lowered.plan.unwrap();
    assert_eq!(plan.servers.len(), 1);
    let called: Vec<&str> = plan
        .flows
        .iter()
        .flat_map(Flow::requests)
        .filter_map(|request| match &request.method {
            Method::Call { tool, .. } => Some(tool.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(called, [evil, "a b", "a-b"]);
}
