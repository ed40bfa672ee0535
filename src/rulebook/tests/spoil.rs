//! Answers that are lost, doubled, stalled, broken, or sent to nobody.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, split};
use tokio::time::timeout;

use super::http::start;
use super::wire::{Client, MODERN, PATIENCE};
use crate::rulebook::handler::{Handler, Shared};
use crate::rulebook::spoil::Spoiler;
use crate::rulebook::{Answers, Options};

const NOBODY: i64 = 9_007_199_254_740_991;

fn rule() -> Value {
    json!({ "name": "get_rule", "arguments": { "id": "rule-0001" } })
}

/// The messages in the answer to a call, as their texts.
async fn messages(options: Options) -> Vec<String> {
    let server = start(options).await;
    let mut client = Client::open(server.addr, "2025-11-25").await;
    let reply = client.request("tools/call", rule()).await;
    let data = |line: &str| line.strip_prefix("data:").map(|data| data.trim().to_owned());
    let messages = match reply.header("content-type") {
        Some("application/json") => vec![reply.body.clone()],
        _ => reply.body.lines().filter_map(data).filter(|data| !data.is_empty()).collect(),
    };
    // The faults are those of tool calls only.
    assert!(client.result("tools/list", json!({})).await["tools"].is_array());
    server.stop().await;
    messages
}

fn events(change: impl FnOnce(&mut Options)) -> Options {
    let mut options = Options { answers: Answers::Sse, ..Options::default() };
    change(&mut options);
    options
}

#[tokio::test]
async fn a_lost_answer_leaves_its_stream_empty() {
    assert_eq!(messages(events(|options| options.lost_ratio = 1.0)).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_doubled_answer_comes_twice_on_its_stream_and_once_as_an_object() {
    let twice = messages(events(|options| options.duplicate_ratio = 1.0)).await;
    assert_eq!(twice.len(), 2);
    assert_eq!(twice[0], twice[1]);
    assert_eq!(messages(Options { duplicate_ratio: 1.0, ..Options::default() }).await.len(), 1);
}

#[tokio::test]
async fn a_malformed_answer_is_no_json() {
    for options in
        [events(|options| options.malformed_ratio = 1.0), Options { malformed_ratio: 1.0, ..Options::default() }]
    {
        let broken = messages(options).await;
        assert!(broken[0].starts_with('{') && serde_json::from_str::<Value>(&broken[0]).is_err(), "{broken:?}");
    }
}

#[tokio::test]
async fn a_misdirected_answer_has_the_id_of_nobody() {
    for options in
        [events(|options| options.wrong_id_ratio = 1.0), Options { wrong_id_ratio: 1.0, ..Options::default() }]
    {
        let message: Value = serde_json::from_str(&messages(options).await[0]).unwrap();
        assert_eq!((&message["id"], &message["result"]["isError"]), (&json!(NOBODY), &json!(false)));
    }
}

#[tokio::test]
async fn a_stalled_answer_begins() {
    for options in [events(|options| options.stalled_ratio = 1.0), Options { stalled_ratio: 1.0, ..Options::default() }]
    {
        let server = start(options).await;
        let mut client = Client::open(server.addr, MODERN).await;
        client.send("tools/call", rule()).await;
        let head = timeout(PATIENCE, client.connection.head()).await.unwrap();
        assert_eq!((head.status, head.header("content-length")), (200, None));
        drop(client);
        server.stop().await;
    }
}

#[tokio::test]
async fn a_forgotten_session_is_not_found_any_more() {
    let server = start(events(|options| options.lost_session_ratio = 1.0)).await;
    // The session is forgotten before the first request that names it.
    let mut connection = super::wire::Connection::open(server.addr).await;
    let hello = json!({
        "jsonrpc": "2.0", "id": 1, "method": "initialize",
        "params": { "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "test", "version": "0" } },
    });
    let headers = [("Content-Type", "application/json"), ("Accept", "application/json, text/event-stream")];
    connection.send("POST", &headers, &hello.to_string()).await;
    let opened = connection.reply().await;
    let session = opened.header("mcp-session-id").unwrap();
    let list = json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/list", "params": {} });
    let headers = [headers[0], headers[1], ("Mcp-Session-Id", session), ("MCP-Protocol-Version", "2025-11-25")];
    connection.send("POST", &headers, &list.to_string()).await;
    assert_eq!(connection.reply().await.status, 404);
    server.stop().await;
}

#[tokio::test]
async fn the_seed_decides_which_answers_are_spoiled() {
    let spoiled = |seed| {
        let options = Options { seed, lost_ratio: 0.2, malformed_ratio: 0.1, ..Options::default() };
        let spoiler = Spoiler::new(&options).unwrap();
        (0..1000).map(|_| spoiler.answer()).collect::<Vec<_>>()
    };
    assert_eq!(spoiled(1), spoiled(1));
    assert_ne!(spoiled(1), spoiled(2));
    let count = spoiled(1).iter().flatten().count();
    assert!((240..=360).contains(&count), "{count} of 1,000 are not 30 %");
    assert!(Spoiler::new(&Options::default()).is_none());
}

/// The lines with which calls 1 to 3 and a ping are answered over standard output.
async fn lines(options: &Options, sent: &[Value]) -> Vec<Value> {
    let (near, far) = tokio::io::duplex(64 * 1024);
    let (far_input, far_output) = split(far);
    let handler = Handler::new(Shared::new(options, true).unwrap());
    let spoiler = Spoiler::new(options).unwrap();
    let done = tokio::spawn(crate::rulebook::spoil::stdio::serve(spoiler, handler, far_input, far_output));
    let (output, mut input) = split(near);
    let hello = json!({
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "test", "version": "0" },
    });
    let opening = [
        json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello }),
        json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }),
    ];
    for message in opening.iter().chain(sent) {
        input.write_all(format!("{message}\n").as_bytes()).await.unwrap();
    }
    input.shutdown().await.unwrap();
    let mut output = BufReader::new(output).lines();
    let mut said = Vec::new();
    while let Some(line) = timeout(PATIENCE, output.next_line()).await.unwrap().unwrap() {
        said.push(serde_json::from_str(&line).unwrap_or(Value::String(line)));
    }
    done.await.unwrap().unwrap();
    said.remove(0);
    said
}

fn call(id: u64) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": rule() })
}

#[tokio::test]
async fn lines_are_spoiled_too() {
    let said = |options: Options| async move { lines(&options, &[call(1)]).await };
    assert_eq!(said(Options { lost_ratio: 1.0, ..Options::default() }).await.len(), 0);
    assert_eq!(said(Options { stalled_ratio: 1.0, ..Options::default() }).await.len(), 0);
    let twice = said(Options { duplicate_ratio: 1.0, ..Options::default() }).await;
    assert_eq!((twice.len(), &twice[0]), (2, &twice[1]));
    assert!(said(Options { malformed_ratio: 1.0, ..Options::default() }).await[0].is_string());
    assert_eq!(said(Options { wrong_id_ratio: 1.0, ..Options::default() }).await[0]["id"], NOBODY);
}

#[tokio::test]
async fn a_cancelled_call_is_answered_only_by_a_server_that_ignores_it() {
    let sent = [
        call(1),
        json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": 1 } }),
        json!({ "jsonrpc": "2.0", "id": 2, "method": "ping" }),
    ];
    let latency = Duration::from_millis(300);
    // A share of 0 that is switched on by another fault: the pumps are there.
    let obeys = Options { latency, lost_session_ratio: 0.5, ..Options::default() };
    let ids = |said: Vec<Value>| said.iter().map(|message| message["id"].as_u64().unwrap()).collect::<Vec<_>>();
    assert_eq!(ids(lines(&obeys, &sent).await), [2]);
    let ignores = Options { latency, ignores_cancellation: true, ..Options::default() };
    assert_eq!(ids(lines(&ignores, &sent).await), [2, 1]);
}

#[tokio::test]
async fn tools_say_that_they_failed_by_their_share() {
    let server = start(Options { tool_error_ratio: 1.0, ..Options::default() }).await;
    let mut client = Client::open(server.addr, MODERN).await;
    assert_eq!(client.call("list_rules", json!({})).await["isError"], true);
    assert!(client.result("resources/read", json!({ "uri": "rule://rule-0001" })).await["contents"].is_array());
    server.stop().await;
}
