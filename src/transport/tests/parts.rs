//! The small parts that everything else relies on.

use std::future::{Future as _, poll_fn};
use std::task::Poll;
use std::time::Duration;

use proptest::prelude::*;
use tokio::time::Instant;

use crate::transport::deadline::Deadline;
use crate::transport::failure::{excerpt, seconds};
use crate::transport::scan;
use crate::transport::{Exchange, Failure};

#[tokio::test(start_paused = true)]
async fn a_deadline_moves_in_both_directions() {
    let mut deadline = Deadline::default();
    let mut passed = async |after: u64| {
        let start = Instant::now();
        deadline.set(start, Duration::from_millis(after));
        poll_fn(|cx| deadline.poll(cx)).await;
        start.elapsed()
    };
    // Later, earlier, and again after it has passed.
    for after in [100, 300, 20, 20, 1000] {
        assert_eq!(passed(after).await, Duration::from_millis(after));
    }
    // Moved while its timer is armed.
    for after in [500, 50] {
        let start = Instant::now();
        deadline.set(start, Duration::from_millis(200));
        assert!(poll_fn(|cx| Poll::Ready(deadline.poll(cx))).await.is_pending());
        deadline.set(start, Duration::from_millis(after));
        poll_fn(|cx| deadline.poll(cx)).await;
        assert_eq!(start.elapsed(), Duration::from_millis(after));
    }
}

#[tokio::test(start_paused = true)]
async fn a_deadline_out_of_reach_never_passes() {
    let mut deadline = Deadline::default();
    deadline.set(Instant::now(), Duration::MAX);
    assert_eq!(deadline.left(), Duration::MAX);
    let hour = std::pin::pin!(tokio::time::sleep(Duration::from_secs(3600)));
    let mut hour = hour;
    poll_fn(|cx| {
        assert!(deadline.poll(cx).is_pending());
        hour.as_mut().poll(cx)
    })
    .await;
}

#[test]
fn excerpts_fit_on_a_line() {
    let table: &[(&[u8], &str)] = &[
        (b"", ""),
        (b" \r\n\t ", ""),
        (b"a\r\n\r\n b\x1b[0m\x07c", "a b [0m c"),
        (b"\xff\xfea", "\u{fffd}\u{fffd}a"),
        ("é\u{9b}x".as_bytes(), "é x"),
    ];
    for (bytes, expected) in table {
        assert_eq!(excerpt(bytes), *expected);
    }
    let long = excerpt("é".repeat(500).as_bytes());
    assert_eq!(long, format!("{}…", "é".repeat(200)));
    assert_eq!(excerpt("x".repeat(200).as_bytes()).len(), 200);
}

#[test]
fn durations_are_written_as_people_do() {
    let table =
        [(10_000_000, "10s"), (1_500_000, "1.5s"), (250_000, "250ms"), (1_500, "1.5ms"), (4_999_877, "5s"), (0, "0ms")];
    for (micros, expected) in table {
        assert_eq!(seconds(Duration::from_micros(micros)), expected);
    }
}

#[tokio::test]
async fn failures_have_classes_and_sentences() {
    let http = |excerpt: &str| Failure::Http { status: 500, excerpt: excerpt.to_owned() };
    let table = [
        (Failure::Connect("x".into()), "connect", "x"),
        (Failure::Timeout { after: Duration::from_secs(10) }, "timeout", "no answer within 10s"),
        (Failure::Transport("x".into()), "transport", "x"),
        (Failure::Stale, "stale", "the server had closed the idle connection when it was used again"),
        (http("x"), "http", "the server answered HTTP 500: x"),
        (http(""), "http", "the server answered HTTP 500"),
        (Failure::Protocol("x".into()), "protocol", "x"),
    ];
    for (failure, class, text) in table {
        assert_eq!((failure.class(), failure.to_string().as_str()), (class, text));
    }
    assert_eq!(Exchange::unsent(Failure::Stale).latency(), None);
}

proptest! {
    #[test]
    fn the_first_match_is_found(bytes in prop::collection::vec(0u8..20, 0..300), wanted in 0u8..40) {
        let expected = bytes.iter().position(|&byte| byte == wanted);
        prop_assert_eq!(scan::find(&bytes, |byte| byte == wanted), expected);
    }
}
