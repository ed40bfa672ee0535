//! Trends of made-up histories.

mod rates;

use super::{Entry, Handling, History, Kind, Run, Subject, Trend, Triage, trend};
use crate::plan::{Metric, MetricRef, Selection, Statistic, TimeMetric};

pub(super) const TODAY: &str = "2026-11-28";

fn latency() -> MetricRef {
    let metric = Metric::Time(TimeMetric::Latency);
    let statistic = Statistic::Percentile(95.0);
    MetricRef { source: "latency.p95".to_owned(), selection: Selection::default(), metric, statistic }
}

fn errors() -> MetricRef {
    let metric = Metric::Errors { class: None };
    MetricRef { source: "errors.rate".to_owned(), selection: Selection::default(), metric, statistic: Statistic::Rate }
}

/// A run for each value, each on a day of its own: run `r07` is of commit `c07…`.
pub(super) fn history(metric: MetricRef, values: &[f64]) -> History {
    let run = |(n, value): (usize, &f64)| Run {
        id: format!("r{n:02}"),
        started: format!("2026-{:02}-{:02}T08:00:00Z", 1 + n / 28, 1 + n % 28),
        commit: Some(format!("c{n:02}aaaaaaaa")),
        machine: "a".to_owned(),
        values: vec![Some(*value)],
    };
    let runs = values.iter().enumerate().map(run).collect();
    History { scenario: "docs".to_owned(), metrics: vec![metric], runs, left_out: Vec::new() }
}

/// Values about `level` that go up and down by a few percent.
fn about(level: f64, count: usize) -> Vec<f64> {
    let by = [0.0, 1.5, -2.0, 0.5, 2.5, -1.0, -0.5, 1.0, -1.5, 2.0, -2.5];
    by.iter().cycle().take(count).map(|percent| level * (1.0 + percent / 100.0)).collect()
}

fn seen(history: History) -> Trend {
    trend(&[history], &Triage::default(), TODAY)
}

fn step(after: usize) -> Vec<f64> {
    [about(20e6, 30), about(23e6, after)].concat()
}

#[test]
fn a_change_names_the_run_and_its_commit() {
    let trend = seen(history(latency(), &step(12)));
    let series = &trend.series[0];
    let [finding] = series.findings.as_slice() else { panic!("{:#?}", series.findings) };
    assert_eq!((finding.kind, finding.worse, finding.at, finding.since), (Kind::Change, Some(true), 30, 11));
    assert_eq!(
        finding.text,
        "`latency.p95` rose by 15% (20ms → 23ms) at run r30 (commit c30aaaa, 2026-02-03), confirmed by 11 runs since"
    );
    assert!(finding.detectors.change_point && finding.detectors.newest_run && finding.detectors.drift);
    assert!(finding.fails && trend.fails);
    let segments: Vec<_> = series.segments.iter().map(|segment| (segment.first, segment.last)).collect();
    assert_eq!(segments, [(0, 29), (30, 41)]);
}

#[test]
fn one_or_two_runs_are_a_suspicion() {
    for (after, wanted) in
        [(1, "suspected until 2 more runs confirm it"), (2, "suspected until another run confirms it")]
    {
        let trend = seen(history(latency(), &step(after)));
        let [finding] = trend.series[0].findings.as_slice() else { panic!("{:#?}", trend.series[0].findings) };
        assert_eq!((finding.kind, finding.at), (Kind::Suspected, 30));
        assert!(finding.text.ends_with(wanted), "{}", finding.text);
        assert!(!trend.fails, "what is suspected fails nothing");
    }
}

#[test]
fn a_change_for_the_better_fails_nothing() {
    let trend = seen(history(latency(), &[about(23e6, 30), about(20e6, 12)].concat()));
    let finding = &trend.series[0].findings[0];
    assert_eq!((finding.worse, finding.fails, trend.fails), (Some(false), false, false));
    assert!(finding.text.starts_with("`latency.p95` fell by 13% (23ms → 20ms)"), "{}", finding.text);
}

#[test]
fn what_has_come_back_fails_nothing() {
    let trend = seen(history(latency(), &[about(20e6, 25), about(23e6, 12), about(20e6, 12)].concat()));
    let findings = &trend.series[0].findings;
    assert_eq!(findings.iter().map(|finding| finding.at).collect::<Vec<_>>(), [25, 37]);
    assert!(findings[0].text.ends_with(", which lasted 12 runs") && !findings[0].stands, "{}", findings[0].text);
    // What comes after it confirms the next change, not this one.
    assert_eq!((findings[0].since, findings[1].since), (11, 11));
    assert!(!trend.fails);
}

#[test]
fn small_changes_are_not_told() {
    let trend = seen(history(latency(), &[about(20e6, 40), about(20.8e6, 40)].concat()));
    assert!(trend.series[0].findings.is_empty() && trend.series[0].segments.len() == 1, "{trend:#?}");
}

#[test]
fn a_slow_drift_is_told_as_one() {
    // A fifth of a percent each day, in noise of a few.
    let values: Vec<f64> = about(20e6, 60).iter().zip(0..).map(|(v, day)| v * 1.002_f64.powi(day)).collect();
    let trend = seen(history(latency(), &values));
    let kinds: Vec<Kind> = trend.series[0].findings.iter().map(|finding| finding.kind).collect();
    assert!(
        !kinds.is_empty() && trend.series[0].findings.iter().all(|finding| finding.worse == Some(true)),
        "{trend:#?}"
    );
    let short: Vec<f64> = about(20e6, 24).iter().zip(0..).map(|(v, day)| v * 1.005_f64.powi(day)).collect();
    let trend = seen(history(latency(), &short));
    let finding = &trend.series[0].findings[0];
    assert!(finding.kind == Kind::Drift || finding.kind == Kind::Change, "{finding:#?}");
}

#[test]
fn shares_differ_by_points() {
    let trend = seen(history(errors(), &[vec![0.0; 20], about(0.02, 8)].concat()));
    let finding = &trend.series[0].findings[0];
    assert_eq!(finding.at, 20);
    assert!(finding.text.starts_with("`errors.rate` rose from 0% to 2%"), "{}", finding.text);
    // A tenth of a tenth of a point is nothing, however often it is seen.
    let trend = seen(history(errors(), &[vec![0.0; 20], vec![0.0001; 20]].concat()));
    assert!(trend.series[0].findings.is_empty());
}

#[test]
fn another_machine_is_no_change() {
    let mut moved = history(latency(), &step(20));
    moved.runs[30..].iter_mut().for_each(|run| run.machine = "b".to_owned());
    let told = seen(moved);
    let series = &told.series[0];
    assert!(
        told.notes[0].starts_with("from run r30 on") && told.notes[0].contains("(b; before: a)"),
        "{:?}",
        told.notes
    );
    assert!(series.findings.is_empty(), "{:#?}", series.findings);
    assert_eq!((series.machines.len(), series.segments.len(), series.points[30].machine), (2, 2, 1));
    // Two machines in turn are two strands, each compared with itself.
    let mut turns = history(latency(), &step(20));
    turns.runs.iter_mut().step_by(2).for_each(|run| {
        run.machine = "b".to_owned();
        run.values = vec![run.values[0].map(|value| value * 3.0)];
    });
    let at: Vec<usize> = seen(turns).series[0].findings.iter().map(|finding| finding.at).collect();
    assert_eq!(at, [30, 31]);
}

fn entry(subject: Subject, state: Handling, until: Option<&str>) -> Triage {
    let until = until.map(str::to_owned);
    let entry = Entry { subject, metric: Some("latency.p95".to_owned()), state, until, reason: "known".to_owned() };
    Triage { entries: vec![entry] }
}

#[test]
fn what_was_decided_fails_nothing_until_it_ends() {
    let decided = |subject: Subject, state, until| {
        let trend = trend(&[history(latency(), &step(12))], &entry(subject, state, until), TODAY);
        let finding = trend.series[0].findings[0].clone();
        (trend.fails, finding.triage.is_some(), finding.text, trend.notes)
    };
    let run = || Subject::Run("r30".to_owned());
    let (fails, decision, text, notes) = decided(run(), Handling::Accept, None);
    assert!(!fails && decision && text.ends_with("; accepted: known") && notes.is_empty(), "{text} {notes:?}");
    // One run off, and by commit.
    let (fails, ..) = decided(Subject::Run("r31".to_owned()), Handling::Accept, None);
    let (also, ..) = decided(Subject::Commit("c30".to_owned()), Handling::Accept, None);
    assert!(!fails && !also);
    let (fails, _, text, _) = decided(run(), Handling::Ignore, Some(TODAY));
    assert!(!fails && text.ends_with("; ignored until 2026-11-28: known"), "{text}");
    let (fails, decision, _, notes) = decided(run(), Handling::Ignore, Some("2026-11-27"));
    assert!(fails && !decision);
    assert_eq!(notes, ["the triage of run r30, `latency.p95` ended on 2026-11-27"]);
    let (fails, _, _, notes) = decided(Subject::Run("r10".to_owned()), Handling::Accept, None);
    assert!(fails);
    assert_eq!(notes, ["the triage of run r10, `latency.p95` is about no change of this history"]);
}

#[test]
fn short_histories_say_so_and_nothing_else() {
    let trend = seen(history(latency(), &[1e6, 9e6, 2e6]));
    assert!(trend.series[0].findings.is_empty() && trend.notes[0].contains("has 3 runs"), "{:?}", trend.notes);
    let none = seen(history(latency(), &[]));
    assert!(none.series[0].points.is_empty() && none.series[0].segments.is_empty());
}

#[test]
fn the_same_history_gives_the_same_bytes() {
    let once = serde_json::to_string(&seen(history(latency(), &step(5)))).unwrap();
    assert_eq!(once, serde_json::to_string(&seen(history(latency(), &step(5)))).unwrap());
    assert_eq!(serde_json::from_str::<Trend>(&once).unwrap(), seen(history(latency(), &step(5))));
}
