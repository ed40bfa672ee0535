//! Waking up on time.
//!
//! tokio's timer wheel ticks at 1 ms, which would add up to 1 ms to every
//! latency that counts from its due instant. On Linux a timerfd wakes within
//! tens of microseconds and costs nothing while it waits. Under a paused clock
//! only tokio's own timer works.

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
            && timer.wait(left).await.is_ok()
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

    pub(super) struct Timer {
        fd: AsyncFd<OwnedFd>,
    }

    impl Timer {
        /// `None` when the system has no descriptor left: the pacer then falls
        /// back to tokio's timer.
        pub(super) fn new() -> Option<Timer> {
            let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
            let fd = timerfd_create(TimerfdClockId::Monotonic, flags).ok()?;
            #[expect(deprecated, reason = "its replacement is unsafe; an OwnedFd owns its descriptor for good")]
            let fd = AsyncFd::new(fd).ok()?;
            Some(Timer { fd })
        }

        pub(super) async fn wait(&mut self, left: Duration) -> io::Result<()> {
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
