//! Delays of the load generator beside a server that is slow, too.

use super::*;

/// Some requests of a step are slow in the server, some others began late.
fn slow_and_late(share: f64, slow_ms: u64, late_ms: u64) -> impl Fn(u32, usize, &mut Call) {
    move |_, step, call| {
        let draw = noise(call.latency);
        if step == COMPOSE && draw < share {
            call.latency += slow_ms * MS;
        } else if draw > 1.0 - share {
            call.lag = late_ms * MS;
        }
    }
}

fn limit() -> Assertion {
    p95("compose_rules.latency.p95 < 30ms", &[COMPOSE], 30.0)
}

#[test]
fn a_server_that_misses_the_target_by_itself_is_not_excused() {
    // 6% take longer than 40 ms in the server, and another 6% begin 20 ms late.
    let found = found(&run(40, 1, vec![limit()], slow_and_late(0.06, 25, 20)));
    let [late] = found.as_slice() else { panic!("{found:#?}") };
    assert_eq!((late.kind, late.level), (Kind::GeneratorLate, Level::Notice), "{}", late.text);
    assert!(late.text.contains("that decides no assertion on latency"), "{}", late.text);
}

#[test]
fn a_delay_that_decides_together_with_what_is_slow_is_a_problem() {
    // 4% are slow in the server, which the target allows, and another 4% begin late: the p95
    // of the delay is none.
    let found = found(&run(40, 1, vec![limit()], slow_and_late(0.04, 40, 40)));
    let [late] = found.as_slice() else { panic!("{found:#?}") };
    assert_eq!((late.kind, late.level), (Kind::GeneratorLate, Level::Problem), "{}", late.text);
}

#[test]
fn where_it_is_not_known_whether_it_decides_nothing_is_said_of_it() {
    let text = |assertions: Vec<Assertion>| {
        let found = found(&run(40, 1, assertions, slow_and_late(0.02, 0, 2)));
        let late = found.into_iter().find(|finding| finding.kind == Kind::GeneratorLate);
        late.expect("it is told").text
    };
    let wide = || p95("compose_rules.latency.p95 < 90ms", &[COMPOSE], 90.0);
    let by_seconds = Assertion { share_of_seconds: Some(0.9), ..wide() };
    assert!(text(vec![wide()]).contains("that decides no assertion on latency"));
    let text = text(vec![wide(), by_seconds]);
    assert!(text.contains("that is little beside the p99") && !text.contains("decides"), "{text}");
}
