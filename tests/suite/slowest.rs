//! The slowest requests of a run on a server that stands still now and then.

use serde_json::Value;

use crate::support::{Scenario, assert_exit, mcpl, stdout};

/// Nothing is answered in the last half second of every five.
const FREEZES: &str = r#"mcpl 1
server rules {
  builtin rulebook {
    rules 20
    freeze 500ms
  }
}
scenario look {
  target rules
  stages { hold 80/s for 6s }
  run search
}
flow search {
  call get_rule { args { "id": f"rule-000{random(1..9)}" } }
}
"#;

#[test]
fn a_server_that_stood_still_is_seen_in_the_slowest_requests() {
    let scenario = Scenario::new(FREEZES);
    assert_exit(&scenario.run(&["--quiet"]), 0);
    let run = scenario.path("run.json");
    let output = mcpl().arg("report").arg(&run).args(["--format", "json"]).output().unwrap();
    assert_exit(&output, 0);
    let view: Value = serde_json::from_slice(&output.stdout).unwrap();
    let slowest = view["slowest"].as_array().unwrap();
    assert_eq!(slowest.len(), 10);
    assert_eq!(slowest[..5], view["steps"][0]["slowest"].as_array().unwrap()[..]);
    // The server started less than a second before the load.
    let (from, to) = (view["slowest_together"]["from_ns"].as_f64(), view["slowest_together"]["to_ns"].as_f64());
    let (from, to) = (from.expect("they were under way together"), to.unwrap());
    assert!(from >= 3e9 && to <= 6e9, "{from} to {to}");
    assert!(view["slowest_together"]["requests"].as_u64().unwrap() >= 5);
    for request in slowest {
        assert_eq!(request["step"], "get_rule");
        assert_eq!(request["tags"], "");
        assert!(request["params"].as_str().unwrap().starts_with(r#"{"name":"get_rule","arguments":{"id":"rule-000"#));
        let part = |name: &str| request[name].as_f64().unwrap();
        assert!(part("service_ns") <= part("latency_ns") && part("first_byte_ns") <= part("service_ns"), "{request}");
        assert!(part("bytes_in") > 0.0 && part("bytes_out") > 0.0, "{request}");
        // 80 arrivals a second, from 0.
        assert!((part("iteration") - part("due_ns") / 12.5e6).abs() <= 1.0, "{request}");
    }
    let page = mcpl().arg("report").arg(&run).args(["--format", "html"]).output().unwrap();
    assert!(stdout(&page).contains("were under way at the same moment, between "), "the page says so");
}
