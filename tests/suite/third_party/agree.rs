//! The client of rmcp, which others wrote, and mcpl's: both find the same tools at
//! the same servers, and get the same results from them.
//!
//! rmcp negotiates by itself; mcpl speaks in each revision that the server has.
//! Both speak over stdio and over HTTP.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use mcpl::transport::{
    AnyConnector, Call, Client as _, Connector as _, HttpTarget, Revision, StdioTarget, Target, list_tools,
};
use rmcp::model::{CallToolRequestParams, ProtocolVersion};
use rmcp::service::{ClientLifecycleMode, ClientServiceExt as _};
use rmcp::transport::{IntoTransport, StreamableHttpClientTransport, TokioChildProcess};
use rmcp::{RoleClient, ServiceError};
use serde_json::{Value, json};

use super::install::{npm, python};
use super::matrix::beside;
use super::servers::Server;

const TIMEOUT: Duration = Duration::from_secs(60);

const MODERN: Revision = Revision::NEWEST_MODERN;
const LEGACY: Revision = Revision::NEWEST_LEGACY;

/// What a client found: the tools, and the outcome of each call.
#[derive(Debug, PartialEq)]
struct Found {
    tools: Vec<Value>,
    outcomes: Vec<Value>,
}

/// What both clients know of a tool.
fn tool(name: &str, description: Option<&str>, schemas: (Value, Option<Value>), read_only: bool) -> Value {
    json!({ "name": name, "description": description, "input": schemas.0, "output": schemas.1, "read_only": read_only })
}

/// A value with its numbers as rmcp keeps them: the priority 1 of an annotation
/// is 1.0 there, in single precision.
fn in_single_precision(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            members.iter().map(|(name, value)| (name.clone(), in_single_precision(value))).collect()
        }
        Value::Array(items) => items.iter().map(in_single_precision).collect(),
        #[expect(clippy::cast_possible_truncation, reason = "that is the purpose")]
        Value::Number(number) => json!(number.as_f64().unwrap() as f32),
        other => other.clone(),
    }
}

/// What both clients know of a result.
fn outcome(result: &Value) -> Value {
    let failed = result.get("isError") == Some(&Value::Bool(true));
    json!({ "content": in_single_precision(&result["content"]), "structured": result.get("structuredContent"), "failed": failed })
}

/// What rmcp finds at a child process.
async fn at_a_child(command: &[String], calls: &[(&str, Value)]) -> Found {
    let mut child = tokio::process::Command::new(&command[0]);
    child.args(&command[1..]);
    let (transport, _) =
        TokioChildProcess::builder(child).stderr(std::process::Stdio::null()).spawn().expect("a child process");
    by_rmcp(transport, calls).await
}

async fn by_rmcp<E, A>(transport: impl IntoTransport<RoleClient, E, A>, calls: &[(&str, Value)]) -> Found
where
    E: std::error::Error + Send + Sync + 'static,
{
    let mode = ClientLifecycleMode::Auto {
        preferred_versions: vec![ProtocolVersion::V_2026_07_28],
        legacy_version: Some(ProtocolVersion::V_2025_11_25),
    };
    let client = ().serve_with_lifecycle(transport, mode).await.expect("a session");
    let listed = client.list_all_tools().await.expect("a list of tools");
    let tools = listed.iter().map(|listed| {
        let schemas = (json!(listed.input_schema), listed.output_schema.as_ref().map(|schema| json!(schema)));
        let read_only = listed.annotations.as_ref().and_then(|hints| hints.read_only_hint) == Some(true);
        tool(&listed.name, listed.description.as_deref(), schemas, read_only)
    });
    let tools = tools.collect();
    let mut outcomes = Vec::new();
    for (name, arguments) in calls {
        let params =
            CallToolRequestParams::new(name.to_string()).with_arguments(arguments.as_object().unwrap().clone());
        outcomes.push(match client.call_tool(params).await {
            Ok(result) => outcome(&serde_json::to_value(result).unwrap()),
            Err(ServiceError::McpError(error)) => json!({ "error": error.code.0 }),
            Err(error) => panic!("{name}: {error}"),
        });
    }
    client.cancel().await.expect("the end of the session");
    Found { tools, outcomes }
}

async fn by_mcpl(target: &Target, revision: Revision, calls: &[(&str, Value)]) -> Found {
    let mut client = AnyConnector::new(target, revision).client();
    assert_eq!(client.open().await.expect("a session").revision, revision);
    let listed = list_tools(&mut client, TIMEOUT).await.expect("a list of tools");
    let tools = listed.into_iter().map(|listed| {
        let schemas = (listed.input_schema, listed.output_schema);
        tool(&listed.name, listed.description.as_deref(), schemas, listed.hints.read_only)
    });
    let tools = tools.collect();
    let mut outcomes = Vec::new();
    for (name, arguments) in calls {
        let params = json!({ "name": name, "arguments": arguments }).to_string();
        let call = Call {
            method: "tools/call",
            name: Some(name),
            params: params.as_bytes(),
            timeout: TIMEOUT,
            ..Call::default()
        };
        let reply = client.call(call).await.outcome.expect("an answer");
        outcomes.push(match reply.error() {
            Some(error) => json!({ "error": error.code }),
            None => outcome(&serde_json::from_str(reply.result().unwrap()).unwrap()),
        });
    }
    client.close().await.expect("the end of the session");
    Found { tools, outcomes }
}

/// Compares what the clients find at a server with so many tools, over stdio and
/// at these addresses.
#[track_caller]
fn compare(command: &[String], urls: &[String], revisions: &[Revision], tools: usize, calls: &[(&str, Value)]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let child = Target::Stdio(StdioTarget::new(command.to_vec()).unwrap());
    let of_url = |url: &String| Target::Http(HttpTarget::parse(url, Vec::new()).unwrap());
    let targets: Vec<_> = std::iter::once(child).chain(urls.iter().map(of_url)).collect();
    runtime.block_on(async {
        let theirs = at_a_child(command, calls).await;
        assert_eq!((theirs.tools.len(), theirs.outcomes.len()), (tools, calls.len()));
        for url in urls {
            let over_http = by_rmcp(StreamableHttpClientTransport::from_uri(url.as_str()), calls).await;
            assert_eq!(over_http, theirs, "{url}");
        }
        for target in &targets {
            for revision in revisions {
                let ours = by_mcpl(target, *revision, calls).await;
                assert_eq!(ours.tools, theirs.tools, "{revision}: {target:?}");
                for ((call, ours), theirs) in calls.iter().zip(ours.outcomes).zip(&theirs.outcomes) {
                    assert_eq!(ours, *theirs, "{revision}: {target:?}: {call:?}");
                }
            }
        }
    });
}

fn command(parts: &[&Path], arguments: &[&str]) -> Vec<String> {
    let parts = parts.iter().map(|part| part.display().to_string());
    parts.chain(arguments.iter().map(|argument| (*argument).to_owned())).collect()
}

#[test]
fn of_the_reference_server() {
    let Some(place) = npm() else { return };
    let program = "node_modules/.bin/mcp-server-everything";
    let server = Server::node(&place, program, |port, node| {
        node.arg("streamableHttp").env("PORT", port.to_string());
    });
    let calls = [
        ("echo", json!({ "message": "Grüße, \"quoted\" \u{1f600}" })),
        ("get-sum", json!({ "a": 9_007_199_254_740_991_i64, "b": -0.5 })),
        ("get-structured-content", json!({ "location": "Chicago" })),
        ("get-tiny-image", json!({})),
        ("get-annotated-message", json!({ "messageType": "error", "includeImage": true })),
        ("get-sum", json!({ "a": "one" })),
        ("no-such-tool", json!({})),
    ];
    let command = command(&[Path::new("node"), &place.join(program)], &["stdio"]);
    compare(&command, &[server.url()], &[LEGACY], 13, &calls);
}

#[test]
fn of_a_server_on_the_python_sdk() {
    let Some(place) = python() else { return };
    let (interpreter, program) = (place.join("python/bin/python"), beside("own.py"));
    let serve = |answers: &[&str]| {
        Server::start(|port| {
            let mut python = Command::new(&interpreter);
            python.arg(&program).arg("http").arg(port.to_string()).args(answers);
            python
        })
    };
    let (events, json) = (serve(&[]), serve(&["json"]));
    let calls = [
        ("add", json!({ "a": 2, "b": 40 })),
        ("add", json!({ "a": 2 })),
        ("refuse", json!({ "word": "yes" })),
        ("no-such-tool", json!({})),
    ];
    let command = command(&[&interpreter, &program], &["stdio"]);
    compare(&command, &[events.url(), json.url()], &[LEGACY, MODERN], 2, &calls);
}

#[test]
fn of_a_server_that_knows_the_time() {
    let Some(place) = python() else { return };
    let command = command(&[&place.join("python/bin/mcp-server-time")], &["--local-timezone", "UTC"]);
    let calls = [
        ("convert_time", json!({ "source_timezone": "UTC", "time": "12:00", "target_timezone": "Asia/Tokyo" })),
        ("convert_time", json!({ "source_timezone": "UTC", "time": "25:00", "target_timezone": "Asia/Tokyo" })),
        ("get_current_time", json!({ "timezone": "Nowhere/At_All" })),
    ];
    compare(&command, &[], &[LEGACY, MODERN], 2, &calls);
}
