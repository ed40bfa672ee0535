//! The history of runs, by its commands.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use mcpl::results::{Ended, Results};
use mcpl::store::{Filter, History, Mode};

use crate::support::{Scenario, assert_exit, journals, kill_when_it_says, mcpl, stderr, stdout};

const SHORT: &str = r#"mcpl 1
server rules { builtin rulebook { rules 20 } }
scenario look {
  target rules
  stages { hold 50/s for 1s }
  run search
}
flow search {
  call get_rule { args { "id": "rule-0001" } }
}
assert {
  look.errors.rate == 0%
}
"#;

/// The program with a history, and without what a CI system says of commits.
fn with_history() -> Command {
    let mut command = mcpl();
    command.env_remove("MCPL_HISTORY").env_remove("GITHUB_SHA").env_remove("CI_COMMIT_SHA");
    command
}

fn run(scenario: &Scenario, more: &[&str]) -> Output {
    with_history().arg("run").arg(&scenario.file).args(more).output().unwrap()
}

/// `mcpl history …` in the directory of the scenario.
fn history(scenario: &Scenario, arguments: &[&str]) -> Output {
    with_history().arg("history").args(arguments).current_dir(scenario.dir.path()).output().unwrap()
}

fn listed(scenario: &Scenario) -> Vec<serde_json::Value> {
    let output = history(scenario, &["list", "--json", "--limit", "0"]);
    assert_exit(&output, 0);
    serde_json::from_str(&stdout(&output)).unwrap()
}

/// Results of a rehearsal under another id each time.
fn rehearsed(scenario: &Scenario) -> Results {
    let out = scenario.path("rehearsed.json");
    assert_exit(&mcpl().arg("rehearse").arg(&scenario.file).arg("--out").arg(&out).output().unwrap(), 0);
    Results::from_json(&fs::read_to_string(out).unwrap()).unwrap()
}

fn as_file(scenario: &Scenario, results: &Results, id: &str) -> String {
    let mut results = results.clone();
    id.clone_into(&mut results.run.id);
    let path = scenario.path(&format!("{id}.json"));
    fs::write(&path, results.to_json()).unwrap();
    path.display().to_string()
}

fn import(history: &Path, file: &str) -> Command {
    let mut command = with_history();
    command.args(["history", "import", file, "--history"]).arg(history);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

#[test]
fn a_run_is_kept_and_named_shown_tagged_reported_and_removed() {
    let scenario = Scenario::new(SHORT);
    let out = scenario.path("run.json");
    let ran = run(&scenario, &["--out", out.to_str().unwrap(), "--tag", "branch=main", "--tag", "note=a b"]);
    assert_exit(&ran, 0);
    let kept = Results::from_json(&fs::read_to_string(&out).unwrap()).unwrap();
    let id = kept.run.id.as_str();
    assert!(stderr(&ran).contains(&format!("history.db` as {id}\n")), "{}", stderr(&ran));
    assert!(scenario.path(".mcpl/history.db").is_file());

    let list = history(&scenario, &["list"]);
    assert_exit(&list, 0);
    let lines: Vec<String> = stdout(&list).lines().map(str::to_owned).collect();
    assert!(lines[0].starts_with("RUN ") && lines[1].starts_with(&format!("{id}  ")), "{lines:?}");
    assert!(lines[1].contains("  test      passed ") && lines[1].ends_with("branch=main note=a b"), "{lines:?}");

    let of_latest = mcpl::store::History::open(&scenario.path(".mcpl/history.db"), Mode::Read).unwrap();
    assert_eq!(of_latest.results(id).unwrap(), kept);
    let shown = history(&scenario, &["show", "latest"]);
    assert!(stdout(&shown).contains(&format!("run       {id}\n")), "{}", stdout(&shown));
    assert!(stdout(&shown).contains("tag       branch=main\n"));
    let shown: serde_json::Value =
        serde_json::from_str(&stdout(&history(&scenario, &["show", &id[..12], "--json"]))).unwrap();
    assert_eq!((shown["id"].as_str(), shown["load_hash"].as_str()), (Some(id), Some(&*kept.plan.load_hash())));

    // The same report, from a directory below.
    let below = scenario.path("a/b");
    fs::create_dir_all(&below).unwrap();
    let by_name = with_history().args(["report", "latest"]).current_dir(&below).output().unwrap();
    assert_exit(&by_name, 0);
    assert_eq!(stdout(&by_name), stdout(&mcpl().arg("report").arg(&out).output().unwrap()));
    let judged = with_history().args(["judge", &id[..12]]).current_dir(&below).output().unwrap();
    assert_exit(&judged, 0);

    let tagged = history(&scenario, &["tag", "latest", "release=1.0", "--remove", "note"]);
    assert_eq!(stdout(&tagged), format!("{id}: branch=main release=1.0\n"));
    assert_exit(&history(&scenario, &["tag", "latest", "--remove", "note"]), 2);
    assert_eq!(stdout(&history(&scenario, &["remove", "latest"])), "removed 1 run\n");
    assert!(listed(&scenario).is_empty());
    assert!(stderr(&history(&scenario, &["list"])).contains("has no runs"));
}

#[test]
fn the_page_of_a_run_has_the_runs_before_it() {
    let scenario = Scenario::new(SHORT);
    let page = |name: &str, more: &[&str]| {
        let (page, out) = (scenario.path(&format!("{name}.html")), scenario.path(&format!("{name}.json")));
        let report = format!("html={}", page.display());
        let files = ["--report", &report, "--out", out.to_str().unwrap()];
        assert_exit(&run(&scenario, &[&files, more].concat()), 0);
        fs::read_to_string(page).unwrap()
    };
    assert!(!page("first", &[]).contains("id=\"trend\""), "none is before it");
    let second = page("second", &["--tag", "commit=abc"]);
    assert!(second.contains("2 runs of this load, up to this one.") && second.contains("<td>abc</td>"));
    let again = |run: &str, history: Option<&str>| {
        let mut command = with_history();
        command.envs(history.map(|path| ("MCPL_HISTORY", path))).current_dir(scenario.dir.path());
        let output = command.args(["report", run, "--format", "html"]).output().unwrap();
        assert_exit(&output, 0);
        stdout(&output)
    };
    assert_eq!(again("second.json", None), second);
    assert_eq!(again("latest", None), second);
    assert!(!again("second.json", Some("")).contains("id=\"trend\""), "the history is off");
    assert!(!page("third", &["--no-save"]).contains("id=\"trend\""));
    assert!(!again("third.json", None).contains("id=\"trend\""), "the history does not have it");
    // What is no measurement is not shown among those that are.
    let mut history = History::open(&scenario.path(".mcpl/history.db"), Mode::Write).unwrap();
    let mut invalid = Results::from_json(&fs::read_to_string(scenario.path("second.json")).unwrap()).unwrap();
    "invalid".clone_into(&mut invalid.run.id);
    history.keep(&invalid, "invalid", &mcpl::store::Tags::new(), mcpl::store::Details::Condensed).unwrap();
    drop(history);
    let fourth = page("fourth", &[]);
    assert!(fourth.contains("3 runs of this load, up to this one.") && fourth.contains("1 invalid"), "{fourth}");
}

#[test]
fn a_run_that_is_not_there_is_met_with_those_that_are() {
    let scenario = Scenario::new(SHORT);
    let none = history(&scenario, &["list"]);
    assert_exit(&none, 2);
    assert!(stderr(&none).contains("there is no history"), "{}", stderr(&none));
    assert!(stderr(&none).contains("--history DIR/.mcpl/history.db"), "{}", stderr(&none));
    let results = rehearsed(&scenario);
    for id in ["6a0c11", "6a0c22"] {
        assert_exit(&history(&scenario, &["import", &as_file(&scenario, &results, id)]), 0);
    }
    let of = |name: &str| {
        let output = with_history().args(["report", name]).current_dir(scenario.dir.path()).output().unwrap();
        assert_exit(&output, 2);
        stderr(&output)
    };
    assert!(of("6a0c23").contains("help: write `6a0c22`"), "{}", of("6a0c23"));
    assert!(of("6a").contains("is the beginning of several runs: 6a0c11, 6a0c22"), "{}", of("6a"));
    assert!(of("lastest").contains("help: write `latest`"), "{}", of("lastest"));
    assert!(of("latest~2").contains("name one of its runs: latest, 6a0c22, 6a0c11;"), "{}", of("latest~2"));
    assert!(of("other.json").contains("cannot read `other.json`"), "{}", of("other.json"));
}

#[test]
fn nothing_is_kept_where_nothing_is_to_be_kept() {
    let scenario = Scenario::new(SHORT);
    assert_exit(&run(&scenario, &["--no-save"]), 0);
    assert!(!scenario.path(".mcpl").exists());
    let elsewhere = scenario.path("elsewhere/h.db");
    let ran = with_history().env("MCPL_HISTORY", &elsewhere).arg("run").arg(&scenario.file).output().unwrap();
    assert_exit(&ran, 0);
    assert!(!scenario.path(".mcpl").exists() && elsewhere.is_file());
    let rehearsed = with_history().arg("rehearse").arg(&scenario.file).output().unwrap();
    assert_exit(&rehearsed, 0);
    assert!(!scenario.path(".mcpl").exists(), "a rehearsal is no run");
}

#[test]
fn the_commit_is_a_tag_of_its_own() {
    let scenario = Scenario::new(SHORT);
    let commit = "0123456789abcdef0123456789abcdef01234567";
    let ran = with_history().env("GITHUB_SHA", commit).arg("run").arg(&scenario.file).output().unwrap();
    assert_exit(&ran, 0);
    assert_eq!(listed(&scenario)[0]["tags"]["commit"], commit);
    assert!(stdout(&history(&scenario, &["list"])).ends_with("commit=0123456789ab\n"));
}

#[test]
fn what_is_exported_comes_back_as_it_was() {
    let scenario = Scenario::new(SHORT);
    let results = rehearsed(&scenario);
    for id in ["one", "two", "three"] {
        assert_exit(&history(&scenario, &["import", &as_file(&scenario, &results, id), "--tag", "n=1"]), 0);
    }
    assert_eq!(
        stdout(&history(&scenario, &["prune", "--keep", "2", "--details-only"])),
        "removed the single seconds of 1 run of 3\n"
    );
    let whole = history(&scenario, &["export"]);
    assert_exit(&whole, 0);
    assert_eq!(stdout(&whole).lines().count(), 3);
    let before = listed(&scenario);
    fs::write(scenario.path("all.jsonl"), stdout(&whole)).unwrap();

    let other = Scenario::new(SHORT);
    let all = scenario.path("all.jsonl").display().to_string();
    assert_eq!(
        stdout(&history(&other, &["import", &all])),
        "imported 3 runs into `.mcpl/history.db`\n",
        "a history is begun"
    );
    assert_eq!(listed(&other), before);
    assert_eq!(stdout(&history(&other, &["export"])), stdout(&whole), "byte for byte");
    assert!(stdout(&history(&other, &["import", &all])).contains("it had 3 runs already"));
    // What was given up comes back from a file that has it.
    let one = as_file(&scenario, &results, "one");
    assert!(stdout(&history(&other, &["import", &one])).contains("completed 1 run"));

    let cut = stdout(&whole);
    fs::write(scenario.path("cut.jsonl"), &cut[..cut.len() - 100]).unwrap();
    let third = Scenario::new(SHORT);
    let refused = history(&third, &["import", &scenario.path("cut.jsonl").display().to_string()]);
    assert_exit(&refused, 2);
    assert!(stderr(&refused).contains("line 3 of `"), "{}", stderr(&refused));
    assert!(!third.path(".mcpl").exists(), "all files are read before anything is written");
}

#[test]
fn old_runs_are_removed_when_that_is_asked() {
    let scenario = Scenario::new(SHORT);
    let mut results = rehearsed(&scenario);
    for (id, started) in [("old", "2020-01-01T00:00:00Z"), ("new", "2999-01-01T00:00:00Z")] {
        started.clone_into(&mut results.run.started);
        assert_exit(&history(&scenario, &["import", &as_file(&scenario, &results, id)]), 0);
    }
    assert_exit(&history(&scenario, &["prune"]), 2);
    let all = history(&scenario, &["prune", "--details-only"]);
    assert_exit(&all, 2);
    assert!(stderr(&all).contains("--keep <N>"), "{}", stderr(&all));
    assert!(listed(&scenario).iter().all(|run| run["detailed"] == true));
    assert_exit(&history(&scenario, &["remove", ""]), 2);
    assert_eq!(stdout(&history(&scenario, &["prune", "--older-than", "90d"])), "removed 1 run of 2\n");
    let left = listed(&scenario);
    assert_eq!((left.len(), left[0]["id"].as_str()), (1, Some("new")));
}

#[test]
fn a_run_that_was_killed_is_added_from_its_journal() {
    let scenario = Scenario::new(&SHORT.replace("for 1s", "for 60s"));
    kill_when_it_says(with_history().arg("run").arg(&scenario.file), "3s of 1m");
    assert!(!scenario.path(".mcpl/history.db").exists());
    let [journal] = journals(&scenario).try_into().unwrap();
    assert_exit(&history(&scenario, &["import", &journal.display().to_string()]), 0);
    let [run] = listed(&scenario).try_into().unwrap();
    assert_eq!((run["ended"].as_str(), run["outcome"].as_str()), (Some("killed"), Some("interrupted")));
}

/// Damages the history, makes a run, and returns what was said of it.
fn run_with_damaged(scenario: &Scenario, bytes: &[u8]) -> String {
    fs::write(scenario.path(".mcpl/history.db"), bytes).unwrap();
    let ran = run(scenario, &["--quiet"]);
    assert_exit(&ran, 0);
    stderr(&ran)
}

#[test]
fn a_damaged_file_is_moved_aside_and_loses_nothing() {
    let scenario = Scenario::new(SHORT);
    assert_exit(&history(&scenario, &["import", &as_file(&scenario, &rehearsed(&scenario), "before")]), 0);
    let sound = fs::read(scenario.path(".mcpl/history.db")).unwrap();
    let mut header = sound.clone();
    header[..100].fill(0x20);
    let damaged = [sound[..sound.len() / 2].to_vec(), header, b"cut".to_vec()];
    for (number, bytes) in damaged.iter().enumerate() {
        let number = number + 1;
        fs::write(scenario.path(".mcpl/history.db"), bytes).unwrap();
        let looked = history(&scenario, &["list"]);
        assert!(looked.status.code() == Some(2) || number == 3, "to look moves nothing: {}", stderr(&looked));
        let said = run_with_damaged(&scenario, bytes);
        assert!(said.contains(&format!("history.db.damaged-{number}`, and a new one is begun")), "{said}");
        assert_eq!(&fs::read(scenario.path(&format!(".mcpl/history.db.damaged-{number}"))).unwrap(), bytes);
        assert_eq!(listed(&scenario).len(), 1, "the run that found it");
    }
}

#[test]
fn many_who_find_the_damage_at_once_move_it_once() {
    let scenario = Scenario::new(SHORT);
    let results = rehearsed(&scenario);
    let file = scenario.path("history.db");
    let files: Vec<String> = (0..8).map(|n| as_file(&scenario, &results, &n.to_string())).collect();
    for round in 1..=10 {
        let damage = format!("{round}: neither a database nor empty\n").repeat(40);
        fs::write(&file, &damage).unwrap();
        let mut children: Vec<_> = files.iter().map(|results| import(&file, results).spawn().unwrap()).collect();
        assert!(children.iter_mut().all(|child| child.wait().unwrap().success()));
        let kept = History::open(&file, Mode::Read).unwrap().list(&Filter::default()).unwrap();
        assert_eq!(kept.len(), files.len(), "{round}");
        assert_eq!(fs::read_to_string(scenario.path(&format!("history.db.damaged-{round}"))).unwrap(), damage);
        assert!(!scenario.path(&format!("history.db.damaged-{}", round + 1)).exists(), "{round}");
    }
}

#[test]
fn a_history_that_cannot_be_written_changes_no_exit_code() {
    let scenario = Scenario::new(SHORT);
    let place = scenario.path("a directory");
    fs::create_dir(&place).unwrap();
    let file = scenario.path("a file");
    fs::write(&file, "").unwrap();
    let newer = scenario.path("newer.db");
    drop(History::open(&newer, Mode::Write).unwrap());
    rusqlite::Connection::open(&newer).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let theirs = scenario.path("theirs.db");
    rusqlite::Connection::open(&theirs).unwrap().execute_batch("CREATE TABLE theirs (x)").unwrap();
    let bytes = fs::read(&theirs).unwrap();
    // Nobody makes files in `/proc`, whatever they are allowed to.
    let cases = [
        (place.as_path(), "it is a directory"),
        (&file.join("history.db"), "cannot be used"),
        (Path::new("/proc/history.db"), "cannot be used"),
        (&newer, "has the number 99, and this version knows those up to 1"),
        (&theirs, "it is a database of another program"),
    ];
    for (path, reason) in cases {
        let ran = with_history().env("MCPL_HISTORY", path).arg("run").arg(&scenario.file).output().unwrap();
        assert_exit(&ran, 0);
        let said = stderr(&ran);
        let note = said.lines().find(|line| line.starts_with("this run is not kept in the history: ")).expect(&said);
        assert!(note.contains(reason), "{note}");
    }
    assert_eq!(fs::read(&theirs).unwrap(), bytes);
}

#[test]
fn a_history_is_read_where_nothing_can_be_written() {
    use std::os::unix::fs::PermissionsExt as _;
    let scenario = Scenario::new(SHORT);
    assert_exit(&history(&scenario, &["import", &as_file(&scenario, &rehearsed(&scenario), "kept")]), 0);
    let place = scenario.path(".mcpl");
    let allow = |mode| {
        fs::set_permissions(place.join("history.db"), fs::Permissions::from_mode(mode & 0o666)).unwrap();
        fs::set_permissions(&place, fs::Permissions::from_mode(mode)).unwrap();
    };
    allow(0o555);
    let list = history(&scenario, &["list"]);
    let report = with_history().args(["report", "kept"]).current_dir(scenario.dir.path()).output().unwrap();
    let ran = run(&scenario, &["--quiet"]);
    // Whoever may do everything has kept it.
    let kept = rustix::process::geteuid().is_root();
    allow(0o755);
    assert_exit(&list, 0);
    assert_exit(&report, 0);
    assert_exit(&ran, 0);
    assert!(kept || stderr(&ran).contains("this run is not kept in the history"), "{}", stderr(&ran));
    assert_eq!(listed(&scenario).len(), if kept { 2 } else { 1 });
}

/// How often writers compete and are killed.
const ROUNDS: usize = 100;

#[test]
fn writers_that_compete_and_are_killed_damage_nothing() {
    let scenario = Scenario::new(SHORT);
    let results = rehearsed(&scenario);
    let file = scenario.path("history.db");
    let under_way = scenario.path("history.db-journal");
    let mut told = Vec::new();
    let (mut killed, mut in_the_middle) = (0, 0);
    for round in 0..ROUNDS {
        let [survivor, victim, late] =
            ["s", "v", "l"].map(|name| as_file(&scenario, &results, &format!("{name}{round}")));
        let mut both = import(&file, &survivor).spawn().unwrap();
        let mut to_kill = import(&file, &victim).spawn().unwrap();
        // At another moment each time, and most often while something is being written.
        let mut patience = 50 * round;
        while to_kill.try_wait().unwrap().is_none() {
            patience = patience.saturating_sub(1);
            if patience == 0 && (round % 4 == 0 || under_way.exists()) {
                break;
            }
        }
        to_kill.kill().unwrap();
        in_the_middle += usize::from(under_way.exists());
        let (ended, other) = (to_kill.wait().unwrap(), both.wait().unwrap());
        assert!(other.success(), "{round}: {other}");
        told.push(format!("s{round}"));
        match ended.code() {
            Some(0) => told.push(format!("v{round}")),
            code => {
                assert_eq!(code, None, "it was killed, or it succeeded");
                killed += 1;
            }
        }
        // Whoever comes next takes back what was begun.
        assert!(import(&file, &late).status().unwrap().success(), "{round}");
        told.push(format!("l{round}"));
    }
    assert!(killed >= ROUNDS / 4, "{killed} of {ROUNDS} were killed, {in_the_middle} at once with a write");
    assert!(in_the_middle > 0, "{killed} were killed, and none of them at once with a write");
    let raw = rusqlite::Connection::open(&file).unwrap();
    let sound: String = raw.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(sound, "ok");
    let kept = History::open(&file, Mode::Read).unwrap();
    let runs = kept.list(&Filter::default()).unwrap();
    let missing: Vec<_> = told.iter().filter(|id| runs.iter().all(|run| run.id != **id)).collect();
    assert!(missing.is_empty(), "{missing:?} were told to be kept");
    for run in runs {
        let mut whole = kept.results(&run.id).unwrap();
        assert_eq!((whole.run.ended, &whole.run.id), (Ended::Completed, &run.id));
        whole.run.id.clone_from(&results.run.id);
        assert_eq!(whole, results, "{}", run.id);
    }
}

#[test]
fn runs_that_end_at_once_and_runs_that_are_killed_as_they_end() {
    let scenario = Scenario::new(&SHORT.replace("for 1s", "for 100ms"));
    let (file, under_way) = (scenario.path(".mcpl/history.db"), scenario.path(".mcpl/history.db-journal"));
    let start = || {
        let mut command = with_history();
        command.args(["run", "--quiet"]).arg(&scenario.file).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().unwrap()
    };
    let mut kept = 0;
    for _ in 0..5 {
        let (mut one, mut other, mut victim) = (start(), start(), start());
        while victim.try_wait().unwrap().is_none() && !under_way.exists() {}
        victim.kill().unwrap();
        kept += usize::from(victim.wait().unwrap().success());
        for child in [&mut one, &mut other] {
            assert!(child.wait().unwrap().success());
            kept += 1;
        }
    }
    let raw = rusqlite::Connection::open(&file).unwrap();
    let sound: String = raw.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(sound, "ok");
    let runs = listed(&scenario);
    // One that was killed may have been kept, and its journal is there besides.
    assert!(runs.len() >= kept, "{} of {kept}", runs.len());
    assert!(runs.len() + journals(&scenario).len() >= 15);
}
