//! `scenario NAME { … }`

use super::flow::FlowItem;
use super::items::Items;
use super::lower::Lowering;
use super::server::whole_ns;
use crate::diag::errors;
use crate::plan::{Arrivals, Load, MAX_LOAD_NS, Scenario, Segment, Share};
use crate::syntax::ast::{self, ScenarioStmt, Stage};
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
    pub(super) target: Option<String>,
    /// Names of the flows it uses, broken or not.
    pub(super) uses: Vec<String>,
    /// `None` when it is broken.
    pub(super) plan: Option<Scenario>,
}

/// Lowers all scenarios that have a name.
pub(super) fn lower_all(lowering: &mut Lowering<'_>, items: &Items, flows: &[FlowItem]) -> Vec<ScenarioItem> {
    let named: Vec<_> = items.scenarios.iter().filter_map(|item| Some((item, item.name()?))).collect();
    named.into_iter().map(|(item, name)| lower(lowering, items, flows, item, &name)).collect()
}

#[derive(Default)]
struct Draft {
    target: Option<(String, Span)>,
    server: Option<usize>,
    warmup: Option<(f64, Span)>,
    stages: Option<(Option<Stages>, Span)>,
    work: Option<(&'static str, Span)>,
    mix: Option<Vec<Share>>,
    uses: Vec<String>,
}

fn lower(
    lowering: &mut Lowering<'_>,
    items: &Items,
    flows: &[FlowItem],
    item: &ast::Scenario,
    name: &ast::Name,
) -> ScenarioItem {
    let mut draft = Draft::default();
    let mut whole = !item.is_broken();
    for statement in item.statements() {
        whole &= draft.statement(lowering, items, flows, &statement).is_some();
    }
    if whole {
        draft.missing(lowering, items, name);
    }
    let plan = draft.finish(lowering, item, name).filter(|_| whole);
    ScenarioItem {
        stages_span: draft.stages.as_ref().map(|(_, span)| *span),
        target: draft.target.map(|(target, _)| target),
        uses: draft.uses,
        plan,
    }
}

impl Draft {
    /// `None` when the statement is broken.
    fn statement(
        &mut self,
        lowering: &mut Lowering<'_>,
        items: &Items,
        flows: &[FlowItem],
        statement: &ScenarioStmt,
    ) -> Option<()> {
        match statement {
            ScenarioStmt::Target(target) => {
                let name = target.name()?;
                if let Some((_, first)) = &self.target {
                    lowering.out.push(errors::load::repeated("target", target.keyword_span(), *first));
                    return None;
                }
                self.target = Some((name.text(), target.keyword_span()));
                let known: Vec<String> =
                    items.servers.iter().filter_map(|server| Some(server.name()?.text())).collect();
                self.server = known.iter().position(|known| *known == name.text());
                if self.server.is_none() && !items.any_rejected {
                    lowering.out.push(errors::names::unknown_server(&name.text(), name.span(), &known));
                }
                self.server.map(|_| ())
            }
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
            ScenarioStmt::Broken(_) => None,
        }
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
        let sum: f64 = shares.iter().map(|(_, value, _)| value).sum();
        if (sum - 1.0).abs() > 1e-9 {
            let last = shares.last().map(|(_, value, span)| (*value, *span));
            lowering.out.push(errors::load::mix_sum(sum, mix.keyword_span(), last));
            return None;
        }
        slots(lowering, &shares)
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

    fn finish(&mut self, lowering: &mut Lowering<'_>, item: &ast::Scenario, name: &ast::Name) -> Option<Scenario> {
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
        Some(Scenario {
            name: name.text(),
            doc: item.doc(),
            server: self.server?,
            warmup_ns: whole_ns(warmup),
            load: stages.load,
            drain_ns: whole_ns(stages.drain.unwrap_or(DEFAULT_DRAIN_NS)),
            max_users: stages.max_users,
            mix: self.mix.clone()?,
        })
    }
}

/// The flow to name in an example.
fn first_flow(items: &Items) -> String {
    items.flows.first().and_then(ast::Flow::name).map_or("FLOW".to_owned(), |name| name.text())
}

/// Whole slots for each share in the smallest bag that has them.
fn slots(lowering: &mut Lowering<'_>, shares: &[(usize, f64, Span)]) -> Option<Vec<Share>> {
    let is_whole = |value: f64| (value - value.round()).abs() < 1e-6;
    let bag = BAG.into_iter().find(|bag| shares.iter().all(|(_, value, _)| is_whole(value * bag)));
    let Some(bag) = bag else {
        for (_, value, span) in shares {
            if !is_whole(value * 10_000.0) {
                let what = format!("`{}`", lowering.written(*span));
                lowering.out.push(errors::types::out_of_range(&what, "a percentage with at most two decimals", *span));
            }
        }
        return None;
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most the size of the bag")]
    let share = |(flow, value, _): &(usize, f64, Span)| Share { flow: *flow, slots: (value * bag).round() as u32 };
    Some(shares.iter().map(share).collect())
}

/// The stages of one scenario.
struct Stages {
    load: Load,
    drain: Option<f64>,
    max_users: Option<u64>,
}

impl Stages {
    /// `None` when a stage is broken.
    fn lower(lowering: &mut Lowering<'_>, item: &ast::Stages) -> Option<Stages> {
        let mut draft = StagesDraft::default();
        let mut whole = !item.is_broken();
        for stage in item.statements() {
            whole &= draft.stage(lowering, &stage).is_some();
        }
        if !whole {
            return None;
        }
        if draft.segments.is_empty() {
            let help = "add a stage such as `hold 10/s for 30s`";
            lowering.out.push(errors::load::missing("stage", "this block", item.keyword_span(), help));
            return None;
        }
        let total = draft.segments.iter().fold(0_u64, |sum, segment| sum.saturating_add(segment.duration_ns));
        if total > MAX_LOAD_NS {
            let what = "the length of all stages together";
            lowering.out.push(errors::types::out_of_range(what, "at most 30 days", item.keyword_span()));
            return None;
        }
        if draft.segments.iter().all(|segment| segment.from == 0.0 && segment.to == 0.0) {
            lowering.out.push(errors::load::no_load(item.keyword_span()));
            return None;
        }
        draft.finish(lowering)
    }
}

#[derive(Default)]
struct StagesDraft {
    segments: Vec<Segment>,
    /// The unit of the levels, and the first stage that has it.
    unit: Option<(Dimension, Span)>,
    drain: Option<(f64, Span)>,
    arrivals: Option<(Arrivals, Span)>,
    max_users: Option<(f64, Span)>,
}

impl StagesDraft {
    fn stage(&mut self, lowering: &mut Lowering<'_>, stage: &Stage) -> Option<()> {
        match stage {
            Stage::Ramp(ramp) => {
                let (from, to, over) = (ramp.from()?, ramp.to()?, ramp.over()?);
                let levels = (self.level(lowering, &from), self.level(lowering, &to));
                let length = length(lowering, &over);
                self.segments.push(Segment { from: levels.0?, to: levels.1?, duration_ns: length? });
            }
            Stage::Hold(hold) => {
                let (level, duration) = (hold.level()?, hold.duration()?);
                let level = self.level(lowering, &level);
                let length = length(lowering, &duration);
                self.segments.push(Segment { from: level?, to: level?, duration_ns: length? });
            }
            Stage::Drain(attr) => {
                if let Some((_, first)) = self.drain {
                    lowering.out.push(errors::load::repeated("drain", attr.keyword_span(), first));
                    return None;
                }
                self.drain = Some((lowering.quantity_attr(attr, Dimension::Duration, 0.0)?, attr.keyword_span()));
            }
            Stage::Arrivals(word) => {
                if let Some((_, first)) = self.arrivals {
                    lowering.out.push(errors::load::repeated("arrivals", word.keyword_span(), first));
                    return None;
                }
                let name = word.word()?;
                let arrivals = match name.text().as_str() {
                    "uniform" => Arrivals::Uniform,
                    "poisson" => Arrivals::Poisson,
                    other => {
                        let known = ["uniform".to_owned(), "poisson".to_owned()];
                        lowering.out.push(errors::names::unknown_word(
                            "spacing of arrivals",
                            other,
                            name.span(),
                            &known,
                        ));
                        return None;
                    }
                };
                self.arrivals = Some((arrivals, word.keyword_span()));
            }
            Stage::MaxUsers(attr) => {
                if let Some((_, first)) = self.max_users {
                    lowering.out.push(errors::load::repeated("max users", attr.keyword_span(), first));
                    return None;
                }
                self.max_users = Some((lowering.quantity_attr(attr, Dimension::Users, 1.0)?, attr.keyword_span()));
            }
            Stage::Broken(_) => return None,
        }
        Some(())
    }

    /// The level of a stage, in the unit of the stages before it.
    fn level(&mut self, lowering: &mut Lowering<'_>, expr: &ast::Expr) -> Option<f64> {
        let quantity = lowering.level(expr, self.unit.map_or(Dimension::Rate, |(unit, _)| unit))?;
        let (value, dimension) = (quantity.value, quantity.dimension);
        if dimension == Dimension::Number {
            return Some(0.0);
        }
        lowering.quantity_in_range(expr, quantity, 0.0)?;
        match self.unit {
            Some((unit, first)) if unit != dimension => {
                let name = |dimension| if dimension == Dimension::Rate { "rates" } else { "users" };
                lowering.out.push(errors::load::rates_and_users(expr.span(), name(dimension), first, name(unit)));
                None
            }
            Some(_) => Some(value),
            None => {
                self.unit = Some((dimension, expr.span()));
                Some(value)
            }
        }
    }

    fn finish(self, lowering: &mut Lowering<'_>) -> Option<Stages> {
        let (unit, first) = self.unit?;
        let drain = self.drain.map(|(drain, _)| drain);
        if unit == Dimension::Rate {
            let arrivals = self.arrivals.map_or(Arrivals::Uniform, |(arrivals, _)| arrivals);
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be in range")]
            let max_users = self.max_users.map(|(users, _)| users as u64);
            return Some(Stages { load: Load::Open { segments: self.segments, arrivals }, drain, max_users });
        }
        let for_rates =
            [("arrivals", self.arrivals.map(|(_, span)| span)), ("max users", self.max_users.map(|(_, span)| span))];
        let mut whole = true;
        for (what, span) in for_rates.into_iter().filter_map(|(what, span)| Some((what, span?))) {
            let help = format!("remove `{what}`, or write the stages as rates such as `40/s`");
            let (beside, why) = ("beside stages in users", "of use for rates only");
            lowering.out.push(errors::load::no_effect(what, beside, why, &help, span, first));
            whole = false;
        }
        whole.then_some(Stages { load: Load::Closed { segments: self.segments }, drain, max_users: None })
    }
}

/// The length of a stage in nanoseconds.
fn length(lowering: &mut Lowering<'_>, expr: &ast::Expr) -> Option<u64> {
    let nanos = whole_ns(lowering.quantity_from(expr, Dimension::Duration, 0.0)?);
    if nanos == 0 {
        lowering.out.push(errors::load::empty_stage(expr.span()));
        return None;
    }
    Some(nanos)
}
