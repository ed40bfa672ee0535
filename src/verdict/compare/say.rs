//! What was found, in words.

use super::enough::{Design, LEAST_BASELINE};
use super::{Change, Compared, Needed, Pairing, Question, Scale};
use crate::units::{self, Dimension, Quantity};

/// What is said where no number of runs would do.
const TOO_NEAR: &str = "the change is too near the margin to tell with a number of runs that is practical";

impl Compared {
    /// A change of the metric for people, with its sign: `+12%`, `-3.5ms`, `+0.4
    /// points`.
    #[must_use]
    pub fn change_text(&self, by: f64) -> String {
        change(self, by)
    }

    /// The smallest change that would be seen, for people; `None` where it is not known.
    #[must_use]
    pub fn detectable_text(&self) -> Option<String> {
        let least = self.detectable?;
        // So many percent are no size that anybody has a picture of.
        let is_beyond = self.scale == Scale::Ratio && least > TENFOLD;
        Some(if is_beyond { "10 times as much".to_owned() } else { change(self, least) })
    }
}

/// A change to ten times of what it was.
const TENFOLD: f64 = 9.0;

fn change(compared: &Compared, change: f64) -> String {
    let sign = if change < 0.0 { "-" } else { "+" };
    let size = change.abs();
    let text = match compared.scale {
        Scale::Ratio => units::percent(rounded(size)),
        Scale::Difference if compared.dimension == Dimension::Share => {
            format!("{} points", units::number(rounded(size * 100.0)))
        }
        Scale::Difference => Quantity::new(size, compared.dimension).to_string(),
    };
    format!("{sign}{text}")
}

/// To three significant digits: a change is not known to more.
fn rounded(value: f64) -> f64 {
    if value <= 0.0 || !value.is_finite() {
        return value;
    }
    let unit = 10_f64.powf(value.log10().floor() - 2.0);
    (value / unit).round() * unit
}

/// What a metric came to.
pub(super) fn explanation(compared: &Compared, design: Design) -> String {
    let value = |value: Option<f64>| {
        value.map_or_else(|| "n/a".to_owned(), |value| Quantity::new(value, compared.dimension).to_string())
    };
    let shown = compared.change.map_or_else(|| "n/a".to_owned(), |by| change(compared, by));
    // Of several runs of each side the change is that of a typical pair of runs, which need
    // not be that of the two typical values.
    let joint = if design.old.min(design.new) > 1 { "; typical change" } else { "," };
    let mut text = format!("{} to {}{joint} {shown}", value(compared.old_typical), value(compared.new_typical));
    if let (Some(low), Some(high)) = (compared.low, compared.high) {
        let (low, high) = (change(compared, low), change(compared, high));
        let single = if design.old.min(design.new) == 1 { " as far as single runs tell" } else { "" };
        let part = format!(" ({low} to {high}{single})");
        text.push_str(&part);
    }
    match compared.verdict {
        Change::Regressed | Change::Improved | Change::NoMeaningfulChange => {
            text.push_str(&format!("; {}", margin(compared)));
        }
        Change::Inconclusive if design.is_powerless() => text.push_str("; too few runs to tell anything"),
        Change::Inconclusive => {
            if let Some(least) = compared.detectable_text() {
                text.push_str(&format!("; a change would be seen from {least} on"));
            }
            text.push_str(&match compared.needed {
                Some(needed) => format!("; {}", would_tell(needed, design, None)),
                None => format!("; {TOO_NEAR}"),
            });
        }
        _ => {}
    }
    text
}

/// What is not worse yet.
fn margin(compared: &Compared) -> String {
    let limit = |size: f64, sign: f64| change(compared, size * sign);
    match (compared.above, compared.below) {
        (Some(above), Some(below)) => format!("{} and {} are accepted", limit(above, 1.0), limit(below, -1.0)),
        (Some(above), None) => format!("up to {} is accepted", limit(above, 1.0)),
        (None, Some(below)) => format!("down to {} is accepted", limit(below, -1.0)),
        (None, None) => "anything is accepted".to_owned(),
    }
}

/// The comparison in one sentence.
pub(super) fn sentence(
    outcome: Change,
    metrics: &[Compared],
    reasons: &[String],
    (old, new): (usize, usize),
    question: &Question,
) -> String {
    let of = |change: Change| metrics.iter().filter(move |metric| metric.verdict == change);
    let by = |metric: &Compared| {
        metric.change.map_or_else(|| metric.source.clone(), |by| format!("{} {}", metric.source, change(metric, by)))
    };
    let list = |change: Change| of(change).map(by).collect::<Vec<_>>().join(", ");
    let known = metrics.iter().filter(|metric| metric.verdict != Change::NoValue).count();
    let count = |count: usize| if count == 1 { "1 metric".to_owned() } else { format!("{count} metrics") };
    let valued = || metrics.iter().filter(|metric| metric.change.is_some());
    let two_sided = valued().all(|metric| metric.above.is_some() && metric.below.is_some());
    let design = Design { metrics: valued().count(), two_sided, ..Design::of(question, (old, new)) };
    match outcome {
        Change::Regressed => format!("regressed: {}", list(Change::Regressed)),
        Change::Improved => format!("improved: {}", list(Change::Improved)),
        Change::NoMeaningfulChange => format!("no meaningful change: {} within the margins", count(known)),
        Change::NotComparable => {
            let more = match reasons.len().saturating_sub(1) {
                0 => String::new(),
                more => format!(" (and {more} more)"),
            };
            format!("not comparable: {}{more}", reasons.first().map_or("", String::as_str))
        }
        Change::Descriptive => {
            format!("{} against {}: described, not judged; {}", runs(new), runs(old), wanted(design))
        }
        Change::NoValue | Change::Inconclusive if known == 0 => {
            "inconclusive: no metric has a value in every run".to_owned()
        }
        Change::NoValue | Change::Inconclusive if design.is_powerless() => {
            format!(
                "inconclusive: {} against {} can tell nothing of {}; {}",
                runs(new),
                runs(old),
                count(known),
                wanted(design)
            )
        }
        Change::NoValue | Change::Inconclusive => {
            let names: Vec<&str> = of(Change::Inconclusive).map(|metric| metric.source.as_str()).collect();
            let valued = of(Change::Inconclusive).all(|metric| metric.change.is_some());
            let needed: Option<Vec<Needed>> = of(Change::Inconclusive).map(|metric| metric.needed).collect();
            let help = match needed {
                // No number of runs gives a value to what has none.
                _ if !valued => String::new(),
                Some(needed) => {
                    let most = |side: fn(&Needed) -> u32| needed.iter().map(side).max().unwrap_or_default();
                    let most = Needed { old: most(|needed| needed.old), new: most(|needed| needed.new) };
                    format!("; {}", would_tell(most, design, question.baseline.as_deref()))
                }
                None => format!("; {TOO_NEAR}"),
            };
            format!("inconclusive: {}{help}", names.join(", "))
        }
    }
}

fn runs(count: usize) -> String {
    if count == 1 { "1 run".to_owned() } else { format!("{count} runs") }
}

/// How many runs a verdict needs.
fn wanted(design: Design) -> String {
    let Some(fewest) = design.fewest() else { return "there are too many metrics for any number of runs".to_owned() };
    let single = match design.pairing {
        Pairing::Paired => String::new(),
        Pairing::Independent if design.is_descriptive() => format!(", or {LEAST_BASELINE} old ones for a new one"),
        Pairing::Independent if design.old >= LEAST_BASELINE && design.new < design.old => {
            "; one new run at a time can be judged as it is".to_owned()
        }
        Pairing::Independent => String::new(),
    };
    format!("a verdict needs {}{single}", so_many(fewest, design))
}

/// How many runs would tell what these cannot.
fn would_tell(needed: Needed, design: Design, baseline: Option<&str>) -> String {
    match baseline {
        Some(name) if needed.new as usize == design.new => {
            format!("{} runs in the baseline would tell (`mcpl baseline save {name} RUN… --append`)", needed.old)
        }
        _ => format!("{} would tell", so_many(needed, design)),
    }
}

fn so_many(Needed { old, new }: Needed, design: Design) -> String {
    match design.pairing {
        Pairing::Paired => format!("{old} pairs"),
        Pairing::Independent if old == new => format!("{old} runs of each side"),
        Pairing::Independent if old as usize == design.old => format!("{new} new runs for the {old} old ones"),
        Pairing::Independent if new as usize == design.new => {
            let runs = if new == 1 { "one" } else { "ones" };
            format!("{old} old runs for the {}new {runs}", if new == 1 { String::new() } else { format!("{new} ") })
        }
        Pairing::Independent => format!("{old} old runs and {new} new ones"),
    }
}

/// How the comparison was made.
pub(super) fn method(old: usize, new: usize, question: &Question, refused: bool) -> String {
    let level = units::percent(question.level);
    let holm = format!("Holm over all metrics at {level}");
    match question.pairing {
        _ if refused => "none: the runs cannot be compared".to_owned(),
        _ if old.min(new) == 1 && old.max(new) < LEAST_BASELINE => "none: the runs are described only".to_owned(),
        Pairing::Paired => format!("{} by permutation of signs, {holm}", plural(old, "pair")),
        Pairing::Independent if old.min(new) == 1 => {
            let side = if new == 1 {
                "1 new run against the prediction interval of"
            } else {
                "1 old run against the prediction interval of"
            };
            format!("{side} {}, {holm}", plural(old.max(new), "run"))
        }
        Pairing::Independent => format!("{old} against {new} runs by permutation, {holm}"),
    }
}

fn plural(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
