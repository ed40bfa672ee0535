//! Student's t distribution.

/// How close a quantile is found.
const PRECISION: f64 = 1e-12;

/// The chance of a value up to `t` with `freedom` degrees (above 0).
#[must_use]
pub fn t_cdf(t: f64, freedom: f64) -> f64 {
    if t.is_infinite() {
        return if t > 0.0 { 1.0 } else { 0.0 };
    }
    let tail = 0.5 * beta_share(freedom / 2.0, 0.5, freedom / (freedom + t * t));
    if t > 0.0 { 1.0 - tail } else { tail }
}

/// The value below which a share `p` (above 0, below 1) lies, with `freedom` degrees
/// (above 0).
#[must_use]
pub fn t_quantile(p: f64, freedom: f64) -> f64 {
    if p < 0.5 {
        return -t_quantile(1.0 - p, freedom);
    }
    let mut high = 1.0;
    while t_cdf(high, freedom) < p && high < 1e15 {
        high *= 2.0;
    }
    let mut low = 0.0;
    while high - low > PRECISION * high {
        let middle = f64::midpoint(low, high);
        if middle <= low || middle >= high {
            break;
        }
        if t_cdf(middle, freedom) < p {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

/// The regularized incomplete beta function, by Lentz's continued fraction
/// (Numerical Recipes, 3rd edition, 6.4).
fn beta_share(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return x.clamp(0.0, 1.0);
    }
    let front = (ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * x.ln() + b * (1.0 - x).ln()).exp();
    if x < (a + 1.0) / (a + b + 2.0) {
        front * fraction(a, b, x) / a
    } else {
        1.0 - front * fraction(b, a, 1.0 - x) / b
    }
}

fn fraction(a: f64, b: f64, x: f64) -> f64 {
    let whole = |value: f64| if value.abs() < 1e-300 { 1e-300 } else { value };
    let (mut c, mut d) = (1.0, 1.0 / whole(1.0 - (a + b) * x / (a + 1.0)));
    let mut product = d;
    for step in 1..300 {
        let m = f64::from(step);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / whole(1.0 + even * d);
        c = whole(1.0 + even / c);
        product *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / whole(1.0 + odd * d);
        c = whole(1.0 + odd / c);
        product *= d * c;
        if (d * c - 1.0).abs() < 1e-15 {
            break;
        }
    }
    product
}

/// The logarithm of the gamma function for `x` above 0, by Lanczos.
fn ln_gamma(x: f64) -> f64 {
    const PARTS: [f64; 6] = [
        76.180_091_729_471_46,
        -86.505_320_329_416_77,
        24.014_098_240_830_91,
        -1.231_739_572_450_155,
        0.120_865_097_386_617_9e-2,
        -0.539_523_938_495_3e-5,
    ];
    let base = x + 5.5;
    let base = base - (x + 0.5) * base.ln();
    let series = PARTS.iter().zip(1..).fold(1.000_000_000_190_015, |sum, (part, k)| sum + part / (x + f64::from(k)));
    (2.506_628_274_631_000_5 * series / x).ln() - base
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_tables() {
        for (p, freedom, expected) in [
            (0.975, 1.0, 12.7062),
            (0.975, 2.0, 4.3027),
            (0.95, 4.0, 2.1318),
            (0.99, 4.0, 3.7469),
            (0.975, 10.0, 2.2281),
            (0.95, 30.0, 1.6973),
            (0.975, 1000.0, 1.9623),
        ] {
            let found = t_quantile(p, freedom);
            assert!((found - expected).abs() < 1e-4, "t({p}, {freedom}) is {found}");
            assert!((t_cdf(found, freedom) - p).abs() < 1e-9);
            assert!((t_quantile(1.0 - p, freedom) + found).abs() < 1e-6);
        }
        assert!((t_cdf(0.0, 3.0) - 0.5).abs() < 1e-12);
        assert!(t_cdf(f64::INFINITY, 3.0) >= 1.0 && t_cdf(f64::NEG_INFINITY, 3.0) <= 0.0);
    }
}
