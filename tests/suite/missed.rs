//! What is said of a target that a run misses, by the whole program.

use mcpl::verdict::{Kind, judge};

use crate::support::{Scenario, assert_exit, mcpl, stdout};

/// A second scenario empties the server's cache from the eighth second on.
#[test]
fn a_cache_that_is_defeated_midway_is_told_with_its_moment() {
    let scenario = Scenario::new(
        "mcpl 1\nserver s {\n  builtin rulebook\n}\nguard { allow tools [\"clear_cache\"] }\n\
         scenario steady {\n  target s\n  warmup 1s\n  stages { hold 20/s for 14s }\n  run compose\n}\n\
         scenario clear {\n  target s\n  start at 8s\n  stages { hold 40/s for 6s }\n  run clear\n}\n\
         flow compose {\n  call compose_rules {\n    args { \"ids\": [\"rule-0001\", \"rule-0002\"] }\n    \
         expect structured.cache == \"hit\" as \"from the cache\"\n  }\n}\n\
         flow clear { call clear_cache }\n\
         assert {\n  steady.errors.rate < 5%\n  expect(\"from the cache\").rate > 90%\n}\n",
    );
    assert_exit(&scenario.run(&["--quiet"]), 1);
    let found = judge(&scenario.results()).findings;
    let missed: Vec<_> = found.iter().filter(|finding| finding.kind == Kind::Missed).collect();
    assert_eq!(missed.len(), 1, "{found:#?}");
    let text = &missed[0].text;
    let second = text.split("before second ").nth(1).and_then(|rest| rest.split(' ').next()?.parse::<u32>().ok());
    assert!(second.is_some_and(|second| (7..=10).contains(&second)), "{text}");
    assert!(text.contains("when `clear` begins with 40/s") && text.contains("expect(\"from the cache\")"), "{text}");
    assert!(!found.iter().any(|finding| finding.kind == Kind::Errors), "one mistake is told once: {found:#?}");
}

/// A model of a server that takes 100 requests a second, and a rate that rises to twice
/// that: the queue is a quarter of a second long soon after.
#[test]
fn a_capacity_that_a_ramp_exceeds_is_told_with_the_rate() {
    let scenario = Scenario::new(
        "mcpl 1\nserver s { builtin rulebook }\n\
         scenario a {\n  target s\n  stages { ramp 0 -> 200/s over 40s }\n  run f\n}\n\
         flow f { call list_rules }\nassert { list_rules.latency.p95 < 250ms }\n",
    );
    let options = ["--latency", "20ms", "--capacity", "100/s", "--seed", "3"];
    let output = mcpl().arg("rehearse").arg(scenario.path("test.mcpl")).args(options).output().unwrap();
    assert_exit(&output, 1);
    let told = stdout(&output).split_whitespace().collect::<Vec<_>>().join(" ");
    let rate = told.split("when the rate passes ").nth(1).and_then(|rest| rest.split('/').next()?.parse::<u32>().ok());
    assert!(rate.is_some_and(|rate| (105..=130).contains(&rate)), "{told}");
    assert!(told.contains("`list_rules.latency.p95 < 250ms` is missed by "), "{told}");
}
