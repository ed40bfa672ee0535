//! How requests are numbered, on the wire.

use regex::Regex;
use serde_json::Value;

use super::http_session::opened_as;
use super::peer::{Received, Server, echo, http, sse, strays};
use super::stdio::{ANSWER, LEGACY, client_of, server};
use crate::transport::{Call, Client as _, Ids};

/// The id of a message, as JSON.
fn id(request: &Received) -> Value {
    request.json()["id"].clone()
}

/// Answers as events: progress that was asked for, then the response.
fn answered(id: &Value) -> String {
    let progress = format!(
        r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progressToken":{id},"progress":1}}}}"#
    );
    sse(&format!("data: {progress}\n\ndata: {{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{{}}}}\n\n"))
}

/// The ids of three requests, and that of one of a sibling, each of which asks for
/// its progress.
async fn ids_of(ids: Ids) -> (Vec<Value>, Value) {
    let server = Server::start().await;
    let (mut client, _, mut peer, [first, _]) = opened_as(&server, "2025-11-25", ids).await;
    let mut seen = vec![id(&first)];
    let call = Call { progress: true, ..echo() };
    for _ in 0..2 {
        let (exchange, request) = tokio::join!(client.call(call), async {
            let request = peer.request().await;
            let token = request.json();
            assert_eq!(token["params"]["_meta"]["progressToken"], token["id"]);
            peer.send(&answered(&id(&request))).await;
            request
        });
        assert_eq!((exchange.outcome.is_ok(), exchange.asides.progress), (true, 1));
        seen.push(id(&request));
    }
    let mut sibling = client.sibling();
    let (exchange, request) = tokio::join!(sibling.call(echo()), async {
        let mut peer = server.accept().await;
        let request = peer.request().await;
        peer.send(&answered(&id(&request))).await;
        request
    });
    assert!(exchange.outcome.is_ok());
    (seen, id(&request))
}

#[tokio::test]
async fn requests_are_numbered_as_the_client_does() {
    assert_eq!(ids_of(Ids::Counting).await, (vec![1.into(), 2.into(), 3.into()], ((1_u64 << 32) + 1).into()));
    assert_eq!(ids_of(Ids::Constant).await, (vec![1.into(), 1.into(), 1.into()], 1.into()));
    let (mut texts, sibling) = ids_of(Ids::Text(7)).await;
    texts.push(sibling);
    let uuid = Regex::new("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$").unwrap();
    assert!(texts.iter().all(|text| uuid.is_match(text.as_str().unwrap())), "{texts:?}");
    texts.sort_by_key(ToString::to_string);
    texts.dedup();
    assert_eq!(texts.len(), 4);
    let (others, _) = ids_of(Ids::Text(1 << 40)).await;
    assert!(others.iter().all(|other| !texts.contains(other)));
}

#[tokio::test]
async fn another_text_is_a_stranger() {
    let server = Server::start().await;
    let (mut client, _, mut peer, [first, _]) = opened_as(&server, "2025-11-25", Ids::Text(7)).await;
    let answer = format!(r#"{{"jsonrpc":"2.0","id":{},"result":{{}}}}"#, id(&first));
    let answer = http("200 OK", "application/json", &answer);
    let (exchange, request) = tokio::join!(client.call(echo()), peer.answer(answer));
    let failure = exchange.outcome.unwrap_err().to_string();
    let expected = format!("the answer carries id {} instead of id {}", id(&first), id(&request));
    assert_eq!(failure, expected);
}

#[tokio::test]
async fn texts_are_told_apart_over_one_channel() {
    let mut client = client_of(server(ANSWER), LEGACY);
    client.number(Ids::Text(7));
    client.open().await.unwrap();
    let mut sibling = client.sibling();
    let (one, other) = tokio::join!(client.call(echo()), sibling.call(echo()));
    for exchange in [one, other] {
        assert_eq!(strays(&exchange.violations), 0);
        let reply = exchange.outcome.unwrap();
        let result: Value = serde_json::from_str(reply.result().unwrap()).unwrap();
        assert_eq!(result["n"].as_str().unwrap().len(), 36);
    }
}
