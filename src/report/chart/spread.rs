//! Charts of how latencies are spread: over time, over percentiles, over load.

use super::catalogue::{duration, latency_axis, line, over_time, second};
use super::cells::Cells;
use super::plot::{Layer, Plot};
use super::reduce::Point;
use super::scale::Scale;
use super::ticks;
use crate::report::view::{Row, View};
use crate::stats::median;
use crate::units;

/// Percentiles that are labelled.
pub(super) const LABELLED: [(f64, &str); 6] =
    [(0.0, "p0"), (50.0, "p50"), (90.0, "p90"), (99.0, "p99"), (99.9, "p99.9"), (99.99, "p99.99")];

/// Colours and dash patterns of baselines.
const BASELINE_LOOKS: [(&str, &str); 3] = [("--c3", "2 4"), ("--c4", "10 3 2 3"), ("--c3", "14 4")];

/// Points of a scatter plot: seconds that look alike are drawn once.
const GRID: f64 = 250.0;

/// Fewer seconds than this show no relation.
const SECONDS_LEAST: usize = 10;

/// The load must have changed by this factor, or there is no relation to be seen.
const SPAN_LEAST: f64 = 1.25;

/// Stretches of load whose median is drawn.
const STRETCHES: usize = 12;

/// Fewer medians than this are no line.
const MEDIANS_LEAST: usize = 3;

/// Seconds that a median rests on.
const MEDIAN_OF: usize = 3;

/// Labels along the axes.
const STEPS: u32 = 5;

/// When requests had which latency.
pub(super) fn heatmap(view: &View) -> Option<Plot> {
    let heat = &view.heatmap;
    let (low, high) = (heat.edges_ns.first().copied()?, heat.edges_ns.last().copied()?);
    let length_s = view.timeline.length_s as f64;
    let total: u64 = heat.columns.iter().flatten().sum();
    let widest = heat.columns.iter().flatten().copied().max()?;
    let cells = Cells::new("--c1", heat.every_s as f64, &heat.columns);
    let every = units::duration(cells.width * 1e9);
    Some(Plot {
        name: "heatmap",
        title: "Requests by latency, over time".to_owned(),
        description: format!(
            "Latency of {total} successful requests between {} and {} over time; at most {widest} of them lie in one \
             band of {}.",
            units::duration(low),
            units::duration(high),
            units::duration(heat.every_s as f64 * 1e9),
        ),
        over_time: true,
        note: Some(format!("Requests in each {every}:")),
        length: length_s,
        x_ticks: ticks::time(length_s, STEPS).into_iter().map(|at| (at, second(at))).collect(),
        y: Scale::Log10 { low, high },
        // The bands end where they like.
        y_ticks: ticks::within(low, high).into_iter().map(|value| (value, duration(value))).collect(),
        warmup_s: view.timeline.warmup_s,
        borders_s: view.timeline.borders_s.clone(),
        layers: vec![Layer::Cells(cells)],
        told: Vec::new(),
    })
}

/// From the fastest request to the slowest, with baselines behind.
pub(super) fn percentiles(view: &View) -> Option<Plot> {
    let of = &view.curves;
    let old = of.baselines.iter().zip(BASELINE_LOOKS.into_iter().cycle()).map(|(baseline, (color, dash))| {
        let runs = if baseline.runs == 1 { "1 run".to_owned() } else { format!("{} runs", baseline.runs) };
        (format!("latency in baseline {}, {runs}", baseline.name), color, dash, &baseline.latency)
    });
    let own =
        [("service time".to_owned(), "--c2", "7 4", &of.service), ("latency".to_owned(), "--c1", "", &of.latency)];
    let curves: Vec<_> = old.chain(own).filter(|(_, _, _, points)| !points.is_empty()).collect();
    let known = || curves.iter().flat_map(|(_, _, _, points)| points.iter());
    let (low, high) = (known().map(|point| point.1).reduce(f64::min)?, known().map(|point| point.1).reduce(f64::max)?);
    let last = known().map(|point| point.0).reduce(f64::max)?;
    let length = nines(last);
    if length <= 0.0 {
        return None;
    }
    let (y, y_ticks) = latency_axis(low, high);
    let end = of.latency.last().map(|(percentile, nanos)| {
        format!(" Latency is {} at its end, p{}.", units::duration(*nanos), units::number(*percentile))
    });
    let within = |percentile: f64| nines(percentile) <= length * (1.0 + 1e-9);
    let labelled = LABELLED.into_iter().filter(|(percentile, _)| within(*percentile));
    let layers = curves.into_iter().map(|(label, color, dash, points)| {
        let points = points.iter().map(|(percentile, nanos)| (nines(*percentile), Some(*nanos))).collect();
        Layer::Line(line(&label, color, dash, 2.0, points))
    });
    let beside: Vec<&str> = of.baselines.iter().map(|baseline| baseline.name.as_str()).collect();
    let beside = match beside.as_slice() {
        [] => String::new(),
        names => format!(" Beside it is the latency in {}.", names.join(", ")),
    };
    let told = view.totals.ladder.iter().filter(|rung| within(rung.percentile)).map(|rung| {
        let old = of.baselines.iter().zip(&rung.baselines).map(|(baseline, old)| (baseline.name.as_str(), old));
        let values = [("latency", &rung.latency), ("service time", &rung.service)].into_iter().chain(old);
        let known: Vec<String> = values
            .filter(|(_, value)| value.ns.is_some())
            .map(|(name, value)| format!("{name} {}", value.text))
            .collect();
        (nines(rung.percentile), format!("{}: {}", rung.name, known.join(", ")))
    });
    Some(Plot {
        name: "percentiles",
        title: "Percentiles of latency and service time".to_owned(),
        description: format!(
            "Latency and service time from the fastest request to p{}, on logarithmic scales.{}{beside}",
            units::number(last),
            end.unwrap_or_default()
        ),
        over_time: false,
        note: None,
        length,
        x_ticks: labelled.map(|(percentile, label)| (nines(percentile), label.to_owned())).collect(),
        y,
        y_ticks,
        warmup_s: 0.0,
        borders_s: Vec::new(),
        layers: layers.collect(),
        told: told.collect(),
    })
}

/// How many nines a percentile has: 1 for 90, 2 for 99.
pub(super) fn nines(percentile: f64) -> f64 {
    -(1.0 - percentile / 100.0).log10()
}

/// Latency of each second against the load in it.
pub(super) fn load(view: &View) -> Option<Plot> {
    let open = !view.planned_rate.is_empty();
    let what = if open { "requests per second" } else { "virtual users" };
    let level = |row: &Row| if open { row.rate } else { row.users as f64 };
    let mut points: Vec<(f64, f64)> = over_time(view, |row| row.p95_ns.filter(|_| !row.warmup))
        .into_iter()
        .zip(&view.timeline.rows)
        .filter_map(|((_, p95), row)| Some((level(row), p95?)))
        .collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let at = |share: usize| points.get(points.len() * share / 100).map(|point| point.0);
    let spread = at(95)? >= at(5)? * SPAN_LEAST;
    if points.len() < SECONDS_LEAST || !spread {
        return None;
    }
    let (low, high) =
        (points.iter().map(|point| point.1).reduce(f64::min)?, points.iter().map(|point| point.1).reduce(f64::max)?);
    let ticks = ticks::linear(points.last()?.0, STEPS);
    let (y, y_ticks) = latency_axis(low, high);
    let medians = Some(medians(&points)).filter(|medians| medians.len() >= MEDIANS_LEAST).unwrap_or_default();
    let ends = medians.first().zip(medians.last()).and_then(|(few, many)| {
        let ((few, fast), (many, slow)) = ((few.0, few.1?), (many.0, many.1?));
        let (fast, slow) = (units::duration(fast), units::duration(slow));
        Some(format!(" Its median is {fast} at {} and {slow} at {}.", units::number(few), units::number(many)))
    });
    let mut seen = std::collections::BTreeSet::new();
    let dots = points
        .iter()
        .filter(|(x, p95)| seen.insert(((x / ticks.high * GRID) as u64, (y.share(*p95) * GRID / 4.0) as u64)));
    let dots = dots.map(|(x, p95)| (*x, Some(*p95))).collect();
    let mut layers = vec![Layer::Dots(line("p95 of a second", "--c1", "", 5.0, dots))];
    if !medians.is_empty() {
        layers.push(Layer::Line(line("median", "--c2", "", 2.5, medians)));
    }
    Some(Plot {
        name: "load",
        title: format!("Latency against {what}"),
        description: format!(
            "p95 of latency of each of {} seconds against the {what} in it.{}",
            points.len(),
            ends.unwrap_or_default()
        ),
        over_time: false,
        note: None,
        length: ticks.high,
        x_ticks: ticks.values.iter().map(|value| (*value, units::number(*value))).collect(),
        y,
        y_ticks,
        warmup_s: 0.0,
        borders_s: Vec::new(),
        layers,
        told: Vec::new(),
    })
}

/// The median of each of some equal stretches of load with enough seconds. `points`
/// are in order.
fn medians(points: &[(f64, f64)]) -> Vec<Point> {
    let high = points.last().map_or(0.0, |point| point.0);
    let stretch = |x: f64| (x / high * STRETCHES as f64).min(STRETCHES as f64 - 1.0) as u64;
    points
        .chunk_by(|a, b| stretch(a.0) == stretch(b.0))
        .filter(|seconds| seconds.len() >= MEDIAN_OF)
        .filter_map(|seconds| {
            let x = median(seconds.iter().map(|point| point.0).collect())?;
            Some((x, median(seconds.iter().map(|point| point.1).collect())))
        })
        .collect()
}
