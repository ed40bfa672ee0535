//! `stages { … }`

use super::assertion;
use super::items::Items;
use super::lower::Lowering;
use super::server::whole_ns;
use crate::diag::errors;
use crate::plan::{Arrivals, Load, MAX_LOAD_NS, Plan, Seek, Segment, Work};
use crate::syntax::ast::{self, ScenarioStmt, Stage};
use crate::text::Span;
use crate::units::Dimension;

/// A search with more levels than this, or a load with more stages, is a slip.
const MAX_STAGES: usize = 10_000;

/// How long a level of a search lasts, unless the file says otherwise.
const DEFAULT_SEEK_EVERY_NS: u64 = 10_000_000_000;

/// For how long the last good level is confirmed, unless the file says otherwise.
const DEFAULT_SEEK_CONFIRM_NS: u64 = 30_000_000_000;

/// A fixed amount of work must be done within this time, unless the file says
/// otherwise.
const DEFAULT_WITHIN_NS: u64 = 600_000_000_000;

/// The stages of one scenario.
pub(super) struct Stages {
    pub(super) load: Load,
    pub(super) drain: Option<f64>,
    pub(super) max_users: Option<u64>,
}

impl Stages {
    /// `None` when a stage is broken.
    pub(super) fn lower(lowering: &mut Lowering<'_>, item: &ast::Stages) -> Option<Stages> {
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
        if draft.segments.len() > MAX_STAGES {
            let range = format!("at most {MAX_STAGES} stages");
            lowering.out.push(errors::types::out_of_range("the number of stages", &range, item.keyword_span()));
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
    /// The first ramp or hold.
    levels: Option<Span>,
    /// `seek` or `iterations`, which stand alone.
    alone: Option<(&'static str, Span)>,
    search: Option<Seek>,
    work: Option<Work>,
}

impl StagesDraft {
    fn stage(&mut self, lowering: &mut Lowering<'_>, stage: &Stage) -> Option<()> {
        match stage {
            Stage::Ramp(ramp) => {
                self.beside(lowering, "ramp", ramp.keyword_span())?;
                let (from, to, over) = (ramp.from()?, ramp.to()?, ramp.over()?);
                let levels = (self.level(lowering, &from), self.level(lowering, &to));
                let length = length(lowering, &over);
                self.segments.push(Segment { from: levels.0?, to: levels.1?, duration_ns: length? });
            }
            Stage::Hold(hold) => {
                self.beside(lowering, "hold", hold.keyword_span())?;
                let (level, duration) = (hold.level()?, hold.duration()?);
                let level = self.level(lowering, &level);
                let length = length(lowering, &duration);
                self.segments.push(Segment { from: level?, to: level?, duration_ns: length? });
            }
            Stage::Seek(seek) => {
                self.by_itself(lowering, "seek", seek.keyword_span())?;
                self.seek(lowering, seek)?;
            }
            Stage::Iterations(iterations) => {
                self.by_itself(lowering, "iterations", iterations.keyword_span())?;
                self.iterations(lowering, iterations)?;
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

    /// A stage with a level, beside which no search and no fixed work stands.
    fn beside(&mut self, lowering: &mut Lowering<'_>, what: &'static str, span: Span) -> Option<()> {
        self.levels.get_or_insert(span);
        match self.alone {
            Some((alone, first)) => {
                lowering.out.push(errors::load::contradicting(alone, what, span, first));
                None
            }
            None => Some(()),
        }
    }

    /// A stage that is the whole load.
    fn by_itself(&mut self, lowering: &mut Lowering<'_>, what: &'static str, span: Span) -> Option<()> {
        if let Some((first, first_span)) = self.alone {
            lowering.out.push(if first == what {
                errors::load::repeated(what, span, first_span)
            } else {
                errors::load::contradicting(first, what, span, first_span)
            });
            return None;
        }
        self.alone = Some((what, span));
        if let Some(levels) = self.levels {
            lowering.out.push(errors::load::contradicting("hold", what, span, levels));
            return None;
        }
        Some(())
    }

    /// `seek A -> B step C every D while CONDITION confirm E`
    fn seek(&mut self, lowering: &mut Lowering<'_>, seek: &ast::Seek) -> Option<()> {
        let (from_ast, to_ast, step_ast) = (seek.from()?, seek.to()?, seek.step()?);
        let (from, to) = (self.level(lowering, &from_ast), self.level(lowering, &to_ast));
        let step = self.level(lowering, &step_ast);
        let every = match seek.every() {
            Some(every) => lowering.quantity_from(&every, Dimension::Duration, 1e9).map(whole_ns),
            None => Some(DEFAULT_SEEK_EVERY_NS),
        };
        let confirm = match seek.confirm() {
            Some(confirm) => lowering.quantity_from(&confirm, Dimension::Duration, 1e9).map(whole_ns),
            None => Some(DEFAULT_SEEK_CONFIRM_NS),
        };
        let (from, to, step, every, confirm) = (from?, to?, step?, every?, confirm?);
        let whole_users = self.unit.is_some_and(|(unit, _)| unit == Dimension::Users);
        if step <= 0.0 || whole_users && step.fract() != 0.0 {
            let what = format!("`{}`", lowering.written(step_ast.span()));
            let range = if whole_users { "a whole number of users above 0" } else { "a rate above 0" };
            lowering.out.push(errors::types::out_of_range(&what, range, step_ast.span()));
            return None;
        }
        if from >= to {
            let what = format!("`{}`", lowering.written(to_ast.span()));
            lowering.out.push(errors::types::out_of_range(&what, "a level above the first one", to_ast.span()));
            return None;
        }
        let mut levels = Vec::new();
        let mut level = from;
        while level <= to * (1.0 + 1e-9) && levels.len() <= MAX_STAGES {
            levels.push(level);
            level = from + step * count(levels.len());
        }
        let open = self.unit.is_some_and(|(unit, _)| unit == Dimension::Rate);
        let search = Seek::new(levels, open, every, confirm);
        // So many stages are refused, as if they were written out.
        self.segments.clone_from(&search.segments);
        self.search = Some(search);
        Some(())
    }

    /// `iterations N shared by 20 users within D`
    fn iterations(&mut self, lowering: &mut Lowering<'_>, item: &ast::Iterations) -> Option<()> {
        let (count_ast, users_ast) = (item.count()?, item.users()?);
        let count = lowering.whole_number(&count_ast, 1.0);
        let users = lowering.quantity_from(&users_ast, Dimension::Users, 1.0);
        let within = match item.within() {
            Some(within) => length(lowering, &within),
            None => Some(DEFAULT_WITHIN_NS),
        };
        let (count, users, duration_ns) = (count?, users?, within?);
        self.unit = Some((Dimension::Users, users_ast.span()));
        self.segments.push(Segment { from: users, to: users, duration_ns });
        self.work = Some(Work { iterations: count, shared: item.is_shared() });
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
            let load = match self.search {
                Some(search) => Load::Seek(Box::new(search)),
                None => Load::Open { segments: self.segments, arrivals },
            };
            return Some(Stages { load, drain, max_users });
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
        let load = match self.search {
            Some(search) => Load::Seek(Box::new(search)),
            None => Load::Closed { segments: self.segments, work: self.work },
        };
        whole.then_some(Stages { load, drain, max_users: None })
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

#[expect(clippy::cast_precision_loss, reason = "at most as many as there may be stages")]
fn count(number: usize) -> f64 {
    number as f64
}

/// Lowers the conditions of searches, which name metrics and so need the plan.
pub(super) fn seek_conditions(lowering: &mut Lowering<'_>, items: &Items, plan: &mut Plan, complete: bool) {
    let named = items.scenarios.iter().filter(|item| item.name().is_some());
    for (index, item) in named.enumerate() {
        let stages = item.statements().into_iter().filter_map(|statement| match statement {
            ScenarioStmt::Stages(stages) => Some(stages),
            _ => None,
        });
        for stage in stages.flat_map(|stages| stages.statements()) {
            let Stage::Seek(seek) = stage else { continue };
            let mut conditions = Vec::new();
            joined(seek.condition(), &mut conditions);
            let lowered: Vec<_> =
                conditions.iter().filter_map(|c| assertion::condition(lowering, c, plan, complete)).collect();
            if let Some(Load::Seek(seek)) = plan.scenarios.get_mut(index).filter(|_| complete).map(|s| &mut s.load) {
                seek.conditions = lowered;
            }
        }
    }
}

/// The conditions that `and` joins.
fn joined(condition: Option<ast::Expr>, found: &mut Vec<ast::Expr>) {
    match condition {
        Some(ast::Expr::Binary(binary)) if binary.op() == Some(ast::BinaryOp::And) => {
            joined(binary.left(), found);
            joined(binary.right(), found);
        }
        Some(ast::Expr::Paren(paren)) => joined(paren.inner(), found),
        Some(other) => found.push(other),
        None => {}
    }
}
