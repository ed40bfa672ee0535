//! What the view costs: a figure, printed and not asserted.

use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use rustix::time::{ClockId, clock_gettime};

use super::{after, typical};
use crate::cli::dashboard::draw::{Mode, draw};
use crate::record::Slice;
use crate::units::duration;

/// Processor time of this thread.
fn spent() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap())
}

/// `cargo test --release --lib live_view_cost -- --ignored --nocapture`
#[test]
#[ignore = "prints figures"]
fn live_view_cost() {
    let typical = typical();
    let seconds = &typical.recording.seconds;
    let rich = seconds.iter().max_by_key(|slice| slice.series.len()).cloned().unwrap_or_default();
    for size in [(80, 24), (200, 50)] {
        let mut state = after(&typical, usize::MAX);
        let mut terminal = Terminal::new(TestBackend::new(size.0, size.1)).unwrap();
        let (mut folding, mut drawing) = (Duration::ZERO, Duration::ZERO);
        let rounds = 600_u32;
        for round in 0..rounds {
            let slice = Slice { second: 20 + round, ..rich.clone() };
            let begun = spent();
            // The copy is made by the thread that collects seconds, the rest is the view's.
            state.second(&slice.clone(), Vec::new());
            let shown = state.shown();
            folding += spent() - begun;
            let begun = spent();
            terminal.draw(|frame| draw(&shown, &mut Mode::default(), frame.area(), frame.buffer_mut())).unwrap();
            drawing += spent() - begun;
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
