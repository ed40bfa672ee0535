//! Round numbers along an axis.

/// A scale's ends and the values that are labelled.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Ticks {
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) values: Vec<f64>,
}

/// Steps of a time axis in seconds.
const TIME_STEPS: [f64; 17] = [
    1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0, 14400.0, 21600.0,
    43200.0,
];

/// From 0 to at least `high` in at most `steps` round steps.
pub(super) fn linear(high: f64, steps: u32) -> Ticks {
    let high = if high.is_finite() && high > 0.0 { high } else { 1.0 };
    let rough = high / f64::from(steps.max(1));
    let decade = 10_f64.powf(rough.log10().floor());
    // A hair of slack keeps 0.1 + 0.2 from needing one step more than 0.3.
    let step =
        [1.0, 2.0, 2.5, 5.0, 10.0].map(|factor| factor * decade).into_iter().find(|step| *step >= rough * (1.0 - 1e-9));
    let step = step.unwrap_or(10.0 * decade);
    let count = (high / step - 1e-9).ceil();
    Ticks { low: 0.0, high: step * count, values: multiples(step, count) }
}

/// From below `low` to above `high`, both above 0, labelled at 1, 2 and 5 of
/// each decade, or at fewer when that would be many.
pub(super) fn log10(low: f64, high: f64) -> Ticks {
    let (low, high) = (low.max(1.0), high.max(1.0));
    let fine = one_two_five(low, high);
    let values =
        if fine.len() <= 7 { fine.clone() } else { fine.iter().copied().filter(|value| is_decade(*value)).collect() };
    let ends = |values: &[f64]| values.first().copied().zip(values.last().copied());
    let (low, high) = ends(&fine).unwrap_or((1.0, 10.0));
    Ticks { low, high, values }
}

/// Round values between `low` and `high`, both above 0, on a logarithmic axis that
/// ends at them.
pub(super) fn within(low: f64, high: f64) -> Vec<f64> {
    let mut fine = one_two_five(low.max(1.0), high.max(1.0));
    fine.retain(|value| (low..=high).contains(value));
    if fine.len() > 7 {
        fine.retain(|value| is_decade(*value));
    }
    fine
}

/// Every 1, 2 and 5 of a decade from the last one not above `low` to the first
/// one not below `high`, at least two.
fn one_two_five(low: f64, high: f64) -> Vec<f64> {
    let first = (low.log10() + 1e-9).floor();
    let decades = (high.log10().ceil() - first).clamp(1.0, 30.0) + 1.0;
    let all: Vec<f64> = (0..)
        .map(f64::from)
        .take_while(|decade| *decade < decades)
        .flat_map(|decade| [1.0, 2.0, 5.0].map(|factor| factor * 10_f64.powf(first + decade)))
        .collect();
    let start = all.iter().rposition(|value| *value <= low * (1.0 + 1e-9)).unwrap_or(0);
    let end = all.iter().position(|value| *value >= high * (1.0 - 1e-9)).unwrap_or(all.len());
    all.into_iter().take(end.max(start + 1) + 1).skip(start).collect()
}

fn is_decade(value: f64) -> bool {
    (value.log10() - value.log10().round()).abs() < 1e-9
}

/// Multiples of a readable step from 0 to `length` seconds, at most `steps`
/// steps.
pub(super) fn time(length: f64, steps: u32) -> Vec<f64> {
    let rough = length / f64::from(steps.max(1));
    let step = TIME_STEPS.into_iter().find(|step| *step >= rough).unwrap_or_else(|| (rough / 86400.0).ceil() * 86400.0);
    multiples(step, (length / step).floor())
}

fn multiples(step: f64, count: f64) -> Vec<f64> {
    (0_u32..).map(f64::from).take_while(|n| *n <= count).map(|n| n * step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linear_ticks_are_round_and_hold_the_maximum() {
        assert_eq!(linear(40.0, 4).values, [0.0, 10.0, 20.0, 30.0, 40.0]);
        assert_eq!(linear(47.0, 4).values, [0.0, 20.0, 40.0, 60.0]);
        assert_eq!(linear(0.0, 4).high, 1.0);
        assert_eq!(linear(f64::NAN, 4).high, 1.0);
        for high in [0.003, 1.0, 7.3, 99.0, 1234.0, 9.9e9] {
            let ticks = linear(high, 4);
            assert!(ticks.high >= high && ticks.values.len() <= 5, "{high}: {ticks:?}");
        }
    }

    #[test]
    fn logarithmic_ticks_hold_both_ends() {
        assert_eq!(log10(1.5e6, 40e6).values, [1e6, 2e6, 5e6, 1e7, 2e7, 5e7]);
        let wide = log10(5e3, 3e9);
        assert_eq!((wide.low, wide.high), (5e3, 5e9));
        assert_eq!(wide.values, [1e4, 1e5, 1e6, 1e7, 1e8, 1e9]);
        for (low, high) in [(1.0, 1.0), (2e6, 2e6), (9.99e6, 1e7), (0.0, 1e18)] {
            let ticks = log10(low, high);
            assert!(
                ticks.low <= f64::max(low, 1.0) && ticks.high >= high && ticks.low < ticks.high,
                "{low} {high}: {ticks:?}"
            );
            assert!(!ticks.values.is_empty());
        }
    }

    #[test]
    fn ticks_within_an_axis_do_not_pass_its_ends() {
        assert_eq!(within(1.5e6, 21e6), [2e6, 5e6, 1e7, 2e7]);
        assert_eq!(within(3e3, 4e9), [1e4, 1e5, 1e6, 1e7, 1e8, 1e9]);
        assert!(within(2.1, 4.9).is_empty());
    }

    #[test]
    fn time_ticks_stay_within_the_run() {
        assert_eq!(time(15.0, 5), [0.0, 5.0, 10.0, 15.0]);
        assert_eq!(time(600.0, 5), [0.0, 120.0, 240.0, 360.0, 480.0, 600.0]);
        assert_eq!(time(1.0, 5), [0.0, 1.0]);
        assert!(time(1e7, 5).len() <= 6);
    }
}
