//! How much of its processor a thread of the engine uses.

use std::time::Duration;

use tokio::time::Instant;

/// Of a shorter stretch no share is told: a drain that is over in a millisecond
/// would make a thread look busy that was not.
const LEAST: Duration = Duration::from_millis(100);

/// Measures the thread that calls it.
pub(super) struct CpuMeter {
    used_ns: u64,
    since: Instant,
    /// In virtual time a share of the time that passes would mean nothing, and it
    /// would differ from one repetition to the next.
    real_time: bool,
}

/// CPU time that was used in a stretch of time, in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lap {
    pub(super) used_ns: u64,
    pub(super) of_ns: u64,
}

impl CpuMeter {
    pub(super) fn new(real_time: bool) -> CpuMeter {
        CpuMeter { used_ns: thread_cpu_ns(), since: Instant::now(), real_time }
    }

    /// What was used since the last lap, unless that was a moment ago.
    pub(super) fn lap(&mut self) -> Option<Lap> {
        let passed = self.since.elapsed();
        if !self.real_time || passed < LEAST {
            return None;
        }
        let used_ns = thread_cpu_ns();
        let of_ns = u64::try_from(passed.as_nanos()).unwrap_or(u64::MAX);
        let lap = Lap { used_ns: used_ns.saturating_sub(self.used_ns), of_ns };
        (self.used_ns, self.since) = (used_ns, self.since + passed);
        Some(lap)
    }
}

impl Lap {
    /// As of one second. Both clocks are read one after the other, so that a busy
    /// thread would come out a little above it.
    pub(super) fn per_second_ns(self) -> u64 {
        const SECOND: u64 = 1_000_000_000;
        let scaled = u128::from(self.used_ns) * u128::from(SECOND) / u128::from(self.of_ns.max(1));
        u64::try_from(scaled).unwrap_or(u64::MAX).min(SECOND)
    }
}

/// CPU time of this thread in nanoseconds.
fn thread_cpu_ns() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    let part = |value: i64| u64::try_from(value).unwrap_or(0);
    part(time.tv_sec) * 1_000_000_000 + part(time.tv_nsec)
}

#[cfg(test)]
mod tests {
    use super::{CpuMeter, LEAST, Lap};

    #[test]
    fn a_late_lap_counts_for_the_time_it_is_of() {
        let half_busy = Lap { used_ns: 600_000_000, of_ns: 1_200_000_000 };
        assert_eq!(half_busy.per_second_ns(), 500_000_000);
        let read_late = Lap { used_ns: 1_000_100_000, of_ns: 1_000_000_000 };
        assert_eq!(read_late.per_second_ns(), 1_000_000_000);
    }

    #[test]
    fn a_moment_has_no_share_and_counts_for_the_next_lap() {
        let mut meter = CpuMeter::new(true);
        assert!(meter.lap().is_none());
        let begun = std::time::Instant::now();
        while begun.elapsed() < LEAST {
            std::hint::spin_loop();
        }
        let lap = meter.lap().unwrap();
        assert!(lap.used_ns > 0 && lap.of_ns >= 100_000_000, "{lap:?}");
        assert!(CpuMeter::new(false).lap().is_none());
    }
}
