//! What is broken stays silent; what is whole speaks in the same pass.

use super::{File, GOOD, codes};

/// An assertion on each name that a broken part may hold.
const ASSERTS: &str = "look.latency.p95 < 1s\nsearch.errors.rate < 1%\nexpect(\"answers\").rate > 99%\n\
                       browse.dropped.count == 0\nbrowse.iteration.p95 < 1s";

#[track_caller]
fn only(file: File<'_>, code: &str) {
    let text = file.text();
    assert_eq!(codes(&text), [code], "{text}");
}

#[test]
fn a_broken_flow_breaks_no_assertion_about_it() {
    for (flow, code) in [
        ("cal search", "E101"),
        ("call search { args { \"a\": } }", "E103"),
        ("call search { args { \"a\": nothing } }", "E201"),
        ("call search { save x = secret(\"A\") }", "E308"),
        ("think 1s", "E409"),
    ] {
        only(File { flow, assert: ASSERTS, ..GOOD }, code);
    }
}

#[test]
fn a_broken_scenario_breaks_no_assertion_about_it() {
    for (stages, code) in [("hold 5 for 10s", "E302"), ("hold 5/s for 0s", "E406"), ("hold 5/s fro 10s", "E103")] {
        only(File { stages, assert: ASSERTS, ..GOOD }, code);
    }
}

#[test]
fn a_mistyped_name_of_an_item_is_one_mistake() {
    only(File { scenario: "run lok", assert: ASSERTS, ..GOOD }, "E203");
    let text = GOOD.text().replace("target docs", "target dcos");
    assert_eq!(codes(&text), ["E202"]);
    let text = GOOD.text().replace("scenario browse", "scenaro browse");
    assert_eq!(codes(&text), ["E102"], "nothing is said about a missing scenario");
    let text = GOOD.text().replace("flow look", "flwo look");
    assert_eq!(codes(&text), ["E102"], "nothing is said about a missing flow");
    let text = GOOD.text().replace("server docs", "sever docs");
    assert_eq!(codes(&text), ["E102"], "nothing is said about a missing server");
}

#[test]
fn a_broken_parameter_is_silent_wherever_it_is_used() {
    let file = File {
        items: "param peak = env(\"NOT_SET\")",
        scenario: "warmup peak\nrun look",
        stages: "hold peak for peak",
        flow: "call search { args { \"a\": peak }\nexpect latency < peak }",
        assert: "latency.p95 < peak",
        ..GOOD
    };
    only(file, "E211");
}

#[test]
fn a_broken_server_is_silent_in_its_scenario_and_in_the_guard() {
    for (server, code) in [
        ("http \"example.com\"", "E311"),
        ("builtin rulebook\ntimeout 5", "E302"),
        ("http \"http://example.com\"\nheader \"A\" nothing", "E201"),
    ] {
        only(File { server, assert: ASSERTS, ..GOOD }, code);
    }
}

#[test]
fn a_broken_list_of_hosts_forbids_nothing() {
    let server = "http \"http://example.com/mcp\"";
    only(File { items: "guard {\nallow hosts \"example.com\"\n}", server, ..GOOD }, "E301");
    only(File { items: "guard {\nallow host [\"example.com\"]\n}", server, ..GOOD }, "E103");
    let other = File { items: "guard {\nmax rate 1\n}", server, ..GOOD };
    assert_eq!(codes(&other.text()), ["E302", "E501"], "the list of hosts is whole");
}

#[test]
fn a_mistyped_metric_is_not_looked_for_in_broken_items() {
    let flow = "call search { expect latency < 5/s }";
    assert_eq!(codes(&File { flow, assert: "error.rate < 1%", ..GOOD }.text()), ["E304", "E206"]);
}

#[test]
fn a_variable_with_a_broken_value_is_bound() {
    let flow =
        "call search { save id = nothing }\nlet twice = f\"{id}{id}\"\ncall get { args { \"id\": id, \"t\": twice } }";
    only(File { flow, ..GOOD }, "E201");
}

#[test]
fn a_mix_with_a_broken_share_has_no_sum() {
    for (share, code) in [("50 look", "E302"), ("50% lok", "E203"), ("fifty look", "E103")] {
        let scenario = format!("mix {{\n{share}\n}}");
        only(File { scenario: &scenario, ..GOOD }, code);
    }
}

#[test]
fn nothing_seems_unused_while_anything_is_wrong() {
    let items = "param spare = 1\nserver other { builtin rulebook }\nflow idle { list tools }";
    assert_eq!(codes(&File { items, ..GOOD }.text()), ["W201"; 3]);
    only(File { items, stages: "hold 5 for 10s", ..GOOD }, "E302");
}

#[test]
fn one_pass_finds_a_mistake_of_each_family_in_the_order_of_the_places() {
    let file = File {
        items: "param late = later\nparam later = 1\nguard {\nallow tools 5\nmax rate 1/s\nmax rate 2/s\n}",
        server: "http \"http://example.com/mcp\"\ntimeout 5",
        scenario: "run look\nmix { 100% look }",
        stages: "hold 5/s for 10s\nhold 2 users for 10s\nhold 5/s for 0s\nhould 5/s for 1s",
        flow: "call search {\nargs { \"a\": structured.x, \"b\": nothing, \"c\": 5s }\nexpect latency < 5/s\n}\nthnik 1s",
        assert: "serach.latnecy.p95 < 1s\nlatency.p95\nerrors.rate < 1",
    };
    // Nothing is said of the host: the server is broken by its timeout.
    assert_eq!(
        codes(&file.text()),
        [
            "E201", "E301", "E404", "E302", "E405", "E401", "E406", "E101", "E309", "E201", "E310", "E304", "E101",
            "E206", "E312", "E302"
        ]
    );
}
