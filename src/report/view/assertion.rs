//! An assertion and what was measured for it.

use serde::Serialize;

use crate::report::clean::clean;
use crate::units::{self, Dimension, Quantity};
use crate::verdict::{Judgement, State};

/// One assertion and what was measured.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AssertionView {
    /// The assertion as written.
    pub source: String,
    /// `held`, `failed`, `no_data` or `too_few_samples`.
    pub state: State,
    /// Whether it held; without data it did not.
    pub held: bool,
    /// The left side as measured; none without data.
    pub observed: Option<Value>,
    /// `<`, `<=`, `>`, `>=`, `==` or `!=`.
    pub comparison: &'static str,
    /// The right side; none without data.
    pub limit: Option<Value>,
    /// Distance from the limit as a share of it: positive when it held,
    /// negative when it did not; none without data or with a limit of 0.
    pub margin: Option<f64>,
    /// The margin in words, such as `24.8% above the limit`.
    pub margin_text: Option<String>,
    /// How many samples the left side rests on; 0 when it rests on none.
    pub samples: u64,
    /// What happened, in one sentence without a full stop.
    pub explanation: String,
    /// The first second, from 0, in which it did not hold.
    pub first_breach: Option<u32>,
    /// Share of the seconds with data in which it held.
    pub seconds_met: Option<f64>,
    /// The left side second by second, in base units (nanoseconds, per second,
    /// shares, bytes); none where a second has no data.
    pub per_second: Vec<Option<f64>>,
    /// The second of the first entry of `per_second`.
    pub first_second: u32,
}

/// A number with its unit.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Value {
    /// In the base unit of its dimension: nanoseconds, per second, shares,
    /// bytes.
    pub value: f64,
    /// `number`, `duration`, `rate`, `share`, `size` or `users`.
    pub dimension: Dimension,
    /// For people.
    pub text: String,
}

impl Value {
    pub(super) fn new(quantity: Quantity) -> Value {
        Value { value: quantity.value, dimension: quantity.dimension, text: quantity.to_string() }
    }
}

impl AssertionView {
    pub(super) fn new(judgement: &Judgement) -> AssertionView {
        AssertionView {
            source: clean(&judgement.source),
            state: judgement.state,
            held: judgement.state.held(),
            observed: judgement.observed.map(Value::new),
            comparison: judgement.comparison.symbol(),
            limit: judgement.limit.map(Value::new),
            margin: judgement.margin,
            margin_text: margin_text(judgement),
            samples: judgement.samples,
            explanation: clean(&judgement.explanation),
            first_breach: judgement.first_breach,
            seconds_met: judgement.seconds_met,
            per_second: judgement.per_second.clone(),
            first_second: judgement.first_second,
        }
    }
}

fn margin_text(judgement: &Judgement) -> Option<String> {
    let (margin, observed, limit) = (judgement.margin?, judgement.observed?.value, judgement.limit?.value);
    Some(match observed.total_cmp(&limit) {
        std::cmp::Ordering::Equal => "at the limit".to_owned(),
        std::cmp::Ordering::Greater if observed / limit >= units::MANY_TIMES => {
            format!("{} times the limit", units::number(observed / limit))
        }
        std::cmp::Ordering::Greater => format!("{} above the limit", units::percent(margin.abs())),
        std::cmp::Ordering::Less => format!("{} below the limit", units::percent(margin.abs())),
    })
}
