//! The metrics that every run has.

use super::{Metric, MetricRef, Plan, Selection, Statistic, TimeMetric};

impl Plan {
    /// What two runs are compared by where nobody says by what: of all requests the
    /// latency at p50, p95 and p99, the share of errors, and the throughput.
    #[must_use]
    pub fn standard_metrics(&self) -> Vec<MetricRef> {
        let latency = Metric::Time(TimeMetric::Latency);
        let chosen = [
            ("latency.p50", latency.clone(), Statistic::Percentile(50.0)),
            ("latency.p95", latency.clone(), Statistic::Percentile(95.0)),
            ("latency.p99", latency, Statistic::Percentile(99.0)),
            ("errors.rate", Metric::Errors { class: None }, Statistic::Rate),
            ("throughput", Metric::Requests, Statistic::Rate),
        ];
        let selection = self.everything();
        let metric = |(source, metric, statistic): (&str, Metric, Statistic)| MetricRef {
            source: source.to_owned(),
            selection: selection.clone(),
            metric,
            statistic,
        };
        chosen.into_iter().map(metric).collect()
    }

    /// Everything but what users do before their first iteration and after their
    /// last.
    #[must_use]
    pub fn everything(&self) -> Selection {
        let counted = self.series.iter().enumerate().filter(|(_, series)| !series.apart);
        Selection {
            series: counted.map(|(index, _)| index).collect(),
            scenarios: (0..self.scenarios.len()).collect(),
            tags: Vec::new(),
        }
    }
}
