//! Runs made up for tests: every byte of them follows from this file.

use super::judged::verdict;

use crate::plan::{Arrivals, Endpoint, Flow, Load, Measure, Plan, Scenario, Segment, Series, Server, Share};
use crate::record::{ErrorClass, Moment, Phase, ProcessRow, Recorder, Recording, Sample, Shape, SlowRequest};
use crate::results::{Ended, Environment, Results, Run, SCHEMA, ServerInfo, Tool};
use crate::units::Dimension;
use crate::verdict::{Finding, Kind, Level, Outcome, Verdict};

const MS: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MS;

/// Names of a run, so that hostile ones can be put in their place.
pub(super) struct Names<'a> {
    pub(super) plan: &'a str,
    pub(super) scenario: &'a str,
    pub(super) step: &'a str,
    pub(super) message: &'a str,
    pub(super) params: &'a str,
}

const PLAIN: Names<'static> = Names {
    plan: "docs_search",
    scenario: "browse",
    step: "search",
    message: "search index is being rebuilt, try again in 2s (shard 3 of 8)",
    params: r#"{"name":"search","arguments":{"query":"storage limits of the free plan"}}"#,
};

/// A run of 15 s with two scenarios, a warm-up, errors, dropped arrivals and a
/// failing assertion.
pub(crate) fn typical() -> (Results, Verdict) {
    run(&PLAIN, 15)
}

/// The same with other names everywhere a name or a server's text can stand.
pub(crate) fn hostile(text: &str) -> (Results, Verdict) {
    let (mut results, mut verdict) =
        run(&Names { plan: text, scenario: text, step: text, message: text, params: text }, 15);
    let owned = || text.to_owned();
    results.plan.expectations = vec![owned()];
    results.plan.flows.iter_mut().for_each(|flow| flow.name = owned());
    results.plan.servers.iter_mut().for_each(|server| server.name = owned());
    results.plan.scenarios.iter_mut().for_each(|scenario| scenario.doc = Some(owned()));
    for server in &mut results.servers {
        for field in [
            &mut server.name,
            &mut server.server_name,
            &mut server.server_version,
            &mut server.revision,
            &mut server.transport,
        ] {
            *field = owned();
        }
    }
    results.run.id = owned();
    results.run.started = owned();
    results.environment.os = owned();
    results.environment.cpu = owned();
    results.tool.name = owned();
    results.tool.version = owned();
    results.plan_hash = owned();
    verdict.sentence = owned();
    verdict.findings = vec![Finding { kind: Kind::Errors, level: Level::Problem, text: owned() }];
    for judgement in &mut verdict.assertions {
        judgement.source = owned();
        judgement.explanation = owned();
    }
    (results, verdict)
}

/// A run in which everything went well, over in a second.
pub(crate) fn one_second() -> (Results, Verdict) {
    let (mut results, mut verdict) = run(&PLAIN, 1);
    for scenario in &mut results.plan.scenarios {
        scenario.warmup_ns = 0;
        scenario.load = match &scenario.load {
            Load::Open { arrivals, .. } => Load::Open { segments: vec![segment(4.0, 4.0, 1)], arrivals: *arrivals },
            _ => Load::Closed { segments: vec![segment(8.0, 8.0, 1)], work: None },
        };
    }
    results
        .recording
        .seconds
        .iter_mut()
        .flat_map(|slice| &mut slice.series)
        .for_each(|row| row.phase = Phase::Measured);
    verdict.outcome = Outcome::Passed;
    verdict.sentence = "nothing was asserted".to_owned();
    verdict.assertions.clear();
    verdict.findings.clear();
    (results, verdict)
}

/// A run in which nothing was recorded.
pub(crate) fn empty() -> (Results, Verdict) {
    let (mut results, _) = run(&PLAIN, 1);
    results.recording = Recording::default();
    results.run.load_ms = 0;
    results.run.total_ms = 0;
    let sentence = "nothing was measured: no request came to an end after the warm-up".to_owned();
    (
        results,
        Verdict {
            outcome: Outcome::Inconclusive,
            sentence,
            assertions: Vec::new(),
            findings: Vec::new(),
            searches: Vec::new(),
            comparisons: Vec::new(),
            trend: None,
        },
    )
}

/// A search that broke at its second level.
pub(super) fn search() -> crate::verdict::Searched {
    let leg = |level: f64, from: u64, held: bool| crate::verdict::Tried {
        level,
        from_ns: from * 1_000_000_000,
        duration_ns: 5_000_000_000,
        confirming: from == 10,
        held: Some(held),
        broke: (!held).then(|| "`latency.p95 < 100ms` broke: 312ms, worst in `search_rules` with 340ms".to_owned()),
    };
    crate::verdict::Searched {
        scenario: 0,
        level: Some(crate::units::Quantity::new(40.0, crate::units::Dimension::Rate)),
        confirmed: true,
        confidence: Some(0.98),
        ended: crate::verdict::SearchEnd::Broke,
        legs: vec![leg(40.0, 0, true), leg(60.0, 5, false), leg(40.0, 10, true)],
        sentence: "`browse` holds 40/s, confirmed for 30s, 98% sure".to_owned(),
    }
}

/// A run with it.
pub(crate) fn searched() -> (Results, Verdict) {
    let (results, mut verdict) = run(&PLAIN, 15);
    verdict.searches.push(search());
    (results, verdict)
}

/// A run that was compared, and has runs before it.
pub(super) fn compared() -> (Results, Verdict) {
    let (results, mut verdict) = run(&PLAIN, 15);
    let faster = run(&PLAIN, 12).0;
    verdict.comparisons.push(super::judged::comparison().with_spread(&[results.clone(), faster.clone(), faster]));
    verdict.trend = Some(super::judged::trend(&results.run.id));
    (results, verdict)
}

/// A run that the user stopped after 6 of 15 s.
pub(super) fn interrupted() -> (Results, Verdict) {
    let (mut results, mut verdict) = run(&PLAIN, 6);
    results.run.ended = Ended::Interrupted;
    verdict.outcome = Outcome::Interrupted;
    verdict.sentence = "stopped early; of what was measured, 2 of 5 assertions did not hold".to_owned();
    (results, verdict)
}

/// A run that was cut off after 6 of 15 s, read from its journal.
pub(super) fn cut_off() -> (Results, Verdict) {
    let (mut results, mut verdict) = interrupted();
    results.run.ended = Ended::Killed;
    verdict.sentence =
        "cut off: the process died during the run; of what was measured until then, 2 of 5 assertions did \
                        not hold"
            .to_owned();
    (results, verdict)
}

/// A run whose load generator was the bottleneck.
pub(super) fn invalid() -> (Results, Verdict) {
    let (results, mut verdict) = run(&PLAIN, 15);
    verdict.outcome = Outcome::Invalid;
    verdict.sentence = "the load generator was the bottleneck, so the figures are not the server's; on them, 2 of 5 \
                        assertions did not hold"
        .to_owned();
    (results, verdict)
}

/// A run of `seconds` with `series` steps, one of which is drawn from the
/// typical run; each second is a copy of one of its seconds.
pub(super) fn long(seconds: u32, series: usize) -> (Results, Verdict) {
    let (mut results, mut verdict) = typical();
    let template = results.recording.seconds.clone();
    let plan = &mut results.plan;
    plan.series = (0..series)
        .map(|n| Series { step: format!("step_number_{n}"), kind: "call".to_owned(), ..Series::default() })
        .collect();
    plan.scenarios[0].load =
        Load::Open { segments: vec![segment(40.0, 40.0, u64::from(seconds))], arrivals: Arrivals::Uniform };
    results.recording.seconds = (0..seconds)
        .map(|second| {
            let mut slice = template[second as usize % 13 + 2].clone();
            let rows = slice.series.clone();
            slice.second = second;
            slice.health.lag = if second % 9 > 0 { Default::default() } else { slice.health.lag };
            slice.series = (0..series)
                .map(|n| {
                    let mut row = rows[n % rows.len()].clone();
                    (row.series, row.phase) = (n, if second < 2 { Phase::Warmup } else { Phase::Measured });
                    // Unpacking is slow without optimisation; a few rows are
                    // enough to draw from.
                    if n > 0 || second % 9 > 0 {
                        row.times = Default::default();
                    }
                    row
                })
                .collect();
            slice
        })
        .collect();
    results.run.load_ms = u64::from(seconds) * 1000;
    results.run.total_ms = results.run.load_ms + 200;
    for judgement in &mut verdict.assertions {
        judgement.per_second = (0..seconds).map(|second| Some(f64::from(second % 17))).collect();
    }
    (results, verdict)
}

fn run(names: &Names<'_>, seconds: u32) -> (Results, Verdict) {
    let plan = plan(names);
    let results = Results {
        schema: SCHEMA.to_owned(),
        tool: Tool { name: "mcpl".to_owned(), version: "0.1.0".to_owned() },
        plan_hash: "3f9a1c0de4b7".repeat(6)[..64].to_owned(),
        run: Run {
            id: "20261123-100000-7k2f".to_owned(),
            parts: Vec::new(),
            started: "2026-11-23T10:00:00Z".to_owned(),
            load_ms: u64::from(seconds) * 1000,
            total_ms: u64::from(seconds) * 1000 + 340,
            ended: Ended::Completed,
            guarded: None,
            threads: 2,
        },
        environment: Environment {
            os: "Linux 6.12.9".to_owned(),
            cpu: "AMD EPYC 9354".to_owned(),
            cores: 4,
            memory_bytes: 16 << 30,
            open_files: 65536,
        },
        servers: vec![ServerInfo {
            name: "docs".to_owned(),
            transport: "http".to_owned(),
            revision: "2025-11-25".to_owned(),
            server_name: "docs-mcp".to_owned(),
            server_version: "4.2.1".to_owned(),
            tools: 12,
            tokens: None,
        }],
        recording: recording(&plan, names, seconds),
        plan,
    };
    (results, verdict(seconds))
}

fn segment(from: f64, to: f64, seconds: u64) -> Segment {
    Segment { from, to, duration_ns: seconds * SECOND }
}

fn plan(names: &Names<'_>) -> Plan {
    let flow = |name: &str| Flow { name: name.to_owned(), doc: None, steps: Vec::new(), locals: 0 };
    let series = |scenario, flow, step: &str, kind: &str| Series {
        scenario,
        flow,
        step: step.to_owned(),
        kind: kind.to_owned(),
        ..Series::default()
    };
    let scenario = |name: &str, doc: Option<&str>, load, max_users, mix| Scenario {
        doc: doc.map(str::to_owned),
        warmup_ns: 2 * SECOND,
        drain_ns: 10 * SECOND,
        max_users,
        ..Scenario::new(name, load, mix)
    };
    let open =
        Load::Open { segments: vec![segment(0.0, 40.0, 5), segment(40.0, 40.0, 10)], arrivals: Arrivals::Uniform };
    let closed = Load::Closed { segments: vec![segment(8.0, 8.0, 15)], work: None };
    Plan {
        schema: crate::plan::SCHEMA.to_owned(),
        name: names.plan.to_owned(),
        seed: 42,
        servers: vec![Server {
            timeout_ns: 10 * SECOND,
            connect_timeout_ns: 5 * SECOND,
            ..Server::new("docs", Endpoint::Http { url: "http://127.0.0.1:8931/mcp?token=none".to_owned() })
        }],
        flows: vec![flow("search_and_open"), flow("summarise"), flow("compose")],
        scenarios: vec![
            scenario(
                names.scenario,
                Some("People who search the documentation and open what they find."),
                open,
                Some(50),
                vec![Share { flow: 0, slots: 80 }, Share { flow: 1, slots: 20 }],
            ),
            scenario("agents", None, closed, None, vec![Share { flow: 2, slots: 100 }]),
        ],
        series: vec![
            series(0, 0, names.step, "call"),
            series(0, 0, "fetch_page", "call"),
            series(0, 1, "summarise_page", "prompt"),
            Series { tag_keys: vec!["tenant".to_owned()], ..series(1, 2, "compose_rules", "call") },
        ],
        expectations: vec!["finds something".to_owned()],
        groups: vec!["search and open".to_owned()],
        measures: vec![Measure { name: "hits".to_owned(), dimension: Dimension::Number }],
        ..Plan::default()
    }
}

/// A stream of numbers from 0 to 1, the same on every machine.
struct Stream(u64);

impl Stream {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f64 / (1_u64 << 24) as f64
    }
}

fn recording(plan: &Plan, names: &Names<'_>, seconds: u32) -> Recording {
    let mut recorder =
        Recorder::new(Shape { series: plan.series.len(), scenarios: 2, expectations: 1, groups: 1, measures: 1 });
    let mut random = Stream(7);
    for second in 0..seconds {
        second_of(&mut recorder, &mut random, names, second);
    }
    recorder.finish();
    let (slices, examples) = recorder.drain();
    let mut recording = Recording::default();
    slices.into_iter().for_each(|slice| recording.add(slice));
    recording.add_examples(examples);
    for slice in &mut recording.seconds {
        slice.health.cpu_ns = 180 * MS + u64::from(slice.second) * 20 * MS;
        slice.health.cpu_of_ns = 2 * SECOND;
        slice.health.busiest_ns = 110 * MS + u64::from(slice.second) * 15 * MS;
        slice.health.rss_bytes = (14 << 20) + u64::from(slice.second) * (64 << 10);
        slice.health.open_files = 21 + u64::from(slice.second.min(9)) * 2;
        slice.health.open_sockets = 8 + u64::from(slice.second.min(9)) * 2;
        slice.health.users = 8 + u64::from(slice.second.min(9)) * 2;
        slice.health.in_flight = 3 + u64::from(slice.second % 4);
        slice.processes = processes(slice.second, seconds);
    }
    recording
}

/// A server that is watched, and lets go of half of what it took.
fn processes(second: u32, seconds: u32) -> Vec<ProcessRow> {
    let at = u64::from(second);
    let row = |moment, cpu_ns, rss_bytes, open_files| ProcessRow {
        server: 0,
        moment,
        processes: 2,
        cpu_ns,
        cpu_of_ns: SECOND,
        rss_bytes,
        open_files,
    };
    let during = row(Moment::During, (300 + at * 45) * MS, (24 << 20) + at.min(9) * (768 << 10), 32 + at.min(9) * 3);
    let before = (second == 0).then(|| row(Moment::Before, 0, 24 << 20, 11));
    let after = (second + 1 == seconds).then(|| row(Moment::After, 10 * MS, 27 << 20, 11));
    before.into_iter().chain([during]).chain(after).collect()
}

fn second_of(recorder: &mut Recorder, random: &mut Stream, names: &Names<'_>, second: u32) {
    let phase = if second < 2 { Phase::Warmup } else { Phase::Measured };
    // A stall at second 9: everything is slow, some of it fails.
    let stalled = (9..=10).contains(&second);
    let arrivals = if second < 5 { 4 + second * 8 } else { 40 };
    for n in 0..arrivals {
        if stalled && n % 9 == 0 {
            recorder.dropped(second, 0, phase, 1);
            continue;
        }
        recorder.started(second, 0, phase);
        recorder.lag(second, 20_000 + (random.next() * 80_000.0) as u64);
        let slow = if stalled { 14.0 } else { 1.0 };
        for (series, base) in [(0, 12.0), (1, 5.0), (2, 30.0)] {
            if (series == 2) != (n % 5 == 0) {
                continue;
            }
            let tail = 1.0 / (1.0 - random.next() * 0.97);
            let latency = (base * slow * (0.7 + 0.1 * tail + 0.5 * random.next()) * MS as f64) as u64;
            let error = match (stalled, n % 13, series) {
                (true, 3, _) => Some(ErrorClass::Timeout),
                (_, 7, 0) if second.is_multiple_of(3) => Some(ErrorClass::Tool),
                (_, 11, 1) if second == 12 => Some(ErrorClass::Rpc),
                _ => None,
            };
            request(recorder, names, second, series, phase, latency, error);
        }
        recorder.expectation(second, 0, phase, n % 40 != 1);
        recorder.iteration(second, 0, phase, 20 * MS);
        recorder.group(second, 0, phase, (18 + u64::from(n % 7)) * MS);
        recorder.measure(second, 0, phase, u64::from(n % 6) * 1_000_000_000);
    }
    for _ in 0..8 * 3 {
        recorder.started(second, 1, phase);
        request(recorder, names, second, 3, phase, ((60.0 + random.next() * 90.0) * MS as f64) as u64, None);
        recorder.iteration(second, 1, phase, 90 * MS);
    }
    if second == 0 {
        (0..8).for_each(|_| recorder.session(0, 1, Phase::Warmup, MS, 4 * MS));
    }
}

fn request(
    recorder: &mut Recorder,
    names: &Names<'_>,
    second: u32,
    series: usize,
    phase: Phase,
    latency: u64,
    error: Option<ErrorClass>,
) {
    let wait = 40_000 + latency / 50;
    let sample = Sample {
        latency,
        service: Some(latency - wait),
        wait: Some(wait),
        first_byte: Some(latency / 2),
        bytes_in: 900 + latency / MS * 7,
        bytes_out: 240,
        error,
        ..Sample::default()
    };
    if series == 3 {
        let tenant = if latency.is_multiple_of(3) { "acme" } else { names.scenario };
        recorder.tagged_request(second, series, phase, &[tenant.to_owned()], &sample);
    } else {
        recorder.request(second, series, phase, &sample);
    }
    let latency_ns = latency;
    if error.is_none() && phase == Phase::Measured && recorder.wants_slow(series, latency_ns) {
        let ended_ms = u64::from(second) * 1000 + latency % 900;
        recorder.slow(SlowRequest {
            series,
            latency_ns,
            due_ms: ended_ms.saturating_sub(latency / MS),
            iteration: Some(u64::from(second) * 40 + latency % 40),
            user: latency % 50,
            server: 0,
            service_ns: sample.service,
            wait_ns: sample.wait,
            first_byte_ns: sample.first_byte,
            connect_ns: latency.is_multiple_of(4).then_some(wait / 2),
            bytes_in: sample.bytes_in,
            bytes_out: sample.bytes_out,
            tags: if series == 3 { vec![names.scenario.to_owned()] } else { Vec::new() },
            params: names.params.to_owned(),
        });
    }
    if let Some(class) = error {
        let message = if class == ErrorClass::Timeout { "no answer within 10s" } else { names.message };
        recorder.failure(series, class, u64::from(second) * 1000 + latency / MS, message);
    }
}
