//! What clients do beside what the flow says.

use std::time::Duration;

use super::language::{Ran, file, run_with};
use super::sim::{Answered, errors, requests, scenario_sum};
use crate::record::ErrorClass;

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
