//! How often comparisons are right: simulated runs through the code that ships.
//!
//! A run is one figure for each metric, with the noise that a quantile of its requests
//! has and the difference between runs; requests themselves would only cost time.

use rand::{Rng, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::compare::run;
use crate::record::{Distribution, Time};
use crate::results::Results;
use crate::verdict::compare::{Change, Pairing, Question, compare};

/// Comparisons of each cell.
const TIMES: u32 = 160;

/// Between runs: of the middle, and of the tail on top.
const BODY: f64 = 0.03;
const TAIL: f64 = 0.06;

/// Two standard errors of a share of [`TIMES`] comparisons around 5 %, and a little.
const BAND: f64 = 0.05 + 2.2 * 0.0172;

/// A standard normal number, by Box and Muller.
fn normal(rng: &mut Pcg64Mcg) -> f64 {
    let (a, b): (f64, f64) = (rng.random(), rng.random());
    (-2.0 * (1.0 - a).ln()).sqrt() * (std::f64::consts::TAU * b).cos()
}

/// The p50 and p99 of a run in milliseconds: a lognormal body around 20 ms with a
/// standard deviation of 0.35, and 2 % ten times slower, of 5,000 requests.
fn figures(factor: f64, shared: f64, rng: &mut Pcg64Mcg) -> (f64, f64) {
    let body = BODY * normal(rng) + shared;
    let tail = TAIL * normal(rng);
    // Standard errors of quantiles of 5,000 samples of these distributions.
    let (middle, top) = (20.3 * factor, 200.0 * factor);
    (middle * (body + 0.0065 * normal(rng)).exp(), top * (body + tail + 0.035 * normal(rng)).exp())
}

/// A run with these quantiles.
fn made(of: &Results, (p50, p99): (f64, f64)) -> Results {
    let mut made = of.clone();
    let mut times = Distribution::new();
    for number in 0..400 {
        // Of 400, the 200th is the p50 and the 396th the p99.
        let millis = if number < 380 { p50 } else { p99 };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "some milliseconds")]
        times.record((millis * 1e6) as u64);
    }
    let mut rows = made.recording.seconds.iter_mut().flat_map(|slice| &mut slice.series);
    rows.next().unwrap().times[Time::Latency as usize] = times.freeze();
    assert!(rows.next().is_none(), "the requests of a condensed run are in one place");
    made
}

struct Cell {
    regressed: u32,
    improved: u32,
    same: u32,
    open: u32,
}

#[derive(Clone, Copy)]
enum Design {
    One(usize),
    Several(usize),
    Pairs(usize),
}

fn cell(design: Design, factor: f64, seed: u64) -> Cell {
    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    let base = run("base", 20.0, 0).condensed();
    let mut question = Question::standard(&base.plan);
    question.gates.retain(|gate| ["latency.p50", "latency.p99"].contains(&gate.metric.source.as_str()));
    let (old, new) = match design {
        Design::One(known) => (known, 1),
        Design::Several(each) | Design::Pairs(each) => (each, each),
    };
    if matches!(design, Design::Pairs(_)) {
        question.pairing = Pairing::Paired;
    }
    let mut cell = Cell { regressed: 0, improved: 0, same: 0, open: 0 };
    for _ in 0..TIMES {
        // What the machine does to both runs of a pair.
        let shared: Vec<f64> = (0..old.max(new))
            .map(|_| if question.pairing == Pairing::Paired { 0.1 * normal(&mut rng) } else { 0.0 })
            .collect();
        let mut side = |name: &str, count: usize, factor: f64| -> Vec<Results> {
            let run = |at: usize| {
                let mut run = made(&base, figures(factor, shared[at], &mut rng));
                run.run.id = format!("{name}{at}");
                run
            };
            (0..count).map(run).collect()
        };
        let (before, after) = (side("old", old, 1.0), side("new", new, factor));
        match compare(&before, &after, &question).outcome {
            Change::Regressed => cell.regressed += 1,
            Change::Improved => cell.improved += 1,
            Change::NoMeaningfulChange => cell.same += 1,
            _ => cell.open += 1,
        }
    }
    cell
}

#[test]
fn calibration_of_the_shipped_defaults() {
    let designs = [
        ("1 against 3", Design::One(3)),
        ("1 against 5", Design::One(5)),
        ("1 against 10", Design::One(10)),
        ("5 against 5", Design::Several(5)),
        ("8 pairs", Design::Pairs(8)),
    ];
    let share = |count: u32| f64::from(count) / f64::from(TIMES);
    let percent = |count: u32| format!("{:.1}%", share(count) * 100.0);
    let mut table = String::from(
        "| runs | regressed, nothing changed | improved, nothing changed | no meaningful change, nothing changed | regressed, 10% slower | regressed, 20% slower | no meaningful change, 20% slower |\n|---|---:|---:|---:|---:|---:|---:|\n",
    );
    for (seed, (name, design)) in (1..).zip(designs) {
        let [none, ten, twenty] = [1.0, 1.1, 1.2].map(|factor| cell(design, factor, seed));
        assert!(share(none.regressed) <= BAND, "{name}: {} false alarms", percent(none.regressed));
        assert!(share(none.improved) <= BAND, "{name}: {} false improvements", percent(none.improved));
        assert!(share(twenty.same) <= BAND, "{name}: {} of real changes called none", percent(twenty.same));
        assert!(twenty.regressed > ten.regressed && ten.regressed > none.regressed, "{name}: it sees what changed");
        let row = [none.regressed, none.improved, none.same, ten.regressed, twenty.regressed, twenty.same];
        table += &format!("| {name} | {} |\n", row.map(percent).join(" | "));
    }
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/statistics.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once("<!-- calibration -->\n").unwrap();
    let (shown, after) = rest.split_once("<!-- /calibration -->").unwrap();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, format!("{before}<!-- calibration -->\n{table}<!-- /calibration -->{after}")).unwrap();
    } else {
        assert_eq!(shown, table, "UPDATE=1 cargo test --lib calibration writes the table of docs/statistics.md");
    }
}
