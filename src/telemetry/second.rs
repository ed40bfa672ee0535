//! One second as a line of JSON.

use serde::Serialize;
use serde_json::{Map, Value};

use super::context::phase;
use super::totals::Now;
use super::{Context, Labels};
use crate::record::{Distribution, Frozen, SeriesRow, Slice, Time};

#[derive(Serialize)]
struct Line<'a> {
    run_id: &'a str,
    name: &'a str,
    second: u32,
    time: &'a str,
    users: u64,
    in_flight: u64,
    generator: Generator,
    scenarios: Vec<Map<String, Value>>,
    steps: Vec<Map<String, Value>>,
}

#[derive(Serialize)]
struct Generator {
    #[serde(skip_serializing_if = "Option::is_none")]
    cpu_ratio: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lag_seconds: Option<f64>,
}

/// Times in seconds.
#[derive(Serialize)]
struct Times {
    count: u64,
    mean: Option<f64>,
    p50: Option<f64>,
    p90: Option<f64>,
    p95: Option<f64>,
    p99: Option<f64>,
    max: Option<f64>,
}

impl Times {
    fn of(times: Option<&Frozen>) -> Times {
        let mut sum = Distribution::new();
        times.map(|times| sum.add_frozen(times));
        let seconds = |nanos: Option<f64>| nanos.map(|nanos| nanos / 1e9);
        let at = |percentile| seconds(sum.percentile(percentile));
        Times {
            count: sum.count(),
            mean: seconds(sum.mean()),
            p50: at(50.0),
            p90: at(90.0),
            p95: at(95.0),
            p99: at(99.0),
            max: seconds(sum.max()),
        }
    }
}

/// What happened in one second, as JSON with the end of a line. `time` is when it ended,
/// as RFC 3339 writes it.
#[must_use]
pub fn line(context: &Context, slice: &Slice, time: &str) -> String {
    let now = Now::of(slice.second, &slice.health, context.threads);
    let line = Line {
        run_id: &context.run_id,
        name: &context.name,
        second: slice.second,
        time,
        users: now.users,
        in_flight: now.in_flight,
        generator: Generator { cpu_ratio: now.cpu, lag_seconds: now.lag },
        scenarios: scenarios(context, slice),
        steps: slice.series.iter().map(|row| step(context, row)).collect(),
    };
    // Plain data with text keys, which serde_json can write.
    let mut text = serde_json::to_string(&line).unwrap_or_default();
    text.push('\n');
    text
}

/// Labels as members, named as Prometheus has them.
fn named(labels: Labels) -> Map<String, Value> {
    labels.into_iter().map(|(key, value)| (key.trim_start_matches("mcpl.").replace('.', "_"), value.into())).collect()
}

fn step(context: &Context, row: &SeriesRow) -> Map<String, Value> {
    let mut step = named(context.labels(row));
    let errors = row.counts.errors.iter().filter(|(class, _)| class.is_failure());
    let errors: Map<String, Value> = errors.map(|(class, count)| (class.name().to_owned(), (*count).into())).collect();
    let times = |time: Time| serde_json::json!(Times::of(row.times.get(time as usize)));
    step.extend([
        ("requests".to_owned(), row.counts.requests.into()),
        ("errors".to_owned(), errors.into()),
        ("bytes_in".to_owned(), row.counts.bytes_in.into()),
        ("bytes_out".to_owned(), row.counts.bytes_out.into()),
        ("latency_seconds".to_owned(), times(Time::Latency)),
        ("failed_seconds".to_owned(), times(Time::Failed)),
    ]);
    step
}

fn scenarios(context: &Context, slice: &Slice) -> Vec<Map<String, Value>> {
    let row = |row: &crate::record::ScenarioRow| {
        let mut labels = context.of_scenario(row.scenario);
        labels.push(phase(row.phase));
        let mut scenario = named(labels);
        scenario.extend([
            ("iterations".to_owned(), row.iterations.into()),
            ("dropped".to_owned(), row.dropped.into()),
            ("sessions".to_owned(), row.sessions.into()),
        ]);
        let level = context.scenarios.get(row.scenario).and_then(|planned| planned.level(slice.second));
        if let Some((level, rate)) = level {
            let key = if rate { "planned_rate" } else { "planned_users" };
            scenario.insert(key.to_owned(), level.into());
        }
        scenario
    };
    slice.scenarios.iter().map(row).collect()
}
