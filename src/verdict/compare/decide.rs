//! The verdict on each metric.

use rand::SeedableRng as _;
use rand_pcg::Pcg64Mcg;

use super::super::judge::dimension_of;
use super::enough::{Design, LEAST_BASELINE};
use super::sample::{Values, values};
use super::{Change, Compared, Gate, Needed, Pairing, Question, Scale, say};
use crate::plan::{Metric, MetricExpr, Statistic};
use crate::results::Results;
use crate::stats::{Prediction, Shift, holm, mean_and_deviation, median, t_quantile};
use crate::units::Dimension;

/// A share of requests that changes by so many of the smallest run has not changed: with
/// one more or less it cannot be known better. A hair more than two, so that two are not
/// beyond it by rounding.
const FEWEST_REQUESTS: f64 = 2.0 + 1e-9;

/// How often a change of the smallest detectable size is seen.
const POWER: f64 = 0.8;

/// How far from no change a metric may be, on the scale of the test.
#[derive(Clone, Copy, Debug, Default)]
struct Margins {
    /// A shift beyond these is worse.
    worse_above: Option<f64>,
    worse_below: Option<f64>,
    /// A shift beyond these is better.
    better_above: Option<f64>,
    better_below: Option<f64>,
}

/// What the runs say of a metric.
enum Evidence {
    /// Several runs of each side.
    Several(Shift),
    /// One run against several.
    One {
        /// What is likely, shares of requests by chance among it.
        likely: Prediction,
        /// What is likely by what was seen alone.
        seen: Prediction,
        /// By how much the new side is ahead.
        ahead: f64,
    },
    /// Too few for any test: by how much the new side is ahead.
    None(f64),
}

/// A metric with a value in every run.
struct Subject {
    scale: Scale,
    margins: Margins,
    evidence: Evidence,
    /// The standard deviation between runs, on the scale of the test, and the degrees
    /// of freedom that it has.
    spread: Option<(f64, f64)>,
    typical: (f64, f64),
}

/// Compares all metrics.
pub(super) fn all(old: &[Results], new: &[Results], question: &Question) -> Vec<Compared> {
    let Some(plan) = new.first().map(|run| &run.plan) else { return Vec::new() };
    let sides: Vec<(Values, Values)> =
        question.gates.iter().map(|gate| (values(gate, plan, old), values(gate, plan, new))).collect();
    let subjects: Vec<Option<Subject>> =
        question.gates.iter().zip(&sides).map(|(gate, sides)| subject(gate, sides, question)).collect();
    let metrics = subjects.iter().flatten().count();
    let design = Design { metrics, ..Design::of(question, (old.len(), new.len())) };
    let worse = adjusted(&subjects, |subject| subject.chance(subject.margins.worse_above, subject.margins.worse_below));
    let better =
        adjusted(&subjects, |subject| subject.chance(subject.margins.better_above, subject.margins.better_below));
    let mut compared = Vec::new();
    for (at, (gate, sides)) in question.gates.iter().zip(sides).enumerate() {
        let chances = (worse.get(at).copied().flatten(), better.get(at).copied().flatten());
        compared.push(match subjects.get(at).and_then(Option::as_ref) {
            Some(subject) => {
                let design = Design { two_sided: gate.is_two_sided(), ..design };
                with_values(gate, sides, subject, chances, design)
            }
            None => without_values(gate, sides),
        });
    }
    compared
}

/// The chances of all metrics that have one, made larger for their number.
fn adjusted(subjects: &[Option<Subject>], chance: impl Fn(&Subject) -> Option<f64>) -> Vec<Option<f64>> {
    let raw: Vec<Option<f64>> =
        subjects.iter().map(|subject| subject.as_ref().map(|s| chance(s).unwrap_or(1.0))).collect();
    let mut larger = holm(&raw.iter().flatten().copied().collect::<Vec<_>>()).into_iter();
    raw.into_iter().map(|chance| chance.and_then(|_| larger.next())).collect()
}

/// A share of requests, which may be 0: its differences are looked at, and not its
/// ratios.
fn is_share_of_requests(gate: &Gate) -> bool {
    matches!(gate.metric.metric, Metric::Errors { .. } | Metric::Expect { .. })
        && gate.metric.statistic == Statistic::Rate
}

#[expect(clippy::cast_precision_loss, reason = "counts stay below 2^53")]
fn subject(gate: &Gate, (old, new): &(Values, Values), question: &Question) -> Option<Subject> {
    let (before, after) = (old.whole()?, new.whole()?);
    let of_requests = is_share_of_requests(gate);
    let positive = before.iter().chain(&after).all(|value| *value > 0.0);
    let scale = if of_requests || !positive { Scale::Difference } else { Scale::Ratio };
    let tested = |values: &[f64]| -> Vec<f64> {
        values.iter().map(|value| if scale == Scale::Ratio { value.ln() } else { *value }).collect()
    };
    let (y_old, y_new) = (tested(&before), tested(&after));
    let (mean_old, mean_new) = (mean(&y_old)?, mean(&y_new)?);
    let back = |value: f64| if scale == Scale::Ratio { value.exp() } else { value };
    let typical = (back(mean_old), back(mean_new));
    // What chance alone makes of a share in one run.
    let least = if of_requests { chance_of_share(&before, &after, old, new) } else { 0.0 };
    let mut rng = Pcg64Mcg::seed_from_u64(question.seed);
    let ahead = mean_new - mean_old;
    let pairs = || y_old.iter().zip(&y_new).map(|(old, new)| new - old).collect::<Vec<f64>>();
    let (evidence, spread) = match (question.pairing, y_old.len(), y_new.len()) {
        (_, 1, 1) => (Evidence::None(ahead), None),
        (Pairing::Paired, ..) => (Evidence::Several(Shift::paired(&pairs(), &mut rng)?), spread_of_pairs(&pairs())),
        (_, known, 1) if known < LEAST_BASELINE => (Evidence::None(ahead), None),
        (_, 1, known) if known < LEAST_BASELINE => (Evidence::None(ahead), None),
        (_, _, 1) => (one(&y_old, least, ahead)?, spread_of(&y_old, &[], least)),
        (_, 1, _) => (one(&y_new, least, ahead)?, spread_of(&y_new, &[], least)),
        _ => (Evidence::Several(Shift::independent(&y_old, &y_new, &mut rng)?), spread_of(&y_old, &y_new, least)),
    };
    let coarse = if of_requests { FEWEST_REQUESTS / old.samples.min(new.samples).max(1) as f64 } else { 0.0 };
    Some(Subject { scale, margins: margins(gate, scale, typical.0, coarse), evidence, spread, typical })
}

/// One run against these.
fn one(known: &[f64], least: f64, ahead: f64) -> Option<Evidence> {
    let (likely, seen) = (Prediction::new(known, least)?, Prediction::new(known, 0.0)?);
    Some(Evidence::One { likely, seen, ahead })
}

fn mean(values: &[f64]) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "a number of runs")]
    let count = values.len() as f64;
    (count > 0.0).then(|| values.iter().sum::<f64>() / count)
}

/// The standard deviation of a share in one run when requests fail by chance alone,
/// in all runs with the same one.
#[expect(clippy::cast_precision_loss, reason = "counts stay below 2^53")]
fn chance_of_share(before: &[f64], after: &[f64], old: &Values, new: &Values) -> f64 {
    let all = old.all_samples.saturating_add(new.all_samples) as f64;
    let runs = (before.len() + after.len()) as f64;
    let failed = before.iter().chain(after).sum::<f64>() / runs * all;
    let share = (failed + 0.5) / (all + 1.0);
    (share * (1.0 - share) / (old.samples.min(new.samples).max(1) as f64)).sqrt()
}

/// Of both sides pooled, and at least `least`.
#[expect(clippy::cast_precision_loss, reason = "numbers of runs")]
fn spread_of(a: &[f64], b: &[f64], least: f64) -> Option<(f64, f64)> {
    let part = |values: &[f64]| {
        let (_, deviation) = mean_and_deviation(values)?;
        let freedom = values.len() as f64 - 1.0;
        Some((deviation * deviation * freedom, freedom))
    };
    let (squares, freedom) =
        [part(a), part(b)].into_iter().flatten().fold((0.0, 0.0), |sum, part| (sum.0 + part.0, sum.1 + part.1));
    (freedom > 0.0).then(|| ((squares / freedom).sqrt().max(least), freedom))
}

/// Of the differences of pairs, as of one side.
fn spread_of_pairs(differences: &[f64]) -> Option<(f64, f64)> {
    spread_of(differences, &[], 0.0).map(|(deviation, freedom)| (deviation / 2.0_f64.sqrt(), freedom))
}

/// Shares of the old value become distances on the scale of the test. A difference up
/// to `coarse` is always accepted.
fn margins(gate: &Gate, scale: Scale, old: f64, coarse: f64) -> Margins {
    let share = |share: f64| match scale {
        Scale::Ratio => share.max(gate.floor.map_or(0.0, |floor| floor / old)),
        Scale::Difference => (share * old.abs()).max(gate.floor.unwrap_or(0.0)).max(coarse),
    };
    let up = |part: f64| if scale == Scale::Ratio { share(part).ln_1p() } else { share(part) };
    let down = |part: f64| match scale {
        Scale::Ratio if share(part) >= 1.0 => f64::INFINITY,
        Scale::Ratio => -(-share(part)).ln_1p(),
        Scale::Difference => share(part),
    };
    Margins {
        worse_above: gate.above.map(up),
        worse_below: gate.below.map(down),
        // The same factor in the other direction, where that is not worse, too.
        better_above: gate.below.filter(|_| gate.above.is_none()).map(down),
        better_below: gate.above.filter(|_| gate.below.is_none()).map(up),
    }
}

impl Subject {
    /// The estimate of the shift.
    fn shift(&self) -> f64 {
        match &self.evidence {
            Evidence::Several(shift) => shift.estimate(),
            Evidence::One { ahead, .. } | Evidence::None(ahead) => *ahead,
        }
    }

    /// The chance of what was seen if the shift were beyond neither limit; `None`
    /// without a limit or a test.
    fn chance(&self, above: Option<f64>, below: Option<f64>) -> Option<f64> {
        let one = |limit: f64, sign: f64| match &self.evidence {
            Evidence::Several(shift) if sign > 0.0 => Some(shift.chance_above(limit)),
            Evidence::Several(shift) => Some(shift.chance_below(-limit)),
            // What is within the margin is not worse, however unlikely it is.
            Evidence::One { ahead, .. } if ahead * sign <= limit => Some(1.0),
            Evidence::One { likely, ahead, .. } => Some(likely.chance_above(ahead * sign)),
            Evidence::None(_) => None,
        };
        match (above, below) {
            (Some(above), Some(below)) => Some((2.0 * one(above, 1.0)?.min(one(below, -1.0)?)).min(1.0)),
            (Some(above), None) => one(above, 1.0),
            (None, Some(below)) => one(below, -1.0),
            (None, None) => None,
        }
    }

    /// Between which shifts the true one is, each end with a chance of error of
    /// `level`.
    fn interval(&self, level: f64) -> (f64, f64) {
        match &self.evidence {
            Evidence::Several(shift) => shift.interval(level),
            Evidence::One { likely, ahead, .. } => {
                let reach = likely.reach(level);
                (ahead - reach, ahead + reach)
            }
            Evidence::None(_) => (f64::NEG_INFINITY, f64::INFINITY),
        }
    }

    /// Whether it is shown that the shift is not worse than the margin. One run is
    /// held against what is likely, whose width must be within the margin, too: by what
    /// was seen, since no number of requests without an error excludes a rare one.
    fn is_no_worse(&self, level: f64) -> bool {
        let (low, high) = self.interval(level);
        let (above, below) = (self.margins.worse_above, self.margins.worse_below);
        let inside = |limit: Option<f64>, end: f64| limit.is_none_or(|limit| end <= limit);
        let one = |limit: Option<f64>, sign: f64| match &self.evidence {
            Evidence::One { seen, ahead, .. } => {
                limit.is_none_or(|limit| ahead * sign <= limit && seen.reach(level) <= limit)
            }
            _ => false,
        };
        (inside(above, high) || one(above, 1.0)) && (inside(below, -low) || one(below, -1.0))
    }

    /// The margin for the worse: the narrower of two.
    fn margin(&self) -> f64 {
        let Margins { worse_above, worse_below, .. } = self.margins;
        worse_above.into_iter().chain(worse_below).fold(f64::INFINITY, f64::min)
    }

    /// A shift as a change of the value.
    fn told(&self, shift: f64) -> Option<f64> {
        let change = if self.scale == Scale::Ratio { shift.exp_m1() } else { shift };
        (shift.is_finite() && change.is_finite()).then_some(change)
    }

    /// A shift for the worse, as a change of the value with its sign.
    fn told_worse(&self, shift: f64) -> Option<f64> {
        self.told(if self.margins.worse_above.is_some() { shift } else { -shift })
    }

    /// The smallest shift for the worse that such runs show four times in five.
    fn detectable(&self, design: Design) -> Option<f64> {
        let (spread, freedom) = self.spread?;
        let chance = t_quantile(1.0 - design.strict(), freedom);
        let often = t_quantile(POWER, freedom);
        let shift = match &self.evidence {
            Evidence::One { likely, .. } => (chance * likely.spread()).max(self.margin()) + often * likely.spread(),
            _ => self.margin() + (chance + often) * spread * design.error(),
        };
        self.told_worse(shift)
    }

    /// How many runs would tell, if the shift is what it seems to be.
    fn needed(&self, design: Design) -> Option<Needed> {
        let single = match &self.evidence {
            Evidence::One { likely, seen, ahead } => self.needed_of_one(design, likely, seen, *ahead),
            _ => None,
        };
        single.or_else(|| design.more().find(|more| !more.is_powerless() && self.tells(*more))?.needed())
    }

    /// How many runs one is to be held against.
    fn needed_of_one(&self, design: Design, likely: &Prediction, seen: &Prediction, ahead: f64) -> Option<Needed> {
        let Margins { worse_above, worse_below, .. } = self.margins;
        let beyond = worse_above.is_some_and(|limit| ahead > limit) || worse_below.is_some_and(|limit| -ahead > limit);
        // Beyond the margin it is to be more than what is likely; within it, what is
        // likely is to be no more than the margin.
        let (known, level, limit) = match beyond {
            true => (likely, design.strict(), ahead.abs()),
            false => (seen, design.level, self.margin()),
        };
        design.more_known().find(|(count, _)| known.among(*count).reach(level) <= limit).map(|(_, needed)| needed)
    }

    /// Whether so many runs show on which side of its margin the shift is, four times in
    /// five.
    fn tells(&self, design: Design) -> bool {
        let Some((spread, _)) = self.spread else { return true };
        let Margins { worse_above, worse_below, .. } = self.margins;
        let shift = self.shift();
        let beyond = [worse_above.map(|limit| shift - limit), worse_below.map(|limit| -shift - limit)];
        let distance = beyond.iter().flatten().fold(f64::INFINITY, |least, by| least.min(by.abs()));
        let level = if beyond.iter().flatten().any(|by| *by > 0.0) { design.strict() } else { design.level };
        let freedom = design.freedom();
        let reach = t_quantile(1.0 - level, freedom) + t_quantile(POWER, freedom);
        reach * spread * design.error() <= distance
    }
}

fn with_values(
    gate: &Gate,
    (old, new): (Values, Values),
    subject: &Subject,
    (worse, better): (Option<f64>, Option<f64>),
    design: Design,
) -> Compared {
    let found = |chance: Option<f64>| chance.is_some_and(|chance| chance <= design.level + 1e-12);
    let verdict = match subject.evidence {
        _ if design.is_descriptive() => Change::Descriptive,
        _ if design.is_powerless() => Change::Inconclusive,
        _ if found(worse) => Change::Regressed,
        _ if found(better) => Change::Improved,
        _ if subject.is_no_worse(design.level) => Change::NoMeaningfulChange,
        _ => Change::Inconclusive,
    };
    let (low, high) = subject.interval(design.level);
    let tested = !matches!(subject.evidence, Evidence::None(_));
    let undecided = matches!(verdict, Change::Inconclusive | Change::Descriptive);
    let margin = |limit: Option<f64>, sign: f64| limit.and_then(|limit| subject.told(limit * sign)).map(f64::abs);
    let mut compared = Compared {
        source: gate.metric.source.clone(),
        dimension: dimension(gate),
        scale: subject.scale,
        verdict,
        explanation: String::new(),
        old: old.each,
        new: new.each,
        old_typical: Some(subject.typical.0),
        new_typical: Some(subject.typical.1),
        change: subject.told(subject.shift()),
        low: subject.told(low),
        high: subject.told(high),
        above: margin(subject.margins.worse_above, 1.0),
        below: margin(subject.margins.worse_below, -1.0),
        p: worse.filter(|_| tested),
        detectable: subject.detectable(design).filter(|_| tested),
        spread: subject.spread.map(|(spread, _)| spread),
        needed: if undecided { subject.needed(design) } else { None },
    };
    compared.explanation = say::explanation(&compared, design);
    compared
}

/// A metric of which a run has no value.
fn without_values(gate: &Gate, (old, new): (Values, Values)) -> Compared {
    let middle = |values: &Values| median(values.each.iter().flatten().copied().collect());
    let why = old.missing.as_ref().or(new.missing.as_ref()).cloned().unwrap_or_default();
    Compared {
        source: gate.metric.source.clone(),
        dimension: dimension(gate),
        scale: Scale::Ratio,
        verdict: if gate.required { Change::Inconclusive } else { Change::NoValue },
        explanation: why,
        old_typical: middle(&old),
        new_typical: middle(&new),
        old: old.each,
        new: new.each,
        change: None,
        low: None,
        high: None,
        above: gate.above,
        below: gate.below,
        p: None,
        detectable: None,
        spread: None,
        needed: None,
    }
}

fn dimension(gate: &Gate) -> Dimension {
    dimension_of(&MetricExpr::Metric(gate.metric.clone()))
}
