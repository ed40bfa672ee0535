//! The engine: runs a plan.
//!
//! Invariant: takes time only from its clock (tokio's, which tests pause) and
//! randomness only from the plan's seed; never sees source text, files or
//! standard output. May import `plan`, `expr`, `transport`, `record`, `data`,
//! `schema`.
//!
//! Thread per core, nothing shared on the measured path: each thread has its
//! own single-threaded runtime, virtual users and recorder, and evaluates the
//! whole schedule at its own indexes (k mod N). The calling thread merges what
//! the threads hand over once a second.

mod answer;
mod cache;
mod closed;
mod control;
mod course;
mod cpu;
mod drain;
mod isolation;
mod iteration;
mod open;
mod pacer;
mod promises;
mod render;
mod request;
mod rounds;
mod scope;
mod session;
mod shard;
mod slow;
mod steps;
mod tasks;
mod user;
mod waiting;
mod worker;

#[cfg(test)]
mod tests;

pub use control::{Control, Stop};
pub use open::sessions_ahead;
pub use promises::Promises;
pub use rounds::answers;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::data::Table;
use crate::plan::Plan;
use crate::plan::size::ROWS_MAX;
use crate::record::{Examples, Recording, Slice};
use crate::transport::Connector;
use shard::Shared;
use worker::{Gate, Message, Worker};

/// How to run, as far as the plan does not say.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Threads; at least 1.
    pub threads: usize,
    /// `run.id` in expressions.
    pub run_id: String,
    /// Rows of the plan's data, by its index.
    pub tables: Vec<Table>,
    /// What tools have promised of their results.
    pub promises: Arc<Promises>,
}

/// What a run measured.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    /// Second by second.
    pub recording: Recording,
    /// From the start of the load until no new work began.
    pub load: Duration,
    /// From the start of the load to the end of the drain.
    pub total: Duration,
    /// Whether somebody stopped it.
    pub stopped: bool,
    /// Why its guard stopped it, if it did.
    pub guarded: Option<String>,
}

/// Why a run could not be finished.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A thread or its runtime could not be started.
    #[error("a thread of the load generator could not be started: {0}")]
    Start(std::io::Error),
    /// A defect of this program.
    #[error("a thread of the load generator panicked; what was measured until then is kept")]
    Panicked(Box<Measured>),
}

/// Runs `plan` on `settings.threads` threads and blocks until it is over. There
/// is one connector for each server of the plan. `observe` is called once a
/// second with that second's sum over all threads, to which it may add what it
/// knows of the process, and the single requests that were kept meanwhile.
///
/// # Errors
/// [`EngineError::Start`] without threads, [`EngineError::Panicked`] for a
/// defect of the engine.
pub fn run<C: Connector>(
    plan: &Arc<Plan>,
    connectors: &[C],
    settings: &Settings,
    control: &Control,
    mut observe: impl FnMut(&mut Slice, &Examples),
) -> Result<Measured, EngineError> {
    let threads = settings.threads.clamp(1, plan.most_threads());
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let gate = Gate::new();
    let shared = Shared::new(plan, &settings.run_id, &settings.tables).with(&settings.promises);
    let mut handles = Vec::with_capacity(threads);
    for index in 0..threads {
        let worker = Worker {
            plan: Arc::clone(plan),
            connectors: connectors.to_vec(),
            part: (index as u64, threads as u64),
            shared: shared.clone(),
            control: control.clone(),
            precise: true,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(EngineError::Start)?;
        let (sender, gate) = (sender.clone(), gate.clone());
        let handle = std::thread::Builder::new()
            .name(format!("load-{index}"))
            .spawn(move || tokio::task::LocalSet::new().block_on(&runtime, worker.run(&gate, &sender)))
            .map_err(EngineError::Start)?;
        handles.push(handle);
    }
    drop(sender);
    let mut collector = Collector::new(threads, gate);
    while let Some(message) = receiver.blocking_recv() {
        collector.take(message, &mut observe);
    }
    let panicked = handles.into_iter().map(std::thread::JoinHandle::join).filter(Result::is_err).count() > 0;
    let measured = collector.measured(control, &mut observe);
    if panicked { Err(EngineError::Panicked(Box::new(measured))) } else { Ok(measured) }
}

/// Runs `plan` on the current thread and runtime, which must be single-threaded
/// and inside a `LocalSet`. With tokio's clock paused the run takes no real time
/// and is the same at each repetition. `observe` is called as by [`run`].
pub async fn run_here<C: Connector>(
    plan: &Arc<Plan>,
    connectors: &[C],
    run_id: &str,
    tables: &[Table],
    control: &Control,
    observe: impl FnMut(&mut Slice, &Examples),
) -> Measured {
    run_parts(plan, connectors, &Shared::new(plan, run_id, tables), 1, control, observe).await
}

/// The same with as many parts as a run has threads, one beside the other.
async fn run_parts<C: Connector>(
    plan: &Arc<Plan>,
    connectors: &[C],
    shared: &Shared,
    parts: usize,
    control: &Control,
    mut observe: impl FnMut(&mut Slice, &Examples),
) -> Measured {
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let gate = Gate::at_once();
    let mut running = tokio::task::JoinSet::new();
    for part in 0..parts {
        let worker = Worker {
            plan: Arc::clone(plan),
            connectors: connectors.to_vec(),
            part: (part as u64, parts as u64),
            shared: shared.clone(),
            control: control.clone(),
            precise: false,
        };
        let (gate, sender) = (gate.clone(), sender.clone());
        running.spawn_local(async move { worker.run(&gate, &sender).await });
    }
    drop(sender);
    let mut collector = Collector::new(parts, gate);
    while let Some(message) = receiver.recv().await {
        collector.take(message, &mut observe);
    }
    running.join_all().await;
    collector.measured(control, &mut observe)
}

/// Merges what the threads hand over.
struct Collector {
    threads: usize,
    ready: usize,
    gate: Gate,
    /// Seconds that not all threads have handed over, with how many did.
    pending: Vec<(Slice, usize)>,
    /// Single requests that were not observed yet.
    fresh: Examples,
    /// Rows of series that are kept so far.
    rows: u64,
    measured: Measured,
}

impl Collector {
    fn new(threads: usize, gate: Gate) -> Collector {
        let measured = Measured::default();
        Collector { threads, ready: 0, gate, pending: Vec::new(), fresh: Examples::default(), rows: 0, measured }
    }

    fn take(&mut self, message: Message, observe: &mut impl FnMut(&mut Slice, &Examples)) {
        match message {
            Message::Ready => {
                self.ready += 1;
                if self.ready == self.threads {
                    // A moment ahead, so that no thread begins late.
                    self.gate.open(Instant::now() + Duration::from_millis(2));
                }
            }
            Message::Second { slices, examples } => self.second(slices, examples, observe),
            Message::Done { load, total } => {
                self.measured.load = self.measured.load.max(load);
                self.measured.total = self.measured.total.max(total);
            }
        }
    }

    /// What was measured, once all threads are done.
    fn measured(mut self, control: &Control, observe: &mut impl FnMut(&mut Slice, &Examples)) -> Measured {
        for (slice, _) in std::mem::take(&mut self.pending) {
            self.finish(slice, observe);
        }
        self.measured.guarded = control.guarded().map(str::to_owned);
        self.measured.stopped = control.now() != Stop::Run && self.measured.guarded.is_none();
        self.measured
    }

    /// A second to which no thread adds any more.
    fn finish(&mut self, mut slice: Slice, observe: &mut impl FnMut(&mut Slice, &Examples)) {
        if self.rows >= ROWS_MAX {
            slice.fold_tags();
        }
        self.rows += slice.series.len() as u64;
        let mut fresh = std::mem::take(&mut self.fresh);
        // Where latencies rise, nearly every request is among the slowest for a moment.
        fresh.slowest.retain(|request| self.measured.recording.slowest.contains(request));
        observe(&mut slice, &fresh);
        self.measured.recording.add(slice);
    }

    fn second(&mut self, slices: Vec<Slice>, examples: Examples, observe: &mut impl FnMut(&mut Slice, &Examples)) {
        if !examples.is_empty() {
            self.fresh.extend(&examples);
            self.measured.recording.add_examples(examples);
        }
        for slice in slices {
            match self.pending.iter_mut().find(|(pending, _)| pending.second == slice.second) {
                Some((pending, count)) => {
                    pending.merge(slice);
                    *count += 1;
                }
                None => self.pending.push((slice, 1)),
            }
        }
        self.pending.sort_by_key(|(slice, _)| slice.second);
        while self.pending.first().is_some_and(|(_, count)| *count >= self.threads) {
            let (slice, _) = self.pending.remove(0);
            self.finish(slice, observe);
        }
    }
}
