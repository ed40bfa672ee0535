//! The slowest requests, one by one.

use serde::Serialize;

use super::float;
use crate::record::SlowRequest;
use crate::report::clean::clean;
use crate::results::Results;
use crate::stats::bunch_chance;

/// Requests that a report shows of all steps. The results have as many of each.
const SHOWN: usize = 10;

/// Requests that a report shows of one step.
const SHOWN_OF_A_STEP: usize = 5;

/// Fewer requests are nothing that lies together.
const TOGETHER_LEAST: usize = 3;

/// That requests were under way at one moment is told where the chance that they
/// were, had each come at any time, is no larger.
const CHANCE_MOST: f64 = 0.01;

/// A request that was answered, and took long.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SlowView {
    /// The scenario's name.
    pub scenario: String,
    /// The step's label.
    pub step: String,
    /// When it was due, or sent, from the start of the load.
    pub due_ns: f64,
    /// From then to its response.
    pub latency_ns: f64,
    /// From the first byte written to the response; none when unknown.
    pub service_ns: Option<f64>,
    /// From the due instant to the first byte written; none when unknown.
    pub wait_ns: Option<f64>,
    /// From the first byte written to the first byte of the response; none when unknown.
    pub first_byte_ns: Option<f64>,
    /// What it took to connect; none where the connection was there.
    pub connect_ns: Option<f64>,
    /// Bytes received.
    pub bytes_in: u64,
    /// Bytes sent.
    pub bytes_out: u64,
    /// Number of the user in its scenario, from 0.
    pub user: u64,
    /// Number of the iteration in its scenario, from 0; none before the first iteration
    /// of a user and after its last.
    pub iteration: Option<u64>,
    /// The server's name in the scenario file.
    pub server: String,
    /// The tags that it brought: `tenant=a, size=large`.
    pub tags: String,
    /// The beginning of the parameters that were sent.
    pub params: String,
}

/// Requests that were under way at one moment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TogetherView {
    /// How many.
    pub requests: usize,
    /// From when on all of them were, from the start of the load.
    pub from_ns: f64,
    /// When the first of them was answered.
    pub to_ns: f64,
}

/// The slowest requests of all steps, but for what users do before their first
/// iteration and after their last.
pub(super) fn slowest(results: &Results) -> Vec<SlowView> {
    views(results, &results.everything().series, SHOWN)
}

/// The slowest requests of one step.
pub(super) fn of_step(results: &Results, series: usize) -> Vec<SlowView> {
    views(results, &[series], SHOWN_OF_A_STEP)
}

fn views(results: &Results, series: &[usize], most: usize) -> Vec<SlowView> {
    results.slowest(series).into_iter().take(most).map(|request| view(results, request)).collect()
}

fn view(results: &Results, request: &SlowRequest) -> SlowView {
    let plan = &results.plan;
    let series = plan.series.get(request.series);
    let scenario = series.and_then(|series| plan.scenarios.get(series.scenario));
    let keys = series.map(|series| series.tag_keys.as_slice()).unwrap_or_default();
    let tags: Vec<String> =
        keys.iter().zip(&request.tags).map(|(key, value)| format!("{}={}", clean(key), clean(value))).collect();
    SlowView {
        scenario: scenario.map(|scenario| clean(&scenario.name)).unwrap_or_default(),
        step: series.map(|series| clean(&series.step)).unwrap_or_default(),
        due_ns: float(request.due_ms) * 1e6,
        latency_ns: float(request.latency_ns),
        service_ns: request.service_ns.map(float),
        wait_ns: request.wait_ns.map(float),
        first_byte_ns: request.first_byte_ns.map(float),
        connect_ns: request.connect_ns.map(float),
        bytes_in: request.bytes_in,
        bytes_out: request.bytes_out,
        user: request.user,
        iteration: request.iteration,
        server: plan.servers.get(request.server).map(|server| clean(&server.name)).unwrap_or_default(),
        tags: tags.join(", "),
        params: clean(&request.params),
    }
}

/// The moment at which most of the slowest requests were under way, if these are half
/// of them at least and it is no chance that they were.
pub(super) fn together(requests: &[SlowView], measured_ns: f64) -> Option<TogetherView> {
    // Most are under way when one of them is due.
    let moments = requests.iter().map(|request| request.due_ns);
    let at_once = |moment: f64| {
        let under_way = |request: &&SlowView| request.due_ns <= moment && moment < end(request);
        requests.iter().filter(under_way).collect::<Vec<_>>()
    };
    let most = moments.map(at_once).min_by(|a, b| {
        let begun = |requests: &[&SlowView]| latest(requests.iter().map(|request| request.due_ns));
        b.len().cmp(&a.len()).then_with(|| begun(a).total_cmp(&begun(b)))
    })?;
    if most.len() < TOGETHER_LEAST || most.len() * 2 < requests.len() || measured_ns <= 0.0 {
        return None;
    }
    let longest = latest(requests.iter().map(|request| request.latency_ns));
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let chance = bunch_chance(count(requests.len()), count(most.len()), longest / measured_ns);
    (chance <= CHANCE_MOST).then(|| TogetherView {
        requests: most.len(),
        from_ns: latest(most.iter().map(|request| request.due_ns)),
        to_ns: most.iter().map(|request| end(request)).fold(f64::INFINITY, f64::min),
    })
}

fn end(request: &SlowView) -> f64 {
    request.due_ns + request.latency_ns
}

fn latest(instants: impl Iterator<Item = f64>) -> f64 {
    instants.fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(due_ms: u64, latency_ms: u64) -> SlowView {
        SlowView {
            scenario: String::new(),
            step: String::new(),
            due_ns: float(due_ms) * 1e6,
            latency_ns: float(latency_ms) * 1e6,
            service_ns: None,
            wait_ns: None,
            first_byte_ns: None,
            connect_ns: None,
            bytes_in: 0,
            bytes_out: 0,
            user: 0,
            iteration: None,
            server: String::new(),
            tags: String::new(),
            params: String::new(),
        }
    }

    #[test]
    fn a_freeze_is_where_most_of_them_were_under_way() {
        // A server that answers nothing from 41 s to 42 s, and two that are slow by themselves.
        let frozen = (0..8).map(|n| request(41_000 + n * 50, 1000 - n * 50));
        let slow: Vec<_> = frozen.chain([request(7_000, 900), request(20_000, 800)]).collect();
        let found = together(&slow, 60e9).unwrap();
        assert_eq!((found.requests, found.from_ns, found.to_ns), (8, 41.35e9, 42e9));
    }

    #[test]
    fn nothing_is_told_that_chance_would_do() {
        let spread: Vec<_> = (0..10).map(|n| request(n * 6_000, 700)).collect();
        assert_eq!(together(&spread, 60e9), None);
        // All are under way at once, as they would be in so short a run.
        let long: Vec<_> = (0..10).map(|n| request(n * 100, 9_000)).collect();
        assert_eq!(together(&long, 10e9), None);
        assert_eq!(together(&[request(0, 9), request(0, 9)], 60e9), None, "two are nothing");
        assert_eq!(together(&[], 0.0), None);
        // One ends as the other begins.
        let after: Vec<_> = (0..4).map(|n| request(n * 10, 10)).collect();
        assert_eq!(together(&after, 60e9), None);
    }

    #[test]
    fn fewer_than_half_are_not_what_the_slowest_have_in_common() {
        let three = (0..3).map(|n| request(41_000 + n, 20));
        let requests: Vec<_> = three.chain((0..7).map(|n| request(n * 5_000, 20))).collect();
        assert_eq!(together(&requests, 60e9), None);
        assert_eq!(together(&requests[..6], 60e9).unwrap().requests, 3);
    }
}
