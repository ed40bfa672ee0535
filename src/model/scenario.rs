//! `scenario NAME { … }`

use super::flow::{self, FlowItem};
use super::habits;
use super::items::{Items, check_name};
use super::lower::Lowering;
use super::server::{ServerItem, whole_ns};
use super::stages::Stages;
use super::start::{self, Start};
use crate::diag::errors;
use crate::expr::Value;
use crate::plan::{Scenario, Share, Target};
use crate::syntax::ast::{self, ScenarioStmt};
use crate::text::Span;
use crate::units::{Dimension, Quantity};

/// How long work under way may take to finish, unless the file says otherwise.
const DEFAULT_DRAIN_NS: f64 = 30e9;

/// Every bag of a mix holds so many iterations, or ten or a hundred times as
/// many where the shares have decimals.
const BAG: [f64; 3] = [100.0, 1000.0, 10_000.0];

/// A scenario and where it stands in the file.
pub(super) struct ScenarioItem {
    pub(super) stages_span: Option<Span>,
    /// Names of the servers it targets, broken or not.
    pub(super) targets: Vec<String>,
    /// Names of the flows it uses, broken or not.
    pub(super) uses: Vec<String>,
    /// Where it says `cache hints on`.
    pub(super) caches: Option<Span>,
    /// `None` when it is broken.
    pub(super) plan: Option<Scenario>,
}

/// Lowers all scenarios that have a name.
pub(super) fn lower_all(
    lowering: &mut Lowering<'_>,
    items: &Items,
    servers: &[ServerItem],
    flows: &mut Vec<FlowItem>,
) -> Vec<ScenarioItem> {
    let named: Vec<_> = items.scenarios.iter().filter_map(|item| Some((item, item.name()?))).collect();
    let mut starts = Vec::new();
    let mut scenarios: Vec<ScenarioItem> = Vec::new();
    for (item, name) in &named {
        let (scenario, start) = lower(lowering, items, servers, flows, item, name);
        scenarios.push(scenario);
        starts.push(start);
    }
    let names: Vec<String> = named.iter().map(|(_, name)| name.text()).collect();
    start::resolve(lowering, items, &names, &starts, &mut scenarios);
    scenarios
}

#[derive(Default)]
struct Draft {
    target: Option<Span>,
    /// Names of the servers.
    named: Vec<String>,
    targets: Option<Vec<Target>>,
    start: Option<(Start, Span)>,
    habits: habits::Draft,
    cache_hints: Option<(bool, Span)>,
    before: Option<(usize, Span)>,
    after: Option<(usize, Span)>,
    tags: Vec<(String, String, Span)>,
    warmup: Option<(f64, Span)>,
    stages: Option<(Option<Stages>, Span)>,
    work: Option<(&'static str, Span)>,
    mix: Option<Vec<Share>>,
    uses: Vec<String>,
}

fn lower(
    lowering: &mut Lowering<'_>,
    items: &Items,
    servers: &[ServerItem],
    flows: &mut Vec<FlowItem>,
    item: &ast::Scenario,
    name: &ast::Name,
) -> (ScenarioItem, Option<(Start, Span)>) {
    let mut draft = Draft::default();
    let mut whole = !item.is_broken();
    for statement in item.statements() {
        whole &= draft.statement(lowering, items, flows, name, &statement).is_some();
    }
    if whole {
        draft.missing(lowering, items, name);
    }
    let plan = draft.finish(lowering, servers, flows, item, name).filter(|_| whole);
    let scenario = ScenarioItem {
        stages_span: draft.stages.as_ref().map(|(_, span)| *span),
        targets: draft.named,
        uses: draft.uses,
        caches: draft.cache_hints.and_then(|(on, span)| on.then_some(span)),
        plan,
    };
    (scenario, draft.start)
}

impl Draft {
    /// `None` when the statement is broken.
    fn statement(
        &mut self,
        lowering: &mut Lowering<'_>,
        items: &Items,
        flows: &mut Vec<FlowItem>,
        own: &ast::Name,
        statement: &ScenarioStmt,
    ) -> Option<()> {
        match statement {
            ScenarioStmt::Target(target) => self.target(lowering, items, target),
            ScenarioStmt::Warmup(attr) => {
                if let Some((_, first)) = self.warmup {
                    lowering.out.push(errors::load::repeated("warmup", attr.keyword_span(), first));
                    return None;
                }
                let warmup = lowering.quantity_attr(attr, Dimension::Duration, 0.0)?;
                self.warmup = Some((warmup, attr.span()));
                Some(())
            }
            ScenarioStmt::Stages(stages) => {
                if let Some((_, first)) = &self.stages {
                    lowering.out.push(errors::load::repeated("stages", stages.keyword_span(), *first));
                    return None;
                }
                let lowered = Stages::lower(lowering, stages);
                let whole = lowered.is_some();
                self.stages = Some((lowered, stages.keyword_span()));
                whole.then_some(())
            }
            ScenarioStmt::Mix(mix) => {
                self.work(lowering, "mix", mix.keyword_span())?;
                self.mix = Some(self.shares(lowering, items, flows, mix)?);
                Some(())
            }
            ScenarioStmt::Run(run) => {
                let name = run.name()?;
                self.work(lowering, "run", run.keyword_span())?;
                let flow = self.flow(lowering, items, flows, &name)?;
                self.mix = Some(vec![Share { flow, slots: 1 }]);
                Some(())
            }
            ScenarioStmt::StartAt(attr) => {
                first(lowering, "start", attr.span(), self.start.as_ref().map(|(_, span)| *span))?;
                let at = lowering.quantity_attr(attr, Dimension::Duration, 0.0)?;
                self.start = Some((Start::At(at), attr.span()));
                Some(())
            }
            ScenarioStmt::StartAfter(after) => {
                first(lowering, "start", after.span(), self.start.as_ref().map(|(_, span)| *span))?;
                self.start = Some((Start::After(after.name()?), after.span()));
                Some(())
            }
            ScenarioStmt::SessionsPer(word) => self.habits.sessions_per(lowering, word),
            ScenarioStmt::SessionsShared(attr) => self.habits.sessions_shared(lowering, attr),
            ScenarioStmt::Close(attr) => self.habits.close(lowering, attr),
            ScenarioStmt::ListBeforeCall(attr) => self.habits.list_before_call(lowering, attr),
            ScenarioStmt::Persona(attr) => self.habits.persona(lowering, attr),
            ScenarioStmt::HoldStream(attr) => self.habits.hold_stream(lowering, attr),
            ScenarioStmt::LostSession(word) => self.habits.lost_session(lowering, word),
            ScenarioStmt::Ids(word) => self.habits.ids(lowering, word),
            ScenarioStmt::CacheHints(attr) => {
                first(lowering, "cache hints", attr.span(), self.cache_hints.map(|(_, span)| span))?;
                self.cache_hints = Some((lowering.switch(&attr.value()?)?, attr.keyword_span()));
                Some(())
            }
            ScenarioStmt::BeforeUser(steps) => {
                first(lowering, "before user", steps.keyword_span(), self.before.map(|(_, span)| span))?;
                let flow = user_flow(lowering, flows, own, "before user", steps)?;
                self.before = Some((flow, steps.keyword_span()));
                Some(())
            }
            ScenarioStmt::AfterUser(steps) => {
                first(lowering, "after user", steps.keyword_span(), self.after.map(|(_, span)| span))?;
                let flow = user_flow(lowering, flows, own, "after user", steps)?;
                self.after = Some((flow, steps.keyword_span()));
                Some(())
            }
            ScenarioStmt::Tag(tag) => {
                let (key, value) = (tag.name()?, tag.value()?);
                check_name(&key, &mut lowering.out)?;
                let said = self.tags.iter().find(|(known, ..)| *known == key.text()).map(|(_, _, span)| *span);
                first(lowering, &format!("tag {}", key.text()), tag.span(), said)?;
                let value = match lowering.constant(&value)? {
                    Value::Quantity(quantity) => quantity.to_string(),
                    value => value.to_text(),
                };
                self.tags.push((key.text(), value, tag.span()));
                Some(())
            }
            ScenarioStmt::Broken(_) => None,
        }
    }

    /// `target docs`, or a block of shares.
    fn target(&mut self, lowering: &mut Lowering<'_>, items: &Items, item: &ast::Target) -> Option<()> {
        first(lowering, "target", item.keyword_span(), self.target)?;
        self.target = Some(item.keyword_span());
        if let Some(name) = item.name() {
            let server = self.server(lowering, items, &name)?;
            self.targets = Some(vec![Target { server, slots: 1 }]);
            return Some(());
        }
        let mut whole = item.rejected().is_empty() && !item.is_broken();
        let (mut servers, mut shares) = (Vec::new(), Vec::new());
        for share in item.shares() {
            let server = share.flow().and_then(|name| self.server(lowering, items, &name));
            let percent = share
                .percent()
                .and_then(|percent| Some((lowering.quantity(&percent, Dimension::Share)?, percent.span())));
            match (server, percent) {
                (Some(server), Some(percent)) => {
                    servers.push(server);
                    shares.push(percent);
                }
                _ => whole = false,
            }
        }
        whole.then_some(())?;
        if shares.is_empty() {
            let help = "add a share such as `100% docs`";
            lowering.out.push(errors::load::missing("server", "this `target`", item.keyword_span(), help));
            return None;
        }
        sums_up(lowering, "target", &shares, item.keyword_span())?;
        let slots = whole_slots(lowering, &shares)?;
        let targets = servers.into_iter().zip(slots);
        self.targets = Some(targets.map(|(server, slots)| Target { server, slots }).collect());
        Some(())
    }

    fn server(&mut self, lowering: &mut Lowering<'_>, items: &Items, name: &ast::Name) -> Option<usize> {
        self.named.push(name.text());
        let known: Vec<String> = items.servers.iter().filter_map(|server| Some(server.name()?.text())).collect();
        let found = known.iter().position(|known| *known == name.text());
        if found.is_none() && !items.any_rejected {
            lowering.out.push(errors::names::unknown_server(&name.text(), name.span(), &known));
        }
        found
    }

    /// `mix` and `run` exclude each other, and themselves.
    fn work(&mut self, lowering: &mut Lowering<'_>, what: &'static str, span: Span) -> Option<()> {
        if let Some((first, first_span)) = self.work {
            let diagnostic = if first == what {
                errors::load::repeated(what, span, first_span)
            } else {
                errors::load::contradicting(first, what, span, first_span)
            };
            lowering.out.push(diagnostic);
            return None;
        }
        self.work = Some((what, span));
        Some(())
    }

    fn flow(
        &mut self,
        lowering: &mut Lowering<'_>,
        items: &Items,
        flows: &[FlowItem],
        name: &ast::Name,
    ) -> Option<usize> {
        self.uses.push(name.text());
        let found = flows.iter().position(|flow| flow.name == name.text());
        if found.is_none() && !items.any_rejected {
            let known: Vec<String> = flows.iter().map(|flow| flow.name.clone()).collect();
            lowering.out.push(errors::names::unknown_flow(&name.text(), name.span(), &known));
        }
        found
    }

    fn shares(
        &mut self,
        lowering: &mut Lowering<'_>,
        items: &Items,
        flows: &[FlowItem],
        mix: &ast::Mix,
    ) -> Option<Vec<Share>> {
        let mut shares: Vec<(usize, f64, Span)> = Vec::new();
        let mut whole = mix.rejected().is_empty() && !mix.is_broken();
        if whole && mix.shares().is_empty() {
            let flow = first_flow(items);
            let help = format!("add a share such as `100% {flow}`");
            lowering.out.push(errors::load::missing("flow", "this `mix`", mix.keyword_span(), &help));
            return None;
        }
        let mut said: Vec<ast::Name> = Vec::new();
        for share in mix.shares() {
            let flow = share.flow().and_then(|name| self.flow(lowering, items, flows, &name));
            if let Some(name) = share.flow() {
                if let Some(first) = said.iter().find(|first| first.text() == name.text()) {
                    lowering.out.push(errors::load::repeated(&name.text(), name.span(), first.span()));
                    whole = false;
                }
                said.push(name);
            }
            let percent = share
                .percent()
                .and_then(|percent| Some((lowering.quantity(&percent, Dimension::Share)?, percent.span())));
            match (flow, percent) {
                (Some(flow), Some((value, span))) => shares.push((flow, value, span)),
                _ => whole = false,
            }
        }
        if !whole {
            return None;
        }
        let percents: Vec<(f64, Span)> = shares.iter().map(|(_, value, span)| (*value, *span)).collect();
        sums_up(lowering, "mix", &percents, mix.keyword_span())?;
        let slots = whole_slots(lowering, &percents)?;
        Some(shares.iter().zip(slots).map(|((flow, ..), slots)| Share { flow: *flow, slots }).collect())
    }

    /// Says what is missing, once nothing is broken.
    fn missing(&self, lowering: &mut Lowering<'_>, items: &Items, name: &ast::Name) {
        let owner = format!("scenario `{}`", name.text());
        let mut say = |what: &str, help: &str| {
            lowering.out.push(errors::load::missing(what, &owner, name.span(), help));
        };
        if self.target.is_none() {
            let server =
                items.servers.first().and_then(ast::Server::name).map_or("SERVER".to_owned(), |name| name.text());
            say("`target`", &format!("add `target {server}`"));
        }
        if self.stages.is_none() {
            say("`stages`", "add `stages { hold 10/s for 30s }`");
        }
        if self.work.is_none() {
            say("`run`", &format!("add `run {}`, or a `mix` of several flows", first_flow(items)));
        }
    }

    fn finish(
        &mut self,
        lowering: &mut Lowering<'_>,
        servers: &[ServerItem],
        flows: &mut Vec<FlowItem>,
        item: &ast::Scenario,
        name: &ast::Name,
    ) -> Option<Scenario> {
        let (stages, stages_span) = self.stages.as_mut()?;
        let stages = stages.take()?;
        let (warmup, warmup_span) = self.warmup.unwrap_or((0.0, Span::default()));
        let length = stages.load.duration_ns();
        if whole_ns(warmup) >= length {
            let text = |nanos: f64| Quantity::new(nanos, Dimension::Duration).to_string();
            #[expect(clippy::cast_precision_loss, reason = "nanoseconds of a run stay below 2^53")]
            let (warmup, stages) = (text(warmup), text(length as f64));
            lowering.out.push(errors::load::warmup_too_long(&warmup, &stages, warmup_span, *stages_span));
            return None;
        }
        let targets = self.targets.clone()?;
        let targeted = habits::targeted(servers, &targets);
        let settled = self.habits.finish(lowering, &targeted, self.target?, (flows, &name.text()))?;
        Some(Scenario {
            name: name.text(),
            doc: item.doc(),
            targets,
            start_ns: 0,
            warmup_ns: whole_ns(warmup),
            load: stages.load,
            drain_ns: whole_ns(stages.drain.unwrap_or(DEFAULT_DRAIN_NS)),
            max_users: stages.max_users,
            mix: self.mix.clone()?,
            before: self.before.map(|(flow, _)| flow),
            after: self.after.map(|(flow, _)| flow),
            sessions: settled.sessions,
            close: settled.close,
            hold_stream: settled.hold_stream,
            habits: settled.habits,
            cache_hints: self.cache_hints.is_some_and(|(on, _)| on),
            tags: self.tags.iter().map(|(key, value, _)| (key.clone(), value.clone())).collect(),
        })
    }
}

/// The flow to name in an example.
fn first_flow(items: &Items) -> String {
    items.flows.first().and_then(ast::Flow::name).map_or("FLOW".to_owned(), |name| name.text())
}

/// `None` after saying that something is said twice.
pub(super) fn first(lowering: &mut Lowering<'_>, what: &str, span: Span, said: Option<Span>) -> Option<()> {
    match said {
        Some(first) => {
            lowering.out.push(errors::load::repeated(what, span, first));
            None
        }
        None => Some(()),
    }
}

/// The steps of `before user` or `after user` as a flow of their own.
fn user_flow(
    lowering: &mut Lowering<'_>,
    flows: &mut Vec<FlowItem>,
    scenario: &ast::Name,
    what: &str,
    item: &ast::UserSteps,
) -> Option<usize> {
    let name = format!("{}: {what}", scenario.text());
    let index = flows.len();
    let flow =
        flow::lower(lowering, &item.statements(), (&name, item.keyword_span()), item.doc(), index, item.is_broken());
    let whole = flow.plan.is_some();
    flows.push(flow);
    whole.then_some(index)
}

/// `None` after saying that shares do not sum to 100 %.
pub(super) fn sums_up(lowering: &mut Lowering<'_>, what: &str, shares: &[(f64, Span)], span: Span) -> Option<()> {
    let sum: f64 = shares.iter().map(|(value, _)| value).sum();
    if (sum - 1.0).abs() > 1e-9 {
        lowering.out.push(errors::load::mix_sum(what, sum, span, shares.last().copied()));
        return None;
    }
    Some(())
}

/// Whole slots for each share in the smallest bag that has them.
pub(super) fn whole_slots(lowering: &mut Lowering<'_>, shares: &[(f64, Span)]) -> Option<Vec<u32>> {
    let is_whole = |value: f64| (value - value.round()).abs() < 1e-6;
    let bag = BAG.into_iter().find(|bag| shares.iter().all(|(value, _)| is_whole(value * bag)));
    let Some(bag) = bag else {
        for (value, span) in shares {
            if !is_whole(value * 10_000.0) {
                let what = format!("`{}`", lowering.written(*span));
                lowering.out.push(errors::types::out_of_range(&what, "a percentage with at most two decimals", *span));
            }
        }
        return None;
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most the size of the bag")]
    let slots = |(value, _): &(f64, Span)| (value * bag).round() as u32;
    Some(shares.iter().map(slots).collect())
}
