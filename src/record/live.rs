//! What the recorder of a thread counts in the second that is under way.

use std::collections::BTreeMap;

use super::recorder::Sample;
use super::{Counts, Distribution, ErrorClass, Phase, SESSION_TIMES, ScenarioRow, SeriesRow, SessionTime, TIMES};
use crate::violation::{Violation, Violations};

/// One series in one phase.
#[derive(Debug, Default)]
pub(super) struct LiveSeries {
    pub(super) requests: u64,
    errors: [u64; ErrorClass::ALL.len()],
    bytes_in: u64,
    bytes_out: u64,
    notifications: u64,
    progress: u64,
    updates: u64,
    questions: u64,
    rounds: u64,
    stalled: u64,
    polls: u64,
    late: u64,
    pub(super) cached: u64,
    violations: BTreeMap<Violation, u64>,
    times: [Distribution; TIMES],
}

/// One scenario in one phase.
#[derive(Debug, Default)]
pub(super) struct LiveScenario {
    pub(super) started: u64,
    pub(super) iterations: u64,
    pub(super) dropped: u64,
    pub(super) abandoned: u64,
    pub(super) sessions: u64,
    pub(super) lost: u64,
    times: [Option<Box<Distribution>>; SESSION_TIMES],
}

impl LiveSeries {
    pub(super) fn record(&mut self, sample: &Sample) {
        let live = self;
        live.requests += 1;
        live.bytes_in += sample.bytes_in;
        live.bytes_out += sample.bytes_out;
        live.notifications += u64::from(sample.notifications);
        live.progress += u64::from(sample.progress);
        live.updates += u64::from(sample.updates);
        live.questions += u64::from(sample.questions);
        live.rounds += u64::from(sample.rounds);
        live.polls += u64::from(sample.polls);
        live.late += u64::from(sample.late);
        for found in sample.violations.map(Violations::found).unwrap_or_default() {
            *live.violations.entry(found.kind).or_default() += u64::from(found.count);
        }
        let [latency, service, wait, first_byte, failed] = &mut live.times;
        if let Some(nanos) = sample.wait {
            wait.record(nanos);
        }
        if let Some(nanos) = sample.first_byte {
            first_byte.record(nanos);
        }
        match sample.error {
            None => {
                latency.record(sample.latency);
                if let Some(nanos) = sample.service {
                    service.record(nanos);
                }
            }
            Some(class) => {
                failed.record(sample.latency);
                live.stalled += u64::from(class == ErrorClass::Timeout && sample.first_byte.is_some());
                if let Some(count) = live.errors.get_mut(class.index()) {
                    *count += 1;
                }
            }
        }
    }
}

impl LiveSeries {
    /// Whether there is anything to hand over.
    pub(super) const fn is_heard(&self) -> bool {
        self.requests + self.cached > 0
    }

    pub(super) fn cut(&mut self, series: usize, phase: Phase, tags: Vec<String>) -> SeriesRow {
        let errors = ErrorClass::ALL.into_iter().zip(std::mem::take(&mut self.errors)).filter(|(_, count)| *count > 0);
        let counts = Counts {
            requests: std::mem::take(&mut self.requests),
            errors: errors.collect(),
            bytes_in: std::mem::take(&mut self.bytes_in),
            bytes_out: std::mem::take(&mut self.bytes_out),
            notifications: std::mem::take(&mut self.notifications),
            progress: std::mem::take(&mut self.progress),
            updates: std::mem::take(&mut self.updates),
            questions: std::mem::take(&mut self.questions),
            rounds: std::mem::take(&mut self.rounds),
            stalled: std::mem::take(&mut self.stalled),
            polls: std::mem::take(&mut self.polls),
            late: std::mem::take(&mut self.late),
            cached: std::mem::take(&mut self.cached),
            violations: self.violations.values().sum(),
            violation_kinds: std::mem::take(&mut self.violations),
        };
        let times = self.times.each_mut().map(|time| {
            let frozen = time.freeze();
            if !frozen.is_empty() {
                time.clear();
            }
            frozen
        });
        SeriesRow { series, phase, tags, counts, times }
    }
}

impl LiveScenario {
    pub(super) fn record(&mut self, time: SessionTime, nanos: u64) {
        if let Some(slot) = self.times.get_mut(time as usize) {
            slot.get_or_insert_default().record(nanos);
        }
    }

    pub(super) fn cut(&mut self, scenario: usize, phase: Phase) -> Option<ScenarioRow> {
        let taken = std::mem::take(self);
        let times = taken.times.map(|time| time.map(|time| time.freeze()).unwrap_or_default());
        let quiet = taken.started + taken.iterations + taken.dropped + taken.abandoned + taken.sessions + taken.lost
            == 0
            && times.iter().all(super::Frozen::is_empty);
        (!quiet).then_some(ScenarioRow {
            scenario,
            phase,
            started: taken.started,
            iterations: taken.iterations,
            dropped: taken.dropped,
            abandoned: taken.abandoned,
            sessions: taken.sessions,
            lost: taken.lost,
            times,
        })
    }
}
