//! The stream that a legacy session holds open, and subscriptions over HTTP.

use std::time::Duration;

use super::http_asides::{event, opened, roots};
use super::http_session::ACCEPTED;
use super::peer::{PATIENCE, Peer, Received, SSE_END, SSE_HEAD, Server, chunk, echo, http, json, result, sse};
use crate::transport::{Answers, AnyClient, Call, Changes, Client as _, Exchange, Revision};

const UPDATE: &str = r#"{"method":"notifications/resources/updated","params":{"uri":"a://b/c"}}"#;

/// A client that holds its stream, and the connection of that.
async fn holding(server: &Server, answers: Answers) -> (AnyClient, Peer, Peer, Received) {
    let (mut client, peer) = opened(server, answers).await;
    let ((), (stream, asked)) = tokio::join!(client.hold_stream(), async {
        let mut stream = server.accept().await;
        let asked = stream.answer(SSE_HEAD).await;
        (stream, asked)
    });
    (client, peer, stream, asked)
}

fn subscribe() -> Call<'static> {
    Call { method: "resources/subscribe", params: br#"{"uri":"a://b"}"#, timeout: PATIENCE, ..Call::default() }
}

#[tokio::test]
async fn what_comes_on_the_stream_is_answered_and_counts_in_the_next_request() {
    let server = Server::start().await;
    let (mut client, mut peer, mut stream, asked) = holding(&server, roots()).await;
    assert_eq!(asked.line, "GET /mcp HTTP/1.1");
    assert_eq!((asked.header("mcp-session-id"), asked.header("last-event-id")), (Some("abc-1"), None));
    assert!(asked.header("accept").unwrap().contains("text/event-stream"));
    // It is answered while nothing is asked of the server.
    let ask = event(r#"{"jsonrpc":"2.0","id":0,"method":"roots/list"}"#);
    stream.send(format!("{}{ask}", event(UPDATE))).await;
    let mut other = server.accept().await;
    let answer = other.answer(ACCEPTED).await;
    assert_eq!(answer.body, r#"{"jsonrpc":"2.0","id":0,"result":{"roots":[{"uri":"file:///a"}]}}"#);
    let (exchange, _) = tokio::join!(client.call(echo()), peer.answer(json(&result(2))));
    assert_eq!((exchange.notifications, exchange.asides.questions), (1, 1));
    let (exchange, _) = tokio::join!(client.call(echo()), peer.answer(json(&result(3))));
    assert_eq!((exchange.notifications, exchange.asides.questions), (0, 0), "once only");
    // Once held, it is held.
    client.hold_stream().await;
    let (closed, _) = tokio::join!(client.close(), peer.answer(ACCEPTED));
    closed.unwrap();
    assert!(stream.is_closed().await);
}

#[tokio::test]
async fn a_stream_that_ends_is_asked_for_again_from_its_last_event() {
    let server = Server::start().await;
    let (_client, _peer, mut stream, _) = holding(&server, Answers::default()).await;
    stream.send(format!("{}{SSE_END}", chunk("id: 41\nretry: 10\ndata:\n\n"))).await;
    let mut again = server.accept().await;
    assert_eq!(again.request().await.header("last-event-id"), Some("41"));
}

#[tokio::test]
async fn a_server_without_a_stream_is_asked_once() {
    let server = Server::start().await;
    let (mut client, mut peer) = opened(&server, Answers::default()).await;
    let hold = async {
        client.hold_stream().await;
        client.hold_stream().await;
        client.call(echo()).await
    };
    let (exchange, ()) = tokio::join!(hold, async {
        server.answer_once(http("405 No", "text/plain", "")).await;
        peer.answer(json(&result(2))).await;
    });
    assert!(exchange.outcome.is_ok());
    // Nobody asked again meanwhile: the next connection is that of a subscription.
    let (exchange, ()) = tokio::join!(client.subscribe(subscribe(), Duration::from_millis(10)), async {
        peer.answer(json(&result(3))).await;
        peer.answer(json(&result(4))).await;
    });
    assert_eq!(exchange.asides.updates, 0);
}

#[tokio::test]
async fn updates_of_a_legacy_subscription_come_on_the_stream() {
    let server = Server::start().await;
    let (mut client, mut peer) = opened(&server, Answers::default()).await;
    let (exchange, (first, last, _stream)) =
        tokio::join!(client.subscribe(subscribe(), Duration::from_millis(200)), async {
            let mut stream = server.accept().await;
            stream.answer(SSE_HEAD).await;
            let first = peer.answer(json(&result(2))).await;
            let other = r#"{"method":"notifications/resources/updated","params":{"uri":"x://y"}}"#;
            stream.send(event(UPDATE) + &event(other) + &event(UPDATE)).await;
            (first, peer.answer(json(&result(3))).await, stream)
        });
    assert_eq!(
        (first.json()["method"].as_str(), last.json()["method"].as_str()),
        (Some("resources/subscribe"), Some("resources/unsubscribe"))
    );
    assert_eq!(first.json()["params"], serde_json::json!({ "uri": "a://b" }));
    assert_eq!((exchange.asides.updates, exchange.notifications), (2, 3));
    assert!(exchange.latency().unwrap() < Duration::from_millis(200), "the wait is no latency");
    assert!(exchange.outcome.is_ok());
}

/// What becomes of a modern subscription for 100 ms that is answered like this.
async fn listening(answer: String) -> (Exchange, Received) {
    let server = Server::start().await;
    let mut client = server.client(Revision::V2026_07_28);
    let (exchange, request) = tokio::join!(client.subscribe(subscribe(), Duration::from_millis(100)), async {
        let mut peer = server.accept().await;
        let request = peer.answer(answer).await;
        // A subscription ends with its connection.
        assert!(peer.is_closed().await);
        request
    });
    (exchange, request)
}

const ACKNOWLEDGED: &str = r#"{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{"notifications":{"resourceSubscriptions":["a://b"]}}}"#;

#[tokio::test]
async fn a_modern_subscription_is_a_request_that_lasts() {
    let changed = event(r#"{"method":"notifications/resources/list_changed"}"#);
    let (exchange, request) = listening(format!("{SSE_HEAD}{}{}{changed}", event(ACKNOWLEDGED), event(UPDATE))).await;
    let changes = Changes { resources: true, updated: vec!["a://b/c".to_owned()], ..Changes::default() };
    assert_eq!(exchange.changes, changes);
    assert_eq!(request.header("mcp-method"), Some("subscriptions/listen"));
    let wanted = serde_json::json!({ "resourceSubscriptions": ["a://b"] });
    assert_eq!(request.json()["params"]["notifications"], wanted);
    assert_eq!((exchange.asides.updates, exchange.notifications, exchange.status), (1, 3, Some(200)));
    assert!(exchange.latency().unwrap() < Duration::from_millis(100));
    assert!(exchange.outcome.unwrap().result().unwrap().contains("a://b"));
}

#[tokio::test]
async fn a_modern_subscription_that_is_refused_or_ends() {
    let end = r#"{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete"}}"#;
    let (exchange, _) = listening(sse(&format!("data: {ACKNOWLEDGED}\n\ndata: {end}\n\n"))).await;
    assert!(exchange.outcome.is_ok(), "the server may end it");
    let (exchange, _) = listening(sse(&format!("data: {ACKNOWLEDGED}\n\n"))).await;
    let failure = exchange.outcome.unwrap_err();
    assert_eq!(failure.class(), "transport");
    assert!(failure.to_string().starts_with("the subscription broke off after "), "{failure}");
    let (exchange, _) = listening(sse(&format!("data: {UPDATE}\n\n"))).await;
    assert_eq!(exchange.outcome.unwrap_err().class(), "protocol");
    let error = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no"}}"#;
    let (exchange, _) = listening(http("404 Not Found", "application/json", error)).await;
    assert_eq!(exchange.outcome.unwrap().error().map(|error| error.code), Some(-32601));
}
