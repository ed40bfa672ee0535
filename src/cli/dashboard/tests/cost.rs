//! What the view costs: a figure, printed and not asserted.

use std::time::{Duration, Instant};

use super::{after, buffer, duration, typical};
use crate::cli::dashboard::draw::Mode;
use crate::record::Slice;

/// `cargo test --release --lib live_view_cost -- --ignored --nocapture`
#[test]
#[ignore = "prints figures"]
fn live_view_cost() {
    let typical = typical();
    let seconds = &typical.recording.seconds;
    let rich = seconds.iter().max_by_key(|slice| slice.series.len()).cloned().unwrap_or_default();
    for size in [(80, 24), (200, 50)] {
        let mut state = after(&typical, usize::MAX);
        let (mut folding, mut drawing) = (Duration::ZERO, Duration::ZERO);
        let rounds = 600_u32;
        for round in 0..rounds {
            let slice = Slice { second: 20 + round, ..rich.clone() };
            let begun = Instant::now();
            // What the thread that measures nothing, but hands the second over, does.
            let copy = slice.clone();
            state.second(&copy, Vec::new());
            folding += begun.elapsed();
            let begun = Instant::now();
            buffer(&state, &mut Mode::default(), size);
            drawing += begun.elapsed();
        }
        let each = |time: Duration| time.as_nanos() as f64 / f64::from(rounds);
        let whole = each(folding) + each(drawing);
        println!(
            "{}x{}: {} for a second, {} for a frame, {:.3}% of a core",
            size.0,
            size.1,
            duration(each(folding)),
            duration(each(drawing)),
            whole / 1e9 * 100.0
        );
    }
}
