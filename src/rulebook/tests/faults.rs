use std::time::Duration;

use tokio::time::Instant;

use crate::rulebook::faults::{Fate, Faults};
use crate::rulebook::{Options, ServeError};

fn draws(options: &Options, count: usize) -> Vec<Fate> {
    let faults = Faults::new(options);
    (0..count).map(|_| faults.draw()).collect()
}

#[test]
fn a_healthy_server_has_no_faults() {
    let healthy = Fate { delay: Duration::ZERO, fails: false, crossed: false, tool_error: false };
    assert!(draws(&Options::default(), 100).iter().all(|fate| *fate == healthy));
}

#[test]
fn the_seed_decides() {
    let faulty = Options { jitter: Duration::from_millis(10), error_ratio: 0.5, ..Options::default() };
    assert_eq!(draws(&faulty, 500), draws(&faulty, 500));
    assert_ne!(draws(&faulty, 500), draws(&Options { seed: 2, ..faulty }, 500));
}

#[test]
fn delays_fill_their_range() {
    let (latency, jitter) = (Duration::from_millis(20), Duration::from_millis(10));
    let delays: Vec<Duration> =
        draws(&Options { latency, jitter, ..Options::default() }, 10_000).iter().map(|fate| fate.delay).collect();
    assert!(delays.iter().all(|delay| (latency..=latency + jitter).contains(delay)));
    for tenth in 0..10 {
        let from = latency + jitter * tenth / 10;
        let share = delays.iter().filter(|delay| (from..from + jitter / 10).contains(*delay)).count();
        assert!((850..=1150).contains(&share), "{share} of 10,000 in tenth {tenth}");
    }
    let fixed = draws(&Options { latency, ..Options::default() }, 10);
    assert!(fixed.iter().all(|fate| fate.delay == latency));
}

#[test]
fn the_error_ratio_is_kept() {
    let failed = |error_ratio| {
        let options = Options { error_ratio, ..Options::default() };
        draws(&options, 10_000).iter().filter(|fate| fate.fails).count()
    };
    assert_eq!((failed(0.0), failed(1.0)), (0, 10_000));
    // Within four standard deviations of the binomial.
    assert!((880..=1120).contains(&failed(0.1)), "{} of 10,000", failed(0.1));
}

#[tokio::test]
async fn options_out_of_range_are_named() {
    let addr = "127.0.0.1:0".parse().unwrap();
    let minute = Duration::from_secs(60);
    for (options, expected) in [
        (Options { rules: 0, ..Options::default() }, "rules"),
        (Options { rules: 10_000, ..Options::default() }, "rules"),
        (Options { latency: minute, jitter: minute * 2, ..Options::default() }, "latency"),
        (Options { error_ratio: 1.1, ..Options::default() }, "error_ratio"),
        (Options { error_ratio: f64::NAN, ..Options::default() }, "error_ratio"),
        (Options { cross_ratio: -0.1, ..Options::default() }, "cross_ratio"),
        (Options { drift: minute * 3, ..Options::default() }, "drift"),
        (Options { lock: minute * 3, ..Options::default() }, "lock"),
        (Options { freeze: Duration::from_secs(5), ..Options::default() }, "freeze"),
        (Options { leak: (1 << 30) + 1, ..Options::default() }, "leak"),
        (Options { lost_ratio: 1.1, ..Options::default() }, "lost_ratio"),
        (Options { lost_ratio: 0.6, stalled_ratio: 0.6, ..Options::default() }, "lost_ratio"),
    ] {
        let error = crate::rulebook::HttpServer::bind(options, addr).await.unwrap_err();
        assert!(matches!(error, ServeError::Option { option, .. } if option == expected), "{expected}: {error}");
    }
}

/// How long a call takes that arrives `after` the start.
async fn taken(faults: &Faults, after: Duration, tool: &str) -> Duration {
    tokio::time::sleep(after).await;
    let begun = Instant::now();
    faults.delay(faults.draw(), Some(tool)).await;
    begun.elapsed()
}

/// Timers round up to whole milliseconds.
fn about(observed: Duration, expected: u64) -> bool {
    observed.abs_diff(Duration::from_millis(expected)) <= Duration::from_millis(2)
}

#[tokio::test(start_paused = true)]
async fn the_latency_drifts_from_the_start_on() {
    let faults = Faults::new(&Options { drift: Duration::from_millis(60), ..Options::default() });
    for expected in [0, 60, 120] {
        let taken = taken(&faults, Duration::ZERO, "get_rule").await;
        assert!(about(taken, expected), "{taken:?} is not {expected} ms");
        tokio::time::sleep(Duration::from_secs(60)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_call_takes_longest_and_five_seconds_later_none_does() {
    let faults = Faults::new(&Options { slow_start: Duration::from_millis(400), ..Options::default() });
    // The server's age does not matter, the first call does.
    tokio::time::sleep(Duration::from_secs(100)).await;
    let first = taken(&faults, Duration::ZERO, "get_rule").await;
    let middle = taken(&faults, Duration::from_millis(2_100), "get_rule").await;
    let late = taken(&faults, Duration::from_secs(3), "get_rule").await;
    assert!(about(first, 400) && about(middle, 200) && late.is_zero(), "{first:?} {middle:?} {late:?}");
}

#[tokio::test(start_paused = true)]
async fn nothing_leaves_in_the_last_part_of_every_five_seconds() {
    let faults = Faults::new(&Options { freeze: Duration::from_millis(500), ..Options::default() });
    let waits = [(0, 0), (4_400, 0), (200, 400), (4_600, 400), (1_000, 0)];
    for (after, expected) in waits {
        let taken = taken(&faults, Duration::from_millis(after), "get_rule").await;
        assert!(about(taken, expected), "{taken:?} is not {expected} ms");
    }
}

#[tokio::test(start_paused = true)]
async fn bursts_of_errors_fill_the_last_second_of_ten() {
    let faults = Faults::new(&Options { burst_ratio: 1.0, ..Options::default() });
    let mut failed = Vec::new();
    for second in 0..25 {
        if faults.draw().fails {
            failed.push(second);
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(failed, [9, 19]);
}

#[tokio::test(start_paused = true)]
async fn a_composition_holds_up_every_other_call() {
    let faults = std::sync::Arc::new(Faults::new(&Options { lock: Duration::from_millis(200), ..Options::default() }));
    let alone = taken(&faults, Duration::ZERO, "get_rule").await;
    let begun = Instant::now();
    let holder = faults.clone();
    let slow = tokio::spawn(async move { taken(&holder, Duration::ZERO, "compose_rules").await });
    tokio::task::yield_now().await;
    let behind = taken(&faults, Duration::ZERO, "get_rule").await;
    assert!(alone.is_zero() && about(behind, 200), "{alone:?} {behind:?}");
    assert!(about(slow.await.unwrap(), 200) && about(begun.elapsed(), 200));
}
