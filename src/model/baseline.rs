//! `baseline NAME { … }`

use super::items::Items;
use super::lower::Lowering;
use crate::diag::errors;
use crate::plan::{Baseline, Margin, Plan};
use crate::syntax::ast;
use crate::units::Dimension;

/// Lowers all baselines. `complete` says whether all items are whole.
pub(super) fn lower_all(lowering: &mut Lowering<'_>, items: &Items, plan: &Plan, complete: bool) -> Vec<Baseline> {
    let mut baselines = Vec::new();
    for item in &items.baselines {
        let Some(name) = item.name() else { continue };
        if item.lines().is_empty() && !item.is_broken() {
            let help = "add a line such as `latency.p95 within +10%`";
            lowering.out.push(errors::load::missing("line", &format!("baseline `{}`", name.text()), name.span(), help));
        }
        let margins = item.lines().iter().filter_map(|line| margin(lowering, line, plan, complete)).collect();
        baselines.push(Baseline { name: name.text(), margins });
    }
    baselines
}

fn margin(lowering: &mut Lowering<'_>, line: &ast::WithinLine, plan: &Plan, complete: bool) -> Option<Margin> {
    let (metric_ast, margin_ast) = (line.metric()?, line.margin()?);
    if line.is_broken() {
        return None;
    }
    let metric = lowering.metric(&metric_ast, plan, complete);
    let share = lowering.quantity_from(&margin_ast, Dimension::Share, 0.0).filter(|share| {
        if *share == 0.0 {
            let what = format!("`{}`", lowering.written(margin_ast.span()));
            let range = "a percentage above 0%: no two runs are equal";
            lowering.out.push(errors::types::out_of_range(&what, range, margin_ast.span()));
        }
        *share > 0.0
    });
    let (metric, share) = (metric??, share?);
    let (above, below) = match line.sign() {
        Some(true) => (None, Some(share)),
        Some(false) => (Some(share), None),
        // Without a sign: whichever direction is worse; where neither is, both.
        None => match metric.metric.worse_above(metric.statistic) {
            Some(true) => (Some(share), None),
            Some(false) => (None, Some(share)),
            None => (Some(share), Some(share)),
        },
    };
    Some(Margin { source: lowering.written(line.span()), metric, above, below })
}
