//! What must hold of a run.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::units::{Dimension, Quantity};
use crate::violation::Violation;

/// One line of `assert`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Assertion {
    /// As written.
    pub source: String,
    /// The measured side.
    pub left: MetricExpr,
    /// How the sides compare.
    pub comparison: Comparison,
    /// The other side, usually a constant.
    pub right: MetricExpr,
    /// `in 99% of seconds`: the share of seconds in which it must hold; `None`:
    /// of the whole run.
    pub share_of_seconds: Option<f64>,
}

/// A metric of the file's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Measure {
    /// Its name.
    pub name: String,
    /// What it measures: a number, a duration or a size.
    pub dimension: Dimension,
}

impl Measure {
    /// How many units of the recording one base unit is: whole numbers are
    /// recorded, to three significant digits.
    #[must_use]
    pub fn scale(dimension: Dimension) -> f64 {
        match dimension {
            Dimension::Duration => 1.0,
            Dimension::Size => 1e3,
            _ => 1e9,
        }
    }

    /// The value behind a statistic of the recording, in the base unit. What is
    /// kept to three significant digits is read as the roundest number that fits:
    /// a count of 6 is 6, and not the upper end of what is kept as 6.
    #[must_use]
    pub fn value(dimension: Dimension, scaled: f64) -> f64 {
        /// The width of what is kept as one value, as a share of it.
        const WIDTH: f64 = 1.1e-3;
        let value = scaled / Measure::scale(dimension);
        let decimals = if dimension == Dimension::Number { 6 } else { 0 };
        let shorter = (0..=decimals).map(|decimals| {
            let unit = 10_f64.powi(decimals);
            (value * unit).floor() / unit
        });
        shorter.into_iter().find(|short| value - short <= value * WIDTH).unwrap_or(value)
    }
}

/// What must hold compared with the stored runs of one name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Baseline {
    /// The name of the stored runs.
    pub name: String,
    /// How far metrics may be from theirs.
    pub margins: Vec<Margin>,
}

/// How far a metric may be from stored runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Margin {
    /// As written.
    pub source: String,
    /// What is compared.
    pub metric: MetricRef,
    /// How far it may be above, as a share; `None`: as far as it likes.
    pub above: Option<f64>,
    /// How far it may be below, as a share; `None`: as far as it likes.
    pub below: Option<f64>,
}

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Comparison {
    /// `==`
    #[serde(rename = "==")]
    Equal,
    /// `!=`
    #[serde(rename = "!=")]
    NotEqual,
    /// `<`
    #[serde(rename = "<")]
    Less,
    /// `<=`
    #[serde(rename = "<=")]
    LessOrEqual,
    /// `>`
    #[serde(rename = ">")]
    Greater,
    /// `>=`
    #[serde(rename = ">=")]
    GreaterOrEqual,
}

impl Comparison {
    /// As written.
    #[must_use]
    pub fn symbol(self) -> &'static str {
        match self {
            Comparison::Equal => "==",
            Comparison::NotEqual => "!=",
            Comparison::Less => "<",
            Comparison::LessOrEqual => "<=",
            Comparison::Greater => ">",
            Comparison::GreaterOrEqual => ">=",
        }
    }

    /// Whether `left` and `right` compare so. Two sides count as equal within
    /// one part in 10^12, so that `1%` written and 1 in 100 measured agree.
    #[must_use]
    pub fn holds(self, left: f64, right: f64) -> bool {
        let equal = (left - right).abs() <= 1e-12 * left.abs().max(right.abs());
        match self {
            Comparison::Equal => equal,
            Comparison::NotEqual => !equal,
            Comparison::Less => left < right && !equal,
            Comparison::LessOrEqual => left < right || equal,
            Comparison::Greater => left > right && !equal,
            Comparison::GreaterOrEqual => left > right || equal,
        }
    }
}

/// Arithmetic over metrics.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MetricExpr {
    /// A literal.
    Const(Quantity),
    /// A statistic of a metric of a selection.
    Metric(MetricRef),
    /// `a + b`
    Add(Box<MetricExpr>, Box<MetricExpr>),
    /// `a - b`
    Subtract(Box<MetricExpr>, Box<MetricExpr>),
    /// `a * b`
    Multiply(Box<MetricExpr>, Box<MetricExpr>),
    /// `a / b`
    Divide(Box<MetricExpr>, Box<MetricExpr>),
}

/// One measured number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MetricRef {
    /// As written, such as `search.latency.p95`.
    pub source: String,
    /// Of what.
    pub selection: Selection,
    /// What was measured.
    pub metric: Metric,
    /// Which statistic of it.
    pub statistic: Statistic,
}

/// What an assertion looks at.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Selection {
    /// Series, by index in the plan.
    pub series: Vec<usize>,
    /// Scenarios, by index in the plan, for what belongs to no step.
    pub scenarios: Vec<usize>,
    /// Values that tags must have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<(String, String)>,
}

/// A metric.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// A distribution of times over requests.
    Time(TimeMetric),
    /// Whole iterations, without think time.
    Iteration,
    /// Opening a connection.
    Connect,
    /// Opening an MCP session.
    SessionOpen,
    /// Ending an MCP session.
    SessionClose,
    /// Requests answered or failed.
    Requests,
    /// Iterations finished.
    Iterations,
    /// MCP sessions opened.
    Sessions,
    /// MCP sessions that the server did not know any more.
    SessionsLost,
    /// Arrivals that found no free virtual user, or came too late.
    Dropped,
    /// Requests that failed, of one class or of all.
    Errors {
        /// Index in [`crate::record::ErrorClass::ALL`]'s names, by name.
        class: Option<String>,
    },
    /// Passes and failures of `expect … as "label"`.
    Expect {
        /// Index of the label in the plan.
        label: usize,
    },
    /// Violations of the protocol, of all kinds.
    Violations,
    /// Violations of one kind.
    Violation {
        /// The kind.
        kind: Violation,
    },
    /// Bytes received.
    BytesIn,
    /// Bytes sent.
    BytesOut,
    /// How late the load generator was.
    GeneratorLag,
    /// The share of a processor that the busiest thread of the load generator used.
    GeneratorCpu,
    /// Memory of the load generator.
    GeneratorRss,
    /// The share of a processor that the processes of a server used; above 1 where
    /// they used several.
    ServerCpu {
        /// Index in the plan; `None`: all that are watched together.
        server: Option<usize>,
    },
    /// Memory of the processes of a server.
    ServerRss {
        /// Index in the plan; `None`: all that are watched together.
        server: Option<usize>,
    },
    /// Descriptors that the processes of a server had open.
    ServerFds {
        /// Index in the plan; `None`: all that are watched together.
        server: Option<usize>,
    },
    /// Whole groups.
    Group {
        /// Index of the name in the plan.
        group: usize,
    },
    /// A metric of the file's own.
    Measure {
        /// Index in the plan.
        measure: usize,
        /// What it measures.
        dimension: Dimension,
    },
    /// Notifications of changed resources.
    Updates,
    /// Notifications of progress.
    Progress,
    /// What servers asked of their clients.
    Questions,
    /// Times that requests were sent again with answers.
    Rounds,
    /// Times that servers were asked how far a task has come.
    Polls,
    /// Results of requests that had been cancelled.
    Late,
    /// Requests that were not sent, since their results had been kept.
    Cached,
}

/// Times recorded for each request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TimeMetric {
    /// From the due instant to the response message.
    Latency,
    /// From the first byte written to the response message.
    ServiceTime,
    /// From the due instant to the first byte written.
    Wait,
    /// From the first byte written to the first byte of the response.
    FirstByte,
}

/// A statistic.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Statistic {
    /// Smallest.
    Min,
    /// Arithmetic mean.
    Mean,
    /// Largest.
    Max,
    /// Standard deviation.
    Stddev,
    /// A percentile, 0 to 100.
    Percentile(f64),
    /// How many.
    Count,
    /// Per second for counts; the share for errors and expectations.
    Rate,
}

impl Metric {
    /// Whether it is one value for each second, and not one for each request.
    #[must_use]
    pub fn is_of_seconds(&self) -> bool {
        matches!(
            self,
            Metric::GeneratorCpu
                | Metric::GeneratorRss
                | Metric::ServerCpu { .. }
                | Metric::ServerRss { .. }
                | Metric::ServerFds { .. }
        )
    }

    /// What a statistic of it measures; `None` when the metric has no such
    /// statistic.
    #[must_use]
    pub fn dimension(&self, statistic: Statistic) -> Option<Dimension> {
        use Statistic::{Count, Max, Mean, Min, Percentile, Rate, Stddev};
        let is_time = matches!(
            self,
            Metric::Time(_)
                | Metric::Iteration
                | Metric::Connect
                | Metric::SessionOpen
                | Metric::SessionClose
                | Metric::GeneratorLag
                | Metric::Group { .. }
        );
        let sampled = match self {
            Metric::Measure { dimension, .. } => Some(*dimension),
            Metric::GeneratorCpu | Metric::ServerCpu { .. } => Some(Dimension::Share),
            Metric::GeneratorRss | Metric::ServerRss { .. } => Some(Dimension::Size),
            Metric::ServerFds { .. } => Some(Dimension::Number),
            _ => is_time.then_some(Dimension::Duration),
        };
        match (self, statistic) {
            (_, Count) => Some(match self {
                Metric::BytesIn | Metric::BytesOut => Dimension::Size,
                _ => Dimension::Number,
            }),
            (metric, Stddev | Percentile(_)) if metric.is_of_seconds() => None,
            (_, Min | Mean | Max | Stddev | Percentile(_)) => sampled,
            (Metric::Errors { .. } | Metric::Expect { .. }, Rate) => Some(Dimension::Share),
            (_, Rate) => sampled.is_none().then_some(Dimension::Rate),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_number_is_read_as_it_was_recorded() {
        for number in [0.0, 1.0, 6.0, 999.0, 12_345.0, 0.25, 0.001] {
            let mut recorded = crate::record::Distribution::new();
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small")]
            recorded.record((number * Measure::scale(Dimension::Number)) as u64);
            let read = Measure::value(Dimension::Number, recorded.max().unwrap());
            assert!((read - number).abs() <= number * 1e-3, "{number} is read as {read}");
            assert!(number > 2000.0 || (read - number).abs() < 1e-9, "{number} is read as {read}");
        }
    }

    #[test]
    fn one_percent_written_and_measured_agree() {
        assert!(Comparison::LessOrEqual.holds(1.0 / 100.0, 1.0 * 0.01));
        assert!(!Comparison::Less.holds(0.1 + 0.2, 0.3), "0.1 + 0.2 is not below 0.3");
        assert!(Comparison::Equal.holds(0.0, 0.0));
        assert!(!Comparison::Equal.holds(0.0, 1e-300));
    }

    #[test]
    fn a_metric_has_the_statistics_of_its_kind() {
        let time = Metric::Time(TimeMetric::Latency);
        assert_eq!(time.dimension(Statistic::Percentile(95.0)), Some(Dimension::Duration));
        assert_eq!(time.dimension(Statistic::Rate), None);
        assert_eq!(Metric::Errors { class: None }.dimension(Statistic::Rate), Some(Dimension::Share));
        assert_eq!(Metric::Requests.dimension(Statistic::Rate), Some(Dimension::Rate));
        assert_eq!(Metric::Requests.dimension(Statistic::Max), None);
    }
}
