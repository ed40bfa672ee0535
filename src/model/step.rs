//! The steps of a flow.

use super::flow::{Draft, Runs};
use super::items::check_name;
use super::lower::Lowering;
use super::request::{DEFAULT_PAGES, json_text};
use super::scenario::{self, whole_slots};
use super::server::whole_ns;
use super::types::Type;
use super::{CallSite, PromptSite, args};
use crate::diag::errors;
use crate::expr::{Expr, Template};
use crate::plan::{Branch, Choice, Method, Step, Take, Think};
use crate::syntax::ast;
use crate::text::Span;
use crate::units::Dimension;

/// What `list` can list, and the method.
const LISTS: [(&str, &str); 4] = [
    ("tools", "tools/list"),
    ("resources", "resources/list"),
    ("templates", "resources/templates/list"),
    ("prompts", "prompts/list"),
];

/// Methods that have statements of their own, or belong to the protocol. The
/// guard looks at those statements, so nothing may get round them.
const OWN_STATEMENTS: [(&str, &str); 12] = [
    ("tools/call", "call search { … }"),
    ("resources/read", "read \"docs://guides/intro\""),
    ("prompts/get", "prompt summarise { … }"),
    ("tools/list", "list tools"),
    ("resources/list", "list resources"),
    ("resources/templates/list", "list templates"),
    ("prompts/list", "list prompts"),
    ("completion/complete", "complete prompt summarise { … }"),
    ("resources/subscribe", "subscribe \"docs://guides/intro\" for 10s"),
    ("subscriptions/listen", "subscribe \"docs://guides/intro\" for 10s"),
    ("initialize", ""),
    ("server/discover", ""),
];

/// Steps repeated more often than this are a load, which belongs in stages.
const MAX_REPEAT: f64 = 1_000_000.0;

/// The keyword of a step that would make the requests of a `parallel` block wait
/// for each other, or that makes no sense among them.
fn waits(step: &ast::Step) -> Option<(&'static str, Span)> {
    use ast::Step as Ast;
    Some(match step {
        Ast::Think(think) => ("think", think.span()),
        Ast::Pace(attr) => ("pace", attr.span()),
        Ast::Parallel(steps) => ("parallel", steps.keyword_span()),
        Ast::Group(steps) => ("group", steps.keyword_span()),
        Ast::Run(run) => ("run", run.span()),
        Ast::Stop(word) => ("stop", word.span()),
        Ast::Subscribe(request) => ("subscribe", request.keyword_span()),
        _ => return None,
    })
}

impl Draft {
    /// `None` when the step is broken.
    pub(super) fn step(&mut self, lowering: &mut Lowering<'_>, step: &ast::Step) -> Option<()> {
        if let Some(block) = self.parallel
            && let Some((what, span)) = waits(step)
        {
            let (beside, why) = ("in `parallel`", "its requests are sent at once");
            let help = format!("write `{what}` before or behind the block");
            lowering.out.push(errors::load::no_effect(what, beside, why, &help, span, block));
            return None;
        }
        let before = self.locals.len();
        let lowered = self.step_itself(lowering, step);
        // What a response holds is known when all requests of the block have ended.
        if self.parallel.is_some() && !matches!(step, ast::Step::Let(_) | ast::Step::Take(_)) {
            for (slot, local) in self.locals.iter_mut().enumerate().skip(before) {
                self.unsettled.push((slot, std::mem::take(&mut local.0)));
            }
        }
        lowered
    }

    fn step_itself(&mut self, lowering: &mut Lowering<'_>, step: &ast::Step) -> Option<()> {
        use ast::Step as Ast;
        match step {
            Ast::Call(request) => {
                let name = request.name()?;
                check_name(&name, &mut lowering.out)?;
                let block = request.open_span().is_some();
                let (tool, span, flow) = (name.text(), name.span(), self.index);
                let site = CallSite { tool, span, flow, block, args: None, task: None };
                lowering.model.calls.push(site);
                let method = Method::Call { tool: name.text() };
                self.request(lowering, request, name.text(), method, None)
            }
            Ast::Prompt(request) => {
                let name = request.name()?;
                check_name(&name, &mut lowering.out)?;
                let block = request.open_span().is_some();
                let site = PromptSite { name: name.text(), span: name.span(), flow: self.index, block, args: None };
                lowering.model.prompts.push(site);
                let name = name.text();
                self.request(lowering, request, name.clone(), Method::Prompt { name }, None)
            }
            Ast::Read(request) => {
                let uri_ast = request.uri()?;
                let (uri, label) = self.uri(lowering, &uri_ast);
                let site = uri.as_ref().map(|uri| args::read_site(uri, uri_ast.span(), self.index));
                lowering.model.reads.extend(site);
                // The block is looked at even when the address is broken.
                let method = Method::Read { uri: uri.clone().unwrap_or(Expr::text("")) };
                self.request(lowering, request, label, method, None)?;
                uri.map(|_| ())
            }
            Ast::List(request) => self.list(lowering, request),
            Ast::Complete(request) => self.complete(lowering, request),
            Ast::Subscribe(request) => {
                let (uri, label) = self.uri(lowering, &request.uri()?);
                let duration = lowering.quantity_from(&request.duration()?, Dimension::Duration, 1e6);
                let method = Method::Subscribe {
                    uri: uri.clone().unwrap_or(Expr::text("")),
                    for_ns: whole_ns(duration.unwrap_or(0.0)),
                };
                self.request(lowering, request, label, method, None)?;
                (uri.is_some() && duration.is_some()).then_some(())
            }
            Ast::Request(request) => {
                let name = request.name()?;
                check_name(&name, &mut lowering.out)?;
                let method = name.text();
                if let Some((_, statement)) = OWN_STATEMENTS.iter().find(|(known, _)| *known == method) {
                    lowering.out.push(errors::names::has_statement(&method, statement, name.span()));
                    return None;
                }
                self.request(lowering, request, method.clone(), Method::Request { method }, None)
            }
            Ast::Think(think) => {
                let think = self.think(lowering, think)?;
                self.steps.push(Step::Think(think));
                Some(())
            }
            Ast::Pace(attr) => {
                let pace = self.pause(lowering, &attr.value()?)?;
                lowering.paces.push((self.index, attr.span()));
                self.steps.push(Step::Pace(pace));
                Some(())
            }
            Ast::Let(binding) => {
                let save = self.bind(lowering, binding, false);
                self.steps.push(Step::Let(save?));
                Some(())
            }
            Ast::Take(take) => self.take(lowering, take),
            Ast::Repeat(steps) => self.repeat(lowering, steps),
            Ast::If(item) => self.conditions(lowering, item),
            Ast::Choose(choose) => self.choose(lowering, choose),
            Ast::Parallel(steps) => self.parallel(lowering, steps),
            Ast::Group(steps) => {
                let inner = self.block(lowering, &steps.statements());
                let name = steps.name()?;
                check_name(&name, &mut lowering.out)?;
                let group = lowering.group(name.text());
                self.steps.push(Step::Group { group, steps: self.own(steps, inner)? });
                Some(())
            }
            Ast::Run(run) => self.run(lowering, run),
            Ast::Stop(word) => self.stop(lowering, word),
            Ast::Log(attr) => {
                let value = lowering.expression(&attr.value()?, &self.names(false))?;
                self.steps.push(Step::Log(value.expr));
                Some(())
            }
            Ast::Broken(_) => None,
        }
    }

    /// `parallel { … }`
    fn parallel(&mut self, lowering: &mut Lowering<'_>, steps: &ast::Steps) -> Option<()> {
        self.parallel = Some(steps.keyword_span());
        let inner = self.block(lowering, &steps.statements());
        self.parallel = None;
        for (slot, name) in self.unsettled.drain(..) {
            if let Some(local) = self.locals.get_mut(slot) {
                local.0 = name;
            }
        }
        self.steps.push(Step::Parallel(self.own(steps, inner)?));
        Some(())
    }

    /// The steps inside, unless the head around them is broken.
    fn own(&self, item: &ast::Steps, inner: Option<Vec<Step>>) -> Option<Vec<Step>> {
        inner.filter(|_| !item.is_broken())
    }

    fn list(&mut self, lowering: &mut Lowering<'_>, request: &ast::Request) -> Option<()> {
        let what = request.what()?;
        let Some((_, method)) = LISTS.iter().find(|(name, _)| *name == what.text()) else {
            let known: Vec<String> = LISTS.iter().map(|(name, _)| (*name).to_owned()).collect();
            lowering.out.push(errors::names::unknown_word("list", &what.text(), what.span(), &known));
            return None;
        };
        let method = Method::List { method: (*method).to_owned(), pages: DEFAULT_PAGES };
        self.request(lowering, request, format!("list {}", what.text()), method, None)
    }

    /// `complete prompt NAME { … }` and `complete resource URI { … }`
    fn complete(&mut self, lowering: &mut Lowering<'_>, request: &ast::Request) -> Option<()> {
        let (label, reference) = match request.name() {
            Some(name) => {
                check_name(&name, &mut lowering.out)?;
                let reference = format!("{{\"type\":\"ref/prompt\",\"name\":{}}}", json_text(&name.text()));
                (name.text(), Some(Template::raw(reference)))
            }
            None => {
                let (uri, label) = self.uri(lowering, &request.uri()?);
                let reference = uri.map(|uri| {
                    let mut template = Template::raw("{\"type\":\"ref/resource\",\"uri\":");
                    template.push_json(uri);
                    template.push_raw("}");
                    template
                });
                (label, reference)
            }
        };
        let whole = reference.is_some();
        self.request(lowering, request, format!("complete {label}"), Method::Complete, reference)?;
        whole.then_some(())
    }

    /// The address of a resource, and its name in metrics.
    fn uri(&self, lowering: &mut Lowering<'_>, uri_ast: &ast::Expr) -> (Option<Expr>, String) {
        let wanted = "the address of a resource";
        let uri = lowering.typed_text(uri_ast, &self.names(false), wanted, "\"docs://guide\"").filter(|uri| {
            let empty = *uri == Expr::text("");
            if empty {
                let found = "an empty text";
                lowering.out.push(errors::types::wrong_kind(wanted, "\"docs://guide\"", found, uri_ast.span()));
            }
            !empty
        });
        (uri, template_of(lowering, uri_ast))
    }

    /// `take row from queries`
    fn take(&mut self, lowering: &mut Lowering<'_>, take: &ast::Take) -> Option<()> {
        let (row, from) = (take.row()?, take.data()?);
        let taken = self.is_taken(lowering, &row);
        let data = lowering.data_by_name(&from);
        let slot = self.slot(&row.text(), data.map_or(Type::Any, Type::Row));
        (!taken).then_some(())?;
        self.steps.push(Step::Take(Take { slot, name: row.text(), data: data? }));
        Some(())
    }

    /// `repeat 3 { … }`
    fn repeat(&mut self, lowering: &mut Lowering<'_>, item: &ast::Steps) -> Option<()> {
        let times = item.head().and_then(|head| {
            let value = self.known(lowering, &head, Dimension::Number)?;
            if !(1.0..=MAX_REPEAT).contains(&value) || value.fract() != 0.0 {
                let what = format!("`{}`", lowering.written(head.span()));
                let range = format!("a whole number from 1 to {MAX_REPEAT}");
                lowering.out.push(errors::types::out_of_range(&what, &range, head.span()));
                return None;
            }
            Some(value)
        });
        let steps = self.block(lowering, &item.statements());
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a whole number in range")]
        let times = times? as u32;
        self.steps.push(Step::Repeat { times, steps: self.own(item, steps)? });
        Some(())
    }

    /// `if CONDITION { … } else { … }`
    fn conditions(&mut self, lowering: &mut Lowering<'_>, item: &ast::If) -> Option<()> {
        let mut branches = Vec::new();
        let mut whole = true;
        for branch in item.branches() {
            whole &= !branch.is_broken;
            let condition = match &branch.condition {
                Some(condition) => {
                    let lowered = self.condition(lowering, condition);
                    whole &= lowered.is_some();
                    lowered.map(|lowered| (lowered, lowering.written(condition.span())))
                }
                None => {
                    whole &= branch.is_else;
                    None
                }
            };
            match self.branch(lowering, &branch.steps) {
                Some(steps) => {
                    let (condition, source) = condition.unzip();
                    branches.push(Branch { condition, source: source.unwrap_or_default(), steps });
                }
                None => whole = false,
            }
        }
        whole.then_some(())?;
        self.steps.push(Step::If(branches));
        Some(())
    }

    fn condition(&self, lowering: &mut Lowering<'_>, expr: &ast::Expr) -> Option<Expr> {
        let condition = lowering.expression(expr, &self.names(false))?;
        if matches!(condition.expr, Expr::Const(_)) {
            lowering.out.push(errors::types::decides_nothing(expr.span()));
            return None;
        }
        if !matches!(condition.ty, Type::Any | Type::Bool) {
            let (found, example) = (condition.ty.phrase(), "user.iteration == 0");
            lowering.out.push(errors::types::wrong_kind("a condition", example, found, expr.span()));
            return None;
        }
        Some(condition.expr)
    }

    /// `choose { 70% { … } 30% { … } }`
    fn choose(&mut self, lowering: &mut Lowering<'_>, item: &ast::Choose) -> Option<()> {
        let mut whole = item.rejected().is_empty() && !item.is_broken();
        let mut shares = Vec::new();
        let mut choices = Vec::new();
        for branch in item.branches() {
            whole &= !branch.is_broken();
            let share = branch.head().and_then(|head| Some((lowering.quantity(&head, Dimension::Share)?, head.span())));
            whole &= share.is_some();
            shares.extend(share);
            match self.branch(lowering, &branch.statements()) {
                Some(steps) => choices.push(steps),
                None => whole = false,
            }
        }
        whole.then_some(())?;
        if shares.is_empty() {
            let help = "add a branch such as `100% { call search }`";
            lowering.out.push(errors::load::missing("branch", "this `choose`", item.keyword_span(), help));
            return None;
        }
        scenario::sums_up(lowering, "choose", &shares, item.keyword_span())?;
        let slots = whole_slots(lowering, &shares)?;
        let choices = slots.into_iter().zip(choices).map(|(slots, steps)| Choice { slots, steps }).collect();
        self.steps.push(Step::Choose(choices));
        Some(())
    }

    /// `run FLOW`
    fn run(&mut self, lowering: &mut Lowering<'_>, run: &ast::NameStmt) -> Option<()> {
        self.runs = true;
        let name = run.name()?;
        let Some(flow) = lowering.flow_names.iter().position(|known| *known == name.text()) else {
            if !lowering.any_rejected {
                let known = lowering.flow_names.clone();
                lowering.out.push(errors::names::unknown_flow(&name.text(), name.span(), &known));
            }
            return None;
        };
        lowering.runs.push(Runs { from: self.index, to: flow, span: run.span() });
        self.steps.push(Step::Run { flow });
        Some(())
    }

    fn stop(&mut self, lowering: &mut Lowering<'_>, item: &ast::WordStmt) -> Option<()> {
        let word = item.word()?;
        self.steps.push(match word.text().as_str() {
            "iteration" => Step::StopIteration,
            "user" => Step::StopUser,
            other => {
                let known = ["iteration".to_owned(), "user".to_owned()];
                lowering.out.push(errors::names::unknown_word("thing to stop", other, word.span(), &known));
                return None;
            }
        });
        Some(())
    }

    fn think(&self, lowering: &mut Lowering<'_>, think: &ast::Think) -> Option<Think> {
        let value = think.value()?;
        if let ast::Expr::Range(range) = &value
            && !think.is_exponential()
        {
            let (from_ast, to_ast) = (range.from()?, range.to()?);
            let (from, to) = (self.pause(lowering, &from_ast), self.pause(lowering, &to_ast));
            let (from, to) = (from?, to?);
            if from > to {
                let fixed = format!("{}..{}", lowering.written(to_ast.span()), lowering.written(from_ast.span()));
                let written = lowering.written(range.span());
                lowering.out.push(errors::types::reversed_range(&written, &fixed, range.span()));
                return None;
            }
            return Some(Think::Between(from, to));
        }
        let nanos = self.pause(lowering, &value)?;
        Some(if think.is_exponential() { Think::Exponential(nanos) } else { Think::Between(nanos, nanos) })
    }

    /// How long a pause is.
    fn pause(&self, lowering: &mut Lowering<'_>, expr: &ast::Expr) -> Option<f64> {
        let value = self.known(lowering, expr, Dimension::Duration)?;
        lowering.quantity_in_range(expr, crate::units::Quantity::new(value, Dimension::Duration), 0.0)
    }

    /// A quantity that is known before the run, so a variable has no place in it.
    fn known(&self, lowering: &mut Lowering<'_>, expr: &ast::Expr, dimension: Dimension) -> Option<f64> {
        if let ast::Expr::Name(name) = expr
            && self.locals.iter().any(|(local, _)| *local == name.text())
        {
            lowering.out.push(errors::types::not_constant("changes from request to request", expr.span()));
            return None;
        }
        lowering.quantity(expr, dimension)
    }
}

/// The URI template of a `read`, which names it in metrics: what changes from
/// request to request is `{…}`, so that the metrics do not fall apart.
fn template_of(lowering: &Lowering<'_>, uri: &ast::Expr) -> String {
    match uri {
        ast::Expr::FString(format) => format
            .parts()
            .into_iter()
            .map(|part| match part {
                ast::FPart::Text(text) => text,
                ast::FPart::Hole(ast::Expr::Name(name)) => format!("{{{}}}", name.text()),
                ast::FPart::Hole(_) => "{…}".to_owned(),
            })
            .collect(),
        ast::Expr::Literal(literal) => literal.string_value().unwrap_or_default(),
        other => lowering.written(other.span()),
    }
}
