//! From the tree to the plan.

use std::collections::BTreeMap;

use super::items::Items;
use super::{Model, Param, assertion, flow, guard, rules, scenario, server};
use crate::diag::{self, Diagnostic, errors};
use crate::expr::Value;
use crate::plan::{self, Plan};
use crate::syntax::{Parse, ast};
use crate::text::{Source, Span};

/// How to compile.
pub struct Options<'a> {
    /// What the plan is called: the file's name without its ending.
    pub name: &'a str,
    /// Seed of every random choice.
    pub seed: u64,
    /// `--set NAME=VALUE`.
    pub overrides: &'a [(String, String)],
    /// The environment.
    pub env: &'a dyn Fn(&str) -> Option<String>,
}

/// What became of a file.
#[derive(Clone, Debug)]
pub struct Lowered {
    /// The plan; `None` when any diagnostic is an error.
    pub plan: Option<Plan>,
    /// What else is known of the file.
    pub model: Model,
    /// What is wrong, syntax included, in the order of the places.
    pub diagnostics: Vec<Diagnostic>,
    /// Overrides that name no parameter of the file, and all parameters.
    pub unknown_overrides: Vec<String>,
}

/// Binds, types and compiles a parsed file.
#[must_use]
pub fn lower(source: &Source, parse: &Parse, options: &Options<'_>) -> Lowered {
    let mut lowering = Lowering {
        source,
        options,
        out: Vec::new(),
        params: BTreeMap::new(),
        declared: Vec::new(),
        model: Model::default(),
        labels: Vec::new(),
    };
    let items = Items::collect(&parse.file(), &mut lowering.out);
    lowering.params(&items.params);
    let plan = lowering.plan(&items);
    lowering.report_unused_params();
    let mut diagnostics = parse.diagnostics().to_vec();
    diagnostics.append(&mut lowering.out);
    diag::tidy(&mut diagnostics);
    let failed = diagnostics.iter().any(Diagnostic::is_error);
    if failed {
        // What seems unused may be meant by a name that is mistyped.
        diagnostics.retain(|diagnostic| diagnostic.code != errors::names::UNUSED);
    }
    let known = |name: &String| lowering.params.contains_key(name);
    let unknown_overrides =
        options.overrides.iter().map(|(name, _)| name.clone()).filter(|name| !known(name)).collect();
    Lowered { plan: plan.filter(|_| !failed), model: lowering.model, diagnostics, unknown_overrides }
}

/// A parameter while the file is compiled.
pub(super) struct ParamEntry {
    /// `None` when its definition is broken.
    pub(super) value: Option<Value>,
    pub(super) span: Span,
    pub(super) used: bool,
}

/// The state of one compilation.
pub(super) struct Lowering<'a> {
    pub(super) source: &'a Source,
    pub(super) options: &'a Options<'a>,
    pub(super) out: Vec<Diagnostic>,
    pub(super) params: BTreeMap<String, ParamEntry>,
    /// Every parameter of the file and where its name stands.
    pub(super) declared: Vec<(String, Span)>,
    pub(super) model: Model,
    /// Labels of expectations; the index is their number in the plan.
    pub(super) labels: Vec<String>,
}

impl Lowering<'_> {
    /// The text under `span`, as written, on one line.
    pub(super) fn written(&self, span: Span) -> String {
        self.source.slice(span).split_whitespace().collect::<Vec<_>>().join(" ")
    }

    fn params(&mut self, params: &[ast::Param]) {
        self.declared = params.iter().filter_map(ast::Param::name).map(|name| (name.text(), name.span())).collect();
        for param in params {
            let Some(name) = param.name() else { continue };
            let value = param.value().and_then(|value| self.constant(&value));
            let given = self.options.overrides.iter().rev().find(|(key, _)| *key == name.text());
            let overridden = given.is_some();
            let value = match (value, given) {
                (Some(value), Some((_, text))) => self.overridden(&name.text(), &value, text, param.span()),
                (value, _) => value,
            };
            if let Some(value) = &value {
                self.model.params.push(Param { name: name.text(), value: value.excerpt(), overridden });
            }
            self.params.insert(name.text(), ParamEntry { value, span: name.span(), used: false });
        }
    }

    /// The value that `--set` gives, if it is of the parameter's own kind.
    fn overridden(&mut self, name: &str, own: &Value, text: &str, span: Span) -> Option<Value> {
        use super::types::Type;
        let wanted = Type::of(own);
        let given = match wanted {
            Type::Text => Value::Json(text.into()),
            Type::Quantity(dimension) if dimension != crate::units::Dimension::Number => {
                crate::units::parse(text).map_or(Value::NULL, Value::Quantity)
            }
            _ => serde_json::from_str(text).map_or_else(|_| Value::Json(text.into()), Value::Json),
        };
        if Type::of(&given) == wanted {
            return Some(given);
        }
        let example = match wanted {
            Type::Quantity(dimension) => dimension.example().to_owned(),
            _ => own.excerpt(),
        };
        self.out.push(errors::types::override_kind(name, text, wanted.phrase(), &example, span));
        None
    }

    fn plan(&mut self, items: &Items) -> Option<Plan> {
        let servers = server::lower_all(self, items);
        let guard = guard::lower(self, items);
        let flows = flow::lower_all(self, items);
        let scenarios = scenario::lower_all(self, items, &flows);
        let complete = servers.iter().all(|server| server.plan.is_some())
            && flows.iter().all(|flow| flow.plan.is_some())
            && scenarios.iter().all(|scenario| scenario.plan.is_some());
        let mut plan = Plan {
            schema: plan::SCHEMA.to_owned(),
            name: self.options.name.to_owned(),
            seed: self.options.seed,
            servers: servers.iter().filter_map(|server| server.plan.clone()).collect(),
            guard: guard.plan.clone(),
            flows: flows.iter().filter_map(|flow| flow.plan.clone()).collect(),
            scenarios: scenarios.iter().filter_map(|scenario| scenario.plan.clone()).collect(),
            series: Vec::new(),
            expectations: self.labels.clone(),
            assertions: Vec::new(),
            reports: items.reports(self),
        };
        if complete {
            plan.series = series(&plan);
        }
        // Assertions name what exists; while an item is broken, its names bind
        // and nothing is said about its metrics.
        plan.assertions = assertion::lower_all(self, items, &plan, complete);
        rules::check(self, items, &servers, &guard, &scenarios, complete.then_some(&plan));
        drop_unused_servers(&mut plan);
        complete.then_some(plan)
    }

    fn report_unused_params(&mut self) {
        let unused: Vec<_> = self
            .params
            .iter()
            .filter(|(_, entry)| !entry.used)
            .map(|(name, entry)| errors::names::unused("param", name, entry.span))
            .collect();
        self.out.extend(unused);
    }
}

/// A server that no scenario targets is not even connected to.
fn drop_unused_servers(plan: &mut Plan) {
    let used = |index: usize, scenarios: &[plan::Scenario]| scenarios.iter().any(|scenario| scenario.server == index);
    for index in (0..plan.servers.len()).rev().filter(|index| !used(*index, &plan.scenarios)).collect::<Vec<_>>() {
        plan.servers.remove(index);
        for scenario in plan.scenarios.iter_mut().filter(|scenario| scenario.server > index) {
            scenario.server -= 1;
        }
    }
}

/// One series for each request step of each flow of each scenario.
fn series(plan: &Plan) -> Vec<plan::Series> {
    let mut series = Vec::new();
    for (scenario_index, scenario) in plan.scenarios.iter().enumerate() {
        let mut seen = Vec::new();
        for share in &scenario.mix {
            if seen.contains(&share.flow) {
                continue;
            }
            seen.push(share.flow);
            let requests = plan.flows.get(share.flow).into_iter().flat_map(plan::Flow::requests);
            series.extend(requests.map(|request| plan::Series {
                scenario: scenario_index,
                flow: share.flow,
                step: request.label.clone(),
                kind: request.method.keyword().to_owned(),
            }));
        }
    }
    series
}
