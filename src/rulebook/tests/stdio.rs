use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, Lines, ReadHalf, WriteHalf, split};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::wire::MODERN;
use crate::rulebook::handler::{Handler, Shared};
use crate::rulebook::{Options, ServeError, stdio};

pub struct Pipe {
    input: WriteHalf<DuplexStream>,
    pub output: Lines<BufReader<ReadHalf<DuplexStream>>>,
    done: JoinHandle<Result<(), ServeError>>,
}

impl Pipe {
    pub fn open(options: &Options) -> Self {
        let (near, far) = tokio::io::duplex(64 * 1024);
        let (far_input, far_output) = split(far);
        let handler = Handler::new(Shared::new(options, true).unwrap());
        let done = tokio::spawn(stdio::serve(handler, far_input, far_output));
        let (output, input) = split(near);
        Self { input, output: BufReader::new(output).lines(), done }
    }

    pub async fn send(&mut self, message: Value) {
        self.input.write_all(format!("{message}\n").as_bytes()).await.unwrap();
    }

    pub async fn ask(&mut self, method: &str, params: Value) -> Value {
        self.send(json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params })).await;
        serde_json::from_str(&self.output.next_line().await.unwrap().unwrap()).unwrap()
    }

    /// Ends the input; the server must end without a word more.
    pub async fn close(mut self) {
        self.input.shutdown().await.unwrap();
        assert_eq!(self.output.next_line().await.unwrap(), None);
        self.done.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_session_of_the_older_revisions() {
    let mut pipe = Pipe::open(&Options::default());
    let client = json!({ "name": "test", "version": "0" });
    let hello = json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client });
    let opened = pipe.ask("initialize", hello).await;
    assert_eq!(opened["result"]["serverInfo"]["name"], "rulebook");
    pipe.send(json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await;

    let rule = pipe.ask("tools/call", json!({ "name": "get_rule", "arguments": { "id": "rule-0001" } })).await;
    assert_eq!(rule["result"]["structuredContent"]["id"], "rule-0001");
    let stats = pipe.ask("resources/read", json!({ "uri": "rule://stats" })).await;
    let stats: Value = serde_json::from_str(stats["result"]["contents"][0]["text"].as_str().unwrap()).unwrap();
    assert_eq!(stats["sessions"], json!({ "opened": 1, "open": 1 }));
    pipe.close().await;
}

pub fn modern(mut params: Value) -> Value {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": MODERN, "io.modelcontextprotocol/clientCapabilities": {},
    });
    params
}

#[tokio::test]
async fn requests_of_the_newest_revision() {
    let mut pipe = Pipe::open(&Options::default());
    let discovered = pipe.ask("server/discover", modern(json!({}))).await;
    assert!(discovered["result"]["supportedVersions"].as_array().unwrap().contains(&json!(MODERN)));
    let found =
        pipe.ask("tools/call", modern(json!({ "name": "search_rules", "arguments": { "query": "name" } }))).await;
    assert!(found["result"]["structuredContent"]["total"].as_u64().unwrap() > 0, "{found}");
    pipe.close().await;
}

#[tokio::test]
async fn a_client_that_says_nothing_has_not_failed() {
    Pipe::open(&Options::default()).close().await;
}

#[tokio::test(start_paused = true)]
async fn latency_delays_the_work_and_not_the_figures() {
    let latency = Duration::from_secs(30);
    let mut pipe = Pipe::open(&Options { latency, ..Options::default() });
    let start = Instant::now();
    pipe.ask("resources/read", modern(json!({ "uri": "rule://stats" }))).await;
    assert_eq!(start.elapsed(), Duration::ZERO);
    pipe.ask("tools/call", modern(json!({ "name": "list_rules" }))).await;
    assert!((latency..latency + Duration::from_millis(5)).contains(&start.elapsed()), "{:?}", start.elapsed());
    pipe.close().await;
}
