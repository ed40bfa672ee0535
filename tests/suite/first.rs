//! A server instead of a file: `mcpl run URL`, `mcpl run -- COMMAND` and
//! `mcpl init`.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Output;

use mcpl::results::Results;

use crate::support::{Rulebook, assert_exit, expect_file, mcpl, misbehaving, stderr, stdout};

const SERVE: [&str; 4] = [env!("CARGO_BIN_EXE_mcpl"), "serve", "rulebook", "--stdio"];

/// The program in a directory of its own.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Place {
        Place(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn mcpl(&self, arguments: &[&str]) -> Output {
        mcpl().current_dir(self.0.path()).args(arguments).output().unwrap()
    }

    /// How often each step was sent in the run that is kept in `run.json`, and
    /// that nothing failed.
    fn requests(&self) -> Vec<(String, u64)> {
        let results = Results::from_json(&fs::read_to_string(self.path("run.json")).unwrap()).unwrap();
        let mut found = Vec::new();
        for (index, series) in results.plan.series.iter().enumerate() {
            let scenarios = vec![series.scenario];
            let selection = mcpl::plan::Selection { series: vec![index], scenarios, tags: Vec::new() };
            let counts = results.counts(&selection, mcpl::results::Window::Whole);
            assert_eq!(counts.failed(), 0, "{}", series.step);
            found.push((series.step.clone(), counts.requests));
        }
        found
    }
}

/// What the built-in server is asked for: what it says of itself changes nothing.
const ASKED: [&str; 11] = [
    "list_rules",
    "get_rule",
    "search_rules",
    "compose_rules",
    "validate_rule",
    "rule://stats",
    "rule://rule-0001",
    "rule://rule-0002",
    "list tools",
    "list resources",
    "list prompts",
];

#[test]
fn a_url_is_put_under_a_load_that_changes_nothing() {
    let (server, place) = (Rulebook::start(&[]), Place::new());
    let output = place.mcpl(&["run", &server.url, "--set", "time=2s", "--out", "run.json"]);
    assert_exit(&output, 0);
    let requests = place.requests();
    assert_eq!(requests.iter().map(|(label, _)| label.as_str()).collect::<Vec<_>>(), ASKED);
    assert!(requests.iter().all(|(_, count)| *count > 0), "{requests:?}");
    let (said, result) = (stderr(&output), stdout(&output));
    assert!(result.contains("PASSED  the assertion held") && !result.contains("mcpl 1"), "{result}");
    // The scenario, how to keep it, and what it does without.
    let keep = format!("to keep and change it: mcpl init {} --out first.mcpl\n", server.url);
    for part in ["\n  mcpl 1\n", "\n    call search_rules {\n", &keep, "2 left out: put_rule, clear_cache;"] {
        assert!(said.contains(part), "{part:?} in:\n{said}");
    }
    assert_eq!(fs::read_dir(place.0.path()).unwrap().count(), 1, "only the results are left");
}

#[test]
fn a_command_is_started_and_quiet_is_quiet() {
    let place = Place::new();
    let options = ["run", "--set", "time=1s", "--set", "users=2 users", "--quiet", "--out", "run.json", "--"];
    let output = place.mcpl(&[&options[..], &SERVE].concat());
    assert_exit(&output, 0);
    assert_eq!(stderr(&output), "");
    assert_eq!(place.requests().iter().map(|(label, _)| label.as_str()).collect::<Vec<_>>(), ASKED);
}

#[test]
fn what_init_writes_is_accepted_and_in_the_style() {
    let (server, place) = (Rulebook::start(&["--rules", "20"]), Place::new());
    let output = place.mcpl(&["init", &server.url, "--out", "mine.mcpl"]);
    assert_exit(&output, 0);
    assert_eq!(stdout(&output), "");
    assert!(stderr(&output).contains("\nwrote mine.mcpl: look at it, then `mcpl run mine.mcpl`\n"));
    let written = fs::read_to_string(place.path("mine.mcpl")).unwrap();
    for check in [&["check", "mine.mcpl"][..], &["check", "--live", "mine.mcpl"], &["fmt", "--check", "mine.mcpl"]] {
        assert_exit(&place.mcpl(check), 0);
    }
    assert!(stderr(&place.mcpl(&["check", "--live", "mine.mcpl"])).contains("mine.mcpl: no mistakes found"));
    // To standard output it is the same text.
    assert_eq!(stdout(&place.mcpl(&["init", &server.url])), written);
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/starter/rulebook.mcpl");
    let named = written.replace(&server.authority(), "127.0.0.1:8931").replace(env!("CARGO_PKG_VERSION"), "VERSION");
    expect_file(&golden, &named);
}

#[test]
fn a_file_is_written_over_when_that_is_asked_for() {
    let (server, place) = (Rulebook::start(&[]), Place::new());
    fs::write(place.path("mine.mcpl"), "mine").unwrap();
    let output = place.mcpl(&["init", &server.url, "--out", "mine.mcpl"]);
    assert_exit(&output, 2);
    assert!(stderr(&output).contains("write over it with `--force`"), "{}", stderr(&output));
    assert_eq!(fs::read_to_string(place.path("mine.mcpl")).unwrap(), "mine");
    assert_exit(&place.mcpl(&["init", &server.url, "--out", "mine.mcpl", "--force"]), 0);
    assert!(fs::read_to_string(place.path("mine.mcpl")).unwrap().starts_with("mcpl 1\n"));
}

#[test]
fn tools_that_fail_when_they_are_tried_are_left_out() {
    let place = Place::new();
    let output = place.mcpl(&[&["init", "--"][..], &SERVE, &["--tool-errors", "100%"]].concat());
    assert_exit(&output, 0);
    let text = stdout(&output);
    assert!(text.contains("# No tool is called: none can be called safely without your say."), "{text}");
    assert!(text.contains("#   get_rule: tried once: "), "{text}");
    assert!(!text.contains("call ") && text.contains("read \"rule://stats\"") && text.contains("list tools"), "{text}");
    fs::write(place.path("mine.mcpl"), text).unwrap();
    assert_exit(&place.mcpl(&["check", "mine.mcpl"]), 0);
}

/// Answers as a modern server with these tools, to each of which it says `ok`.
fn offering(mut stream: TcpStream, tools: &str) {
    let mut request = vec![0; 65536];
    while let Ok(read @ 1..) = stream.read(&mut request) {
        let text = String::from_utf8_lossy(&request[..read]).into_owned();
        let id = text.split("\"id\":").nth(1).and_then(|rest| rest.split([',', '}']).next()).unwrap_or("1");
        let result = if text.contains("server/discover") {
            r#"{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{}},"ttlMs":0,"cacheScope":"public"}"#.to_owned()
        } else if text.contains("tools/list") {
            format!(r#"{{"resultType":"complete","ttlMs":0,"cacheScope":"public","tools":{tools}}}"#)
        } else if text.contains("tools/call") {
            r#"{"resultType":"complete","content":[{"type":"text","text":"ok"}]}"#.to_owned()
        } else {
            return;
        };
        let body = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#);
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length";
        if stream.write_all(format!("{head}: {}\r\n\r\n{body}", body.len()).as_bytes()).is_err() {
            return;
        }
    }
}

#[test]
fn schemas_of_any_shape_harm_nothing() {
    let url = misbehaving(|stream| {
        let hints = r#""annotations":{"readOnlyHint":true}"#;
        let schemas = [
            r#"5"#,
            r#"[]"#,
            r##"{"$ref":"#"}"##,
            r##"{"type":"object","properties":{"a":{"$ref":"#"}},"required":["a"]}"##,
            r#"{"type":"object","properties":{"a":{"pattern":"(a+)+$("}},"required":["a"]}"#,
            r#"{"type":"object","required":["a\nb","\u202e"],"properties":7}"#,
            r#"{"type":"object","properties":{"a":{"minimum":1e308,"maximum":-1e308,"type":"integer"}},"required":["a"]}"#,
            r#"{"type":"object","properties":{"a":{"type":"array","minItems":99999999999}},"required":["a"]}"#,
        ];
        let tools: Vec<String> = schemas
            .iter()
            .enumerate()
            .map(|(at, schema)| format!(r#"{{"name":"t{at}\u001b[31m\n","inputSchema":{schema},{hints}}}"#))
            .collect();
        offering(stream, &format!("[{}]", tools.join(",")));
    });
    let place = Place::new();
    let output = place.mcpl(&["init", &url, "--out", "mine.mcpl"]);
    assert_exit(&output, 0);
    let text = fs::read_to_string(place.path("mine.mcpl")).unwrap();
    assert!(text.contains("#   t0 [31m: its input schema cannot be used: "), "{text}");
    assert!(text.contains("#   t7 [31m: no arguments were found that its input schema accepts: "), "{text}");
    assert!(!text.contains('\u{1b}') && !stderr(&output).contains('\u{1b}'), "{text}");
    assert_exit(&place.mcpl(&["check", "mine.mcpl"]), 0);
}

#[test]
fn another_machine_is_listed_and_neither_called_nor_allowed() {
    // This address is not one of loopback, and leads to this machine all the same.
    let url = misbehaving(|stream| {
        offering(stream, r#"[{"name":"look","inputSchema":{"type":"object"},"annotations":{"readOnlyHint":true}}]"#);
    });
    let (url, place) = (url.replace("127.0.0.1", "0.0.0.0"), Place::new());
    let output = place.mcpl(&["run", &url]);
    assert_exit(&output, 2);
    assert!(stderr(&output).contains("`0.0.0.0` is not this machine, and no file allows to load it"));
    assert!(stderr(&output).contains(&format!("write a file with `mcpl init {url} --out first.mcpl`")));
    assert_exit(&place.mcpl(&["init", &url, "--out", "mine.mcpl"]), 0);
    let text = fs::read_to_string(place.path("mine.mcpl")).unwrap();
    assert!(text.contains("# None has been called yet") && text.contains("call look"), "{text}");
    let output = place.mcpl(&["check", "mine.mcpl"]);
    assert_exit(&output, 2);
    assert!(stderr(&output).contains("E501"), "{}", stderr(&output));
    fs::write(place.path("mine.mcpl"), text.replace("# allow hosts", "allow hosts")).unwrap();
    assert_exit(&place.mcpl(&["check", "mine.mcpl"]), 0);
}

#[test]
fn a_token_goes_from_the_environment_to_the_server_and_nowhere_else() {
    let url = misbehaving(|mut stream| {
        let mut request = vec![0; 65536];
        let read = stream.peek(&mut request).unwrap_or(0);
        if String::from_utf8_lossy(&request[..read]).to_lowercase().contains("\r\nauthorization: bearer s3cret\r\n") {
            return offering(stream, "[]");
        }
        let _ = stream.read(&mut request);
        let _ = stream.write_all(b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n");
    });
    let place = Place::new();
    let output = place.mcpl(&["run", &url]);
    assert_exit(&output, 3);
    assert!(stderr(&output).contains("holds a token with `--bearer NAME`"), "{}", stderr(&output));
    let with = |arguments: &[&str]| {
        mcpl().current_dir(place.0.path()).env("MY_TOKEN", "s3cret").args(arguments).output().unwrap()
    };
    let output = with(&["run", &url, "--bearer", "MY_TOKEN", "--set", "time=1s", "--out", "run.json"]);
    assert_exit(&output, 0);
    assert!(stderr(&output).contains("auth bearer secret(\"MY_TOKEN\")"), "{}", stderr(&output));
    assert!(stderr(&output).contains(&format!("mcpl init {url} --bearer MY_TOKEN --out first.mcpl")));
    let kept = fs::read_to_string(place.path("run.json")).unwrap();
    assert!(![kept, stderr(&output), stdout(&output)].iter().any(|text| text.contains("s3cret")));
    // The token itself, in the place of its name.
    let output = with(&["run", &url, "--bearer", "s3cret.with.dots"]);
    assert_exit(&output, 2);
    assert!(stderr(&output).contains("not a token") && !stderr(&output).contains("s3cret"), "{}", stderr(&output));
    for (arguments, words) in [
        (["run", &url, "--bearer", "UNSET_TOKEN"], "is not set"),
        (["run", "some.mcpl", "--bearer", "MY_TOKEN"], "write `auth bearer secret(\"NAME\")`"),
    ] {
        let output = with(&arguments);
        assert_exit(&output, 2);
        assert!(stderr(&output).contains(words), "{}", stderr(&output));
    }
}

#[test]
fn what_is_no_server_says_why() {
    let place = Place::new();
    let table: [(&[&str], i32, &str); 12] = [
        (&["run"], 2, "required arguments"),
        (&["run", "http://127.0.0.1:1/mcp"], 3, "connection refused by 127.0.0.1:1"),
        (&["run", "http://127.0.0.1:1/mcp", "--set", "nope=1"], 2, "set one that it has: users, time"),
        (&["run", "http://127.0.0.1:1/mcp", "--set", "users=999 users"], 2, "take other values for `--set`"),
        (&["run", "ftp://127.0.0.1/mcp"], 2, "`ftp` URLs are not supported"),
        (&["run", "localhost:8931/mcp"], 2, "write `http://localhost:8931/mcp` for the server at that address"),
        (&["run", "missing.mcpl"], 2, "no such file or directory"),
        (&["run", "--", "/no/such/program"], 3, "cannot start `/no/such/program`"),
        (&["run", "--", "true"], 3, "exited with status 0 before answering"),
        (&["run", "some.mcpl", "--", "true"], 2, "cannot be used with"),
        (&["init", "some.mcpl"], 2, "`some.mcpl` is no address of a server"),
        (&["init", "http://127.0.0.1:1/mcp"], 3, "check that the server runs"),
    ];
    for (arguments, code, words) in table {
        let output = place.mcpl(arguments);
        assert_exit(&output, code);
        assert!(stderr(&output).contains(words), "{arguments:?}: {}", stderr(&output));
    }
    let nothing = misbehaving(|stream| offering(stream, "[]"));
    assert_exit(&place.mcpl(&["run", &nothing, "--set", "time=1s", "-q"]), 0);
}
