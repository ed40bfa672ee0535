use super::http_session::{ACCEPTED, greeting};
use super::peer::{Peer, Server, http, json};
use super::stdio::{script, target};
use crate::transport::{OpenError, Probe, Revision, Target, probe};

const DISCOVERED: &str = r#"{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","supportedVersions":["2026-07-28","2025-11-25"],"capabilities":{"tools":{}},"instructions":"be kind","_meta":{"io.modelcontextprotocol/serverInfo":{"name":"m","version":"3"}},"ttlMs":0,"cacheScope":"private"}}"#;

fn error(code: i64, data: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":1,"error":{{"code":{code},"message":"m"{data}}}}}"#)
}

/// Probes a server that answers `server/discover` so, and then what `rest` says.
async fn probed(discover: &str, rest: impl AsyncFnOnce(&mut Peer)) -> Result<Probe, OpenError> {
    let server = Server::start().await;
    let target = server.target();
    let (probe, ()) = tokio::join!(probe(&target), async {
        let mut peer = server.accept().await;
        let request = peer.answer(discover).await;
        assert_eq!(request.header("mcp-method"), Some("server/discover"));
        assert_eq!(request.header("mcp-protocol-version"), Some("2026-07-28"));
        assert_eq!(request.json()["method"], "server/discover");
        let mut next = PeerOrNot { server: &server, peer };
        next.run(rest).await;
    });
    probe
}

/// The legacy handshake comes on a connection of its own.
struct PeerOrNot<'a> {
    server: &'a Server,
    peer: Peer,
}

impl PeerOrNot<'_> {
    async fn run(&mut self, rest: impl AsyncFnOnce(&mut Peer)) {
        let mut peer = tokio::select! {
            biased;
            peer = self.server.accept() => peer,
            // The probe has ended with its first connection.
            true = self.peer.is_closed() => return,
        };
        rest(&mut peer).await;
    }
}

async fn nothing(_: &mut Peer) {
    panic!("nothing more should come");
}

async fn legacy(peer: &mut Peer) {
    let first = peer.answer(greeting("2025-11-25")).await;
    assert_eq!(first.json()["method"], "initialize");
    assert_eq!(first.json()["params"]["protocolVersion"], "2025-11-25");
    peer.answer(ACCEPTED).await;
    assert_eq!(peer.answer(ACCEPTED).await.line, "DELETE /mcp HTTP/1.1");
}

#[tokio::test]
async fn a_modern_server() {
    let probe = probed(&json(DISCOVERED), nothing).await.unwrap();
    assert_eq!(probe.revision, Revision::V2026_07_28);
    assert_eq!((probe.server.name.as_str(), probe.server.version.as_str()), ("m", "3"));
    assert_eq!(probe.capabilities, serde_json::json!({"tools": {}}));
    assert_eq!(probe.instructions.as_deref(), Some("be kind"));
}

#[tokio::test]
async fn a_modern_server_that_says_no_more_than_that() {
    let table = [
        http("404 Not Found", "application/json", &error(-32601, "")),
        http("400 Bad Request", "application/json", &error(-32020, "")),
        http("400 Bad Request", "application/json", &error(-32021, "")),
    ];
    for answer in table {
        let probe = probed(&answer, nothing).await.unwrap();
        assert_eq!(probe.revision, Revision::V2026_07_28, "{answer}");
        assert_eq!(probe.server.name, "");
    }
}

#[tokio::test]
async fn legacy_servers_answer_in_many_ways() {
    let table = [
        http("400 Bad Request", "application/json", &error(-32600, "")),
        http("400 Bad Request", "application/json", &error(-32000, "")),
        http("400 Bad Request", "text/plain", "no session"),
        http("404 Not Found", "text/plain", "what?"),
        http("405 Method Not Allowed", "text/plain", ""),
        http("200 OK", "application/json", &error(-32601, "")),
        http("200 OK", "application/json", r#"{"id":1,"result":{}}"#),
        http("202 Accepted", "application/json", ""),
        http("400 Bad Request", "application/json", &error(-32022, "")),
        "garbage\r\n\r\n".to_owned(),
    ];
    for answer in table {
        let probe = probed(&answer, legacy).await.unwrap();
        assert_eq!(probe.revision, Revision::V2025_11_25, "{answer}");
        assert_eq!(probe.server.name, "s");
        assert_eq!(probe.instructions.as_deref(), Some("be kind"));
    }
}

#[tokio::test]
async fn the_newest_common_version_is_chosen() {
    let supported = r#","data":{"supported":["2027-01-01","2025-06-18","2025-03-26"]}"#;
    let refused = http("400 Bad Request", "application/json", &error(-32022, supported));
    let probe = probed(&refused, async |peer: &mut Peer| {
        let first = peer.answer(greeting("2025-06-18")).await;
        assert_eq!(first.json()["params"]["protocolVersion"], "2025-06-18");
        peer.answer(ACCEPTED).await;
        peer.answer(ACCEPTED).await;
    })
    .await;
    assert_eq!(probe.unwrap().revision, Revision::V2025_06_18);

    let only_legacy = DISCOVERED.replace("\"2026-07-28\",", "");
    let probe = probed(&json(&only_legacy), legacy).await;
    assert_eq!(probe.unwrap().revision, Revision::V2025_11_25);
}

#[tokio::test]
async fn no_common_version_is_an_error() {
    let supported = r#","data":{"supported":["2027-01-01","2028-01-01"]}"#;
    let refused = http("400 Bad Request", "application/json", &error(-32022, supported));
    let error = probed(&refused, nothing).await.unwrap_err();
    assert_eq!(error.to_string(), "the server offers MCP 2027-01-01, 2028-01-01, which mcpl does not speak");
}

#[tokio::test]
async fn credentials_are_no_matter_of_the_era() {
    for (status, number) in [("401 Unauthorized", 401), ("403 Forbidden", 403)] {
        let error = probed(&http(status, "text/plain", "no"), nothing).await.unwrap_err();
        assert_eq!(error, OpenError::Unauthorized { method: "server/discover", status: number });
    }
}

#[tokio::test]
async fn an_endpoint_of_the_old_transport_is_recognised() {
    let refusal = http("405 Method Not Allowed", "text/plain", "");
    let error = probed(&refusal, async |peer: &mut Peer| {
        peer.answer(http("405 Method Not Allowed", "text/plain", "")).await;
    })
    .await
    .unwrap_err();
    assert_eq!(error, OpenError::NotStreamable { method: "initialize", status: 405 });
    assert!(error.to_string().contains("HTTP+SSE"));
}

#[tokio::test]
async fn nobody_there_is_said_once() {
    let server = Server::start().await;
    let target = server.target();
    let authority = server.authority();
    drop(server);
    let error = probe(&target).await.unwrap_err();
    assert_eq!(error.to_string(), format!("connection refused by {authority}"));
}

#[tokio::test]
async fn modern_children() {
    let stay = format!("read -r line; echo '{DISCOVERED}'; cat > /dev/null");
    let probe = probe(&Target::Stdio(script(&stay))).await.unwrap();
    assert_eq!((probe.revision, probe.server.name.as_str()), (Revision::V2026_07_28, "m"));
}

#[tokio::test]
async fn legacy_children() {
    let handshake = r#"
        *'"initialize"'*) echo '{"id":1,"result":{"protocolVersion":"2025-06-18","serverInfo":{"name":"old"}}}';;
    "#;
    let refusal = |answer: &str| {
        format!("while read -r line; do case \"$line\" in {handshake} *discover*) {answer};; esac; done")
    };
    for answer in [
        r#"echo '{"id":1,"error":{"code":-32601,"message":""}}'"#,
        r#"echo '{"id":null,"error":{"code":-32602,"message":""}}'"#,
        r#"echo '{"id":1,"result":{}}'"#,
        // Not even alive after the question.
        "exit 3",
    ] {
        let probe = probe(&Target::Stdio(script(&refusal(answer)))).await.unwrap();
        assert_eq!((probe.revision, probe.server.name.as_str()), (Revision::V2025_06_18, "old"), "{answer}");
    }
    // A server that never answers what it does not know.
    let mut silent = script(&refusal(":"));
    silent.open_timeout = std::time::Duration::from_millis(300);
    assert_eq!(probe(&Target::Stdio(silent)).await.unwrap().server.name, "old");
}

#[tokio::test]
async fn children_that_do_not_start_are_not_asked_twice() {
    let error = probe(&Target::Stdio(target(&["/nonexistent/server"]))).await.unwrap_err();
    assert!(error.to_string().starts_with("cannot start `/nonexistent/server`: "), "{error}");
}
