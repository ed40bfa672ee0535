//! What the server is asked to be.

use std::time::Duration;

use super::error::ServeError;
use super::limits::{MAX_DELAY, MAX_RULES};

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
    /// Share of `tools/call` that get the answer to the call before them, of
    /// whichever client, 0.0 to 1.0. Default 0.
    pub cross_ratio: f64,
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
            cross_ratio: 0.0,
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
        for (option, ratio) in [("error_ratio", self.error_ratio), ("cross_ratio", self.cross_ratio)] {
            // A NaN is in no range.
            if !(0.0..=1.0).contains(&ratio) {
                return refuse(option, format!("must be between 0 and 1, not {ratio}"));
            }
        }
        Ok(())
    }
}
