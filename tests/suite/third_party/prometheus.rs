//! A run that Prometheus scrapes.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::install::{set_up, skip};
use super::servers::Server;
use crate::support::{assert_exit, mcpl, scenario_against, stderr};

/// How long what was scraped may take to be found.
const PATIENCE: Duration = Duration::from_secs(30);

/// The sum that a query gives, if there is one.
fn query(port: u16, query: &str) -> Option<f64> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let escaped: String = query.bytes().map(|byte| format!("%{byte:02x}")).collect();
    write!(stream, "GET /api/v1/query?query={escaped} HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    // It is not ready from the first.
    let body: serde_json::Value = serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()?;
    assert_eq!(body["status"], "success", "{body}");
    body["data"]["result"][0]["value"][1].as_str()?.parse().ok()
}

/// The same, when it is what it should be.
#[track_caller]
fn expect(port: u16, expression: &str, expected: f64) {
    let begun = Instant::now();
    let mut found = None;
    while found != Some(expected) {
        assert!(begun.elapsed() < PATIENCE, "{expression} is {found:?}, not {expected}");
        found = query(port, expression);
        std::thread::yield_now();
    }
}

#[test]
fn prometheus_has_what_a_run_has_done() {
    if let Err(why) = set_up(Command::new("prometheus").arg("--version")) {
        return skip(&why).unwrap_or_default();
    }
    // Bound and given up again: the run takes it a moment later.
    let place = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("prometheus.yml");
    let text = format!(
        "global: {{ scrape_interval: 500ms }}\nscrape_configs:\n  - job_name: mcpl\n    static_configs: [{{ targets: ['{place}'] }}]\n"
    );
    fs::write(&config, text).unwrap();
    let prometheus = Server::start(|port| {
        let mut command = Command::new("prometheus");
        command.arg(format!("--config.file={}", config.display()));
        command.arg(format!("--storage.tsdb.path={}", dir.path().join("data").display()));
        command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
        command
    });
    let port = prometheus.port();
    // It begins to scrape some seconds after it answers: nobody is there yet.
    expect(port, "up", 0.0);

    let scenario = scenario_against("builtin rulebook");
    let output = scenario.run(&["--live", &format!("prometheus={place}")]);
    assert_exit(&output, 0);
    assert!(!stderr(&output).contains("--live"), "{}", stderr(&output));
    let last = |metric: &str| format!("sum(last_over_time({metric}[5m]))");
    expect(port, &last("mcpl_requests_total{scenario=\"a\",gen_ai_tool_name=\"list_rules\"}"), 40.0);
    expect(port, &last("mcpl_request_duration_seconds_bucket{outcome=\"ok\",le=\"+Inf\"}"), 40.0);
    expect(port, &last("mcpl_iterations_total"), 40.0);
    expect(port, &last("mcpl_run_info"), 1.0);
    assert!(query(port, &last("mcpl_users")).is_some());
}

#[test]
fn promtool_has_nothing_to_say_against_the_names() {
    if let Err(why) = set_up(Command::new("promtool").arg("--version")) {
        return skip(&why).unwrap_or_default();
    }
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let scenario = scenario_against("builtin rulebook");
    let mut command = mcpl();
    command.arg("run").arg(&scenario.file).args(["--live", &format!("prometheus=127.0.0.1:{port}")]);
    let mut run = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut text = String::new();
    while run.try_wait().unwrap().is_none() {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { continue };
        let mut answer = String::new();
        if write!(stream, "GET /metrics HTTP/1.0\r\n\r\n").is_ok() && stream.read_to_string(&mut answer).is_ok() {
            text = answer.split_once("\r\n\r\n").map_or(text, |(_, body)| body.to_owned());
        }
    }
    let mut promtool = Command::new("promtool");
    promtool.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut promtool = promtool.spawn().unwrap();
    promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("mcpl_requests_total{") && output.status.success() && said.is_empty(), "{said}\n{text}");
}
