//! Metrics as Prometheus reads them: its text format 0.0.4, and OpenMetrics 1.0.
//!
//! A name has `_` for each dot, and ends with its unit and, if it only grows, with `_total`.
//! Labels of ours lose their `mcpl.`.

use std::fmt::Write as _;

use super::Labels;
use super::histogram::Histogram;
use super::metrics::{Metric, Points};
use super::totals::Totals;

/// How metrics are written for who scrapes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exposition {
    /// The text format 0.0.4.
    Text,
    /// OpenMetrics 1.0.
    OpenMetrics,
}

impl Exposition {
    /// That which an `Accept` header wants.
    #[must_use]
    pub fn wanted(accept: &str) -> Exposition {
        if accept.contains("application/openmetrics-text") { Exposition::OpenMetrics } else { Exposition::Text }
    }

    /// Its media type.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Exposition::Text => "text/plain; version=0.0.4; charset=utf-8",
            Exposition::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    /// All metrics.
    #[must_use]
    pub fn write(self, totals: &Totals) -> String {
        let mut out = String::new();
        let context = &totals.context;
        let about = [
            ("run_id".to_owned(), context.run_id.clone()),
            ("name".to_owned(), context.name.clone()),
            ("version".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
        ];
        let run = Metric {
            name: "mcpl.run.info",
            suffix: "",
            unit: "",
            help: "The run that is under way.",
            points: Points::Gauge(vec![(about.into(), 1.0)]),
        };
        self.metric(&mut out, &run);
        for metric in &totals.metrics() {
            self.metric(&mut out, metric);
        }
        if self == Exposition::OpenMetrics {
            out.push_str("# EOF\n");
        }
        out
    }

    fn metric(self, out: &mut String, metric: &Metric<'_>) {
        let name = format!("{}{}", metric.name.replace('.', "_"), metric.suffix);
        let kind = match metric.points {
            Points::Sum(_) => "counter",
            Points::Gauge(_) => "gauge",
            Points::Times(_) => "histogram",
        };
        let total = format!("{name}_total");
        // What is declared is the family, whose name has no `_total` in OpenMetrics.
        let family = if kind == "counter" && self == Exposition::Text { &total } else { &name };
        // Writing to a String cannot fail.
        let _ = writeln!(out, "# HELP {family} {}\n# TYPE {family} {kind}", metric.help);
        if let Some(unit) = metric.suffix.strip_prefix('_').filter(|_| self == Exposition::OpenMetrics) {
            let _ = writeln!(out, "# UNIT {family} {unit}");
        }
        match &metric.points {
            Points::Sum(points) => points.iter().for_each(|(labels, value)| {
                let _ = writeln!(out, "{total}{} {value}", braced(labels, None));
            }),
            Points::Gauge(points) => points.iter().for_each(|(labels, value)| {
                let _ = writeln!(out, "{name}{} {value:?}", braced(labels, None));
            }),
            Points::Times(points) => points.iter().for_each(|(labels, times)| histogram(out, &name, labels, times)),
        }
    }
}

fn histogram(out: &mut String, name: &str, labels: &Labels, times: &Histogram) {
    for (bound, count) in times.within() {
        let _ = writeln!(out, "{name}_bucket{} {count}", braced(labels, Some(&format!("{bound:?}"))));
    }
    let _ = writeln!(out, "{name}_bucket{} {}", braced(labels, Some("+Inf")), times.count);
    let plain = braced(labels, None);
    let _ = writeln!(out, "{name}_sum{plain} {:?}\n{name}_count{plain} {}", times.sum, times.count);
}

fn braced(labels: &Labels, bound: Option<&str>) -> String {
    let mut parts: Vec<String> = labels.iter().map(|(key, value)| label(key, value)).collect();
    parts.extend(bound.map(|bound| format!("le=\"{bound}\"")));
    if parts.is_empty() { String::new() } else { format!("{{{}}}", parts.join(",")) }
}

fn label(key: &str, value: &str) -> String {
    let key: String =
        key.strip_prefix("mcpl.").unwrap_or(key).chars().map(|c| if c == '.' { '_' } else { c }).collect();
    let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("{key}=\"{value}\"")
}
