//! What the parts of the measured path cost: `cargo bench --bench measured_path`
//! prints a figure for each. None is asserted: times depend on the machine.
//! `benches/instructions.rs` counts instructions, which do not.

#![expect(missing_docs, reason = "the functions that criterion makes")]
#![expect(clippy::expect_used, reason = "a bench may fail by panicking")]

use std::hint::black_box;

use bytes::Bytes;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use mcpl::expr::{Expr, Given, Scope, Template, Value};
use mcpl::model::{self, NoFiles, Options};
use mcpl::plan::schedule::Due;
use mcpl::plan::{Arrivals, Segment};
use mcpl::record::{Phase, Recorder, Recording, Sample, Shape};
use mcpl::transport::bench;
use rand_pcg::Pcg64Mcg;

/// Arrivals of an hour at 1,000/s, after a ramp of ten minutes.
fn schedule(criterion: &mut Criterion) {
    const TAKEN: usize = 100_000;
    let minute = 60_000_000_000;
    let segments = [
        Segment { from: 0.0, to: 1_000.0, duration_ns: 10 * minute },
        Segment { from: 1_000.0, to: 1_000.0, duration_ns: 60 * minute },
    ];
    let mut group = criterion.benchmark_group("schedule");
    group.throughput(Throughput::Elements(TAKEN as u64));
    for (name, arrivals) in [("uniform", Arrivals::Uniform), ("poisson", Arrivals::Poisson)] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| Due::new(&segments, arrivals, 1, 0, 0, 1).take(TAKEN).map(|(_, at)| at).max());
        });
    }
    group.finish();
}

fn sample(number: u64) -> Sample<'static> {
    Sample {
        latency: 1_000_000 + number * 7919 % 400_000,
        service: Some(900_000 + number * 7919 % 400_000),
        wait: Some(20_000 + number % 1_000),
        first_byte: Some(800_000 + number * 7919 % 400_000),
        bytes_in: 300,
        bytes_out: 450,
        ..Sample::default()
    }
}

/// So many seconds of so many series, 100 requests in each.
fn recording(seconds: u32, series: usize) -> Recording {
    let mut recorder = Recorder::new(Shape { series, scenarios: 1, ..Shape::default() });
    for second in 0..seconds {
        for number in 0..100 {
            (0..series).for_each(|series| recorder.request(second, series, Phase::Measured, &sample(number)));
        }
    }
    recorder.finish();
    let mut recording = Recording::default();
    recorder.drain().0.into_iter().for_each(|slice| recording.add(slice));
    recording
}

fn record(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("record");
    group.throughput(Throughput::Elements(1));
    let mut recorder = Recorder::new(Shape { series: 20, scenarios: 1, ..Shape::default() });
    let mut number = 0;
    group.bench_function("a request", |bencher| {
        bencher.iter(|| {
            number += 1;
            recorder.request(0, 7, Phase::Measured, &sample(number));
        });
    });
    let (one, other) = (recording(60, 20), recording(60, 20));
    group.throughput(Throughput::Elements(60 * 20));
    group.bench_function("merge two minutes of 20 series", |bencher| {
        let both = || (one.clone(), other.clone());
        bencher.iter_batched(
            both,
            |(mut one, other)| {
                one.merge(other);
                one
            },
            BatchSize::LargeInput,
        );
    });
    group.finish();
}

/// Variables, and nothing else that an expression could ask for.
struct Variables(Vec<Value>, Pcg64Mcg);

impl Scope for Variables {
    fn local(&self, slot: usize) -> Option<Value> {
        self.0.get(slot).cloned()
    }

    fn given(&self, _: Given) -> Option<Value> {
        None
    }

    fn header(&self, _: &str) -> Option<String> {
        None
    }

    fn random(&mut self) -> &mut Pcg64Mcg {
        &mut self.1
    }

    fn pattern(&self, _: &str) -> Option<regex::Regex> {
        None
    }
}

fn splice(criterion: &mut Criterion) {
    let mut template = Template::raw(r#"{"name":"search_rules","arguments":{"limit":10,"lang":["en","de"],"query":"#);
    template.push_json(Expr::Local(0));
    template.push_raw(r#","after":"#);
    template.push_json(Expr::Local(1));
    template.push_raw("}}");
    let query = serde_json::json!("naming of \"public\" functions");
    let values = vec![Value::Json(query), Value::Json(serde_json::json!(17))];
    let mut scope = Variables(values, Pcg64Mcg::new(1));
    let mut out = Vec::new();
    template.render(&mut scope, &mut out).expect("two variables");
    let mut group = criterion.benchmark_group("request body");
    group.throughput(Throughput::Bytes(out.len() as u64));
    group.bench_function("splice two values", |bencher| {
        bencher.iter(|| {
            out.clear();
            template.render(&mut scope, &mut out).expect("two variables");
            black_box(out.len())
        });
    });
    group.finish();
}

/// A response with so many bytes of text.
fn response(text: usize) -> Bytes {
    let text = "lorem ipsum ".repeat(text / 12);
    let result = serde_json::json!({ "content": [{ "type": "text", "text": text }], "isError": false });
    Bytes::from(format!(r#"{{"jsonrpc":"2.0","id":7,"result":{result}}}"#))
}

fn answers(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("answers");
    for (name, text) in [("250 bytes", 180), ("16 KiB", 16 * 1024)] {
        let message = response(text);
        group.throughput(Throughput::Bytes(message.len() as u64));
        group.bench_function(format!("JSON envelope of {name}"), |bencher| {
            bencher.iter(|| assert!(bench::is_reply(&message, 7)));
        });
        let mut event = b"event: message\nid: 1\ndata: ".to_vec();
        event.extend_from_slice(&message);
        event.extend_from_slice(b"\n\n");
        let stream = Bytes::from(event.repeat(64));
        // As a socket gives them: whole reads that split an event somewhere.
        let pieces: Vec<Bytes> =
            (0..stream.len()).step_by(8 * 1024).map(|at| stream.slice(at..stream.len().min(at + 8 * 1024))).collect();
        group.throughput(Throughput::Bytes(stream.len() as u64));
        group.bench_function(format!("SSE with events of {name}"), |bencher| {
            bencher.iter(|| assert_eq!(bench::events(&pieces), 64));
        });
    }
    group.finish();
}

fn plan(criterion: &mut Criterion) {
    let text = include_str!("../examples/quickstart.mcpl");
    let mut group = criterion.benchmark_group("plan");
    group.bench_function("compile the quickstart", |bencher| {
        bencher.iter_batched(
            || Options { name: "quickstart", seed: 1, overrides: &[], targets: &[], env: &|_| None, files: &NoFiles },
            |options| model::compile("quickstart.mcpl", text, &options).lowered.plan.expect("an example compiles"),
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

criterion_group!(benches, plan, schedule, record, splice, answers);
criterion_main!(benches);
