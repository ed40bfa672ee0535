//! Arguments of tools in headers: which, and how they are written.

use serde_json::{Value, json};

use super::peer::{Received, Server, echo, json as answer, result};
use crate::transport::{AnyConnector, Call, Client as _, Connector as _, Revision, ToolInfo};

fn tool(schema: &Value) -> ToolInfo {
    serde_json::from_value(json!({ "name": "echo", "inputSchema": schema })).unwrap()
}

fn properties(properties: &Value) -> Value {
    json!({ "type": "object", "properties": properties })
}

/// The request by which a client calls `echo` with these parameters.
async fn called(revision: Revision, schema: &Value, params: &str, name: Option<&str>) -> Received {
    let server = Server::start().await;
    let connector = AnyConnector::new(&server.target(), revision).mirroring(&[tool(schema)]);
    let mut client = connector.client();
    let call = Call { name, params: params.as_bytes(), ..echo() };
    let (exchange, request) = tokio::join!(client.call(call), server.answer_once(answer(&result(1))));
    exchange.outcome.unwrap();
    request
}

fn mirrored(request: &Received) -> Vec<(&str, &str)> {
    let pairs = request.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    pairs.filter(|(name, _)| name.starts_with("mcp-param-")).collect()
}

fn everything() -> Value {
    properties(&json!({
        "text": { "type": "string", "x-mcp-header": "Text" },
        "count": { "type": "integer", "x-mcp-header": "Count" },
        "flag": { "type": "boolean", "x-mcp-header": "Flag" },
        "plain": { "type": "string" },
        "in.side": {
            "type": "object",
            "properties": { "a/b": { "type": "string", "x-mcp-header": "In~Side" } },
        },
    }))
}

#[tokio::test]
async fn annotated_arguments_go_into_headers() {
    let arguments = json!({
        "text": "us west", "count": 42, "flag": false, "plain": "no", "in.side": { "a/b": "deep" },
    });
    let params = json!({ "name": "echo", "arguments": arguments }).to_string();
    let request = called(Revision::V2026_07_28, &everything(), &params, Some("echo")).await;
    assert_eq!(
        mirrored(&request),
        [
            ("mcp-param-Text", "us west"),
            ("mcp-param-Count", "42"),
            ("mcp-param-Flag", "false"),
            ("mcp-param-In~Side", "deep")
        ]
    );
    assert_eq!(request.header("mcp-name"), Some("echo"));
    assert_eq!(request.json()["params"]["arguments"], arguments, "the body has them all the same");
}

#[tokio::test]
async fn a_header_is_written_as_the_revision_asks() {
    let table = [
        (r#""text": "é""#, vec![("mcp-param-Text", "=?base64?w6k=?=")]),
        (r#""text": " a""#, vec![("mcp-param-Text", "=?base64?IGE=?=")]),
        (r#""text": "a\tb""#, vec![("mcp-param-Text", "=?base64?YQli?=")]),
        (r#""text": "=?base64?w6k=?=""#, vec![("mcp-param-Text", "=?base64?PT9iYXNlNjQ/dzZrPT89?=")]),
        (r#""text": """#, vec![("mcp-param-Text", "")]),
        (r#""text": "\r\nX-Evil: 1""#, vec![("mcp-param-Text", "=?base64?DQpYLUV2aWw6IDE=?=")]),
        (r#""text": null"#, vec![]),
        (r#""text": ["a"]"#, vec![]),
        (r#""count": -7"#, vec![("mcp-param-Count", "-7")]),
        (r#""count": 1e2"#, vec![("mcp-param-Count", "100")]),
        (r#""count": 100.0"#, vec![("mcp-param-Count", "100")]),
        (r#""count": -0.0"#, vec![("mcp-param-Count", "0")]),
        (r#""count": 9007199254740991"#, vec![("mcp-param-Count", "9007199254740991")]),
        (r#""count": 1.5"#, vec![("mcp-param-Count", "1.5")]),
        (r#""flag": true"#, vec![("mcp-param-Flag", "true")]),
        (r#""in.side": null"#, vec![]),
        ("", vec![]),
    ];
    for (arguments, expected) in table {
        let params = format!(r#"{{"name":"echo","arguments":{{{arguments}}}}}"#);
        let request = called(Revision::V2026_07_28, &everything(), &params, Some("echo")).await;
        assert_eq!(mirrored(&request), expected, "{arguments}");
    }
}

#[tokio::test]
async fn other_revisions_and_other_tools_have_no_such_headers() {
    let params = r#"{"name":"echo","arguments":{"text":"a"}}"#;
    let request = called(Revision::V2025_11_25, &everything(), params, Some("echo")).await;
    assert_eq!(mirrored(&request), []);
    let request = called(Revision::V2026_07_28, &everything(), params, Some("other")).await;
    assert_eq!(mirrored(&request), []);
}

#[tokio::test]
async fn a_request_that_was_put_together_by_hand_has_its_name_too() {
    let table = [
        ("tools/call", r#"{"name":"echo","arguments":{"text":"a"}}"#, Some("echo")),
        ("prompts/get", r#"{"name":"p\u0031"}"#, Some("p1")),
        ("resources/read", r#"{"uri":"mem://a"}"#, Some("mem://a")),
        ("tasks/get", r#"{"taskId":"t-1"}"#, Some("t-1")),
        ("tasks/cancel", r#"{"taskId":5}"#, None),
        ("tasks/list", r#"{"name":"x"}"#, None),
        ("their/own", r#"{"name":"x","uri":"y"}"#, None),
    ];
    for (method, params, expected) in table {
        let server = Server::start().await;
        let connector = AnyConnector::new(&server.target(), Revision::V2026_07_28).mirroring(&[tool(&everything())]);
        let mut client = connector.client();
        let call = Call { method, name: None, params: params.as_bytes(), ..echo() };
        let (_, request) = tokio::join!(client.call(call), server.answer_once(answer(&result(1))));
        assert_eq!(request.header("mcp-name"), expected, "{method}");
        assert_eq!(mirrored(&request).len(), usize::from(method == "tools/call"), "{method}");
    }
}

#[test]
fn what_the_specification_forbids_is_a_fault() {
    let one = |property: Value| properties(&json!({ "a": property }));
    let annotated = json!({ "type": "string", "x-mcp-header": "X" });
    let nested = |keyword: &str, value: Value| one(json!({ "type": "object", keyword: value }));
    let wrong = [
        (one(json!({ "type": "string", "x-mcp-header": "" })), "cannot be part of the name"),
        (one(json!({ "type": "string", "x-mcp-header": "a b" })), "cannot be part of the name"),
        (one(json!({ "type": "string", "x-mcp-header": "a:" })), "cannot be part of the name"),
        (one(json!({ "type": "string", "x-mcp-header": "é" })), "cannot be part of the name"),
        (one(json!({ "type": "string", "x-mcp-header": "a\r\nb" })), "cannot be part of the name"),
        (one(json!({ "type": "string", "x-mcp-header": 5 })), "is no text"),
        (one(json!({ "type": "number", "x-mcp-header": "X" })), "whose type is not"),
        (one(json!({ "type": "object", "x-mcp-header": "X" })), "whose type is not"),
        (one(json!({ "type": "null", "x-mcp-header": "X" })), "whose type is not"),
        (one(json!({ "x-mcp-header": "X" })), "whose type is not"),
        (one(json!({ "type": ["string", "null"], "x-mcp-header": "X" })), "whose type is not"),
        (json!({ "type": "object", "x-mcp-header": "X" }), "does not stand on a property"),
        (nested("items", annotated.clone()), "through `properties` alone"),
        (nested("oneOf", json!([annotated.clone()])), "through `properties` alone"),
        (nested("if", json!({ "properties": { "b": annotated.clone() } })), "through `properties` alone"),
        (nested("additionalProperties", annotated.clone()), "through `properties` alone"),
        (json!({ "$defs": { "d": annotated.clone() } }), "through `properties` alone"),
        (properties(&json!({ "a": annotated, "b": { "type": "integer", "x-mcp-header": "x" } })), "on two properties"),
    ];
    for (schema, expected) in wrong {
        let fault = tool(&schema).header_fault().unwrap_or_default();
        assert!(fault.contains(expected), "{schema}: {fault}");
    }
    let right = [
        everything(),
        Value::Null,
        json!(true),
        // Neither a property of that name nor data is an annotation.
        properties(&json!({ "x-mcp-header": { "type": "number" } })),
        one(json!({ "type": "object", "default": { "x-mcp-header": 5 }, "enum": [{ "x-mcp-header": "" }] })),
        json!({ "$defs": { "x-mcp-header": { "type": "string" } } }),
    ];
    for schema in right {
        assert_eq!(tool(&schema).header_fault(), None, "{schema}");
    }
}

#[tokio::test]
async fn a_tool_with_a_fault_gets_no_headers() {
    let schema = properties(&json!({
        "text": { "type": "string", "x-mcp-header": "Text" },
        "bad": { "type": "number", "x-mcp-header": "Bad" },
    }));
    let params = r#"{"name":"echo","arguments":{"text":"a"}}"#;
    let request = called(Revision::V2026_07_28, &schema, params, Some("echo")).await;
    assert_eq!(mirrored(&request), []);
}
