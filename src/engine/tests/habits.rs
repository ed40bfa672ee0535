//! What clients do beside what the flow says.

use std::time::Duration;

use super::language::{Ran, file, run_with};
use super::sim::{Answered, errors, requests, scenario_sum, times};
use crate::record::{ErrorClass, Time};
use crate::transport::Ids;

/// Failures for a lost session, sessions opened and sessions lost.
fn lost(ran: &Ran) -> (u64, u64, u64) {
    let measured = &ran.measured;
    let (opened, lost) = (scenario_sum(measured, |row| row.sessions), scenario_sum(measured, |row| row.lost));
    (errors(measured, ErrorClass::SessionLost), opened, lost)
}

/// A server that answers after 10 ms and was restarted at 45 ms.
fn restarted(at: Duration, _: u64) -> Answered {
    let restart = Duration::from_millis(45);
    Answered::Forgot(if at < restart { Duration::ZERO } else { restart })
}

#[test]
fn a_client_goes_on_with_its_lost_session_unless_it_renews_it() {
    let ten =
        |more: &str, flow: &str| file(&format!("stages {{ iterations 10 shared by 1 user }}\nrun f\n{more}"), flow, "");
    for (more, flow, expected) in [
        ("", "call t", (5, 1, 1)),
        ("lost session fail", "call t", (5, 1, 1)),
        ("lost session renew", "call t", (1, 2, 1)),
        // In the midst of an iteration as well.
        ("lost session renew", "call t\ncall t\ncall t", (1, 2, 1)),
        ("lost session renew\nclose 0%", "call t", (1, 2, 1)),
        ("lost session renew", "parallel {\ncall t\ncall t\n}", (2, 2, 1)),
        // What each iteration or call opens was opened after the restart.
        ("lost session renew\nsessions per iteration", "call t\ncall t\ncall t", (1, 11, 1)),
        ("sessions per call", "call t", (0, 10, 0)),
    ] {
        let ran = run_with(&ten(more, flow), 1, restarted);
        assert_eq!(lost(&ran), expected, "{more:?} {flow:?}");
        assert_eq!(scenario_sum(&ran.measured, |row| row.iterations), 10, "a lost session ends no iteration");
    }
}

#[test]
fn a_shared_session_is_lost_once_whoever_notices_it() {
    let text = |more: &str| {
        file(&format!("stages {{ iterations 40 shared by 4 users }}\nrun f\nsessions shared 1\n{more}"), "call t", "")
    };
    let renewed = run_with(&text("lost session renew"), 1, restarted);
    assert_eq!((lost(&renewed), requests(&renewed.measured)), ((4, 2, 1), 40), "each user notices it once");
    let failed = run_with(&text(""), 1, restarted);
    assert_eq!((lost(&failed), requests(&failed.measured)), ((20, 1, 1), 40));
}

#[test]
fn tools_are_listed_first_in_the_exact_share_of_every_bag() {
    let behaviour = |_, _| Answered::After(Duration::from_millis(10));
    let of = |more: &str, flow: &str, parts: usize| {
        let text = file(&format!("stages {{ iterations 200 shared by 4 users }}\nrun f\n{more}"), flow, "");
        let ran = run_with(&text, parts, behaviour);
        let sent = ran.sim.sent();
        let lists = sent.iter().filter(|params| *params == "{}").count();
        (lists, sent.len() - lists)
    };
    for parts in [1, 2] {
        assert_eq!(of("list before call 25%", "call t", parts), (50, 200), "{parts} parts");
    }
    // Once an iteration, however many calls it has and however they are sent.
    assert_eq!(of("list before call 100%", "call t\ncall t", 1), (200, 400));
    assert_eq!(of("list before call 100%", "parallel {\ncall t\ncall t\n}", 1), (200, 400));
    // Only before calls.
    assert_eq!(of("list before call 100%", "prompt p", 1).0, 0);
    assert_eq!(of("list before call 0%", "call t", 1), (0, 200));
    // What goes before and after the iterations of a user is none of them.
    assert_eq!(of("list before call 100%\nbefore user { call t }\nafter user { call t }", "call t", 1), (200, 208));
}

#[test]
fn the_first_list_is_due_with_its_arrival_and_has_a_series_of_its_own() {
    let text = file("stages { hold 10/s for 2s }\nrun f\nlist before call 50%", "call t", "");
    let ran = run_with(&text, 1, |_, _| Answered::After(Duration::from_millis(10)));
    let mut by_series = std::collections::BTreeMap::<usize, u64>::new();
    for row in ran.measured.recording.seconds.iter().flat_map(|slice| &slice.series) {
        *by_series.entry(row.series).or_default() += row.counts.requests;
    }
    // What was opened ahead makes nobody wait; the calls behind a list are due when it
    // has ended.
    let latency = times(&ran.measured, Time::Latency);
    assert!((latency.max().unwrap() / 10e6 - 1.0).abs() < 2e-3, "{:?}", latency.max());
    let lists = by_series.get(&1).copied().unwrap_or_default();
    assert_eq!(by_series.get(&0), Some(&20));
    assert!((5..=15).contains(&lists), "{lists} of 20: the bag holds a hundred");
}

#[test]
fn sessions_number_their_requests_as_the_file_says() {
    let of = |more: &str, parts: usize| {
        let text = file(&format!("stages {{ iterations 20 each by 4 users }}\nrun f\n{more}"), "call t", "");
        let ran = run_with(&text, parts, |_, _| Answered::After(Duration::from_millis(10)));
        let mut ids: Vec<Ids> = ran.sim.ids.lock().unwrap().clone();
        ids.sort_by_key(|ids| format!("{ids:?}"));
        ids
    };
    assert_eq!(of("", 1), [Ids::Counting; 4]);
    assert_eq!(of("ids constant", 1), [Ids::Constant; 4]);
    for (more, sessions) in [("ids text", 4), ("ids text\nsessions per call", 80), ("ids text\nsessions shared 2", 2)] {
        let (one, two) = (of(more, 1), of(more, 2));
        assert_eq!(one, two, "{more}: they do not depend on the number of threads");
        assert!(one.iter().all(|ids| matches!(ids, Ids::Text(_))), "{more}");
        let mut different = one.clone();
        different.dedup();
        assert_eq!((one.len(), different.len()), (sessions, sessions), "{more}");
    }
}
