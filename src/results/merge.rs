//! The parts of one run, summed up.

use super::{ReadError, Results, ServerInfo, Tokens};

impl Results {
    /// Sums up the parts of one run, which machines or processes made at the same
    /// time. The order makes no difference, nor does which are summed up first. Of
    /// what has no sum (the id, the start, the machine, how servers presented
    /// themselves) it has what the part says that began first.
    ///
    /// # Errors
    /// [`ReadError::OtherPlan`] when the plans differ, and [`ReadError::SamePart`] when
    /// a part of one is a part of the other too. Then nothing is summed up.
    pub fn merge(&mut self, mut other: Results) -> Result<(), ReadError> {
        if self.plan_hash != other.plan_hash || self.plan != other.plan {
            return Err(ReadError::OtherPlan);
        }
        let mut parts = self.run.parts().to_vec();
        if let Some(twice) = other.run.parts().iter().find(|part| parts.contains(part)) {
            return Err(ReadError::SamePart(twice.clone()));
        }
        parts.extend_from_slice(other.run.parts());
        parts.sort();
        if other.precedence() < self.precedence() {
            std::mem::swap(self, &mut other);
        }
        self.run.parts = parts;
        self.recording.merge(other.recording);
        self.run.load_ms = self.run.load_ms.max(other.run.load_ms);
        self.run.total_ms = self.run.total_ms.max(other.run.total_ms);
        self.run.threads = self.run.threads.saturating_add(other.run.threads);
        self.run.ended = self.run.ended.max(other.run.ended);
        self.run.guarded = self.run.guarded.take().max(other.run.guarded);
        for (server, other) in self.servers.iter_mut().zip(other.servers) {
            server.tokens = match (server.tokens.take(), other.tokens) {
                (Some(tokens), Some(more)) => Some(sum(tokens, more)),
                (tokens, more) => tokens.or(more),
            };
        }
        Ok(())
    }

    /// What decides which part speaks for all. It has all that is taken from it, so that
    /// parts that are equal in it are the same in that.
    fn precedence(&self) -> (&str, &str, String) {
        let servers = self.servers.iter().map(|server| ServerInfo { tokens: None, ..server.clone() });
        let said = (&self.schema, &self.tool, &self.environment, servers.collect::<Vec<_>>());
        // Plain data with text keys, which serde_json can write.
        (&self.run.started, &self.run.id, serde_json::to_string(&said).unwrap_or_default())
    }
}

fn sum(tokens: Tokens, more: Tokens) -> Tokens {
    Tokens {
        obtained: tokens.obtained.saturating_add(more.obtained),
        failed: tokens.failed.saturating_add(more.failed),
        total_us: tokens.total_us.saturating_add(more.total_us),
        longest_us: tokens.longest_us.max(more.longest_us),
        last_failure: tokens.last_failure.max(more.last_failure),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Ended, Environment, Run, SCHEMA, Tool};
    use super::*;
    use crate::plan::Plan;
    use crate::record::{
        Counts, Distribution, ErrorClass, Examples, Failure, Frozen, Health, Phase, Recording, ScenarioRow, SeriesRow,
        Slice, SlowRequest, Tally,
    };

    /// Something that ended: when, of which series, how long it took, and whether it
    /// failed.
    type Event = (u32, usize, u64, bool);

    fn frozen(values: &[u64]) -> Frozen {
        let mut distribution = Distribution::new();
        values.iter().for_each(|value| distribution.record(*value));
        distribution.freeze()
    }

    /// What is recorded of one event.
    fn slice(&(second, series, nanos, failed): &Event) -> Slice {
        let phase = if second == 0 { Phase::Warmup } else { Phase::Measured };
        let errors = failed.then_some((ErrorClass::Timeout, 1)).into_iter().collect();
        let counts = Counts { requests: 1, errors, bytes_in: nanos % 7, bytes_out: 3, ..Counts::default() };
        let times = [frozen(&[nanos]), frozen(&[nanos / 2]), Frozen::default(), frozen(&[1]), Frozen::default()];
        let times_of_sessions = [frozen(&[nanos]), Frozen::default(), Frozen::default(), Frozen::default()];
        Slice {
            second,
            series: vec![SeriesRow { series, phase, tags: Vec::new(), counts, times }],
            scenarios: vec![ScenarioRow {
                scenario: 0,
                phase,
                started: 1,
                iterations: 1,
                dropped: 0,
                abandoned: u64::from(failed),
                sessions: 0,
                lost: 0,
                times: times_of_sessions,
            }],
            expectations: vec![Tally { label: 0, phase, passed: 1, failed: 0 }],
            health: Health { lag: frozen(&[nanos / 9]), cpu_ns: nanos, busiest_ns: nanos, ..Health::default() },
            ..Slice::default()
        }
    }

    fn part(number: usize, events: &[Event]) -> Results {
        let mut recording = Recording::default();
        for event in events {
            recording.add(slice(event));
            if event.3 {
                let failure = Failure {
                    series: event.1,
                    class: ErrorClass::Timeout,
                    at_ms: u64::from(event.0) * 1000,
                    message: format!("after {}", event.2),
                };
                recording.add_examples(Examples { failures: vec![failure], slowest: Vec::new() });
            } else {
                // So many that not all of a series are kept.
                let slow = |n: u64| SlowRequest {
                    series: event.1,
                    latency_ns: event.2 / (n + 1),
                    due_ms: u64::from(event.0) * 1000,
                    ..SlowRequest::default()
                };
                recording.add_examples(Examples { failures: Vec::new(), slowest: (0..5_u64).map(slow).collect() });
            }
        }
        let tokens = (!events.is_empty()).then(|| Tokens {
            obtained: u32::try_from(events.len()).unwrap(),
            last_failure: events.first().map(|event| event.2.to_string()),
            ..Tokens::default()
        });
        let server = |tokens| ServerInfo {
            name: "s".to_owned(),
            transport: "http".to_owned(),
            revision: String::new(),
            server_name: String::new(),
            server_version: String::new(),
            tools: number % 2,
            tokens,
        };
        let plan = Plan::default();
        Results {
            schema: SCHEMA.to_owned(),
            tool: Tool { name: "mcpl".to_owned(), version: "0".to_owned() },
            plan_hash: plan.hash(),
            plan,
            run: Run {
                id: format!("run-{number}"),
                parts: Vec::new(),
                started: String::new(),
                load_ms: events.len() as u64,
                total_ms: 2,
                ended: if events.iter().any(|event| event.3) { Ended::Interrupted } else { Ended::Completed },
                guarded: events.first().map(|event| event.2.to_string()),
                threads: 1,
            },
            environment: Environment { cores: number, ..Environment::default() },
            servers: vec![server(tokens)],
            recording,
        }
    }

    fn sum_of(parts: &[&Results]) -> Results {
        let mut parts = parts.iter().map(|part| (*part).clone());
        let mut sum = parts.next().unwrap();
        parts.for_each(|part| sum.merge(part).unwrap());
        sum
    }

    #[test]
    fn a_part_is_counted_once() {
        let [a, b, c] = [0, 1, 2].map(|number| part(number, &[(1, 0, 5, false)]));
        let sum = sum_of(&[&b, &a]);
        assert_eq!((sum.run.id.as_str(), sum.run.parts()), ("run-0", &["run-0".to_owned(), "run-1".to_owned()][..]));
        assert_eq!(a.run.parts(), ["run-0"]);
        for (one, other, twice) in [
            (&a, &a.condensed(), "run-0"),
            (&sum, &b, "run-1"),
            (&b, &sum.condensed(), "run-1"),
            (&sum_of(&[&c, &b]), &sum, "run-1"),
        ] {
            let mut whole = one.clone();
            assert!(matches!(whole.merge(other.clone()), Err(ReadError::SamePart(part)) if part == twice));
            assert_eq!(&whole, one, "nothing is summed up");
        }
    }

    proptest! {
        // Each sums up hundreds of distributions.
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn in_whatever_order_parts_are_summed_up_the_whole_is_the_same(
            events in prop::collection::vec((0..3_u32, 0..2_usize, 1..u64::from(u32::MAX) * 50, any::<bool>()), 0..12),
            which in prop::collection::vec(0..3_usize, 12),
        ) {
            let of = |number: usize| {
                let chosen: Vec<Event> =
                    events.iter().zip(&which).filter(|(_, part)| **part == number).map(|(event, _)| *event).collect();
                part(number, &chosen)
            };
            let (a, b, c) = (of(0), of(1), of(2));
            let sum = sum_of(&[&a, &b, &c]);
            for order in [[&a, &c, &b], [&b, &a, &c], [&b, &c, &a], [&c, &a, &b], [&c, &b, &a]] {
                prop_assert_eq!(sum_of(&order).to_json(), sum.to_json());
            }
            prop_assert_eq!(sum_of(&[&a, &sum_of(&[&b, &c])]).to_json(), sum.to_json());
            // Recorded in one place it is the same, byte for byte.
            let whole = part(0, &events);
            prop_assert_eq!(&sum.recording, &whole.recording);
            prop_assert_eq!(sum.recording.seconds.iter().flat_map(|slice| &slice.series).map(|row| row.counts.requests).sum::<u64>(), events.len() as u64);
        }
    }
}
