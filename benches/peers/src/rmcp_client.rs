//! rmcp's own client doing the same work: so many users, each of whom calls the
//! tool, looks into the answer and notes how long it took.

use std::time::{Duration, Instant};

use rmcp::ServiceExt as _;
use rmcp::model::CallToolRequestParams;
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;

/// Calls until the time is over. `kept`: with a client that keeps connections;
/// rmcp's default makes one for each request.
pub fn run(url: &str, kept: bool, users: usize, time: Duration) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let end = Instant::now() + time;
        let users: Vec<_> = (0..users).map(|_| tokio::spawn(user(url.to_owned(), kept, end))).collect();
        let mut latencies = Vec::new();
        for user in users {
            latencies.extend(user.await.expect("a user that does not panic"));
        }
        eprintln!("rmcp: {} calls", latencies.len());
    });
}

async fn user(url: String, kept: bool, end: Instant) -> Vec<Duration> {
    let transport = if kept {
        let config = StreamableHttpClientTransportConfig::with_uri(url);
        StreamableHttpClientTransport::with_client(reqwest::Client::new(), config)
    } else {
        StreamableHttpClientTransport::from_uri(url)
    };
    let service = ().serve(transport).await.expect("a session");
    let mut latencies = Vec::new();
    while Instant::now() < end {
        let arguments = serde_json::json!({ "text": super::ECHOED });
        let params =
            CallToolRequestParams::new("echo").with_arguments(arguments.as_object().expect("an object").clone());
        let start = Instant::now();
        let result = service.call_tool(params).await.expect("an answer");
        latencies.push(start.elapsed());
        let text = result.content.first().and_then(|content| content.as_text()).map(|text| text.text.as_str());
        assert_eq!(text, Some(super::ECHOED));
    }
    // Ending sessions is no part of the work.
    std::mem::forget(service);
    latencies
}
