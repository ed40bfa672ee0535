//! A run that is told while it is under way: to whom it may be, and what slow and dead
//! receivers do to it.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::process::{Child, Stdio};
use std::sync::mpsc;
use std::time::Instant;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use prost::Message as _;
use rustix::process::Signal;

use crate::support::{assert_exit, mcpl, scenario_against, stderr};

/// Takes what is sent by OTLP and answers with this status; the requests, each with its
/// head, as they come.
fn collector(
    status: &'static str,
    answer: &'static [u8],
) -> (String, mpsc::Receiver<(String, ExportMetricsServiceRequest)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut reader = BufReader::new(stream);
            let (mut head, mut length) = (String::new(), 0);
            while !head.ends_with("\r\n\r\n") {
                let begin = head.len();
                reader.read_line(&mut head).unwrap();
                if let Some(value) = head[begin..].to_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let (head_of, body_of) = (format!("HTTP/1.1 {status}\r\nConnection: close\r\n"), answer);
            let _ = write!(reader.get_mut(), "{head_of}Content-Length: {}\r\n\r\n", body_of.len());
            let _ = reader.get_mut().write_all(body_of);
            let _ = sender.send((head, ExportMetricsServiceRequest::decode(body.as_slice()).unwrap()));
        }
    });
    (url, receiver)
}

/// All requests that a message counts.
fn requests(message: &ExportMetricsServiceRequest) -> i64 {
    let metrics = message.resource_metrics.iter().flat_map(|of| &of.scope_metrics).flat_map(|of| &of.metrics);
    let data = metrics.filter(|metric| metric.name == "mcpl.requests").filter_map(|metric| metric.data.as_ref());
    let points = data.flat_map(|data| match data {
        Data::Sum(sum) => sum.data_points.clone(),
        other => panic!("{other:?}"),
    });
    points.map(|point| if let Some(Value::AsInt(count)) = point.value { count } else { panic!("{point:?}") }).sum()
}

#[test]
fn a_collector_and_a_file_get_every_second() {
    let (url, received) = collector("200 OK", b"");
    let scenario = scenario_against("builtin rulebook");
    let lines = scenario.path("live.jsonl");
    let (jsonl, otlp) = (format!("jsonl={}", lines.display()), format!("otlp={url}"));
    let mut command = mcpl();
    command.arg("run").arg(&scenario.file).arg("--out").arg(scenario.path("run.json"));
    command.env("OTEL_EXPORTER_OTLP_HEADERS", "api-key=a%20b");
    let output = command.args(["--live", &jsonl, "--live", &otlp]).output().unwrap();
    assert_exit(&output, 0);
    assert!(!stderr(&output).contains("--live"), "{}", stderr(&output));

    let results = scenario.results();
    let received: Vec<_> = received.try_iter().collect();
    let (head, last) = received.last().unwrap();
    assert!(head.starts_with("POST /v1/metrics HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("application/x-protobuf") && head.contains("api-key: a b"), "{head}");
    assert!(received.len() >= 2, "{}", received.len());
    assert!(received.is_sorted_by_key(|(_, message)| requests(message)), "sums only grow");
    assert_eq!(requests(last), 40);

    let text = fs::read_to_string(lines).unwrap();
    let seconds: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told: u64 = seconds
        .iter()
        .flat_map(|line| line["steps"].as_array().unwrap())
        .map(|step| step["requests"].as_u64().unwrap())
        .sum();
    assert_eq!(told, 40);
    assert!(seconds.iter().all(|line| line["run_id"] == results.run.id.as_str()), "{text}");
}

#[test]
fn the_address_for_prometheus_is_there_while_the_run_is() {
    // Bound and given up again: the run takes it a moment later.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let scenario = scenario_against("builtin rulebook");
    let mut command = mcpl();
    command.arg("run").arg(&scenario.file).args(["--live", &format!("prometheus=127.0.0.1:{port}")]);
    let mut run = command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap();
    let get = |path: &str| -> Option<String> {
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).ok()?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: a\r\nAccept: application/openmetrics-text\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer)
    };
    let (mut elsewhere, mut idle) = (None, Vec::new());
    let mut seen = Vec::new();
    while run.try_wait().unwrap().is_none() {
        if elsewhere.is_none() {
            elsewhere = get("/");
        }
        seen.extend(get("/metrics"));
        // Who says nothing keeps nobody else from the end.
        if idle.len() < 3 {
            idle.extend(std::net::TcpStream::connect(("127.0.0.1", port)));
        }
        std::thread::yield_now();
    }
    assert!(run.wait().unwrap().success());
    assert!(elsewhere.unwrap().starts_with("HTTP/1.1 404 "));
    let last = seen.iter().rev().find(|answer| !answer.is_empty()).unwrap();
    assert!(last.starts_with("HTTP/1.1 200 OK\r\nContent-Type: application/openmetrics-text; version=1.0.0"), "{last}");
    let count = last.lines().find(|line| line.starts_with("mcpl_requests_total{")).unwrap();
    assert!(count.ends_with(" 40"), "the end of the run is there for one more scrape: {count}");
}

#[test]
fn receivers_that_are_dead_slow_or_unwilling_change_nothing_but_a_note() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = format!("otlp=http://{}", silent.local_addr().unwrap());
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let closed = format!("otlp=http://{closed}");
    let (unwilling, _received) = collector("503 Busy", b"");
    let unwilling = format!("otlp={unwilling}");
    // Takes all but three data points: `rejected_data_points: 3, error_message: "old"`.
    let (picky, _picked) = collector("200 OK", b"\x0a\x07\x08\x03\x12\x03old");
    let picky = format!("otlp={picky}");
    let scenario = scenario_against("builtin rulebook");
    // Nobody ever reads this pipe.
    let pipe = scenario.path("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let pipe = format!("jsonl={}", pipe.display());
    let begun = Instant::now();
    let output =
        scenario.run(&["--live", &silent, "--live", &closed, "--live", &unwilling, "--live", &pipe, "--live", &picky]);
    assert!(begun.elapsed().as_secs() < 30, "{:?}", begun.elapsed());
    assert_exit(&output, 0);
    let results = scenario.results();
    assert_eq!(
        (
            results.run.load_ms,
            results
                .recording
                .seconds
                .iter()
                .map(|slice| slice.series.iter().map(|row| row.counts.requests).sum::<u64>())
                .sum::<u64>()
        ),
        (2000, 40)
    );
    let told = stderr(&output);
    assert!(told.contains(&format!("--live {closed}: failed ")) && told.contains("refused"), "{told}");
    assert!(told.contains(&format!("--live {unwilling}: failed ")) && told.contains("HTTP 503"), "{told}");
    let picky = told.lines().find(|line| line.contains(&picky)).unwrap();
    assert!(picky.contains("data points rejected: ") && picky.ends_with("the last time: old"), "{told}");
    let silent = told.lines().find(|line| line.contains(&silent)).unwrap();
    assert!(silent.contains("no answer within 3s") || silent.contains("not everything was taken in time"), "{told}");
    assert!(told.contains(&format!("--live {pipe}: not everything was taken in time")), "{told}");
}

#[test]
fn what_cannot_be_meant_is_refused_before_anything_is_sent() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = format!("prometheus={}", taken.local_addr().unwrap());
    let scenario = scenario_against("http \"http://127.0.0.1:1/mcp\"");
    for (option, expected) in [
        ("nothing", "write jsonl=FILE, prometheus=HOST:PORT or otlp=URL"),
        ("jsonl=", "it does not say what goes where"),
        ("jsonl=-", "standard output has the summary"),
        ("jsonl=/none/live.jsonl", "no such file or directory"),
        ("influxdb=http://127.0.0.1", "there is no kind `influxdb`"),
        ("prometheus=9464", "that is no address to listen on"),
        ("prometheus=0.0.0.0:9464", "the guard does not allow the host `0.0.0.0`"),
        ("otlp=http://otel.example.com:4318", "guard { allow hosts [\"otel.example.com\"] }"),
        ("otlp=ftp://127.0.0.1", "`ftp` URLs are not supported: write http:// or https://"),
        ("otlp=127.0.0.1:4318", "an example: http://127.0.0.1:4318"),
    ] {
        let output = scenario.run(&["--live", option]);
        assert_exit(&output, 2);
        assert!(stderr(&output).contains(expected), "{option}: {}", stderr(&output));
    }
    let [file, out, report] = ["test.mcpl", "run.json", "r.txt"].map(|name| scenario.path(name).display().to_string());
    let (report, reported, twice) =
        (format!("jsonl={report}"), format!("text={report}"), format!("jsonl={file}.jsonl"));
    let before = fs::read(&file).unwrap();
    for more in [
        &["--live", &format!("jsonl={file}")][..],
        &["--live", &format!("jsonl={out}")],
        &["--live", &report, "--report", &reported],
        &["--live", &twice, "--live", &twice],
    ] {
        let output = scenario.run(more);
        assert_exit(&output, 2);
        assert!(stderr(&output).contains("is named for two things"), "{more:?}: {}", stderr(&output));
    }
    assert_eq!(fs::read(&file).unwrap(), before);
    let mut directory = mcpl();
    let output = directory.arg("run").arg(scenario.dir.path()).args(["--live", &format!("jsonl={file}")]).output();
    let output = output.unwrap();
    assert_exit(&output, 2);
    assert!(stderr(&output).contains("is named for two things"), "{}", stderr(&output));

    let output = scenario_against("builtin rulebook").run(&["--live", &taken]);
    assert_exit(&output, 2);
    assert!(stderr(&output).contains("address already in use"), "{}", stderr(&output));
}

#[test]
fn nobody_waits_for_outputs_after_the_second_ctrl_c() {
    let scenario = scenario_against("builtin rulebook");
    // Nobody ever reads this pipe.
    let pipe = scenario.path("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let mut run = mcpl()
        .arg("run")
        .arg(&scenario.file)
        .args(["--live", &format!("jsonl={}", pipe.display())])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut printed = BufReader::new(run.stdout.take().unwrap()).lines().map_while(Result::ok);
    assert!(printed.any(|line| line.contains("PASSED")));
    let begun = Instant::now();
    let mut said = BufReader::new(run.stderr.take().unwrap()).lines().map_while(Result::ok);
    send(&run, Signal::INT);
    assert!(said.any(|line| line.starts_with("stopping: ")));
    send(&run, Signal::INT);
    assert!(said.any(|line| line.contains("the rest was given up")));
    assert_eq!(run.wait().unwrap().code(), Some(0), "the run had ended before");
    assert!(begun.elapsed().as_secs() < 5, "{:?}", begun.elapsed());
}

fn send(run: &Child, signal: Signal) {
    let pid = rustix::process::Pid::from_raw(i32::try_from(run.id()).unwrap()).unwrap();
    rustix::process::kill_process(pid, signal).unwrap();
}

#[test]
fn a_terminal_that_goes_away_stops_a_run_unless_it_is_to_outlive_it() {
    let scenario = scenario_against("builtin rulebook");
    for (shell, code) in [("exec \"$0\" run \"$1\"", 130), ("trap '' HUP; exec \"$0\" run \"$1\"", 0)] {
        let program = mcpl();
        // The tests may be to outlive their terminal themselves, and what is ignored is inherited.
        let mut command = std::process::Command::new("env");
        command.args(["--default-signal=HUP", "sh", "-c", shell]).arg(program.get_program()).arg(&scenario.file);
        command.env("MCPL_HISTORY", "").stdout(Stdio::null()).stderr(Stdio::piped());
        let mut run = command.spawn().unwrap();
        let mut said = BufReader::new(run.stderr.take().unwrap()).lines().map_while(Result::ok);
        assert!(said.any(|line| line.starts_with("running ")));
        send(&run, Signal::HUP);
        said.for_each(drop);
        assert_eq!(run.wait().unwrap().code(), Some(code), "{shell}");
    }
}
