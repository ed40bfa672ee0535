//! When each scenario begins: at an instant, or after another one.

use super::items::Items;
use super::lower::Lowering;
use super::scenario::ScenarioItem;
use super::server::whole_ns;
use crate::diag::errors;
use crate::syntax::ast;
use crate::text::Span;

/// When a scenario begins.
pub(super) enum Start {
    At(f64),
    After(ast::Name),
}

/// Finds out when each scenario begins.
pub(super) fn resolve(
    lowering: &mut Lowering<'_>,
    items: &Items,
    names: &[String],
    starts: &[Option<(Start, Span)>],
    scenarios: &mut [ScenarioItem],
) {
    let mut after: Vec<Option<usize>> = Vec::new();
    for (index, start) in starts.iter().enumerate() {
        let mut before = None;
        if let Some((Start::After(name), _)) = start {
            before = names.iter().position(|known| *known == name.text()).filter(|before| *before != index);
            if before.is_none() && !items.any_rejected {
                let known: Vec<String> =
                    names.iter().enumerate().filter(|(n, _)| *n != index).map(|(_, name)| name.clone()).collect();
                lowering.out.push(errors::names::unknown_scenario(&name.text(), name.span(), &known));
            }
        }
        after.push(before);
    }
    for (index, start) in starts.iter().enumerate() {
        let Some((start, span)) = start else { continue };
        let begins = match start {
            Start::At(nanos) => Some(whole_ns(*nanos)),
            Start::After(_) => match chain(index, &after) {
                Some(chain) => chain.iter().try_fold(0, |sum: u64, (link, is_first)| {
                    let own = match starts.get(*link) {
                        Some(Some((Start::At(nanos), _))) => whole_ns(*nanos),
                        _ => 0,
                    };
                    let length = scenarios.get(*link)?.plan.as_ref()?.load.duration_ns();
                    // Only the first of them says when it begins by itself.
                    Some(sum.saturating_add(length).saturating_add(if *is_first { own } else { 0 }))
                }),
                None => {
                    let name = names.get(index).cloned().unwrap_or_default();
                    let what = format!("scenario `{name}`");
                    lowering.out.push(errors::load::circle(&what, "starts after itself", *span));
                    None
                }
            },
        };
        if let Some(scenario) = scenarios.get_mut(index) {
            match (begins, &mut scenario.plan) {
                (Some(begins), Some(plan)) => plan.start_ns = begins,
                _ => scenario.plan = None,
            }
        }
    }
}

/// The scenarios before `index`, and of each whether it is the first of all;
/// `None` when they lead back to it.
fn chain(index: usize, after: &[Option<usize>]) -> Option<Vec<(usize, bool)>> {
    let before = |index: usize| after.get(index).copied().flatten();
    let mut found = Vec::new();
    let mut at = before(index);
    while let Some(link) = at {
        if link == index || found.len() > after.len() {
            return None;
        }
        at = before(link);
        found.push((link, at.is_none()));
    }
    Some(found)
}
