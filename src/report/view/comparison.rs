//! A comparison of runs.

use serde::Serialize;

use super::Amount;
use crate::report::clean::clean;
use crate::units::{Dimension, Quantity};
use crate::verdict::compare::{Change, Compared, Comparison, Pairing, RunOf};

/// What became of a comparison of runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ComparisonView {
    /// The name of the baseline; none where there is none.
    pub baseline: Option<String>,
    /// `regressed`, `no meaningful change`, `improved`, `inconclusive`, `not
    /// comparable` or `descriptive`.
    pub word: &'static str,
    /// In one sentence, without a full stop.
    pub sentence: String,
    /// How it was found out.
    pub method: String,
    /// Whether the first old run was made together with the first new one, and so on.
    pub paired: bool,
    /// The chance of saying *regressed* when nothing has changed.
    pub level: f64,
    /// Why the runs cannot be compared, or should not be.
    pub reasons: Vec<String>,
    /// What else differs.
    pub notes: Vec<String>,
    /// The runs that were there before.
    pub old: Vec<ComparedRun>,
    /// The runs that are held against them.
    pub new: Vec<ComparedRun>,
    /// One for each metric.
    pub metrics: Vec<ComparedView>,
}

/// A run that was compared.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ComparedRun {
    /// Its id.
    pub id: String,
    /// Start of the load, RFC 3339 in UTC.
    pub started: String,
    /// The names and versions that its servers gave.
    pub servers: Vec<String>,
}

/// A metric of both sides.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ComparedView {
    /// The metric as written.
    pub source: String,
    /// The words of [`ComparisonView::word`], or `no value`.
    pub word: &'static str,
    /// In one sentence, without a full stop.
    pub explanation: String,
    /// What its values measure.
    pub dimension: Dimension,
    /// The typical old value in the base unit; none without.
    pub old: Option<f64>,
    /// The typical new value in the base unit; none without.
    pub new: Option<f64>,
    /// Its value in each old run, in their order.
    pub old_each: Vec<Amount>,
    /// Its value in each new run, in their order.
    pub new_each: Vec<Amount>,
    /// The typical old value, for people; `n/a` without.
    pub old_text: String,
    /// The typical new value, for people; `n/a` without.
    pub new_text: String,
    /// By how much new is above old: a share, or in the base unit where `difference`.
    pub change: Option<f64>,
    /// The change for people, with its sign.
    pub change_text: String,
    /// Whether `change`, `low`, `high`, `above`, `below` and `detectable` are
    /// differences rather than shares.
    pub difference: bool,
    /// The change is no lower than this.
    pub low: Option<f64>,
    /// The change is no higher than this.
    pub high: Option<f64>,
    /// `low` and `high` for people; none without.
    pub interval_text: Option<String>,
    /// How far above is accepted; none where more is not worse.
    pub above: Option<f64>,
    /// How far below is accepted; none where less is not worse.
    pub below: Option<f64>,
    /// Both for people: `up to +5%`.
    pub margin_text: String,
    /// The chance of such figures without a change for the worse beyond that.
    pub p: Option<f64>,
    /// The smallest change for the worse that such runs show four times in five.
    pub detectable: Option<f64>,
    /// The same for people; none without.
    pub detectable_text: Option<String>,
    /// The old runs that would do, where there were too few.
    pub needed_old: Option<u32>,
    /// The new runs that would do, where there were too few.
    pub needed_new: Option<u32>,
}

impl ComparisonView {
    pub(in crate::report) fn new(comparison: &Comparison) -> ComparisonView {
        let texts = |texts: &[String]| texts.iter().map(|text| clean(text)).collect();
        let run = |run: &RunOf| ComparedRun {
            id: clean(&run.id),
            started: clean(&run.started),
            servers: texts(&run.servers),
        };
        ComparisonView {
            baseline: comparison.baseline.as_deref().map(clean),
            word: comparison.outcome.word(),
            sentence: clean(&comparison.sentence),
            method: clean(&comparison.method),
            paired: comparison.pairing == Pairing::Paired,
            level: comparison.level,
            reasons: texts(&comparison.reasons),
            notes: texts(&comparison.notes),
            old: comparison.old.iter().map(run).collect(),
            new: comparison.new.iter().map(run).collect(),
            metrics: comparison.metrics.iter().map(metric).collect(),
        }
    }
}

fn metric(compared: &Compared) -> ComparedView {
    let value = |value: Option<f64>| {
        value.map_or_else(|| "n/a".to_owned(), |value| Quantity::new(value, compared.dimension).to_string())
    };
    let each = |values: &[Option<f64>]| {
        values.iter().map(|each| Amount { value: *each, text: value(*each) }).collect::<Vec<Amount>>()
    };
    let change = |change: f64| compared.change_text(change);
    let margins = [
        compared.below.map(|below| format!("down to {}", change(-below))),
        compared.above.map(|above| format!("up to {}", change(above))),
    ];
    let margins: Vec<String> = margins.into_iter().flatten().collect();
    ComparedView {
        source: clean(&compared.source),
        word: compared.verdict.word(),
        explanation: clean(&compared.explanation),
        dimension: compared.dimension,
        old: compared.old_typical,
        new: compared.new_typical,
        old_each: each(&compared.old),
        new_each: each(&compared.new),
        old_text: value(compared.old_typical),
        new_text: value(compared.new_typical),
        change: compared.change,
        change_text: compared.change.map_or_else(|| "n/a".to_owned(), change),
        difference: compared.scale == crate::verdict::compare::Scale::Difference,
        low: compared.low,
        high: compared.high,
        interval_text: compared
            .low
            .zip(compared.high)
            .map(|(low, high)| format!("{} to {}", change(low), change(high))),
        above: compared.above,
        below: compared.below,
        margin_text: if margins.is_empty() { "any".to_owned() } else { margins.join(", ") },
        p: compared.p,
        detectable: compared.detectable,
        detectable_text: compared.detectable_text().filter(|_| compared.verdict != Change::NoValue),
        needed_old: compared.needed.map(|needed| needed.old),
        needed_new: compared.needed.map(|needed| needed.new),
    }
}
