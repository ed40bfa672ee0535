//! What a collector says of metrics that it took only in part.
//!
//! Source: `ExportMetricsServiceResponse` of
//! <https://github.com/open-telemetry/opentelemetry-proto>.

use super::protobuf::{Field, fields};

/// Metrics that a collector refused although its answer was a success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Data points, more than none.
    pub points: u64,
    /// What the collector says, which is for people, and may be empty.
    pub why: String,
}

impl Rejected {
    /// Reads the body of an answer; `None` when nothing was refused, or when the bytes
    /// are no such answer.
    #[must_use]
    pub fn read(answer: &[u8]) -> Option<Rejected> {
        let partial = fields(answer).find_map(|(number, field)| match (number, field) {
            (1, Field::Bytes(partial)) => Some(partial),
            _ => None,
        })?;
        let mut rejected = Rejected { points: 0, why: String::new() };
        for (number, field) in fields(partial) {
            match (number, field) {
                (1, Field::Number(points)) => rejected.points = points,
                (2, Field::Bytes(why)) => rejected.why = String::from_utf8_lossy(why).into_owned(),
                _ => {}
            }
        }
        // The number is signed, and less than none means nothing.
        (1..=i64::MAX.cast_unsigned()).contains(&rejected.points).then_some(rejected)
    }
}
