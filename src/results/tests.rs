//! Reading results: whatever the bytes, an answer or an error.

use proptest::prelude::*;

use super::{ReadError, Results};

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
