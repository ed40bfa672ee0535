//! Requests that the server wants to have answers for first (2026-07-28,
//! "multi round-trip requests").
//!
//! The result says what the server wants to know, and the request is sent again
//! with the answers of the file and the state that the server gave. All of it is
//! one request to whoever measures: from the first round to the last. The
//! transport sends nothing twice; it is the `answer` of the file that asks for
//! it, so it is done here.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::time::Instant;

use super::shard::Shard;
use crate::plan::Server;
use crate::transport::{Answers, Call, Client as _, Connector, Exchange, Failure, Question, Reply};

/// How often a request is sent again. Servers ask once or twice; one that asks
/// more often than this will never be content.
pub(super) const ROUNDS: u32 = 10;

/// What the file lets the client of a server answer.
#[must_use]
pub fn answers(server: &Server) -> Answers {
    let known = |to: &str| Question::ALL.into_iter().find(|question| question.name() == to);
    let given = server.answers.iter().filter_map(|answer| Some((known(&answer.to)?, answer.value.as_str())));
    Answers::new(server.capabilities.as_deref(), given)
}

/// What a server wants to know before it answers.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Wanted<'a> {
    #[serde(borrow, default)]
    input_requests: BTreeMap<Cow<'a, str>, Asked<'a>>,
    /// To be given back as it is.
    #[serde(borrow, default)]
    request_state: Option<&'a RawValue>,
}

impl<'a> Wanted<'a> {
    /// What a result says that the server wants to know.
    pub(super) fn of(reply: &'a Reply) -> Result<Self, String> {
        serde_json::from_str(reply.result().unwrap_or_default())
            .map_err(|error| format!("the server wants input, but its result is malformed: {error}"))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.input_requests.is_empty()
    }

    /// Takes away what has such a key.
    pub(super) fn forget(&mut self, is_known: impl Fn(&str) -> bool) {
        self.input_requests.retain(|key, _| !is_known(key));
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = String> {
        self.input_requests.keys().map(|key| key.clone().into_owned())
    }

    /// The answers as a JSON object, or why there are none. Counts what is asked.
    pub(super) fn responses(&self, answers: Option<&Answers>, questions: &mut u32) -> Result<String, String> {
        let mut responses = String::new();
        for (key, asked) in &self.input_requests {
            *questions += 1;
            let question = Question::of_method(&asked.method);
            let question = question.ok_or_else(|| {
                format!("the server asks for `{}` before it answers, which has no `answer`", excerpt(&asked.method))
            })?;
            let given = answers.and_then(|answers| answers.answer(question, asked.params.map(RawValue::get)));
            let given = given.ok_or_else(|| {
                let (method, name) = (question.method(), question.name());
                format!("the server asks for `{method}` before it answers: add `answer {name} {{ … }}` to the server")
            })?;
            let comma = if responses.is_empty() { "" } else { "," };
            responses.push_str(&format!("{comma}{}:{given}", serde_json::Value::from(key.as_ref())));
        }
        Ok(format!("{{{responses}}}"))
    }
}

#[derive(Deserialize)]
struct Asked<'a> {
    #[serde(borrow)]
    method: Cow<'a, str>,
    #[serde(borrow, default)]
    params: Option<&'a RawValue>,
}

/// Sends a request to a server of the plan, and again with answers for as long as
/// it wants some.
pub(super) async fn call<C: Connector>(
    shard: &Shard<C>,
    client: &mut C::Client,
    call: Call<'_>,
    server: usize,
) -> Exchange {
    let begun = Instant::now();
    let mut whole = client.call(call).await;
    while let Ok(reply) = &whole.outcome
        && reply.wants_input()
    {
        let again = match answered(reply, call.params, shard.answers.get(server), &mut whole.asides.questions) {
            _ if whole.asides.rounds >= ROUNDS => {
                Err(format!("the server still wants input after {ROUNDS} rounds of answers"))
            }
            Ok(_) if !shard.may_send() => Err("the guard's `max requests` lets no further round pass".to_owned()),
            again => again,
        };
        match again {
            Err(sentence) => whole.outcome = Err(Failure::Protocol(sentence)),
            Ok(params) => {
                let left = |limit: Duration| limit.saturating_sub(begun.elapsed());
                let (timeout, cancel) = (left(call.timeout), call.cancel.map(left));
                let round = client.call(Call { params: &params, timeout, cancel, ..call }).await;
                whole.asides.rounds += 1;
                whole.outcome = add(&mut whole, round, &call);
            }
        }
    }
    whole
}

/// The parameters with which the request is sent again, or why it cannot be.
/// Counts what is asked.
fn answered(reply: &Reply, params: &[u8], answers: Option<&Answers>, questions: &mut u32) -> Result<Vec<u8>, String> {
    let wanted = Wanted::of(reply)?;
    if wanted.is_empty() && wanted.request_state.is_none() {
        return Err("the server wants input, but has neither `inputRequests` nor `requestState`".to_owned());
    }
    let responses = wanted.responses(answers, questions)?;
    let mut again = params.trim_ascii_end().strip_suffix(b"}").unwrap_or(params).to_vec();
    let mut member = |key: &str, value: &str| {
        let comma = if again.trim_ascii() == b"{" { "" } else { "," };
        again.extend_from_slice(format!("{comma}\"{key}\":{value}").as_bytes());
    };
    if !wanted.is_empty() {
        member("inputResponses", &responses);
    }
    if let Some(state) = wanted.request_state {
        member("requestState", state.get());
    }
    again.push(b'}');
    Ok(again)
}

fn excerpt(method: &str) -> String {
    method.chars().filter(|c| !c.is_control()).take(100).collect()
}

/// Adds a further round, or what else belongs to a request, and returns its
/// outcome. The limits that a failure names are those of the whole.
pub(super) fn add(whole: &mut Exchange, round: Exchange, call: &Call<'_>) -> Result<Reply, Failure> {
    whole.done = round.done;
    whole.status = round.status.or(whole.status);
    whole.bytes_out += round.bytes_out;
    whole.bytes_in += round.bytes_in;
    whole.connect = whole.connect.or(round.connect);
    whole.notifications += round.notifications;
    whole.violations.merge(&round.violations);
    whole.asides.add(round.asides);
    whole.changes.add(round.changes);
    round.outcome.map_err(|failure| match (failure, call.cancel) {
        (Failure::Timeout { .. }, _) => Failure::Timeout { after: call.timeout },
        (Failure::Cancelled { .. }, Some(after)) => Failure::Cancelled { after },
        (failure, _) => failure,
    })
}
