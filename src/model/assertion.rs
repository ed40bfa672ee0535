//! `assert { … }`

use super::items::Items;
use super::lower::Lowering;
use crate::diag::{Diagnostic, errors};
use crate::plan::{Assertion, Comparison, Metric, MetricExpr, Plan, Statistic};
use crate::syntax::ast;
use crate::text::Span;
use crate::units::{Dimension, Quantity};

/// Lowers all assertions. `complete` says whether all items are whole, so that
/// what is not found does not exist.
pub(super) fn lower_all(lowering: &mut Lowering<'_>, items: &Items, plan: &Plan, complete: bool) -> Vec<Assertion> {
    let lines: Vec<_> = items.asserts.iter().flat_map(ast::Assert::lines).collect();
    lines.iter().filter_map(|line| lower(lowering, line, plan, complete)).collect()
}

/// One side while it is lowered.
struct Side {
    expr: MetricExpr,
    dimension: Dimension,
    span: Span,
    /// Whether it holds a metric.
    measured: bool,
}

fn lower(lowering: &mut Lowering<'_>, line: &ast::AssertLine, plan: &Plan, complete: bool) -> Option<Assertion> {
    let mut assertion = condition(lowering, &line.condition()?, plan, complete);
    let share = match line.share() {
        Some(share) => Some(share_of_seconds(lowering, &share)?),
        None => None,
    };
    if let Some(assertion) = &mut assertion {
        assertion.source = lowering.written(line.span());
        assertion.share_of_seconds = share;
    }
    assertion
}

/// One comparison of something measured.
pub(super) fn condition(
    lowering: &mut Lowering<'_>,
    condition: &ast::Expr,
    plan: &Plan,
    complete: bool,
) -> Option<Assertion> {
    if condition.is_broken() {
        return None;
    }
    let ast::Expr::Binary(binary) = condition else { return not_a_comparison(lowering, condition) };
    let comparison = match binary.op()? {
        ast::BinaryOp::Eq => Comparison::Equal,
        ast::BinaryOp::Ne => Comparison::NotEqual,
        ast::BinaryOp::Lt => Comparison::Less,
        ast::BinaryOp::Le => Comparison::LessOrEqual,
        ast::BinaryOp::Gt => Comparison::Greater,
        ast::BinaryOp::Ge => Comparison::GreaterOrEqual,
        _ => return not_a_comparison(lowering, condition),
    };
    let (left, right) = (binary.left()?, binary.right()?);
    if is_comparison(&left) || is_comparison(&right) {
        lowering.out.push(one_comparison("this compares twice", condition.span()));
        return None;
    }
    let (left, right) = (side(lowering, &left, plan, complete), side(lowering, &right, plan, complete));
    let (left, right) = (left??, right??);
    fits(lowering, binary.op_span(), &left, &right)?;
    if !left.measured && !right.measured {
        lowering.out.push(errors::types::not_an_assertion("nothing in it is measured", condition.span()));
        return None;
    }
    warn_foregone(lowering, comparison, &left, &right, condition.span());
    Some(Assertion {
        source: lowering.written(condition.span()),
        left: left.expr,
        comparison,
        right: right.expr,
        share_of_seconds: None,
    })
}

/// Says why a condition is no comparison of two sides.
fn not_a_comparison(lowering: &mut Lowering<'_>, condition: &ast::Expr) -> Option<Assertion> {
    let span = condition.span();
    let diagnostic = match condition {
        ast::Expr::Binary(binary) if matches!(binary.op()?, ast::BinaryOp::And | ast::BinaryOp::Or) => {
            one_comparison("this joins conditions", binary.op_span())
        }
        ast::Expr::Unary(unary) if unary.op()? == ast::UnaryOp::Not => {
            errors::types::not_an_assertion("this turns a condition around", unary.op_span())
                .help("write the opposite comparison, for example `>=` for `not … <`")
        }
        _ => errors::types::not_an_assertion("there is no comparison in it", span),
    };
    lowering.out.push(diagnostic);
    None
}

fn one_comparison(reason: &str, span: Span) -> Diagnostic {
    let diagnostic = errors::types::not_an_assertion(reason, span);
    Diagnostic { message: "a line of `assert` holds one comparison".to_owned(), ..diagnostic }
        .help("write one line for each comparison: all lines must hold")
}

fn is_comparison(expr: &ast::Expr) -> bool {
    use ast::BinaryOp::{Eq, Ge, Gt, Le, Lt, Ne};
    match expr {
        ast::Expr::Paren(paren) => paren.inner().is_some_and(|inner| is_comparison(&inner)),
        ast::Expr::Binary(binary) => matches!(binary.op(), Some(Eq | Ne | Lt | Le | Gt | Ge)),
        _ => false,
    }
}

fn share_of_seconds(lowering: &mut Lowering<'_>, expr: &ast::Expr) -> Option<f64> {
    let share = lowering.quantity(expr, Dimension::Share)?;
    if share <= 0.0 || share > 1.0 {
        let what = format!("`{}`", lowering.written(expr.span()));
        lowering.out.push(errors::types::out_of_range(&what, "a percentage above 0%, up to 100%", expr.span()));
        return None;
    }
    Some(share)
}

/// One side of a comparison: `None` after a diagnostic, `Some(None)` where a
/// broken item may hold what it names.
fn side(lowering: &mut Lowering<'_>, expr: &ast::Expr, plan: &Plan, complete: bool) -> Option<Option<Side>> {
    let span = expr.span();
    match expr {
        ast::Expr::Paren(paren) => side(lowering, &paren.inner()?, plan, complete),
        ast::Expr::Binary(binary) => {
            let (left, right) = (binary.left()?, binary.right()?);
            let (left, right) = (side(lowering, &left, plan, complete), side(lowering, &right, plan, complete));
            let (Some(left), Some(right)) = (left?, right?) else { return Some(None) };
            arithmetic(lowering, binary, left, right, span).map(Some)
        }
        ast::Expr::Unary(unary) if !is_constant(lowering, &unary.operand()?) => {
            lowering.out.push(errors::types::not_an_assertion("a metric with an operator before it", span));
            None
        }
        ast::Expr::Literal(_) | ast::Expr::Unary(_) => constant(lowering, expr).map(Some),
        ast::Expr::Name(_) if is_constant(lowering, expr) => constant(lowering, expr).map(Some),
        expr => match lowering.metric(expr, plan, complete)? {
            None => Some(None),
            Some(reference) => {
                let dimension = reference.metric.dimension(reference.statistic).unwrap_or(Dimension::Number);
                Some(Some(Side { expr: MetricExpr::Metric(reference), dimension, span, measured: true }))
            }
        },
    }
}

fn is_constant(lowering: &Lowering<'_>, expr: &ast::Expr) -> bool {
    match expr {
        ast::Expr::Literal(_) => true,
        ast::Expr::Name(name) => lowering.params.contains_key(&name.text()),
        _ => false,
    }
}

fn constant(lowering: &mut Lowering<'_>, expr: &ast::Expr) -> Option<Side> {
    let value = lowering.constant(expr)?;
    match value.as_quantity() {
        Some(quantity) => Some(Side {
            dimension: quantity.dimension,
            expr: MetricExpr::Const(quantity),
            span: expr.span(),
            measured: false,
        }),
        None => {
            lowering.wrong_kind("a number or a quantity", "250ms", &value, expr);
            None
        }
    }
}

fn arithmetic(lowering: &mut Lowering<'_>, binary: &ast::Binary, left: Side, right: Side, span: Span) -> Option<Side> {
    use Dimension::Number;
    let (a, b) = (left.dimension, right.dimension);
    let measured = left.measured || right.measured;
    let (la, lb) = ((a.phrase(), left.span), (b.phrase(), right.span));
    let boxed = |left: Side, right: Side| (Box::new(left.expr), Box::new(right.expr));
    let (expr, dimension) = match binary.op()? {
        ast::BinaryOp::Add if a == b => {
            let (left, right) = boxed(left, right);
            (MetricExpr::Add(left, right), a)
        }
        ast::BinaryOp::Sub if a == b => {
            let (left, right) = boxed(left, right);
            (MetricExpr::Subtract(left, right), a)
        }
        ast::BinaryOp::Mul if a == Number || b == Number => {
            let (left, right) = boxed(left, right);
            (MetricExpr::Multiply(left, right), if a == Number { b } else { a })
        }
        ast::BinaryOp::Div if a == b || b == Number => {
            let (left, right) = boxed(left, right);
            (MetricExpr::Divide(left, right), if a == b { Number } else { a })
        }
        _ => {
            let operator = lowering.written(binary.op_span());
            lowering.out.push(errors::types::sides_differ(&operator, binary.op_span(), la, lb));
            return None;
        }
    };
    Some(Side { expr, dimension, span, measured })
}

/// Both sides must measure the same thing; a bare `0` fits everything.
fn fits(lowering: &mut Lowering<'_>, at: Span, left: &Side, right: &Side) -> Option<()> {
    let zero = |side: &Side| matches!(side.expr, MetricExpr::Const(Quantity { value: 0.0, .. }));
    if left.dimension == right.dimension || zero(left) || zero(right) {
        return Some(());
    }
    let bare = |number: &Side, other: &Side| {
        (number.dimension == Dimension::Number && !number.measured).then(|| {
            errors::types::missing_unit(other.dimension, lowering.source.slice(number.span), true, number.span)
        })
    };
    let diagnostic = bare(right, left).or_else(|| bare(left, right)).unwrap_or_else(|| {
        let operator = lowering.written(at);
        let side = |side: &Side| (side.dimension.phrase(), side.span);
        errors::types::sides_differ(&operator, at, side(left), side(right))
    });
    lowering.out.push(diagnostic);
    None
}

/// The comparison with its sides changed.
fn turned(comparison: Comparison) -> Comparison {
    match comparison {
        Comparison::Less => Comparison::Greater,
        Comparison::LessOrEqual => Comparison::GreaterOrEqual,
        Comparison::Greater => Comparison::Less,
        Comparison::GreaterOrEqual => Comparison::LessOrEqual,
        Comparison::Equal | Comparison::NotEqual => comparison,
    }
}

/// Warns about limits at or beyond the ends of a metric's range.
fn warn_foregone(lowering: &mut Lowering<'_>, comparison: Comparison, left: &Side, right: &Side, span: Span) {
    let (comparison, metric, limit) = match (&left.expr, &right.expr) {
        (MetricExpr::Metric(metric), MetricExpr::Const(limit)) => (comparison, metric, limit),
        (MetricExpr::Const(limit), MetricExpr::Metric(metric)) => (turned(comparison), metric, limit),
        _ => return,
    };
    let highest = match (&metric.metric, metric.statistic) {
        (Metric::Errors { .. } | Metric::Expect { .. }, Statistic::Rate) => 1.0,
        _ => f64::INFINITY,
    };
    let range = if highest.is_finite() { "it is always between 0% and 100%" } else { "it is never below 0" };
    let outcome = match comparison {
        Comparison::GreaterOrEqual if limit.value <= 0.0 => "fail",
        Comparison::Greater if limit.value < 0.0 => "fail",
        Comparison::LessOrEqual if limit.value >= highest => "fail",
        Comparison::Less if limit.value > highest => "fail",
        Comparison::Less if limit.value <= 0.0 => "hold",
        Comparison::LessOrEqual if limit.value < 0.0 => "hold",
        Comparison::Greater if limit.value >= highest => "hold",
        Comparison::GreaterOrEqual if limit.value > highest => "hold",
        Comparison::Equal if limit.value < 0.0 || limit.value > highest => "hold",
        Comparison::NotEqual if limit.value < 0.0 || limit.value > highest => "fail",
        _ => return,
    };
    lowering.out.push(errors::types::foregone(outcome, range, span));
}
