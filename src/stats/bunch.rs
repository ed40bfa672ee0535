//! Things that lie close together.

/// The most that the chance can be that of `of` instants, each anywhere in a stretch
/// with equal chance and without regard to the others, at least `together` lie within
/// `share` of it: the chance that those after one of them do, for any that could be
/// it, summed up. From 0 to 1.
#[must_use]
pub fn bunch_chance(of: u32, together: u32, share: f64) -> f64 {
    if together < 2 || together > of {
        return if together > of { 0.0 } else { 1.0 };
    }
    let (others, after) = (of - 1, together - 1);
    let ways = (0..after).map(|n| f64::from(others - n) / f64::from(n + 1)).product::<f64>();
    (f64::from(of) * ways * share.clamp(0.0, 1.0).powf(f64::from(after))).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_counted_by_hand() {
        // Two instants lie within a tenth of the stretch with a chance of 0.19.
        assert!((bunch_chance(2, 2, 0.1) - 0.2).abs() < 1e-12);
        // Three ways to choose the first, one the others.
        assert!((bunch_chance(3, 3, 0.1) - 0.03).abs() < 1e-12);
        assert!((bunch_chance(10, 3, 0.01) - 10.0 * 36.0 * 1e-4).abs() < 1e-12);
        assert_eq!([bunch_chance(5, 1, 0.1), bunch_chance(5, 6, 0.1), bunch_chance(5, 2, 2.0)], [1.0, 0.0, 1.0]);
    }

    #[test]
    fn it_is_never_less_than_what_happens() {
        let mut state = 1_u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1_u64 << 53) as f64
        };
        let (runs, share) = (4_000, 0.05);
        let mut seen = 0;
        for _ in 0..runs {
            let mut instants: Vec<f64> = (0..10).map(|_| next()).collect();
            instants.sort_by(f64::total_cmp);
            seen += u32::from(instants.windows(4).any(|four| four[3] - four[0] <= share));
        }
        let (seen, most) = (f64::from(seen) / f64::from(runs), bunch_chance(10, 4, share));
        assert!(seen > most / 2.0 && seen <= most, "{seen} of {most}");
    }
}
