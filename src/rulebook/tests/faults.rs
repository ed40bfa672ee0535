use std::time::Duration;

use crate::rulebook::faults::{Fate, Faults};
use crate::rulebook::{Options, ServeError};

fn draws(options: &Options, count: usize) -> Vec<Fate> {
    let faults = Faults::new(options);
    (0..count).map(|_| faults.draw()).collect()
}

#[test]
fn a_healthy_server_has_no_faults() {
    let healthy = Fate { delay: Duration::ZERO, fails: false, crossed: false };
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
    ] {
        let error = crate::rulebook::HttpServer::bind(options, addr).await.unwrap_err();
        assert!(matches!(error, ServeError::Option { option, .. } if option == expected), "{expected}: {error}");
    }
}
