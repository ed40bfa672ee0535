//! What the client makes of one answer.

use std::time::Duration;

use super::peer::{
    RESULT, SSE_END, SSE_HEAD, Server, chunk, echo, exchange_of, exchange_of_last, http, json, result, sse,
};
use crate::transport::{Call, Changes, Client as _, Exchange, Failure, Revision};
use crate::violation::Violation;

fn ok(exchange: &Exchange) -> &str {
    exchange.outcome.as_ref().unwrap().result().unwrap()
}

fn failure(exchange: Exchange) -> Failure {
    exchange.outcome.unwrap_err()
}

#[tokio::test]
async fn a_json_answer() {
    for kind in ["application/json", "application/json; charset=utf-8", "Application/JSON ;x"] {
        let exchange = exchange_of(http("200 OK", kind, &result(1))).await;
        assert_eq!(ok(&exchange), RESULT);
        assert_eq!(exchange.status, Some(200));
        assert_eq!((exchange.notifications, exchange.violations.count()), (0, 0));
        assert_eq!(exchange.outcome.unwrap().header("CONTENT-type"), Some(kind));
    }
}

#[tokio::test]
async fn an_event_stream_in_all_its_forms() {
    let answer = result(1);
    let (start, end) = answer.split_at(17);
    let table = [
        ("plain", format!("data: {answer}\n\n")),
        ("CRLF and a type", format!("event: message\r\ndata: {answer}\r\n\r\n")),
        ("a priming event first", format!("id: 0\nretry: 3000\ndata:\n\ndata: {answer}\nid: 1\n\n")),
        ("comments", format!(": ping\n\n: ping\n\ndata: {answer}\n\n")),
        ("several lines", format!("data: {start}\ndata: {end}\n\n")),
        ("other types of event", format!("event: ping\ndata: x\n\ndata: {answer}\n\n")),
    ];
    for (what, stream) in table {
        let exchange = exchange_of(sse(&stream)).await;
        assert_eq!(ok(&exchange), RESULT, "{what}");
        assert_eq!((exchange.notifications, exchange.violations.count()), (0, 0), "{what}");
    }
}

#[tokio::test]
async fn an_event_stream_byte_by_byte() {
    let server = Server::start().await;
    let mut client = server.client(Revision::V2026_07_28);
    let stream = format!("id: 0\r\ndata:\r\n\r\ndata: {}\r\n\r\n", result(1));
    let (exchange, _peer) = tokio::join!(client.call(echo()), async {
        let mut peer = server.accept().await;
        peer.request().await;
        for byte in SSE_HEAD.chars().map(String::from).chain(stream.chars().map(|c| chunk(&c.to_string()))) {
            peer.send(byte).await;
            // Gives the client the chance to read this byte alone.
            tokio::task::yield_now().await;
        }
        peer
    });
    assert_eq!(ok(&exchange), RESULT);
}

#[tokio::test]
async fn what_precedes_the_response_is_counted() {
    let stream = format!(
        "data: {}\n\ndata: {}\n\ndata: {}\n\ndata: {}\n\ndata: {}\n\n",
        r#"{"jsonrpc":"2.0","method":"notifications/progress"}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#,
        result(99),
        "not JSON",
        result(1),
    );
    let exchange = exchange_of(sse(&stream)).await;
    assert_eq!(ok(&exchange), RESULT);
    assert_eq!((exchange.notifications, exchange.violations.count()), (2, 2));
    assert_eq!(exchange.changes, Changes { tools: true, ..Changes::default() });
    let found: Vec<_> = exchange.violations.found().iter().map(|found| (found.kind, found.example.as_str())).collect();
    let rubbish = "text that is not JSON: not JSON";
    assert_eq!(found, [(Violation::UnknownId, "a response with id 99"), (Violation::NotAMessage, rubbish)]);
}

#[tokio::test]
async fn a_request_of_a_modern_server_is_a_violation_and_passed_over() {
    let stream = format!("data: {}\n\ndata: {}\n\n", r#"{"id":0,"method":"roots/list"}"#, result(1));
    let exchange = exchange_of(sse(&stream)).await;
    assert_eq!(ok(&exchange), RESULT);
    assert_eq!((exchange.notifications, exchange.violations.count()), (0, 1));
}

#[tokio::test]
async fn a_numeric_id_may_come_back_as_a_string() {
    let exchange = exchange_of(json(r#"{"id":"1","result":{"ok":true}}"#)).await;
    assert_eq!(ok(&exchange), r#"{"ok":true}"#);
}

#[tokio::test]
async fn json_rpc_errors_are_replies_whatever_the_status() {
    let error = r#"{"jsonrpc":"2.0","ID"error":{"code":-32600,"message":"Bad Request"}}"#;
    for (status, kind, id) in [
        ("200 OK", "application/json", r#"id":1,"#),
        ("400 Bad Request", "application/json", r#"id":1,"#),
        ("400 Bad Request", "application/json", r#"id":null,"#),
        ("404 Not Found", "application/json", ""),
        ("500 Oops", "text/plain", r#"id":"1","#),
    ] {
        let body = error.replace("ID\"", &format!("{id}\"")).replace("\"\"error", "\"error");
        let exchange = exchange_of(http(status, kind, &body)).await;
        assert_eq!(exchange.status, status[..3].parse().ok(), "{body}");
        let reply = exchange.outcome.unwrap();
        assert_eq!(reply.error().unwrap().code, -32600, "{body}");
    }
}

#[tokio::test]
async fn error_statuses_are_failures_with_an_excerpt() {
    let long = "x".repeat(500);
    let table = [
        (http("500 Internal Server Error", "text/plain", "boom\r\n\x1b[31mred\n"), 500, "boom [31mred"),
        (http("404 Not Found", "text/plain", "Not Found"), 404, "Not Found"),
        (http("503 Busy", "text/html", ""), 503, ""),
        (http("502 Bad Gateway", "text/html", &long), 502, &*format!("{}…", "x".repeat(200))),
        // An error for another request, and a result, are not what was asked for.
        (
            http("400 Bad Request", "application/json", r#"{"id":5,"error":{"code":1,"message":""}}"#),
            400,
            r#"{"id":5,"error":{"code":1,"message":""}}"#,
        ),
        (http("500 Oops", "application/json", r#"{"id":1,"result":{}}"#), 500, r#"{"id":1,"result":{}}"#),
        (
            "HTTP/1.1 307 Temporary Redirect\r\nLocation: /mcp/\r\nContent-Length: 0\r\n\r\n".to_owned(),
            307,
            "a redirect to /mcp/, which is not followed",
        ),
        ("HTTP/1.1 304 Not Modified\r\n\r\n".to_owned(), 304, "a redirect to nowhere, which is not followed"),
    ];
    for (answer, status, excerpt) in table {
        let exchange = exchange_of(&answer).await;
        assert_eq!(exchange.status, Some(status));
        let expected = Failure::Http { status, excerpt: excerpt.to_owned() };
        assert_eq!(failure(exchange), expected, "{answer}");
    }
}

#[tokio::test]
async fn success_without_an_answer_is_a_protocol_failure() {
    let page = "<!doctype html>\n<title>Welcome</title>";
    let table = [
        (
            http("200 OK", "text/html; charset=utf-8", page),
            "the server answered HTML (text/html) instead of JSON or an event stream: is the path of the URL right? \
             It begins with: <!doctype html> <title>Welcome</title>",
        ),
        (
            http("200 OK", "text/plain", "ok"),
            "the server answered text/plain instead of JSON or an event stream. It begins with: ok",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".to_owned(),
            "the server answered a body without a content type instead of JSON or an event stream. It begins with: ok",
        ),
        (
            http("200 OK", "application/json", ""),
            "the server answered HTTP 200 with an empty body instead of a JSON-RPC response",
        ),
        (
            "HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".to_owned(),
            "the server answered HTTP 202 with an empty body instead of a JSON-RPC response",
        ),
        (json(&result(2)), "the answer carries id 2 instead of id 1"),
        (json(r#"{"id":"x","result":{}}"#), "the answer carries id \"x\" instead of id 1"),
        (json(r#"{"method":"notifications/progress"}"#), "the answer is a notification instead of a response"),
        (
            json(r#"{"method":"roots/list","id":0}"#),
            "the answer is a request of the server (roots/list) instead of a response",
        ),
        (json(&format!("[{}]", result(1))), "the answer is a JSON-RPC batch"),
        (json("nonsense"), "the answer is text that is not JSON"),
        (sse("data: {\"method\":\"x\"}\n\n"), "the event stream ended without the response"),
        // Without its blank line the event does not count.
        (sse(&format!("data: {}\n", result(1))), "the event stream ended without the response"),
    ];
    for (answer, expected) in table {
        match failure(exchange_of(&answer).await) {
            Failure::Protocol(reason) => assert!(reason.starts_with(expected), "{reason}"),
            other => panic!("{answer}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_wrong_id_is_a_violation_too() {
    assert_eq!(exchange_of(json(&result(2))).await.violations.count(), 1);
}

#[tokio::test]
async fn broken_http_is_a_transport_failure() {
    let truncated = json(&result(1)).replace("Content-Length: ", "Content-Length: 1");
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(101));
    let large = format!("HTTP/1.1 200 OK\r\na: {}\r\n\r\n", "b".repeat(70_000));
    let headers = "the response has more than 100 headers, or more than 64 KiB of them";
    let middle = "the server closed the connection in the middle of its answer";
    let table = [
        ("garbage\r\n\r\n", "the answer is not HTTP/1.1: "),
        ("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "the answer is not HTTP/1.1: "),
        ("", "the server closed the connection before answering"),
        ("HTTP/1.1 200", middle),
        (&truncated, middle),
        (&format!("{SSE_HEAD}{}", chunk("data: {}\n\n")), middle),
        (&many, headers),
        (&large, headers),
    ];
    for (answer, expected) in table {
        match failure(exchange_of_last(answer).await) {
            Failure::Transport(reason) => assert!(reason.starts_with(expected), "{reason}"),
            other => panic!("{answer}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_body_that_announces_too_much_is_not_read() {
    let length = 16 * 1024 * 1024 + 1;
    let exchange =
        exchange_of(format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"))
            .await;
    assert_eq!(failure(exchange), Failure::Protocol("the answer is larger than 16 MiB".to_owned()));
}

#[tokio::test]
async fn a_body_without_length_ends_with_the_connection() {
    let exchange =
        exchange_of_last(format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{}", result(1))).await;
    assert_eq!(ok(&exchange), RESULT);
}

#[tokio::test]
async fn a_large_answer_in_many_reads() {
    let text = "é".repeat(200_000);
    let body = format!(r#"{{"id":1,"result":{{"text":"{text}"}}}}"#);
    let exchange = exchange_of(json(&body)).await;
    assert_eq!(ok(&exchange), format!(r#"{{"text":"{text}"}}"#));
    let exchange = exchange_of(sse(&format!("data: {body}\n\n"))).await;
    assert_eq!(exchange.outcome.unwrap().message(), body.as_bytes());
}

#[tokio::test]
async fn no_answer_is_a_timeout() {
    let call = Call { timeout: Duration::from_millis(20), ..echo() };
    for answer in ["", "HTTP/1.1 200 OK\r\n", SSE_HEAD, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab"] {
        let server = Server::start().await;
        let mut client = server.client(Revision::V2026_07_28);
        let (exchange, closed) = tokio::join!(client.call(call), async {
            let mut peer = server.accept().await;
            peer.answer(answer).await;
            // Since 2026-07-28 this is how a request is cancelled.
            peer.is_closed().await
        });
        assert!(closed);
        assert!(exchange.done - exchange.written.unwrap() < super::peer::PATIENCE);
        assert_eq!(exchange.first_byte.is_some(), !answer.is_empty());
        let failure = failure(exchange);
        assert_eq!(failure.to_string(), "no answer within 20ms");
        assert_eq!(failure.class(), "timeout");
    }
}

#[tokio::test]
async fn the_rest_of_a_stream_is_not_waited_for() {
    let exchange = exchange_of(format!("{SSE_HEAD}{}", chunk(&format!("data: {}\n\n", result(1))))).await;
    assert_eq!(ok(&exchange), RESULT);
    // Nor does it matter whether it came.
    let exchange = exchange_of(format!("{SSE_HEAD}{}{SSE_END}", chunk(&format!("data: {}\n\n", result(1))))).await;
    assert_eq!(ok(&exchange), RESULT);
}

#[tokio::test]
async fn batches_are_read_in_the_revision_that_has_them() {
    const OLD: Revision = Revision::V2025_03_26;
    let notification = r#"{"jsonrpc":"2.0","method":"notifications/message"}"#;
    let response = r#"{"jsonrpc":"2.0","id":1,"result":{"content":[]}}"#;
    let stranger = r#"{"jsonrpc":"2.0","id":9,"result":{}}"#;
    let both = format!(" [{notification}, {response} ]");
    // In two events, and with the response not alone.
    let events = format!("data: [{notification}]\n\ndata: [{response},{notification},{stranger}]\n\n");
    let of = async |revision, answer: String| {
        let server = Server::start().await;
        let mut client = server.client(revision);
        tokio::join!(client.call(echo()), server.answer_once(answer)).0
    };
    let exchange = of(OLD, json(&both)).await;
    assert_eq!((exchange.notifications, exchange.violations.count()), (1, 0));
    assert_eq!(exchange.outcome.unwrap().result(), Some(r#"{"content":[]}"#));
    let exchange = of(OLD, sse(&events)).await;
    assert_eq!((exchange.notifications, exchange.violations.of(Violation::UnknownId)), (2, 1));
    assert!(exchange.outcome.is_ok());

    for text in [format!("[{notification}]"), "[]".to_owned()] {
        let failure = of(OLD, json(&text)).await.outcome.unwrap_err().to_string();
        assert_eq!(failure, "the answer is a batch without the response", "{text}");
    }
    for text in ["[", "[1"] {
        let failure = of(OLD, json(text)).await.outcome.unwrap_err().to_string();
        assert!(failure.contains("text that is not JSON"), "{failure}");
    }
    let failure = of(Revision::V2025_06_18, json(&both)).await.outcome.unwrap_err().to_string();
    assert!(failure.contains("a JSON-RPC batch, which only 2025-03-26 has"), "{failure}");
}

#[tokio::test]
async fn what_http_demands_of_an_answer() {
    let kinds = async |answer: &str| {
        let exchange = exchange_of(answer).await;
        let found: Vec<_> =
            exchange.violations.found().iter().map(|found| (found.kind, found.example.clone())).collect();
        (exchange.outcome.err().map(|failure| failure.class()), found)
    };
    let empty = |head: &str| format!("HTTP/1.1 {head}\r\nContent-Length: 0\r\n\r\n");
    let (class, found) = kinds(&empty("401 Unauthorized")).await;
    assert_eq!(
        (class, found),
        (Some("http"), vec![(Violation::MissingHeader, "HTTP 401 without `www-authenticate`".to_owned())])
    );
    let (class, found) = kinds(&empty("401 Unauthorized\r\nWWW-Authenticate: Bearer")).await;
    assert_eq!((class, found), (Some("http"), vec![]));
    let (_, found) = kinds(&empty("405 Method Not Allowed")).await;
    assert_eq!(found, [(Violation::MissingHeader, "HTTP 405 without `allow`".to_owned())]);
    assert_eq!(kinds(&empty("405 Method Not Allowed\r\nAllow: GET")).await.1, []);
    let (class, found) = kinds(&http("200 OK", "text/plain", &result(1))).await;
    assert_eq!((class, found[0].0), (Some("protocol"), Violation::ContentType));
    assert_eq!(kinds(&http("400 Bad Request", "text/plain", "no")).await.1, [], "errors may be of any type");
}
