//! What requests say of tasks, and what answers tell of them.

use std::time::Duration;

use serde_json::{Value, json};

use super::http_asides::{event, opened, roots};
use super::http_session::ACCEPTED;
use super::peer::{SSE_END, SSE_HEAD, Server, echo, json as answer, result};
use crate::transport::{Answers, AnyConnector, Call, Client as _, Connector as _, Reply, Revision, TaskStatus, Tasks};
use crate::violation::{Violation, Violations};

fn wanted() -> Call<'static> {
    Call { tasks: Tasks::Wanted { ttl: Some(Duration::from_secs(60)) }, ..echo() }
}

fn about(method: &'static str) -> Call<'static> {
    Call { method, name: Some("t/é"), params: br#"{"taskId":"t/\u00e9"}"#, tasks: Tasks::Known, ..echo() }
}

#[tokio::test]
async fn a_legacy_call_asks_for_a_task_and_no_other_request_does() {
    const HANDLE: &str = r#"{"jsonrpc":"2.0","id":2,"result":{"task":{"taskId":"t","status":"working"}}}"#;
    let server = Server::start().await;
    let (mut client, mut peer) = opened(&server, Answers::default()).await;
    let (exchange, asked) = tokio::join!(client.call(wanted()), peer.answer(answer(HANDLE)));
    assert_eq!(
        asked.body,
        r#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"task":{"ttl":60000},"name":"echo","arguments":{"text":"hi"}}}"#
    );
    assert_eq!(exchange.violations.count(), 0, "a task is no result without content");
    let reply = exchange.outcome.unwrap();
    assert!(reply.is_task() && reply.holds_task());

    let both = Call { progress: true, tasks: Tasks::Wanted { ttl: None }, ..echo() };
    let (_, asked) = tokio::join!(client.call(both), peer.answer(answer(&result(3))));
    let params = &asked.json()["params"];
    assert_eq!((&params["task"], &params["_meta"]), (&json!({}), &json!({ "progressToken": 3 })));

    let (_, asked) = tokio::join!(client.call(about("tasks/get")), peer.answer(answer(&result(4))));
    assert_eq!(asked.json()["params"], json!({ "taskId": "t/é" }));
    assert_eq!(asked.header("mcp-name"), None);

    // Who did not ask for a task is to get a result.
    let (exchange, _) =
        tokio::join!(client.call(echo()), peer.answer(answer(&HANDLE.replace("\"id\":2", "\"id\":5"))),);
    assert_eq!(exchange.violations.of(Violation::ResultShape), 1);
}

#[tokio::test]
async fn a_modern_request_says_that_it_knows_tasks_and_which_one_it_means() {
    let server = Server::start().await;
    let mut client = AnyConnector::answering(&server.target(), Revision::V2026_07_28, roots()).client();
    let (first, mut peer) = tokio::join!(client.call(wanted()), async {
        let mut peer = server.accept().await;
        let asked = peer.answer(answer(&result(1))).await;
        let declared = &asked.json()["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"];
        assert_eq!(declared, &json!({ "roots": {}, "extensions": { "io.modelcontextprotocol/tasks": {} } }));
        assert_eq!(asked.json()["params"]["task"], Value::Null);
        peer
    });
    assert!(first.outcome.is_ok());
    for (id, method) in (2..).zip(["tasks/get", "tasks/update", "tasks/cancel"]) {
        let (_, asked) = tokio::join!(client.call(about(method)), peer.answer(answer(&result(id))));
        let declared = &asked.json()["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"];
        assert_eq!(declared["extensions"], json!({ "io.modelcontextprotocol/tasks": {} }));
        assert_eq!((asked.header("mcp-method"), asked.header("mcp-name")), (Some(method), Some("=?base64?dC/DqQ==?=")));
    }
}

#[tokio::test]
async fn a_revision_without_tasks_says_nothing_of_them() {
    let server = Server::start().await;
    let mut client = AnyConnector::new(&server.target(), Revision::V2025_06_18).client();
    // Before any handshake, which these revisions do not enforce here.
    let (_, asked) = tokio::join!(client.call(wanted()), server.answer_once(answer(&result(1))));
    assert_eq!(asked.json()["params"], json!({ "name": "echo", "arguments": { "text": "hi" } }));
}

#[tokio::test]
async fn what_a_task_wants_to_know_comes_on_the_stream_of_its_result() {
    const ASK: &str = r#"{"jsonrpc":"2.0","id":0,"method":"roots/list","params":{"_meta":{"io.modelcontextprotocol/related-task":{"taskId":"t"}}}}"#;
    let server = Server::start().await;
    let (mut client, mut peer) = opened(&server, roots()).await;
    let (exchange, given) = tokio::join!(client.call(about("tasks/result")), async {
        peer.request().await;
        peer.send(format!("{SSE_HEAD}{}", event(ASK))).await;
        let given = server.accept().await.answer(ACCEPTED).await;
        peer.send(format!("{}{SSE_END}", event(&result(2)))).await;
        given
    });
    assert_eq!(given.body, r#"{"jsonrpc":"2.0","id":0,"result":{"roots":[{"uri":"file:///a"}]}}"#);
    assert_eq!((exchange.asides.questions, exchange.outcome.is_ok()), (1, true));
}

fn reply(result: &str) -> Reply {
    Reply::from_message(format!(r#"{{"jsonrpc":"2.0","id":1,"result":{result}}}"#).into_bytes().into()).unwrap()
}

#[test]
fn the_task_of_an_answer() {
    let flat = reply(
        r#"{"resultType":"task","taskId":"a","status":"input_required","statusMessage":"x\ny","pollIntervalMs":1500}"#,
    );
    let task = flat.task().unwrap();
    assert_eq!((task.status, &*task.message), (TaskStatus::InputRequired, "x y"));
    assert_eq!(task.poll_interval, Some(Duration::from_millis(1500)));
    assert!(flat.is_task() && !flat.holds_task());
    let legacy = reply(r#"{"task":{"taskId":"a","status":"failed","ttl":null,"pollInterval":0.5}}"#).task().unwrap();
    assert_eq!((legacy.status, legacy.poll_interval), (TaskStatus::Failed, Some(Duration::from_micros(500))));
    for none in [r#"{"task":{}}"#, r#"{"taskId":5,"status":"working"}"#, "[]", r#"{"taskId":"a","status":"asleep"}"#] {
        assert!(reply(none).task().is_err(), "{none}");
    }
}

#[test]
fn the_end_of_a_task_is_the_answer_to_its_call() {
    let end = |result: &str| {
        let mut violations = Violations::default();
        (reply(result).end_of_task(&mut violations), violations.of(Violation::ResultShape))
    };
    let (done, wrong) =
        end(r#"{"resultType":"complete","result":{"content":[],"isError":true,"n":1},"status":"completed"}"#);
    let done = done.unwrap();
    assert_eq!((done.result(), done.is_tool_error(), wrong), (Some(r#"{"content":[],"isError":true,"n":1}"#), true, 0));
    assert_eq!(end(r#"{"result":{}}"#).1, 1, "it is no result of a call");
    let failed = end(r#"{"error":{"code":-32603,"message":"no"}}"#).0.unwrap();
    assert_eq!((failed.error().unwrap().code, failed.result()), (-32603, None));
    assert!(end("{}").0.is_err());
}

#[test]
fn what_capabilities_say_of_tasks() {
    let legacy = json!({ "tasks": { "cancel": {}, "requests": { "tools": { "call": {} } } } });
    let modern = json!({ "extensions": { "io.modelcontextprotocol/tasks": {} } });
    let served = crate::transport::serves_tasks;
    for (said, revision, expected) in [
        (&legacy, Revision::V2025_11_25, Some(true)),
        (&legacy, Revision::V2025_06_18, Some(false)),
        (&legacy, Revision::V2026_07_28, Some(false)),
        (&modern, Revision::V2026_07_28, Some(true)),
        (&modern, Revision::V2025_11_25, Some(false)),
        (&json!({ "tasks": { "list": {} } }), Revision::V2025_11_25, Some(false)),
        (&Value::Null, Revision::V2026_07_28, None),
    ] {
        assert_eq!(served(said, revision), expected, "{said} {revision}");
    }
}
