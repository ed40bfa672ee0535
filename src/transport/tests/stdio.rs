//! Conversations with a child that does as it should.

use std::time::Duration;

use super::peer::{PATIENCE, echo, strays};
use crate::transport::{
    AnyClient, AnyConnector, Call, Client as _, Connector as _, Revision, StdioTarget, Target, list_tools,
};

pub const LEGACY: Revision = Revision::V2025_11_25;
pub const MODERN: Revision = Revision::V2026_07_28;

pub fn target(command: &[&str]) -> StdioTarget {
    StdioTarget::new(command.iter().map(|&word| word.to_owned()).collect()).unwrap()
}

/// A server that is a shell script.
pub fn script(script: &str) -> StdioTarget {
    target(&["/bin/sh", "-c", script])
}

pub fn client_of(target: StdioTarget, revision: Revision) -> AnyClient {
    AnyConnector::new(&Target::Stdio(target), revision).client()
}

/// A legacy server: does the handshake, then `on_call` for each call, with the
/// line in `$line` and its id in `$id`. Lines that are neither go to `other`.
pub fn server_with(on_call: &str, other: &str) -> StdioTarget {
    script(&format!(
        r#"
        while read -r line; do
            id="${{line#*\"id\":}}"; id="${{id%%,*}}"
            case "$line" in
                *'"method":"initialize"'*)
                    echo "{{\"jsonrpc\":\"2.0\",\"id\":$id,"'"result":{{"protocolVersion":"2025-11-25","capabilities":{{"tools":{{}}}},"serverInfo":{{"name":"sh","version":"1"}}}}}}';;
                *'"method":"notifications/initialized"'*) : ;;
                *'"method":"tools/'*) {on_call} ;;
                *) {other} ;;
            esac
        done
        "#
    ))
}

pub fn server(on_call: &str) -> StdioTarget {
    server_with(on_call, ":")
}

/// Answers a call with its id.
pub const ANSWER: &str = r#"echo "{\"jsonrpc\":\"2.0\",\"id\":$id,\"result\":{\"n\":$id}}""#;

/// Answers a call with the line that it came as.
const MIRROR: &str = r#"echo "{\"id\":$id,\"result\":$line}""#;

pub async fn opened(target: StdioTarget) -> AnyClient {
    let mut client = client_of(target, LEGACY);
    client.open().await.unwrap();
    client
}

#[tokio::test]
async fn a_session_from_start_to_end() {
    let mut client = client_of(server(ANSWER), LEGACY);
    let opened = client.open().await.unwrap();
    assert_eq!(opened.revision, LEGACY);
    assert_eq!((opened.server.name.as_str(), opened.server.version.as_str()), ("sh", "1"));
    assert_eq!(opened.capabilities, serde_json::json!({"tools": {}}));
    assert!(opened.session > Duration::ZERO);
    assert_eq!(client.open().await.unwrap(), opened);
    for id in 2..5 {
        let exchange = client.call(echo()).await;
        let reply = exchange.outcome.unwrap();
        assert_eq!(reply.result(), Some(&*format!(r#"{{"n":{id}}}"#)));
        assert_eq!(reply.header("content-type"), None);
        assert_eq!((exchange.status, exchange.connect), (None, None));
        assert_eq!((exchange.notifications, strays(&exchange.violations)), (0, 0));
        let (written, first_byte) = (exchange.written.unwrap(), exchange.first_byte.unwrap());
        assert!(written <= first_byte && first_byte <= exchange.done);
    }
    client.close().await.unwrap();
    assert_eq!(client.close().await, Ok(Duration::ZERO));
    let exchange = client.call(echo()).await;
    assert_eq!(exchange.outcome.unwrap_err().to_string(), "the session is not open");
    assert_eq!(exchange.written, None);
    assert_eq!(client.open().await.unwrap().server.name, "sh");
}

#[tokio::test]
async fn the_lines_that_a_legacy_server_gets() {
    let dir = tempfile::tempdir().unwrap();
    let mut target = script(
        r#"
        read -r line; echo "$line" >> log
        echo '{"id":1,"result":{"protocolVersion":"2025-11-25"}}'
        read -r line; echo "$line" >> log
        read -r line; echo "$line" >> log
        echo '{"id":2,"result":{}}'
        cat >> log
        "#,
    );
    target.cwd = Some(dir.path().to_owned());
    let mut client = opened(target).await;
    let exchange = client.call(echo()).await;
    assert!(exchange.outcome.is_ok());
    client.close().await.unwrap();
    let call = r#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"echo","arguments":{"text":"hi"}}}"#;
    assert_eq!(
        std::fs::read_to_string(dir.path().join("log")).unwrap(),
        format!(
            "{}\n{}\n{call}\n",
            format_args!(
                r#"{{"jsonrpc":"2.0","id":1,"method":"initialize","params":{{"protocolVersion":"2025-11-25","capabilities":{{}},"clientInfo":{{"name":"mcpl","version":"{}"}}}}}}"#,
                env!("CARGO_PKG_VERSION")
            ),
            r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
        )
    );
    assert_eq!(exchange.bytes_out, call.len() as u64 + 1);
    assert_eq!(exchange.bytes_in, r#"{"id":2,"result":{}}"#.len() as u64 + 1);
}

#[tokio::test]
async fn a_modern_session_waits_for_the_child_and_has_no_handshake() {
    let discovered = r#"{"id":1,"result":{"supportedVersions":["2026-07-28"],"capabilities":{"tools":{}},"_meta":{"io.modelcontextprotocol/serverInfo":{"name":"m","version":"3"}}}}"#;
    for (answer, name) in [(discovered, "m"), (r#"{"id":1,"error":{"code":-32601,"message":""}}"#, "")] {
        let script = script(&format!(
            r#"read -r line; echo '{answer}'; read -r line; echo "{{\"id\":2,\"result\":$line}}"; cat > /dev/null"#
        ));
        let mut client = client_of(script, MODERN);
        let opened = client.open().await.unwrap();
        assert_eq!((opened.revision, opened.server.name.as_str()), (MODERN, name));
        let reply = client.call(echo()).await.outcome.unwrap();
        let line: serde_json::Value = serde_json::from_str(reply.result().unwrap()).unwrap();
        assert_eq!(line["method"], "tools/call");
        assert_eq!(line["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"], "2026-07-28");
        client.close().await.unwrap();
    }
}

#[tokio::test]
async fn line_breaks_in_parameters_do_not_end_the_line() {
    let mut client = opened(server(MIRROR)).await;
    let call = Call { params: b"{\r\n\"a\":\n1\n}", ..echo() };
    let reply = client.call(call).await.outcome.unwrap();
    let line: serde_json::Value = serde_json::from_str(reply.result().unwrap()).unwrap();
    assert_eq!(line["params"], serde_json::json!({"a": 1}));
}

#[tokio::test]
async fn environment_and_directory_are_those_of_the_target() {
    let dir = tempfile::tempdir().unwrap();
    let mut target = server(r#"echo "{\"id\":$id,\"result\":[\"$GREETING\",\"$(pwd -P)\"]}""#);
    target.env = vec![("GREETING".to_owned(), "hello".to_owned())];
    target.cwd = Some(dir.path().to_owned());
    let mut client = opened(target).await;
    let reply = client.call(echo()).await.outcome.unwrap();
    let expected = format!(r#"["hello","{}"]"#, dir.path().canonicalize().unwrap().display());
    assert_eq!(reply.result(), Some(&*expected));
}

#[tokio::test]
async fn what_precedes_the_response_is_counted() {
    let mut client = opened(server(&format!(
        r#"
        echo '{{"jsonrpc":"2.0","method":"notifications/message"}}'
        echo 'Listening on stdio...'
        echo ''
        echo '{{"id":77,"result":{{}}}}'
        {ANSWER}
        "#
    )))
    .await;
    let exchange = client.call(echo()).await;
    assert!(exchange.outcome.is_ok());
    assert_eq!((exchange.notifications, strays(&exchange.violations)), (1, 2));
}

#[tokio::test]
async fn lines_may_end_with_crlf_and_come_in_pieces() {
    let mut client = opened(server(r#"printf '{"id":'; printf "$id,"; printf '"result":{"a":1}}\r\n'"#)).await;
    let reply = client.call(echo()).await.outcome.unwrap();
    assert_eq!(reply.result(), Some(r#"{"a":1}"#));
    assert_eq!(reply.message(), br#"{"id":2,"result":{"a":1}}"#);
}

#[tokio::test]
async fn requests_of_a_legacy_server_are_answered() {
    let mut client = opened(server(
        r#"
        echo '{"jsonrpc":"2.0","id":"p\u0031","method":"ping"}'
        read -r pong
        echo '{"jsonrpc":"2.0","id":0,"method":"sampling/createMessage"}'
        read -r refusal
        echo "{\"id\":$id,\"result\":[$pong,$refusal]}"
        "#,
    ))
    .await;
    let exchange = client.call(echo()).await;
    assert_eq!((exchange.notifications, strays(&exchange.violations)), (0, 0));
    assert_eq!(
        exchange.outcome.unwrap().result(),
        Some(concat!(
            r#"[{"jsonrpc":"2.0","id":"p\u0031","result":{}},"#,
            r#"{"jsonrpc":"2.0","id":0,"error":{"code":-32601,"message":"Method not found"}}]"#
        ))
    );
}

#[tokio::test]
async fn requests_of_a_modern_server_are_violations_and_not_answered() {
    let script = script(
        r#"
        read -r line; echo '{"id":1,"error":{"code":-32601,"message":""}}'
        read -r line; echo '{"id":"p","method":"ping"}'; echo '{"id":2,"result":{}}'
        read -r line; echo "{\"id\":3,\"result\":$line}"
        cat > /dev/null
        "#,
    );
    let mut client = client_of(script, MODERN);
    client.open().await.unwrap();
    assert_eq!(strays(&client.call(echo()).await.violations), 1);
    let reply = client.call(echo()).await.outcome.unwrap();
    let line: serde_json::Value = serde_json::from_str(reply.result().unwrap()).unwrap();
    assert_eq!(line["id"], 3);
}

#[tokio::test]
async fn more_than_a_pipe_holds_goes_both_ways_at_once() {
    // The child fills its output before it reads its input to the end.
    let mut client = opened(server(&format!(
        r#"
        i=0; while [ $i -lt 2000 ]; do
            echo '{{"jsonrpc":"2.0","method":"notifications/message","params":{{"level":"info","data":"0123456789012345678901234567890123456789"}}}}'
            i=$((i+1))
        done
        {ANSWER}
        "#
    )))
    .await;
    // `read` takes the first line; the rest of the pipe waits.
    let text = "x".repeat(200_000);
    let params = format!(r#"{{"text":"{text}"}}"#);
    let call = Call { params: params.as_bytes(), ..echo() };
    let exchange = client.call(call).await;
    assert!(exchange.outcome.is_ok());
    assert_eq!(exchange.notifications, 2000);
}

#[tokio::test]
async fn tools_are_listed_over_stdio_too() {
    let mut client = opened(server(r#"echo "{\"id\":$id,\"result\":{\"tools\":[{\"name\":\"t\"}]}}""#)).await;
    assert_eq!(list_tools(&mut client, PATIENCE).await.unwrap()[0].name, "t");
}

#[tokio::test]
async fn a_line_may_be_a_batch_in_the_revision_that_has_them() {
    const BATCH: &str = r#"echo "[{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\"}, {\"jsonrpc\":\"2.0\",\"id\":$id,\"result\":{\"content\":[]}},{\"jsonrpc\":\"2.0\",\"method\":\"ping\",\"id\":\"p\"}]""#;
    let of = async |revision| {
        let mut client = client_of(server(BATCH), revision);
        client.open().await.unwrap();
        client.call(Call { timeout: Duration::from_millis(300), ..echo() }).await
    };
    let exchange = of(Revision::V2025_03_26).await;
    assert_eq!(exchange.outcome.unwrap().result(), Some(r#"{"content":[]}"#));
    assert_eq!((exchange.notifications, exchange.violations.count()), (1, 0));
    let size = r#"[{"jsonrpc":"2.0","method":"notifications/message"}, {"jsonrpc":"2.0","id":2,"result":{"content":[]}},{"jsonrpc":"2.0","method":"ping","id":"p"}]"#;
    assert_eq!(exchange.bytes_in, size.len() as u64 + 1);
    let exchange = of(LEGACY).await;
    assert_eq!(exchange.outcome.unwrap_err().class(), "timeout");
    assert_eq!(exchange.violations.of(crate::violation::Violation::NotAMessage), 1);
}
