//! The slowest requests, one by one, in virtual time.

use std::time::Duration;

use super::language::{Ran, file, run, run_with};
use super::sim::Answered;
use crate::record::SlowRequest;

const MS: u64 = 1_000_000;

/// Every request takes a while that follows from its time. Nothing is answered in the
/// last half of the first second, and from second 3 to second 4.
fn frozen(at: Duration, _: u64) -> Answered {
    let ms = u64::try_from(at.as_millis()).unwrap();
    let until = [(500, 1_000), (3_000, 4_000)].into_iter().find(|(from, to)| (*from..*to).contains(&ms));
    Answered::After(Duration::from_millis(5 + ms * 7_919 % 97 + until.map_or(0, |(_, to)| to - ms)))
}

const FLOW: &str =
    "call one { args { \"n\": random(1..1000000) }\n timeout 800ms }\ncall two { args { \"n\": random(1..1000000) } }";

fn slowest(ran: &Ran, series: usize) -> Vec<SlowRequest> {
    let all = ran.measured.recording.slowest.iter();
    all.filter(|request| request.series == series).cloned().collect()
}

/// What the server saw of a tool, warm-up excluded: how long it took, when, and what
/// was sent; the slowest first.
fn seen(ran: &Ran, tool: &str, timeout: u64) -> Vec<(u64, String)> {
    let named = format!("\"name\":\"{tool}\"");
    let log = ran.sim.log.lock().unwrap();
    let mut seen: Vec<_> = log
        .iter()
        // Sessions take 3 ms to open before the load begins.
        .filter(|(at, params)| params.contains(&named) && *at >= 1_003 * MS)
        .filter_map(|(at, params)| match frozen(Duration::from_nanos(*at), 0) {
            Answered::After(took) => Some((u64::try_from(took.as_nanos()).unwrap(), *at, params.clone())),
            _ => None,
        })
        .filter(|(took, ..)| *took <= timeout)
        .collect();
    seen.sort_by_key(|(took, at, _)| (std::cmp::Reverse(*took), *at));
    seen.into_iter().take(10).map(|(took, _, params)| (took, params)).collect()
}

#[test]
fn those_that_took_longest_are_kept_with_when_and_what_they_sent() {
    let ran = run_with(&file("warmup 1s\nstages { hold 40/s for 6s }\nrun f", FLOW, ""), 1, frozen);
    let of_one = slowest(&ran, 0);
    let told: Vec<_> = of_one.iter().map(|request| (request.service_ns.unwrap(), request.params.clone())).collect();
    assert_eq!(told, seen(&ran, "one", 800 * MS), "what timed out took no longer, and was no answer");
    for request in &of_one {
        assert!(request.latency_ns > 400 * MS && request.due_ms / 1000 == 3, "in the freeze: {request:?}");
        assert_eq!(request.iteration, Some(request.due_ms / 25), "40 a second, from 0");
        // One that found no session open waited for it.
        let waited = request.wait_ns.unwrap();
        assert!(waited == 0 || waited == 3 * MS, "{request:?}");
        assert_eq!(request.service_ns, Some(request.latency_ns - waited));
    }
    // The second step is due when it is sent, which in the freeze is rare.
    assert_eq!(slowest(&ran, 1).len(), 10);
}

#[test]
fn they_are_the_same_whatever_the_threads() {
    let parallel = format!("parallel {{\n{FLOW}\n}}\ncall one {{ args {{ \"n\": 1 }} }}");
    for flow in [FLOW, &parallel] {
        let text = file("warmup 1s\nstages { hold 40/s for 6s }\nrun f", flow, "");
        // Which of the free users an arrival gets does depend on them.
        let kept = |parts| {
            let mut slowest = run_with(&text, parts, frozen).measured.recording.slowest;
            slowest.iter_mut().for_each(|request| request.user = 0);
            slowest
        };
        let whole = kept(1);
        assert!(whole.len() >= 20 && whole.iter().all(|request| request.params.contains("arguments")));
        assert_eq!((kept(2), kept(3)), (whole.clone(), whole));
    }
}

#[test]
fn in_a_parallel_block_each_has_sent_its_own() {
    let flow = "parallel {\ncall one { args { \"n\": 1 } }\ncall two { args { \"n\": 2 } }\n}";
    let ran = run(&file("stages { iterations 3 shared by 1 user }\nrun f", flow, ""), 1);
    for (series, params) in [(0, r#"{"name":"one","arguments":{"n":1}}"#), (1, r#"{"name":"two","arguments":{"n":2}}"#)]
    {
        let slowest = slowest(&ran, series);
        assert_eq!(slowest.iter().map(|request| request.params.as_str()).collect::<Vec<_>>(), [params; 3]);
        assert_eq!(slowest.iter().map(|request| request.iteration).collect::<Vec<_>>(), [Some(0), Some(1), Some(2)]);
    }
}

#[test]
fn what_users_do_before_and_after_is_of_no_iteration() {
    let scenario = "stages { iterations 2 each by 2 users }\nrun f\n\
        before user { call t { args { \"a\": \"in\" } } }\nafter user { call t { args { \"a\": \"out\" } } }";
    let ran = run(&file(scenario, "call t { args { \"a\": user.id } }", ""), 2);
    let told: Vec<_> = ran.measured.recording.slowest.iter().map(|one| (one.iteration, one.user)).collect();
    assert_eq!(told.iter().filter(|(iteration, _)| iteration.is_none()).count(), 4, "{told:?}");
    let mut of: Vec<_> = told.into_iter().filter_map(|(iteration, user)| Some((iteration?, user))).collect();
    of.sort_unstable();
    assert_eq!(of.iter().map(|(iteration, _)| *iteration).collect::<Vec<_>>(), [0, 1, 2, 3]);
}
