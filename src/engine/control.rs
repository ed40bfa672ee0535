//! Stopping a run from outside.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use tokio::sync::watch;

use crate::plan::Leg;

/// What the engine is told to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stop {
    /// Go on.
    Run,
    /// Begin no new work; what is under way may finish within the drain.
    Drain,
    /// Stop at once.
    Kill,
}

/// A handle with which a run is stopped; clones act on the same run.
#[derive(Clone, Debug)]
pub struct Control {
    sender: Arc<watch::Sender<Stop>>,
    guarded: Arc<OnceLock<String>>,
    /// What was decided for the searches: their legs after the first.
    legs: Arc<watch::Sender<BTreeMap<usize, Vec<Option<Leg>>>>>,
}

impl Default for Control {
    fn default() -> Control {
        Control::new()
    }
}

impl Control {
    /// A run that goes on until it is told otherwise.
    #[must_use]
    pub fn new() -> Control {
        Control {
            sender: Arc::new(watch::Sender::new(Stop::Run)),
            guarded: Arc::default(),
            legs: Arc::new(watch::Sender::default()),
        }
    }

    /// Tells the run to drain, or to stop at once if it drains already.
    pub fn stop(&self) {
        self.sender.send_modify(|stop| *stop = if *stop == Stop::Run { Stop::Drain } else { Stop::Kill });
    }

    /// Stops the run because its guard says so, and keeps why. A run that is
    /// being stopped already is not stopped for a second reason.
    pub fn guard(&self, how: Stop, why: impl FnOnce() -> String) {
        let stopped = self.sender.send_if_modified(|stop| {
            let first = *stop == Stop::Run && how > Stop::Run;
            if first {
                *stop = how;
            }
            first
        });
        if stopped {
            let _ = self.guarded.set(why());
        }
    }

    /// Why the guard stopped the run, if it did.
    #[must_use]
    pub fn guarded(&self) -> Option<&str> {
        self.guarded.get().map(String::as_str)
    }

    /// Says what the search of a scenario does next; `None` ends it.
    pub fn decide(&self, scenario: usize, leg: Option<Leg>) {
        self.legs.send_modify(|legs| legs.entry(scenario).or_default().push(leg));
    }

    /// The leg `number` after the first of a scenario's search, once it is
    /// decided. `None` when the search is over or the run is being stopped.
    pub(super) async fn leg(&self, scenario: usize, number: usize) -> Option<Leg> {
        let mut receiver = self.legs.subscribe();
        let known = |legs: &BTreeMap<usize, Vec<Option<Leg>>>| legs.get(&scenario)?.get(number).copied();
        tokio::select! {
            biased;
            () = self.reached(Stop::Drain) => None,
            // The sender lives as long as `self`, so waiting cannot fail.
            decided = receiver.wait_for(|legs| known(legs).is_some()) => decided.ok().and_then(|legs| known(&legs)).flatten(),
        }
    }

    /// What the run was told last.
    #[must_use]
    pub fn now(&self) -> Stop {
        *self.sender.borrow()
    }

    /// Resolves when the run was told to do at least `stop`.
    pub async fn reached(&self, stop: Stop) {
        let mut receiver = self.sender.subscribe();
        // The sender lives as long as `self`, so waiting cannot fail.
        let _ = receiver.wait_for(|now| *now >= stop).await;
    }
}
