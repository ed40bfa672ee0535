//! Answers that reach the wrong user are found, and none is found where there is
//! none.

use mcpl::results::Window;
use mcpl::violation::Violation;

use crate::support::{Scenario, assert_exit, example, mcpl, stdout};

/// Every request asks for something that does not exist, by a name of its own;
/// some are under way together.
fn scenario(switches: &str) -> Scenario {
    Scenario::new(&format!(
        "mcpl 1\nserver s {{\nbuiltin rulebook {{ {switches} }}\n}}\nscenario a {{\ntarget s\nstages {{\nhold 8 users for 2s\n}}\nrun ask\n}}\n\
         flow ask {{\ncall get_rule {{\nargs {{ \"id\": unique() }}\nexpect error\n}}\nlet kept = unique()\nparallel {{\n\
         call get_rule {{\nas \"left\"\nargs {{ \"id\": kept }}\nexpect error\n}}\n\
         call get_rule {{\nas \"right\"\nargs {{ \"id\": unique() }}\nexpect error\n}}\n}}\nthink 5ms..20ms\n}}\n\
         assert {{\nviolations.cross_wired.count == 0\n}}\n"
    ))
}

#[test]
fn one_answer_in_fifty_that_is_for_another_is_found() {
    for switches in ["cross_wired 2%", "cross_wired 2%\nanswers sse", "cross_wired 2%\nstdio on"] {
        let scenario = scenario(switches);
        let output = scenario.run(&["--quiet"]);
        assert_exit(&output, 1);
        let results = scenario.results();
        let counts = results.counts(&results.everything(), Window::Whole);
        let found = counts.violation_kinds.get(&Violation::CrossWired).copied().unwrap_or(0);
        #[expect(clippy::cast_precision_loss, reason = "small counts")]
        let share = found as f64 / counts.requests as f64;
        // Not all that are mixed up: a user may get what it sent itself before.
        assert!((0.005..0.04).contains(&share), "{switches}: {found} of {}", counts.requests);
        assert_eq!(counts.violations, found, "{switches}: nothing else is wrong: {:?}", counts.violation_kinds);
        let said = stdout(&output);
        assert!(said.contains("`violations.cross_wired`: an answer that carries the token of another"), "{said}");
        let examples = results.recording.seconds.iter().flat_map(|slice| &slice.violations);
        assert!(examples.clone().all(|example| example.message.starts_with("the answer carries mcpl")));
        assert!((1..=30).contains(&examples.count()));
    }
}

#[test]
fn a_server_that_keeps_its_users_apart_is_not_accused() {
    for switches in ["", "answers sse", "stdio on"] {
        let scenario = scenario(switches);
        assert_exit(&scenario.run(&["--quiet"]), 0);
        let results = scenario.results();
        let counts = results.counts(&results.everything(), Window::Whole);
        assert!(counts.requests > 100, "{switches}: {}", counts.requests);
        assert_eq!((counts.violations, counts.failed()), (0, 0), "{switches}: {:?}", counts.violation_kinds);
    }
}

#[test]
fn the_example_passes() {
    let directory = tempfile::tempdir().unwrap();
    let mut command = mcpl();
    command.arg("run").arg(example("isolation.mcpl")).args(["--set", "length=1s", "--quiet"]);
    assert_exit(&command.current_dir(&directory).output().unwrap(), 0);
}
