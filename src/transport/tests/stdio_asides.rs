//! What a child and its client say beside requests and their answers.

use std::time::Duration;

use super::peer::echo;
use super::stdio::{ANSWER, LEGACY, MODERN, client_of, script, server_with};
use crate::transport::{
    Answers, AnyConnector, Call, Changes, Client as _, Connector as _, Question, StdioTarget, Target, Tasks,
};
use crate::violation::Violation;

async fn answering(target: StdioTarget, answers: Answers) -> crate::transport::AnyClient {
    let mut client = AnyConnector::answering(&Target::Stdio(target), LEGACY, answers).client();
    client.open().await.unwrap();
    client
}

fn roots() -> Answers {
    Answers::new(None, [(Question::Roots, r#"{"roots":[]}"#)].into_iter())
}

#[tokio::test]
async fn a_question_is_answered_in_the_channel() {
    // The call is answered with the line that came for the question.
    let ask = r#"call=$id; echo '{"jsonrpc":"2.0","id":"q","method":"roots/list"}'"#;
    let give = r#"echo "{\"jsonrpc\":\"2.0\",\"id\":$call,\"result\":{\"got\":$line}}""#;
    let mut client = answering(server_with(ask, give), roots()).await;
    for _ in 0..2 {
        let exchange = client.call(echo()).await;
        assert_eq!(exchange.asides.questions, 1);
        let expected = r#"{"got":{"jsonrpc":"2.0","id":"q","result":{"roots":[]}}}"#;
        assert_eq!(exchange.outcome.unwrap().result(), Some(expected));
    }
}

#[tokio::test]
async fn what_has_changed_is_told_to_who_reads_it() {
    let tell = |what: &str| format!(r#"echo '{{"method":"notifications/{what}"}}'"#);
    let updated = r#"echo '{"method":"notifications/resources/updated","params":{"uri":"a://b"}}'"#;
    let on_call = [&*tell("prompts/list_changed"), &*tell("message"), updated, ANSWER].join("; ");
    let mut client = answering(server_with(&on_call, ":"), Answers::default()).await;
    let exchange = client.call(echo()).await;
    let expected = Changes { prompts: true, updated: vec!["a://b".to_owned()], ..Changes::default() };
    assert_eq!(exchange.changes, expected);
}

#[tokio::test]
async fn a_cancelled_request_is_told_of_and_its_late_answer_ignored() {
    // The first call is answered when its cancellation comes, with it.
    let on_call = format!(r#"if [ "$id" = 2 ]; then :; else {ANSWER}; fi"#);
    let on_cancel = r#"case "$line" in *'"requestId":2,"reason":"cancelled"'*)
        echo '{"jsonrpc":"2.0","id":2,"result":{}}';; esac"#;
    let mut client = answering(server_with(&on_call, on_cancel), Answers::default()).await;
    let call = Call { cancel: Some(Duration::from_millis(50)), ..echo() };
    let failure = client.call(call).await.outcome.unwrap_err();
    assert_eq!((failure.class(), failure.to_string().as_str()), ("cancelled", "cancelled after 50ms, as was asked"));
    let exchange = client.call(echo()).await;
    assert!(exchange.outcome.is_ok());
    let late = [Violation::DuplicateResponse, Violation::UnknownId];
    assert!(late.iter().all(|kind| exchange.violations.of(*kind) == 0), "{:?}", exchange.violations);
}

#[tokio::test]
async fn progress_belongs_to_the_request_of_its_token() {
    let tell = |token: &str, progress: &str| {
        format!(
            r#"echo "{{\"method\":\"notifications/progress\",\"params\":{{\"progressToken\":{token},\"progress\":{progress}}}}}""#
        )
    };
    let on_call = [tell("$id", "1"), tell("99", "1"), tell("$id", "3"), tell("$id", "2"), ANSWER.to_owned()].join("; ");
    let mut client = answering(server_with(&on_call, ":"), Answers::default()).await;
    let exchange = client.call(Call { progress: true, ..echo() }).await;
    assert_eq!((exchange.notifications, exchange.asides.progress), (4, 3));
    assert_eq!(exchange.violations.of(Violation::ProgressOrder), 1);
    let exchange = client.call(echo()).await;
    assert_eq!((exchange.notifications, exchange.asides.progress), (4, 0), "it was not asked for");
}

const SUBSCRIBE: Call<'_> = Call {
    method: "resources/subscribe",
    name: None,
    params: br#"{"uri":"a://b"}"#,
    timeout: super::peer::PATIENCE,
    cancel: None,
    progress: false,
    tasks: Tasks::Unsaid,
};

#[tokio::test]
async fn updates_of_a_legacy_subscription_are_counted() {
    let update =
        |uri: &str| format!(r#"echo '{{"method":"notifications/resources/updated","params":{{"uri":"{uri}"}}}}'"#);
    let updates = [update("a://b"), update("c://d"), update("a://b/e")].join("; ");
    let answer = r#"echo "{\"jsonrpc\":\"2.0\",\"id\":$id,\"result\":{}}""#;
    let other = format!(r#"{answer}; case "$line" in *resources/subscribe*) {updates};; esac"#);
    let mut client = answering(server_with(ANSWER, &other), Answers::default()).await;
    let exchange = client.subscribe(SUBSCRIBE, Duration::from_millis(100)).await;
    assert!(exchange.outcome.is_ok(), "{exchange:?}");
    assert_eq!((exchange.asides.updates, exchange.notifications), (2, 3));
    assert!(exchange.latency().unwrap() < Duration::from_millis(100), "the wait is no latency");
    let exchange = client.call(echo()).await;
    assert!(exchange.outcome.is_ok());
}

#[tokio::test]
async fn updates_of_a_modern_subscription_are_those_with_its_id() {
    let target = script(
        r#"
        say() { echo "{\"jsonrpc\":\"2.0\",\"method\":\"$1\",\"params\":{\"_meta\":{\"io.modelcontextprotocol/subscriptionId\":$2},\"uri\":\"a://b\"}}"; }
        while read -r line; do
            id="${line#*\"id\":}"; id="${id%%,*}"
            case "$line" in
                *'"method":"subscriptions/listen"'*'"resourceSubscriptions":["a://b"]'*)
                    say notifications/subscriptions/acknowledged $id
                    say notifications/resources/updated $id
                    say notifications/resources/updated 99;;
                *'"method":"notifications/cancelled"'*) cancelled="$line";;
                *) echo "{\"jsonrpc\":\"2.0\",\"id\":$id,\"result\":{\"resultType\":\"complete\",\"cancelled\":[$cancelled]}}";;
            esac
        done
        "#,
    );
    let mut client = client_of(target, MODERN);
    client.open().await.unwrap();
    let exchange = client.subscribe(SUBSCRIBE, Duration::from_millis(100)).await;
    assert_eq!((exchange.asides.updates, exchange.notifications), (1, 3));
    assert!(exchange.outcome.unwrap().result().unwrap().contains("a://b"));
    let cancelled = client.call(echo()).await.outcome.unwrap();
    assert!(cancelled.result().unwrap().contains(r#""params":{"requestId":2,"#), "{cancelled:?}");
    // A refusal is the answer, and nothing is waited for.
    let refuses = script(
        r#"
        while read -r line; do
            id="${line#*\"id\":}"; id="${id%%,*}"
            echo "{\"jsonrpc\":\"2.0\",\"id\":$id,\"error\":{\"code\":-32601,\"message\":\"no\"}}"
        done
        "#,
    );
    let mut client = client_of(refuses, MODERN);
    client.open().await.unwrap();
    let exchange = client.subscribe(SUBSCRIBE, Duration::from_secs(600)).await;
    assert_eq!(exchange.outcome.unwrap().error().map(|error| error.code), Some(-32601));
}
