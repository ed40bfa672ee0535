//! The faults that lie between the server and the wire: answers that are lost,
//! doubled, stalled, broken or sent to nobody, sessions that are forgotten.
//!
//! rmcp does not make such mistakes, so they are made to what it wrote.

pub mod http;
pub mod stdio;

use std::sync::atomic::{AtomicU64, Ordering};

use rand::Rng;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::faults::stream;
use super::options::Options;

/// The id of no request: clients count from small numbers.
const NOBODY: i64 = 9_007_199_254_740_991;

/// What the streams of random numbers are for, so that one does not follow the other.
const ANSWERS: u64 = 1;
const SESSIONS: u64 = 2;

/// What becomes of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spoil {
    /// It is never sent.
    Lost,
    /// It is sent twice.
    Twice,
    /// It begins and never ends.
    Stalled,
    /// It breaks off in the middle.
    Malformed,
    /// It carries the id of no request.
    WrongId,
}

/// Draws what becomes of answers and sessions.
#[derive(Debug)]
pub struct Spoiler {
    seed: u64,
    /// Each kind with its share.
    shares: [(Spoil, f64); 5],
    lost_sessions: f64,
    ignores_cancellation: bool,
    answers: AtomicU64,
    requests: AtomicU64,
}

impl Spoiler {
    /// The faults of checked `options`; nothing when none of them is switched on.
    pub fn new(options: &Options) -> Option<Self> {
        let shares = [
            (Spoil::Lost, options.lost_ratio),
            (Spoil::Twice, options.duplicate_ratio),
            (Spoil::Stalled, options.stalled_ratio),
            (Spoil::Malformed, options.malformed_ratio),
            (Spoil::WrongId, options.wrong_id_ratio),
        ];
        let any = shares.iter().any(|(_, share)| *share > 0.0)
            || options.lost_session_ratio > 0.0
            || options.ignores_cancellation;
        any.then(|| Self {
            seed: options.seed,
            shares,
            lost_sessions: options.lost_session_ratio,
            ignores_cancellation: options.ignores_cancellation,
            answers: AtomicU64::new(0),
            requests: AtomicU64::new(0),
        })
    }

    /// What becomes of the next answer to a tool call; `None`: nothing.
    pub fn answer(&self) -> Option<Spoil> {
        let number = self.answers.fetch_add(1, Ordering::Relaxed);
        let mut drawn = stream(self.seed ^ ANSWERS.rotate_left(32), number).random::<f64>();
        self.shares.iter().find_map(|(spoil, share)| {
            let hit = drawn < *share;
            drawn -= share;
            hit.then_some(*spoil)
        })
    }

    /// Whether the session of the next request is forgotten before it.
    fn forgets(&self) -> bool {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        stream(self.seed ^ SESSIONS.rotate_left(32), number).random::<f64>() < self.lost_sessions
    }
}

/// As much of a message as the faults look at.
#[derive(Debug, Deserialize)]
struct Peek<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    method: Option<std::borrow::Cow<'a, str>>,
}

impl<'a> Peek<'a> {
    /// Looks at a message; a text that is none has neither id nor method.
    fn at(message: &'a [u8]) -> Self {
        serde_json::from_slice(message).unwrap_or(Self { id: None, method: None })
    }

    fn calls_a_tool(&self) -> bool {
        self.method.as_deref() == Some("tools/call")
    }

    fn cancels(&self) -> bool {
        self.method.as_deref() == Some("notifications/cancelled")
    }

    /// The id of the request that this message answers.
    fn answers(&self) -> Option<&'a str> {
        if self.method.is_some() { None } else { self.id.map(RawValue::get) }
    }
}

/// The first half of a message.
fn half(message: &[u8]) -> &[u8] {
    message.get(..message.len() / 2).unwrap_or_default()
}

/// The message with the id of no request; as it is where it is none.
fn misdirected(message: &[u8]) -> Vec<u8> {
    match serde_json::from_slice::<Value>(message) {
        Ok(Value::Object(mut fields)) => {
            fields.insert("id".to_owned(), NOBODY.into());
            Value::Object(fields).to_string().into_bytes()
        }
        _ => message.to_vec(),
    }
}
