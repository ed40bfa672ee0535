//! The statements of a request.

use super::flow::Draft;
use super::lower::Lowering;
use super::server::whole_ns;
use super::types::{Type, Typed};
use crate::diag::errors;
use crate::expr::{Expr, Given, Template};
use crate::plan::{Check, Method, Request, Save, Step, Tag, Task};
use crate::syntax::ast::{self, RequestStmt, TaskStmt};
use crate::text::Span;
use crate::units::Dimension;

/// A list has no more pages than this, unless the file says so.
pub(super) const DEFAULT_PAGES: u32 = 1000;

impl Draft {
    /// Lowers the block of a request. `reference` is what `complete` completes.
    pub(super) fn request(
        &mut self,
        lowering: &mut Lowering<'_>,
        item: &ast::Request,
        label: String,
        method: Method,
        reference: Option<Template>,
    ) -> Option<()> {
        let completes = method == Method::Complete;
        let mut draft = RequestDraft {
            request: Request::new(self.requests, label, method),
            arguments: None,
            argument: None,
            keyword: item.keyword_span(),
            said: Vec::new(),
            tag_spans: Vec::new(),
        };
        self.requests += 1;
        let mut whole = !item.is_broken();
        for statement in item.statements() {
            whole &= draft.statement(lowering, self, &statement).is_some();
        }
        if completes && draft.argument.is_none() && whole {
            let help = "add `argument \"name\" value \"…\"`: the argument that is being completed";
            lowering.out.push(errors::load::missing("`argument`", "this `complete`", item.keyword_span(), help));
            whole = false;
        }
        draft.render_params(reference);
        self.steps.push(Step::Request(Box::new(draft.request)));
        whole.then_some(())
    }
}

/// A text as JSON.
pub(super) fn json_text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A request while it is lowered.
struct RequestDraft {
    request: Request,
    arguments: Option<Template>,
    /// The argument that is being completed, as `"argument":{…}`.
    argument: Option<Template>,
    /// The keyword of the step.
    keyword: Span,
    said: Vec<(&'static str, Span)>,
    tag_spans: Vec<(String, Span)>,
}

impl RequestDraft {
    fn statement(&mut self, lowering: &mut Lowering<'_>, flow: &mut Draft, statement: &RequestStmt) -> Option<()> {
        match statement {
            RequestStmt::As(attr) => {
                self.once(lowering, "as", attr.keyword_span())?;
                self.request.label = lowering.text_attr(attr, "a label", "find pages")?;
            }
            RequestStmt::Args(attr) => {
                let takes = matches!(self.request.method, Method::Call { .. } | Method::Prompt { .. });
                self.object(lowering, flow, "args", "`call` or `prompt`", takes, attr)?;
            }
            RequestStmt::Params(attr) => {
                let takes = matches!(self.request.method, Method::Request { .. });
                self.object(lowering, flow, "params", "`request`", takes, attr)?;
            }
            RequestStmt::Argument(argument) => self.completed(lowering, flow, argument)?,
            RequestStmt::Tag(item) => {
                let tag = self.tag(lowering, flow, item)?;
                self.tag_spans.push((tag.key.clone(), item.span()));
                self.request.tags.push(tag);
            }
            RequestStmt::Cancel(attr) => {
                self.once(lowering, "cancel", attr.keyword_span())?;
                self.request.cancel_ns = Some(whole_ns(lowering.quantity_attr(attr, Dimension::Duration, 1e6)?));
            }
            RequestStmt::Progress(attr) => {
                self.once(lowering, "progress", attr.keyword_span())?;
                self.request.progress = lowering.switch(&attr.value()?)?;
            }
            RequestStmt::Task(task) => self.task(lowering, task)?,
            RequestStmt::Measure(binding) => {
                let measure = self.measure(lowering, flow, binding)?;
                self.request.measures.push(measure);
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

    /// `args` and `params`.
    fn object(
        &mut self,
        lowering: &mut Lowering<'_>,
        flow: &Draft,
        what: &'static str,
        only: &str,
        takes: bool,
        attr: &ast::Attr,
    ) -> Option<()> {
        self.once(lowering, what, attr.keyword_span())?;
        if !takes {
            self.no_effect(lowering, what, only, attr.keyword_span());
            return None;
        }
        let (template, known) = lowering.arguments(&attr.value()?, &flow.names(false))?;
        self.arguments = Some(template);
        // The site of this request is the last that was noted.
        match &self.request.method {
            Method::Call { .. } => lowering.model.calls.last_mut().map(|site| site.args = Some(known)),
            Method::Prompt { .. } => lowering.model.prompts.last_mut().map(|site| site.args = Some(known)),
            _ => None,
        };
        Some(())
    }

    /// `task on`, and `task { ttl 60s }`
    fn task(&mut self, lowering: &mut Lowering<'_>, item: &ast::Task) -> Option<()> {
        self.once(lowering, "task", item.keyword_span())?;
        if !matches!(self.request.method, Method::Call { .. }) {
            self.no_effect(lowering, "task", "`call`", item.keyword_span());
            return None;
        }
        if item.is_broken() {
            return None;
        }
        let on = match item.switch() {
            Some(switch) => lowering.switch(&switch)?,
            None => true,
        };
        let mut task = Task::default();
        let mut first = None;
        for statement in item.statements() {
            let TaskStmt::Ttl(attr) = statement else { return None };
            if let Some(first) = first {
                lowering.out.push(errors::load::repeated("ttl", attr.keyword_span(), first));
                return None;
            }
            first = Some(attr.keyword_span());
            task.ttl_ns = Some(whole_ns(lowering.quantity_attr(&attr, Dimension::Duration, 1e6)?));
        }
        if on {
            self.request.task = Some(task);
            lowering.model.calls.last_mut()?.task = Some(item.keyword_span());
        }
        Some(())
    }

    /// `argument "page" value "in"`
    fn completed(&mut self, lowering: &mut Lowering<'_>, flow: &Draft, argument: &ast::Argument) -> Option<()> {
        self.once(lowering, "argument", argument.keyword_span())?;
        if self.request.method != Method::Complete {
            self.no_effect(lowering, "argument", "`complete`", argument.keyword_span());
            return None;
        }
        let (name_ast, value_ast) = (argument.name()?, argument.value()?);
        let name = lowering.text(&name_ast, "the name of an argument", "page");
        let value = lowering.typed_text(&value_ast, &flow.names(false), "what is typed of it", "\"in\"");
        let (name, value) = (name?, value?);
        let mut template = Template::raw(format!("\"argument\":{{\"name\":{},\"value\":", json_text(&name)));
        template.push_json(value);
        template.push_raw("}");
        self.argument = Some(template);
        Some(())
    }

    fn tag(&self, lowering: &mut Lowering<'_>, flow: &Draft, tag: &ast::Tag) -> Option<Tag> {
        let key = tag.name()?;
        if let Some(first) = self.tag_spans.iter().find(|(first, _)| *first == key.text()).map(|(_, span)| *span) {
            lowering.out.push(errors::load::repeated(&format!("tag {}", key.text()), key.span(), first));
            return None;
        }
        let value_ast = tag.value()?;
        let value = lowering.expression(&value_ast, &flow.names(true))?;
        Some(Tag { key: key.text(), value: value.expr })
    }

    /// `measure hits = length(structured.hits)`
    fn measure(&self, lowering: &mut Lowering<'_>, flow: &Draft, binding: &ast::Binding) -> Option<Save> {
        let (name, value_ast) = (binding.name()?, binding.value()?);
        let value = lowering.expression(&value_ast, &flow.names(true))?;
        let dimension = match value.ty {
            Type::Any => Dimension::Number,
            Type::Quantity(dimension @ (Dimension::Number | Dimension::Duration | Dimension::Size)) => dimension,
            other => {
                let (wanted, example) = ("a number, a duration or a size", "length(structured.hits)");
                lowering.out.push(errors::types::wrong_kind(wanted, example, other.phrase(), value_ast.span()));
                return None;
            }
        };
        let slot = lowering.measure(&name, dimension)?;
        Some(Save { slot, name: name.text(), value: value.expr })
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
    fn render_params(&mut self, reference: Option<Template>) {
        let name = match &self.request.method {
            Method::Call { tool: name } | Method::Prompt { name } => name,
            Method::Read { .. } | Method::List { .. } | Method::Subscribe { .. } => return,
            Method::Request { .. } => {
                self.request.params = self.arguments.take().unwrap_or_else(|| Template::raw("{}"));
                return;
            }
            Method::Complete => {
                let mut params = Template::raw("{\"ref\":");
                params.push(reference.unwrap_or_default());
                params.push_raw(",");
                params.push(self.argument.take().unwrap_or_default());
                params.push_raw("}");
                self.request.params = params;
                return;
            }
        };
        let mut params = Template::raw(format!("{{\"name\":{}", json_text(name)));
        if let Some(arguments) = self.arguments.take() {
            params.push_raw(",\"arguments\":");
            params.push(arguments);
        }
        params.push_raw("}");
        self.request.params = params;
    }
}
