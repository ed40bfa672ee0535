//! What one more value of a normal distribution is likely to be, of which some are known.

use super::student::{t_cdf, t_quantile};

/// Values that one more is held against.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prediction {
    mean: f64,
    /// The standard deviation of the distance of one more value from the mean.
    spread: f64,
    freedom: f64,
}

impl Prediction {
    /// From the values that are known; `least` is a standard deviation below which
    /// theirs cannot be, 0 where nothing is known of it. `None` for fewer than two.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "numbers of runs")]
    pub fn new(known: &[f64], least: f64) -> Option<Prediction> {
        let (mean, deviation) = mean_and_deviation(known)?;
        let count = known.len() as f64;
        let spread = deviation.max(least) * (1.0 + 1.0 / count).sqrt();
        Some(Prediction { mean, spread, freedom: count - 1.0 })
    }

    /// The same deviation, known of so many values.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "numbers of runs")]
    pub fn among(&self, known: usize) -> Prediction {
        let (before, after) = (self.freedom + 1.0, known.max(2) as f64);
        let spread = self.spread * ((1.0 + 1.0 / after) / (1.0 + 1.0 / before)).sqrt();
        Prediction { spread, freedom: after - 1.0, ..*self }
    }

    /// The middle.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// The standard deviation of the distance of one more value from the mean.
    #[must_use]
    pub fn spread(&self) -> f64 {
        self.spread
    }

    /// So far from the mean one more value is with a chance of at most `level` on
    /// either side alone.
    #[must_use]
    pub fn reach(&self, level: f64) -> f64 {
        if self.spread > 0.0 { t_quantile(1.0 - level, self.freedom) * self.spread } else { 0.0 }
    }

    /// The chance of a value that is at least `distance` above the mean.
    #[must_use]
    pub fn chance_above(&self, distance: f64) -> f64 {
        if self.spread > 0.0 {
            return t_cdf(-distance / self.spread, self.freedom);
        }
        // Values that never differ: any difference is one.
        if distance > 0.0 { 0.0 } else { 1.0 }
    }
}

/// The mean and the standard deviation, with one degree less than there are values;
/// `None` for fewer than two.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "numbers of runs")]
pub fn mean_and_deviation(values: &[f64]) -> Option<(f64, f64)> {
    if values.len() < 2 {
        return None;
    }
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    Some((mean, (squares / (count - 1.0)).sqrt()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values with a standard deviation of 1.
    fn known(count: u32) -> Vec<f64> {
        let raw: Vec<f64> = (0..count).map(f64::from).collect();
        let (mean, deviation) = mean_and_deviation(&raw).unwrap();
        raw.iter().map(|value| (value - mean) / deviation).collect()
    }

    #[test]
    fn the_reach_is_that_of_the_table() {
        let table = [
            (3, 4.968, 3.372),
            (4, 3.558, 2.631),
            (5, 3.041, 2.335),
            (6, 2.777, 2.177),
            (8, 2.508, 2.010),
            (10, 2.373, 1.923),
            (15, 2.215, 1.819),
            (20, 2.145, 1.772),
        ];
        for (count, narrow, wide) in table {
            let prediction = Prediction::new(&known(count), 0.0).unwrap();
            for (level, expected) in [(0.025, narrow), (0.05, wide)] {
                let reach = prediction.reach(level);
                let grown = Prediction::new(&known(4), 0.0).unwrap().among(count as usize).reach(level);
                assert!((grown - expected).abs() < 1e-3, "4 values become {count} at {level}: {grown}");
                assert!((reach - expected).abs() < 1e-3, "{count} values at {level}: {reach}");
                assert!((prediction.chance_above(reach) - level).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn values_that_never_differ_allow_none_but_what_cannot_be_less() {
        let still = Prediction::new(&[2.0, 2.0, 2.0], 0.0).unwrap();
        assert!(still.reach(0.05) <= 0.0 && still.chance_above(0.1) <= 0.0 && still.chance_above(0.0) >= 1.0);
        let least = Prediction::new(&[2.0, 2.0, 2.0], 1.0).unwrap();
        assert!((least.reach(0.05) - 3.372).abs() < 1e-3);
        assert_eq!(Prediction::new(&[2.0], 0.0), None);
    }
}
