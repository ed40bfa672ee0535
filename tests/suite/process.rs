//! Processes of servers, as the system tells of them.

use mcpl::record::{Moment, ProcessRow};
use mcpl::results::{Results, SESSIONS_LEAST};

use crate::support::{Rulebook, Scenario, assert_exit, stderr, stdout};

const MIB: u64 = 1 << 20;

fn scenario(server: &str, stages: &str, assert: &str) -> Scenario {
    Scenario::new(&format!(
        "mcpl 1\nserver s {{\n  {server}\n}}\nscenario a {{\n  target s\n  stages {{ {stages} }}\n  run f\n}}\nflow f {{\n  call list_rules\n  think 20ms\n}}\nassert {{\n  {assert}\n}}\n"
    ))
}

/// Rows of a server that is one process, after a look at what cannot be.
#[track_caller]
fn plausible(results: &Results) -> Vec<&ProcessRow> {
    let rows: Vec<_> = results.process(0).map(|(_, row)| row).collect();
    let cores = std::thread::available_parallelism().unwrap().get() as f64;
    for row in &rows {
        assert_eq!(row.processes, 1, "{row:?}");
        assert!(row.rss_bytes > MIB && row.open_files >= 3, "{row:?}");
        // Ticks are a hundredth of a second.
        assert!(row.cpu_share().is_none_or(|share| share <= cores + 0.1), "{row:?}");
    }
    let moments: Vec<_> = rows.iter().map(|row| row.moment).collect();
    assert_eq!((moments.first(), moments.last()), (Some(&Moment::Before), Some(&Moment::After)));
    assert!(moments.iter().filter(|moment| **moment == Moment::During).count() >= 2, "{moments:?}");
    assert!(rows.iter().map(|row| row.cpu_ns).sum::<u64>() > 0, "a server under load works: {rows:?}");
    rows
}

#[cfg(target_os = "linux")]
#[test]
fn the_built_in_server_is_watched() {
    let server = "builtin rulebook { rules 20 }\n  protocol 2025-11-25";
    let assert = "server.rss.max > 1MiB\n  server(s).fds.max >= 3\n  server.cpu.max > 0%";
    let scenario = scenario(server, "hold 25 users for 2s", assert);
    let output = scenario.run(&["--quiet"]);
    assert_exit(&output, 0);
    let results = scenario.results();
    let rows = plausible(&results);
    let most = rows.iter().map(|row| row.open_files).max().unwrap();
    assert!(most >= rows[0].open_files + 25, "each user has a connection: {rows:?}");
    let (_, sessions) = results.bytes_per_session(0).unwrap();
    assert!((SESSIONS_LEAST..=25).contains(&sessions), "{sessions}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_process_is_watched_that_the_file_names() {
    let server = Rulebook::start(&[]);
    let of = |pid: &str| format!("http \"{}\"\n  pid {pid}", server.url);
    let named = scenario(&of(&server.pid().to_string()), "hold 3 users for 2s", "server.rss.max > 1MiB");
    assert_exit(&named.run(&["--quiet"]), 0);
    plausible(&named.results());
    let nobody = scenario(&of("4194304"), "hold 3 users for 2s", "server.rss.max > 1MiB");
    let output = nobody.run(&["--quiet"]);
    assert_exit(&output, 2);
    assert!(stderr(&output).contains("this machine has no process 4194304"), "{}", stderr(&output));
}

#[cfg(target_os = "linux")]
#[test]
fn a_child_for_each_session_is_one_of_its_servers_processes() {
    let scenario = scenario("builtin rulebook { rules 20\n stdio on }", "hold 3 users for 2s", "server.rss.max > 3MiB");
    let output = scenario.run(&["--quiet"]);
    assert_exit(&output, 0);
    let results = scenario.results();
    let rows: Vec<_> = results.process(0).map(|(_, row)| row).collect();
    assert_eq!((rows[0].moment, rows[0].processes, rows[0].rss_bytes), (Moment::Before, 0, 0));
    // A look may come while they start.
    let whole = |row: &ProcessRow| row.moment == Moment::During && row.processes == 3 && row.rss_bytes > 3 * MIB;
    let found = rows.iter().any(|row| whole(row));
    assert!(found, "{rows:?}");
    assert_eq!(rows.last().map(|row| (row.moment, row.processes)), Some((Moment::After, 0)));
}

#[test]
fn nothing_is_said_of_a_server_whose_process_nobody_knows() {
    let server = Rulebook::start(&[]);
    let scenario = scenario(&format!("http \"{}\"", server.url), "hold 3 users for 1s", "errors.rate < 1%");
    let output = scenario.run(&["--quiet"]);
    assert_exit(&output, 0);
    assert_eq!(scenario.results().process(0).count(), 0);
    assert!(!stdout(&output).contains("server process"), "{}", stdout(&output));
}
