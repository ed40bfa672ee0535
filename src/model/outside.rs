//! A metric that is named outside a file, such as on a command line.

use std::collections::BTreeMap;

use super::lower::{Lowering, Options};
use super::{Model, NoFiles};
use crate::diag::{Diagnostic, errors};
use crate::plan::{MetricRef, Plan};
use crate::syntax::{self, ast};
use crate::text::{Source, Span};

/// What makes a file of a metric.
const BEFORE: &str = "mcpl 1\nassert {\n  ";
const BEHIND: &str = " > 0\n}\n";

/// Binds a metric as files write it, such as `search.latency.p95`, in a plan.
///
/// # Errors
/// What is wrong with it, with places in `text`.
pub fn metric_of(text: &str, plan: &Plan) -> Result<MetricRef, Vec<Diagnostic>> {
    let source = Source::new("metric", format!("{BEFORE}{text}{BEHIND}"));
    let own = Span::new(BEFORE.len(), BEFORE.len() + text.len());
    let parse = syntax::parse(source.text());
    let not_a_metric = || vec![errors::types::not_a_metric(Span::new(0, text.len()))];
    let asserts = parse.file().items().into_iter().filter_map(|item| match item {
        ast::Item::Assert(item) => Some(item),
        _ => None,
    });
    let line = asserts.flat_map(|item| item.lines()).next();
    let left = line.and_then(|line| line.condition()).and_then(|condition| match condition {
        ast::Expr::Binary(binary) => binary.left(),
        _ => None,
    });
    // Whatever else stands in the text, such as the end of the block.
    let Some(expr) = left.filter(|left| left.span() == own && parse.diagnostics().is_empty()) else {
        return Err(not_a_metric());
    };
    let options = Options { name: "", seed: 0, overrides: &[], targets: &[], env: &|_| None, files: &NoFiles };
    let mut lowering = Lowering {
        source: &source,
        options: &options,
        out: Vec::new(),
        params: BTreeMap::new(),
        declared: Vec::new(),
        model: Model::default(),
        labels: plan.expectations.clone(),
        groups: plan.groups.clone(),
        measures: plan.measures.iter().map(|measure| (measure.clone(), Span::default())).collect(),
        data: Vec::new(),
        flow_names: plan.flows.iter().map(|flow| flow.name.clone()).collect(),
        runs: Vec::new(),
        paces: Vec::new(),
        any_rejected: false,
        read_env: false,
    };
    match lowering.metric(&expr, plan, true).flatten() {
        Some(metric) if !lowering.out.iter().any(Diagnostic::is_error) => Ok(metric),
        // Such as a whole condition: what an assertion lacks is no help here.
        _ if lowering.out.iter().all(|diagnostic| diagnostic.code == "E312") => Err(not_a_metric()),
        _ => Err(lowering.out.into_iter().map(|diagnostic| back(diagnostic, own)).collect()),
    }
}

/// The same with places in the text of the metric alone.
fn back(mut diagnostic: Diagnostic, own: Span) -> Diagnostic {
    let inside = |at: u32| (at.clamp(own.start, own.end) - own.start) as usize;
    let shift = |span: &mut Span| *span = Span::new(inside(span.start), inside(span.end));
    shift(&mut diagnostic.primary.span);
    diagnostic.secondary.iter_mut().for_each(|label| shift(&mut label.span));
    diagnostic.fix.iter_mut().flat_map(|fix| &mut fix.edits).for_each(|edit| shift(&mut edit.span));
    diagnostic
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Metric, Statistic};

    const FILE: &str = r#"mcpl 1

server s {
  http "http://127.0.0.1:1/mcp"
}

scenario m {
  target s
  stages { hold 2 users for 5s }
  run f
}

flow f {
  call search {
    expect latency < 1s as "found"
  }
}
"#;

    fn plan() -> Plan {
        let options = Options { name: "t", seed: 1, overrides: &[], targets: &[], env: &|_| None, files: &NoFiles };
        let compiled = super::super::compile("t.mcpl", FILE, &options);
        compiled.lowered.plan.unwrap_or_else(|| panic!("{:#?}", compiled.lowered.diagnostics))
    }

    #[test]
    fn a_metric_is_bound_as_in_a_file() {
        let plan = plan();
        let metric = metric_of("search.latency.p95", &plan).unwrap();
        assert_eq!((metric.source.as_str(), metric.statistic), ("search.latency.p95", Statistic::Percentile(95.0)));
        assert_eq!(metric.selection.series, [0]);
        let found = metric_of("expect(\"found\").rate", &plan).unwrap();
        assert_eq!(found.metric, Metric::Expect { label: 0 });
        assert!(metric_of("errors.timeout.rate", &plan).is_ok());
    }

    #[test]
    fn a_mistake_has_its_place_in_the_text() {
        let wrong = |text: &str| metric_of(text, &plan()).unwrap_err().remove(0);
        let mistyped = wrong("serch.latency.p95");
        assert_eq!(mistyped.primary.span, Span::new(0, 5));
        assert!(mistyped.help.as_ref().is_some_and(|help| help.contains("search")), "{mistyped:?}");
        assert_eq!(wrong("latency.p950x").primary.span, Span::new(8, 13));
    }

    #[test]
    fn what_is_no_metric_is_refused_whole() {
        for text in
            ["", " ", "latency.p95 < 5ms", "1", "latency.p95 > 0\n}\nassert {\n  latency.p50", "}", "latency p95"]
        {
            let found = metric_of(text, &plan()).unwrap_err();
            assert!(found[0].primary.span.end as usize <= text.len(), "{text}: {found:?}");
            // Whoever follows the help must not fail again.
            let help = found[0].help.as_deref().unwrap_or_default();
            assert!(help.contains("alone, without a limit") && !help.contains('<'), "{text}: {help}");
        }
    }
}
