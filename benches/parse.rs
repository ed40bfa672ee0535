//! How fast a scenario file is parsed and compiled: `cargo bench --bench parse`
//! prints the throughput.

#![expect(missing_docs, reason = "the functions that criterion makes")]

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use mcpl::model::{self, NoFiles, Options};
use mcpl::syntax;

const FLOW: &str = r#"
flow f%d {
  call search_rules {
    args { "query": "naming", "limit": 10, "filters": { "lang": ["en", "de"] } }
    expect length(structured.hits) > 0 as "finds something"
    save best = structured.hits[0].id
  }
  think 300ms..1.2s
  call get_rule {
    args { "id": best }
    expect latency < 2s
  }
}
"#;

/// A good file with so many flows of 13 lines.
fn file(flows: usize) -> String {
    let mut text = "mcpl 1\nserver s { builtin rulebook }\n".to_owned();
    for number in 0..flows {
        text.push_str(&FLOW.replace("%d", &number.to_string()));
    }
    text.push_str("scenario a {\n  target s\n  stages { hold 5/s for 10s }\n  run f0\n}\n");
    text
}

fn parse(criterion: &mut Criterion) {
    // About 1,000 lines.
    let text = file(77);
    let mut group = criterion.benchmark_group("scenario file of 1,000 lines");
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("parse", |bencher| bencher.iter(|| syntax::parse(&text)));
    group.bench_function("compile", |bencher| {
        bencher.iter_batched(
            || Options { name: "bench", seed: 1, overrides: &[], targets: &[], env: &|_| None, files: &NoFiles },
            |options| model::compile("bench.mcpl", &text, &options),
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

criterion_group!(benches, parse);
criterion_main!(benches);
