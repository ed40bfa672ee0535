//! What goes on beside the requests of a legacy HTTP session: questions of the
//! server, cancellations, streams that end early, progress.

use std::time::Duration;

use super::http_session::{ACCEPTED, greeting};
use super::peer::{Peer, SSE_END, SSE_HEAD, Server, chunk, echo, http, json, result, sse};
use crate::transport::{
    Answers, AnyClient, AnyConnector, Call, Client as _, Connector as _, Exchange, Question, Revision,
};
use crate::violation::Violation;

const LEGACY: Revision = Revision::V2025_11_25;

/// A client with an open session, and the connection of its requests.
pub async fn opened(server: &Server, answers: Answers) -> (AnyClient, Peer) {
    let mut client = AnyConnector::answering(&server.target(), LEGACY, answers).client();
    let (opened, peer) = tokio::join!(client.open(), async {
        let mut peer = server.accept().await;
        peer.answer(greeting("2025-11-25")).await;
        peer.answer(ACCEPTED).await;
        peer
    });
    opened.unwrap();
    (client, peer)
}

pub fn roots() -> Answers {
    Answers::new(None, [(Question::Roots, r#"{"roots":[{"uri":"file:///a"}]}"#)].into_iter())
}

pub fn event(message: &str) -> String {
    chunk(&format!("data: {message}\n\n"))
}

const ASK_ROOTS: &str = r#"{"jsonrpc":"2.0","id":0,"method":"roots/list"}"#;

#[tokio::test]
async fn the_handshake_declares_what_is_answered() {
    let server = Server::start().await;
    let mut client = AnyConnector::answering(&server.target(), LEGACY, roots()).client();
    let (_, request) = tokio::join!(client.open(), server.answer_once(http("500 No", "text/plain", "")));
    assert_eq!(request.json()["params"]["capabilities"], serde_json::json!({ "roots": {} }));
}

#[tokio::test]
async fn a_modern_request_declares_what_is_answered() {
    let server = Server::start().await;
    let mut client = AnyConnector::answering(&server.target(), Revision::V2026_07_28, roots()).client();
    let (_, request) = tokio::join!(client.call(echo()), server.answer_once(json(&result(1))));
    let declared = &request.json()["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"];
    assert_eq!(declared, &serde_json::json!({ "roots": {} }));
}

#[tokio::test]
async fn a_question_is_answered_on_another_connection_while_the_request_goes_on() {
    let server = Server::start().await;
    let (mut client, mut peer) = opened(&server, roots()).await;
    let (exchange, answers) = tokio::join!(client.call(echo()), async {
        peer.request().await;
        peer.send(format!("{SSE_HEAD}{}", event(ASK_ROOTS))).await;
        let mut other = server.accept().await;
        let first = other.answer(ACCEPTED).await;
        // The stream goes on only now, and asks more, which goes the same way.
        let ping = r#"{"jsonrpc":"2.0","id":"p","method":"ping","params":{}}"#;
        let sample = r#"{"jsonrpc":"2.0","id":7,"method":"sampling/createMessage","params":{"messages":[]}}"#;
        peer.send(format!("{}{}", event(ping), event(sample))).await;
        let (second, third) = (other.answer(ACCEPTED).await, other.answer(ACCEPTED).await);
        peer.send(format!("{}{SSE_END}", event(&result(2)))).await;
        [first, second, third]
    });
    let bodies: Vec<&str> = answers.iter().map(|answer| answer.body.as_str()).collect();
    assert_eq!(
        bodies,
        [
            r#"{"jsonrpc":"2.0","id":0,"result":{"roots":[{"uri":"file:///a"}]}}"#,
            r#"{"jsonrpc":"2.0","id":"p","result":{}}"#,
            r#"{"jsonrpc":"2.0","id":7,"error":{"code":-32601,"message":"Method not found"}}"#,
        ]
    );
    for answer in &answers {
        assert_eq!(answer.line, "POST /mcp HTTP/1.1");
        assert_eq!(answer.header("mcp-session-id"), Some("abc-1"));
        assert_eq!(answer.header("mcp-protocol-version"), Some("2025-11-25"));
        assert_eq!(answer.header("content-type"), Some("application/json"));
    }
    assert!(exchange.outcome.is_ok());
    assert_eq!((exchange.asides.questions, exchange.connect), (3, None));
}

#[tokio::test]
async fn an_answer_that_is_not_taken_is_told_when_nothing_comes() {
    let server = Server::start().await;
    let (mut client, mut peer) = opened(&server, roots()).await;
    let call = Call { timeout: Duration::from_millis(300), ..echo() };
    let (exchange, _) = tokio::join!(client.call(call), async {
        peer.request().await;
        peer.send(format!("{SSE_HEAD}{}", event(ASK_ROOTS))).await;
        server.answer_once(http("400 Bad", "text/plain", "no such session")).await;
        peer
    });
    let failure = exchange.outcome.unwrap_err();
    assert_eq!(failure.class(), "transport");
    assert!(failure.to_string().ends_with("the server answered HTTP 400: no such session"), "{failure}");
}

#[tokio::test]
async fn a_server_that_asks_without_end_runs_into_the_timeout() {
    let server = Server::start().await;
    let (mut client, mut peer) = opened(&server, roots()).await;
    let call = Call { timeout: Duration::from_millis(200), ..echo() };
    let asking = async {
        peer.request().await;
        peer.send(SSE_HEAD).await;
        let many = event(ASK_ROOTS).repeat(50);
        while peer.try_send(&many).await {}
    };
    let (exchange, ()) = tokio::join!(client.call(call), async {
        // The client hangs up, which ends the asking.
        asking.await;
    });
    assert_eq!(exchange.outcome.unwrap_err().class(), "timeout");
    assert!(exchange.asides.questions > 256);
}

async fn cancelled(revision: Revision) -> (Exchange, Option<super::peer::Received>) {
    let server = Server::start().await;
    let call = Call { cancel: Some(Duration::from_millis(50)), ..echo() };
    if revision.is_modern() {
        let mut client = server.client(revision);
        let (exchange, ()) = tokio::join!(client.call(call), async {
            let mut peer = server.accept().await;
            peer.request().await;
            assert!(peer.is_closed().await);
        });
        return (exchange, None);
    }
    let (mut client, mut peer) = opened(&server, Answers::default()).await;
    let (exchange, told) = tokio::join!(client.call(call), async {
        peer.request().await;
        let mut other = server.accept().await;
        let told = other.request().await;
        assert!(!peer.is_closed_now(), "the server learns first why its stream is closed");
        other.send(ACCEPTED).await;
        // There will be no result.
        peer.send(sse("")).await;
        assert!(peer.is_closed().await);
        told
    });
    (exchange, Some(told))
}

#[tokio::test]
async fn a_cancelled_request_is_told_of_or_its_connection_closed() {
    let (exchange, told) = cancelled(LEGACY).await;
    let failure = exchange.outcome.unwrap_err();
    assert_eq!((failure.class(), failure.to_string().as_str()), ("cancelled", "cancelled after 50ms, as was asked"));
    let expected =
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":2,"reason":"cancelled"}}"#;
    assert_eq!(told.unwrap().body, expected);
    let (exchange, _) = cancelled(Revision::V2026_07_28).await;
    assert_eq!(exchange.outcome.unwrap_err().class(), "cancelled");
}

#[tokio::test]
async fn an_answer_before_its_time_is_not_cancelled() {
    let server = Server::start().await;
    let mut client = server.client(Revision::V2026_07_28);
    let call = Call { cancel: Some(Duration::from_secs(9)), ..echo() };
    let (exchange, _) = tokio::join!(client.call(call), server.answer_once(json(&result(1))));
    assert!(exchange.outcome.is_ok());
}

#[tokio::test]
async fn progress_is_asked_for_and_counted() {
    let server = Server::start().await;
    let mut client = server.client(Revision::V2026_07_28);
    let told = |token: &str, progress: u32| {
        format!(
            "data: {{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{{\"progressToken\":{token},\"progress\":{progress}}}}}\n\n"
        )
    };
    let stream =
        [told("1", 1), told("2", 5), told("\"1\"", 3), told("1", 3), format!("data: {}\n\n", result(1))].concat();
    let call = Call { progress: true, ..echo() };
    let (exchange, request) = tokio::join!(client.call(call), server.answer_once(sse(&stream)));
    assert_eq!(request.json()["params"]["_meta"]["progressToken"], 1);
    assert!(request.json()["params"]["_meta"]["io.modelcontextprotocol/clientInfo"].is_object());
    assert_eq!((exchange.notifications, exchange.asides.progress), (4, 3));
    assert_eq!(exchange.violations.of(Violation::ProgressOrder), 1);
    assert!(exchange.outcome.is_ok());
}

#[tokio::test]
async fn a_legacy_request_has_a_token_and_nothing_else() {
    let server = Server::start().await;
    let (mut client, mut peer) = opened(&server, Answers::default()).await;
    let call = Call { progress: true, params: b"{}", ..echo() };
    let (exchange, request) = tokio::join!(client.call(call), peer.answer(json(&result(2))));
    assert!(exchange.outcome.is_ok());
    let expected = r#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"_meta":{"progressToken":2}}}"#;
    assert_eq!(request.body, expected);
}

#[tokio::test]
async fn a_stream_that_ends_early_goes_on_where_its_server_says() {
    let server = Server::start().await;
    let (mut client, mut peer) = opened(&server, Answers::default()).await;
    let (exchange, (first, second)) = tokio::join!(client.call(echo()), async {
        peer.answer(sse("id: 7-a\nretry: 20\ndata:\n\n")).await;
        // On the same connection, since that stream has ended as it should.
        let first = peer.answer(sse(": still at it\n\n")).await;
        let second = peer.answer(sse(&format!("id: 8\ndata: {}\n\n", result(2)))).await;
        (first, second)
    });
    for request in [first, second] {
        assert_eq!(request.line, "GET /mcp HTTP/1.1");
        assert_eq!(request.header("last-event-id"), Some("7-a"));
        assert_eq!(request.header("mcp-session-id"), Some("abc-1"));
        assert_eq!(request.header("content-type"), None);
        assert_eq!(request.body, "");
    }
    assert!(exchange.latency().unwrap() >= Duration::from_millis(40), "what the server makes it wait is latency");
    assert!(exchange.outcome.is_ok());
}

#[tokio::test]
async fn a_stream_that_never_goes_on_fails() {
    let early = sse("id: 1\nretry: 10\ndata:\n\n");
    for (answer, class, what) in [
        (http("405 No", "text/plain", "no streams"), "http", "the server answered HTTP 405: no streams"),
        (early.clone(), "timeout", "no answer within 200ms"),
    ] {
        let server = Server::start().await;
        let (mut client, mut peer) = opened(&server, Answers::default()).await;
        let call = Call { timeout: Duration::from_millis(200), ..echo() };
        let answering = async {
            peer.answer(&early).await;
            while peer.try_answer(&answer).await {}
        };
        let exchange = tokio::select! {
            exchange = client.call(call) => exchange,
            () = async { answering.await; std::future::pending().await } => unreachable!(),
        };
        let failure = exchange.outcome.unwrap_err();
        assert_eq!((failure.class(), failure.to_string().as_str()), (class, what));
    }
    // Without an id there is nothing to go on from, nor in a modern revision.
    let server = Server::start().await;
    let (mut client, mut peer) = opened(&server, Answers::default()).await;
    let (exchange, _) = tokio::join!(client.call(echo()), peer.answer(sse("retry: 10\ndata:\n\n")));
    assert_eq!(exchange.outcome.unwrap_err().class(), "protocol");
    let exchange = super::peer::exchange_of(early).await;
    assert_eq!(exchange.outcome.unwrap_err().class(), "protocol");
}
