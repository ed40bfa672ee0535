//! The load generator's own health.

use serde::Serialize;

use super::float;
use crate::record::Distribution;
use crate::results::Results;

/// The load generator's own health over the whole run, warm-up included.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GeneratorView {
    /// Due work whose start was timed.
    pub samples: u64,
    /// How late due work was started; none without samples.
    pub lag_p50_ns: Option<f64>,
    /// The same, 99th percentile.
    pub lag_p99_ns: Option<f64>,
    /// The same, the latest of all.
    pub lag_max_ns: Option<f64>,
    /// CPU time used, as a share of all threads of the load generator; none
    /// when it was not measured.
    pub cpu: Option<f64>,
    /// The same in the busiest second.
    pub cpu_max: Option<f64>,
    /// Most virtual users in any second.
    pub users_max: u64,
    /// Most requests on their way at the end of any second.
    pub in_flight_max: u64,
}

impl GeneratorView {
    pub(super) fn new(results: &Results, lag: &Distribution) -> GeneratorView {
        let seconds = &results.recording.seconds;
        let threads = results.run.threads.max(1) as f64;
        let cpu: Vec<f64> = seconds
            .iter()
            .map(|slice| float(slice.health.cpu_ns) / 1e9 / threads)
            .filter(|share| *share > 0.0)
            .collect();
        let mean = (!cpu.is_empty()).then(|| cpu.iter().sum::<f64>() / cpu.len() as f64);
        GeneratorView {
            samples: lag.count(),
            lag_p50_ns: lag.percentile(50.0),
            lag_p99_ns: lag.percentile(99.0),
            lag_max_ns: lag.max(),
            cpu: mean,
            cpu_max: cpu.into_iter().reduce(f64::max),
            users_max: seconds.iter().map(|slice| slice.health.users).max().unwrap_or(0),
            in_flight_max: seconds.iter().map(|slice| slice.health.in_flight).max().unwrap_or(0),
        }
    }
}
