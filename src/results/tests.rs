//! Reading results: whatever the bytes, an answer or an error.

mod baseline;

use std::borrow::Cow;

use proptest::prelude::*;

use super::{Ended, Journal, ReadError, Results, Second};
use crate::record::SlowRequest;

/// A small but whole results file.
fn text() -> String {
    let plan = r#"{"schema":"mcpl.plan/1","name":"t","seed":1,"servers":[{"name":"s","endpoint":{"http":{"url":"http://127.0.0.1:1/"}},"headers":[],"protocol":null,"timeout_ns":1,"connect_timeout_ns":1}],"guard":{"allow_hosts":[],"allow_tools":[],"deny_tools":[],"max_rate":null,"max_users":null},"flows":[{"name":"f","steps":[],"locals":0}],"scenarios":[{"name":"m","targets":[{"server":0,"slots":1}],"warmup_ns":0,"load":{"closed":{"segments":[{"from":1.0,"to":1.0,"duration_ns":1000000000}]}},"drain_ns":1,"max_users":null,"mix":[{"flow":0,"slots":1}],"close":1.0}],"series":[{"scenario":0,"flow":0,"step":"x","kind":"call"}],"expectations":["l"],"assertions":[],"reports":[]}"#;
    let row = r#"{"series":0,"phase":"measured","counts":{"requests":1,"bytes_in":1,"bytes_out":1},"times":["","","","",""]}"#;
    let slice = |second: u32| {
        format!(
            r#"{{"second":{second},"series":[{row}],"scenarios":[],"expectations":[{{"label":0,"phase":"measured","passed":1,"failed":0}}],"health":{{"lag":"","cpu_ns":0,"in_flight":0,"users":0}}}}"#
        )
    };
    format!(
        r#"{{"schema":"mcpl.results/1","tool":{{"name":"mcpl","version":"0"}},"plan":{plan},"plan_hash":"x","run":{{"id":"r","started":"2026-01-01T00:00:00Z","load_ms":1000,"total_ms":1000,"ended":"completed","threads":1}},"environment":{{"os":"","cpu":"","cores":1,"memory_bytes":0,"open_files":0}},"servers":[],"recording":{{"seconds":[{},{}],"failures":[]}}}}"#,
        slice(0),
        slice(1)
    )
}

#[test]
fn a_whole_file_survives_the_round_trip() {
    let results = Results::from_json(&text()).unwrap();
    assert_eq!(Results::from_json(&results.to_json()).unwrap(), results);
}

#[test]
fn other_files_are_told_apart() {
    assert!(matches!(Results::from_json("{}"), Err(ReadError::NoResults)));
    assert!(matches!(Results::from_json("[1]"), Err(ReadError::NoResults)));
    assert!(matches!(Results::from_json(r#"{"schema":"other/1"}"#), Err(ReadError::NoResults)));
    assert!(matches!(Results::from_json(r#"{"schema":"mcpl.results/2"}"#), Err(ReadError::OtherSchema { .. })));
    assert!(matches!(Results::from_json("mcpl 1"), Err(ReadError::Damaged { line: 1, .. })));
    let cut = text();
    assert!(matches!(Results::from_json(&cut[..cut.len() / 2]), Err(ReadError::Damaged { .. })));
}

#[test]
fn indexes_that_lead_nowhere_are_found() {
    for (from, to) in [
        (r#""series":0"#, r#""series":9"#),
        (r#""label":0"#, r#""label":9"#),
        (r#""server":0"#, r#""server":9"#),
        (r#"{"scenario":0,"flow":0"#, r#"{"scenario":9,"flow":0"#),
        (r#"{"scenario":0,"flow":0"#, r#"{"scenario":0,"flow":9"#),
        (r#""duration_ns":1000000000"#, r#""duration_ns":18446744073709551615"#),
        (r#""bytes_in":1"#, r#""bytes_in":18446744073709551615"#),
        (r#""cpu_ns":0"#, r#""cpu_ns":0,"held":18446744073709551615"#),
        (r#""second":1"#, r#""second":0"#),
        (r#""failures":[]"#, r#""failures":[],"slowest":[{"series":9,"latency_ns":1,"due_ms":0,"user":0,"server":0}]"#),
        (r#""failures":[]"#, r#""failures":[],"slowest":[{"series":0,"latency_ns":1,"due_ms":0,"user":0,"server":9}]"#),
        (r#""health""#, r#""processes":[{"server":9,"processes":1,"cpu_ns":1,"cpu_of_ns":1,"rss_bytes":1}],"health""#),
        (
            r#""health""#,
            r#""processes":[{"server":0,"processes":1,"cpu_ns":1,"cpu_of_ns":1,"rss_bytes":18446744073709551615}],"health""#,
        ),
    ] {
        let text = text();
        assert!(text.contains(from), "{from}");
        let error = Results::from_json(&text.replace(from, to)).unwrap_err();
        assert!(matches!(error, ReadError::Inconsistent(_)), "{from}: {error}");
    }
}

#[test]
fn only_parts_of_one_plan_are_summed_up() {
    let mut whole = Results::from_json(&text()).unwrap();
    let mut part = whole.clone();
    part.run.id = "another".to_owned();
    whole.merge(part.clone()).unwrap();
    let everything = whole.everything();
    assert_eq!(whole.counts(&everything, super::Window::Whole).requests, 4);
    let mut other = part;
    other.plan_hash = "y".to_owned();
    assert!(matches!(whole.merge(other), Err(ReadError::OtherPlan)));
}

#[test]
fn processes_are_told_in_the_order_of_time() {
    let row = |moment: &str, rss: u64| {
        format!(
            r#"{{"server":0,"moment":"{moment}","processes":1,"cpu_ns":500,"cpu_of_ns":1000,"rss_bytes":{rss},"open_files":9}}"#
        )
    };
    let mut seconds = [
        format!("[{},{}]", row("before", 10), row("during", 40)),
        format!("[{},{}]", row("during", 30), row("after", 20)),
    ]
    .into_iter();
    let text: String = text()
        .split_inclusive(r#""health""#)
        .map(|part| match part.strip_suffix(r#""health""#) {
            Some(part) => format!(r#"{part}"processes":{},"health""#, seconds.next().unwrap()),
            None => part.to_owned(),
        })
        .collect();
    let results = Results::from_json(&text).unwrap();
    let found: Vec<_> = results.process(0).map(|(second, row)| (second, row.moment, row.rss_bytes)).collect();
    use crate::record::Moment::{After, Before, During};
    assert_eq!(found, [(0, Before, 10), (0, During, 40), (1, During, 30), (1, After, 20)]);
    assert_eq!(results.process(1).count(), 0);
    let sums: Vec<_> = results.process_sums(None, super::Window::Whole).collect();
    assert_eq!(sums.iter().map(|(second, sums)| (*second, sums.rss_bytes)).collect::<Vec<_>>(), [(0, 40), (1, 30)]);
    assert_eq!((sums[0].1.cpu, sums[0].1.open_files), (Some(0.5), 9));
    // The journal has it all, with a line of its own for what came after.
    let mut journal = results.to_journal_head();
    let mut line = |slice| {
        journal.push_str(&Second { slice: Cow::Owned(slice), failures: (&[]).into(), slowest: (&[]).into() }.to_line());
    };
    let mut seconds = results.recording.seconds.clone();
    let after = seconds[1].processes.pop().unwrap();
    seconds.into_iter().for_each(&mut line);
    line(crate::record::Slice { second: 1, processes: vec![after], ..Default::default() });
    assert_eq!(Journal::from_bytes(journal.as_bytes()).unwrap().results.recording, results.recording);
}

#[test]
fn memory_of_a_session_is_what_came_with_the_sessions() {
    use crate::record::{Moment, ProcessRow, ScenarioRow, SessionTime};
    let with = |sessions: u64, revision: &str| {
        let mut results = Results::from_json(&text()).unwrap();
        results.servers.push(super::ServerInfo {
            name: "s".to_owned(),
            transport: "http".to_owned(),
            revision: revision.to_owned(),
            server_name: String::new(),
            server_version: String::new(),
            tools: 0,
            tokens: None,
        });
        let row = |moment, rss_bytes| ProcessRow { moment, rss_bytes, processes: 1, ..ProcessRow::default() };
        let [first, second] = results.recording.seconds.as_mut_slice() else { panic!("two seconds") };
        first.processes = vec![row(Moment::Before, 1000), row(Moment::During, 1000 + 7 * sessions)];
        second.processes = vec![row(Moment::During, 1_000_000), row(Moment::After, 900)];
        let mut closed = crate::record::Distribution::new();
        closed.record(1);
        let scenario = |sessions, times| ScenarioRow {
            scenario: 0,
            phase: crate::record::Phase::Measured,
            started: 0,
            iterations: 0,
            dropped: 0,
            abandoned: 0,
            sessions,
            lost: 0,
            times,
        };
        first.scenarios = vec![scenario(sessions, Default::default())];
        let mut times: [crate::record::Frozen; crate::record::SESSION_TIMES] = Default::default();
        times[SessionTime::Close as usize] = closed.freeze();
        second.scenarios = vec![scenario(0, times)];
        results
    };
    let results = with(30, "2025-11-25");
    assert_eq!(results.sessions_open(0), Some(vec![(0, 30), (1, 29)]));
    assert_eq!(results.bytes_per_session(0), Some((7.0, 30)));
    assert_eq!(with(super::SESSIONS_LEAST - 1, "2025-11-25").bytes_per_session(0), None, "too few");
    assert_eq!(with(30, "2026-07-28").bytes_per_session(0), None, "there are no sessions");
    assert_eq!(with(30, "50% 2025-06-18, 50% 2026-07-28").sessions_open(0), None);
    let mut spread = with(30, "2025-11-25");
    spread.plan.scenarios[0].targets.push(crate::plan::Target { server: 1, slots: 1 });
    assert_eq!(spread.sessions_open(0), None, "nobody knows whose they are");
}

/// The journal of the run above, and its results. Each second had its slowest request.
fn journal() -> (String, Results) {
    let mut results = Results::from_json(&text()).unwrap();
    let mut journal = results.to_journal_head();
    let (mut lines, mut slowest) = (Vec::new(), Vec::new());
    for slice in &results.recording.seconds {
        let latency_ns = u64::from(slice.second) + 7;
        let slow = SlowRequest { latency_ns, params: "{}".to_owned(), ..SlowRequest::default() };
        slowest.insert(0, slow.clone());
        lines
            .push(Second { slice: Cow::Borrowed(slice), failures: (&[]).into(), slowest: vec![slow].into() }.to_line());
    }
    lines.iter().for_each(|line| journal.push_str(line));
    results.recording.slowest = slowest;
    (journal, results)
}

#[test]
fn a_journal_has_what_the_results_would_have() {
    let (journal, results) = journal();
    assert!(Journal::is_one(journal.as_bytes()) && !Journal::is_one(text().as_bytes()));
    let read = Journal::from_bytes(journal.as_bytes()).unwrap();
    assert!(!read.torn);
    assert_eq!(read.results.recording, results.recording);
    assert_eq!(read.results.slowest(&[0]).iter().map(|one| one.latency_ns).collect::<Vec<_>>(), [8, 7]);
    assert_eq!(read.results.condensed().recording.slowest, [], "an example is no part of a sum");
    assert_eq!(read.results.run.ended, Ended::Killed);
    // The plan is over after a second; the rest is the drain.
    assert_eq!((read.results.run.load_ms, read.results.run.total_ms), (1000, 2000));
}

#[test]
fn a_journal_that_was_cut_anywhere_loses_a_second_at_most() {
    let (journal, results) = journal();
    let ends: Vec<usize> = journal.match_indices('\n').map(|(at, _)| at + 1).collect();
    for cut in 0..journal.len() {
        let read = Journal::from_bytes(&journal.as_bytes()[..cut]);
        let whole = ends.iter().filter(|end| **end <= cut).count();
        if whole == 0 {
            assert!(matches!(read, Err(ReadError::Damaged { line: 1, .. })), "{cut}");
            continue;
        }
        let read = read.unwrap();
        assert_eq!(read.torn, !ends.contains(&cut), "{cut}");
        assert_eq!(read.results.recording.seconds, results.recording.seconds[..whole - 1], "{cut}");
    }
}

#[test]
fn a_journal_that_was_changed_is_refused() {
    let (journal, _) = journal();
    let of = |text: &str| Journal::from_bytes(text.as_bytes()).unwrap_err();
    assert!(matches!(of(&journal.replace("mcpl.journal/1", "mcpl.journal/2")), ReadError::OtherJournal { .. }));
    assert!(matches!(of(&journal.replace("mcpl.results/1", "mcpl.results/2")), ReadError::OtherSchema { .. }));
    assert!(matches!(of(&journal.replace(r#"{"slice""#, r#"{"slic""#)), ReadError::Damaged { line: 2, .. }));
    assert!(matches!(
        of(&journal.replace(r#""series":0,"phase""#, r#""series":9,"phase""#)),
        ReadError::Inconsistent(_)
    ));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn no_edit_makes_the_reader_panic(at in 0..3000_usize, with in "[ -~]{0,4}") {
        let mut text = text();
        let at = at % text.len();
        text.replace_range(at..=at, &with);
        if let Ok(results) = Results::from_json(&text) {
            // What is read can be asked.
            let everything = results.everything();
            let _ = results.counts(&everything, super::Window::Whole);
            let _ = results.measured_seconds(&everything).len();
        }
    }
}
