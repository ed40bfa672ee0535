//! Comparing runs that are made up.

use super::*;
use crate::results::ServerInfo;
use crate::verdict::compare::{self, Change, Gate, LEVEL, Needed, Pairing, Question, Scale, unlike};

/// A run of 1,000 requests in 4 measured seconds, all of this latency at about the
/// median, with some slower ones, and so many failures.
pub(super) fn run(id: &str, median_ms: f64, failures: u64) -> Results {
    let mut recorder = Recorder::new(Shape { series: 1, scenarios: 1, expectations: 1, ..Shape::default() });
    for number in 0..1000_u64 {
        let second = u32::try_from(1 + number / 250).unwrap();
        let share = number as f64 / 1000.0;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "some milliseconds")]
        let latency = (median_ms * 1e6 * (0.5 + share)) as u64;
        let error = (number < failures).then_some(ErrorClass::Tool);
        recorder.started(second, 0, Phase::Measured);
        recorder.request(second, 0, Phase::Measured, &Sample { latency, error, ..Sample::default() });
    }
    recorder.finish();
    let mut recording = Recording::default();
    recorder.drain().0.into_iter().for_each(|slice| recording.add(slice));
    let mut results = results(recording, vec![]);
    results.run.id = id.to_owned();
    results.environment = Environment {
        os: "Linux 6.1.0-1 x86_64".to_owned(),
        cpu: "A processor".to_owned(),
        cores: 4,
        ..Environment::default()
    };
    results.servers.push(ServerInfo {
        name: "s".to_owned(),
        transport: "http".to_owned(),
        revision: "2025-06-18".to_owned(),
        server_name: "rules".to_owned(),
        server_version: "1.2".to_owned(),
        tools: 1,
        tokens: None,
    });
    results
}

/// Runs with these medians in milliseconds.
fn runs(medians: &[f64]) -> Vec<Results> {
    medians.iter().enumerate().map(|(at, median)| run(&format!("r{at}"), *median, 0)).collect()
}

/// Compares runs of which both sides have ids of their own.
fn compare(old: &[Results], new: &[Results], question: &Question) -> compare::Comparison {
    let mut new = new.to_vec();
    new.iter_mut().for_each(|run| run.run.id.insert(0, 'n'));
    compare::compare(old, &new, question)
}

fn standard(runs: &[Results]) -> Question {
    Question::standard(&runs[0].plan)
}

fn median_only(runs: &[Results]) -> Question {
    let mut question = standard(runs);
    question.gates.truncate(1);
    question
}

const STEADY: [f64; 5] = [100.0, 101.0, 99.0, 100.5, 99.5];

fn times(factor: f64) -> Vec<Results> {
    runs(&STEADY.map(|median| median * factor * 1.001))
}

#[test]
fn several_runs_that_are_slower_regress() {
    let (old, new) = (runs(&STEADY), times(1.2));
    let found = compare(&old, &new, &standard(&new));
    assert_eq!(found.outcome, Change::Regressed, "{}", found.sentence);
    assert!(found.sentence.starts_with("regressed: latency.p50 +20.1%, latency.p95 +20.1%"), "{}", found.sentence);
    assert_eq!(found.method, "5 against 5 runs by permutation, Holm over all metrics at 5%");
    let median = &found.metrics[0];
    assert_eq!((median.verdict, median.scale), (Change::Regressed, Scale::Ratio));
    assert!(median.low.unwrap() > 0.05 && median.high.unwrap() < 0.25 && median.p.unwrap() <= LEVEL);
    assert!((median.above.unwrap() - 0.05).abs() < 1e-9 && median.below.is_none());
    let throughput = &found.metrics[4];
    assert_eq!(throughput.verdict, Change::NoMeaningfulChange, "{}", throughput.explanation);
    assert_eq!(compare(&old, &new, &standard(&new)), found, "the same runs give the same comparison");
    let better = compare(&new, &old, &standard(&old));
    assert_eq!(better.outcome, Change::Improved, "{}", better.sentence);
    assert_eq!(better.outcome.exit_code(), 0);
}

#[test]
fn several_runs_that_are_as_fast_have_not_changed() {
    let (old, new) = (runs(&STEADY), times(1.0));
    let found = compare(&old, &new, &standard(&new));
    assert_eq!(found.outcome, Change::NoMeaningfulChange, "{}", found.sentence);
    assert_eq!(found.sentence, "no meaningful change: 5 metrics within the margins");
    assert_eq!(found.old[0].servers, ["rules 1.2"]);
}

#[test]
fn a_new_run_is_held_against_what_is_likely() {
    let old = runs(&STEADY);
    let against = |median: f64| compare(&old, &runs(&[median]), &standard(&old));
    let slower = against(120.0);
    assert_eq!(slower.outcome, Change::Regressed, "{}", slower.sentence);
    assert!(slower.method.starts_with("1 new run against the prediction interval of 5 runs"), "{}", slower.method);
    assert_eq!(against(100.5).outcome, Change::NoMeaningfulChange);
    // Beyond what is likely, and within the margin.
    assert_eq!(against(104.0).outcome, Change::NoMeaningfulChange);
    assert_eq!(against(80.0).outcome, Change::Improved);
    // And one old run against several new ones.
    let turned = compare(&runs(&[80.0]), &old, &standard(&old));
    assert_eq!(turned.outcome, Change::Regressed, "{}", turned.sentence);
}

#[test]
fn runs_that_differ_among_themselves_are_inconclusive_and_say_how_many_would_do() {
    let old = runs(&[80.0, 120.0, 95.0, 110.0, 100.0]);
    let found = compare(&old, &runs(&[115.0]), &median_only(&old));
    assert_eq!((found.outcome, found.outcome.exit_code()), (Change::Inconclusive, 5));
    let median = &found.metrics[0];
    assert!(median.detectable.unwrap() > 0.3, "{}", median.explanation);
    assert!(median.needed.unwrap().old > 20, "{}", median.explanation);
    assert!(found.sentence.ends_with("runs of each side would tell"), "{}", found.sentence);
}

#[test]
fn too_few_runs_for_so_many_metrics_are_refused() {
    let (old, new) = (runs(&STEADY[..4]), times(1.5)[..4].to_vec());
    let five = compare(&old, &new, &standard(&new));
    assert_eq!(five.outcome, Change::Inconclusive);
    assert_eq!(
        five.sentence,
        "inconclusive: 4 runs against 4 runs can tell nothing of 5 metrics; a verdict needs 5 runs of each side"
    );
    let mut three = standard(&new);
    three.gates.truncate(3);
    assert_eq!(compare(&old, &new, &three).outcome, Change::Regressed, "4 runs are enough for three");
}

#[test]
fn one_run_against_one_is_described() {
    let found = compare(&runs(&[100.0]), &runs(&[200.0]), &standard(&runs(&[1.0])));
    assert_eq!((found.outcome, found.outcome.exit_code()), (Change::Descriptive, 0));
    assert_eq!(
        found.sentence,
        "1 run against 1 run: described, not judged; a verdict needs 5 runs of each side, or 3 old ones for a new one"
    );
    let median = &found.metrics[0];
    assert!((median.change.unwrap() - 1.0).abs() < 0.01 && median.p.is_none() && median.low.is_none());
}

#[test]
fn pairs_are_compared_by_their_differences() {
    // Runs that differ by much, and pairs that do not.
    let base = [60.0, 90.0, 130.0, 100.0, 75.0, 110.0, 95.0, 120.0];
    let (old, new) = (runs(&base), runs(&base.map(|median| median * 1.1)));
    let mut question = median_only(&old);
    assert_eq!(compare(&old, &new, &question).outcome, Change::Inconclusive);
    question.pairing = Pairing::Paired;
    let paired = compare(&old, &new, &question);
    assert_eq!(paired.outcome, Change::Regressed, "{}", paired.sentence);
    assert_eq!(paired.method, "8 pairs by permutation of signs, Holm over all metrics at 5%");
    let odd = compare(&old, &new[..7], &question);
    assert_eq!(odd.outcome, Change::NotComparable, "{}", odd.sentence);
}

#[test]
fn shares_are_compared_by_their_differences() {
    let with = |failures: &[u64]| -> Vec<Results> {
        failures.iter().enumerate().map(|(at, count)| run(&format!("e{at}"), 100.0, *count)).collect()
    };
    let mut question = standard(&with(&[0]));
    question.gates.retain(|gate| gate.metric.source == "errors.rate");
    let (old, new) = (with(&[0, 0, 0, 0, 0]), with(&[30, 28, 31, 33, 29]));
    let found = compare(&old, &new, &question);
    assert_eq!(found.outcome, Change::Regressed, "{}", found.sentence);
    assert_eq!(found.metrics[0].scale, Scale::Difference);
    assert_eq!(found.sentence, "regressed: errors.rate +3 points");
    assert_eq!(compare(&old, &with(&[0]), &question).outcome, Change::NoMeaningfulChange);
    // Two requests of a thousand are no news, although it never happened before; of three
    // nobody knows: that all of six thousand are in the new run has a chance of 1 in 216.
    assert_eq!(compare(&old, &with(&[2]), &standard(&old)).metrics[3].verdict, Change::NoMeaningfulChange);
    assert_eq!(compare(&old, &with(&[3]), &standard(&old)).metrics[3].verdict, Change::Inconclusive);
    // Also where the file says how much is accepted.
    question.gates[0].floor = None;
    assert_eq!(compare(&old, &with(&[1]), &question).outcome, Change::NoMeaningfulChange);
    assert_eq!(compare(&old, &with(&[60]), &question).outcome, Change::Regressed);
}

#[test]
fn a_small_latency_has_a_margin_of_its_own() {
    let (old, new) = (runs(&STEADY.map(|median| median / 500.0)), runs(&STEADY.map(|median| median / 300.0)));
    // 0.2 ms and 0.33 ms.
    assert_eq!(compare(&old, &new, &standard(&new)).outcome, Change::NoMeaningfulChange);
    let mut written = median_only(&new);
    written.gates[0].floor = None;
    assert_eq!(compare(&old, &new, &written).outcome, Change::Regressed);
}

#[test]
fn a_metric_without_a_value_is_left_out_unless_it_is_required() {
    let (old, new) = (runs(&STEADY), times(1.0));
    let mut question = standard(&new);
    question.gates[2].metric.statistic = Statistic::Percentile(99.99);
    let found = compare(&old, &new, &question);
    assert_eq!(found.outcome, Change::NoMeaningfulChange, "{}", found.sentence);
    let missing = &found.metrics[2];
    assert_eq!(missing.verdict, Change::NoValue);
    assert_eq!(missing.explanation, "run r0 has 1000 samples of the 36887 that it needs");
    question.gates[2].required = true;
    assert_eq!(compare(&old, &new, &question).outcome, Change::Inconclusive);
}

#[test]
fn runs_without_their_course_compare_alike() {
    let (old, new) = (runs(&STEADY), times(1.2));
    let condensed: Vec<Results> = old.iter().map(Results::condensed).collect();
    let question = standard(&new);
    assert_eq!(compare(&old, &new, &question), compare(&condensed, &new, &question));
}

#[test]
fn both_directions_of_a_metric_are_looked_at() {
    let (old, new) = (runs(&STEADY), times(0.8));
    let mut question = median_only(&new);
    let gate: &mut Gate = &mut question.gates[0];
    (gate.above, gate.below) = (Some(0.05), Some(0.05));
    let found = compare(&old, &new, &question);
    assert_eq!(found.outcome, Change::Regressed, "any change is one: {}", found.sentence);
    assert_eq!(compare(&old, &times(1.0), &question).outcome, Change::NoMeaningfulChange);
}

#[test]
fn both_directions_have_half_the_level_each() {
    let of = |count: usize| {
        let (old, new) = (runs(&STEADY[..count]), times(2.0)[..count].to_vec());
        let mut question = median_only(&new);
        assert_eq!(compare(&old, &new, &question).outcome, Change::Regressed, "{count} runs, one direction");
        question.gates[0].below = question.gates[0].above;
        compare(&old, &new, &question)
    };
    let three = of(3);
    assert_eq!(three.outcome, Change::Inconclusive);
    assert_eq!(
        three.sentence,
        "inconclusive: 3 runs against 3 runs can tell nothing of 1 metric; a verdict needs 4 runs of each side"
    );
    assert_eq!(of(4).outcome, Change::Regressed);
}

#[test]
fn a_change_near_the_margin_needs_more_runs_than_there_are() {
    let old = runs(&STEADY.map(|median| 100.0 + (median - 100.0) * 3.0));
    let by = |factor: f64| {
        let new = runs(&STEADY.map(|median| (100.0 + (median - 100.0) * 3.0) * factor));
        let found = compare(&old, &new, &median_only(&new));
        assert_eq!(found.outcome, Change::Inconclusive, "{factor}: {}", found.sentence);
        (found.metrics[0].needed, found.sentence)
    };
    let (near, _) = by(1.0435);
    let (farther, sentence) = by(1.03);
    let (near, farther) = (near.unwrap(), farther.unwrap());
    assert!(farther.old > 5 && near.old > 2 * farther.old, "{farther:?} and {near:?}");
    assert!(sentence.ends_with(&format!("; {} runs of each side would tell", farther.new)), "{sentence}");
    let (none, sentence) = by(1.0499);
    assert_eq!(none, None);
    assert!(sentence.ends_with("; the change is too near the margin to tell with a number of runs that is practical"));
}

#[test]
fn one_new_run_needs_more_old_ones() {
    let medians = [98.0, 102.0, 100.0];
    let (old, new) = (runs(&medians), runs(&[101.0]));
    let mut question = median_only(&new);
    let found = compare(&old, &new, &question);
    let Needed { old: needed, new: one } = found.metrics[0].needed.unwrap();
    assert_eq!((found.outcome, one), (Change::Inconclusive, 1), "{}", found.sentence);
    assert!(found.sentence.ends_with(&format!("{needed} old runs for the new one would tell")), "{}", found.sentence);
    question.baseline = Some("nightly".to_owned());
    let named = compare(&old, &new, &question);
    assert_eq!(named.baseline.as_deref(), Some("nightly"));
    let hint = format!("; {needed} runs in the baseline would tell (`mcpl baseline save nightly RUN… --append`)");
    assert!(named.sentence.ends_with(&hint), "{}", named.sentence);
    // As many that differ as these do.
    let many: Vec<f64> = medians.iter().copied().cycle().take(needed as usize).collect();
    assert_eq!(compare(&runs(&many), &new, &question).outcome, Change::NoMeaningfulChange);
}

#[test]
fn few_new_runs_are_told_how_many_the_old_ones_need() {
    let (old, new) = (runs(&STEADY), times(1.2)[..2].to_vec());
    let found = compare(&old, &new, &standard(&new));
    assert_eq!(
        found.sentence,
        "inconclusive: 2 runs against 5 runs can tell nothing of 5 metrics; a verdict needs 4 new runs for the 5 old \
         ones; one new run at a time can be judged as it is"
    );
    assert_eq!(compare(&old, &new[..1], &standard(&new)).outcome, Change::Regressed);
    assert_eq!(compare(&old, &times(1.2)[..4], &standard(&new)).outcome, Change::Regressed);
}

#[test]
fn a_run_counts_once() {
    let old = runs(&STEADY);
    let again = compare::compare(&old, &old[..1], &standard(&old));
    assert_eq!((again.outcome, again.reasons), (Change::NotComparable, vec!["run r0 is named twice".to_owned()]));
    let mut forced = standard(&old);
    forced.force = true;
    let twice = [old[1].clone(), old[1].clone(), old[2].clone()];
    assert_eq!(compare(&twice, &runs(&[100.0]), &forced).sentence, "not comparable: run r1 is named twice");
    let mut rehearsed = old;
    for run in &mut rehearsed {
        run.servers[0].transport = crate::results::SIMULATED.to_owned();
        run.run.id = "rehearsal".to_owned();
    }
    let same = compare::compare(&rehearsed, &rehearsed[..1], &standard(&rehearsed));
    assert_eq!(same.outcome, Change::NoMeaningfulChange, "rehearsals have no id of their own: {}", same.sentence);
}

/// What keeps a run from being compared with another.
fn refused(change: impl FnOnce(&mut Results)) -> (Change, Vec<String>) {
    let old = runs(&STEADY);
    let mut new = runs(&[100.0]);
    change(&mut new[0]);
    let found = compare(&old, &new, &standard(&old));
    assert_eq!(found.outcome.exit_code(), if found.reasons.is_empty() { 0 } else { 5 });
    let mut forced = standard(&old);
    forced.force = true;
    (compare(&old, &new, &forced).outcome, found.reasons)
}

#[test]
fn another_load_is_not_comparable_and_says_what_differs() {
    let (forced, reasons) = refused(|run| {
        let Load::Open { segments, .. } = &mut run.plan.scenarios[0].load else { unreachable!() };
        segments[0].to = 120.0;
        segments[0].from = 120.0;
    });
    assert_eq!(reasons, ["scenario `main`, stage 1: level 100 for 5s, and now level 120 for 5s"]);
    assert_eq!(forced, Change::NoMeaningfulChange, "it is compared when it is forced");
    let (_, reasons) = refused(|run| run.plan.servers[0].timeout_ns = 2 * SECOND);
    assert_eq!(reasons, ["server `s`: timeout 1s, and now 2s"]);
    let (_, reasons) = refused(|run| run.plan.scenarios[0].warmup_ns = 0);
    assert_eq!(reasons, ["scenario `main`: warmup 1s, and now 0ns"]);
    let (_, reasons) = refused(|run| {
        let segment = Segment { from: 1.0, to: 1.0, duration_ns: SECOND };
        if let Load::Open { segments, .. } = &mut run.plan.scenarios[0].load {
            segments.push(segment);
        }
    });
    assert_eq!(reasons, ["scenario `main`: 1 stages, and now 2"]);
    let (_, reasons) = refused(|run| run.plan.seed = 9);
    assert!(reasons.is_empty(), "another seed is the same load: {reasons:?}");
}

#[test]
fn another_transport_revision_or_machine_is_not_comparable() {
    let (_, reasons) = refused(|run| {
        run.servers[0].transport = "stdio".to_owned();
        run.plan.servers[0].endpoint = Endpoint::Stdio { command: vec!["x".to_owned()], env: vec![], cwd: None };
    });
    assert_eq!(reasons, ["server `s` was reached over http, and now over stdio"]);
    let (_, reasons) = refused(|run| run.servers[0].revision = "2025-11-25".to_owned());
    assert_eq!(reasons, ["server `s` spoke revision 2025-06-18, and now 2025-11-25"]);
    let (_, reasons) = refused(|run| run.environment.cores = 2);
    assert_eq!(
        reasons,
        [
            "the load came from another machine: 4 × A processor with Linux x86_64, and now 2 × A processor with Linux x86_64"
        ]
    );
    let (_, reasons) = refused(|run| run.environment.os = "Linux 6.1.0-2 x86_64".to_owned());
    assert!(reasons.is_empty(), "an update of the kernel is the same machine: {reasons:?}");
    let (_, reasons) = refused(|run| run.environment.memory_bytes = 16_371_000_000);
    assert!(reasons.is_empty(), "machines of one kind differ in it: {reasons:?}");
    let (_, reasons) = refused(|run| run.servers[0].transport = crate::results::SIMULATED.to_owned());
    assert_eq!(reasons, ["the new run was rehearsed without a server, and the old one was not"]);
    assert!(unlike(&runs(&[1.0])[0], &runs(&[9.0])[0]).is_empty());
}

#[test]
fn runs_that_are_no_basis_are_refused_also_by_force() {
    let (forced, reasons) = refused(|run| run.run.ended = Ended::Interrupted);
    assert_eq!((forced, reasons), (Change::NotComparable, vec!["run nr0 was interrupted".to_owned()]));
    let (_, reasons) = refused(|run| run.recording = Recording::default());
    assert_eq!(reasons, ["run nr0 measured nothing"]);
    let (_, reasons) = refused(|run| {
        run.recording.seconds.last_mut().unwrap().scenarios[0].dropped = 200;
        run.plan.guard.max_users = Some(1);
    });
    assert!(reasons[0].starts_with("run nr0 dropped 16.7% of its arrivals, and up to 1%"), "{reasons:?}");
    let (_, reasons) = refused(|run| {
        let seek = crate::plan::Seek::new(vec![1.0, 2.0], true, SECOND, SECOND);
        run.plan.scenarios[0].load = Load::Seek(Box::new(seek));
    });
    assert!(reasons[0].starts_with("run nr0 searches for a limit"), "{reasons:?}");
    assert_eq!(compare(&[], &runs(&[1.0]), &standard(&runs(&[1.0]))).outcome, Change::NotComparable);
}

#[test]
fn a_forced_comparison_finds_metrics_by_their_names() {
    let (old, mut new) = (runs(&STEADY), times(1.2));
    for run in &mut new {
        // A step before it.
        run.plan.series.insert(0, Series { step: "first".to_owned(), kind: "call".to_owned(), ..Series::default() });
        run.recording.seconds.iter_mut().for_each(|slice| slice.series.iter_mut().for_each(|row| row.series = 1));
    }
    let selection = Selection { series: vec![1], scenarios: vec![0], tags: Vec::new() };
    let mut question = median_only(&new);
    question.gates[0].metric.selection = selection;
    question.force = true;
    let found = compare(&old, &new, &question);
    assert_eq!(found.outcome, Change::Regressed, "{}", found.sentence);
    assert_eq!(found.reasons, ["1 series, and now 2"]);
    question.gates[0].metric.selection.series = vec![0];
    let gone = compare(&old, &new, &question);
    assert_eq!(gone.metrics[0].verdict, Change::NoValue, "the old runs have no such step");
}

#[test]
fn a_comparison_is_taken_into_the_verdict_on_a_run() {
    let old = runs(&STEADY);
    let of = |median: f64, question: &Question| compare(&old, &runs(&[median]), question);
    let taken = |comparison: compare::Comparison, strict: bool| {
        let mut verdict = judge(&runs(&[100.0])[0]);
        verdict.take_in(comparison, strict);
        (verdict.outcome, verdict.outcome.exit_code())
    };
    let question = standard(&old);
    assert_eq!(taken(of(150.0, &question), false), (Outcome::Failed, 1));
    assert_eq!(taken(of(100.0, &question), true), (Outcome::Passed, 0));
    let mut other = runs(&[100.0]);
    other[0].environment.cores = 1;
    assert_eq!(taken(compare(&old, &other, &question), false), (Outcome::Inconclusive, 5));
    // Undecided: passes when nothing looks worse, unless it is strict.
    let noisy = runs(&[80.0, 120.0, 95.0, 110.0, 100.0]);
    let against = |median: f64| compare(&noisy, &runs(&[median]), &median_only(&noisy));
    assert_eq!(against(101.0).outcome, Change::Inconclusive);
    assert_eq!(taken(against(101.0), false), (Outcome::Passed, 0));
    assert_eq!(taken(against(101.0), true), (Outcome::Inconclusive, 5));
    assert_eq!(taken(against(115.0), false), (Outcome::Inconclusive, 5));
    let described = compare(&old[..1], &runs(&[200.0]), &question);
    assert_eq!(taken(described.clone(), false), (Outcome::Passed, 0));
    assert_eq!(taken(described, true), (Outcome::Inconclusive, 5));
    // What has failed by itself stays so, and the sentence has both.
    let mut failed =
        judge(&results(recording(), vec![assertion(latency(50.0), Comparison::Less, 1.0, Dimension::Duration)]));
    failed.take_in(of(100.0, &question), false);
    assert_eq!(failed.outcome, Outcome::Failed);
    let expected =
        "the assertion did not hold; compared with the old runs: no meaningful change: 5 metrics within the margins";
    assert_eq!(failed.sentence, expected);
}

#[test]
fn a_sum_of_parts_and_a_run_with_fewer_servers_are_other_loads() {
    let old = run("a", 100.0, 0);
    let mut sum = run("b", 100.0, 0);
    sum.merge(run("c", 100.0, 0)).unwrap();
    let parts =
        "the old run is one part, and the new one the sum of 2 parts: each part makes the whole load of the plan";
    assert_eq!(unlike(&old, &sum), [parts]);
    assert_eq!(unlike(&sum, &sum.condensed()), Vec::<String>::new());
    let mut fewer = run("d", 100.0, 0);
    fewer.servers.clear();
    assert_eq!(unlike(&old, &fewer), ["the old run had 1 server, and the new one 0 servers"]);
    assert_eq!(unlike(&fewer, &old), ["the old run had 0 servers, and the new one 1 server"]);
}
