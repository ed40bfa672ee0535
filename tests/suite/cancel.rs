//! Servers that go on with requests that were cancelled: told, and no others.

use crate::support::{Scenario, assert_exit, stdout};

/// A run in which users give up after 100 ms what takes 600 ms; returns what the
/// terminal says and how many results came too late.
fn told(switches: &str) -> (String, u64) {
    let scenario = Scenario::new(&format!(
        "mcpl 1\nserver s {{\n  builtin rulebook {{\n    latency 600ms\n{switches}\n  }}\n  protocol 2025-11-25\n}}\n\
         scenario a {{\n  target s\n  stages {{ iterations 60 shared by 3 users }}\n  run f\n}}\n\
         flow f {{\n  call search_rules {{\n    args {{ \"query\": \"error\" }}\n    cancel after 100ms\n  }}\n}}\n\
         assert {{ late.count >= 0 }}\n"
    ));
    let output = scenario.run(&[]);
    assert_exit(&output, 0);
    let results = scenario.results();
    let counts = results.counts(&results.everything(), mcpl::results::Window::Whole);
    assert_eq!(counts.errors.values().sum::<u64>(), 60, "all are cancelled");
    assert_eq!(counts.violations, 0);
    (stdout(&output), counts.late)
}

const WORDS: &str = "cancellation is ignored";

#[test]
fn a_server_that_ignores_cancellation_is_told_so_over_each_transport() {
    // Without sessions, as with JSON answers, a server cannot know what is cancelled.
    for switches in ["stdio on\nignore_cancellation on", "answers sse\nignore_cancellation on", "answers json"] {
        let (told, late) = told(switches);
        assert!(told.contains(WORDS) && told.contains("`search_rules`"), "{switches}: {told}");
        assert!((30..=60).contains(&late), "{switches}: {late}");
    }
}

#[test]
fn a_server_that_heeds_cancellation_is_not() {
    for switches in ["stdio on", "answers sse"] {
        let (told, late) = told(switches);
        assert!(!told.contains(WORDS), "{switches}: {told}");
        assert_eq!(late, 0, "{switches}");
    }
}
