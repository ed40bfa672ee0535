//! The built-in server as the command line asks for it.

use clap::{Args, ValueEnum};

use super::args::{duration, share};
use crate::rulebook::{Answers, Options};
use crate::units::{self, Dimension};

#[derive(Debug, Args)]
pub(super) struct RulebookArgs {
    /// Serve Streamable HTTP on this port of 127.0.0.1; 0 takes a free one
    #[arg(long, value_name = "PORT", conflicts_with = "stdio", default_value_t = 8931)]
    pub(super) http: u16,

    /// Serve on standard input and output instead
    #[arg(long)]
    pub(super) stdio: bool,

    /// Rules in the library
    #[arg(long, value_name = "N", default_value_t = 200)]
    rules: usize,

    /// Seed of the library and of the faults
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,

    /// Entries of the composition cache; 0 switches it off
    #[arg(long, value_name = "N", default_value_t = 1024)]
    cache: usize,

    /// Age at which a cached composition is no longer served, such as 5m; 0s: never
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = duration)]
    cache_ttl: std::time::Duration,

    /// Fault: delay every answer, such as 20ms
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = duration)]
    latency: std::time::Duration,

    /// Fault: delay every answer by up to this much more, at random
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = duration)]
    jitter: std::time::Duration,

    /// Fault: share of requests that fail with a JSON-RPC error, such as 1%
    #[arg(long, value_name = "PERCENT", default_value = "0%", value_parser = share)]
    errors: f64,

    /// Fault: share of tool calls that end in a tool error, such as 1%
    #[arg(long, value_name = "PERCENT", default_value = "0%", value_parser = share)]
    tool_errors: f64,

    /// Fault: share of requests that fail in the last second of every ten, such as 50%
    #[arg(long, value_name = "PERCENT", default_value = "0%", value_parser = share)]
    error_bursts: f64,

    /// Fault: what every minute adds to the latency, such as 20ms
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = duration)]
    drift: std::time::Duration,

    /// Fault: what the first tool call takes longer; later ones less, for five seconds
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = duration)]
    slow_start: std::time::Duration,

    /// Fault: how long nothing is answered at the end of every five seconds, such as 500ms
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = duration)]
    freeze: std::time::Duration,

    /// Fault: how long compose_rules keeps every other call waiting, such as 200ms
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = duration)]
    lock: std::time::Duration,

    /// Fault: memory that every tool call keeps for good, such as 100KiB
    #[arg(long, value_name = "SIZE", default_value = "0B", value_parser = size)]
    leak: usize,

    /// Fault: memory that every session keeps for good, such as 300KiB
    #[arg(long, value_name = "SIZE", default_value = "0B", value_parser = size)]
    session_leak: usize,

    /// Fault: share of tool calls that get the answer to the call before them, such as 0.1%
    #[arg(long, value_name = "PERCENT", default_value = "0%", value_parser = share)]
    cross_wired: f64,

    /// Fault: share of tool calls whose answer is never sent, such as 0.1%
    #[arg(long, value_name = "PERCENT", default_value = "0%", value_parser = share)]
    lost: f64,

    /// Fault: share of tool calls whose answer is sent twice; not with JSON answers over HTTP
    #[arg(long, value_name = "PERCENT", default_value = "0%", value_parser = share)]
    duplicates: f64,

    /// Fault: share of tool calls whose answer begins and never ends
    #[arg(long, value_name = "PERCENT", default_value = "0%", value_parser = share)]
    stalled: f64,

    /// Fault: share of tool calls whose answer breaks off in its JSON
    #[arg(long, value_name = "PERCENT", default_value = "0%", value_parser = share)]
    malformed: f64,

    /// Fault: share of tool calls whose answer carries the id of no request
    #[arg(long, value_name = "PERCENT", default_value = "0%", value_parser = share)]
    wrong_ids: f64,

    /// Fault: share of requests before which the server forgets their session
    #[arg(long, value_name = "PERCENT", default_value = "0%", value_parser = share)]
    lost_sessions: f64,

    /// Fault: do not read notifications/cancelled
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value_t, default_missing_value = "true", action = clap::ArgAction::Set)]
    ignore_cancellation: bool,

    /// Fault: leave Nagle's algorithm on, so that event streams stall for 40 ms
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value_t, default_missing_value = "true", action = clap::ArgAction::Set)]
    nagle: bool,

    /// Form of the answers over HTTP
    #[arg(long, value_enum, default_value_t)]
    answers: AnswersArg,

    /// Stop when standard input ends, so that the server never outlives who started it
    #[arg(long, hide = true, conflicts_with = "stdio")]
    pub(super) until_stdin_ends: bool,
}

impl RulebookArgs {
    /// What the server is asked to be.
    pub(super) fn options(&self) -> Options {
        Options {
            rules: self.rules,
            seed: self.seed,
            cache_entries: self.cache,
            cache_ttl: self.cache_ttl,
            latency: self.latency,
            jitter: self.jitter,
            error_ratio: self.errors,
            tool_error_ratio: self.tool_errors,
            burst_ratio: self.error_bursts,
            drift: self.drift,
            slow_start: self.slow_start,
            freeze: self.freeze,
            lock: self.lock,
            leak: self.leak,
            session_leak: self.session_leak,
            cross_ratio: self.cross_wired,
            lost_ratio: self.lost,
            duplicate_ratio: self.duplicates,
            stalled_ratio: self.stalled,
            malformed_ratio: self.malformed,
            wrong_id_ratio: self.wrong_ids,
            lost_session_ratio: self.lost_sessions,
            ignores_cancellation: self.ignore_cancellation,
            nagle: self.nagle,
            answers: match self.answers {
                AnswersArg::Json => Answers::Json,
                AnswersArg::Sse => Answers::Sse,
            },
        }
    }
}

/// Form of the answers over HTTP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum AnswersArg {
    /// One JSON object each
    #[default]
    Json,
    /// An event stream each, with sessions in the revisions that have them
    Sse,
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "whole bytes, within the range that is checked"
)]
fn size(text: &str) -> Result<usize, String> {
    match units::parse(text) {
        Some(quantity) if quantity.dimension == Dimension::Size && quantity.value < 1e15 => Ok(quantity.value as usize),
        _ => Err("write a size with its unit, such as 100KiB".to_owned()),
    }
}
