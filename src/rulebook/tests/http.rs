use std::net::SocketAddr;
use std::time::Duration;

use axum::serve::Listener;
use serde_json::json;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::wire::{Client, Connection, MODERN, PATIENCE};
use crate::rulebook::{Answers, HttpServer, Options, ServeError};

pub struct Running {
    pub addr: SocketAddr,
    stop: oneshot::Sender<()>,
    done: JoinHandle<Result<(), ServeError>>,
}

pub async fn start(options: Options) -> Running {
    let server = HttpServer::bind(options, "127.0.0.1:0".parse().unwrap()).await.unwrap();
    let (stop, stopped) = oneshot::channel();
    let addr = server.addr();
    let done = tokio::spawn(server.run(async move {
        let _ = stopped.await;
    }));
    Running { addr, stop, done }
}

impl Running {
    pub async fn stop(self) {
        self.stop.send(()).unwrap();
        timeout(PATIENCE, self.done).await.expect("the server stops").unwrap().unwrap();
    }
}

async fn round_trip(revision: &'static str, answers: Answers) {
    let server = start(Options { answers, ..Options::default() }).await;
    let mut client = Client::open(server.addr, revision).await;
    assert_eq!(client.session.is_some(), revision != MODERN && answers == Answers::Sse);

    let reply = client.request("tools/list", json!({})).await;
    let form = if answers == Answers::Json { "application/json" } else { "text/event-stream" };
    assert_eq!((reply.status, reply.header("content-type")), (200, Some(form)));
    let tools = reply.message()["result"]["tools"].as_array().unwrap().clone();
    assert_eq!(tools.len(), 7);
    assert!(tools.iter().all(|tool| tool["outputSchema"]["type"] == "object"), "{tools:?}");
    assert_eq!(tools[0]["annotations"]["readOnlyHint"], true);

    let composed = client.call("compose_rules", json!({ "ids": ["rule-0001"] })).await;
    assert_eq!((&composed["structuredContent"]["cache"], &composed["isError"]), (&json!("miss"), &json!(false)));
    let again = client.call("compose_rules", json!({ "ids": ["rule-0001"] })).await;
    assert_eq!(again["structuredContent"]["cache"], "hit");
    assert_eq!(again["_meta"]["rulebook/cache"], "hit");
    assert_eq!(again["content"][0]["text"].as_str().unwrap(), again["structuredContent"].to_string());
    assert_eq!(again.get("resultType").is_some(), revision == MODERN);

    assert_eq!(client.call("get_rule", json!({ "id": "nobody" })).await["isError"], true);
    assert_eq!(client.error("tools/call", json!({ "name": "get_rule", "arguments": {} })).await, -32602);
    assert_eq!(client.error("tools/call", json!({ "name": "nothing" })).await, -32602);
    let not_found = if revision == MODERN { -32602 } else { -32002 };
    assert_eq!(client.error("resources/read", json!({ "uri": "rule://nobody" })).await, not_found);

    let page = client.result("resources/list", json!({})).await;
    let next = client.result("resources/list", json!({ "cursor": page["nextCursor"] })).await;
    assert_eq!(next["resources"][0]["uri"], "rule://rule-0050");
    let templates = client.result("resources/templates/list", json!({})).await;
    assert_eq!(templates["resourceTemplates"][0]["uriTemplate"], "rule://{id}");
    let prompt = client.result("prompts/get", json!({ "name": "apply_rules", "arguments": { "ids": "rule-0001" } }));
    assert_eq!(prompt.await["messages"][0]["role"], "user");
    assert_eq!(client.result("prompts/list", json!({})).await["prompts"][0]["arguments"][0]["name"], "ids");
    assert_eq!(client.error("tools/list", json!({ "cursor": "x" })).await, -32602);

    let opened = u64::from(revision != MODERN);
    let open = u64::from(client.session.is_some());
    assert_eq!(client.stats().await["sessions"], json!({ "opened": opened, "open": open }));
    server.stop().await;
}

macro_rules! round_trips {
    ($($name:ident: $revision:expr, $answers:ident;)*) => {
        $(#[tokio::test]
        async fn $name() {
            round_trip($revision, Answers::$answers).await;
        })*
    };
}

round_trips! {
    revision_2025_06_18_in_json: "2025-06-18", Json;
    revision_2025_06_18_in_events: "2025-06-18", Sse;
    revision_2025_11_25_in_json: "2025-11-25", Json;
    revision_2025_11_25_in_events: "2025-11-25", Sse;
    revision_2026_07_28_in_json: MODERN, Json;
    revision_2026_07_28_in_events: MODERN, Sse;
}

#[tokio::test]
async fn discover_names_all_revisions() {
    let server = start(Options::default()).await;
    let mut client = Client::open(server.addr, MODERN).await;
    let discovered = client.result("server/discover", json!({})).await;
    let versions = discovered["supportedVersions"].as_array().unwrap();
    for revision in ["2025-06-18", "2025-11-25", MODERN] {
        assert!(versions.contains(&json!(revision)), "{versions:?}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_deleted_session_is_closed() {
    let server = start(Options { answers: Answers::Sse, ..Options::default() }).await;
    let mut gone = Client::open(server.addr, "2025-11-25").await;
    let mut watcher = Client::open(server.addr, MODERN).await;
    assert_eq!(watcher.stats().await["sessions"], json!({ "opened": 1, "open": 1 }));

    let session = gone.session.clone().unwrap();
    gone.connection.send("DELETE", &[("Mcp-Session-Id", &session)], "").await;
    assert_eq!(gone.connection.reply().await.status, 202);
    timeout(PATIENCE, async { while watcher.stats().await["sessions"]["open"] != 0 {} })
        .await
        .expect("the session is dropped");
    assert_eq!(gone.request("tools/list", json!({})).await.status, 404);
    server.stop().await;
}

#[tokio::test]
async fn hosts_on_this_machine_are_served_and_others_are_not() {
    let server = start(Options::default()).await;
    let port = server.addr.port();
    for (host, status) in [
        (format!("127.0.0.1:{port}"), 200),
        (format!("localhost:{port}"), 200),
        ("127.0.0.1".to_owned(), 200),
        ("evil.example".to_owned(), 403),
    ] {
        let mut client = Client::open(server.addr, MODERN).await;
        client.connection.host = host.clone();
        assert_eq!(client.request("tools/list", json!({})).await.status, status, "{host}");
    }
    server.stop().await;
}

#[tokio::test]
async fn addresses_of_other_machines_are_refused() {
    for addr in ["0.0.0.0:0", "192.0.2.1:0", "[::]:0"] {
        let addr: SocketAddr = addr.parse().unwrap();
        let error = HttpServer::bind(Options::default(), addr).await.unwrap_err();
        assert!(matches!(error, ServeError::NotLoopback(refused) if refused == addr), "{error}");
    }
    let taken = start(Options::default()).await;
    let error = HttpServer::bind(Options::default(), taken.addr).await.unwrap_err();
    assert!(matches!(error, ServeError::Listen { addr, .. } if addr == taken.addr), "{error}");
    taken.stop().await;
}

#[tokio::test]
async fn accepted_connections_do_not_wait_for_acknowledgements() {
    let mut server = HttpServer::bind(Options::default(), "127.0.0.1:0".parse().unwrap()).await.unwrap();
    let (_client, (accepted, _)) = tokio::join!(TcpStream::connect(server.addr()), server.listener.accept());
    assert!(accepted.nodelay().unwrap());
}

#[tokio::test]
async fn an_error_ratio_of_one_fails_all_work_but_not_the_figures() {
    let server = start(Options { error_ratio: 1.0, ..Options::default() }).await;
    let mut client = Client::open(server.addr, "2025-11-25").await;
    assert_eq!(client.error("tools/call", json!({ "name": "list_rules" })).await, -32603);
    assert_eq!(client.error("resources/read", json!({ "uri": "rule://rule-0001" })).await, -32603);
    assert_eq!(client.error("prompts/get", json!({ "name": "apply_rules" })).await, -32603);
    let stats = client.stats().await;
    assert_eq!((&stats["injected_errors"], &stats["calls"]["list_rules"]), (&json!(3), &json!(1)));
    server.stop().await;
}

#[tokio::test]
async fn a_stop_ends_idle_connections_and_open_streams() {
    let server = start(Options { answers: Answers::Sse, ..Options::default() }).await;
    let mut client = Client::open(server.addr, "2025-11-25").await;
    let mut fresh = Connection::open(server.addr).await;
    let mut stream = Connection::open(server.addr).await;
    stream.send("GET", &client.headers("", None), "").await;
    assert_eq!(stream.head().await.status, 200);

    server.stop().await;
    // Each ends without a single byte of an answer that nobody asked for.
    assert_eq!(timeout(PATIENCE, client.connection.rest()).await.unwrap(), "");
    assert_eq!(timeout(PATIENCE, fresh.rest()).await.unwrap(), "");
    assert!(timeout(PATIENCE, stream.rest()).await.unwrap().ends_with("0\r\n\r\n"), "the stream ends in order");
}

#[tokio::test]
async fn a_stop_lets_a_request_in_flight_finish() {
    let server = start(Options { latency: Duration::from_millis(100), ..Options::default() }).await;
    let mut watcher = Client::open(server.addr, MODERN).await;
    let mut client = Client::open(server.addr, MODERN).await;
    client.send("tools/call", json!({ "name": "list_rules" })).await;
    watcher.until("/calls/list_rules", 1).await;

    server.stop().await;
    let reply = client.connection.reply().await;
    assert_eq!((reply.status, &reply.message()["result"]["isError"]), (200, &json!(false)));
}

#[tokio::test]
async fn a_stop_does_not_wait_for_a_slow_request() {
    let server = start(Options { latency: Duration::from_secs(100), ..Options::default() }).await;
    let mut watcher = Client::open(server.addr, MODERN).await;
    let mut client = Client::open(server.addr, MODERN).await;
    client.send("tools/call", json!({ "name": "list_rules" })).await;
    watcher.until("/calls/list_rules", 1).await;
    server.stop().await;
}
