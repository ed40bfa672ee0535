//! Several questions at once.

/// Chances made larger by Holm (Scandinavian Journal of Statistics 6, 1979), in the
/// same order: those up to a level are findings, of which none is false with a chance
/// of one less that level.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "numbers of metrics")]
pub fn holm(chances: &[f64]) -> Vec<f64> {
    let count = chances.len();
    let mut largest = 0.0_f64;
    adjusted(chances, ascending(chances).into_iter().enumerate(), |rank, chance| {
        largest = largest.max(chance * (count - rank) as f64).min(1.0);
        largest
    })
}

/// Chances made larger by Benjamini and Hochberg (Journal of the Royal Statistical
/// Society B 57, 1995), in the same order: of those up to a level, that share is false
/// on average.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "numbers of metrics")]
pub fn benjamini_hochberg(chances: &[f64]) -> Vec<f64> {
    let count = chances.len() as f64;
    let mut smallest = 1.0_f64;
    let descending = ascending(chances).into_iter().enumerate().rev();
    adjusted(chances, descending, |rank, chance| {
        smallest = smallest.min(chance * count / (rank + 1) as f64);
        smallest
    })
}

/// Indexes, those of the smallest first.
fn ascending(chances: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..chances.len()).collect();
    order.sort_by(|a, b| {
        let of = |index: &usize| chances.get(*index).copied().unwrap_or(f64::NAN);
        of(a).total_cmp(&of(b))
    });
    order
}

fn adjusted(
    chances: &[f64],
    order: impl Iterator<Item = (usize, usize)>,
    mut adjust: impl FnMut(usize, f64) -> f64,
) -> Vec<f64> {
    let mut out = chances.to_vec();
    for (rank, index) in order {
        if let Some(chance) = out.get_mut(index) {
            *chance = adjust(rank, *chance);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(found: &[f64], expected: &[f64]) -> bool {
        found.len() == expected.len() && found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12)
    }

    #[test]
    fn holm_is_that_of_the_textbook() {
        assert!(same(&holm(&[0.01, 0.04, 0.03, 0.005]), &[0.03, 0.06, 0.06, 0.02]));
        assert!(same(&holm(&[0.5, 0.9]), &[1.0, 1.0]) && holm(&[]).is_empty());
    }

    #[test]
    fn benjamini_and_hochberg_is_that_of_the_textbook() {
        assert!(same(&benjamini_hochberg(&[0.01, 0.04, 0.03, 0.005]), &[0.02, 0.04, 0.04, 0.02]));
        // The fifteen of their paper: four are found at 5 %.
        let paper = [
            0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528,
            0.7590, 1.0,
        ];
        assert_eq!(benjamini_hochberg(&paper).iter().filter(|chance| **chance <= 0.05).count(), 4);
        assert_eq!(holm(&paper).iter().filter(|chance| **chance <= 0.05).count(), 3);
    }
}
