//! What the plan holds.

use super::super::{NoFiles, Options, lower};
use super::{File, GOOD, codes, compile, plan};
use crate::diag::apply_fixes;
use crate::expr::{Expr, Given};
use crate::plan::{Endpoint, Flow, Plan, Request, Step, TextPart, Think};
use crate::syntax;
use crate::text::Source;

fn flow(text: &str) -> Flow {
    plan(&File { flow: text, ..GOOD }.text()).flows.remove(0)
}

fn request(text: &str) -> Request {
    flow(text).requests()[0].clone()
}

#[test]
fn a_bag_of_the_mix_holds_whole_slots() {
    let items = "flow b { list tools }\nflow c { list prompts }";
    for (shares, slots) in [
        (["60%", "30%", "10%"], Some([60, 30, 10])),
        (["33.4%", "33.3%", "33.3%"], Some([334, 333, 333])),
        (["12.34%", "80%", "7.66%"], Some([1234, 8000, 766])),
        (["100%", "0%", "0%"], Some([100, 0, 0])),
        (["33.333%", "33.333%", "33.334%"], None),
        (["33.3%", "33.3%", "33.3%"], None),
    ] {
        let [a, b, c] = shares;
        let scenario = format!("mix {{\n{a} look\n{b} b\n{c} c\n}}");
        let lowered = compile(&File { items, scenario: &scenario, ..GOOD }.text(), &[]);
        let found = lowered.plan.map(|plan| plan.scenarios[0].mix.iter().map(|share| share.slots).collect::<Vec<_>>());
        assert_eq!(found, slots.map(Vec::from), "{shares:?}");
    }
}

#[test]
fn the_offered_last_share_makes_the_sum() {
    let items = "flow b { list tools }\nflow c { list prompts }";
    for (last, fixed) in [("33.33%", "33.34%"), ("50%", "33.34%"), ("0.01%", "33.34%")] {
        let scenario = format!("mix {{\n33.33% look\n33.33% b\n{last} c\n}}");
        let text = File { items, scenario: &scenario, ..GOOD }.text();
        let mended = apply_fixes(&text, &compile(&text, &[]).diagnostics, true);
        assert_eq!(mended, text.replace(&format!("{last} c"), &format!("{fixed} c")));
        plan(&mended);
    }
}

#[test]
fn an_override_replaces_a_value_of_its_own_kind() {
    let value = |own: &str, given: &[(&str, &str)]| {
        let lowered = compile(&format!("{}param x = {own}\n", GOOD.text()), given);
        let codes: Vec<_> = lowered.diagnostics.iter().map(|found| found.code).filter(|code| *code != "W201").collect();
        match codes.as_slice() {
            [] => lowered.model.params.into_iter().find(|param| param.name == "x").map(|param| param.value),
            ["E313"] => None,
            other => panic!("{other:?}"),
        }
    };
    for (own, given, expected) in [
        ("40/s", "20/s", Some("20/s")),
        ("40/s", "900/m", Some("15/s")),
        ("40/s", "20", None),
        ("40/s", "20 users", None),
        ("10s", "1m30s", Some("1m 30s")),
        ("10s", "10", None),
        ("1%", "50%", Some("50%")),
        ("5 users", "1 user", Some("1 user")),
        ("1KiB", "2KiB", Some("2KiB")),
        ("5", "6", Some("6")),
        ("5", "9007199254740993", Some("9007199254740993")),
        ("5", "6s", None),
        ("5", "six", None),
        ("\"a\"", "b c", Some("\"b c\"")),
        ("\"a\"", "5", Some("\"5\"")),
        ("\"a\"", "", Some("\"\"")),
        ("true", "false", Some("false")),
        ("true", "yes", None),
        ("[1]", "[2, 3]", Some("[2,3]")),
        ("[1]", "2", None),
        ("{ \"a\": 1 }", "{\"b\":2}", Some("{\"b\":2}")),
    ] {
        assert_eq!(value(own, &[("x", given)]).as_deref(), expected, "{own} overridden by {given}");
    }
    assert_eq!(value("1", &[("x", "2"), ("x", "3")]).as_deref(), Some("3"), "the last one counts");
    let unknown = compile(&GOOD.text(), &[("y", "1")]);
    assert_eq!((unknown.unknown_overrides, unknown.diagnostics.len()), (vec!["y".to_owned()], 0));
}

#[test]
fn an_override_reaches_what_uses_the_parameter() {
    let file = File { items: "param peak = 5/s", stages: "hold peak * 2 for 10s", ..GOOD };
    let plan = compile(&file.text(), &[("peak", "30/m")]).plan.unwrap();
    assert_eq!(plan.scenarios[0].load.peak(), 1.0);
}

#[test]
fn every_literal_has_its_value() {
    for (literal, value) in [
        ("null", "null"),
        ("true", "true"),
        ("off", "false"),
        ("on", "true"),
        ("-5", "-5"),
        ("1.50", "1.5"),
        ("1e3", "1000.0"),
        ("18446744073709551615", "18446744073709551615"),
        ("\"\\u00e9\\n\"", "\"é\\n\""),
        ("\"Grüße 🦀\"", "\"Grüße 🦀\""),
        ("f\"{{{1 + 1}}}\"", "\"{2}\""),
        ("[1, \"a\", [],]", "[1,\"a\",[]]"),
        ("{ \"a\": { \"b\": null } }", "{\"a\":{\"b\":null}}"),
        ("250us", "250us"),
        ("1m30s", "1m 30s"),
        ("1.5h", "1h 30m"),
        ("100ns", "100ns"),
        ("40/s", "40/s"),
        ("900/m", "15/s"),
        ("7200/h", "2/s"),
        ("99.9%", "99.9%"),
        ("512B", "512B"),
        ("64KiB", "64KiB"),
        ("1MB", "977KiB"),
        ("50 users", "50 users"),
        ("1 user", "1 user"),
        ("2025-11-25", "\"2025-11-25\""),
        ("p99.9", "\"p99.9\""),
        ("-5s", "-5s"),
        ("2 * (3 + 4)", "14"),
        ("length(\"Grüße\")", "5"),
        ("10 > 9 and not false", "true"),
        ("\"b\" in [\"a\", \"b\"]", "true"),
        ("{ \"a\": [10, 20] }.a[1]", "20"),
        ("env(\"NOT_SET\", default: \"x\")", "\"x\""),
    ] {
        let lowered = compile(&format!("{}param x = {literal}\n", GOOD.text()), &[]);
        let found = lowered.model.params.first().map(|param| param.value.clone());
        assert_eq!(found.as_deref(), Some(value), "{literal}: {:?}", lowered.diagnostics);
    }
}

#[test]
fn json_in_args_is_sent_as_it_is_written() {
    let sent =
        |args: &str| request(&format!("call search {{\nargs {args}\n}}")).params.as_constant().map(str::to_owned);
    for (args, expected) in [
        ("{ }", "{}"),
        ("{ \"id\": 9007199254740993 }", "{\"id\":9007199254740993}"),
        ("{ \"huge\": 1e400, \"tiny\": -1E-400 }", "{\"huge\":1e400,\"tiny\":-1E-400}"),
        ("{ \"n\": [1.0, -0, 1e+2, 100000000000000000000] }", "{\"n\":[1.0,-0,1e+2,100000000000000000000]}"),
        ("{ \"s\": \"\\u00e9\\/\\ud83e\\udd80\" }", "{\"s\":\"\\u00e9\\/\\ud83e\\udd80\"}"),
        ("{ \"k\\u0061\": true, \"n\": null, }", "{\"ka\":true,\"n\":null}"),
        ("{ # note\n\"a\": # one\n 1,\n# two\n}", "{\"a\":1}"),
        ("{ \"on\": on, \"sum\": 1 + 2 }", "{\"on\":true,\"sum\":3}"),
    ] {
        let expected = format!("{{\"name\":\"search\",\"arguments\":{expected}}}");
        assert_eq!(sent(args).as_deref(), Some(expected.as_str()), "{args}");
    }
    assert_eq!(request("call \"weird \\\"name\\\"\"").params.as_constant(), Some(r#"{"name":"weird \"name\""}"#));
}

#[test]
fn parts_of_args_that_change_are_holes() {
    let request =
        request("call search { args { \"a\": user.id, \"b\": [uuid(), { \"c\": f\"x{run.id}\" }], \"d\": 1 } }");
    assert_eq!(request.params.as_constant(), None);
    assert_eq!(request.params.holes().count(), 3);
    assert!(request.params.holes().any(|hole| *hole == Expr::Given(Given::UserId)));
}

#[test]
fn a_variable_keeps_its_slot() {
    let flow = flow(
        "let a = 1\ncall search { save b = structured.x }\nlet a = f\"{a}{b}\"\ncall get { args { \"a\": a }\nsave b = text }",
    );
    let mut slots = Vec::new();
    for step in &flow.steps {
        match step {
            Step::Let(save) => slots.push((save.name.as_str(), save.slot)),
            Step::Request(request) => slots.extend(request.saves.iter().map(|save| (save.name.as_str(), save.slot))),
            _ => {}
        }
    }
    assert_eq!(slots, [("a", 0), ("b", 1), ("a", 0), ("b", 1)]);
    assert_eq!(flow.locals, 2);
    let used = flow.requests()[1].params.holes().next().cloned();
    assert_eq!(used, Some(Expr::Local(0)));
}

#[test]
fn a_variable_has_the_type_of_its_last_value() {
    let flow = |second: &str| {
        let flow = format!("let a = 5s\n{second}\ncall search {{ args {{ \"a\": a }} }}");
        codes(&File { flow: &flow, ..GOOD }.text())
    };
    assert_eq!(flow(""), ["E310"]);
    assert_eq!(flow("let a = 5"), [""; 0]);
}

#[test]
fn a_read_is_named_by_its_template() {
    let items = "param base = \"docs://\"";
    for (uri, label) in [
        ("\"docs://a\"", "docs://a"),
        ("f\"docs://{id}/{user.id}\"", "docs://{id}/{…}"),
        ("f\"{{{id}}}\"", "{{id}}"),
        ("id", "id"),
        ("base", "base"),
    ] {
        let flow = format!("let id = uuid()\nread {uri}");
        let plan = plan(&File { items: if uri == "base" { items } else { "" }, flow: &flow, ..GOOD }.text());
        assert_eq!(plan.series[0].step, label, "{uri}");
    }
    assert_eq!(request("read \"docs://a\" { as \"the guide\" }").label, "the guide");
}

#[test]
fn who_expects_an_error_does_not_expect_ok() {
    for (expect, ok) in [
        ("expect structured.a == 1", true),
        ("expect error", false),
        ("expect error.code == -32602", false),
        ("require exists error.data and latency < 1s", false),
    ] {
        assert_eq!(request(&format!("call search {{ {expect} }}")).expects_ok, ok, "{expect}");
    }
}

#[test]
fn pauses_and_pages() {
    let flow = flow("think 20ms\nthink 1s..2s\nthink exponential 3s\nthink 0\nlist tools { pages 3 }\nlist prompts");
    let thinks: Vec<Think> = flow
        .steps
        .iter()
        .filter_map(|step| match step {
            Step::Think(think) => Some(*think),
            _ => None,
        })
        .collect();
    assert_eq!(
        thinks,
        [Think::Between(2e7, 2e7), Think::Between(1e9, 2e9), Think::Exponential(3e9), Think::Between(0.0, 0.0)]
    );
    let pages: Vec<String> = flow.requests().iter().map(|request| format!("{:?}", request.method)).collect();
    assert_eq!(pages, ["List { method: \"tools/list\", pages: 3 }", "List { method: \"prompts/list\", pages: 1000 }"]);
}

#[test]
fn a_server_is_in_the_plan_as_it_is_written() {
    let server = |text: &str| plan(&File { server: text, ..GOOD }.text()).servers.remove(0);
    let builtin = server("builtin rulebook {\nrules 20\ncache_ttl 1500ms\nerrors 0.5%\nanswers sse\nstdio off\n}");
    let options = ["--rules=20", "--cache-ttl=1500000000ns", "--errors=0.5%", "--answers=sse"].map(str::to_owned);
    assert_eq!(
        builtin.endpoint,
        Endpoint::Builtin { name: "rulebook".to_owned(), options: options.to_vec(), stdio: false }
    );
    let stdio = server("env { \"A\": \"1\" }\nstdio [\"node\", \"s.js\"]\ncwd \"d\"\ntimeout 2s\nprotocol 2025-11-25");
    assert_eq!(
        stdio.endpoint,
        Endpoint::Stdio {
            command: vec!["node".to_owned(), "s.js".to_owned()],
            env: vec![("A".to_owned(), vec![TextPart::Text("1".to_owned())])],
            cwd: Some("d".to_owned())
        }
    );
    assert_eq!((stdio.timeout_ns, stdio.connect_timeout_ns), (2_000_000_000, 30_000_000_000));
    assert_eq!(stdio.protocol.as_deref(), Some("2025-11-25"));
    let http = server("http \"http://localhost/mcp\"\nheader \"Authorization\" f\"Bearer {secret(\"TOKEN\")}!\"");
    let parts = ["Bearer ", "!"].map(|text| TextPart::Text(text.to_owned()));
    let [before, after] = parts;
    assert_eq!(http.headers[0].value, [before, TextPart::Secret("TOKEN".to_owned()), after]);
}

fn allowed(host: &str, hosts: &str) -> bool {
    let guard = format!("guard {{ allow hosts [{hosts}] }}");
    let server = format!("http \"http://{host}/mcp\"");
    match codes(&File { items: &guard, server: &server, ..GOOD }.text()).as_slice() {
        [] => true,
        ["E501"] => false,
        other => panic!("{other:?}"),
    }
}

#[test]
fn nothing_but_this_machine_is_allowed_unasked() {
    for host in ["localhost", "LOCALHOST:80", "a.localhost", "127.0.0.1", "127.9.9.9:1", "[::1]", "[::1]:8080"] {
        assert!(allowed(host, ""), "{host}");
    }
    for host in ["example.com", "10.0.0.1", "0.0.0.0", "[::]", "[2001:db8::1]", "localhost.example.com", "128.0.0.1"] {
        assert!(!allowed(host, ""), "{host}");
        assert!(allowed(host, "\"*\""), "{host}");
    }
    assert!(allowed("A.example.com:8080", "\"b\", \"*.EXAMPLE.com\""));
    assert!(!allowed("example.com", "\"*.example.com\""));
    assert!(allowed("[2001:db8::1]:80", "\"2001:db8::1\""));
}

#[test]
fn the_offered_line_allows_the_host_wherever_it_goes() {
    let server = "http \"http://example.com/mcp\"";
    for guard in [
        "",
        "guard { }",
        "guard {\nmax rate 100/s\n}",
        "guard { allow hosts [] }",
        "guard { allow hosts [ ] }",
        "guard { allow hosts [\"a.com\"] }",
        "guard { allow hosts [\"a.com\", ] }",
        "guard { allow hosts [\n\"a.com\", # the other one\n] }",
    ] {
        let text = File { items: guard, server, ..GOOD }.text();
        let found = compile(&text, &[]).diagnostics;
        assert_eq!(found.iter().map(|found| found.code).collect::<Vec<_>>(), ["E501"], "{guard}");
        plan(&apply_fixes(&text, &found, true));
    }
    let text = File { items: "param hosts = [\"a.com\"]\nguard { allow hosts hosts }", server, ..GOOD }.text();
    let found = compile(&text, &[]).diagnostics;
    assert!(found[0].fix.is_none(), "a list in a parameter is not edited");
}

#[test]
fn the_guard_bounds_the_sum_of_all_loads() {
    let second = |load: &str| {
        format!(
            "scenario more {{\ntarget docs\nstages {{ hold {load} for 5s }}\nrun twice\n}}\nflow twice {{\nlist tools\nlist prompts\n}}"
        )
    };
    // `browse` makes 5 requests a second, `twice` two for each arrival.
    for (limit, load, code) in [
        ("max rate 9/s", "2/s", None),
        ("max rate 8.9/s", "2/s", Some("E503")),
        ("max rate 5.1/s", "20 users", None),
        ("max rate 5/s", "20 users", Some("E503")),
        ("max users 20 users", "20 users", None),
        ("max users 19 users", "20 users", Some("E504")),
        ("max users 1 user", "20/s", None),
    ] {
        let items = format!("guard {{ {limit} }}\n{}", second(load));
        assert_eq!(codes(&File { items: &items, ..GOOD }.text()), Vec::from_iter(code), "{limit} and {load}");
    }
}

#[test]
fn denied_tools_are_found_by_their_patterns() {
    for (pattern, denied) in [("search", true), ("SEARCH", true), ("se*", true), ("*", true), ("searc", false)] {
        let guard = format!("guard {{ deny tools [\"{pattern}\"] }}");
        let found = codes(&File { items: &guard, ..GOOD }.text());
        assert_eq!(found == ["E502"], denied, "{pattern}: {found:?}");
    }
}

#[test]
fn the_same_file_gives_the_same_plan() {
    let text = GOOD.text();
    let json = |plan: &Plan| serde_json::to_string(plan).unwrap();
    assert_eq!(json(&plan(&text)), json(&plan(&text)));
    let back: Plan = serde_json::from_str(&json(&plan(&text))).unwrap();
    assert_eq!(back, plan(&text));
}

#[test]
fn a_target_of_the_command_line_takes_the_place_of_that_of_the_file() {
    let placed = |server: &str, target: &str| {
        let text = File { server, ..GOOD }.text();
        let targets = [("docs".to_owned(), target.to_owned()), ("other".to_owned(), "nothing://".to_owned())];
        let (env, files) = (&|_: &str| None, &NoFiles);
        let options = Options { name: "test", seed: 1, overrides: &[], targets: &targets, env, files };
        let lowered = lower(&Source::new("test.mcpl", text.as_str()), &syntax::parse(&text), &options);
        let codes: Vec<_> = lowered.diagnostics.iter().map(|found| found.code).collect();
        (lowered.plan.map(|plan| plan.servers[0].clone()), codes)
    };
    let http = "http \"http://127.0.0.1:1/mcp\"";
    let url = "http://127.0.0.1:2/mcp";
    let (server, codes) = placed(http, url);
    assert_eq!((server.unwrap().endpoint, codes), (Endpoint::Http { url: url.to_owned() }, Vec::new()));
    let stdio = Endpoint::Stdio { command: vec!["a".to_owned(), "b".to_owned()], env: Vec::new(), cwd: None };
    assert_eq!(placed(http, "a b").0.unwrap().endpoint, stdio);
    let (server, codes) = placed(&format!("{http}\nlaunch [\"serve\"]"), url);
    assert_eq!((server.unwrap().launch, codes), (None, Vec::new()), "what is launched is elsewhere");
    assert_eq!(placed(http, "builtin rulebok").1, ["E212"]);
    assert_eq!(placed(http, "https://elsewhere.example/mcp").1, ["E501"], "the guard holds");
}
