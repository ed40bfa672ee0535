//! Looking on while a run is under way: `abort when CONDITION for D`.

use super::evaluate::evaluate;
use super::judge::{dimension_of, texts};
use crate::plan::{Abort, Plan};
use crate::record::{Phase, Recording, Slice};
use crate::results::{Ended, Environment, Results, Run, SCHEMA, Tool, Window};
use crate::units;

/// Judges each second of a run by the guard's conditions. The warm-up counts
/// like the rest: a server is to be protected from it, too.
pub struct Watch {
    /// The second that is looked at, and nothing else.
    now: Results,
    /// For how many seconds in a row each condition has held.
    held: Vec<u32>,
    /// The second after the one that was looked at last.
    expected: u32,
}

impl Watch {
    /// For a run of `plan` on so many threads.
    #[must_use]
    pub fn new(plan: &Plan, threads: usize) -> Watch {
        let mut plan = plan.clone();
        plan.scenarios.iter_mut().for_each(|scenario| scenario.warmup_ns = 0);
        Watch { held: vec![0; plan.guard.aborts.len()], now: under_way(plan, threads), expected: 0 }
    }

    /// Looks at a second that has ended, over all threads. Returns why the run
    /// has to be stopped, once a condition has held for as long as it must.
    pub fn second(&mut self, slice: &Slice) -> Option<String> {
        if self.held.is_empty() {
            return None;
        }
        let second = slice.second;
        if second != self.expected {
            // A second without anything breaks a row.
            self.held.fill(0);
        }
        self.expected = second.saturating_add(1);
        self.now.recording = Recording { seconds: vec![measured(slice)], ..Recording::default() };
        for (abort, held) in self.now.plan.guard.aborts.iter().zip(&mut self.held) {
            let condition = &abort.condition;
            let side = |side| evaluate(&self.now, side, Window::Second(second)).value;
            let (left, right) = (side(&condition.left), side(&condition.right));
            let holds = left.zip(right).filter(|(left, right)| condition.comparison.holds(*left, *right));
            let Some((left, right)) = holds else {
                *held = 0;
                continue;
            };
            *held += 1;
            if u64::from(*held) >= seconds(abort) {
                let (found, limit) = texts(left, right, dimension_of(&condition.left));
                return Some(reason(abort, second, &found, &limit));
            }
        }
        None
    }
}

/// For how many seconds in a row the condition must hold.
fn seconds(abort: &Abort) -> u64 {
    abort.for_ns.div_ceil(1_000_000_000).max(1)
}

#[expect(clippy::cast_precision_loss, reason = "a number of seconds")]
fn reason(abort: &Abort, second: u32, found: &str, limit: &str) -> String {
    let source = &abort.condition.source;
    let symbol = abort.condition.comparison.symbol();
    match seconds(abort) {
        1 => format!("`{source}` held in second {second}: {found} {symbol} {limit}"),
        row => format!(
            "`{source}` held for {}: in second {second} it was {found} {symbol} {limit}",
            units::duration(row as f64 * 1e9)
        ),
    }
}

/// The second as if none of it were warm-up.
pub(super) fn measured(slice: &Slice) -> Slice {
    let (health, processes) = (slice.health.clone(), slice.processes.clone());
    let mut all = Slice { second: slice.second, health, processes, ..Slice::default() };
    // Warm-up and the rest of one series become one row, by merging them.
    for phase in [Phase::Warmup, Phase::Measured] {
        let mut part = Slice { second: slice.second, ..slice.clone() };
        part.health = crate::record::Health::default();
        part.series.retain_mut(|row| std::mem::replace(&mut row.phase, Phase::Measured) == phase);
        part.scenarios.retain_mut(|row| std::mem::replace(&mut row.phase, Phase::Measured) == phase);
        part.expectations.retain_mut(|row| std::mem::replace(&mut row.phase, Phase::Measured) == phase);
        part.groups.retain_mut(|row| std::mem::replace(&mut row.phase, Phase::Measured) == phase);
        part.measures.retain_mut(|row| std::mem::replace(&mut row.phase, Phase::Measured) == phase);
        part.logs.clear();
        part.processes.clear();
        all.merge(part);
    }
    all
}

/// Results of a run that has not ended: what has been measured is put in later.
pub(super) fn under_way(plan: Plan, threads: usize) -> Results {
    Results {
        schema: SCHEMA.to_owned(),
        tool: Tool { name: String::new(), version: String::new() },
        plan_hash: String::new(),
        plan,
        run: Run {
            id: String::new(),
            parts: Vec::new(),
            started: String::new(),
            load_ms: u64::MAX,
            total_ms: u64::MAX,
            ended: Ended::Completed,
            guarded: None,
            threads,
        },
        environment: Environment::default(),
        servers: Vec::new(),
        recording: Recording::default(),
    }
}
