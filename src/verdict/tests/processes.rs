//! Assertions on the processes of servers.

use super::*;
use crate::record::{Moment, ProcessRow, Slice};
use crate::results::Results;

const MIB: u64 = 1 << 20;

fn row(server: usize, moment: Moment, cpu: f64, mib: u64) -> ProcessRow {
    let cpu_ns = (cpu * SECOND as f64) as u64;
    let (rss_bytes, open_files) = (mib * MIB, 10 + mib);
    ProcessRow { server, moment, processes: 1, cpu_ns, cpu_of_ns: SECOND, rss_bytes, open_files }
}

/// Two servers over three seconds of load and one of drain.
fn run(assertions: Vec<Assertion>) -> Results {
    use Moment::{After, Before, During};
    let seconds = [
        vec![row(0, Before, 9.0, 500), row(0, During, 0.5, 20), row(1, During, 1.5, 10)],
        vec![row(0, During, 0.7, 30), row(1, During, 1.5, 10)],
        vec![row(0, During, 0.9, 40)],
        vec![row(0, During, 0.1, 30), row(0, After, 9.0, 500)],
    ];
    let mut recording = Recording::default();
    for (second, processes) in (0..).zip(seconds) {
        recording.add(Slice { second, processes, ..Slice::default() });
    }
    let mut results = results(recording, assertions);
    (results.run.load_ms, results.run.total_ms) = (3000, 4000);
    results
}

/// What an assertion finds, in its own unit.
fn found(metric_of: Metric, statistic: Statistic, dimension: Dimension) -> f64 {
    let verdict =
        judge(&run(vec![assertion(metric(metric_of, statistic), Comparison::GreaterOrEqual, 0.0, dimension)]));
    assert_eq!(verdict.assertions[0].state, State::Held);
    verdict.assertions[0].observed.map(|quantity| quantity.value).unwrap()
}

#[test]
fn seconds_of_the_run_count_and_neither_what_was_before_nor_what_came_after() {
    let rss = |server, statistic| found(Metric::ServerRss { server }, statistic, Dimension::Size) / MIB as f64;
    assert_eq!(rss(Some(0), Statistic::Max), 40.0);
    assert_eq!(rss(Some(0), Statistic::Min), 20.0);
    assert_eq!(rss(Some(0), Statistic::Mean), 30.0);
    assert_eq!(rss(None, Statistic::Min), 30.0, "both together, where both are there");
    let fds = |server| found(Metric::ServerFds { server }, Statistic::Max, Dimension::Number);
    assert_eq!((fds(Some(1)), fds(None)), (20.0, 60.0));
    assert_eq!(found(Metric::ServerRss { server: Some(1) }, Statistic::Count, Dimension::Number), 2.0);
}

#[test]
fn processor_time_is_that_of_the_load_and_may_be_of_several_processors() {
    let cpu = |server, statistic| found(Metric::ServerCpu { server }, statistic, Dimension::Share);
    assert!((cpu(Some(0), Statistic::Min) - 0.5).abs() < 1e-9, "the drain is left out");
    assert!((cpu(None, Statistic::Max) - 2.2).abs() < 1e-9);
}

#[test]
fn a_server_that_nobody_watched_gives_no_data() {
    let rss = metric(Metric::ServerRss { server: Some(2) }, Statistic::Max);
    let verdict = judge(&run(vec![assertion(rss, Comparison::Less, 1e9, Dimension::Size)]));
    assert_eq!(verdict.assertions[0].state, State::NoData);
}

#[test]
fn what_looks_on_during_a_run_sees_each_process_once() {
    let results = run(Vec::new());
    let seen = crate::verdict::watch::measured(&results.recording.seconds[0]);
    assert_eq!(seen.processes, results.recording.seconds[0].processes);
}
