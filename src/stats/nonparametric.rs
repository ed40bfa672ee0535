//! Tests and estimates that hold without a shape of the distribution.

/// How sure it is that `values` rise: the standard score of Mann and Kendall's test
/// (Kendall, Rank Correlation Methods, 1975), without ties corrected, which only makes
/// it smaller. Negative when they fall; 0 for fewer than three.
#[expect(clippy::cast_precision_loss, reason = "numbers of seconds")]
pub fn trend_score(values: &[f64]) -> f64 {
    let count = values.len() as f64;
    let pairs = values.iter().enumerate().flat_map(|(at, earlier)| {
        values.iter().skip(at + 1).map(move |later| later.partial_cmp(earlier).map_or(0, |order| order as i32))
    });
    let sum = f64::from(pairs.sum::<i32>());
    if values.len() < 3 || sum == 0.0 {
        return 0.0;
    }
    (sum - sum.signum()) / (count * (count - 1.0) * (2.0 * count + 5.0) / 18.0).sqrt()
}

/// The median of the slopes between all pairs of points (Theil and Sen), in units of
/// the second coordinate per unit of the first; `None` without two different firsts.
pub fn slope(points: &[(f64, f64)]) -> Option<f64> {
    let pairs = points.iter().enumerate().flat_map(|(at, a)| points.iter().skip(at + 1).map(move |b| (a, b)));
    let slopes: Vec<f64> = pairs.filter(|(a, b)| a.0 != b.0).map(|(a, b)| (b.1 - a.1) / (b.0 - a.0)).collect();
    median(slopes)
}

/// The median; `None` for none.
pub fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    let lower = *values.get((values.len() - 1) / 2)?;
    Some(f64::midpoint(lower, upper))
}

/// How sure it is that the values of `high` are larger than those of `low`: the
/// standard score of Mann and Whitney's U, ties counted half.
#[expect(clippy::cast_precision_loss, reason = "numbers of seconds")]
pub fn larger_score(high: &[f64], low: &[f64]) -> f64 {
    let (n, m) = (high.len() as f64, low.len() as f64);
    if high.is_empty() || low.is_empty() {
        return 0.0;
    }
    let mut low = low.to_vec();
    low.sort_by(f64::total_cmp);
    let wins = |a: &f64| {
        let (below, up_to) = (low.partition_point(|b| b < a), low.partition_point(|b| b <= a));
        f64::midpoint(below as f64, up_to as f64)
    };
    let u: f64 = high.iter().map(wins).sum();
    (u - n * m / 2.0) / (n * m * (n + m + 1.0) / 12.0).sqrt()
}

/// How sure it is that counts are spread unevenly: the standard score of Pearson's
/// chi-square of `observed` against `expected`, by Wilson and Hilferty's
/// approximation (PNAS 17, 1931). Pairs of which nothing is expected are left out.
#[expect(clippy::cast_precision_loss, reason = "numbers of seconds")]
pub fn uneven_score(observed: &[f64], expected: &[f64]) -> f64 {
    let pairs: Vec<(f64, f64)> =
        observed.iter().copied().zip(expected.iter().copied()).filter(|(_, expected)| *expected > 0.0).collect();
    if pairs.len() < 2 {
        return 0.0;
    }
    let freedom = (pairs.len() - 1) as f64;
    let chi: f64 = pairs.iter().map(|(seen, due)| (seen - due).powi(2) / due).sum();
    let width = 2.0 / (9.0 * freedom);
    ((chi / freedom).cbrt() - (1.0 - width)) / width.sqrt()
}

/// The chance to see a standard score as high, as a reader takes it: `p < 0.001`.
pub fn chance(score: f64) -> &'static str {
    // Upper tails of the normal distribution.
    match score {
        score if score >= 3.719 => "p < 0.0001",
        score if score >= 3.090 => "p < 0.001",
        score if score >= 2.326 => "p < 0.01",
        _ => "p < 0.05",
    }
}

/// The share of the normal distribution above a standard score, to 1e-7 (Abramowitz and
/// Stegun, Handbook of Mathematical Functions, 26.2.17).
pub fn normal_above(score: f64) -> f64 {
    const PARTS: [f64; 5] = [0.319_381_530, -0.356_563_782, 1.781_477_937, -1.821_255_978, 1.330_274_429];
    if score < 0.0 {
        return 1.0 - normal_above(-score);
    }
    let t = 1.0 / (1.0 + 0.231_641_9 * score);
    let sum = PARTS.iter().rev().fold(0.0, |sum, part| (sum + part) * t);
    sum * (-score * score / 2.0).exp() / std::f64::consts::TAU.sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(observed: f64, expected: f64) -> bool {
        (observed - expected).abs() < 1e-3
    }

    #[test]
    fn a_trend_has_the_score_of_its_pairs() {
        // S = 45 - 1 of 10 rising values, variance 125.
        let rising: Vec<f64> = (0..10).map(f64::from).collect();
        assert!(near(trend_score(&rising), 44.0 / 125.0_f64.sqrt()));
        let falling: Vec<f64> = rising.iter().rev().copied().collect();
        assert!(near(trend_score(&falling), -trend_score(&rising)));
        assert!(near(trend_score(&[1.0, 1.0, 1.0]), 0.0) && near(trend_score(&[1.0, 2.0]), 0.0));
    }

    #[test]
    fn one_outlier_does_not_move_the_slope() {
        let line = |x: f64| (x, 3.0 * x + 1.0);
        let mut points: Vec<(f64, f64)> = (0..9).map(f64::from).map(line).collect();
        points.push((9.0, 1e9));
        assert!(slope(&points).is_some_and(|slope| near(slope, 3.0)));
        assert_eq!(slope(&[(1.0, 1.0), (1.0, 2.0)]), None);
        assert_eq!((median(vec![]), median(vec![3.0, 1.0]), median(vec![5.0, 1.0, 2.0])), (None, Some(2.0), Some(2.0)));
    }

    #[test]
    fn separate_samples_have_the_largest_score() {
        // U = 25 of 5 and 5: (25 - 12.5) / sqrt(25 * 11 / 12).
        let (high, low) = ([6.0, 7.0, 8.0, 9.0, 10.0], [1.0, 2.0, 3.0, 4.0, 5.0]);
        assert!(near(larger_score(&high, &low), 12.5 / (275.0_f64 / 12.0).sqrt()));
        assert!(near(larger_score(&low, &low), 0.0) && near(larger_score(&[], &low), 0.0));
    }

    #[test]
    fn even_counts_are_not_uneven() {
        // The median of chi-square with 9 degrees is 8.343, of score 0.
        let expected = [10.0; 10];
        let mut observed = expected;
        observed[0] += (8.343_f64 * 10.0 / 2.0).sqrt();
        observed[1] -= (8.343_f64 * 10.0 / 2.0).sqrt();
        assert!(uneven_score(&observed, &expected).abs() < 0.01);
        assert!(uneven_score(&[50.0, 0.0, 0.0], &[16.7, 16.7, 16.7]) > 6.0);
        assert!(near(uneven_score(&[5.0], &[5.0]), 0.0));
    }

    #[test]
    fn chances_are_those_of_the_normal_distribution() {
        assert!((normal_above(1.96) - 0.024_998).abs() < 1e-6 && (normal_above(-1.0) - 0.841_345).abs() < 1e-6);
        assert!((normal_above(3.719) - 1e-4).abs() < 1e-6 && (normal_above(0.0) - 0.5).abs() < 1e-6);
        assert_eq!(
            (chance(1.7), chance(2.4), chance(3.1), chance(4.0)),
            ("p < 0.05", "p < 0.01", "p < 0.001", "p < 0.0001")
        );
    }
}
