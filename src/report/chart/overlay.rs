//! Percentiles of two sides in one drawing.

use super::catalogue::{latency_axis, line};
use super::plot::{Layer, Plot};
use super::spread::{LABELLED, nines};
use crate::units;

/// Where both sides are told in words.
const TOLD: [(f64, &str); 3] = [(50.0, "p50"), (95.0, "p95"), (99.0, "p99")];

/// Pairs of a percentile and latency in nanoseconds of an old side and a new one, from
/// the fastest request to the slowest, as HTML. Empty without either.
pub(crate) fn overlay(old: &[(f64, f64)], new: &[(f64, f64)]) -> String {
    plot(old, new).map(|plot| plot.to_html()).unwrap_or_default()
}

fn plot(old: &[(f64, f64)], new: &[(f64, f64)]) -> Option<Plot> {
    let curves = [("old", "--c2", "7 4", old), ("new", "--c1", "", new)];
    let known = || curves.iter().flat_map(|(_, _, _, points)| points.iter());
    let (low, high) = (known().map(|point| point.1).reduce(f64::min)?, known().map(|point| point.1).reduce(f64::max)?);
    let last = known().map(|point| point.0).reduce(f64::max)?;
    let length = nines(last);
    if length <= 0.0 {
        return None;
    }
    let (y, y_ticks) = latency_axis(low, high);
    let at = |curve: &[(f64, f64)], percentile: f64| {
        curve.iter().find(|point| point.0 >= percentile - 1e-9).map(|point| units::duration(point.1))
    };
    let told = TOLD.into_iter().filter_map(|(percentile, name)| {
        Some(format!(" At {name} it was {}, and is {}.", at(old, percentile)?, at(new, percentile)?))
    });
    let labelled = LABELLED.into_iter().filter(|(percentile, _)| nines(*percentile) <= length * (1.0 + 1e-9));
    let layers =
        curves.into_iter().filter(|(_, _, _, points)| !points.is_empty()).map(|(label, color, dash, points)| {
            let points = points.iter().map(|(percentile, nanos)| (nines(*percentile), Some(*nanos))).collect();
            Layer::Line(line(label, color, dash, 2.0, points))
        });
    Some(Plot {
        name: "percentiles",
        title: "Percentiles of latency, old and new".to_owned(),
        description: format!(
            "Latency of all old runs and of all new runs from the fastest request to p{}, on logarithmic scales.{}",
            units::number(last),
            told.collect::<String>()
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
        told: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_are_drawn_and_told() {
        let old: Vec<(f64, f64)> = [0.0, 50.0, 90.0, 95.0, 99.0].map(|at| (at, 1e6 + at * 1e4)).into();
        let new: Vec<(f64, f64)> = old.iter().map(|(at, nanos)| (*at, nanos * 2.0)).collect();
        let drawn = overlay(&old, &new);
        assert!(drawn.contains("At p50 it was 1.5ms, and is 3ms.") && drawn.contains("At p99 it was "), "{drawn}");
        assert_eq!(drawn.matches("<g data-s=").count(), 2);
        assert_eq!(overlay(&old, &[]).matches("<g data-s=").count(), 1);
    }

    #[test]
    fn nothing_is_drawn_of_nothing() {
        assert_eq!(overlay(&[], &[]), "");
        assert_eq!(overlay(&[(0.0, 1e6)], &[]), "", "one request has no percentiles");
    }
}
