//! `flow NAME { … }`

use super::expression::{Names, meaning};
use super::items::Items;
use super::lower::Lowering;
use super::types::Type;
use crate::diag::errors;
use crate::plan::{Flow, Save, Step};
use crate::syntax::ast::{self, RequestStmt};
use crate::text::Span;

/// A flow by its name.
pub(super) struct FlowItem {
    pub(super) name: String,
    /// `None` when it is broken.
    pub(super) plan: Option<Flow>,
}

/// A flow that another one runs.
pub(super) struct Runs {
    /// Index of the flow that runs it.
    pub(super) from: usize,
    /// Its own index.
    pub(super) to: usize,
    /// Where that is said.
    pub(super) span: Span,
}

/// Lowers all flows that have a name.
pub(super) fn lower_all(lowering: &mut Lowering<'_>, items: &Items) -> Vec<FlowItem> {
    let named: Vec<_> = items.flows.iter().filter_map(|flow| Some((flow, flow.name()?))).collect();
    lowering.flow_names = named.iter().map(|(_, name)| name.text()).collect();
    lowering.any_rejected = items.any_rejected;
    let mut flows: Vec<FlowItem> = named
        .into_iter()
        .enumerate()
        .map(|(index, (flow, name))| {
            let broken = flow.is_broken();
            lower(lowering, &flow.statements(), (&name.text(), name.span()), flow.doc(), index, broken)
        })
        .collect();
    circles(lowering, &mut flows);
    flows
}

/// Lowers the steps of a flow, or of `before user` and `after user`.
pub(super) fn lower(
    lowering: &mut Lowering<'_>,
    statements: &[ast::Step],
    (name, span): (&str, Span),
    doc: Option<String>,
    index: usize,
    broken: bool,
) -> FlowItem {
    let mut later = Vec::new();
    statements.iter().for_each(|step| bindings(step, &mut later));
    let mut draft = Draft {
        index,
        locals: Vec::new(),
        later,
        branch: Vec::new(),
        steps: Vec::new(),
        requests: 0,
        runs: false,
        parallel: None,
        unsettled: Vec::new(),
    };
    let mut whole = !broken;
    for step in statements {
        whole &= draft.step(lowering, step).is_some();
    }
    if draft.requests == 0 && !draft.runs && whole && !statements.iter().any(ast::Step::is_broken) {
        lowering.out.push(errors::load::silent_flow(name, span));
        whole = false;
    }
    let plan = whole.then(|| Flow { name: name.to_owned(), doc, steps: draft.steps, locals: draft.locals.len() });
    FlowItem { name: name.to_owned(), plan }
}

/// Finds flows that run each other in a circle, and marks them as broken: what
/// follows may recurse over what a flow runs.
fn circles(lowering: &mut Lowering<'_>, flows: &mut [FlowItem]) {
    let mut told: Vec<usize> = Vec::new();
    for start in 0..flows.len() {
        // The flows that can be reached from it, and by which statement first.
        let mut reached: Vec<usize> = Vec::new();
        let mut todo: Vec<(usize, Span)> =
            lowering.runs.iter().filter(|run| run.from == start).map(|run| (run.to, run.span)).collect();
        let mut closing = None;
        while let Some((at, first)) = todo.pop() {
            if at == start {
                closing = Some(first);
                break;
            }
            if !reached.contains(&at) {
                reached.push(at);
                todo.extend(lowering.runs.iter().filter(|run| run.from == at).map(|run| (run.to, first)));
            }
        }
        let Some(span) = closing else { continue };
        if !told.iter().any(|told| reached.contains(told)) {
            let name = flows.get(start).map(|flow| flow.name.clone()).unwrap_or_default();
            lowering.out.push(errors::load::circle(&format!("flow `{name}`"), "runs itself", span));
        }
        told.push(start);
    }
    for index in told {
        if let Some(flow) = flows.get_mut(index) {
            flow.plan = None;
        }
    }
}

/// The names that a step gives a value, and where.
fn bindings(step: &ast::Step, found: &mut Vec<(String, Span)>) {
    use ast::Step;
    let named = |binding: &ast::Binding| binding.name().map(|name| (name.text(), name.span()));
    match step {
        Step::Let(binding) => found.extend(named(binding)),
        Step::Take(take) => found.extend(take.row().map(|name| (name.text(), name.span()))),
        Step::Call(request)
        | Step::Read(request)
        | Step::Prompt(request)
        | Step::List(request)
        | Step::Complete(request)
        | Step::Subscribe(request)
        | Step::Request(request) => found.extend(request.statements().iter().filter_map(|statement| match statement {
            RequestStmt::Save(binding) => named(binding),
            _ => None,
        })),
        // What a branch binds is not there behind it.
        Step::Repeat(steps) | Step::Parallel(steps) | Step::Group(steps) => {
            steps.statements().iter().for_each(|step| bindings(step, found));
        }
        _ => {}
    }
}

/// A flow while it is lowered.
pub(super) struct Draft {
    pub(super) index: usize,
    /// Variables bound so far; the slot is the index. One that is out of scope
    /// has lost its name.
    pub(super) locals: Vec<(String, Type)>,
    /// Every variable of the flow, and where it is bound.
    pub(super) later: Vec<(String, Span)>,
    /// Variables that are out of scope, and where they are bound.
    pub(super) branch: Vec<(String, Span)>,
    pub(super) steps: Vec<Step>,
    pub(super) requests: usize,
    /// Whether it runs another flow.
    pub(super) runs: bool,
    /// The `parallel` block that is being lowered.
    pub(super) parallel: Option<Span>,
    /// Variables that get their values when that block has ended: slots and names.
    pub(super) unsettled: Vec<(usize, String)>,
}

impl Draft {
    pub(super) fn names(&self, response: bool) -> Names<'_> {
        Names { locals: &self.locals, response, flow: true, later: &self.later, branch: &self.branch }
    }

    /// Lowers the steps of a block; `None` when one is broken.
    pub(super) fn block(&mut self, lowering: &mut Lowering<'_>, statements: &[ast::Step]) -> Option<Vec<Step>> {
        let outer = std::mem::take(&mut self.steps);
        let mut whole = true;
        for step in statements {
            whole &= self.step(lowering, step).is_some();
        }
        let inner = std::mem::replace(&mut self.steps, outer);
        whole.then_some(inner)
    }

    /// Lowers the steps of a block that may not be performed: what it binds is
    /// not known behind it, and what it binds again may be of either type.
    pub(super) fn branch(&mut self, lowering: &mut Lowering<'_>, statements: &[ast::Step]) -> Option<Vec<Step>> {
        let before = self.locals.clone();
        let steps = self.block(lowering, statements);
        for (index, local) in self.locals.iter_mut().enumerate() {
            match before.get(index) {
                Some((_, ty)) if *ty != local.1 => local.1 = Type::Any,
                Some(_) => {}
                None => local.0.clear(),
            }
        }
        let outside = |(name, _): &(String, Span)| !before.iter().any(|(known, _)| known == name);
        let mut bound = Vec::new();
        statements.iter().for_each(|step| bindings(step, &mut bound));
        self.branch.extend(bound.into_iter().filter(outside));
        steps
    }

    /// The slot of a variable. A name that is bound again gets its slot again:
    /// later steps see the new value.
    pub(super) fn slot(&mut self, name: &str, ty: Type) -> usize {
        match self.locals.iter().position(|(local, _)| local == name) {
            Some(slot) => {
                if let Some(local) = self.locals.get_mut(slot) {
                    local.1 = ty;
                }
                slot
            }
            None => {
                self.locals.push((name.to_owned(), ty));
                self.locals.len() - 1
            }
        }
    }

    /// Whether the name means something already, after saying so.
    pub(super) fn is_taken(&self, lowering: &mut Lowering<'_>, name: &ast::Name) -> bool {
        let meaning = meaning(&name.text());
        if let Some(meaning) = meaning {
            lowering.out.push(errors::names::taken(&name.text(), meaning, name.span()));
        }
        meaning.is_some()
    }

    /// Binds a variable. It is bound even when its value is broken, so that what
    /// uses it stays silent.
    pub(super) fn bind(&mut self, lowering: &mut Lowering<'_>, binding: &ast::Binding, response: bool) -> Option<Save> {
        let name_ast = binding.name()?;
        let name = name_ast.text();
        let taken = self.is_taken(lowering, &name_ast);
        let value = binding.value().and_then(|value| lowering.expression(&value, &self.names(response)));
        let ty = value.as_ref().map_or(Type::Any, |value| value.ty);
        let slot = self.slot(&name, ty);
        (!taken).then_some(())?;
        Some(Save { slot, name, value: value?.expr })
    }
}

impl Lowering<'_> {
    /// The number of a label; two expectations may share one.
    pub(super) fn label(&mut self, label: String) -> usize {
        number(&mut self.labels, label)
    }

    /// The number of a group; two groups may share a name.
    pub(super) fn group(&mut self, name: String) -> usize {
        number(&mut self.groups, name)
    }
}

fn number(known: &mut Vec<String>, name: String) -> usize {
    match known.iter().position(|known| *known == name) {
        Some(index) => index,
        None => {
            known.push(name);
            known.len() - 1
        }
    }
}
