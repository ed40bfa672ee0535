//! Groups, and metrics of the file's own.

use serde::Serialize;

use crate::plan::Measure;
use crate::record::{Distribution, sample_floor};
use crate::report::clean::clean;
use crate::results::{Results, Window};
use crate::units::{Dimension, Quantity};

/// What was measured of one group, or of one metric of the file's own.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ValueView {
    /// `group` or `measure`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// How many values.
    pub count: u64,
    /// Their arithmetic mean.
    pub mean: Amount,
    /// Their median.
    pub p50: Amount,
    /// Their 95th percentile.
    pub p95: Amount,
    /// The largest.
    pub max: Amount,
}

/// A statistic of values in their own unit.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Amount {
    /// In nanoseconds, bytes or as a plain number; none when there are fewer
    /// values than it needs.
    pub value: Option<f64>,
    /// For people.
    pub text: String,
}

impl ValueView {
    fn new(kind: &'static str, name: &str, dimension: Dimension, values: &Distribution) -> ValueView {
        let amount = |value: Option<f64>, needs: u64| {
            let value = value.filter(|_| values.count() >= needs);
            let value = value.map(|value| if kind == "group" { value } else { Measure::value(dimension, value) });
            let text = value.map_or("n/a".to_owned(), |value| Quantity::new(value, dimension).to_string());
            Amount { value, text }
        };
        ValueView {
            kind,
            name: clean(name),
            count: values.count(),
            mean: amount(values.mean(), 1),
            p50: amount(values.percentile(50.0), sample_floor(50.0)),
            p95: amount(values.percentile(95.0), sample_floor(95.0)),
            max: amount(values.max(), 1),
        }
    }
}

/// Groups in the order of the plan, then metrics.
pub(super) fn values(results: &Results) -> Vec<ValueView> {
    let groups =
        results.plan.groups.iter().enumerate().map(|(index, name)| {
            ValueView::new("group", name, Dimension::Duration, &results.group(index, Window::Whole))
        });
    let measures = results.plan.measures.iter().enumerate().map(|(index, measure)| {
        ValueView::new("measure", &measure.name, measure.dimension, &results.measure(index, Window::Whole))
    });
    groups.chain(measures).collect()
}
