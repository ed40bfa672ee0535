//! Completion, validation, progress and updates.

use serde_json::{Value, json};
use tokio::time::timeout;

use super::http::start;
use super::stdio::{Pipe, modern};
use super::wire::{Client, MODERN, PATIENCE};
use crate::rulebook::{Answers, Options};

#[tokio::test]
async fn ids_are_completed() {
    let server = start(Options { rules: 300, ..Options::default() }).await;
    let mut client = Client::open(server.addr, "2025-11-25").await;
    let prompt = json!({ "type": "ref/prompt", "name": "apply_rules" });
    let template = json!({ "type": "ref/resource", "uri": "rule://{id}" });
    for (reference, argument, value, total, first) in [
        (&prompt, "ids", "rule-0007, rule-01", 100, "rule-0100"),
        (&template, "id", "rule-02", 100, "rule-0200"),
        (&template, "id", "", 300, "rule-0001"),
    ] {
        let params = json!({ "ref": reference, "argument": { "name": argument, "value": value } });
        let completion = client.result("completion/complete", params).await["completion"].clone();
        assert_eq!((&completion["total"], &completion["values"][0]), (&json!(total), &json!(first)));
        assert_eq!(completion["values"].as_array().unwrap().len(), 100);
        assert_eq!(completion["hasMore"], total > 100);
    }
    let params = json!({ "ref": prompt, "argument": { "name": "language", "value": "" } });
    assert_eq!(client.error("completion/complete", params).await, -32602);
    server.stop().await;
}

#[tokio::test]
async fn a_text_is_validated_before_it_is_put() {
    let server = start(Options::default()).await;
    let mut client = Client::open(server.addr, MODERN).await;
    let said = client.call("validate_rule", json!({ "text": "## Be kind\nSee `rule-9999`." })).await;
    let expected =
        json!({ "valid": false, "title": "Be kind", "problems": ["`rule-9999` is no rule of this library"] });
    assert_eq!(said["structuredContent"], expected);
    server.stop().await;
}

fn compose(ids: usize) -> Value {
    let ids: Vec<String> = (1..=ids).map(|id| format!("rule-{id:04}")).collect();
    json!({ "name": "compose_rules", "arguments": { "ids": ids }, "_meta": { "progressToken": "p" } })
}

#[tokio::test]
async fn large_compositions_tell_their_progress_to_whoever_asks() {
    let server = start(Options { answers: Answers::Sse, ..Options::default() }).await;
    let mut client = Client::open(server.addr, "2025-11-25").await;
    for (ids, expected) in [(99, vec![]), (150, vec![(0.0, 150.0), (150.0, 150.0)])] {
        let reply = client.request("tools/call", compose(ids)).await;
        let messages =
            reply.body.lines().filter_map(|line| serde_json::from_str::<Value>(line.strip_prefix("data:")?).ok());
        let told: Vec<(f64, f64)> = messages
            .filter(|message| message["method"] == "notifications/progress")
            .map(|message| message["params"].clone())
            .map(|params| (params["progress"].as_f64().unwrap(), params["total"].as_f64().unwrap()))
            .collect();
        assert_eq!(told, expected, "{ids} ids");
    }
    server.stop().await;
}

async fn put(pipe: &mut Pipe, params: fn(Value) -> Value, id: &str, text: &str) {
    let call = json!({ "name": "put_rule", "arguments": { "id": id, "text": text } });
    pipe.send(json!({ "jsonrpc": "2.0", "id": 9, "method": "tools/call", "params": params(call) })).await;
}

/// The next messages until that many are there, as method or id.
async fn next(pipe: &mut Pipe, count: usize) -> Vec<Value> {
    let mut said = Vec::new();
    while said.len() < count {
        let line = timeout(PATIENCE, pipe.output.next_line()).await.unwrap().unwrap().unwrap();
        said.push(serde_json::from_str(&line).unwrap());
    }
    said
}

fn updated(said: &[Value]) -> Vec<&str> {
    said.iter().filter_map(|message| message["params"]["uri"].as_str()).collect()
}

#[tokio::test]
async fn subscribers_of_the_older_revisions_learn_of_changes_until_they_unsubscribe() {
    let mut pipe = Pipe::open(&Options::default());
    let client = json!({ "name": "test", "version": "0" });
    let hello = json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client });
    let opened = pipe.ask("initialize", hello).await;
    assert_eq!(opened["result"]["capabilities"]["resources"]["subscribe"], true);
    pipe.send(json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await;
    for id in ["rule-0001", "rule-0002"] {
        let subscribed = pipe.ask("resources/subscribe", json!({ "uri": format!("rule://{id}") })).await;
        assert!(subscribed["result"].is_object(), "{subscribed}");
    }
    pipe.ask("resources/unsubscribe", json!({ "uri": "rule://rule-0001" })).await;
    put(&mut pipe, |params| params, "rule-0001", "new").await;
    next(&mut pipe, 1).await;
    put(&mut pipe, |params| params, "rule-0002", "new").await;
    assert_eq!(updated(&next(&mut pipe, 2).await), ["rule://rule-0002"]);
    // The same text again changes nothing.
    put(&mut pipe, |params| params, "rule-0002", "new").await;
    next(&mut pipe, 1).await;
    pipe.close().await;
}

#[tokio::test]
async fn streams_of_the_newest_revision_tell_of_what_they_were_asked_for() {
    let mut pipe = Pipe::open(&Options::default());
    let filter = json!({ "notifications": { "resourceSubscriptions": ["rule://rule-0002"] } });
    let listen = json!({ "jsonrpc": "2.0", "id": 3, "method": "subscriptions/listen", "params": modern(filter) });
    pipe.send(listen).await;
    let acknowledged = next(&mut pipe, 1).await;
    assert_eq!(acknowledged[0]["method"], "notifications/subscriptions/acknowledged", "{acknowledged:?}");
    put(&mut pipe, modern, "rule-0001", "new").await;
    next(&mut pipe, 1).await;
    put(&mut pipe, modern, "rule-0002", "new").await;
    assert_eq!(updated(&next(&mut pipe, 2).await), ["rule://rule-0002"]);
}
