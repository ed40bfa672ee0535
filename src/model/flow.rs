//! `flow NAME { … }`

use super::expression::{Names, meaning};
use super::items::{Items, check_name};
use super::lower::Lowering;
use super::server::whole_ns;
use super::types::{Type, Typed};
use super::{CallSite, PromptSite, args};
use crate::diag::errors;
use crate::expr::{Expr, Given, Template};
use crate::plan::{Check, Flow, Method, Request, Save, Step, Think};
use crate::syntax::ast::{self, RequestStmt};
use crate::text::Span;
use crate::units::Dimension;

/// A list has no more pages than this, unless the file says so.
const DEFAULT_PAGES: u32 = 1000;

/// What `list` can list, and the method.
const LISTS: [(&str, &str); 4] = [
    ("tools", "tools/list"),
    ("resources", "resources/list"),
    ("templates", "resources/templates/list"),
    ("prompts", "prompts/list"),
];

/// A flow by its name.
pub(super) struct FlowItem {
    pub(super) name: String,
    /// `None` when it is broken.
    pub(super) plan: Option<Flow>,
}

/// Lowers all flows that have a name.
pub(super) fn lower_all(lowering: &mut Lowering<'_>, items: &Items) -> Vec<FlowItem> {
    let named: Vec<_> = items.flows.iter().filter_map(|flow| Some((flow, flow.name()?))).collect();
    named.into_iter().enumerate().map(|(index, (flow, name))| lower(lowering, flow, &name, index)).collect()
}

fn lower(lowering: &mut Lowering<'_>, item: &ast::Flow, name: &ast::Name, index: usize) -> FlowItem {
    let statements = item.statements();
    let later = statements.iter().flat_map(bindings).collect();
    let mut draft = Draft { index, locals: Vec::new(), later, steps: Vec::new(), requests: 0 };
    let mut whole = !item.is_broken();
    for step in &statements {
        whole &= draft.step(lowering, step).is_some();
    }
    if draft.requests == 0 && whole && !statements.iter().any(ast::Step::is_broken) {
        lowering.out.push(errors::load::silent_flow(&name.text(), name.span()));
        whole = false;
    }
    let plan =
        whole.then(|| Flow { name: name.text(), doc: item.doc(), steps: draft.steps, locals: draft.locals.len() });
    FlowItem { name: name.text(), plan }
}

/// The names that a step gives a value, and where.
fn bindings(step: &ast::Step) -> Vec<(String, Span)> {
    let named = |binding: &ast::Binding| binding.name().map(|name| (name.text(), name.span()));
    let saved = |request: &ast::Request| {
        let saves = request.statements().into_iter().filter_map(|statement| match statement {
            RequestStmt::Save(binding) => named(&binding),
            _ => None,
        });
        saves.collect()
    };
    match step {
        ast::Step::Let(binding) => named(binding).into_iter().collect(),
        ast::Step::Call(request) | ast::Step::Read(request) | ast::Step::Prompt(request) | ast::Step::List(request) => {
            saved(request)
        }
        ast::Step::Think(_) | ast::Step::Broken(_) => Vec::new(),
    }
}

/// A flow while it is lowered.
struct Draft {
    index: usize,
    /// Variables bound so far; the slot is the index.
    locals: Vec<(String, Type)>,
    /// Every variable of the flow, and where it is bound.
    later: Vec<(String, Span)>,
    steps: Vec<Step>,
    requests: usize,
}

impl Draft {
    /// `None` when the step is broken.
    fn step(&mut self, lowering: &mut Lowering<'_>, step: &ast::Step) -> Option<()> {
        match step {
            ast::Step::Call(request) => {
                let name = request.name()?;
                check_name(&name, &mut lowering.out)?;
                let block = request.open_span().is_some();
                let site = CallSite { tool: name.text(), span: name.span(), flow: self.index, block, args: None };
                lowering.model.calls.push(site);
                let method = Method::Call { tool: name.text() };
                self.request(lowering, request, name.text(), method)
            }
            ast::Step::Prompt(request) => {
                let name = request.name()?;
                check_name(&name, &mut lowering.out)?;
                let block = request.open_span().is_some();
                let site = PromptSite { name: name.text(), span: name.span(), flow: self.index, block, args: None };
                lowering.model.prompts.push(site);
                let name = name.text();
                self.request(lowering, request, name.clone(), Method::Prompt { name })
            }
            ast::Step::Read(request) => {
                let uri_ast = request.uri()?;
                let uri = lowering.expression(&uri_ast, &self.names(false)).filter(|uri| {
                    let found = match uri.ty {
                        Type::Text if uri.expr == Expr::text("") => "an empty text",
                        Type::Text | Type::Any => return true,
                        other => other.phrase(),
                    };
                    let wanted = "the address of a resource";
                    lowering.out.push(errors::types::wrong_kind(wanted, "\"docs://guide\"", found, uri_ast.span()));
                    false
                });
                lowering.model.reads.extend(uri.as_ref().map(|uri| args::read_site(uri, uri_ast.span(), self.index)));
                let label = template_of(lowering, &uri_ast);
                // The block is looked at even when the address is broken.
                let method = uri.as_ref().map(|uri| Method::Read { uri: uri.expr.clone() });
                let method = method.unwrap_or(Method::Read { uri: Expr::text("") });
                self.request(lowering, request, label, method)?;
                uri.map(|_| ())
            }
            ast::Step::List(request) => {
                let what = request.what()?;
                let Some((_, method)) = LISTS.iter().find(|(name, _)| *name == what.text()) else {
                    let known: Vec<String> = LISTS.iter().map(|(name, _)| (*name).to_owned()).collect();
                    lowering.out.push(errors::names::unknown_word("list", &what.text(), what.span(), &known));
                    return None;
                };
                let method = Method::List { method: (*method).to_owned(), pages: DEFAULT_PAGES };
                self.request(lowering, request, format!("list {}", what.text()), method)
            }
            ast::Step::Think(think) => {
                let think = self.think(lowering, think)?;
                self.steps.push(Step::Think(think));
                Some(())
            }
            ast::Step::Let(binding) => {
                let save = self.bind(lowering, binding, false);
                self.steps.push(Step::Let(save?));
                Some(())
            }
            ast::Step::Broken(_) => None,
        }
    }

    fn names(&self, response: bool) -> Names<'_> {
        Names { locals: &self.locals, response, flow: true, later: &self.later }
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

    /// How long a pause is: known before the run, so a variable has no place in
    /// it.
    fn pause(&self, lowering: &mut Lowering<'_>, expr: &ast::Expr) -> Option<f64> {
        if let ast::Expr::Name(name) = expr
            && self.locals.iter().any(|(local, _)| *local == name.text())
        {
            lowering.out.push(errors::types::not_constant("changes from request to request", expr.span()));
            return None;
        }
        lowering.quantity_from(expr, Dimension::Duration, 0.0)
    }

    /// Binds a variable. A name that is bound again gets its slot again: later
    /// steps see the new value. It is bound even when its value is broken, so
    /// that what uses it stays silent.
    fn bind(&mut self, lowering: &mut Lowering<'_>, binding: &ast::Binding, response: bool) -> Option<Save> {
        let name_ast = binding.name()?;
        let name = name_ast.text();
        let taken = meaning(&name);
        if let Some(meaning) = taken {
            lowering.out.push(errors::names::taken(&name, meaning, name_ast.span()));
        }
        let value = binding.value().and_then(|value| lowering.expression(&value, &self.names(response)));
        let ty = value.as_ref().map_or(Type::Any, |value| value.ty);
        let slot = match self.locals.iter().position(|(local, _)| *local == name) {
            Some(slot) => {
                if let Some(local) = self.locals.get_mut(slot) {
                    local.1 = ty;
                }
                slot
            }
            None => {
                self.locals.push((name.clone(), ty));
                self.locals.len() - 1
            }
        };
        taken.is_none().then_some(())?;
        Some(Save { slot, name, value: value?.expr })
    }

    fn request(
        &mut self,
        lowering: &mut Lowering<'_>,
        item: &ast::Request,
        label: String,
        method: Method,
    ) -> Option<()> {
        let mut draft = RequestDraft {
            request: Request {
                ordinal: self.requests,
                label,
                params: Template::default(),
                method,
                timeout_ns: None,
                expects_ok: true,
                checks: Vec::new(),
                saves: Vec::new(),
            },
            arguments: None,
            keyword: item.keyword_span(),
            said: Vec::new(),
        };
        self.requests += 1;
        let mut whole = !item.is_broken();
        for statement in item.statements() {
            whole &= draft.statement(lowering, self, &statement).is_some();
        }
        draft.render_params();
        self.steps.push(Step::Request(Box::new(draft.request)));
        whole.then_some(())
    }
}

struct RequestDraft {
    request: Request,
    arguments: Option<Template>,
    /// The keyword of the step.
    keyword: Span,
    said: Vec<(&'static str, Span)>,
}

impl RequestDraft {
    fn statement(&mut self, lowering: &mut Lowering<'_>, flow: &mut Draft, statement: &RequestStmt) -> Option<()> {
        match statement {
            RequestStmt::As(attr) => {
                self.once(lowering, "as", attr.keyword_span())?;
                self.request.label = lowering.text_attr(attr, "a label", "find pages")?;
            }
            RequestStmt::Args(attr) => {
                self.once(lowering, "args", attr.keyword_span())?;
                if !matches!(self.request.method, Method::Call { .. } | Method::Prompt { .. }) {
                    self.no_effect(lowering, "args", "`call` or `prompt`", attr.keyword_span());
                    return None;
                }
                let (template, known) = lowering.arguments(&attr.value()?, &flow.names(false))?;
                self.arguments = Some(template);
                // The site of this request is the last that was noted.
                match &self.request.method {
                    Method::Call { .. } => lowering.model.calls.last_mut().map(|site| site.args = Some(known)),
                    _ => lowering.model.prompts.last_mut().map(|site| site.args = Some(known)),
                };
            }
            RequestStmt::Timeout(attr) => {
                self.once(lowering, "timeout", attr.keyword_span())?;
                self.request.timeout_ns = Some(whole_ns(lowering.quantity_attr(attr, Dimension::Duration, 1e6)?));
            }
            RequestStmt::Pages(attr) => self.pages(lowering, attr)?,
            RequestStmt::Expect(expectation) => self.check(lowering, flow, expectation, false)?,
            RequestStmt::Require(expectation) => self.check(lowering, flow, expectation, true)?,
            RequestStmt::Save(binding) => {
                let save = flow.bind(lowering, binding, true)?;
                self.request.saves.push(save);
            }
            RequestStmt::Broken(_) => return None,
        }
        Some(())
    }

    fn pages(&mut self, lowering: &mut Lowering<'_>, attr: &ast::Attr) -> Option<()> {
        self.once(lowering, "pages", attr.keyword_span())?;
        let expr = attr.value()?;
        let Method::List { pages, .. } = &mut self.request.method else {
            self.no_effect(lowering, "pages", "`list`", attr.keyword_span());
            return None;
        };
        let value = lowering.quantity(&expr, Dimension::Number)?;
        if value < 1.0 || value > f64::from(DEFAULT_PAGES) || value.fract() != 0.0 {
            let (what, range) = (lowering.written(expr.span()), format!("a whole number from 1 to {DEFAULT_PAGES}"));
            lowering.out.push(errors::types::out_of_range(&format!("`{what}`"), &range, expr.span()));
            return None;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "checked to be a small whole number"
        )]
        {
            *pages = value as u32;
        }
        Some(())
    }

    fn check(
        &mut self,
        lowering: &mut Lowering<'_>,
        flow: &Draft,
        expectation: &ast::Expectation,
        required: bool,
    ) -> Option<()> {
        let condition_ast = expectation.condition()?;
        let condition = lowering.expression(&condition_ast, &flow.names(true));
        let label = expectation.label().map(|(label, _)| lowering.label(label));
        let Typed { expr: condition, ty } = condition?;
        let source = lowering.written(condition_ast.span());
        if matches!(condition, Expr::Const(_)) {
            lowering.out.push(errors::types::expects_nothing(condition_ast.span()));
            return None;
        }
        if !matches!(ty, Type::Any | Type::Bool) {
            let (found, example) = (ty.phrase(), "structured.total > 0");
            lowering.out.push(errors::types::wrong_kind("a condition", example, found, condition_ast.span()));
            return None;
        }
        // Who speaks of `error` or `ok` replaces the implied `expect ok`; who only
        // repeats it does not.
        let mut speaks = false;
        condition.visit(&mut |part| speaks |= matches!(part, Expr::Given(Given::Error | Given::Ok)));
        if speaks && condition != Expr::Given(Given::Ok) {
            self.request.expects_ok = false;
        }
        self.request.checks.push(Check { condition, source, label, required });
        Some(())
    }

    fn no_effect(&self, lowering: &mut Lowering<'_>, what: &str, only: &str, span: Span) {
        let beside = format!("in `{}`", self.request.method.keyword());
        let (why, help) = (format!("of use in {only} only"), format!("remove `{what}`"));
        lowering.out.push(errors::load::no_effect(what, &beside, &why, &help, span, self.keyword));
    }

    fn once(&mut self, lowering: &mut Lowering<'_>, what: &'static str, span: Span) -> Option<()> {
        if let Some((_, first)) = self.said.iter().find(|(said, _)| *said == what) {
            lowering.out.push(errors::load::repeated(what, span, *first));
            return None;
        }
        self.said.push((what, span));
        Some(())
    }

    /// Puts `params` together; a `read` and a `list` make theirs at run time.
    fn render_params(&mut self) {
        let name = match &self.request.method {
            Method::Call { tool: name } | Method::Prompt { name } => name,
            Method::Read { .. } | Method::List { .. } => return,
        };
        let mut params = Template::raw(format!("{{\"name\":{}", serde_json::Value::from(name.as_str())));
        if let Some(arguments) = self.arguments.take() {
            params.push_raw(",\"arguments\":");
            params.push(arguments);
        }
        params.push_raw("}");
        self.request.params = params;
    }
}

impl Lowering<'_> {
    /// The number of a label; two expectations may share one.
    fn label(&mut self, label: String) -> usize {
        match self.labels.iter().position(|known| *known == label) {
            Some(index) => index,
            None => {
                self.labels.push(label);
                self.labels.len() - 1
            }
        }
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
