//! A forest plot: how much things changed, how sure that is, and what would be accepted.
//!
//! Each row is a drawing of its own, for a cell of a table; all shares have one scale.

use super::path::coordinate;
use super::scale::Scale;

const WIDTH: f64 = 200.0;

/// Room at both ends of the axis.
const HEADROOM: f64 = 1.1;

/// Shares beyond fourfold lie at the end: they would press all others together.
const FARTHEST: f64 = 4.0;

/// How long the head of an arrow is that stands for what lies farther.
const ARROW: f64 = 8.0;

/// A change, as a share of what was there before or as a difference.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Effect {
    /// The change itself.
    pub(crate) change: Option<f64>,
    /// It is no lower than this.
    pub(crate) low: Option<f64>,
    /// It is no higher than this.
    pub(crate) high: Option<f64>,
    /// How far above is accepted; none where any is.
    pub(crate) above: Option<f64>,
    /// How far below is accepted; none where any is.
    pub(crate) below: Option<f64>,
    /// Whether all of these are differences, and no shares.
    pub(crate) difference: bool,
}

impl Effect {
    /// Where a value lies: equal ratios are equally far, as are equal differences.
    fn place(&self, value: f64) -> f64 {
        if self.difference { value } else { (1.0 + value).clamp(1.0 / FARTHEST, FARTHEST).ln() }
    }

    /// On which side it lies farther than is drawn: 1 above, -1 below.
    fn is_beyond(&self, value: f64) -> Option<f64> {
        let ratio = 1.0 + value;
        (!self.difference && !(1.0 / FARTHEST..=FARTHEST).contains(&ratio)).then(|| (ratio - 1.0).signum())
    }

    /// How far from no change its farthest value lies.
    fn reach(&self) -> f64 {
        let margins = [self.above, self.below.map(|below| -below)];
        let values = [self.change, self.low, self.high].into_iter().chain(margins).flatten();
        values.map(|value| self.place(value).abs()).filter(|reach| reach.is_finite()).fold(0.0, f64::max)
    }
}

/// A row for each effect; empty for one of which nothing is known. They are ornaments
/// beside numbers and hidden from screen readers.
pub(crate) fn forest(effects: &[Effect]) -> Vec<String> {
    let shared = effects.iter().filter(|effect| !effect.difference).map(Effect::reach).fold(0.0, f64::max);
    effects.iter().map(|effect| row(effect, if effect.difference { effect.reach() } else { shared })).collect()
}

fn row(effect: &Effect, reach: f64) -> String {
    let Some(change) = effect.change.filter(|change| change.is_finite()) else { return String::new() };
    let reach = if reach > 0.0 { reach * HEADROOM } else { 1.0 };
    let scale = Scale::Linear { low: -reach, high: reach };
    let x = |value: f64| scale.share(effect.place(value)) * WIDTH;
    let end = |value: Option<f64>, open: f64| coordinate(value.map_or(open, x));
    let (from, to) = (end(effect.below.map(|below| -below), 0.0), end(effect.above, WIDTH));
    let zero = coordinate(WIDTH / 2.0);
    let mut out = format!(
        concat!(
            r#"<svg class="forest" viewBox="0 0 {w} 24" preserveAspectRatio="none" aria-hidden="true" focusable="false">"#,
            r#"<path class="accepted" d="M{from} 2H{to}V22H{from}z"/><path class="none" d="M{zero} 0v24"/>"#
        ),
        w = WIDTH,
        from = from,
        to = to,
        zero = zero
    );
    if effect.low.is_some() || effect.high.is_some() {
        out.push_str(&format!(r#"<path d="M{} 12H{}"/>"#, end(effect.low, 0.0), end(effect.high, WIDTH)));
    }
    out.push_str(&match effect.is_beyond(change) {
        // It lies farther than is drawn.
        Some(side) => {
            let (tip, back) = (coordinate(x(change)), coordinate(x(change) - side * ARROW));
            format!(r#"<path class="beyond" d="M{back} 7L{tip} 12L{back} 17"/></svg>"#)
        }
        None => format!(r#"<path class="dot" d="M{} 12h0"/></svg>"#, coordinate(x(change))),
    });
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_have_one_scale_and_equal_ratios_are_equally_far() {
        let of = |change, low, high| Effect {
            change: Some(change),
            low: Some(low),
            high: Some(high),
            above: Some(0.05),
            ..Effect::default()
        };
        let rows = forest(&[of(1.0, 0.5, 1.0), of(-0.5, -0.5, 0.0), Effect::default()]);
        assert!(rows[0].contains("M190.9 12h0"), "double: {}", rows[0]);
        assert!(rows[1].contains("M9.1 12h0") && rows[1].contains("M9.1 12H100"), "half: {}", rows[1]);
        assert!(rows[1].contains("M0 2H106.4V22H0z"), "what is accepted has no lower end: {}", rows[1]);
        assert_eq!(rows[2], "");
    }

    #[test]
    fn a_difference_has_a_scale_of_its_own_and_nothing_is_out_of_the_drawing() {
        let tiny = Effect { change: Some(0.001), difference: true, ..Effect::default() };
        let huge = Effect { change: Some(1e9), low: Some(-2.0), ..Effect::default() };
        let rows = forest(&[tiny, huge]);
        assert!(rows[0].contains("M190.9 12h0"), "{}", rows[0]);
        assert!(
            rows[1].contains("class=\"beyond\" d=\"M182.9 7L190.9 12L182.9 17") && rows[1].contains("M9.1 12H200"),
            "{}",
            rows[1]
        );
        assert!(
            forest(&[Effect { change: Some(f64::NAN), ..tiny }, Effect { change: Some(0.0), ..tiny }])[1]
                .contains("M100 12h0")
        );
    }
}
