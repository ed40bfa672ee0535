//! Looks on while a run is under way, and tells it what to do: stop because its
//! guard says so, or go on with another level of a search.

use crate::engine::{Control, Stop};
use crate::plan::{OnAbort, Plan};
use crate::record::Slice;
use crate::verdict::{self, Search, Watch};

/// What a search does at the moment.
#[derive(Clone, Debug)]
pub(super) struct Sought {
    /// Index of the scenario in the plan.
    pub(super) scenario: usize,
    /// The level now, in arrivals per second or users.
    pub(super) level: f64,
    /// In words.
    pub(super) doing: String,
}

/// Looks at each second of a run.
pub(super) struct Lookout {
    watch: Watch,
    searches: Vec<Search>,
    how: Stop,
}

impl Lookout {
    /// For a run of `plan` on so many threads.
    pub(super) fn new(plan: &Plan, threads: usize) -> Lookout {
        let how = if plan.guard.on_abort == OnAbort::Kill { Stop::Kill } else { Stop::Drain };
        Lookout { watch: Watch::new(plan, threads), searches: verdict::searches(plan, threads), how }
    }

    /// A second has ended, over all threads.
    pub(super) fn second(&mut self, slice: &Slice, control: &Control) {
        if let Some(why) = self.watch.second(slice) {
            control.guard(self.how, || why);
        }
        for search in &mut self.searches {
            if let Some(next) = search.second(slice) {
                control.decide(search.scenario(), next);
            }
        }
    }
    /// What the searches do, one for each scenario that has one.
    pub(super) fn sought(&self) -> Vec<Sought> {
        let of = |search: &Search| {
            let (level, doing) = search.doing();
            Sought { scenario: search.scenario(), level, doing }
        };
        self.searches.iter().map(of).collect()
    }
}
