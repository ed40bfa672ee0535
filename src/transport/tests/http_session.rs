//! What goes over the wire: the opening, the headers and bodies, the end.

use super::peer::{PATIENCE, Peer, Received, SSE_HEAD, Server, chunk, echo, http, json, result, sse};
use crate::transport::{
    AnyClient, AnyConnector, Call, Client as _, Connector as _, Failure, HttpTarget, Ids, OpenError, Opened, Revision,
    Target,
};

const LEGACY: Revision = Revision::V2025_11_25;
const MODERN: Revision = Revision::V2026_07_28;

/// The answer to `initialize`, with a session id.
pub fn greeting(version: &str) -> String {
    greeting_with(version, r#""id":1"#)
}

fn greeting_with(version: &str, id: &str) -> String {
    let body = format!(
        r#"{{"jsonrpc":"2.0",{id},"result":{{"protocolVersion":"{version}","capabilities":{{"tools":{{}}}},"serverInfo":{{"name":"s","version":"2","title":"x"}},"instructions":"be kind"}}}}"#
    );
    json(&body).replace("Content-Type", "Mcp-Session-Id: abc-1\r\nContent-Type")
}

pub const ACCEPTED: &str = "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n";

async fn opened(server: &Server, version: &str) -> (AnyClient, Opened, Peer, [Received; 2]) {
    opened_as(server, version, Ids::default()).await
}

/// The same with a client that numbers its requests in its own way.
pub async fn opened_as(server: &Server, version: &str, ids: Ids) -> (AnyClient, Opened, Peer, [Received; 2]) {
    let mut client = server.client(LEGACY);
    client.number(ids);
    let (opened, (peer, requests)) = tokio::join!(client.open(), async {
        let mut peer = server.accept().await;
        let first = peer.request().await;
        let id = format!("\"id\":{}", first.json()["id"]);
        peer.send(greeting_with(version, &id)).await;
        let second = peer.answer(ACCEPTED).await;
        (peer, [first, second])
    });
    (client, opened.unwrap(), peer, requests)
}

/// The headers that do not depend on the port or the body.
fn protocol(request: &Received) -> Vec<(&str, &str)> {
    request
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .filter(|(name, _)| !matches!(*name, "host" | "content-length"))
        .collect()
}

const AGENT: (&str, &str) = ("user-agent", concat!("mcpl/", env!("CARGO_PKG_VERSION")));
const CONTENT: (&str, &str) = ("content-type", "application/json");
const ACCEPT: (&str, &str) = ("accept", "application/json, text/event-stream");

#[tokio::test]
async fn the_legacy_handshake_on_the_wire() {
    let server = Server::start().await;
    let (mut client, opened, mut peer, [first, second]) = opened(&server, "2025-11-25").await;
    assert_eq!(opened.revision, LEGACY);
    assert_eq!((opened.server.name.as_str(), opened.server.version.as_str()), ("s", "2"));
    assert_eq!(opened.capabilities, serde_json::json!({"tools": {}}));

    assert_eq!(first.line, "POST /mcp HTTP/1.1");
    assert_eq!(first.header("host"), Some(server.authority().as_str()));
    assert_eq!(protocol(&first), [AGENT, CONTENT, ACCEPT]);
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        first.body,
        format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"initialize","params":{{"protocolVersion":"2025-11-25","capabilities":{{}},"clientInfo":{{"name":"mcpl","version":"{version}"}}}}}}"#
        )
    );

    let session = [("mcp-protocol-version", "2025-11-25"), ("mcp-session-id", "abc-1")];
    let with_session = [&[AGENT, CONTENT, ACCEPT][..], &session].concat();
    assert_eq!(protocol(&second), with_session);
    assert_eq!(second.body, r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);

    let (exchange, request) = tokio::join!(client.call(echo()), peer.answer("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 24\r\n\r\n{\"id\":2,\"result\":{\"a\":1}}"));
    // The body is one byte longer than announced, so JSON is cut short.
    assert_eq!(exchange.outcome.unwrap_err().class(), "protocol");
    assert_eq!(protocol(&request), with_session);
    assert_eq!(
        request.body,
        r#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"echo","arguments":{"text":"hi"}}}"#
    );
}

#[tokio::test]
async fn a_modern_request_on_the_wire() {
    let server = Server::start().await;
    let mut client = server.client(MODERN);
    let call = async {
        let opened = client.open().await.unwrap();
        assert_eq!(opened.revision, MODERN);
        assert_eq!(opened.session, std::time::Duration::ZERO);
        let call = client.call(echo()).await;
        let list = Call { method: "tools/list", params: b" { } ", timeout: PATIENCE, ..Call::default() };
        (call, client.call(list).await)
    };
    let ((called, listed), (call, list, _peer)) = tokio::join!(call, async {
        let mut peer = server.accept().await;
        let call = peer.answer(json(&result(1))).await;
        let list = peer.answer(json(&result(2))).await;
        (call, list, peer)
    });
    assert!(called.outcome.is_ok() && listed.outcome.is_ok());
    // The connection was made when the session was opened.
    assert_eq!(called.connect, None);
    let version = ("mcp-protocol-version", "2026-07-28");
    assert_eq!(protocol(&call), [AGENT, CONTENT, ACCEPT, version, ("mcp-method", "tools/call"), ("mcp-name", "echo")]);
    assert_eq!(protocol(&list), [AGENT, CONTENT, ACCEPT, version, ("mcp-method", "tools/list")]);
    let meta = format!(
        r#""_meta":{{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{{"name":"mcpl","version":"{}"}},"io.modelcontextprotocol/clientCapabilities":{{}}}}"#,
        env!("CARGO_PKG_VERSION")
    );
    assert_eq!(
        call.body,
        format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{{meta},"name":"echo","arguments":{{"text":"hi"}}}}}}"#
        )
    );
    assert_eq!(list.body, format!(r#"{{"jsonrpc":"2.0","id":2,"method":"tools/list","params":{{{meta} }} }}"#));
    assert_eq!(list.json()["params"].as_object().unwrap().len(), 1);
    assert_eq!(client.close().await.unwrap().as_secs(), 0);
}

#[tokio::test]
async fn names_that_are_no_header_are_encoded() {
    let server = Server::start().await;
    let mut client = server.client(MODERN);
    let table = [
        ("get-rule", "get-rule"),
        ("mem://a b", "mem://a b"),
        ("é", "=?base64?w6k=?="),
        (" a", "=?base64?IGE=?="),
        ("a\n", "=?base64?YQo=?="),
        ("=?base64?w6k=?=", "=?base64?PT9iYXNlNjQ/dzZrPT89?="),
        ("=?base64?x", "=?base64?x"),
        ("", ""),
    ];
    let calls = async {
        for (name, _) in table {
            client.call(Call { name: Some(name), ..echo() }).await.outcome.unwrap();
        }
    };
    let ((), _) = tokio::join!(calls, async {
        let mut peer = server.accept().await;
        for (id, (name, expected)) in (1..).zip(table) {
            let request = peer.answer(json(&result(id))).await;
            assert_eq!(request.header("mcp-name"), Some(expected), "{name:?}");
        }
        peer
    });
}

#[tokio::test]
async fn methods_are_escaped_in_bodies() {
    let server = Server::start().await;
    let mut client = server.client(LEGACY);
    let call = Call { method: "a\"b\\c\n", ..echo() };
    let (_, request) = tokio::join!(client.call(call), server.answer_once(json(&result(1))));
    assert_eq!(request.json()["method"], "a\"b\\c\n");
}

#[tokio::test]
async fn headers_of_the_user_are_sent_and_replace_ours() {
    let server = Server::start().await;
    let headers = [("Authorization", "Bearer x"), ("User-Agent", "me"), ("x-a", "1"), ("x-a", "2")];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let target = HttpTarget::parse(&format!("http://{}", server.authority()), headers).unwrap();
    let mut client = AnyConnector::new(&Target::Http(target), LEGACY).client();
    let (_, request) = tokio::join!(client.call(echo()), server.answer_once(json(&result(1))));
    assert_eq!(request.line, "POST / HTTP/1.1");
    let mut sent = protocol(&request);
    sent.sort_unstable();
    assert_eq!(
        sent,
        [ACCEPT, ("authorization", "Bearer x"), CONTENT, ("user-agent", "me"), ("x-a", "1"), ("x-a", "2")]
    );
}

#[tokio::test]
async fn the_version_that_the_server_chose_is_used() {
    let server = Server::start().await;
    let (mut client, opened, mut peer, [_, second]) = opened(&server, "2025-06-18").await;
    assert_eq!(opened.revision, Revision::V2025_06_18);
    assert_eq!(second.header("mcp-protocol-version"), Some("2025-06-18"));
    let (_, request) = tokio::join!(client.call(echo()), peer.answer(json(&result(2))));
    assert_eq!(request.header("mcp-protocol-version"), Some("2025-06-18"));
}

#[tokio::test]
async fn revisions_before_the_version_header_do_not_send_it() {
    let server = Server::start().await;
    let (_client, opened, _peer, [_, second]) = opened(&server, "2025-03-26").await;
    assert_eq!(opened.revision, Revision::V2025_03_26);
    assert_eq!(second.header("mcp-protocol-version"), None);
    assert_eq!(second.header("mcp-session-id"), Some("abc-1"));
}

#[tokio::test]
async fn other_versions_end_the_opening() {
    for version in ["2024-10-07", "2026-07-28", "3"] {
        let server = Server::start().await;
        let mut client = server.client(LEGACY);
        let (error, _) = tokio::join!(client.open(), server.answer_once(greeting(version)));
        assert_eq!(
            error.unwrap_err().to_string(),
            format!("the server offers MCP {version}, which mcpl does not speak (asked for 2025-11-25)")
        );
    }
}

#[tokio::test]
async fn the_handshake_over_an_event_stream() {
    let server = Server::start().await;
    let mut client = server.client(LEGACY);
    let greeting = greeting("2025-11-25");
    let (_, body) = greeting.split_once("\r\n\r\n").unwrap();
    let head = SSE_HEAD.replace("Content-Type", "mcp-session-id: s\r\nContent-Type");
    let answer = format!("{head}{}0\r\n\r\n", chunk(&format!("id: 1\ndata:\n\ndata: {body}\n\n")));
    let (opened, request) = tokio::join!(client.open(), async {
        let mut peer = server.accept().await;
        peer.answer(&answer).await;
        // Some servers answer 200 here, or a content type without content.
        let request = peer.answer(http("200 OK", "application/json", "")).await;
        (request, peer)
    });
    assert_eq!(opened.unwrap().revision, LEGACY);
    assert_eq!(request.0.header("mcp-session-id"), Some("s"));
}

#[tokio::test]
async fn a_refused_opening_says_why_and_leaves_no_session() {
    let error = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"full"}}"#;
    let table = [
        (http("400 Bad Request", "application/json", error), "the server refused initialize: full (-32000)"),
        (http("503 Busy", "text/plain", "later"), "initialize: the server answered HTTP 503: later"),
        (
            http("401 Unauthorized", "application/json", error),
            "the server answered HTTP 401 to initialize: it wants credentials, or others than those given",
        ),
        (json(&result(1)), "initialize: the result is malformed: missing field `protocolVersion` at line 1 column 44"),
    ];
    for (answer, expected) in table {
        let server = Server::start().await;
        let mut client = server.client(LEGACY);
        let answer = answer.replace("Content-Type", "Mcp-Session-Id: wrong\r\nContent-Type");
        let calls = async { (client.open().await, client.call(echo()).await) };
        let ((opened, _), (request, _peer)) = tokio::join!(calls, async {
            let mut peer = server.accept().await;
            peer.answer(&answer).await;
            (peer.answer(json(&result(2))).await, peer)
        });
        assert_eq!(opened.unwrap_err().to_string(), expected);
        assert_eq!(request.header("mcp-session-id"), None);
    }
}

#[tokio::test]
async fn a_refused_notification_ends_the_opening() {
    let server = Server::start().await;
    let mut client = server.client(LEGACY);
    let (opened, ()) = tokio::join!(client.open(), async {
        let mut peer = server.accept().await;
        peer.answer(greeting("2025-11-25")).await;
        peer.answer(http("500 Oops", "text/plain", "no")).await;
    });
    let error = opened.unwrap_err();
    assert!(matches!(error, OpenError::Failed { failure: Failure::Http { status: 500, .. }, .. }));
    assert_eq!(error.to_string(), "notifications/initialized: the server answered HTTP 500: no");
    assert_eq!(error.class(), "http");
}

#[tokio::test]
async fn opening_an_open_session_does_nothing() {
    let server = Server::start().await;
    let (mut client, opened, _peer, _) = opened(&server, "2025-11-25").await;
    // The server answers nothing more.
    assert_eq!(client.open().await.unwrap(), opened);
}

#[tokio::test]
async fn closing_deletes_the_session_and_allows_another() {
    let server = Server::start().await;
    let (mut client, _, mut peer, _) = opened(&server, "2025-11-25").await;
    let (closed, request) = tokio::join!(client.close(), peer.answer(ACCEPTED));
    closed.unwrap();
    assert_eq!(request.line, "DELETE /mcp HTTP/1.1");
    let mut sent = protocol(&request);
    sent.sort_unstable();
    assert_eq!(sent, [ACCEPT, ("mcp-protocol-version", "2025-11-25"), ("mcp-session-id", "abc-1"), AGENT]);
    assert_eq!(request.body, "");
    assert!(peer.is_closed().await);
    // Once is enough.
    client.close().await.unwrap();
    let (reopened, first) = tokio::join!(client.open(), async {
        let mut peer = server.accept().await;
        let second_greeting = greeting("2025-11-25").replace("\"id\":1", "\"id\":2");
        let first = peer.answer(&second_greeting).await;
        peer.answer(ACCEPTED).await;
        first
    });
    assert!(reopened.is_ok());
    assert_eq!(first.header("mcp-session-id"), None);
}

#[tokio::test]
async fn a_server_may_refuse_delete_only_with_405() {
    let table = [("405 Method Not Allowed", true), ("200 OK", true), ("404 Not Found", false), ("500 Oops", false)];
    for (status, allowed) in table {
        let server = Server::start().await;
        let (mut client, _, mut peer, _) = opened(&server, "2025-11-25").await;
        let (closed, _) = tokio::join!(client.close(), peer.answer(http(status, "text/plain", "x")));
        assert_eq!(closed.is_ok(), allowed, "{status}");
    }
}

#[tokio::test]
async fn a_session_outlives_its_connection() {
    let server = Server::start().await;
    let (mut client, _, mut peer, _) = opened(&server, "2025-11-25").await;
    let (failed, ()) = tokio::join!(client.call(echo()), async {
        peer.request().await;
        drop(peer);
    });
    assert_eq!(failed.outcome.unwrap_err().class(), "transport");
    let (answered, request) = tokio::join!(client.call(echo()), server.answer_once(json(&result(3))));
    assert!(answered.outcome.is_ok());
    assert_eq!(request.header("mcp-session-id"), Some("abc-1"));
}

#[tokio::test]
async fn a_lost_session_has_a_class_of_its_own_and_nothing_else_happens() {
    let server = Server::start().await;
    let (mut client, _, mut peer, _) = opened(&server, "2025-11-25").await;
    let not_found = r#"{"jsonrpc":"2.0","error":{"code":-32001,"message":"Session not found"},"id":null}"#;
    for (kind, body, told) in [
        ("text/plain", "", "the server has lost the session: HTTP 404"),
        ("text/plain", "gone", "the server has lost the session: HTTP 404: gone"),
        ("application/json", not_found, "the server has lost the session: HTTP 404: Session not found (-32001)"),
    ] {
        let (exchange, _) = tokio::join!(client.call(echo()), peer.answer(http("404 Not Found", kind, body)));
        assert_eq!(exchange.status, Some(404));
        let failure = exchange.outcome.unwrap_err();
        assert_eq!((failure.class(), failure.to_string().as_str()), ("session_lost", told));
    }
    // A method that is not known says nothing about the session.
    let unknown = r#"{"jsonrpc":"2.0","error":{"code":-32601,"message":"Method not found"},"id":5}"#;
    let unknown = http("404 Not Found", "application/json", unknown);
    let (exchange, _) = tokio::join!(client.call(echo()), peer.answer(unknown));
    assert_eq!(exchange.outcome.unwrap().error().unwrap().code, -32601);
    // The next call is the next request, with the same session.
    let (_, request) = tokio::join!(client.call(echo()), peer.answer(sse(&format!("data: {}\n\n", result(6)))));
    assert_eq!(request.header("mcp-session-id"), Some("abc-1"));
}
