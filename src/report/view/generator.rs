//! The load generator's own health.

use serde::Serialize;

use super::figures::Reading;
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
    /// CPU time of the busiest thread of each second, as a share of one
    /// processor; none when it was not measured.
    pub busiest: Option<f64>,
    /// The same in the busiest second.
    pub busiest_max: Option<f64>,
    /// Most memory of the process at the end of any second; none when unknown.
    pub rss_max_bytes: Option<u64>,
    /// Most descriptors open at the end of any second; none when unknown.
    pub open_files_max: Option<u64>,
    /// Most sockets open to servers at the end of any second; none when there
    /// were none or they were not counted.
    pub open_sockets_max: Option<u64>,
    /// Most virtual users in any second.
    pub users_max: u64,
    /// Most requests on their way at the end of any second.
    pub in_flight_max: u64,
}

impl GeneratorView {
    pub(super) fn new(results: &Results, lag: &Distribution) -> GeneratorView {
        let threads = results.run.threads;
        let health = || results.recording.seconds.iter().map(|slice| &slice.health);
        let cpu: Vec<f64> = health().filter_map(|health| health.cpu_share(threads)).collect();
        let busiest: Vec<f64> = health().filter_map(|health| health.busiest(threads)).collect();
        GeneratorView {
            samples: lag.count(),
            lag_p50_ns: Reading::percentile(lag, 50.0).ns,
            lag_p99_ns: Reading::percentile(lag, 99.0).ns,
            lag_max_ns: lag.max(),
            cpu: mean(&cpu),
            cpu_max: cpu.into_iter().reduce(f64::max),
            busiest: mean(&busiest),
            busiest_max: busiest.into_iter().reduce(f64::max),
            rss_max_bytes: health().map(|health| health.rss_bytes).max().filter(|bytes| *bytes > 0),
            open_files_max: health().map(|health| health.open_files).max().filter(|files| *files > 0),
            open_sockets_max: health().map(|health| health.open_sockets).max().filter(|sockets| *sockets > 0),
            users_max: health().map(|health| health.users).max().unwrap_or(0),
            in_flight_max: health().map(|health| health.in_flight).max().unwrap_or(0),
        }
    }
}

pub(super) fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}
