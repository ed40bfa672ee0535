//! What does not change while a run goes on: its names, and those of what is measured.

use super::Labels;
use crate::plan::{Load, Method, Plan, Scenario};
use crate::record::{Phase, SeriesRow};
use crate::results::ServerInfo;

/// The names of a run and of what is measured in it.
#[derive(Clone, Debug)]
pub struct Context {
    /// Identifies the run.
    pub(super) run_id: String,
    /// The name of the plan.
    pub(super) name: String,
    /// Threads of the engine.
    pub(super) threads: usize,
    /// By index of the series.
    pub(super) series: Vec<Named>,
    /// By index of the scenario.
    pub(super) scenarios: Vec<Planned>,
}

/// A series by its names.
#[derive(Clone, Debug)]
pub(super) struct Named {
    /// The scenario, the flow, the step and what it sends.
    pub(super) labels: Labels,
    /// Keys of the tags that requests bring.
    tag_keys: Vec<String>,
}

/// A scenario and its load.
#[derive(Clone, Debug)]
pub(super) struct Planned {
    pub(super) name: String,
    load: Load,
}

impl Planned {
    /// The level in the middle of a second, and whether it is a rate of iterations rather than
    /// a number of users. `None` where it is searched for.
    pub(super) fn level(&self, second: u32) -> Option<(f64, bool)> {
        match &self.load {
            Load::Seek(_) => None,
            load => Some((load.level_at(u64::from(second) * 1_000_000_000 + 500_000_000), load.is_open())),
        }
    }
}

impl Context {
    /// Of a run of `plan` on so many threads, against servers that presented themselves.
    #[must_use]
    pub fn new(plan: &Plan, run_id: &str, threads: usize, servers: &[ServerInfo]) -> Context {
        let series = (0..plan.series.len()).map(|index| named(plan, index, servers)).collect();
        let scenarios = plan
            .scenarios
            .iter()
            .map(|scenario| Planned { name: scenario.name.clone(), load: Scenario::placed_load(scenario) })
            .collect();
        Context { run_id: run_id.to_owned(), name: plan.name.clone(), threads, series, scenarios }
    }

    /// The labels of a row.
    pub(super) fn labels(&self, row: &SeriesRow) -> Labels {
        let Some(series) = self.series.get(row.series) else { return Labels::new() };
        let mut labels = series.labels.clone();
        labels.push(phase(row.phase));
        let tags = series.tag_keys.iter().zip(&row.tags);
        labels.extend(tags.map(|(key, value)| (tag(key), value.clone())));
        labels
    }

    /// The labels of a scenario.
    pub(super) fn of_scenario(&self, scenario: usize) -> Labels {
        let name = self.scenarios.get(scenario).map(|scenario| scenario.name.clone()).unwrap_or_default();
        vec![("mcpl.scenario".to_owned(), name)]
    }
}

/// The label of a phase.
pub(super) fn phase(phase: Phase) -> (String, String) {
    let name = match phase {
        Phase::Warmup => "warmup",
        Phase::Measured => "measured",
    };
    ("mcpl.phase".to_owned(), name.to_owned())
}

fn tag(key: &str) -> String {
    format!("mcpl.tag.{key}")
}

/// A series by the names of the file, and of the conventions of OpenTelemetry for MCP
/// (semantic-conventions-genai, "Semantic conventions for Model Context Protocol").
fn named(plan: &Plan, index: usize, servers: &[ServerInfo]) -> Named {
    let Some(series) = plan.series.get(index) else { return Named { labels: Labels::new(), tag_keys: Vec::new() } };
    let flow = plan.flows.get(series.flow);
    let scenario = plan.scenarios.get(series.scenario);
    let mut labels = Labels::new();
    let mut add = |key: &str, value: &str| labels.push((key.to_owned(), value.to_owned()));
    add("mcpl.scenario", scenario.map_or("", |scenario| &scenario.name));
    add("mcpl.flow", flow.map_or("", |flow| &flow.name));
    add("mcpl.step", &series.step);
    // The requests of a flow have its series in their order.
    let at = plan.first_series(series.scenario, series.flow).and_then(|first| index.checked_sub(first));
    if let Some(request) = at.and_then(|at| flow?.requests().get(at).copied()) {
        add("mcp.method.name", request.method.wire());
        match &request.method {
            Method::Call { tool } => {
                add("gen_ai.operation.name", "execute_tool");
                add("gen_ai.tool.name", tool);
            }
            Method::Prompt { name } => add("gen_ai.prompt.name", name),
            _ => {}
        }
    }
    // Of several servers a series does not say which one it was.
    let server = scenario.filter(|scenario| scenario.targets.len() == 1).and_then(|scenario| scenario.targets.first());
    if let Some(server) = server.and_then(|target| servers.get(target.server)) {
        add("mcpl.server", &server.name);
        add("network.transport", if server.transport == "stdio" { "pipe" } else { "tcp" });
        // Several revisions are told with their shares.
        if !server.revision.contains(' ') {
            add("mcp.protocol.version", &server.revision);
        }
    }
    for (key, value) in &series.tags {
        labels.push((tag(key), value.clone()));
    }
    Named { labels, tag_keys: series.tag_keys.clone() }
}
