//! Reading results: whatever the bytes, an answer or an error.

use proptest::prelude::*;

use super::{Ended, Journal, ReadError, Results, Second};

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
    let part = whole.clone();
    whole.merge(part.clone()).unwrap();
    let everything = whole.everything();
    assert_eq!(whole.counts(&everything, super::Window::Whole).requests, 4);
    let mut other = part;
    other.plan_hash = "y".to_owned();
    assert!(matches!(whole.merge(other), Err(ReadError::OtherPlan)));
}

/// The journal of the run above, and its results.
fn journal() -> (String, Results) {
    let results = Results::from_json(&text()).unwrap();
    let mut journal = results.to_journal_head();
    for slice in &results.recording.seconds {
        journal.push_str(&Second { slice: std::borrow::Cow::Borrowed(slice), failures: (&[]).into() }.to_line());
    }
    (journal, results)
}

#[test]
fn a_journal_has_what_the_results_would_have() {
    let (journal, results) = journal();
    assert!(Journal::is_one(journal.as_bytes()) && !Journal::is_one(text().as_bytes()));
    let read = Journal::from_bytes(journal.as_bytes()).unwrap();
    assert!(!read.torn);
    assert_eq!(read.results.recording, results.recording);
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
