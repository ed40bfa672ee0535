//! A run under way as metrics, for those who watch it elsewhere.
//!
//! Invariant: pure: the same seconds give the same bytes, whatever takes them and however
//! late; time comes from the caller. May import `plan`, `record`, `results`.

mod context;
mod histogram;
mod metrics;
mod otlp;
mod prometheus;
mod protobuf;
mod rejected;
mod second;
mod totals;

#[cfg(test)]
mod tests;

pub use context::Context;
pub use prometheus::Exposition;
pub use rejected::Rejected;
pub use second::line;
pub use totals::Totals;

/// The attributes of a point, in order. A key as OpenTelemetry has it; see
/// [`Exposition`] for what Prometheus makes of it.
type Labels = Vec<(String, String)>;
