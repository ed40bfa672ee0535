//! The recorder of one thread.

use std::collections::BTreeMap;

use super::live::{LiveScenario, LiveSeries};
use crate::violation::{Violation, Violations};

use super::recording::{Health, LogLine, ValueRow, ViolationExample};
use super::slowest::Slowest;
use super::{Distribution, ErrorClass, Examples, Failure, Phase, SessionTime, Slice, SlowRequest, Tally};

/// Failures whose text is kept, per series and class, on each thread.
const FAILURES_KEPT: u8 = 5;

/// Longest text kept of a failure or of a line of `log`, in characters.
const MESSAGE_CHARS: usize = 400;

/// Longest value of a tag, in characters.
const TAG_CHARS: usize = 64;

/// Combinations of tags kept apart on each thread. A tag whose values are as
/// many as the requests would otherwise make memory grow with them; what is
/// beyond is counted under [`OTHER_TAGS`].
const TAGGED: usize = 1000;

/// The value of tags beyond those that are kept apart.
pub const OTHER_TAGS: &str = "(other)";

/// Lines of `log` kept on each thread.
const LOGS_KEPT: usize = 1000;

/// One request that came to an end. Times in nanoseconds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sample<'a> {
    /// From the due instant to the end.
    pub latency: u64,
    /// From the first byte written to the end.
    pub service: Option<u64>,
    /// From the due instant to the first byte written.
    pub wait: Option<u64>,
    /// From the first byte written to the first byte of the response.
    pub first_byte: Option<u64>,
    /// Bytes received.
    pub bytes_in: u64,
    /// Bytes sent.
    pub bytes_out: u64,
    /// Notifications before the response.
    pub notifications: u32,
    /// Notifications of progress that was asked for.
    pub progress: u32,
    /// Updates of a resource that was subscribed to.
    pub updates: u32,
    /// What the server asked of its client.
    pub questions: u32,
    /// Times it was sent again with answers.
    pub rounds: u32,
    /// Times that the server was asked how far its task has come.
    pub polls: u32,
    /// Results of requests that had been cancelled before, heard meanwhile.
    pub late: u32,
    /// Violations of the protocol, if there were any.
    pub violations: Option<&'a Violations>,
    /// Why it failed, if it did.
    pub error: Option<ErrorClass>,
}

/// How many of what a plan measures.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shape {
    /// Series.
    pub series: usize,
    /// Scenarios.
    pub scenarios: usize,
    /// Labels of expectations.
    pub expectations: usize,
    /// Groups.
    pub groups: usize,
    /// Metrics of the file's own.
    pub measures: usize,
}

/// Measures one thread. The caller tells the second that each event belongs to;
/// seconds must not go back.
#[derive(Debug)]
pub struct Recorder {
    second: u32,
    series: Vec<Phases>,
    /// By series and values of its tags.
    tagged: BTreeMap<(usize, Vec<String>), Phases>,
    groups: Vec<[Option<Box<Distribution>>; 2]>,
    measures: Vec<[Option<Box<Distribution>>; 2]>,
    logs: Vec<LogLine>,
    logged: usize,
    scenarios: Vec<[LiveScenario; 2]>,
    expectations: Vec<[(u64, u64); 2]>,
    lag: Distribution,
    finished: Vec<Slice>,
    slowest: Vec<Slowest>,
    failures: Vec<Failure>,
    kept: BTreeMap<(usize, ErrorClass), u8>,
    violations: Vec<ViolationExample>,
    violations_kept: BTreeMap<(usize, Violation), u8>,
}

/// What is measured in the warm-up and after it; made when it is needed.
type Phases = [Option<Box<LiveSeries>>; 2];

impl Recorder {
    /// For a plan of this shape, from second 0.
    #[must_use]
    pub fn new(shape: Shape) -> Recorder {
        Recorder {
            second: 0,
            series: std::iter::repeat_with(Default::default).take(shape.series).collect(),
            tagged: BTreeMap::new(),
            groups: std::iter::repeat_with(Default::default).take(shape.groups).collect(),
            measures: std::iter::repeat_with(Default::default).take(shape.measures).collect(),
            logs: Vec::new(),
            logged: 0,
            scenarios: std::iter::repeat_with(Default::default).take(shape.scenarios).collect(),
            expectations: vec![Default::default(); shape.expectations],
            lag: Distribution::new(),
            finished: Vec::new(),
            slowest: std::iter::repeat_with(Slowest::default).take(shape.series).collect(),
            failures: Vec::new(),
            kept: BTreeMap::new(),
            violations: Vec::new(),
            violations_kept: BTreeMap::new(),
        }
    }

    /// Moves on to `second`; what was measured before is finished.
    pub fn advance(&mut self, second: u32) {
        // A second in which nothing happened is handed over too: whoever merges
        // waits for it.
        while second > self.second {
            let slice = self.cut();
            self.finished.push(slice);
            self.second += 1;
        }
    }

    /// Records a request that ended in `second`.
    pub fn request(&mut self, second: u32, series: usize, phase: Phase, sample: &Sample) {
        self.advance(second);
        let Some(slot) = self.series.get_mut(series).and_then(|phases| phases.get_mut(phase as usize)) else { return };
        slot.get_or_insert_default().record(sample);
    }

    /// The same for a request that brought values of tags.
    pub fn tagged_request(&mut self, second: u32, series: usize, phase: Phase, tags: &[String], sample: &Sample) {
        self.advance(second);
        if let Some(slot) = self.tagged_series(series, phase, tags) {
            slot.record(sample);
        }
    }

    /// Counts a request that was not sent, since its result had been kept.
    pub fn cached(&mut self, second: u32, series: usize, phase: Phase, tags: &[String]) {
        self.advance(second);
        let slot = if tags.is_empty() {
            let phases = self.series.get_mut(series);
            phases.and_then(|phases| phases.get_mut(phase as usize)).map(|slot| &mut **slot.get_or_insert_default())
        } else {
            self.tagged_series(series, phase, tags)
        };
        if let Some(slot) = slot {
            slot.cached += 1;
        }
    }

    /// Where requests with these values of tags are counted.
    fn tagged_series(&mut self, series: usize, phase: Phase, tags: &[String]) -> Option<&mut LiveSeries> {
        let mut tags: Vec<String> = tags.iter().map(|tag| tag.chars().take(TAG_CHARS).collect()).collect();
        if self.tagged.len() >= TAGGED && !self.tagged.contains_key(&(series, tags.clone())) {
            tags.iter_mut().for_each(|tag| OTHER_TAGS.clone_into(tag));
        }
        let phases = self.tagged.entry((series, tags)).or_default();
        Some(phases.get_mut(phase as usize)?.get_or_insert_default())
    }

    /// Records the time of a whole group, in nanoseconds.
    pub fn group(&mut self, second: u32, group: usize, phase: Phase, nanos: u64) {
        self.advance(second);
        if let Some(slot) = self.groups.get_mut(group).and_then(|phases| phases.get_mut(phase as usize)) {
            slot.get_or_insert_default().record(nanos);
        }
    }

    /// Records a value of a metric of the file's own, times its scale.
    pub fn measure(&mut self, second: u32, measure: usize, phase: Phase, scaled: u64) {
        self.advance(second);
        if let Some(slot) = self.measures.get_mut(measure).and_then(|phases| phases.get_mut(phase as usize)) {
            slot.get_or_insert_default().record(scaled);
        }
    }

    /// Keeps a line of `log`, as long as there are not too many.
    pub fn log(&mut self, second: u32, at_ms: u64, scenario: usize, user: u64, text: &str) {
        self.advance(second);
        if self.logged < LOGS_KEPT {
            self.logged += 1;
            let text = text.chars().take(MESSAGE_CHARS).collect();
            self.logs.push(LogLine { at_ms, scenario, user, text });
        }
    }
}

impl Recorder {
    /// Whether the text of one more such failure would be kept; asked first, so
    /// that texts that would be thrown away are never made.
    #[must_use]
    pub fn wants_failure(&self, series: usize, class: ErrorClass) -> bool {
        self.kept.get(&(series, class)).is_none_or(|count| *count < FAILURES_KEPT)
    }

    /// Keeps an example of a failure.
    pub fn failure(&mut self, series: usize, class: ErrorClass, at_ms: u64, message: &str) {
        if self.wants_failure(series, class) {
            *self.kept.entry((series, class)).or_default() += 1;
            let message = message.chars().take(MESSAGE_CHARS).collect();
            self.failures.push(Failure { series, class, at_ms, message });
        }
    }

    /// Whether a request that took so long may be one of the slowest of its series;
    /// asked first, so that hardly any is copied.
    #[must_use]
    #[inline]
    pub fn wants_slow(&self, series: usize, latency_ns: u64) -> bool {
        self.slowest.get(series).is_some_and(|slowest| slowest.wants(latency_ns))
    }

    /// Keeps a request that did not fail, if it is one of the slowest of its series.
    pub fn slow(&mut self, mut request: SlowRequest) {
        request.tags.iter_mut().for_each(|tag| *tag = tag.chars().take(TAG_CHARS).collect());
        if let Some(slowest) = self.slowest.get_mut(request.series) {
            slowest.add(request);
        }
    }

    /// Keeps examples of violations of the protocol.
    pub fn violations(&mut self, series: usize, at_ms: u64, violations: &Violations) {
        for found in violations.found() {
            let kept = self.violations_kept.entry((series, found.kind)).or_default();
            if *kept < FAILURES_KEPT {
                *kept += 1;
                let message = found.example.chars().take(MESSAGE_CHARS).collect();
                self.violations.push(ViolationExample { series, violation: found.kind, at_ms, message });
            }
        }
    }

    /// Records whether a labelled expectation held.
    pub fn expectation(&mut self, second: u32, label: usize, phase: Phase, held: bool) {
        self.advance(second);
        if let Some((passed, failed)) =
            self.expectations.get_mut(label).and_then(|phases| phases.get_mut(phase as usize))
        {
            *(if held { passed } else { failed }) += 1;
        }
    }

    /// Records how late due work was started, in nanoseconds.
    pub fn lag(&mut self, second: u32, nanos: u64) {
        self.advance(second);
        self.lag.record(nanos);
    }

    /// Counts an iteration that was begun.
    pub fn started(&mut self, second: u32, scenario: usize, phase: Phase) {
        self.scenario(second, scenario, phase, |live| live.started += 1);
    }

    /// Records a finished iteration and its time without think time.
    pub fn iteration(&mut self, second: u32, scenario: usize, phase: Phase, nanos: u64) {
        self.scenario(second, scenario, phase, |live| {
            live.iterations += 1;
            live.record(SessionTime::Iteration, nanos);
        });
    }

    /// Counts arrivals that found no free virtual user, or came too late.
    pub fn dropped(&mut self, second: u32, scenario: usize, phase: Phase, count: u64) {
        self.scenario(second, scenario, phase, |live| live.dropped += count);
    }

    /// Counts iterations that were cut off.
    pub fn abandoned(&mut self, second: u32, scenario: usize, phase: Phase, count: u64) {
        self.scenario(second, scenario, phase, |live| live.abandoned += count);
    }

    /// Records the opening of an MCP session.
    pub fn session(&mut self, second: u32, scenario: usize, phase: Phase, connect: u64, open: u64) {
        self.scenario(second, scenario, phase, |live| {
            live.sessions += 1;
            live.record(SessionTime::Connect, connect);
            live.record(SessionTime::Open, open);
        });
    }

    /// Counts an MCP session that the server did not know any more.
    pub fn session_lost(&mut self, second: u32, scenario: usize, phase: Phase) {
        self.scenario(second, scenario, phase, |live| live.lost += 1);
    }

    /// Records a connection made apart from a session's opening.
    pub fn connect(&mut self, second: u32, scenario: usize, phase: Phase, nanos: u64) {
        self.scenario(second, scenario, phase, |live| live.record(SessionTime::Connect, nanos));
    }

    /// Records the end of an MCP session.
    pub fn session_close(&mut self, second: u32, scenario: usize, phase: Phase, nanos: u64) {
        self.scenario(second, scenario, phase, |live| live.record(SessionTime::Close, nanos));
    }

    fn scenario(&mut self, second: u32, scenario: usize, phase: Phase, update: impl FnOnce(&mut LiveScenario)) {
        self.advance(second);
        if let Some(live) = self.scenarios.get_mut(scenario).and_then(|phases| phases.get_mut(phase as usize)) {
            update(live);
        }
    }

    /// The seconds that are finished, and the requests kept since the last call.
    pub fn drain(&mut self) -> (Vec<Slice>, Examples) {
        let mut examples = Examples { failures: std::mem::take(&mut self.failures), slowest: Vec::new() };
        self.slowest.iter_mut().for_each(|slowest| slowest.hand_over(&mut examples.slowest));
        (std::mem::take(&mut self.finished), examples)
    }

    /// Finishes the current second too.
    pub fn finish(&mut self) {
        let slice = self.cut();
        self.finished.push(slice);
        self.second = self.second.saturating_add(1);
    }

    fn cut(&mut self) -> Slice {
        let mut slice = Slice { second: self.second, ..Slice::default() };
        for phase in [Phase::Warmup, Phase::Measured] {
            for (series, phases) in self.series.iter_mut().enumerate() {
                if let Some(live) =
                    phases.get_mut(phase as usize).and_then(Option::as_mut).filter(|live| live.is_heard())
                {
                    slice.series.push(live.cut(series, phase, Vec::new()));
                }
            }
            for ((series, tags), phases) in &mut self.tagged {
                let live = phases.get_mut(phase as usize).and_then(Option::as_mut);
                if let Some(live) = live.filter(|live| live.is_heard()) {
                    slice.series.push(live.cut(*series, phase, tags.clone()));
                }
            }
            values(&mut self.groups, phase, &mut slice.groups);
            values(&mut self.measures, phase, &mut slice.measures);
            for (scenario, phases) in self.scenarios.iter_mut().enumerate() {
                if let Some(row) = phases.get_mut(phase as usize).and_then(|live| live.cut(scenario, phase)) {
                    slice.scenarios.push(row);
                }
            }
            for (label, phases) in self.expectations.iter_mut().enumerate() {
                let Some(counts) = phases.get_mut(phase as usize) else { continue };
                let (passed, failed) = std::mem::take(counts);
                if passed + failed > 0 {
                    slice.expectations.push(Tally { label, phase, passed, failed });
                }
            }
        }
        slice.series.sort_by(|a, b| (a.series, a.phase, &a.tags).cmp(&(b.series, b.phase, &b.tags)));
        slice.groups.sort_by_key(|row| (row.index, row.phase));
        slice.measures.sort_by_key(|row| (row.index, row.phase));
        slice.logs = std::mem::take(&mut self.logs);
        slice.violations = std::mem::take(&mut self.violations);
        slice.violations.sort();
        slice.scenarios.sort_by_key(|row| (row.scenario, row.phase));
        slice.expectations.sort_by_key(|row| (row.label, row.phase));
        slice.health = Health { lag: self.lag.freeze(), ..Health::default() };
        self.lag.clear();
        slice
    }
}

/// Takes the values of one phase out.
fn values(live: &mut [[Option<Box<Distribution>>; 2]], phase: Phase, rows: &mut Vec<ValueRow>) {
    for (index, phases) in live.iter_mut().enumerate() {
        let Some(distribution) = phases.get_mut(phase as usize).and_then(Option::as_mut) else { continue };
        if !distribution.is_empty() {
            rows.push(ValueRow { index, phase, values: distribution.freeze() });
            distribution.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Recording, Time};

    fn recorder() -> Recorder {
        Recorder::new(Shape { series: 2, scenarios: 1, expectations: 1, groups: 1, measures: 1 })
    }

    fn answered(latency: u64) -> Sample<'static> {
        Sample { latency, service: Some(latency / 2), wait: Some(latency / 2), bytes_in: 10, ..Sample::default() }
    }

    fn recording(mut recorder: Recorder) -> Recording {
        recorder.finish();
        let (slices, examples) = recorder.drain();
        let mut recording = Recording::default();
        slices.into_iter().for_each(|slice| recording.add(slice));
        recording.add_examples(examples);
        recording
    }

    #[test]
    fn each_second_holds_what_ended_in_it() {
        let mut recorder = recorder();
        recorder.request(0, 0, Phase::Measured, &answered(1000));
        recorder.request(2, 0, Phase::Measured, &answered(2000));
        recorder.request(2, 1, Phase::Warmup, &answered(3000));
        let recording = recording(recorder);
        let seen: Vec<_> = recording
            .seconds
            .iter()
            .map(|slice| (slice.second, slice.series.iter().map(|row| (row.series, row.phase)).collect::<Vec<_>>()))
            .collect();
        assert_eq!(
            seen,
            [(0, vec![(0, Phase::Measured)]), (1, vec![]), (2, vec![(0, Phase::Measured), (1, Phase::Warmup)])]
        );
    }

    #[test]
    fn failures_never_mix_with_successes() {
        let mut recorder = recorder();
        recorder.request(0, 0, Phase::Measured, &answered(1000));
        let failed = Sample { error: Some(ErrorClass::Timeout), latency: 30_000_000_000, ..Sample::default() };
        recorder.request(0, 0, Phase::Measured, &failed);
        let recording = recording(recorder);
        let row = &recording.seconds[0].series[0];
        assert_eq!((row.counts.requests, row.counts.failed()), (2, 1));
        let mut latency = Distribution::new();
        latency.add_frozen(&row.times[Time::Latency as usize]);
        assert_eq!(latency.count(), 1);
        assert!(latency.max().unwrap() < 1100.0);
    }

    #[test]
    fn merging_is_commutative() {
        let part = |series, seconds: &[u32]| {
            let mut recorder = recorder();
            for second in seconds {
                recorder.request(*second, series, Phase::Measured, &answered(u64::from(*second) * 100 + 500));
                recorder.expectation(*second, 0, Phase::Measured, second % 2 == 0);
                recorder.iteration(*second, 0, Phase::Measured, 700);
                recorder.failure(series, ErrorClass::Tool, u64::from(*second), "no");
            }
            recording(recorder)
        };
        let (a, b) = (part(0, &[0, 1, 3, 4, 5, 6]), part(1, &[1, 2, 3]));
        let (mut ab, mut ba) = (a.clone(), b.clone());
        ab.merge(b);
        ba.merge(a);
        assert_eq!(ab, ba);
        assert_eq!(ab.failures.len(), 8, "five of one series and three of the other");
    }
}
