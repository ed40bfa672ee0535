//! Where a value lies between the ends of an axis.

/// From values to shares of an axis: 0 is its low end, 1 its high end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Scale {
    /// Equal distances for equal differences.
    Linear {
        /// The low end.
        low: f64,
        /// The high end, above `low`.
        high: f64,
    },
    /// Equal distances for equal ratios.
    Log10 {
        /// The low end, above 0.
        low: f64,
        /// The high end, above `low`.
        high: f64,
    },
}

impl Scale {
    /// Values beyond an end lie at that end.
    pub(super) fn share(self, value: f64) -> f64 {
        let share = match self {
            Scale::Linear { low, high } => (value - low) / (high - low),
            Scale::Log10 { low, high } => (value.max(low) / low).log10() / (high / low).log10(),
        };
        if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::Scale;

    #[test]
    fn equal_ratios_have_equal_distances_on_a_logarithmic_scale() {
        let scale = Scale::Log10 { low: 1.0, high: 1000.0 };
        assert!((scale.share(10.0) - 1.0 / 3.0).abs() < 1e-12);
        assert!((scale.share(100.0) - 2.0 / 3.0).abs() < 1e-12);
        assert_eq!((scale.share(0.0), scale.share(1e9), scale.share(f64::NAN)), (0.0, 1.0, 0.0));
    }

    #[test]
    fn a_linear_scale_begins_at_its_low_end() {
        let scale = Scale::Linear { low: 0.0, high: 50.0 };
        assert_eq!((scale.share(-1.0), scale.share(25.0), scale.share(60.0)), (0.0, 0.5, 1.0));
    }
}
