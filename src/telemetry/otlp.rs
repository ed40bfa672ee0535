//! Metrics as OTLP has them: an `ExportMetricsServiceRequest` in Protocol Buffers.
//!
//! Source: opentelemetry-proto 1.x, `metrics/v1/metrics.proto`; sums and times are cumulative,
//! so that a request that is lost takes nothing with it.

use super::Labels;
use super::histogram::{Histogram, SCALE};
use super::metrics::{Metric, Points};
use super::protobuf::Message;
use super::totals::Totals;

/// `AGGREGATION_TEMPORALITY_CUMULATIVE`.
const CUMULATIVE: u64 = 2;

/// When a point begins and ends, in nanoseconds since 1970.
#[derive(Clone, Copy)]
struct Span {
    from: u64,
    to: u64,
}

impl Totals {
    /// The body of a request to `/v1/metrics`; the run began and it is now so many
    /// nanoseconds after 1970.
    #[must_use]
    pub fn otlp(&self, began: u64, now: u64) -> Vec<u8> {
        let span = Span { from: began, to: now };
        let context = &self.context;
        let version = env!("CARGO_PKG_VERSION");
        let mut request = Message::default();
        request.nested(1, |of_resource| {
            of_resource.nested(1, |resource| {
                for (key, value) in [
                    ("service.name", "mcpl"),
                    ("service.version", version),
                    ("service.instance.id", &context.run_id),
                    ("mcpl.run.id", &context.run_id),
                    ("mcpl.run.name", &context.name),
                ] {
                    attribute(resource, 1, key, value);
                }
            });
            of_resource.nested(2, |of_scope| {
                of_scope.nested(1, |scope| {
                    scope.text(1, "mcpl");
                    scope.text(2, version);
                });
                for metric in &self.metrics() {
                    of_scope.nested(2, |message| write(message, metric, span));
                }
            });
        });
        request.into_bytes()
    }
}

fn write(message: &mut Message, metric: &Metric<'_>, span: Span) {
    message.text(1, metric.name);
    message.text(2, metric.help);
    message.text(3, metric.unit);
    match &metric.points {
        Points::Gauge(points) => message.nested(5, |gauge| {
            for (labels, value) in points {
                gauge.nested(1, |point| {
                    point.fixed(3, span.to);
                    point.double(4, *value);
                    attributes(point, 7, labels);
                });
            }
        }),
        Points::Sum(points) => message.nested(7, |sum| {
            for (labels, value) in points {
                sum.nested(1, |point| {
                    point.fixed(2, span.from);
                    point.fixed(3, span.to);
                    // `sfixed64`, which is the same for what is not negative.
                    point.fixed(6, *value);
                    attributes(point, 7, labels);
                });
            }
            sum.varint(2, CUMULATIVE);
            sum.varint(3, 1);
        }),
        Points::Times(points) => message.nested(10, |times| {
            for (labels, value) in points {
                times.nested(1, |point| histogram(point, labels, value, span));
            }
            times.varint(2, CUMULATIVE);
        }),
    }
}

fn histogram(point: &mut Message, labels: &Labels, times: &Histogram, span: Span) {
    attributes(point, 1, labels);
    point.fixed(2, span.from);
    point.fixed(3, span.to);
    point.fixed(4, times.count);
    point.double(5, times.sum);
    point.signed(6, SCALE);
    point.fixed(7, times.zeros);
    if let Some((first, counts)) = times.dense() {
        point.nested(8, |buckets| {
            buckets.signed(1, first);
            buckets.packed(2, &counts);
        });
    }
    times.min.into_iter().for_each(|min| point.double(12, min));
    times.max.into_iter().for_each(|max| point.double(13, max));
}

fn attributes(message: &mut Message, field: u32, labels: &Labels) {
    for (key, value) in labels {
        attribute(message, field, key, value);
    }
}

fn attribute(message: &mut Message, field: u32, key: &str, value: &str) {
    message.nested(field, |pair| {
        pair.text(1, key);
        pair.nested(2, |any| any.text(1, value));
    });
}
