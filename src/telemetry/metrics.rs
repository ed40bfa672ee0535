//! The metrics: their names, units and points. `docs/live-outputs.md` lists them.

use super::Labels;
use super::context::phase;
use super::histogram::Histogram;
use super::totals::{ScenarioTotal, SeriesTotal, Totals};

/// One metric with its points.
pub(super) struct Metric<'a> {
    /// As OpenTelemetry names it.
    pub(super) name: &'static str,
    /// What Prometheus adds to the name for the unit.
    pub(super) suffix: &'static str,
    /// As UCUM writes it.
    pub(super) unit: &'static str,
    pub(super) help: &'static str,
    pub(super) points: Points<'a>,
}

/// The points of a metric.
pub(super) enum Points<'a> {
    /// Counts since the run began.
    Sum(Vec<(Labels, u64)>),
    /// How it is now.
    Gauge(Vec<(Labels, f64)>),
    /// Times since the run began.
    Times(Vec<(Labels, &'a Histogram)>),
}

impl Points<'_> {
    fn is_empty(&self) -> bool {
        match self {
            Points::Sum(points) => points.is_empty(),
            Points::Gauge(points) => points.is_empty(),
            Points::Times(points) => points.is_empty(),
        }
    }
}

impl Totals {
    /// All metrics that have a point.
    pub(super) fn metrics(&self) -> Vec<Metric<'_>> {
        let metric = |(name, suffix, unit, help), points| Metric { name, suffix, unit, help, points };
        let mut all = self.of_requests(&metric);
        all.extend(self.of_scenarios(&metric));
        all.extend(self.of_now(&metric));
        all.retain(|metric| !metric.points.is_empty());
        all
    }

    fn of_requests<'a>(&'a self, metric: &impl Fn(Names, Points<'a>) -> Metric<'a>) -> Vec<Metric<'a>> {
        let series = || self.series.values();
        let with = |total: &SeriesTotal, key: &str, value: &str| -> Labels {
            total.labels.iter().cloned().chain([(key.to_owned(), value.to_owned())]).collect()
        };
        let requests = series().map(|total| (total.labels.clone(), total.requests)).collect();
        let errors = series().flat_map(|total| {
            total.errors.iter().map(|(class, count)| (with(total, "mcpl.class", class.name()), *count))
        });
        let duration = series().flat_map(|total| {
            [(&total.latency, "ok"), (&total.failed, "failed")]
                .into_iter()
                .filter(|(times, _)| times.count > 0)
                .map(|(times, outcome)| (with(total, "mcpl.outcome", outcome), times))
        });
        let service = series().filter(|total| total.service.count > 0);
        vec![
            metric(
                ("mcpl.requests", "", "{request}", "Requests that have ended, whatever became of them."),
                Points::Sum(requests),
            ),
            metric(("mcpl.errors", "", "{error}", "Requests that failed, by class."), Points::Sum(errors.collect())),
            metric(
                (
                    "mcpl.request.duration",
                    "_seconds",
                    "s",
                    "From the instant at which a request was due to its answer, or to the failure.",
                ),
                Points::Times(duration.collect()),
            ),
            metric(
                (
                    "mcp.client.operation.duration",
                    "_seconds",
                    "s",
                    "From the first byte of a request to its answer; of those that succeeded.",
                ),
                Points::Times(service.map(|total| (total.labels.clone(), &total.service)).collect()),
            ),
        ]
    }

    fn of_scenarios<'a>(&'a self, metric: &impl Fn(Names, Points<'a>) -> Metric<'a>) -> Vec<Metric<'a>> {
        let count = |what: fn(&ScenarioTotal) -> u64| {
            let points = self.scenarios.iter().map(|((scenario, during), total)| {
                let mut labels = self.context.of_scenario(*scenario);
                labels.push(phase(*during));
                (labels, what(total))
            });
            Points::Sum(points.collect())
        };
        vec![
            metric(
                ("mcpl.iterations", "", "{iteration}", "Iterations that have ended."),
                count(|total| total.iterations),
            ),
            metric(
                ("mcpl.dropped", "", "{iteration}", "Iterations that were due and not begun, for want of a free user."),
                count(|total| total.dropped),
            ),
            metric(("mcpl.sessions", "", "{session}", "MCP sessions opened."), count(|total| total.sessions)),
        ]
    }

    fn of_now<'a>(&'a self, metric: &impl Fn(Names, Points<'a>) -> Metric<'a>) -> Vec<Metric<'a>> {
        let Some(now) = &self.now else { return Vec::new() };
        let one = |value: Option<f64>| Points::Gauge(value.map(|value| (Labels::new(), value)).into_iter().collect());
        let planned = |open: bool| {
            let scenarios = self.context.scenarios.iter().enumerate();
            let levels = scenarios.filter_map(|(index, scenario)| {
                let (level, rate) = scenario.level(now.second)?;
                (rate == open).then(|| (self.context.of_scenario(index), level))
            });
            Points::Gauge(levels.collect())
        };
        #[expect(clippy::cast_precision_loss, reason = "counts stay below 2^53")]
        let (users, in_flight) = (now.users as f64, now.in_flight as f64);
        vec![
            metric(("mcpl.users", "", "{user}", "Virtual users that exist."), one(Some(users))),
            metric(("mcpl.in_flight", "", "{request}", "Requests on their way."), one(Some(in_flight))),
            metric(
                ("mcpl.planned.rate", "", "{iteration}/s", "Iterations per second that the stages ask for now."),
                planned(true),
            ),
            metric(("mcpl.planned.users", "", "{user}", "Virtual users that the stages ask for now."), planned(false)),
            metric(
                ("mcpl.generator.cpu", "_ratio", "1", "Share of a processor that the busiest thread of mcpl used."),
                one(now.cpu),
            ),
            metric(
                ("mcpl.generator.lag", "_seconds", "s", "How late due work was begun, at the 99th percentile."),
                one(now.lag),
            ),
        ]
    }
}

/// Name, suffix, unit and help.
type Names = (&'static str, &'static str, &'static str, &'static str);
