//! Sums over parts of a run.

use super::Results;
use crate::plan::{Load, Selection};
use crate::record::{
    Counts, Distribution, Phase, ScenarioRow, SeriesRow, SessionTime, Slice, SlowRequest, Time, ValueRow,
};

/// Which seconds to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// All of the run.
    Whole,
    /// One second, counted from the start.
    Second(u32),
}

/// What a sum over a window begins with.
fn empty(window: Window) -> Distribution {
    match window {
        Window::Whole => Distribution::new(),
        Window::Second(_) => Distribution::narrow(),
    }
}

impl Results {
    pub(super) fn slices(&self, window: Window) -> impl Iterator<Item = &Slice> {
        let seconds = self.recording.seconds.as_slice();
        let chosen = match window {
            Window::Whole => seconds,
            // They are in order.
            Window::Second(second) => match seconds.binary_search_by_key(&second, |slice| slice.second) {
                Ok(at) => seconds.get(at..=at).unwrap_or_default(),
                Err(_) => &[],
            },
        };
        chosen.iter()
    }

    /// The measured rows of the selected series, warm-up excluded.
    pub fn rows<'a>(&'a self, selection: &'a Selection, window: Window) -> impl Iterator<Item = &'a SeriesRow> {
        self.slices(window)
            .flat_map(|slice| &slice.series)
            .filter(|row| row.phase == Phase::Measured && selection.series.contains(&row.series))
            .filter(|row| selection.tags.iter().all(|(key, value)| self.carries(row, key, value)))
    }

    /// Whether the requests of a row carry a tag with this value.
    fn carries(&self, row: &SeriesRow, key: &str, value: &str) -> bool {
        let Some(series) = self.plan.series.get(row.series) else { return false };
        match series.tag_keys.iter().position(|known| known == key) {
            Some(at) => row.tags.get(at).is_some_and(|tag| tag == value),
            None => series.tags.iter().any(|(known, said)| known == key && said == value),
        }
    }

    /// Values of a group or of a metric of the file's own, warm-up excluded.
    fn values(&self, rows: impl Fn(&Slice) -> &[ValueRow], index: usize, window: Window) -> Distribution {
        let mut sum = empty(window);
        for row in self.slices(window).flat_map(rows) {
            if row.phase == Phase::Measured && row.index == index {
                sum.add_frozen(&row.values);
            }
        }
        sum
    }

    /// Times of a group, warm-up excluded.
    #[must_use]
    pub fn group(&self, group: usize, window: Window) -> Distribution {
        self.values(|slice| &slice.groups, group, window)
    }

    /// Values of a metric of the file's own, times its scale, warm-up excluded.
    #[must_use]
    pub fn measure(&self, measure: usize, window: Window) -> Distribution {
        self.values(|slice| &slice.measures, measure, window)
    }

    /// The share of a processor that the busiest thread of the load generator used
    /// in each second of the load. The drain is left out: waiting for what is
    /// under way would make a busy thread look idle.
    pub fn generator_cpu(&self, window: Window) -> impl Iterator<Item = f64> {
        let (threads, load_ms) = (self.run.threads, self.run.load_ms);
        self.slices(window)
            .filter(move |slice| u64::from(slice.second) * 1000 < load_ms)
            .filter_map(move |slice| slice.health.busiest(threads))
    }

    /// The memory of the load generator in bytes at the end of each second.
    #[expect(clippy::cast_precision_loss, reason = "for statistics")]
    pub fn generator_rss(&self, window: Window) -> impl Iterator<Item = f64> {
        self.slices(window).map(|slice| slice.health.rss_bytes).filter(|bytes| *bytes > 0).map(|bytes| bytes as f64)
    }

    /// The measured rows of the selected scenarios, warm-up excluded.
    pub fn scenario_rows<'a>(
        &'a self,
        selection: &'a Selection,
        window: Window,
    ) -> impl Iterator<Item = &'a ScenarioRow> {
        self.slices(window)
            .flat_map(|slice| &slice.scenarios)
            .filter(|row| row.phase == Phase::Measured && selection.scenarios.contains(&row.scenario))
    }

    /// Everything but what users do before their first iteration and after their
    /// last.
    #[must_use]
    pub fn everything(&self) -> Selection {
        self.plan.everything()
    }

    /// What users do before their first iteration and after their last.
    #[must_use]
    pub fn apart(&self) -> Selection {
        let apart = self.plan.series.iter().enumerate().filter(|(_, series)| series.apart);
        Selection { series: apart.map(|(index, _)| index).collect(), ..Selection::default() }
    }

    /// Counts of the selected series, warm-up excluded.
    #[must_use]
    pub fn counts(&self, selection: &Selection, window: Window) -> Counts {
        let mut sum = Counts::default();
        self.rows(selection, window).for_each(|row| sum.add(&row.counts));
        sum
    }

    /// Times of requests of the selected series, warm-up excluded.
    #[must_use]
    pub fn times(&self, selection: &Selection, time: Time, window: Window) -> Distribution {
        let mut sum = empty(window);
        for row in self.rows(selection, window) {
            if let Some(frozen) = row.times.get(time as usize) {
                sum.add_frozen(frozen);
            }
        }
        sum
    }

    /// Times of sessions and iterations of the selected scenarios. Sessions are
    /// counted in the warm-up too: most are opened before the load begins.
    #[must_use]
    pub fn session_times(&self, selection: &Selection, time: SessionTime, window: Window) -> Distribution {
        let mut sum = empty(window);
        let with_warmup = time != SessionTime::Iteration;
        let rows = self
            .slices(window)
            .flat_map(|slice| &slice.scenarios)
            .filter(|row| (with_warmup || row.phase == Phase::Measured) && selection.scenarios.contains(&row.scenario));
        for row in rows {
            if let Some(frozen) = row.times.get(time as usize) {
                sum.add_frozen(frozen);
            }
        }
        sum
    }

    /// How late the load generator was.
    #[must_use]
    pub fn lag(&self, window: Window) -> Distribution {
        let mut sum = empty(window);
        self.slices(window).for_each(|slice| {
            sum.add_frozen(&slice.health.lag);
        });
        sum
    }

    /// The slowest answered requests of these series, the slowest first. The first ten
    /// are those of all of them; of those after, some may be missing.
    #[must_use]
    pub fn slowest(&self, series: &[usize]) -> Vec<&SlowRequest> {
        let mut slowest: Vec<_> =
            self.recording.slowest.iter().filter(|request| series.contains(&request.series)).collect();
        slowest.sort_by(|a, b| a.order(b));
        slowest
    }

    /// Passes and failures of a labelled expectation, warm-up excluded.
    #[must_use]
    pub fn tally(&self, label: usize, window: Window) -> (u64, u64) {
        self.slices(window)
            .flat_map(|slice| &slice.expectations)
            .filter(|tally| tally.phase == Phase::Measured && tally.label == label)
            .fold((0, 0), |(passed, failed), tally| (passed + tally.passed, failed + tally.failed))
    }

    /// The measured stretch of the selected scenarios, in nanoseconds from the
    /// start: from the end of the shortest warm-up to the end of the longest
    /// load, or to the moment the run was stopped.
    #[must_use]
    pub fn measured_span(&self, selection: &Selection) -> (u64, u64) {
        let chosen = |index: &usize| {
            selection.scenarios.contains(index)
                || selection
                    .series
                    .iter()
                    .any(|series| self.plan.series.get(*series).is_some_and(|series| series.scenario == *index))
        };
        let scenarios: Vec<_> =
            self.plan.scenarios.iter().enumerate().filter(|(index, _)| chosen(index)).map(|(_, s)| s).collect();
        let from = scenarios.iter().map(|scenario| scenario.measured_from_ns()).min().unwrap_or(0);
        let planned = self
            .plan
            .scenarios
            .iter()
            .enumerate()
            .filter(|(index, _)| chosen(index))
            .map(|(index, scenario)| match &scenario.load {
                // A fixed amount of work may be done long before it must be.
                Load::Closed { work: Some(_), .. } => scenario.end_ns().min(self.last_activity_ns(index)),
                _ => scenario.end_ns(),
            })
            .max()
            .unwrap_or(0);
        let to = planned.min(self.run.load_ms.saturating_mul(1_000_000));
        (from.min(to), to)
    }

    /// The end of the last second in which something of a scenario ended, in
    /// nanoseconds from the start; 0 without any.
    fn last_activity_ns(&self, scenario: usize) -> u64 {
        let active = |slice: &&Slice| {
            slice.scenarios.iter().any(|row| row.scenario == scenario && row.started + row.iterations > 0)
        };
        let last = self.recording.seconds.iter().rev().find(active);
        last.map_or(0, |slice| (u64::from(slice.second) + 1) * 1_000_000_000)
    }

    /// Seconds that lie wholly or partly in the measured stretch.
    pub fn measured_seconds(&self, selection: &Selection) -> std::ops::Range<u32> {
        let (from, to) = self.measured_span(selection);
        let whole = |nanos: u64| u32::try_from(nanos / 1_000_000_000).unwrap_or(u32::MAX);
        whole(from)..u32::try_from(to.div_ceil(1_000_000_000)).unwrap_or(u32::MAX)
    }
}
