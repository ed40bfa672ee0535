//! What the server is asked to be.

use std::time::Duration;

use super::error::ServeError;
use super::limits::{FREEZE_EVERY, MAX_DELAY, MAX_LEAK, MAX_RULES};

/// The form of answers over HTTP. It has no effect on stdio.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Answers {
    /// One JSON object for each answer, in every revision. Revisions up to
    /// 2025-11-25 are then served without sessions: there is no
    /// `Mcp-Session-Id`, and GET and DELETE are answered 405.
    #[default]
    Json,
    /// An event stream for each answer. Revisions up to 2025-11-25 are then
    /// served with sessions, which end by DELETE or after five idle minutes.
    Sse,
}

/// The switches of the server. `Options::default()` is a healthy one.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Rules in the generated library, 1 to 9,999. Default 200.
    pub rules: usize,
    /// Seed of the library and of the faults; any value. Default 1.
    pub seed: u64,
    /// Compositions kept in the cache; 0 switches it off. Default 1,024. The
    /// cache also never holds more than 256 MiB.
    pub cache_entries: usize,
    /// Age at which a cached composition is no longer served; zero means that
    /// age does not matter. Default 5 minutes.
    pub cache_ttl: Duration,
    /// Delay before every `tools/call`, `prompts/get` and `resources/read`
    /// (but not of `rule://stats`). Default zero. The timer ticks in whole
    /// milliseconds and rounds up, so a delay lasts up to 1 ms more than asked.
    pub latency: Duration,
    /// Width of the delay's range: each request draws its delay uniformly
    /// from `latency ..= latency + jitter`. Default zero. The sum may be at
    /// most 2 minutes.
    pub jitter: Duration,
    /// Share of the same requests that fail with the JSON-RPC error -32603,
    /// 0.0 to 1.0. Default 0.
    pub error_ratio: f64,
    /// Share of `tools/call` that end in a result with `isError`, 0.0 to 1.0.
    /// Default 0.
    pub tool_error_ratio: f64,
    /// Share of the requests under `latency` that fail with -32603 in one second
    /// of every [`BURST_EVERY`](super::limits::BURST_EVERY), 0.0 to 1.0. Default 0.
    pub burst_ratio: f64,
    /// What every minute since the start adds to `latency`, at most 2 minutes.
    /// Default zero.
    pub drift: Duration,
    /// What the first `tools/call` takes longer, at most 2 minutes; later ones
    /// take less, and nothing [`SLOW_START`](super::limits::SLOW_START) after it.
    /// Default zero.
    pub slow_start: Duration,
    /// How long nothing is answered at the end of every
    /// [`FREEZE_EVERY`](super::limits::FREEZE_EVERY), below that period. Default zero.
    pub freeze: Duration,
    /// How long `compose_rules` keeps every other tool call waiting, its own like
    /// included, at most 2 minutes. Default zero: nothing waits for anything.
    pub lock: Duration,
    /// Bytes that every `tools/call` keeps for good. Default 0. Both leaks together
    /// stop at [`MAX_LEAK`](super::limits::MAX_LEAK).
    pub leak: usize,
    /// Bytes that every `initialize` keeps for good, also after the session has
    /// ended. Default 0.
    pub session_leak: usize,
    /// Share of `tools/call` that get the answer to the call before them, of
    /// whichever client, 0.0 to 1.0. Default 0.
    pub cross_ratio: f64,
    /// Share of `tools/call` whose answer is never sent: over HTTP an event stream
    /// ends without it, a JSON answer does not come. 0.0 to 1.0. Default 0. All
    /// shares of spoiled answers, from this to `wrong_id_ratio`, sum to 1 at most.
    pub lost_ratio: f64,
    /// Share of `tools/call` whose answer is sent twice; nothing where each answer
    /// is one JSON object over HTTP. Default 0.
    pub duplicate_ratio: f64,
    /// Share of `tools/call` whose answer begins and never ends; without an answer
    /// over stdio. Default 0.
    pub stalled_ratio: f64,
    /// Share of `tools/call` whose answer breaks off in the middle of its JSON.
    /// Default 0.
    pub malformed_ratio: f64,
    /// Share of `tools/call` whose answer carries the id of no request. Default 0.
    pub wrong_id_ratio: f64,
    /// Share of requests before which the server forgets their session, 0.0 to 1.0;
    /// nothing where there are no sessions. Default 0.
    pub lost_session_ratio: f64,
    /// Does not read `notifications/cancelled`. Default false.
    pub ignores_cancellation: bool,
    /// Leaves Nagle's algorithm on for its connections, so that the later parts of
    /// an event stream wait for the client's delayed acknowledgement. Default false.
    pub nagle: bool,
    /// The form of answers over HTTP. Default [`Answers::Json`].
    pub answers: Answers,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            rules: 200,
            seed: 1,
            cache_entries: 1024,
            cache_ttl: Duration::from_secs(300),
            latency: Duration::ZERO,
            jitter: Duration::ZERO,
            error_ratio: 0.0,
            tool_error_ratio: 0.0,
            burst_ratio: 0.0,
            drift: Duration::ZERO,
            slow_start: Duration::ZERO,
            freeze: Duration::ZERO,
            lock: Duration::ZERO,
            leak: 0,
            session_leak: 0,
            cross_ratio: 0.0,
            lost_ratio: 0.0,
            duplicate_ratio: 0.0,
            stalled_ratio: 0.0,
            malformed_ratio: 0.0,
            wrong_id_ratio: 0.0,
            lost_session_ratio: 0.0,
            ignores_cancellation: false,
            nagle: false,
            answers: Answers::Json,
        }
    }
}

impl Options {
    /// Names the first option that is out of range.
    pub(super) fn check(&self) -> Result<(), ServeError> {
        let refuse = |option, problem| Err(ServeError::Option { option, problem });
        if !(1..=MAX_RULES).contains(&self.rules) {
            return refuse("rules", format!("must be between 1 and {MAX_RULES}, not {}", self.rules));
        }
        if self.latency.saturating_add(self.jitter) > MAX_DELAY {
            return refuse("latency", format!("and jitter may add up to {} s at most", MAX_DELAY.as_secs()));
        }
        for (option, delay) in [("drift", self.drift), ("slow_start", self.slow_start), ("lock", self.lock)] {
            if delay > MAX_DELAY {
                return refuse(option, format!("may be {} s at most", MAX_DELAY.as_secs()));
            }
        }
        if self.freeze >= FREEZE_EVERY {
            return refuse("freeze", format!("must be shorter than its period of {} s", FREEZE_EVERY.as_secs()));
        }
        for (option, bytes) in [("leak", self.leak), ("session_leak", self.session_leak)] {
            if bytes > MAX_LEAK {
                return refuse(option, format!("may be {} MiB at most", MAX_LEAK >> 20));
            }
        }
        let spoiled = [
            ("lost_ratio", self.lost_ratio),
            ("duplicate_ratio", self.duplicate_ratio),
            ("stalled_ratio", self.stalled_ratio),
            ("malformed_ratio", self.malformed_ratio),
            ("wrong_id_ratio", self.wrong_id_ratio),
        ];
        let others = [
            ("error_ratio", self.error_ratio),
            ("tool_error_ratio", self.tool_error_ratio),
            ("burst_ratio", self.burst_ratio),
            ("cross_ratio", self.cross_ratio),
            ("lost_session_ratio", self.lost_session_ratio),
        ];
        for (option, ratio) in others.iter().chain(&spoiled) {
            // A NaN is in no range.
            if !(0.0..=1.0).contains(ratio) {
                return refuse(option, format!("must be between 0 and 1, not {ratio}"));
            }
        }
        if spoiled.iter().map(|(_, ratio)| ratio).sum::<f64>() > 1.0 {
            return refuse("lost_ratio", "and the other shares of spoiled answers may sum to 1 at most".to_owned());
        }
        Ok(())
    }
}
