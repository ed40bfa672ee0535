//! The faults that are switched on and lie in the server itself: delays, failures,
//! memory that is kept, answers that are mixed up; drawn from the seed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use rand::{Rng, SeedableRng};
use rand_pcg::Pcg64Mcg;
use rmcp::ErrorData;
use rmcp::model::CallToolResult;
use tokio::time::Instant;

use super::limits::{BURST_EVERY, BURST_LENGTH, FREEZE_EVERY, MAX_LEAK, SLOW_START};
use super::options::Options;

/// Spreads consecutive request numbers over the seeds (the golden ratio in 64
/// bits, as in SplitMix64).
const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;

/// Random numbers of the `number`-th draw for a seed: they depend on nothing else,
/// so no lock is needed and a run can be repeated.
pub(super) fn stream(seed: u64, number: u64) -> impl Rng {
    Pcg64Mcg::seed_from_u64(seed.wrapping_add(number.wrapping_mul(SPREAD)))
}

/// What happens to one request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fate {
    /// How long it is delayed.
    pub delay: Duration,
    /// Whether it fails then.
    pub fails: bool,
    /// Whether its answer is that to an earlier request, whoever sent it.
    pub crossed: bool,
    /// Whether the tool says that it failed.
    pub tool_error: bool,
}

/// Draws the fate of requests, and knows the faults that depend on time.
#[derive(Debug)]
pub struct Faults {
    options: Options,
    /// Whether anything is left to chance.
    random: bool,
    drawn: AtomicU64,
    started: Instant,
    first_call: OnceLock<Instant>,
    /// What `compose_rules` holds and other calls wait for.
    lock: tokio::sync::Mutex<()>,
    kept: Mutex<Kept>,
    /// The latest answer of a tool; kept while answers are mixed up.
    latest: Mutex<Option<Outcome>>,
}

/// What a tool answered.
type Outcome = Result<CallToolResult, ErrorData>;

/// Memory that is never freed.
#[derive(Debug, Default)]
struct Kept {
    pieces: Vec<Box<[u8]>>,
    bytes: usize,
}

impl Faults {
    /// The faults of checked `options`, from now on.
    pub fn new(options: &Options) -> Self {
        let ratios = [options.error_ratio, options.cross_ratio, options.tool_error_ratio, options.burst_ratio];
        Self {
            options: options.clone(),
            random: !options.jitter.is_zero() || ratios.iter().any(|ratio| *ratio > 0.0),
            drawn: AtomicU64::new(0),
            started: Instant::now(),
            first_call: OnceLock::new(),
            lock: tokio::sync::Mutex::new(()),
            kept: Mutex::new(Kept::default()),
            latest: Mutex::new(None),
        }
    }

    /// The fate of the next request.
    pub fn draw(&self) -> Fate {
        let options = &self.options;
        if !self.random {
            return Fate { delay: options.latency, fails: false, crossed: false, tool_error: false };
        }
        let mut rng = stream(options.seed, self.drawn.fetch_add(1, Ordering::Relaxed));
        let delay = options.latency + options.jitter.mul_f64(rng.random::<f64>());
        // Strictly below: a ratio of 0 never fails, a ratio of 1 always.
        let mut below = |ratio: f64| rng.random::<f64>() < ratio;
        let fails = below(options.error_ratio);
        let crossed = below(options.cross_ratio);
        let tool_error = below(options.tool_error_ratio);
        let bursts = below(options.burst_ratio) && self.bursting(Instant::now());
        Fate { delay, fails: fails || bursts, crossed, tool_error }
    }

    /// What a tool call at `now` takes longer since the server grows tired, or has
    /// only just begun.
    fn ageing(&self, now: Instant) -> Duration {
        let options = &self.options;
        if options.drift.is_zero() && options.slow_start.is_zero() {
            return Duration::ZERO;
        }
        let minutes = (now - self.started).as_secs_f64() / 60.0;
        let first = *self.first_call.get_or_init(|| now);
        let warmed = ((now - first).as_secs_f64() / SLOW_START.as_secs_f64()).min(1.0);
        options.drift.mul_f64(minutes) + options.slow_start.mul_f64(1.0 - warmed)
    }

    fn bursting(&self, now: Instant) -> bool {
        !left(now - self.started, BURST_EVERY, BURST_LENGTH).is_zero()
    }

    /// How long the freeze still lasts in which `now` lies; zero outside.
    pub fn frozen(&self, now: Instant) -> Duration {
        left(now - self.started, FREEZE_EVERY, self.options.freeze)
    }

    /// Takes a request through its delays: the freeze, its own, and for tool calls
    /// those of age and of the lock.
    pub async fn delay(&self, fate: Fate, tool: Option<&str>) {
        let mut delay = fate.delay;
        if let Some(tool) = tool {
            delay += self.ageing(Instant::now());
            if !self.options.lock.is_zero() {
                let held = self.lock.lock().await;
                if tool == "compose_rules" {
                    tokio::time::sleep(self.options.lock).await;
                }
                drop(held);
            }
        }
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        // Last, since nothing leaves while all stands still.
        let frozen = self.frozen(Instant::now());
        if !frozen.is_zero() {
            tokio::time::sleep(frozen).await;
        }
    }

    /// Keeps what a tool call leaves behind.
    pub fn call_leaves(&self) {
        self.keep(self.options.leak);
    }

    /// Keeps what a session leaves behind.
    pub fn session_leaves(&self) {
        self.keep(self.options.session_leak);
    }

    fn keep(&self, bytes: usize) {
        if bytes == 0 {
            return;
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.bytes + bytes <= MAX_LEAK {
            kept.bytes += bytes;
            // Not zeros, which the system would not have to find memory for.
            kept.pieces.push(vec![0xA5; bytes].into_boxed_slice());
        }
    }

    /// The answer that a request with this fate gets in place of its own. The
    /// first request of all has no other.
    pub fn deliver(&self, fate: Fate, own: Outcome) -> Outcome {
        if self.options.cross_ratio == 0.0 {
            return own;
        }
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let earlier = latest.replace(own.clone());
        earlier.filter(|_| fate.crossed).unwrap_or(own)
    }
}

/// How much is left, `age` after the start, of the window of this `length` that
/// ends each `period`; zero outside.
fn left(age: Duration, period: Duration, length: Duration) -> Duration {
    let phase = Duration::from_secs_f64(age.as_secs_f64() % period.as_secs_f64());
    let left = period.saturating_sub(phase);
    if left <= length { left } else { Duration::ZERO }
}
