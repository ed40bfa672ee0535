//! Several requests under way on one child.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::peer::{PATIENCE, echo, strays};
use super::stdio::{ANSWER, LEGACY, client_of, opened, server, server_with};
use crate::transport::{AnyClient, Call, Client as _, Exchange, Failure};

/// Answers the request whose id is in `$1`.
const ANSWERS: &str = r#"answer() { echo "{\"jsonrpc\":\"2.0\",\"id\":$1,\"result\":{\"n\":$1}}"; }"#;

/// Keeps the first of two calls, and does `second` when the other one is there:
/// `$held` and `$id` are their ids.
fn pairs(second: &str) -> String {
    format!(r#"{ANSWERS}; if [ -z "$held" ]; then held=$id; else {second}; held=; fi"#)
}

async fn two(on_call: &str) -> (AnyClient, AnyClient) {
    let mut first = opened(server(on_call)).await;
    let second = first.sibling();
    assert!(second.is_open());
    (first, second)
}

/// Both at once, the first of them first.
async fn both(first: &mut AnyClient, second: &mut AnyClient) -> (Exchange, Exchange) {
    let calls = futures_util::future::join(first.call(echo()), second.call(echo()));
    timeout(PATIENCE, calls).await.expect("both end")
}

fn result(exchange: &Exchange) -> &str {
    exchange.outcome.as_ref().unwrap().result().unwrap()
}

fn failure(exchange: Exchange) -> Failure {
    exchange.outcome.unwrap_err()
}

/// A task that notes that it was woken.
#[derive(Default)]
struct Note(AtomicBool);

impl Wake for Note {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Note {
    fn poll<F: Future>(self: &Arc<Self>, future: Pin<&mut F>) -> Poll<F::Output> {
        future.poll(&mut Context::from_waker(&Waker::from(Arc::clone(self))))
    }

    fn is_woken(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

#[tokio::test]
async fn answers_in_reverse_order_find_their_requests() {
    let (mut first, mut second) = two(&pairs("answer $id; answer $held")).await;
    for round in 1..4 {
        let (a, b) = both(&mut first, &mut second).await;
        let ids = [2 * round, 2 * round + 1];
        for (exchange, id) in [(&a, ids[0]), (&b, ids[1])] {
            let expected = format!(r#"{{"n":{id}}}"#);
            assert_eq!(result(exchange), expected);
            let answer = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{expected}}}"#);
            assert_eq!(exchange.bytes_in, answer.len() as u64 + 1);
            assert_eq!((exchange.notifications, strays(&exchange.violations)), (0, 0));
            let (written, first_byte) = (exchange.written.unwrap(), exchange.first_byte.unwrap());
            assert!(written <= first_byte && first_byte <= exchange.done);
        }
        assert!(b.done <= a.done, "the second was answered first");
        assert!(b.written.unwrap() <= a.first_byte.unwrap(), "both were under way together");
        let call =
            r#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"echo","arguments":{"text":"hi"}}}"#;
        assert_eq!((a.bytes_out, b.bytes_out), (call.len() as u64 + 1, call.len() as u64 + 1));
    }
}

#[tokio::test]
async fn an_answer_has_the_time_of_its_line_whenever_its_client_looks() {
    let (mut first, mut second) = two(&pairs("answer $held; answer $id")).await;
    let task = Arc::new(Note::default());
    let mut a = pin!(first.call(echo()));
    assert!(task.poll(a.as_mut()).is_pending());
    let b = timeout(PATIENCE, second.call(echo())).await.unwrap();
    // The second has read both answers.
    assert!(task.is_woken());
    let looked = Instant::now();
    let Poll::Ready(a) = task.poll(a.as_mut()) else { panic!("the answer is there") };
    assert_eq!((result(&a), result(&b)), (r#"{"n":2}"#, r#"{"n":3}"#));
    assert!(a.done <= b.done && b.done <= looked);
}

#[tokio::test]
async fn what_comes_between_the_answers_is_counted_once() {
    let note = r#"echo '{"jsonrpc":"2.0","method":"notifications/message"}'"#;
    let noise = format!("{note}; answer $id; {note}; echo; echo rubbish; {note}; answer $held");
    let (mut first, mut second) = two(&pairs(&noise)).await;
    let (a, b) = both(&mut first, &mut second).await;
    assert_eq!((result(&a), result(&b)), (r#"{"n":2}"#, r#"{"n":3}"#));
    assert_eq!(a.notifications + b.notifications, 3);
    assert_eq!(strays(&a.violations) + strays(&b.violations), 1);
    let (answer, note) =
        (r#"{"jsonrpc":"2.0","id":2,"result":{"n":2}}"#, r#"{"jsonrpc":"2.0","method":"notifications/message"}"#);
    let all = 2 * (answer.len() + 1) + 3 * (note.len() + 1) + "\nrubbish\n".len();
    assert_eq!(a.bytes_in + b.bytes_in, all as u64);
}

#[tokio::test]
async fn an_error_without_an_id_answers_nobody_in_particular() {
    let lost = r#"echo '{"error":{"code":-32700,"message":"cannot read that"}}'"#;
    let (mut first, mut second) = two(&pairs(&format!("{lost}; answer $id; {lost}"))).await;
    let (a, b) = both(&mut first, &mut second).await;
    // At the second one there is one request left, so it must be meant.
    assert_eq!(a.outcome.unwrap().error().unwrap().code, -32700);
    assert_eq!(result(&b), r#"{"n":3}"#);
    assert_eq!(strays(&a.violations) + strays(&b.violations), 1);
}

#[tokio::test]
async fn a_question_of_the_server_is_answered_once() {
    let ping = r#"echo '{"jsonrpc":"2.0","id":"p","method":"ping"}'; read -r pong; [ "$pong" = '{"jsonrpc":"2.0","id":"p","result":{}}' ] || exit 9"#;
    let (mut first, mut second) = two(&pairs(&format!("{ping}; answer $id; answer $held"))).await;
    let (a, b) = both(&mut first, &mut second).await;
    assert_eq!((result(&a), result(&b)), (r#"{"n":2}"#, r#"{"n":3}"#));
    assert_eq!(strays(&a.violations) + strays(&b.violations), 0);
}

#[tokio::test]
async fn one_of_two_may_time_out() {
    // The one that is cancelled is answered late, the other one behind it.
    for hasty in [2, 3] {
        let on_cancel = format!(
            r#"case "$line" in
                *'"method":"notifications/cancelled","params":{{"requestId":{hasty},"reason":"timeout"}}'*) answer {hasty}; answer {patient};;
                *) exit 9;;
            esac"#,
            patient = 5 - hasty,
        );
        let mut first = opened(server_with(ANSWERS, &on_cancel)).await;
        let mut second = first.sibling();
        let call = |id| if id == hasty { Call { timeout: Duration::from_millis(50), ..echo() } } else { echo() };
        let calls = futures_util::future::join(first.call(call(2)), second.call(call(3)));
        let (a, b) = timeout(PATIENCE, calls).await.unwrap();
        let (lost, kept) = if hasty == 2 { (a, b) } else { (b, a) };
        assert_eq!(lost.first_byte, None);
        assert_eq!(failure(lost).to_string(), "no answer within 50ms");
        assert_eq!(result(&kept), format!(r#"{{"n":{}}}"#, 5 - hasty));
        assert_eq!(strays(&kept.violations), 0);
    }
}

#[tokio::test]
async fn all_that_are_under_way_end_with_the_child() {
    let (mut first, mut second) = two(&pairs("echo boom >&2; exit 7")).await;
    let (a, b) = both(&mut first, &mut second).await;
    let expected = "the child exited with status 7 before answering tools/call; its last words were: boom";
    assert_eq!(a.done, b.done);
    for exchange in [a, b] {
        assert!(exchange.written.is_some());
        assert_eq!(failure(exchange), Failure::Transport(expected.to_owned()));
    }
    assert!(!first.is_open() && !second.is_open());
    let exchange = second.call(echo()).await;
    assert_eq!(exchange.written, None);
    assert_eq!(failure(exchange), Failure::Transport(expected.to_owned()));
    // Siblings belong to the child that they had.
    first.open().await.unwrap();
    assert!(first.is_open() && !second.is_open());
    assert!(first.sibling().is_open());
}

#[tokio::test]
async fn whoever_is_dropped_passes_the_pipe_on() {
    // Whoever looked last is the one that the pipe wakes.
    for dropped_last in [false, true] {
        let (mut first, mut second) = two(&pairs("answer $held; answer $id")).await;
        let (gone, stays) = (Arc::new(Note::default()), Arc::new(Note::default()));
        let mut kept = pin!(second.call(echo()));
        {
            let mut dropped = pin!(first.call(echo()));
            if dropped_last {
                assert!(stays.poll(kept.as_mut()).is_pending());
            }
            assert!(gone.poll(dropped.as_mut()).is_pending());
            if !dropped_last {
                assert!(stays.poll(kept.as_mut()).is_pending());
            }
        }
        assert_eq!(stays.is_woken(), dropped_last);
        let exchange = timeout(PATIENCE, kept).await.unwrap();
        assert_eq!(result(&exchange), if dropped_last { r#"{"n":2}"# } else { r#"{"n":3}"# });
        assert_eq!(strays(&exchange.violations), 0, "the answer to the dropped one may come");
    }
}

#[tokio::test]
async fn the_end_of_a_child_is_found_out_even_if_the_first_to_see_it_is_dropped() {
    let (mut first, mut second) = two(&pairs("exec >&-; read -r never")).await;
    let looker = first.sibling();
    let task = Arc::new(Note::default());
    let mut kept = pin!(second.call(echo()));
    assert!(task.poll(kept.as_mut()).is_pending());
    {
        let mut dropped = pin!(first.call(echo()));
        // It sees that the output is closed, and the child does not exit.
        std::future::poll_fn(|cx| {
            assert!(dropped.as_mut().poll(cx).is_pending());
            if looker.is_open() { Poll::Pending } else { Poll::Ready(()) }
        })
        .await;
        assert!(!task.is_woken());
    }
    assert!(task.is_woken());
    let exchange = timeout(PATIENCE, kept).await.unwrap();
    assert_eq!(
        failure(exchange).to_string(),
        "the child closed its output before answering tools/call but did not exit"
    );
}

#[tokio::test]
async fn a_line_that_was_begun_is_written_to_its_end() {
    // Answers with how many calls there were and how long the line was.
    let count = r#"n=$((n+1)); echo "{\"id\":$id,\"result\":[$n,${#line}]}""#;
    let (mut first, mut second) = two(count).await;
    let params = format!(r#"{{"text":"{}"}}"#, "x".repeat(200_000));
    let long = Call { params: params.as_bytes(), ..echo() };
    {
        // More than the pipe takes at once.
        let call = pin!(first.call(long));
        assert!(Arc::new(Note::default()).poll(call).is_pending());
    }
    let calls = futures_util::future::join(second.call(long), first.call(long));
    let (a, b) = timeout(PATIENCE, calls).await.unwrap();
    let length = r#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":}"#.len() + params.len();
    assert_eq!((result(&a), result(&b)), (&*format!("[2,{length}]"), &*format!("[3,{length}]")));
    assert_eq!((a.bytes_out, b.bytes_out), (length as u64 + 1, length as u64 + 1));
}

#[tokio::test]
async fn a_session_that_is_closed_ends_what_is_under_way() {
    let (mut owner, mut user) = two(":").await;
    let task = Arc::new(Note::default());
    let mut call = pin!(user.call(echo()));
    assert!(task.poll(call.as_mut()).is_pending());
    owner.close().await.unwrap();
    assert!(task.is_woken());
    let Poll::Ready(exchange) = task.poll(call.as_mut()) else { panic!("nothing can come any more") };
    assert_eq!(failure(exchange).to_string(), "the session was closed");
}

#[tokio::test]
async fn a_client_that_is_not_open_has_siblings_that_are_not() {
    let mut client = client_of(server(ANSWER), LEGACY);
    assert!(!client.sibling().is_open());
    assert_eq!(failure(client.sibling().call(echo()).await).to_string(), "the session is not open");
}

#[tokio::test]
async fn a_sibling_keeps_the_child_of_a_client_that_is_dropped() {
    let (first, mut second) = two(ANSWER).await;
    drop(first);
    assert_eq!(result(&second.call(echo()).await), r#"{"n":2}"#);
}
