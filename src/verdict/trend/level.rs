//! Levels and how far apart they are.

use crate::units::Dimension;

/// Changes that are smaller are not told, as a share.
const LEAST: f64 = 0.05;

/// And of shares, such as that of errors, those below a tenth of a point.
const LEAST_OF_SHARES: f64 = 0.001;

/// How two values differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scale {
    /// By a factor: values are looked at as logarithms.
    Ratio,
    /// By a difference: of shares, and of what may be 0.
    Difference { share: bool },
}

impl Scale {
    /// That of a series.
    pub(super) fn of(dimension: Dimension, values: impl IntoIterator<Item = f64>) -> Scale {
        let share = dimension == Dimension::Share;
        if share || values.into_iter().any(|value| value <= 0.0) { Scale::Difference { share } } else { Scale::Ratio }
    }

    /// A value on the scale.
    pub(super) fn on(self, value: f64) -> f64 {
        if self == Scale::Ratio { value.ln() } else { value }
    }

    /// The value behind one on the scale.
    pub(super) fn off(self, value: f64) -> f64 {
        if self == Scale::Ratio { value.exp() } else { value }
    }

    /// Whether people care about the step between two values on the scale.
    pub(super) fn is_large(self, before: f64, after: f64) -> bool {
        let step = (after - before).abs();
        match self {
            Scale::Ratio => step >= LEAST.ln_1p(),
            Scale::Difference { share } => {
                step > 0.0 && step >= LEAST * before.abs() && (!share || step >= LEAST_OF_SHARES)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_percent_matter() {
        let scale = Scale::of(Dimension::Duration, [1e6, 2e6]);
        assert_eq!(scale, Scale::Ratio);
        let large = |before: f64, after: f64| scale.is_large(scale.on(before), scale.on(after));
        assert!(large(100.0, 105.001) && !large(100.0, 104.999) && large(105.001, 100.0));
        assert!((scale.off(scale.on(7.0)) - 7.0).abs() < 1e-12);
    }

    #[test]
    fn what_may_be_nothing_differs_by_a_difference() {
        let scale = Scale::of(Dimension::Share, [0.5]);
        assert!(scale.is_large(0.0, 0.001) && !scale.is_large(0.0, 0.0009) && !scale.is_large(0.5, 0.52));
        let scale = Scale::of(Dimension::Rate, [0.0, 5.0]);
        assert!(scale.is_large(0.0, 1e-9) && !scale.is_large(0.0, 0.0) && !scale.is_large(100.0, 104.0));
    }
}
