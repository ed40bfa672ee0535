//! Children that are silent, loud, dying or stubborn.

use std::task::Poll;
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe;

use super::peer::{PATIENCE, echo, strays};
use super::stdio::{ANSWER, LEGACY, client_of, opened, script, server, server_with, target};
use crate::transport::channel::Process;
use crate::transport::{Call, Client as _, Failure, OpenError, StdioTarget};

async fn open_error(target: StdioTarget) -> OpenError {
    client_of(target, LEGACY).open().await.unwrap_err()
}

#[tokio::test]
async fn a_program_that_does_not_exist() {
    let error = open_error(target(&["/nonexistent/server", "x"])).await;
    assert_eq!(error.class(), "connect");
    assert!(error.to_string().starts_with("cannot start `/nonexistent/server`: No such file"), "{error}");
    let mut lost = script("cat");
    lost.cwd = Some("/nonexistent/dir".into());
    let error = open_error(lost).await.to_string();
    assert_eq!(error, "cannot start `/bin/sh`: the directory /nonexistent/dir does not exist");
}

#[tokio::test]
async fn a_child_that_exits_at_once_leaves_its_last_words() {
    let table = [
        ("exit 1", "initialize: the child exited with status 1 before answering initialize"),
        (
            "echo 'no such' >&2; echo '  module ' >&2; exit 3",
            "initialize: the child exited with status 3 before answering initialize; its last words were: no such module",
        ),
        ("kill -9 $$", "initialize: the child was killed by signal 9 before answering initialize"),
        // What it says on stdout is no answer.
        ("echo usage; exit 0", "initialize: the child exited with status 0 before answering initialize"),
    ];
    for (text, expected) in table {
        let error = open_error(script(text)).await;
        assert_eq!(error.to_string(), expected);
        assert_eq!(error.class(), "transport");
    }
}

#[tokio::test]
async fn a_child_that_closes_its_output_is_as_good_as_gone() {
    let error = open_error(script("exec >&-; cat > /dev/null")).await;
    assert_eq!(
        error.to_string(),
        "initialize: the child closed its output before answering initialize but did not exit"
    );
}

#[tokio::test]
async fn a_silent_child_is_a_timeout_with_its_words() {
    let mut silent = script("cat > /dev/null");
    silent.open_timeout = Duration::from_millis(50);
    let error = open_error(silent).await;
    assert_eq!(error.to_string(), "initialize: no answer within 50ms");
    assert_eq!(error.class(), "timeout");
    // Closing stdout would end the call at once, so it stays open.
    let mut talker = script("echo 'waiting for a database' >&2; cat > /dev/null");
    talker.open_timeout = Duration::from_millis(500);
    let error = open_error(talker).await;
    assert_eq!(error.to_string(), "initialize: no answer within 500ms; its last words were: waiting for a database");
    assert_eq!(error.class(), "timeout");
}

#[tokio::test]
async fn a_child_that_dies_under_a_call_can_be_opened_again() {
    let mut client = opened(server("echo boom >&2; exit 7")).await;
    let exchange = client.call(echo()).await;
    assert!(exchange.written.is_some());
    let expected = "the child exited with status 7 before answering tools/call; its last words were: boom";
    assert_eq!(exchange.outcome.unwrap_err(), Failure::Transport(expected.to_owned()));
    // Nothing is started behind the caller's back.
    let exchange = client.call(echo()).await;
    assert_eq!(exchange.written, None);
    assert_eq!(exchange.outcome.unwrap_err(), Failure::Transport(expected.to_owned()));
    assert!(client.open().await.is_ok());
    client.close().await.unwrap();
}

#[tokio::test]
async fn an_answer_counts_even_if_the_child_exits_after_it() {
    let mut client = opened(server(&format!("{ANSWER}; exit 0"))).await;
    assert!(client.call(echo()).await.outcome.is_ok());
    let failure = client.call(echo()).await.outcome.unwrap_err();
    assert_eq!(failure.to_string(), "the child exited with status 0 before answering tools/call");
}

#[tokio::test]
async fn a_loud_child_is_not_held_up_and_only_its_end_is_kept() {
    let noise = "head -c 300000 /dev/zero | tr '\\0' x >&2; echo ' the end' >&2";
    let mut client = opened(server(&format!("{noise}; case $id in 2) {ANSWER};; *) exit 1;; esac"))).await;
    assert!(client.call(echo()).await.outcome.is_ok());
    let failure = client.call(echo()).await.outcome.unwrap_err().to_string();
    assert!(failure.ends_with("xxx the end"), "{failure}");
    assert!(failure.contains("its last words were: …xxx"), "{failure}");
    assert!(failure.chars().count() < 300, "{failure}");
}

#[tokio::test]
async fn a_late_answer_is_ignored_and_the_server_is_told() {
    // The first call is answered only when it is cancelled.
    let on_call = format!(r#"case "$id" in 2) ;; *) {ANSWER};; esac"#);
    let on_cancel = r#"
        echo "{\"id\":2,\"result\":{\"late\":true}}"
        echo "{\"method\":\"notifications/seen\"}"
        case "$line" in *'"method":"notifications/cancelled","params":{"requestId":2,"reason":"timeout"}'*) ;; *) exit 9;; esac
    "#;
    let mut client = opened(server_with(&on_call, on_cancel)).await;
    let call = Call { timeout: Duration::from_millis(50), ..echo() };
    let failure = client.call(call).await.outcome.unwrap_err();
    assert_eq!(failure.to_string(), "no answer within 50ms");
    let exchange = client.call(echo()).await;
    assert_eq!(exchange.outcome.unwrap().result(), Some(r#"{"n":3}"#));
    assert_eq!((exchange.notifications, strays(&exchange.violations)), (1, 0));
}

#[tokio::test]
async fn a_dropped_call_leaves_the_child_usable_and_its_answer_is_no_violation() {
    let mut client = opened(server(ANSWER)).await;
    {
        let call = std::pin::pin!(client.call(echo()));
        // One poll: the request is written.
        assert!(matches!(futures_poll(call).await, Poll::Pending));
    }
    let exchange = client.call(echo()).await;
    assert_eq!(exchange.outcome.unwrap().result(), Some(r#"{"n":3}"#));
    assert_eq!(strays(&exchange.violations), 0);
}

async fn futures_poll<F: Future>(mut future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    std::future::poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await
}

#[tokio::test]
async fn a_line_without_end_is_given_up() {
    let mut client = opened(server("head -c 17000000 /dev/zero | tr '\\0' x")).await;
    let failure = client.call(echo()).await.outcome.unwrap_err();
    assert_eq!(failure.to_string(), "a line of the child is longer than 16 MiB");
    assert_eq!(failure.class(), "protocol");
    assert!(client.open().await.is_ok());
}

#[tokio::test]
async fn the_end_of_input_ends_a_child_whatever_it_still_says() {
    // More than a pipe holds, which nobody would read.
    let loud = script("cat > /dev/null; head -c 300000 /dev/zero; exit 5");
    let process = Process::spawn(&loud).unwrap();
    let start = tokio::time::Instant::now();
    assert_eq!(process.stop(PATIENCE).await, Ok(()));
    assert!(start.elapsed() < PATIENCE, "it took a signal");
}

#[tokio::test]
async fn sigterm_ends_a_child_that_does_not_listen() {
    let grace = Duration::from_millis(100);
    let process = Process::spawn(&script("while :; do sleep 1000; done")).unwrap();
    assert_eq!(process.stop(grace).await, Ok(()));
}

#[tokio::test]
async fn sigkill_ends_all_others() {
    let mut process = Process::spawn(&script("trap '' TERM; echo ready; while :; do sleep 1000; done")).unwrap();
    let mut ready = [0; 6];
    process.stdout.read_exact(&mut ready).await.unwrap();
    let grace = Duration::from_millis(20);
    assert_eq!(
        process.stop(grace).await.unwrap_err().to_string(),
        "the child ignored the end of its input for 20ms and SIGTERM for 20ms, and was killed"
    );
}

#[tokio::test]
async fn a_dropped_client_takes_the_whole_family_along() {
    let dir = tempfile::tempdir().unwrap();
    let fifo = dir.path().join("fifo");
    let made = std::process::Command::new("mkfifo").arg(&fifo).status().unwrap();
    assert!(made.success());
    let mut sign_of_life = pipe::OpenOptions::new().open_receiver(&fifo).unwrap();
    // The grandchild answers, so that it is known to have opened its end.
    let mut target = server(&format!("(exec 3> fifo; {ANSWER}; exec sleep 1000) & wait"));
    target.cwd = Some(dir.path().to_owned());
    let mut client = opened(target).await;
    assert!(client.call(echo()).await.outcome.is_ok());
    assert!(matches!(futures_poll(std::pin::pin!(sign_of_life.read_u8())).await, Poll::Pending));
    drop(client);
    let end = tokio::time::timeout(PATIENCE, sign_of_life.read_u8()).await.unwrap();
    assert_eq!(end.unwrap_err().kind(), std::io::ErrorKind::UnexpectedEof);
}
