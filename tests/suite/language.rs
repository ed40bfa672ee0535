//! What the language reaches beyond its own file: other files, data, secrets,
//! servers to start.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Output;

use mcpl::results::Ended;

use crate::support::{Scenario, assert_exit, journals, kill_when_it_says, mcpl, stderr, stdout};

const SECRET: &str = "k9-very-secret-value";

/// Every file below a directory, with its text as far as it is text.
fn texts(dir: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(texts(&path));
        } else {
            found.push((path.display().to_string(), String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned()));
        }
    }
    found
}

#[test]
fn a_secret_appears_nowhere() {
    let program = env!("CARGO_BIN_EXE_mcpl");
    let scenario = Scenario::new(&format!(
        r#"mcpl 1
param token = secret("MCPL_TEST_TOKEN")
server web {{
  builtin rulebook
  auth bearer token
  header "X-Key" f"key {{secret("MCPL_TEST_TOKEN")}}"
}}
server child {{
  stdio ["{program}", "serve", "rulebook", "--stdio"]
  env {{ "KEY": token, "OTHER": f"{{token}}!" }}
}}
scenario a {{
  target {{
    50% web
    50% child
  }}
  stages {{ iterations 20 shared by 2 users }}
  run f
}}
flow f {{
  call list_rules {{ expect structured.none == 1 as "fails" }}
  log "a line"
}}
assert {{ expect("fails").rate > 50% }}
report {{
  html "out.html"
  markdown "out.md"
  junit "out.xml"
  template "mine.j2" to "mine.txt"
}}
"#
    ));
    fs::write(scenario.path("mine.j2"), "{{ run.id }}").unwrap();
    let mut printed = String::new();
    let mut keep = |output: Output| {
        printed.push_str(&stdout(&output));
        printed.push_str(&stderr(&output));
        output
    };
    let with_secret = |arguments: &[&str]| {
        mcpl().args(arguments).arg(&scenario.file).env("MCPL_TEST_TOKEN", SECRET).output().unwrap()
    };
    assert_exit(&keep(with_secret(&["check"])), 0);
    let plan = keep(with_secret(&["plan"]));
    assert_exit(&plan, 0);
    assert!(stdout(&plan).contains("param token = a secret  (environment)"), "{}", stdout(&plan));
    assert_exit(&keep(with_secret(&["plan", "--json"])), 0);
    let run = scenario.path("run.json");
    assert_exit(&keep(with_secret(&["run", "--out", run.to_str().unwrap()])), 1);
    for format in ["text", "html", "markdown", "junit"] {
        let run = run.to_str().unwrap();
        assert_exit(&keep(mcpl().args(["report", run, "--format", format]).output().unwrap()), 0);
    }
    // Killed in the middle, so that its journal stays.
    let text = fs::read_to_string(&scenario.file).unwrap();
    fs::write(&scenario.file, text.replace("iterations 20 shared by 2 users", "hold 2 users for 60s")).unwrap();
    let mut killed = mcpl();
    kill_when_it_says(killed.arg("run").arg(&scenario.file).env("MCPL_TEST_TOKEN", SECRET), "3s of 1m");
    fs::write(&scenario.file, text).unwrap();
    let [journal] = journals(&scenario).try_into().unwrap();
    assert_exit(&keep(mcpl().arg("report").arg(journal).output().unwrap()), 0);
    // Without its variable, and against a server that does not answer.
    let unset = keep(mcpl().arg("run").arg(&scenario.file).env_remove("MCPL_TEST_TOKEN").output().unwrap());
    assert_exit(&unset, 2);
    assert!(stderr(&unset).contains("the secret `MCPL_TEST_TOKEN` is not set"), "{}", stderr(&unset));
    let text = fs::read_to_string(&scenario.file).unwrap();
    fs::write(&scenario.file, text.replace("builtin rulebook", "http \"http://127.0.0.1:1/mcp\"")).unwrap();
    assert_exit(&keep(with_secret(&["run"])), 3);
    let refused = keep(with_secret(&["check", "--set", "token=x"]));
    assert_exit(&refused, 2);
    assert!(stderr(&refused).contains("would show a secret"), "{}", stderr(&refused));

    assert!(!printed.contains(SECRET), "{printed}");
    let written = texts(scenario.dir.path());
    assert!(written.len() >= 6, "{written:?}");
    for (path, text) in written {
        assert!(!text.contains(SECRET), "{path}");
    }
}

/// A scenario in a folder with data, an included file and a template.
fn with_files() -> Scenario {
    let scenario = Scenario::new(
        "mcpl 1\ninclude \"shared/common.mcpl\"\nscenario a {\n  target rules\n  stages { iterations 3 each by 1 user }\n  run look\n}\nreport { template \"shared/mine.j2\" to \"out.txt\" }\n",
    );
    fs::create_dir(scenario.path("shared")).unwrap();
    fs::write(
        scenario.path("shared/common.mcpl"),
        "mcpl 1\nserver rules { builtin rulebook }\ndata words {\n  csv \"words.csv\"\n  types { limit: int }\n}\nflow look {\n  take row from words\n  log row.text\n  call search_rules { args { \"query\": row.text, \"limit\": row.limit } }\n}\n",
    )
    .unwrap();
    fs::write(scenario.path("shared/words.csv"), "text,limit\nnaming,1\n\"error, handling\",2\ntests,3\n").unwrap();
    fs::write(
        scenario.path("shared/mine.j2"),
        "{% for step in steps %}{{ step.step }} {{ step.requests }}{% endfor %}\n",
    )
    .unwrap();
    scenario
}

#[test]
fn paths_count_from_the_file_that_names_them() {
    let scenario = with_files();
    let output = scenario.run(&[]);
    assert_exit(&output, 0);
    for word in ["naming", "error, handling", "tests"] {
        assert!(stderr(&output).contains(&format!("a user 0: {word}\n")), "{}", stderr(&output));
    }
    assert!(fs::read_to_string(scenario.path("out.txt")).unwrap().contains('3'));
    let plan = mcpl().arg("plan").arg(&scenario.file).output().unwrap();
    assert!(stdout(&plan).contains("data words: 3 rows of words.csv, one after the other"), "{}", stdout(&plan));
    assert!(stdout(&plan).contains("a draws 1 an iteration, 3 in all"), "{}", stdout(&plan));
}

#[test]
fn a_mistake_in_another_file_is_shown_there() {
    let scenario = with_files();
    let words = scenario.path("shared/words.csv");
    fs::write(&words, "text,limit\nnaming,1\ntests,many\n").unwrap();
    let output = mcpl().args(["check", "--format", "short"]).arg(&scenario.file).output().unwrap();
    assert_exit(&output, 2);
    let said = stdout(&output);
    assert!(said.contains("shared/common.mcpl:4:7: error[E702]"), "{said}");
    assert!(said.contains("shared/words.csv:3:7"), "{said}");
    let common = scenario.path("shared/common.mcpl");
    let text = fs::read_to_string(&common).unwrap();
    fs::write(&words, "text,limit\nnaming,1\n").unwrap();
    fs::write(&common, text.replace("row.limit", "row.limmit")).unwrap();
    let output = mcpl().arg("check").arg(&scenario.file).output().unwrap();
    assert_exit(&output, 2);
    let said = stderr(&output);
    assert!(said.contains("data `words` has no column `limmit`") && said.contains("common.mcpl:10:"), "{said}");
    fs::write(&common, format!("{text}\ninclude \"../test.mcpl\"\n")).unwrap();
    let output = mcpl().arg("check").arg(&scenario.file).output().unwrap();
    assert_exit(&output, 2);
    assert!(stderr(&output).contains("includes itself"), "{}", stderr(&output));
}

#[test]
fn a_server_is_started_before_the_run_and_stopped_after_it() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let program = env!("CARGO_BIN_EXE_mcpl");
    let file = |command: &str| {
        Scenario::new(&format!(
            "mcpl 1\nserver s {{\n  http \"http://127.0.0.1:{port}/mcp\"\n  launch {command} ready within 20s\n}}\nscenario a {{\n  target s\n  stages {{ iterations 3 each by 1 user }}\n  run f\n}}\nflow f {{ call list_rules }}\n"
        ))
    };
    let output = file(&format!("[\"{program}\", \"serve\", \"rulebook\", \"--http\", \"{port}\"]")).run(&[]);
    assert_exit(&output, 0);
    assert!(TcpListener::bind(("127.0.0.1", port)).is_ok(), "the port is free again");
    let output = file("[\"sh\", \"-c\", \"echo no such rule >&2; exit 4\"]").run(&[]);
    assert_exit(&output, 3);
    let said = stderr(&output);
    assert!(said.contains("ended (exit status: 4) before it accepted connections: no such rule"), "{said}");
    let output = file("[\"/no/such/program\"]").run(&[]);
    assert_exit(&output, 3);
    assert!(stderr(&output).contains("cannot be started"), "{}", stderr(&output));
}

#[test]
fn the_guard_stops_a_run_with_exit_code_4() {
    let scenario = Scenario::new(
        "mcpl 1\nserver s { builtin rulebook }\nguard { max requests 200 }\nscenario a {\n  target s\n  stages { hold 3 users for 1m }\n  sessions shared 2\n  run f\n}\nflow f {\n  parallel {\n    call list_rules\n    list tools\n    call search_rules { args { \"query\": \"rust\" } }\n  }\n}\nassert { errors.rate == 0% }\n",
    );
    let output = scenario.run(&[]);
    assert_exit(&output, 4);
    let said = stdout(&output).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("the guard stopped the run: `max requests 200`"), "{said}");
    let results = scenario.results();
    let rows = results.recording.seconds.iter().flat_map(|slice| &slice.series);
    let (requests, failed) =
        rows.fold((0, 0), |(all, failed), row| (all + row.counts.requests, failed + row.counts.failed()));
    assert_eq!((requests, failed), (200, 0), "{said}");
    assert_eq!(results.run.ended, Ended::Guarded);
    let sessions = results.recording.seconds.iter().flat_map(|slice| &slice.scenarios).map(|row| row.sessions);
    assert_eq!(sessions.sum::<u64>(), 2);
}

#[test]
fn a_condition_stops_a_run_while_it_goes_on() {
    let scenario = Scenario::new(
        "mcpl 1\nserver s { builtin rulebook }\nguard { abort when errors.rate > 50% for 2s }\nscenario a {\n  target s\n  warmup 10s\n  stages { hold 20/s for 1m }\n  run f\n}\nflow f { call get_rule { args { \"id\": \"no-such-rule\" } } }\n",
    );
    let output = scenario.run(&[]);
    assert_exit(&output, 4);
    // The summary breaks lines.
    let said = stdout(&output).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("`errors.rate > 50%` held for 2s: in second 1 it was 100% > 50%"), "{said}");
}

#[test]
fn a_search_finds_the_limit_of_a_real_server() {
    // It answers after 20 ms, whatever the load.
    let scenario = Scenario::new(
        "mcpl 1\nserver s { builtin rulebook { latency 20ms } }\nscenario a {\n  target s\n  stages {\n    seek 10/s -> 30/s step 10/s every 1s while errors.rate < 1% confirm 2s\n  }\n  run f\n}\nflow f { call list_rules }\nreport { html \"r.html\" }\n",
    );
    let output = scenario.run(&[]);
    assert_exit(&output, 0);
    let said = stdout(&output).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("`a` holds 30/s, confirmed for 2s,"), "{said}");
    let page = fs::read_to_string(scenario.path("r.html")).unwrap();
    assert!(page.contains("Search for the limit"), "{said}");
    let slow =
        Scenario::new(&fs::read_to_string(&scenario.file).unwrap().replace("errors.rate < 1%", "latency.p50 < 15ms"));
    let output = slow.run(&[]);
    assert_exit(&output, 1);
    let said = stdout(&output).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("`a` held no level; at 10/s `latency.p50 < 15ms` broke: "), "{said}");
}
