//! From the tree to the plan.

use std::collections::BTreeMap;

use super::data::DataItem;
use super::flow::Runs;
use super::items::Items;
use super::{Files, Model, Origin, Param, assertion, baseline, data, flow, guard, rules, scenario, server, stages};
use crate::diag::{self, Diagnostic, errors};
use crate::expr::Value;
use crate::plan::{self, Measure, Plan};
use crate::syntax::{Parse, ast};
use crate::text::{Source, Span};
use crate::units::Dimension;

/// How to compile.
pub struct Options<'a> {
    /// What the plan is called: the file's name without its ending.
    pub name: &'a str,
    /// Seed of every random choice.
    pub seed: u64,
    /// `--set NAME=VALUE`.
    pub overrides: &'a [(String, String)],
    /// Where servers are instead of where the file says: the name of each, and a text
    /// as `at` takes it. Names that the file does not have are of no effect.
    pub targets: &'a [(String, String)],
    /// The environment.
    pub env: &'a dyn Fn(&str) -> Option<String>,
    /// Other files that the file names.
    pub files: &'a dyn Files,
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
        groups: Vec::new(),
        measures: Vec::new(),
        data: Vec::new(),
        flow_names: Vec::new(),
        runs: Vec::new(),
        paces: Vec::new(),
        any_rejected: false,
        read_env: false,
    };
    let items = Items::collect(&parse.files(), &mut lowering.out);
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
    /// `None` when its definition is broken, and for a secret.
    pub(super) value: Option<Value>,
    /// The environment variable that holds its value, where it is a secret.
    pub(super) secret: Option<String>,
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
    /// Names of groups; the index is their number in the plan.
    pub(super) groups: Vec<String>,
    /// Metrics of the file's own, and where each is named first.
    pub(super) measures: Vec<(Measure, Span)>,
    /// The data of the file.
    pub(super) data: Vec<DataItem>,
    /// Names of all flows; the index is their number in the plan.
    pub(super) flow_names: Vec<String>,
    /// Which flow runs which.
    pub(super) runs: Vec<Runs>,
    /// Flows with a `pace`, and where it stands.
    pub(super) paces: Vec<(usize, Span)>,
    /// Whether the parser rejected an item, in which what is missing may be.
    pub(super) any_rejected: bool,
    /// Whether an environment variable was read since this was last reset.
    pub(super) read_env: bool,
}

impl Lowering<'_> {
    /// The text under `span`, as written, on one line.
    pub(super) fn written(&self, span: Span) -> String {
        self.source.slice(span).split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// The number of a metric of the file's own. One name has one dimension.
    pub(super) fn measure(&mut self, name: &ast::Name, dimension: Dimension) -> Option<usize> {
        if super::metric::is_metric(&name.text()) {
            self.out.push(errors::names::taken(&name.text(), "a metric that every run has", name.span()));
            return None;
        }
        let known = self.measures.iter().position(|(known, _)| known.name == name.text());
        match known.and_then(|index| Some((index, self.measures.get(index)?))) {
            Some((index, (known, _))) if known.dimension == dimension => Some(index),
            Some((_, (known, first))) => {
                let (wanted, first) = (known.dimension, *first);
                let found = dimension.phrase();
                let diagnostic = errors::types::wrong_kind(wanted.phrase(), wanted.example(), found, name.span());
                self.out.push(diagnostic.also(first, "measured here first"));
                None
            }
            None => {
                self.measures.push((Measure { name: name.text(), dimension }, name.span()));
                Some(self.measures.len() - 1)
            }
        }
    }

    fn params(&mut self, params: &[ast::Param]) {
        self.declared = params.iter().filter_map(ast::Param::name).map(|name| (name.text(), name.span())).collect();
        for param in params {
            let Some(name) = param.name() else { continue };
            self.read_env = false;
            if let Some(secret) = param.value().and_then(|value| self.as_secret(&value)) {
                self.secret_param(&name, secret);
                continue;
            }
            let value = param.value().and_then(|value| self.constant(&value));
            let given = self.options.overrides.iter().rev().find(|(key, _)| *key == name.text());
            let origin = match (given, self.read_env) {
                (Some(_), _) => Origin::Set,
                (None, true) => Origin::Environment,
                (None, false) => Origin::File,
            };
            let value = match (value, given) {
                (Some(value), Some((_, text))) => self.overridden(&name.text(), &value, text, param.span()),
                (value, _) => value,
            };
            if let Some(value) = &value {
                self.record_param(&name, value.excerpt(), origin);
            }
            self.params.insert(name.text(), ParamEntry { value, secret: None, span: name.span(), used: false });
        }
    }

    fn record_param(&mut self, name: &ast::Name, value: String, origin: Origin) {
        let at = name.span().start;
        let (file, line) = (self.source.file(at).name.to_owned(), self.source.position(at).line);
        self.model.params.push(Param { name: name.text(), value, origin, file, line });
    }

    /// A parameter whose value nobody may see: it is not read here, and `--set`,
    /// which would show it to every process of the machine, does not give it.
    fn secret_param(&mut self, name: &ast::Name, secret: Option<String>) {
        if self.options.overrides.iter().any(|(key, _)| *key == name.text()) {
            let variable = secret.as_deref().unwrap_or("TOKEN");
            self.out.push(errors::types::secret_override(&name.text(), variable, name.span()));
        }
        if secret.is_some() {
            let value = "a secret".to_owned();
            self.record_param(name, value, Origin::Environment);
        }
        // A broken definition binds, too.
        let secret = secret.or(Some(String::new()));
        self.params.insert(name.text(), ParamEntry { value: None, secret, span: name.span(), used: false });
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
        let mut guard = guard::lower(self, items);
        data::lower_all(self, items);
        let mut flows = flow::lower_all(self, items);
        let scenarios = scenario::lower_all(self, items, &servers, &mut flows);
        let complete = servers.iter().all(|server| server.plan.is_some())
            && flows.iter().all(|flow| flow.plan.is_some())
            && self.data.iter().all(|data| data.plan.is_some())
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
            data: self.data.iter().filter_map(|data| data.plan.clone()).collect(),
            expectations: self.labels.clone(),
            groups: self.groups.clone(),
            measures: self.measures.iter().map(|(measure, _)| measure.clone()).collect(),
            assertions: Vec::new(),
            baselines: Vec::new(),
            reports: items.reports(self),
        };
        if complete {
            plan.series = series(&plan);
        }
        // Assertions name what exists; while an item is broken, its names bind
        // and nothing is said about its metrics.
        plan.assertions = assertion::lower_all(self, items, &plan, complete);
        plan.baselines = baseline::lower_all(self, items, &plan, complete);
        guard.aborts(self, items, &plan, complete);
        plan.guard.aborts.clone_from(&guard.plan.aborts);
        stages::seek_conditions(self, items, &mut plan, complete);
        rules::check(self, items, &servers, &guard, &scenarios, complete.then_some(&plan));
        drop_unused_servers(&mut plan);
        self.model.tables = self.data.iter_mut().filter_map(|data| data.table.take()).collect();
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
    let used = |index: usize, scenarios: &[plan::Scenario]| {
        scenarios.iter().flat_map(|scenario| &scenario.targets).any(|target| target.server == index)
    };
    for index in (0..plan.servers.len()).rev().filter(|index| !used(*index, &plan.scenarios)).collect::<Vec<_>>() {
        plan.servers.remove(index);
        let targets = plan.scenarios.iter_mut().flat_map(|scenario| &mut scenario.targets);
        for target in targets.filter(|target| target.server > index) {
            target.server -= 1;
        }
    }
}

/// One series for each request step of each flow of each scenario.
fn series(plan: &Plan) -> Vec<plan::Series> {
    let mut series = Vec::new();
    for (scenario_index, scenario) in plan.scenarios.iter().enumerate() {
        for flow in plan.flows_of(scenario) {
            let apart = Some(flow) == scenario.before || Some(flow) == scenario.after;
            let requests = plan.flows.get(flow).into_iter().flat_map(plan::Flow::requests);
            series.extend(requests.map(|request| plan::Series {
                scenario: scenario_index,
                flow,
                step: request.label.clone(),
                kind: request.method.keyword().to_owned(),
                apart,
                tags: scenario.tags.clone(),
                tag_keys: request.tags.iter().map(|tag| tag.key.clone()).collect(),
            }));
        }
    }
    series
}
