//! A scenario: its planned load and what came of it.

use serde::Serialize;

use super::{float, load, share};
use crate::plan::{Load, Plan, Scenario};
use crate::report::clean::clean;
use crate::results::{Ended, Results};

/// One scenario. Its counts include the warm-up.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ScenarioView {
    /// Its name in the file.
    pub name: String,
    /// Its `##` comment.
    pub doc: Option<String>,
    /// The name of its server.
    pub server: String,
    /// `open` (iterations are due at planned instants) or `closed` (each
    /// virtual user starts anew when it is done).
    pub model: &'static str,
    /// The stages in words, such as `ramp 0/s → 40/s over 5s, hold 40/s for 10s`.
    pub load: String,
    /// Length of all stages.
    pub duration_ns: f64,
    /// Left out of every statistic.
    pub warmup_ns: f64,
    /// How long work under way may take after the last stage.
    pub drain_ns: f64,
    /// The flows and their shares.
    pub mix: Vec<MixView>,
    /// Iterations due by the plan until the run ended; none in the closed
    /// model, where none is due.
    pub planned: Option<u64>,
    /// Iterations begun.
    pub started: u64,
    /// Iterations finished.
    pub finished: u64,
    /// Arrivals that found no free virtual user, or came too late.
    pub dropped: u64,
    /// Iterations cut off at the end of the drain.
    pub abandoned: u64,
    /// MCP sessions opened.
    pub sessions: u64,
    /// Iterations begun as a share of those planned; none in the closed model.
    pub fidelity: Option<f64>,
}

/// A flow's part of a mix.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MixView {
    /// The flow's name.
    pub flow: String,
    /// Its share of the iterations.
    pub share: f64,
}

/// The scenarios of a plan, in its order.
pub(super) fn scenarios(results: &Results) -> Vec<ScenarioView> {
    results.plan.scenarios.iter().enumerate().map(|(index, scenario)| view(results, index, scenario)).collect()
}

fn view(results: &Results, index: usize, scenario: &Scenario) -> ScenarioView {
    let rows =
        || results.recording.seconds.iter().flat_map(|slice| &slice.scenarios).filter(|row| row.scenario == index);
    let started = rows().map(|row| row.started).sum();
    let planned = planned(results, scenario);
    ScenarioView {
        name: clean(&scenario.name),
        doc: scenario.doc.as_deref().map(clean),
        server: servers(results, scenario),
        model: if scenario.load.is_open() { "open" } else { "closed" },
        load: load::words(&scenario.load, scenario.max_users),
        duration_ns: float(scenario.load.duration_ns()),
        warmup_ns: float(scenario.warmup_ns),
        drain_ns: float(scenario.drain_ns),
        mix: mix(&results.plan, scenario),
        planned,
        started,
        finished: rows().map(|row| row.iterations).sum(),
        dropped: rows().map(|row| row.dropped).sum(),
        abandoned: rows().map(|row| row.abandoned).sum(),
        sessions: rows().map(|row| row.sessions).sum(),
        fidelity: planned.and_then(|planned| share(started, planned)),
    }
}

/// The names of the servers that its users are spread over.
fn servers(results: &Results, scenario: &Scenario) -> String {
    let servers = scenario.targets.iter().filter_map(|target| results.plan.servers.get(target.server));
    servers.map(|server| clean(&server.name)).collect::<Vec<_>>().join(", ")
}

/// Arrivals that were due before the run ended.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "areas are finite and not negative")]
fn planned(results: &Results, scenario: &Scenario) -> Option<u64> {
    let Load::Open { segments, .. } = &scenario.load else { return None };
    let load = &scenario.placed_load();
    Some(match results.run.ended {
        Ended::Completed => crate::plan::schedule::count(segments),
        Ended::Interrupted | Ended::Guarded | Ended::Killed => {
            load::area_between(load, 0, results.run.load_ms.saturating_mul(1_000_000)).round() as u64
        }
    })
}

fn mix(plan: &Plan, scenario: &Scenario) -> Vec<MixView> {
    let slots: u64 = scenario.mix.iter().map(|share| u64::from(share.slots)).sum();
    let view = |part: &crate::plan::Share| MixView {
        flow: plan.flows.get(part.flow).map(|flow| clean(&flow.name)).unwrap_or_default(),
        share: share(u64::from(part.slots), slots).unwrap_or(0.0),
    };
    scenario.mix.iter().map(view).collect()
}
