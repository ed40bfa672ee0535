//! HTTP+SSE: an event stream for all that the server says, POST requests for all
//! that it is told.

use std::time::Duration;

use tokio::sync::mpsc;

use super::http_asides::roots;
use super::oauth::granted;
use super::peer::{Peer, Received, SSE_HEAD, Server, chunk, echo, http, strays};
use crate::transport::{
    AnyClient, AnyConnector, Bearer, Call, Client as _, Connector as _, Failure, HttpTarget, OpenError, Revision,
    Target, probe,
};

const GREETING: &str = r#"{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2024-11-05","capabilities":{"tools":{}},"serverInfo":{"name":"old","version":"1"}}}"#;

fn target(server: &Server) -> Target {
    Target::Sse(HttpTarget::parse(&format!("http://{}/sse", server.authority()), Vec::new()).unwrap())
}

fn client(server: &Server) -> AnyClient {
    AnyConnector::new(&target(server), Revision::V2024_11_05).client()
}

fn accepted() -> String {
    http("202 Accepted", "text/plain", "Accepted")
}

fn message(json: &str) -> String {
    chunk(&format!("event: message\ndata: {json}\n\n"))
}

fn result(id: u64) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"content":[]}}}}"#)
}

/// Opens a session; returns the server's ends of the stream and of the requests.
async fn greet(server: &Server) -> (Peer, Peer) {
    let (stream, posts, _) = greeted(server).await;
    (stream, posts)
}

/// The same with what was asked.
async fn greeted(server: &Server) -> (Peer, Peer, Vec<Received>) {
    let mut stream = server.accept().await;
    let opened = stream.request().await;
    assert_eq!(opened.line, "GET /sse HTTP/1.1");
    stream.send(format!("{SSE_HEAD}{}", chunk("event: endpoint\ndata: /message?sessionId=7\n\n"))).await;
    let mut posts = server.accept().await;
    let first = posts.answer(accepted()).await;
    assert_eq!(first.line, "POST /message?sessionId=7 HTTP/1.1");
    assert_eq!(first.json()["method"], "initialize");
    stream.send(message(GREETING)).await;
    let second = posts.answer(accepted()).await;
    assert_eq!(second.json()["method"], "notifications/initialized");
    (stream, posts, vec![opened, first, second])
}

#[tokio::test]
async fn requests_go_out_by_post_and_answers_come_on_the_stream() {
    let server = Server::start().await;
    let mut client = client(&server);
    let calls = async {
        let opened = client.open().await.unwrap();
        assert_eq!((opened.server.name.as_str(), opened.revision), ("old", Revision::V2024_11_05));
        (client.call(echo()).await, client.call(echo()).await)
    };
    let ((first, second), _peers) = tokio::join!(calls, async {
        let (mut stream, mut posts) = greet(&server).await;
        posts.answer(accepted()).await;
        stream.send(message(&result(2))).await;
        // The answer may come before the request is accepted.
        let asked = posts.request().await;
        assert_eq!(asked.json()["params"]["name"], "echo");
        stream.send(message(&result(3))).await;
        (stream, posts)
    });
    for exchange in [&first, &second] {
        assert!(exchange.outcome.is_ok(), "{:?}", exchange.outcome);
        assert!(exchange.written.unwrap() <= exchange.first_byte.unwrap());
        assert_eq!((exchange.first_byte, exchange.connect), (Some(exchange.done), None));
        assert_eq!(strays(&exchange.violations), 0);
        assert!(exchange.bytes_in > 0 && exchange.bytes_out > 0);
    }
}

#[tokio::test]
async fn answers_find_their_requests_and_questions_are_answered() {
    let server = Server::start().await;
    let mut client = client(&server);
    let calls = async {
        client.open().await.unwrap();
        let mut sibling = client.sibling();
        tokio::join!(client.call(echo()), sibling.call(echo()))
    };
    let ((first, second), _peers) = tokio::join!(calls, async {
        let (mut stream, mut posts) = greet(&server).await;
        // Two at once need a connection each.
        posts.answer(accepted()).await;
        let mut more = server.accept().await;
        more.answer(accepted()).await;
        stream.send(message(r#"{"jsonrpc":"2.0","id":"q","method":"ping"}"#)).await;
        let answer = tokio::select! {
            answer = posts.request() => answer,
            answer = more.request() => answer,
        };
        assert_eq!(answer.json(), serde_json::json!({ "jsonrpc": "2.0", "id": "q", "result": {} }));
        stream.send(message(&result(3))).await;
        stream.send(message(&result(2))).await;
        (stream, posts, more)
    });
    for exchange in [first, second] {
        assert!(exchange.outcome.is_ok(), "{:?}", exchange.outcome);
        assert_eq!(strays(&exchange.violations), 0, "{:?}", exchange.violations);
    }
}

#[tokio::test]
async fn what_the_file_answers_goes_out_by_post_while_the_request_goes_on() {
    let server = Server::start().await;
    let mut client = AnyConnector::answering(&target(&server), Revision::V2024_11_05, roots()).client();
    let calls = async {
        client.open().await.unwrap();
        client.call(echo()).await
    };
    let (exchange, _peers) = tokio::join!(calls, async {
        let (mut stream, mut posts) = greet(&server).await;
        posts.answer(accepted()).await;
        for (id, method, answer) in [
            ("\"q\"", "roots/list", r#""result":{"roots":[{"uri":"file:///a"}]}"#),
            ("7", "sampling/createMessage", r#""error":{"code":-32601,"message":"Method not found"}"#),
        ] {
            stream.send(message(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}"}}"#))).await;
            let told = posts.answer(accepted()).await;
            assert_eq!(told.line, "POST /message?sessionId=7 HTTP/1.1");
            assert_eq!(told.body, format!(r#"{{"jsonrpc":"2.0","id":{id},{answer}}}"#));
        }
        stream.send(message(&result(2))).await;
        (stream, posts)
    });
    assert!(exchange.outcome.is_ok(), "{:?}", exchange.outcome);
    assert_eq!((exchange.asides.questions, strays(&exchange.violations)), (2, 0), "{:?}", exchange.violations);
}

#[tokio::test]
async fn the_stream_and_each_request_carry_the_token_of_the_moment() {
    let server = Server::start().await;
    let mut target = target(&server);
    let Target::Sse(http) = &mut target else { unreachable!() };
    let bearer = Bearer::new(&granted("t-1").await);
    http.bearer = Some(bearer.clone());
    let later = granted("t-2").await;
    let mut client = AnyConnector::new(&target, Revision::V2024_11_05).client();
    let calls = async {
        client.open().await.unwrap();
        client.call(echo()).await.outcome.unwrap();
        bearer.replace(&later);
        client.call(echo()).await.outcome.unwrap();
    };
    let ((), (asked, _peers)) = tokio::join!(calls, async {
        let (mut stream, mut posts, mut asked) = greeted(&server).await;
        for id in [2, 3] {
            asked.push(posts.answer(accepted()).await);
            stream.send(message(&result(id))).await;
        }
        (asked, (stream, posts))
    });
    let tokens: Vec<_> = asked.iter().map(|request| request.header("authorization").unwrap()).collect();
    // The stream, the two messages of the handshake, and two calls.
    assert_eq!(tokens, ["Bearer t-1", "Bearer t-1", "Bearer t-1", "Bearer t-1", "Bearer t-2"]);
}

#[tokio::test]
async fn a_request_that_is_refused_does_not_wait_for_an_answer() {
    let server = Server::start().await;
    let mut client = client(&server);
    let calls = async {
        client.open().await.unwrap();
        let first = client.call(echo()).await;
        assert!(client.is_open());
        (first, client.call(echo()).await)
    };
    let ((first, second), _peers) = tokio::join!(calls, async {
        let (mut stream, mut posts) = greet(&server).await;
        posts.answer(http("500 Oops", "text/plain", "no room")).await;
        posts.answer(accepted()).await;
        stream.send(message(&result(3))).await;
        (stream, posts)
    });
    assert_eq!(first.status, Some(500));
    assert_eq!(first.outcome.unwrap_err(), Failure::Http { status: 500, excerpt: "no room".to_owned() });
    assert!(second.outcome.is_ok());
}

#[tokio::test]
async fn the_end_of_the_stream_is_the_end_of_the_session() {
    let server = Server::start().await;
    let mut client = client(&server);
    let calls = async {
        client.open().await.unwrap();
        let first = client.call(echo()).await;
        assert!(!client.is_open());
        let second = client.call(echo()).await;
        // It can be opened again.
        client.open().await.unwrap();
        (first, second)
    };
    let ((first, second), _peers) = tokio::join!(calls, async {
        let (mut stream, mut posts) = greet(&server).await;
        posts.answer(accepted()).await;
        stream.send("0\r\n\r\n").await;
        greet(&server).await
    });
    for exchange in [first, second] {
        assert_eq!(exchange.outcome.unwrap_err().to_string(), "the server ended the event stream");
    }
}

#[tokio::test]
async fn late_answers_are_no_violations() {
    let server = Server::start().await;
    let mut client = client(&server);
    let calls = async {
        client.open().await.unwrap();
        let first = client.call(Call { timeout: Duration::from_millis(1), ..echo() }).await;
        (first, client.call(echo()).await)
    };
    // How many connections the requests take is not said.
    let serving = async {
        let (mut stream, posts) = greet(&server).await;
        let (tell, mut told) = mpsc::unbounded_channel();
        let serve = |mut peer: Peer| {
            let tell = tell.clone();
            tokio::spawn(async move { while tell.send(peer.answer(accepted()).await.json()).is_ok() {} });
        };
        serve(posts);
        loop {
            tokio::select! {
                peer = server.accept() => serve(peer),
                Some(request) = told.recv() => match request["id"].as_u64() {
                    Some(2) => {}
                    Some(id) => stream.send(message(&result(id))).await,
                    None => {
                        assert_eq!(request["params"]["requestId"], 2);
                        stream.send(message(&result(2))).await;
                    }
                },
            }
        }
    };
    let (first, second) = tokio::select! {
        exchanges = calls => exchanges,
        () = serving => unreachable!(),
    };
    assert_eq!(first.outcome.unwrap_err().class(), "timeout");
    assert!(second.outcome.is_ok(), "{:?}", second.outcome);
    assert_eq!(strays(&second.violations), 0, "{:?}", second.violations);
}

#[tokio::test]
async fn what_is_no_stream_is_told() {
    for (answer, expected) in [
        (http("404 Not Found", "text/plain", "nothing here"), "GET: the server answered HTTP 404: nothing here"),
        (http("200 OK", "text/html", "<html>"), "GET: the server answered `text/html` instead of an event stream"),
        (
            format!("{SSE_HEAD}{}", chunk("event: endpoint\ndata: http://example.com/message\n\n")),
            "GET: the server sends requests to another server, `http://example.com/message`: nothing is sent there",
        ),
        (
            format!("{SSE_HEAD}0\r\n\r\n"),
            "GET: the event stream ended before it named the address of the requests (`endpoint`)",
        ),
    ] {
        let server = Server::start().await;
        let mut client = client(&server);
        let (opened, _) = tokio::join!(client.open(), server.answer_once(answer));
        assert_eq!(opened.unwrap_err().to_string(), expected);
    }
    let server = Server::start().await;
    let mut client = client(&server);
    let (opened, _) = tokio::join!(client.open(), server.answer_once(http("401 Unauthorized", "text/plain", "")));
    assert!(matches!(opened, Err(OpenError::Unauthorized { status: 401, .. })), "{opened:?}");
}

#[tokio::test]
async fn the_revision_is_what_the_server_says() {
    let server = Server::start().await;
    let target = target(&server);
    let (found, _peers) = tokio::join!(probe(&target), greet(&server));
    let found = found.unwrap();
    assert_eq!((found.revision, found.server.name.as_str()), (Revision::V2024_11_05, "old"));
}
