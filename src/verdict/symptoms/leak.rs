//! Memory that grows with the work and does not come back.

use std::ops::Range;

use super::super::Kind;
use super::{Symptom, course, problem};
use crate::record::Moment;
use crate::results::{Results, Window};
use crate::stats::{chance, slope, trend_score};
use crate::units;

/// A shorter stretch shows what a process takes to get going.
const LEAST_SECONDS: usize = 15;

/// The first part of the stretch is left out: heaps and caches fill then.
const GETTING_GOING: usize = 4;

/// The rest is cut into so many parts for the test of its trend.
const PARTS: usize = 10;

/// Beyond chance: one in about 700 stretches without a trend comes so far.
const SCORE: f64 = 3.0;

/// What matters: so many bytes within the stretch, and this share of what was there.
const LEAST_BYTES: f64 = 2.0 * 1024.0 * 1024.0;
/// See [`LEAST_BYTES`].
const GROWTH: f64 = 0.05;

/// What fills up slows down; what leaks goes on at this share of its pace, at least.
const PACE: f64 = 0.5;

/// After the load, at least this share of the growth is still there.
const KEPT: f64 = 0.7;

/// So many sessions tell what one of them costs.
const SESSIONS: u64 = 10;

/// The server whose memory grows most.
pub(super) fn find(results: &Results) -> Option<Symptom> {
    let seconds = course::even(results);
    let servers = 0..results.plan.servers.len();
    let leaks = servers.filter_map(|server| Some((server, of_server(results, server, &seconds)?)));
    let (server, leak) = leaks.max_by(|a, b| a.1.pace.total_cmp(&b.1.pace))?;
    let name = results.plan.servers.get(server).map_or("", |server| server.name.as_str());
    let text = format!(
        "the memory of `{name}` grows by {} a second under even load, from {} to {} (Mann–Kendall, {}){}: {}; look for what is \
         kept for each of them, such as a list of listeners, a log in memory or a map without an end",
        units::bytes(leak.pace),
        units::bytes(leak.from),
        units::bytes(leak.to),
        chance(leak.score),
        leak.afterwards
            .map_or_else(String::new, |bytes| format!(", and {} are left after the load", units::bytes(bytes))),
        costs(results, &leak, &seconds),
    );
    Some(problem(Kind::Leak, text))
}

struct Leak {
    score: f64,
    /// Bytes a second.
    pace: f64,
    from: f64,
    to: f64,
    /// What is there once the load is over, where a process is left to ask.
    afterwards: Option<f64>,
}

#[expect(clippy::cast_precision_loss, reason = "bytes of memory stay below 2^53")]
fn of_server(results: &Results, server: usize, seconds: &Range<u32>) -> Option<Leak> {
    let rows = || results.process(server).filter(|(_, row)| row.processes > 0);
    let during = rows().filter(|(second, row)| row.moment == Moment::During && seconds.contains(second));
    let mut seen: Vec<(f64, f64)> = during.map(|(second, row)| (f64::from(second), row.rss_bytes as f64)).collect();
    if seen.len() < LEAST_SECONDS {
        return None;
    }
    seen.drain(..seen.len() / GETTING_GOING);
    let (from, to) = (seen.first()?.1, seen.last()?.1);
    let grown = to - from;
    let matters = grown >= LEAST_BYTES && grown >= from * GROWTH;
    // By parts, also since a run may have a hundred thousand seconds.
    let points = course::parts(&seen, PARTS);
    let score = trend_score(&points.iter().map(|(_, bytes)| *bytes).collect::<Vec<f64>>());
    let (earlier, later) = points.split_at(points.len() / 2);
    let (pace, first_pace, last_pace) = (slope(&points)?, slope(earlier)?, slope(later)?);
    let afterwards = rows().find(|(_, row)| row.moment == Moment::After).map(|(_, row)| row.rss_bytes as f64);
    let kept = afterwards.is_none_or(|bytes| bytes - from >= grown * KEPT);
    let goes_on = last_pace >= first_pace * PACE;
    (score >= SCORE && matters && kept && goes_on).then_some(Leak { score, pace, from, to, afterwards })
}

/// What that is for each request, and for each session where there are enough.
#[expect(clippy::cast_precision_loss, reason = "counts stay below 2^53")]
fn costs(results: &Results, leak: &Leak, seconds: &Range<u32>) -> String {
    let everything = results.everything();
    let within = || seconds.clone().map(Window::Second);
    let requests: u64 = within().map(|window| results.counts(&everything, window).requests).sum();
    let rows = |window| results.scenario_rows(&everything, window).map(|row| row.sessions).sum::<u64>();
    let sessions: u64 = within().map(rows).sum();
    let each = |count: u64| units::bytes(leak.pace * seconds.len() as f64 / count.max(1) as f64);
    match sessions {
        sessions if sessions >= SESSIONS => {
            format!("that is {} for each session, or {} for each request", each(sessions), each(requests))
        }
        _ => format!("that is {} for each request", each(requests)),
    }
}
