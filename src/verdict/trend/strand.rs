//! The runs of a series on one class of machine, and what the detectors say of them.

use super::level::Scale;
use super::{Detectors, Finding, Kind, Segment, Series};
use crate::stats::{self, Prediction};

/// Runs that a newer one is held against at least: with fewer, an interval is so wide
/// that nothing is outside it.
const KNOWN: usize = 5;

/// Runs in which a drift can be seen.
const DRIFTING: usize = 10;

/// One-sided chance at which a detector agrees with another.
const AGREES: f64 = 0.025;

/// A strand of a series.
pub(super) struct Strand {
    /// Index of the series.
    pub(super) series: usize,
    machine: usize,
    scale: Scale,
    /// Index of the point of each value.
    at: Vec<usize>,
    /// On the scale.
    pub(super) values: Vec<f64>,
    /// Where levels change, in order, and the chance of each.
    cuts: Vec<(usize, f64)>,
    /// What the newest runs are suspected of.
    pub(super) suspected: Option<Look>,
    /// A slow change of the newest level.
    pub(super) drifting: Option<Look>,
}

/// What a detector says of the newest level.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    /// Index of the first value that shows it.
    pub(super) from: usize,
    /// Index after the last one.
    pub(super) to: usize,
    /// On the scale.
    pub(super) before: f64,
    pub(super) after: f64,
    /// Two-sided.
    pub(super) chance: f64,
    /// Whether people would care.
    pub(super) large: bool,
}

impl Strand {
    /// All strands of a series.
    pub(super) fn all(index: usize, series: &Series) -> Vec<Strand> {
        let scale = Scale::of(series.dimension, series.points.iter().map(|point| point.value));
        let strand = |machine| {
            let of = series.points.iter().enumerate().filter(move |(_, point)| point.machine == machine);
            let (at, values) = of.map(|(at, point)| (at, scale.on(point.value))).unzip();
            Strand { series: index, machine, scale, at, values, cuts: Vec::new(), suspected: None, drifting: None }
        };
        (0..series.machines.len()).map(strand).collect()
    }

    /// Takes the places where the level changes, without those that nobody cares about.
    pub(super) fn divide(&mut self, cuts: Vec<(usize, f64)>) {
        self.cuts = cuts;
        // One that goes makes a longer stretch of two, with another level: begin again.
        while let Some(least) = self.smallest_cut() {
            self.cuts.remove(least);
        }
    }

    /// Index of the smallest change that nobody cares about.
    fn smallest_cut(&self) -> Option<usize> {
        let levels: Vec<f64> = self.stretches().map(|(from, to)| self.level(from, to)).collect();
        let steps = levels.windows(2).enumerate().filter_map(|(index, pair)| match pair {
            [before, after] if !self.scale.is_large(*before, *after) => Some((index, (after - before).abs())),
            _ => None,
        });
        steps.min_by(|a, b| a.1.total_cmp(&b.1)).map(|(index, _)| index)
    }

    /// Where the stretches between changes begin and end.
    fn stretches(&self) -> impl Iterator<Item = (usize, usize)> {
        let begins = std::iter::once(0).chain(self.cuts.iter().map(|(at, _)| *at));
        let ends = self.cuts.iter().map(|(at, _)| *at).chain([self.values.len()]);
        begins.zip(ends)
    }

    fn part(&self, from: usize, to: usize) -> &[f64] {
        self.values.get(from..to).unwrap_or_default()
    }

    fn level(&self, from: usize, to: usize) -> f64 {
        stats::median(self.part(from, to).to_vec()).unwrap_or_default()
    }

    /// Where the newest level begins.
    fn newest_from(&self) -> usize {
        self.cuts.last().map_or(0, |(at, _)| *at)
    }

    /// The newest run, or the two newest, against those before on the newest level,
    /// whichever is less likely; `None` where there are too few.
    #[expect(clippy::cast_precision_loss, reason = "numbers of runs")]
    pub(super) fn newest(&self) -> Option<Look> {
        let (from, to) = (self.newest_from(), self.values.len());
        let look = |newest: usize| {
            let first = to.checked_sub(newest).filter(|first| *first >= from + KNOWN)?;
            let (known, new) = (self.part(from, first), self.part(first, to));
            let (mean, deviation) = stats::mean_and_deviation(known)?;
            let distance = (new.iter().sum::<f64>() / new.len() as f64 - mean).abs();
            let spread = deviation * (1.0 / new.len() as f64 + 1.0 / known.len() as f64).sqrt();
            let freedom = known.len() as f64 - 1.0;
            let chance = if spread > 0.0 {
                2.0 * stats::t_cdf(-distance / spread, freedom)
            } else {
                f64::from(u8::from(distance <= 0.0))
            };
            let (before, after) = (self.level(from, first), self.level(first, to));
            // Two chances were taken.
            let chance = (2.0 * chance).min(1.0);
            Some(Look { from: first, to, before, after, chance, large: self.scale.is_large(before, after) })
        };
        [look(1), look(2)].into_iter().flatten().min_by(|a, b| a.chance.total_cmp(&b.chance))
    }

    /// Whether the newest level is none; `None` where there are too few runs.
    pub(super) fn drift(&self) -> Option<Look> {
        let (from, to) = (self.newest_from(), self.values.len());
        if to - from < DRIFTING {
            return None;
        }
        // By thirds: a slope would make a small step in the middle larger than it is.
        let third = (to - from) / 3;
        let (before, after) = (self.level(from, from + third), self.level(to - third, to));
        let values = self.part(from, to);
        let score = trend_of(values, &[&without_slope(values)]);
        let chance = (2.0 * stats::normal_above(score.abs())).min(1.0);
        Some(Look { from, to, before, after, chance, large: self.scale.is_large(before, after) })
    }

    /// Adds to the series what is known.
    pub(super) fn tell(&self, series: &mut Series) {
        let stretches: Vec<(usize, usize)> = self.stretches().collect();
        for (from, to) in &stretches {
            let (Some(first), Some(last)) = (self.at.get(*from), self.at.get(to.wrapping_sub(1))) else { continue };
            let level = self.scale.off(self.level(*from, *to));
            series.segments.push(Segment { machine: self.machine, first: *first, last: *last, level });
        }
        let newest = stretches.last().map_or(0.0, |(from, to)| self.level(*from, *to));
        for (pair, (_, chance)) in stretches.windows(2).zip(&self.cuts) {
            let [(begin, at), (_, end)] = pair else { continue };
            let (before, after) = (self.level(*begin, *at), self.level(*at, *end));
            let rises = after > before;
            let look = Look { from: *at, to: *end, before, after, chance: *chance, large: true };
            let detectors = Detectors {
                change_point: true,
                newest_run: self.newest_is_beyond(self.part(*begin, *at), rises),
                drift: self.trends(*begin, rises),
            };
            let stands = self.scale.is_large(before, newest) && (newest > before) == rises;
            self.push(series, Kind::Change, look, stands, detectors);
        }
        if let Some(look) = self.suspected {
            let drift = self.trends(self.newest_from(), look.after > look.before);
            let detectors = Detectors { change_point: false, newest_run: true, drift };
            self.push(series, Kind::Suspected, look, true, detectors);
        }
        if let Some(look) = self.drifting {
            let middle = look.from.midpoint(self.values.len());
            let newest_run = self.newest_is_beyond(self.part(look.from, middle), look.after > look.before);
            let detectors = Detectors { change_point: false, newest_run, drift: true };
            self.push(series, Kind::Drift, look, true, detectors);
        }
    }

    /// Whether the newest run is beyond what `known` let expect.
    fn newest_is_beyond(&self, known: &[f64], rises: bool) -> bool {
        let (Some(newest), Some(expected)) = (self.values.last(), Prediction::new(known, 0.0)) else { return false };
        let distance = newest - expected.mean();
        expected.chance_above(if rises { distance } else { -distance }) <= AGREES
    }

    /// Whether all from a value on go one way.
    fn trends(&self, from: usize, rises: bool) -> bool {
        let parts: Vec<&[f64]> =
            self.stretches().filter(|(begin, _)| *begin >= from).map(|(begin, end)| self.part(begin, end)).collect();
        let score = trend_of(self.part(from, self.values.len()), &parts);
        stats::normal_above(if rises { score } else { -score }) <= AGREES
    }

    fn push(&self, series: &mut Series, kind: Kind, look: Look, stands: bool, detectors: Detectors) {
        let Some(at) = self.at.get(look.from).copied() else { return };
        let Some(point) = series.points.get(at) else { return };
        series.findings.push(Finding {
            kind,
            worse: series.worse_above.map(|above| above == (look.after > look.before)),
            run: point.run.clone(),
            started: point.started.clone(),
            commit: point.commit.clone(),
            at,
            before: self.scale.off(look.before),
            after: self.scale.off(look.after),
            chance: look.chance,
            since: look.to.saturating_sub(look.from + 1),
            stands,
            detectors,
            triage: None,
            fails: false,
            text: String::new(),
        });
    }
}

/// Values without what they change by from one to the next.
#[expect(clippy::cast_precision_loss, reason = "numbers of runs")]
fn without_slope(values: &[f64]) -> Vec<f64> {
    let points: Vec<(f64, f64)> = values.iter().enumerate().map(|(at, value)| (at as f64, *value)).collect();
    let slope = stats::slope(&points).unwrap_or(0.0);
    points.iter().map(|(at, value)| value - slope * at).collect()
}

/// The standard score of a trend, made smaller where the values of its parts lean on the
/// one before: then there are fewer of them than it seems (Yue and Wang, Water Resources
/// Management 18, 2004).
fn trend_of(values: &[f64], parts: &[&[f64]]) -> f64 {
    let leaning = stats::leaning(parts).clamp(0.0, 0.9);
    stats::trend_score(values) / ((1.0 + leaning) / (1.0 - leaning)).sqrt()
}
