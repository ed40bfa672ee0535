//! Calls: the tool, the guard, the arguments.

use std::collections::BTreeMap;

use super::super::guard;
use super::schema::{Fault, Walk, Wrong};
use super::{Offer, TaskSupport, Tool, example};
use crate::diag::Diagnostic;
use crate::diag::errors::live as errors;
use crate::model::{Argument, CallSite};
use crate::plan::Plan;
use crate::schema::{Judge, Judged};
use crate::text::Span;

/// The calls of one server while they are checked.
pub(super) struct Calls<'a> {
    plan: &'a Plan,
    offer: &'a Offer,
    /// By tool; `None` when its schema is of no use, which is said once.
    judges: BTreeMap<&'a str, Option<Judge>>,
}

impl<'a> Calls<'a> {
    pub(super) fn new(plan: &'a Plan, offer: &'a Offer) -> Calls<'a> {
        Calls { plan, offer, judges: BTreeMap::new() }
    }

    pub(super) fn check(&mut self, call: &CallSite, found: &mut Vec<Diagnostic>) {
        let Some(tool) = self.offer.tools.iter().find(|tool| tool.name == call.tool) else {
            let known: Vec<String> = self.offer.tools.iter().map(|tool| tool.name.clone()).collect();
            found.push(errors::unknown_tool(&call.tool, &self.offer.server, call.span, &known));
            return;
        };
        if let Some(fault) = &tool.header_fault {
            found.push(errors::tool_not_callable(&call.tool, fault, call.span));
            return;
        }
        let allowed = self.plan.guard.allow_tools.iter().any(|pattern| guard::matches(pattern, &call.tool));
        if !tool.read_only && !allowed {
            found.push(errors::tool_not_read_only(&call.tool, call.span, !self.plan.guard.allow_tools.is_empty()));
        }
        self.task(call, tool, found);
        self.arguments(call, tool, found);
    }

    /// Whether the call is a task as its server wants it.
    fn task(&self, call: &CallSite, tool: &Tool, found: &mut Vec<Diagnostic>) {
        let said =
            |asked, served| self.offer.tasks.iter().any(|tasks| tasks.asked == asked && tasks.served == Some(served));
        match (call.task, tool.tasks) {
            (Some(span), _) if said(true, false) => found.push(errors::no_tasks(&self.offer.server, span)),
            (Some(span), _) if said(false, false) => found.push(errors::no_tasks_said(&self.offer.server, span)),
            (Some(span), TaskSupport::Forbidden) if said(true, true) => {
                found.push(errors::task_mismatch(&tool.name, span, None));
            }
            (None, TaskSupport::Required) if said(true, true) => {
                let insert = (!call.block).then(|| Span::at(call.span.end as usize));
                found.push(errors::task_mismatch(&tool.name, call.span, Some(insert)));
            }
            _ => {}
        }
    }

    fn arguments(&mut self, call: &CallSite, tool: &'a Tool, found: &mut Vec<Diagnostic>) {
        if tool.schema.is_null() {
            return;
        }
        let judge = self.judges.entry(&tool.name).or_insert_with(|| match Judge::new(&tool.schema) {
            Ok(judge) => Some(judge),
            Err(reason) => {
                found.push(errors::unusable_schema(&tool.name, &reason, call.span));
                None
            }
        });
        let Some(judge) = judge else { return };
        let nothing = Argument::nothing(call.span);
        let args = call.args.as_ref().unwrap_or(&nothing);
        let judged = args.constant().map(|value| judge.judge(&value));
        let mut faults = Walk::new(&tool.schema, judge).faults(args);
        if judged == Some(Judged::Accepted) {
            // The judge has the last word on what is wrong, and none on what is
            // only strange.
            faults.retain(Fault::is_doubt);
        }
        let located = faults.iter().any(|fault| !fault.is_doubt());
        let owner = format!("the tool `{}`", call.tool);
        let missing = example::missing(&faults);
        for (index, fault) in faults.iter().enumerate() {
            let mut diagnostic = diagnostic(fault, &owner);
            if let (Wrong::Missing { .. }, None) = (&fault.wrong, &call.args) {
                diagnostic = example::without_args(diagnostic, &missing, call.span, call.block, index > 0);
            }
            found.push(diagnostic);
        }
        if let Some(Judged::Refused { path, message }) = judged
            && !located
        {
            let place = args.part(path.iter().map(String::as_str));
            found.push(errors::arguments_refused(&call.tool, &message, place.span));
        }
    }
}

/// What is said of a fault.
pub(super) fn diagnostic(fault: &Fault, owner: &str) -> Diagnostic {
    let Fault { path, span, wrong, .. } = fault;
    match wrong {
        Wrong::Missing { example, instead_of, insert } => {
            errors::missing_argument(path, owner, example, instead_of.as_deref(), *span, insert.clone())
        }
        Wrong::Unknown { name, known } => errors::unknown_argument(path, name, owner, *span, known, fault.written),
        Wrong::Doubt { near } => errors::doubtful_argument(path, owner, near, *span, fault.written),
        Wrong::Type { wanted, found, example, mended } => {
            let mended = mended.as_deref().filter(|_| fault.written);
            errors::wrong_argument_type(path, &wanted.join(" or "), found, example, *span, mended)
        }
        Wrong::Value { must, found, help, mended } => {
            let mended = mended.as_deref().filter(|_| fault.written);
            errors::argument_not_allowed(path, must, found, help, *span, mended)
        }
    }
}
