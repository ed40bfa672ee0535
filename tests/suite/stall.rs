//! The stall of 40 ms that servers with Nagle's algorithm cause: shown,
//! explained, and not caused by mcpl.

use crate::support::{Scenario, assert_exit, stdout};

/// A run against answers as event streams; returns what the terminal says.
fn told(nagle: &str, more: &str) -> String {
    let scenario = Scenario::new(&format!(
        "mcpl 1\nserver s {{\n  builtin rulebook {{\n    answers sse\n    nagle {nagle}\n  }}\n  protocol 2025-11-25\n{more}}}\n\
         scenario a {{\n  target s\n  stages {{ iterations 40 shared by 2 users }}\n  run f\n}}\n\
         flow f {{ call list_rules }}\n"
    ));
    let output = scenario.run(&[]);
    assert_exit(&output, 0);
    stdout(&output)
}

#[test]
#[cfg(target_os = "linux")]
fn a_server_with_nagles_algorithm_is_told_so_and_no_other() {
    const WORDS: &str = "Nagle's algorithm";
    let told_of = told("on", "");
    assert!(told_of.contains(WORDS) && told_of.contains("`list_rules`"), "{told_of}");
    let healthy = told("off", "");
    assert!(!healthy.contains(WORDS), "{healthy}");
}
