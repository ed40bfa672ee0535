//! Waking up on time.
//!
//! tokio's timer wheel ticks at 1 ms, which would add up to 1 ms to every
//! latency that counts from its due instant. On Linux a timerfd wakes within
//! tens of microseconds and costs nothing while it waits. How many these are, a
//! sleeping processor decides, and hardly ever otherwise: so the timer is set
//! ahead by what it is usually late. Under a paused clock only tokio's own
//! timer works.

use tokio::time::Instant;

/// Waits for instants, one after the other.
pub(super) struct Pacer {
    #[cfg(target_os = "linux")]
    timer: Option<linux::Timer>,
}

impl Pacer {
    /// `precise`: with the operating system's timer where there is one.
    pub(super) fn new(precise: bool) -> Pacer {
        #[cfg(target_os = "linux")]
        return Pacer { timer: precise.then(linux::Timer::new).flatten() };
        #[cfg(not(target_os = "linux"))]
        {
            let _ = precise;
            Pacer {}
        }
    }

    /// Returns at `due`, or at once if that has passed.
    pub(super) async fn until(&mut self, due: Instant) {
        let left = due.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return;
        }
        #[cfg(target_os = "linux")]
        if let Some(timer) = &mut self.timer
            && timer.until(due, left).await.is_ok()
        {
            return;
        }
        tokio::time::sleep_until(due).await;
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::io;
    use std::os::fd::OwnedFd;
    use std::time::Duration;

    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
    };
    use tokio::io::unix::AsyncFd;
    use tokio::time::Instant;

    /// The timer is set ahead by no more than this, however late it is, and by no more
    /// than this part of the wait: what is left is waited for by asking the clock,
    /// and that costs processor time.
    pub(super) const AHEAD_AT_MOST: Duration = Duration::from_micros(250);
    const PART_AT_MOST: u32 = 20;

    /// After each wait the lead grows by the first, if the timer came later than that,
    /// and shrinks by the second, if it came sooner. In balance three of four come
    /// sooner.
    const GROWS: Duration = Duration::from_micros(3);
    const SHRINKS: Duration = Duration::from_micros(1);

    /// By how much a timer is set ahead.
    #[derive(Clone, Copy, Debug, Default)]
    pub(super) struct Ahead(pub(super) Duration);

    impl Ahead {
        /// Learns from a wait that was so late.
        pub(super) fn learn(&mut self, late: Duration) {
            self.0 = if late > self.0 { (self.0 + GROWS).min(AHEAD_AT_MOST) } else { self.0.saturating_sub(SHRINKS) };
        }
    }

    pub(super) struct Timer {
        fd: AsyncFd<OwnedFd>,
        ahead: Ahead,
    }

    impl Timer {
        /// `None` when the system has no descriptor left: the pacer then falls
        /// back to tokio's timer.
        pub(super) fn new() -> Option<Timer> {
            let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
            let fd = timerfd_create(TimerfdClockId::Monotonic, flags).ok()?;
            #[expect(deprecated, reason = "its replacement is unsafe; an OwnedFd owns its descriptor for good")]
            let fd = AsyncFd::new(fd).ok()?;
            Some(Timer { fd, ahead: Ahead::default() })
        }

        /// Waits for `due`, which is so far away.
        pub(super) async fn until(&mut self, due: Instant, left: Duration) -> io::Result<()> {
            let lead = self.ahead.0.min(left / PART_AT_MOST);
            self.wait(left - lead).await?;
            self.ahead.learn((Instant::now() + lead).saturating_duration_since(due));
            // Other tasks have their turn meanwhile, and answers are read.
            while Instant::now() < due {
                tokio::task::yield_now().await;
            }
            Ok(())
        }

        async fn wait(&mut self, left: Duration) -> io::Result<()> {
            let zero = Timespec { tv_sec: 0, tv_nsec: 0 };
            let after = Timespec {
                tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: i64::from(left.subsec_nanos()),
            };
            // Setting the timer also clears an expiry that nobody has read.
            timerfd_settime(&self.fd, TimerfdTimerFlags::empty(), &Itimerspec { it_interval: zero, it_value: after })?;
            loop {
                let mut guard = self.fd.readable().await?;
                let mut expirations = [0; 8];
                match guard.try_io(|fd| rustix::io::read(fd, &mut expirations).map_err(io::Error::from)) {
                    Ok(result) => return result.map(|_| ()),
                    Err(_would_block) => {}
                }
            }
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::time::Duration;

    use super::linux::{AHEAD_AT_MOST, Ahead};

    #[test]
    fn the_lead_is_what_the_timer_is_usually_late() {
        let mut ahead = Ahead::default();
        // Lateness of a timer: 50 to 99 µs, evenly.
        for wait in 0..10_000 {
            ahead.learn(Duration::from_micros(50 + wait * 37 % 50));
        }
        assert!((80..95).contains(&ahead.0.as_micros()), "a quarter comes later: {ahead:?}");
        for _ in 0..1_000 {
            ahead.learn(Duration::from_secs(1));
        }
        assert_eq!(ahead.0, AHEAD_AT_MOST);
        for _ in 0..1_000 {
            ahead.learn(Duration::ZERO);
        }
        assert_eq!(ahead.0, Duration::ZERO);
    }
}
