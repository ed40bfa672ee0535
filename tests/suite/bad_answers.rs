//! Answers that are too slow, too large or without an end: each ends as a class of
//! errors, in time and in bounded memory.

use std::io::{self, Read as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use mcpl::record::ErrorClass;
use mcpl::results::{Results, Window};

use crate::raw_server::{Call, SSE, Then, chunk, server};
use crate::support::{Scenario, assert_exit};

const GIB: u64 = 1 << 30;

/// Far above the 16 MiB that are read of an answer, and what the system holds for
/// a connection; far below an answer.
const CUT_OFF_AT: u64 = 64 << 20;

/// Memory of a run that holds one such answer at a time, and its copies.
const MEMORY: u64 = 200 << 20;

/// The head of an event stream that goes on until the connection is closed.
const SSE_TO_THE_END: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";

const JSON_HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";

/// One user makes `calls` calls one after the other. To read a flood takes all of a
/// processor, which is accepted here.
fn calls(server: &str, calls: u64, timeout: &str) -> Scenario {
    Scenario::new(&format!(
        "mcpl 1\nserver s {{\n  {server}\n  timeout {timeout}\n}}\nscenario a {{\n  target s\n  stages {{\n    iterations {calls} shared by 1 users\n    drain up to 1s\n  }}\n  run f\n}}\nflow f {{ call list_rules }}\nassert {{\n  errors.rate < 50%\n  generator.cpu.max < 1000%\n}}\n"
    ))
}

fn errors(results: &Results, class: ErrorClass) -> u64 {
    results.counts(&results.everything(), Window::Whole).errors.get(&class).copied().unwrap_or(0)
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

/// Sends a piece after the other, slowly, until the client has gone.
fn drip(call: &mut Call<'_>, head: &str, piece: &str) -> Then {
    call.read();
    call.send(head);
    // The client says nothing more, so this waits for its end.
    call.stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    while call.send(piece) == Then::Goes && call.stream.read(&mut [0]).is_err_and(|error| is_timeout(&error)) {}
    Then::Closes
}

#[test]
fn bytes_that_trickle_in_do_not_hold_the_timeout_off() {
    let server = server(|mut call| match call.number % 4 {
        0 => drip(&mut call, "HTTP/1.1 200 OK\r\nx: ", "x"),
        1 => drip(&mut call, &format!("{JSON_HEAD}content-length: 1000\r\n\r\n{{\"jsonrpc\":\""), "x"),
        2 => drip(&mut call, SSE, "1\r\n:\r\n"),
        _ => drip(&mut call, SSE, &chunk(":\n\n")),
    });
    let scenario = calls(&server, 4, "500ms");
    assert_exit(&scenario.run(&["--quiet"]), 1);
    let results = scenario.results();
    assert_eq!(errors(&results, ErrorClass::Timeout), 4, "{:?}", results.recording.failures);
}

/// Sends a piece again and again until the client has gone or has taken a
/// gibibyte, and keeps the most that it took.
fn flood(call: &mut Call<'_>, taken: &AtomicU64, head: &str, piece: &str) -> Then {
    call.read();
    call.send(head);
    let mut sent = 0;
    while sent < GIB && call.send(piece) == Then::Goes {
        sent += piece.len() as u64;
    }
    taken.fetch_max(sent, Ordering::Relaxed);
    Then::Closes
}

/// A server that floods each call, and the most bytes of one that were taken.
fn flooding(answers: Vec<(String, String)>) -> (String, Arc<AtomicU64>) {
    let taken = Arc::new(AtomicU64::new(0));
    let most = Arc::clone(&taken);
    let statement = server(move |mut call| {
        let (head, piece) = &answers[usize::try_from(call.number).unwrap() % answers.len()];
        flood(&mut call, &taken, head, piece)
    });
    (statement, most)
}

#[test]
fn an_answer_of_a_gibibyte_is_cut_off_in_bounded_memory() {
    let text = "x".repeat(1 << 16);
    let (server, taken) = flooding(vec![
        (format!("{JSON_HEAD}content-length: {GIB}\r\n\r\n"), text.clone()),
        (format!("{JSON_HEAD}transfer-encoding: chunked\r\n\r\n"), chunk(&text)),
        (format!("{SSE}{}", chunk("data: ")), chunk(&text)),
        (SSE.to_owned(), chunk(&format!("data: {text}\n"))),
        ("HTTP/1.1 500 Oops\r\ncontent-type: text/plain\r\n\r\n".to_owned(), text.clone()),
    ]);
    let scenario = calls(&server, 5, "20s");
    assert_exit(&scenario.run(&["--quiet"]), 1);
    let results = scenario.results();
    assert_eq!(errors(&results, ErrorClass::Protocol), 5, "{:?}", results.recording.failures);
    let mut failures = results.recording.failures.iter();
    assert!(failures.all(|failure| failure.message == "the answer is larger than 16 MiB"));
    let taken = taken.load(Ordering::Relaxed);
    assert!(taken < CUT_OFF_AT, "{taken} bytes of one answer were taken");
    let memory = results.recording.seconds.iter().map(|slice| slice.health.rss_bytes).max().unwrap();
    assert!(memory < MEMORY, "{memory} bytes");
}

#[test]
fn a_flood_of_events_does_not_hold_the_timeout_off() {
    let notification = "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{}}\n\n";
    let (server, _) = flooding(vec![
        // Skipped so fast that there is always more to read.
        (SSE_TO_THE_END.to_owned(), format!(": {}\n", "x".repeat(60_000)).repeat(16)),
        (SSE.to_owned(), chunk(&notification.repeat(1000))),
        // Answers before the answer, without end.
        (String::new(), "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(1000)),
    ]);
    let scenario = calls(&server, 3, "500ms");
    assert_exit(&scenario.run(&["--quiet"]), 1);
    let results = scenario.results();
    assert_eq!(errors(&results, ErrorClass::Timeout), 3, "{:?}", results.recording.failures);
    let failures = &results.recording.failures;
    assert!(failures.iter().all(|failure| failure.message == "no answer within 500ms"), "{failures:?}");
}

#[test]
fn headers_without_end_are_cut_off() {
    let (server, taken) = flooding(vec![
        ("HTTP/1.1 200 OK\r\n".to_owned(), "a: b\r\n".repeat(10_000)),
        ("HTTP/1.1 200 OK\r\na: ".to_owned(), "b".repeat(60_000)),
        (format!("{JSON_HEAD}transfer-encoding: chunked\r\n\r\n0\r\n"), "a: b\r\n".repeat(10_000)),
    ]);
    let scenario = calls(&server, 3, "20s");
    assert_exit(&scenario.run(&["--quiet"]), 1);
    let results = scenario.results();
    assert_eq!(errors(&results, ErrorClass::Transport), 3, "{:?}", results.recording.failures);
    let said: Vec<_> = results.recording.failures.iter().map(|failure| failure.message.as_str()).collect();
    let headers = "the response has more than 100 headers, or more than 64 KiB of them";
    assert_eq!(said, [headers, headers, "the answer is not HTTP/1.1: the trailers have no end"]);
    assert!(taken.load(Ordering::Relaxed) < CUT_OFF_AT);
}

#[test]
fn a_million_events_before_the_answer_are_passed_over_in_bounded_memory() {
    let events = chunk(&"event: x\ndata: y\n\n".repeat(1000));
    let server = server(move |mut call| {
        call.send(SSE);
        for _ in 0..1000 {
            if call.send(&events) == Then::Closes {
                return Then::Closes;
            }
        }
        let mut answer = String::new();
        call.reply(r#"{"resultType":"complete","content":[]}"#, |message| {
            answer = chunk(&format!("data: {message}\n\n"))
        });
        call.send(format!("{answer}0\r\n\r\n"))
    });
    let scenario = calls(&server, 1, "60s");
    assert_exit(&scenario.run(&["--quiet"]), 0);
    let memory = scenario.results().recording.seconds.iter().map(|slice| slice.health.rss_bytes).max().unwrap();
    assert!(memory < MEMORY, "{memory} bytes");
}
