//! Can the runs be compared at all?

use std::collections::BTreeSet;

use super::super::bottleneck;
use super::differ::differences;
use super::{Pairing, Question, again};
use crate::plan::Load;
use crate::results::{Ended, Results, Window};
use crate::units;

/// More dropped arrivals than this, and what was measured is another load than what
/// was planned.
const DROPPED: f64 = 0.01;

/// What was found.
pub(super) struct Fit {
    /// Whether there can be no comparison.
    pub(super) refused: bool,
    pub(super) reasons: Vec<String>,
    pub(super) notes: Vec<String>,
}

pub(super) fn judge(old: &[Results], new: &[Results], question: &Question) -> Fit {
    let mut invalid = Vec::new();
    if old.is_empty() || new.is_empty() {
        let side = if old.is_empty() { "old" } else { "new" };
        invalid.push(format!("there is no {side} run"));
    }
    if question.gates.is_empty() {
        invalid.push("no metric is named".to_owned());
    }
    if question.pairing == Pairing::Paired && old.len() != new.len() {
        let counts = format!("{} old and {} new", old.len(), new.len());
        invalid.push(format!("pairs need as many runs of one side as of the other, and there are {counts}"));
    }
    for run in old.iter().chain(new) {
        invalid.extend(unusable(run).map(|why| format!("run {} {why}", run.run.id)));
    }
    invalid.extend(again::repeated(old.iter().chain(new)).into_iter().map(|id| format!("run {id} is named twice")));
    let mut different = Vec::new();
    if let Some(first) = old.first() {
        let mut said = BTreeSet::new();
        for other in old.iter().skip(1).chain(new) {
            different.extend(unlike(first, other).into_iter().filter(|reason| said.insert(reason.clone())));
        }
    }
    Fit {
        refused: !invalid.is_empty() || (!different.is_empty() && !question.force),
        reasons: invalid.into_iter().chain(different).collect(),
        notes: notes(old, new, question.pairing),
    }
}

/// Why the figures of a run are no basis of a comparison, in words that continue
/// "run ID …"; `None` when they are one.
#[must_use]
pub fn unusable(run: &Results) -> Option<String> {
    match run.run.ended {
        Ended::Completed => {}
        Ended::Interrupted => return Some("was interrupted".to_owned()),
        Ended::Guarded => return Some("was stopped by the guard".to_owned()),
        Ended::Killed => return Some("was cut off: its process died".to_owned()),
    }
    let everything = run.everything();
    if run.counts(&everything, Window::Whole).requests == 0 {
        return Some("measured nothing".to_owned());
    }
    if let Some(finding) = bottleneck::find(run).first() {
        return Some(format!("is invalid: {}", finding.text));
    }
    let searches = run.plan.scenarios.iter().find(|scenario| matches!(scenario.load, Load::Seek(_)));
    if let Some(scenario) = searches {
        return Some(format!(
            "searches for a limit in scenario `{}`: its load follows from what the server does, and is another in each run",
            scenario.name
        ));
    }
    let rows = run.scenario_rows(&everything, Window::Whole);
    let (begun, dropped) =
        rows.fold((0, 0), |(begun, dropped), row| (begun + row.started + row.dropped, dropped + row.dropped));
    #[expect(clippy::cast_precision_loss, reason = "counts stay below 2^53")]
    let share = dropped as f64 / (begun as f64).max(1.0);
    (share > DROPPED).then(|| {
        format!(
            "dropped {} of its arrivals, and up to {} are accepted: its load was another than its plan",
            units::percent(share),
            units::percent(DROPPED)
        )
    })
}

/// What makes two runs another question: load, servers, transport, revision, number of
/// parts, machine, or that one was rehearsed. Empty when they can be compared.
#[must_use]
pub fn unlike(old: &Results, new: &Results) -> Vec<String> {
    if old.rehearsed() != new.rehearsed() {
        let (rehearsed, real) = if old.rehearsed() { ("old", "new") } else { ("new", "old") };
        return vec![format!("the {rehearsed} run was rehearsed without a server, and the {real} one was not")];
    }
    let mut reasons = Vec::new();
    if old.servers.len() != new.servers.len() {
        let servers = |results: &Results| match results.servers.len() {
            1 => "1 server".to_owned(),
            count => format!("{count} servers"),
        };
        reasons.push(format!("the old run had {}, and the new one {}", servers(old), servers(new)));
    }
    for (before, after) in old.servers.iter().zip(&new.servers) {
        if before.transport != after.transport {
            reasons.push(format!(
                "server `{}` was reached over {}, and now over {}",
                after.name, before.transport, after.transport
            ));
        }
        if before.revision != after.revision {
            reasons.push(format!(
                "server `{}` spoke revision {}, and now {}",
                after.name, before.revision, after.revision
            ));
        }
    }
    let loads = differences(&old.plan, &new.plan);
    // Said already, and better.
    let transport = |reason: &String| reason.contains(": transport ");
    let said = reasons.iter().any(|reason| reason.contains("was reached over"));
    reasons.extend(loads.into_iter().filter(|reason| !(said && transport(reason))));
    let (before, after) = (old.run.parts().len(), new.run.parts().len());
    if before != after {
        let parts = |count: usize| if count == 1 { "one part".to_owned() } else { format!("the sum of {count} parts") };
        reasons.push(format!(
            "the old run is {}, and the new one {}: each part makes the whole load of the plan",
            parts(before),
            parts(after)
        ));
    }
    let (before, after) = (old.environment.class(), new.environment.class());
    if before != after {
        reasons.push(format!("the load came from another machine: {before}, and now {after}"));
    }
    reasons
}

/// What may explain a change, and is no reason against the comparison.
fn notes(old: &[Results], new: &[Results], pairing: Pairing) -> Vec<String> {
    let differs = |what: &str, of: &dyn Fn(&Results) -> String| {
        let side = |runs: &[Results]| runs.iter().map(of).collect::<BTreeSet<_>>();
        let (before, after) = (side(old), side(new));
        let list = |all: BTreeSet<String>| all.into_iter().collect::<Vec<_>>().join(", ");
        (before != after && !old.is_empty() && !new.is_empty())
            .then(|| format!("{what} {} before, and now {}", list(before), list(after)))
    };
    let versions = differs("mcpl was", &|run| run.tool.version.clone());
    let threads = differs("threads of the load generator:", &|run| run.run.threads.to_string());
    let seed = |run: &Results| run.plan.seed;
    let differ = match pairing {
        Pairing::Independent => old.iter().chain(new).map(seed).collect::<BTreeSet<_>>().len() > 1,
        // Pairs may differ among themselves.
        Pairing::Paired => !old.iter().map(seed).eq(new.iter().map(seed)),
    };
    let seeds = differ.then(|| "runs had different seeds, so that they sent different values".to_owned());
    versions.into_iter().chain(threads).chain(seeds).collect()
}
