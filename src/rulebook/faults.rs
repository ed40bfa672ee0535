//! The faults that are switched on: delays, failures and answers that are mixed
//! up, drawn from the seed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rand::{Rng, SeedableRng};
use rand_pcg::Pcg64Mcg;
use rmcp::ErrorData;
use rmcp::model::CallToolResult;

use super::options::Options;

/// Spreads consecutive request numbers over the seeds (the golden ratio in 64
/// bits, as in SplitMix64).
const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;

/// What happens to one request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fate {
    /// How long it is delayed.
    pub delay: Duration,
    /// Whether it fails then.
    pub fails: bool,
    /// Whether its answer is that to an earlier request, whoever sent it.
    pub crossed: bool,
}

/// Draws the fate of requests. The n-th draw depends on the seed and n alone,
/// so no lock is needed and a run can be repeated.
#[derive(Debug)]
pub struct Faults {
    latency: Duration,
    jitter: Duration,
    error_ratio: f64,
    cross_ratio: f64,
    seed: u64,
    drawn: AtomicU64,
    /// The latest answer of a tool; kept while answers are mixed up.
    latest: Mutex<Option<Outcome>>,
}

/// What a tool answered.
type Outcome = Result<CallToolResult, ErrorData>;

impl Faults {
    /// The faults of checked `options`.
    pub fn new(options: &Options) -> Self {
        Self {
            latency: options.latency,
            jitter: options.jitter,
            error_ratio: options.error_ratio,
            cross_ratio: options.cross_ratio,
            seed: options.seed,
            drawn: AtomicU64::new(0),
            latest: Mutex::new(None),
        }
    }

    /// The fate of the next request.
    pub fn draw(&self) -> Fate {
        if self.jitter.is_zero() && self.error_ratio == 0.0 && self.cross_ratio == 0.0 {
            return Fate { delay: self.latency, fails: false, crossed: false };
        }
        let number = self.drawn.fetch_add(1, Ordering::Relaxed);
        let mut rng = Pcg64Mcg::seed_from_u64(self.seed.wrapping_add(number.wrapping_mul(SPREAD)));
        Fate {
            delay: self.latency + self.jitter.mul_f64(rng.random::<f64>()),
            // Strictly below: a ratio of 0 never fails, a ratio of 1 always.
            fails: rng.random::<f64>() < self.error_ratio,
            crossed: rng.random::<f64>() < self.cross_ratio,
        }
    }

    /// The answer that a request with this fate gets in place of its own. The
    /// first request of all has no other.
    pub fn deliver(&self, fate: Fate, own: Outcome) -> Outcome {
        if self.cross_ratio == 0.0 {
            return own;
        }
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let earlier = latest.replace(own.clone());
        earlier.filter(|_| fate.crossed).unwrap_or(own)
    }
}
