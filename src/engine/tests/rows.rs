//! Memory is bounded, whatever servers answer.

use crate::engine::Collector;
use crate::engine::worker::Gate;
use crate::plan::size::ROWS_MAX;
use crate::record::{Examples, OTHER_TAGS, Phase, Recorder, Sample, Shape, Slice};

/// A second with two values of a tag.
fn second(number: u32) -> Slice {
    let mut recorder = Recorder::new(Shape { series: 1, ..Shape::default() });
    for tag in ["a", "b"] {
        let tags = std::iter::once(tag.to_owned());
        recorder.tagged_request(number, 0, Phase::Measured, &tags.collect::<Vec<_>>(), &Sample::default());
    }
    recorder.finish();
    recorder.drain().0.pop().unwrap()
}

#[test]
fn beyond_the_limit_of_rows_tags_are_summed_up() {
    let mut collector = Collector::new(1, Gate::new());
    collector.rows = ROWS_MAX - 2;
    let mut observed = Vec::new();
    for number in 0..3 {
        collector.second(vec![second(number)], Examples::default(), &mut |slice: &mut Slice, _: &_| {
            observed.push(slice.series.iter().map(|row| row.tags.join(",")).collect::<Vec<_>>());
        });
    }
    assert_eq!(observed, [vec!["a", "b"], vec![OTHER_TAGS], vec![OTHER_TAGS]]);
    let requests = |slice: &Slice| slice.series.iter().map(|row| row.counts.requests).sum::<u64>();
    assert!(collector.measured.recording.seconds.iter().all(|slice| requests(slice) == 2));
}
