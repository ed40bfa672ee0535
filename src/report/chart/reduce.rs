//! Fewer points than seconds, without losing a spike.

/// A point: seconds from the start, and a value where there is one.
pub(super) type Point = (f64, Option<f64>);

/// At most about two points for each of `columns` equal stretches of `length`:
/// the smallest and the largest value, in the order of time. A stretch without
/// any value stays a gap.
pub(super) fn min_max(points: &[Point], length: f64, columns: usize) -> Vec<Point> {
    if points.len() <= columns * 2 || length <= 0.0 {
        return points.to_vec();
    }
    let width = length / columns as f64;
    let mut kept: Vec<Point> = Vec::new();
    for column in points.chunk_by(|a, b| (a.0 / width).floor() == (b.0 / width).floor()) {
        let known = || column.iter().filter_map(|(at, value)| value.map(|value| (*at, value)));
        let least = known().min_by(|a, b| a.1.total_cmp(&b.1));
        let most = known().max_by(|a, b| a.1.total_cmp(&b.1));
        match (least, most) {
            (Some(least), Some(most)) if least.0 < most.0 => {
                kept.extend([least, most].map(|(at, value)| (at, Some(value))))
            }
            (Some(least), Some(most)) if most.0 < least.0 => {
                kept.extend([most, least].map(|(at, value)| (at, Some(value))))
            }
            (Some((at, value)), _) => kept.push((at, Some(value))),
            _ => kept.extend(column.first().map(|(at, _)| (*at, None))),
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::min_max;

    #[test]
    fn spikes_and_gaps_survive() {
        let mut points: Vec<_> = (0..3600).map(|second| (f64::from(second), Some(10.0))).collect();
        points[1234].1 = Some(500.0);
        points[2345].1 = Some(0.1);
        points[3000..3100].iter_mut().for_each(|point| point.1 = None);
        let kept = min_max(&points, 3600.0, 200);
        assert!(kept.len() <= 400, "{}", kept.len());
        assert!(kept.contains(&(1234.0, Some(500.0))) && kept.contains(&(2345.0, Some(0.1))));
        assert!(kept.iter().any(|point| point.1.is_none()));
        assert!(kept.is_sorted_by(|a, b| a.0 < b.0));
    }

    #[test]
    fn few_points_stay_as_they_are() {
        let points = [(0.0, Some(1.0)), (1.0, None), (2.0, Some(3.0))];
        assert_eq!(min_max(&points, 3.0, 200), points);
    }
}
