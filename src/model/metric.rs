//! Metric paths: `search.latency.p95`, `errors.timeout.rate`,
//! `expect("label").rate`.

use super::lower::Lowering;
use super::path::{Head, Part, Path};
use super::whole::is_of_servers;
use crate::diag::errors;
use crate::diag::suggest::nearest;
use crate::plan::{Metric, MetricRef, Plan, Selection, Statistic, TimeMetric};
use crate::syntax::ast;
use crate::violation::Violation;

/// Classes of errors, as in `errors.timeout.rate`.
pub(super) const CLASSES: [&str; 13] = [
    "connect",
    "timeout",
    "transport",
    "http",
    "protocol",
    "rpc",
    "tool",
    "expectation",
    "save",
    "local",
    "stale",
    "cancelled",
    "session_lost",
];

/// Metrics by name. `errors` and `expect` are read apart.
const METRICS: [(&str, Metric); 23] = [
    ("latency", Metric::Time(TimeMetric::Latency)),
    ("service_time", Metric::Time(TimeMetric::ServiceTime)),
    ("wait", Metric::Time(TimeMetric::Wait)),
    ("first_byte", Metric::Time(TimeMetric::FirstByte)),
    ("iteration", Metric::Iteration),
    ("connect", Metric::Connect),
    ("session_open", Metric::SessionOpen),
    ("session_close", Metric::SessionClose),
    ("requests", Metric::Requests),
    ("iterations", Metric::Iterations),
    ("sessions", Metric::Sessions),
    ("sessions_lost", Metric::SessionsLost),
    ("dropped", Metric::Dropped),
    ("violations", Metric::Violations),
    ("bytes_in", Metric::BytesIn),
    ("bytes_out", Metric::BytesOut),
    ("updates", Metric::Updates),
    ("progress", Metric::Progress),
    ("questions", Metric::Questions),
    ("rounds", Metric::Rounds),
    ("polls", Metric::Polls),
    ("late", Metric::Late),
    ("cached", Metric::Cached),
];

const TIME_STATISTICS: [&str; 10] = ["p50", "p90", "p95", "p99", "p99.9", "mean", "max", "min", "stddev", "count"];
const SECOND_STATISTICS: [&str; 4] = ["max", "mean", "min", "count"];
const COUNT_STATISTICS: [&str; 2] = ["count", "rate"];

/// How diagnostics name what a selector may be.
const ANY_KIND: &str = "scenario, flow or step";

impl Lowering<'_> {
    /// Binds a metric path. `None` after a diagnostic; `Some(None)` where a
    /// broken item may hold what the path names.
    pub(super) fn metric(&mut self, expr: &ast::Expr, plan: &Plan, complete: bool) -> Option<Option<MetricRef>> {
        let path = self.path(expr)?;
        let whole = match &path.head {
            Head::Call { function, .. } => matches!(function.text.as_str(), "expect" | "group" | "server"),
            Head::Name(name) => {
                name.text == "generator"
                    || is_of_servers(&path)
                    || self.measures.iter().any(|(measure, _)| measure.name == name.text)
            }
        };
        if let Some((key, _)) = path.tags.first().filter(|_| whole) {
            let metric = match &path.head {
                Head::Call { function, argument } => format!("{}(\"{}\")", function.text, argument.text),
                Head::Name(name) => name.text.clone(),
            };
            self.out.push(errors::names::without_tags(&metric, key.span));
            return None;
        }
        let mut rest = path.parts.iter();
        // `None`: what is selected may be in a broken item.
        let mut selection = Some(everything(plan));
        let metric_part: &Part;
        match &path.head {
            Head::Call { function, argument } if function.text == "expect" => {
                return self.expectation(expr, &path, argument, complete);
            }
            Head::Call { function, argument } if function.text == "group" => {
                return self.group_metric(expr, &path, argument, complete);
            }
            Head::Call { function, argument } if function.text == "server" => {
                return self.server_metric(expr, &path, Some(argument), plan, complete);
            }
            Head::Call { function, argument } => {
                match select(plan, &argument.text, Some(&function.text)) {
                    Some(found) => selection = Some(found),
                    None if !complete => selection = None,
                    None => {
                        let known = names(plan, Some(&function.text));
                        self.out.push(errors::names::unknown_selector(
                            &function.text,
                            &argument.text,
                            argument.span,
                            &known,
                        ));
                        return None;
                    }
                }
                metric_part = self.next_metric(&mut rest, &path)?;
            }
            Head::Name(name) if is_metric(&name.text) && !self.selects(plan, &path, name) => metric_part = name,
            Head::Name(name) if self.measures.iter().any(|(measure, _)| measure.name == name.text) => {
                return self.measured(expr, &path, name);
            }
            Head::Name(name) if name.text == "generator" => {
                return self.generator(expr, &mut rest, &path);
            }
            Head::Name(_) if is_of_servers(&path) => {
                return self.server_metric(expr, &path, None, plan, complete);
            }
            Head::Name(name) => {
                selection = self.selector(plan, name, path.parts.first(), complete)?;
                metric_part = self.next_metric(&mut rest, &path)?;
            }
        }
        if let Some(selection) = &mut selection {
            self.narrow(plan, selection, &path, complete)?;
        }
        let metric = self.named_metric(metric_part, &mut rest)?;
        if selection.as_ref().is_some_and(|selection| complete && selection.scenarios.is_empty())
            && is_of_scenarios(&metric)
        {
            let selector = match &path.head {
                Head::Name(part) | Head::Call { argument: part, .. } => &part.text,
            };
            if let Some((key, _)) = path.tags.first() {
                self.out.push(errors::names::without_tags(&metric_part.text, key.span));
                return None;
            }
            let known = names(plan, Some("scenario"));
            let (name, span) = (&metric_part.text, metric_part.span);
            self.out.push(errors::names::metric_of_scenarios(name, selector, span, &known));
            return None;
        }
        let (metric, statistic) = if metric_part.text == "throughput" {
            (Metric::Requests, Statistic::Rate)
        } else {
            let text = match &metric {
                Metric::Errors { class: Some(class) } => format!("errors.{class}"),
                Metric::Violation { kind } => format!("violations.{kind}"),
                _ => metric_part.text.clone(),
            };
            let statistic = self.statistic(&metric, &Part { text, span: metric_part.span }, rest.next())?;
            (metric, statistic)
        };
        self.end(&path, &mut rest)?;
        let source = self.written(expr.span());
        Some(selection.map(|selection| MetricRef { source, selection, metric, statistic }))
    }

    /// Whether `name` means a scenario, flow or step although a metric has the
    /// same name: when a metric follows it.
    fn selects(&self, plan: &Plan, path: &Path, name: &Part) -> bool {
        path.parts.first().is_some_and(|part| is_metric(&part.text)) && select(plan, &name.text, None).is_some()
    }

    /// `None` after a diagnostic, `Some(None)` for what may be in a broken item.
    fn selector(&mut self, plan: &Plan, name: &Part, next: Option<&Part>, complete: bool) -> Option<Option<Selection>> {
        let kinds: Vec<&str> = ["scenario", "flow", "step"]
            .into_iter()
            .filter(|kind| select(plan, &name.text, Some(kind)).is_some())
            .collect();
        match kinds.as_slice() {
            [_] => Some(select(plan, &name.text, None)),
            [] => {
                // `error.rate`: what is followed by no metric, not even a mistyped
                // one, is a mistyped metric itself, and none in a broken item.
                let near = |part: &Part| nearest(&part.text, metric_names().iter().map(String::as_str)).is_some();
                let leads_to_metric = next.is_none_or(near);
                if !complete && leads_to_metric {
                    return Some(None);
                }
                // `latencyy.p95`: a mistyped metric rather than a mistyped step.
                let followed_by_metric = next.is_some_and(|part| is_metric(&part.text));
                let diagnostic = if followed_by_metric {
                    errors::names::unknown_selector(ANY_KIND, &name.text, name.span, &names(plan, None))
                } else {
                    let mut known = metric_names();
                    known.extend(names(plan, None));
                    known.extend(self.params.keys().cloned());
                    errors::names::unknown_metric(&name.text, name.span, &known)
                };
                self.out.push(diagnostic);
                None
            }
            kinds => {
                self.out.push(errors::names::ambiguous_selector(&name.text, name.span, kinds));
                None
            }
        }
    }

    pub(super) fn next_metric<'p>(&mut self, rest: &mut std::slice::Iter<'p, Part>, path: &Path) -> Option<&'p Part> {
        let part = rest.next();
        if part.is_none() {
            let example = if matches!(&path.head, Head::Name(name) if name.text == "generator") {
                "lag.p99"
            } else {
                "latency.p95"
            };
            let written = self.written(path.span);
            self.out.push(errors::names::missing_metric(&written, example, path.span));
        }
        part
    }

    fn named_metric(&mut self, part: &Part, rest: &mut std::slice::Iter<'_, Part>) -> Option<Metric> {
        if part.text == "throughput" {
            return Some(Metric::Requests);
        }
        if part.text == "errors" {
            let class = rest.as_slice().first().filter(|next| CLASSES.contains(&next.text.as_str()));
            if class.is_some() {
                rest.next();
            }
            return Some(Metric::Errors { class: class.map(|class| class.text.clone()) });
        }
        if part.text == "violations"
            && let Some(violation) = rest.as_slice().first().and_then(|next| Violation::from_name(&next.text))
        {
            rest.next();
            return Some(Metric::Violation { kind: violation });
        }
        let found = METRICS.iter().find(|(name, _)| *name == part.text).map(|(_, metric)| metric.clone());
        if found.is_none() {
            let diagnostic = errors::names::unknown_metric(&part.text, part.span, &metric_names());
            let own = self.measures.iter().any(|(measure, _)| measure.name == part.text);
            let help = format!("write `{}` without anything before it: it belongs to the whole run", part.text);
            self.out.push(if own { diagnostic.found("a metric of the file's own").help(help) } else { diagnostic });
        }
        found
    }

    pub(super) fn statistic(&mut self, metric: &Metric, owner: &Part, part: Option<&Part>) -> Option<Statistic> {
        let statistics: &[&str] = match metric.dimension(Statistic::Max) {
            Some(_) if metric.is_of_seconds() => &SECOND_STATISTICS,
            Some(_) => &TIME_STATISTICS,
            None => &COUNT_STATISTICS,
        };
        let mut known: Vec<String> = statistics.iter().map(|name| (*name).to_owned()).collect();
        let statistic = part.and_then(|part| statistic_of(&part.text));
        match statistic.filter(|statistic| metric.dimension(*statistic).is_some()) {
            Some(statistic) => Some(statistic),
            None => {
                let (name, span) = (part.map(|part| part.text.as_str()), part.map_or(owner.span, |part| part.span));
                let example = match metric {
                    Metric::Errors { .. } | Metric::Expect { .. } => "rate",
                    metric if metric.is_of_seconds() => "max",
                    metric if metric.dimension(Statistic::Max).is_some() => "p95",
                    _ => "count",
                };
                let class = name.and_then(|name| nearest(name, CLASSES));
                if let Some(class) = class.filter(|_| matches!(metric, Metric::Errors { class: None })) {
                    known = vec![class.to_owned()];
                }
                let violation = name.and_then(|name| nearest(name, Violation::ALL.map(Violation::name)));
                if let Some(violation) = violation.filter(|_| matches!(metric, Metric::Violations)) {
                    known = vec![violation.to_owned()];
                }
                self.out.push(errors::names::unknown_statistic(&owner.text, name, span, &known, example));
                None
            }
        }
    }

    /// Nothing stands behind the statistic.
    pub(super) fn end(&mut self, path: &Path, rest: &mut std::slice::Iter<'_, Part>) -> Option<()> {
        let Some(extra) = rest.next() else { return Some(()) };
        let before = path.parts.iter().rev().find(|part| part.span.end <= extra.span.start);
        let before = match (before, &path.head) {
            (Some(part), _) | (None, Head::Name(part)) => &part.text,
            (None, Head::Call { function, .. }) => &function.text,
        };
        self.out.push(errors::names::behind_statistic(before, &extra.text, extra.span));
        None
    }

    fn expectation(
        &mut self,
        expr: &ast::Expr,
        path: &Path,
        label: &Part,
        complete: bool,
    ) -> Option<Option<MetricRef>> {
        let Some(index) = self.labels.iter().position(|known| *known == label.text) else {
            if complete {
                let known = self.labels.clone();
                self.out.push(errors::names::unknown_label(&label.text, label.span, &known));
                return None;
            }
            return Some(None);
        };
        let metric = Metric::Expect { label: index };
        let owner = Part { text: format!("expect(\"{}\")", label.text), span: path.span };
        let mut rest = path.parts.iter();
        let statistic = self.statistic(&metric, &owner, rest.next())?;
        self.end(path, &mut rest)?;
        let source = self.written(expr.span());
        Some(Some(MetricRef { source, selection: Selection::default(), metric, statistic }))
    }

    /// Keeps what carries the tags of the path. Tags of a scenario are known
    /// here, those of a request once it is answered.
    fn narrow(&mut self, plan: &Plan, selection: &mut Selection, path: &Path, complete: bool) -> Option<()> {
        for (key, value) in &path.tags {
            let of = |index: &usize| plan.series.get(*index);
            let carries = |series: &crate::plan::Series| {
                series.tag_keys.contains(&key.text) || series.tags.iter().any(|(known, _)| *known == key.text)
            };
            let has = |series: &crate::plan::Series| {
                series.tag_keys.contains(&key.text)
                    || series.tags.iter().any(|(known, said)| *known == key.text && said == value)
            };
            if !selection.series.iter().filter_map(of).any(carries) {
                if complete {
                    let mut known: Vec<String> = plan.series.iter().flat_map(tag_keys).collect();
                    known.sort();
                    known.dedup();
                    self.out.push(errors::names::unknown_tag(&key.text, key.span, &known));
                }
                return None;
            }
            selection.series.retain(|index| of(index).is_some_and(has));
            selection.scenarios.clear();
            if selection.series.iter().filter_map(of).any(|series| series.tag_keys.contains(&key.text)) {
                selection.tags.push((key.text.clone(), value.clone()));
            }
        }
        Some(())
    }
}

/// Everything but what users do before their first iteration and after their
/// last.
fn everything(plan: &Plan) -> Selection {
    let counted = |index: &usize| plan.series.get(*index).is_some_and(|series| !series.apart);
    let series = (0..plan.series.len()).filter(counted).collect();
    Selection { series, scenarios: (0..plan.scenarios.len()).collect(), tags: Vec::new() }
}

/// The keys of the tags that requests of a series carry.
fn tag_keys(series: &crate::plan::Series) -> Vec<String> {
    series.tag_keys.iter().cloned().chain(series.tags.iter().map(|(key, _)| key.clone())).collect()
}

/// What `name` selects: as a scenario, a flow or a step, or as any of them.
fn select(plan: &Plan, name: &str, kind: Option<&str>) -> Option<Selection> {
    let wanted = |which| kind.is_none_or(|kind| kind == which);
    let by = |test: &dyn Fn(&crate::plan::Series) -> bool| -> Vec<usize> {
        plan.series.iter().enumerate().filter(|(_, series)| test(series)).map(|(index, _)| index).collect()
    };
    if wanted("scenario")
        && let Some(index) = plan.scenarios.iter().position(|scenario| scenario.name == name)
    {
        let series = by(&|series| series.scenario == index && !series.apart);
        return Some(Selection { series, scenarios: vec![index], tags: Vec::new() });
    }
    if wanted("flow")
        && let Some(flow) = plan.flows.iter().position(|flow| flow.name == name)
    {
        return Some(Selection { series: by(&|series| series.flow == flow), ..Selection::default() });
    }
    if wanted("step") && plan.series.iter().any(|series| series.step == name) {
        return Some(Selection { series: by(&|series| series.step == name), ..Selection::default() });
    }
    None
}

/// Names that select something of this kind, or of any.
fn names(plan: &Plan, kind: Option<&str>) -> Vec<String> {
    let wanted = |which| kind.is_none_or(|kind| kind == which);
    let mut names = Vec::new();
    if wanted("scenario") {
        names.extend(plan.scenarios.iter().map(|scenario| scenario.name.clone()));
    }
    if wanted("flow") {
        names.extend(plan.flows.iter().map(|flow| flow.name.clone()));
    }
    if wanted("step") {
        // A name that is no identifier is written in quotes.
        let quoted = |step: &String| match kind {
            _ if is_identifier(step) => step.clone(),
            Some(_) => format!("\"{step}\""),
            None => format!("step(\"{step}\")"),
        };
        names.extend(plan.series.iter().map(|series| quoted(&series.step)));
    }
    names.sort();
    names.dedup();
    names
}

fn is_identifier(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Whether a metric is kept for scenarios and not for the requests of each step.
fn is_of_scenarios(metric: &Metric) -> bool {
    use Metric::{Connect, Dropped, Iteration, Iterations, SessionClose, SessionOpen, Sessions, SessionsLost};
    matches!(metric, Iteration | Connect | SessionOpen | SessionClose | Iterations | Sessions | SessionsLost | Dropped)
}

/// Whether every run has a metric of this name.
pub(super) fn is_metric(name: &str) -> bool {
    matches!(name, "errors" | "throughput") || METRICS.iter().any(|(known, _)| *known == name)
}

fn metric_names() -> Vec<String> {
    METRICS.iter().map(|(name, _)| *name).chain(["errors", "throughput"]).map(str::to_owned).collect()
}

fn statistic_of(name: &str) -> Option<Statistic> {
    Some(match name {
        "min" => Statistic::Min,
        "mean" => Statistic::Mean,
        "max" => Statistic::Max,
        "stddev" => Statistic::Stddev,
        "count" => Statistic::Count,
        "rate" => Statistic::Rate,
        other => {
            let number = other.strip_prefix('p').filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))?;
            let percentile: f64 = number.parse().ok()?;
            (percentile > 0.0 && percentile < 100.0).then_some(Statistic::Percentile(percentile))?
        }
    })
}
