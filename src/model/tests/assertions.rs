//! Typed assertions.

use super::{File, GOOD, codes, compile, plan};
use crate::plan::{Comparison, Metric, MetricExpr, Statistic};

/// A literal of each dimension.
const LITERALS: [(&str, &str); 5] =
    [("duration", "5ms"), ("number", "5"), ("rate", "5/s"), ("share", "5%"), ("size", "5KiB")];

/// Every metric, and what its `count` and its `rate` measure; those without a
/// `rate` are times.
const METRICS: [(&str, &str, Option<&str>); 24] = [
    ("latency", "number", None),
    ("service_time", "number", None),
    ("wait", "number", None),
    ("first_byte", "number", None),
    ("iteration", "number", None),
    ("connect", "number", None),
    ("session_open", "number", None),
    ("session_close", "number", None),
    ("generator.lag", "number", None),
    ("requests", "number", Some("rate")),
    ("iterations", "number", Some("rate")),
    ("sessions", "number", Some("rate")),
    ("dropped", "number", Some("rate")),
    ("violations", "number", Some("rate")),
    ("bytes_in", "size", Some("rate")),
    ("bytes_out", "size", Some("rate")),
    ("errors", "number", Some("share")),
    ("errors.timeout", "number", Some("share")),
    ("errors.connect", "number", Some("share")),
    ("errors.expectation", "number", Some("share")),
    ("expect(\"answers\")", "number", Some("share")),
    ("browse.errors", "number", Some("share")),
    ("step(search).requests", "number", Some("rate")),
    ("flow(\"look\").latency", "number", None),
];

const STATISTICS: [&str; 9] = ["min", "mean", "max", "stddev", "p50", "p95", "p99.9", "count", "rate"];

/// What a statistic of a metric measures; `None` if it has none.
fn measures(metric: (&str, &'static str, Option<&'static str>), statistic: &str) -> Option<&'static str> {
    let (_, count, rate) = metric;
    match statistic {
        "count" => Some(count),
        "rate" => rate,
        _ => rate.is_none().then_some("duration"),
    }
}

#[test]
fn each_statistic_of_each_metric_compares_with_its_own_unit_only() {
    for metric in METRICS {
        for statistic in STATISTICS {
            let found = LITERALS.map(|(dimension, literal)| {
                let assert = format!("{}.{statistic} != {literal}", metric.0);
                (dimension, codes(&File { assert: &assert, ..GOOD }.text()))
            });
            let path = format!("{}.{statistic}", metric.0);
            let Some(measured) = measures(metric, statistic) else {
                assert!(found.iter().all(|(_, codes)| codes == &["E207"]), "{path} {found:?}");
                continue;
            };
            for (dimension, codes) in found {
                let expected: &[&str] = match dimension {
                    _ if dimension == measured => &[],
                    "number" => &["E302"],
                    _ => &["E304"],
                };
                assert_eq!(codes, expected, "{path} and a {dimension}");
            }
        }
    }
}

#[test]
fn zero_is_of_every_unit() {
    for path in ["latency.p95", "errors.count", "errors.rate", "bytes_in.count", "throughput"] {
        assert_eq!(codes(&File { assert: &format!("{path} > 0"), ..GOOD }.text()), [""; 0], "{path}");
    }
}

#[test]
fn arithmetic_keeps_track_of_the_units() {
    for (assert, expected) in [
        ("latency.p95 - latency.p50 < 5ms", None),
        ("latency.p95 / latency.p50 < 3", None),
        ("latency.p95 < 2 * latency.p50", None),
        ("latency.p95 < latency.p50 * 2 + 5ms", None),
        ("(latency.p95 + latency.p50) / 2 < 5ms", None),
        ("1s > latency.p95", None),
        ("latency.p95 / latency.p50 < 3ms", Some("E304")),
        ("latency.p95 * latency.p50 < 3ms", Some("E304")),
        ("latency.p95 + errors.rate < 3ms", Some("E304")),
        ("latency.p95 + 5 < 3ms", Some("E304")),
        ("1 / latency.p95 < 3", Some("E304")),
        ("1ms < latency.p95 < 5ms", Some("E312")),
        ("-latency.p95 < 5ms", Some("E312")),
        ("(1ms) < (2ms)", Some("E312")),
    ] {
        assert_eq!(codes(&File { assert, ..GOOD }.text()), Vec::from_iter(expected), "{assert}");
    }
}

#[test]
fn a_name_selects_the_series_that_it_names() {
    let file = File {
        scenario: "mix {\n50% look\n50% \"other flow\"\n}",
        flow: "call search\nread \"docs://a\"",
        assert: "latency.p95 < 1s\nbrowse.latency.p95 < 1s\nlook.latency.p95 < 1s\nsearch.latency.p95 < 1s\n\
                 step(\"docs://a\").latency.p95 < 1s\nflow(\"other flow\").latency.p95 < 1s",
        items: "flow \"other flow\" {\ncall search\ncall get\n}",
        ..GOOD
    };
    let selected: Vec<(Vec<usize>, usize)> = plan(&file.text())
        .assertions
        .into_iter()
        .map(|assertion| match assertion.left {
            MetricExpr::Metric(metric) => (metric.selection.series, metric.selection.scenarios.len()),
            other => panic!("{other:?}"),
        })
        .collect();
    // In the order of the mix: `look` has search and the resource, the other search and get.
    let expected: [(&[usize], usize); 6] =
        [(&[0, 1, 2, 3], 1), (&[0, 1, 2, 3], 1), (&[0, 1], 0), (&[0, 2], 0), (&[1], 0), (&[2, 3], 0)];
    assert_eq!(selected, expected.map(|(series, scenarios)| (series.to_vec(), scenarios)));
}

#[test]
fn a_metric_may_share_its_name_with_a_flow() {
    let text = |assert: &str| GOOD.text().replace("look", "latency").replace("latency.p95 < 1s", assert);
    let metric = |assert: &str| match plan(&text(assert)).assertions.remove(0).left {
        MetricExpr::Metric(metric) => (metric.metric, metric.selection.scenarios.len()),
        other => panic!("{other:?}"),
    };
    assert_eq!(metric("latency.p95 < 2s"), (Metric::Time(crate::plan::TimeMetric::Latency), 1), "of everything");
    assert_eq!(metric("latency.errors.rate < 1%"), (Metric::Errors { class: None }, 0), "of the flow");
}

#[test]
fn the_parts_of_an_assertion_are_in_the_plan() {
    let file = File { assert: "search.latency.p99.9 <= 250ms in 99% of seconds\nbrowse.throughput >= 5/s", ..GOOD };
    let assertions = plan(&file.text()).assertions;
    let [first, second] = assertions.as_slice() else { panic!("{assertions:?}") };
    assert_eq!(first.source, "search.latency.p99.9 <= 250ms in 99% of seconds");
    assert_eq!((first.comparison, first.share_of_seconds), (Comparison::LessOrEqual, Some(0.99)));
    let statistic = |side: &MetricExpr| match side {
        MetricExpr::Metric(metric) => (metric.metric.clone(), metric.statistic),
        other => panic!("{other:?}"),
    };
    assert_eq!(statistic(&first.left).1, Statistic::Percentile(99.9));
    assert_eq!(statistic(&second.left), (Metric::Requests, Statistic::Rate));
    assert_eq!(second.share_of_seconds, None);
}

#[test]
fn limits_beyond_the_range_of_a_metric_are_warned_of() {
    for (assert, outcome) in [
        ("errors.rate <= 100%", Some("fail")),
        ("100% >= errors.rate", Some("fail")),
        ("errors.rate < 100%", None),
        ("errors.rate > 100%", Some("hold")),
        ("errors.rate >= 100%", None),
        ("errors.rate == 101%", Some("hold")),
        ("errors.rate != 101%", Some("fail")),
        ("errors.rate >= 0%", Some("fail")),
        ("0 > errors.rate", Some("hold")),
        ("latency.p95 >= 0ms", Some("fail")),
        ("latency.p95 < 0ms", Some("hold")),
        ("latency.p95 > 0ms", None),
        ("dropped.count == 0", None),
        ("dropped.count <= 0", None),
        ("requests.rate <= 100/s", None),
    ] {
        let lowered = compile(&File { assert, ..GOOD }.text(), &[]);
        assert!(lowered.plan.is_some(), "{assert}: a warning stops nothing");
        let said: Vec<String> = lowered.diagnostics.into_iter().map(|found| found.message).collect();
        let expected = outcome.map(|outcome| format!("this assertion can never {outcome}"));
        assert_eq!(said, Vec::from_iter(expected), "{assert}");
    }
}

#[test]
fn processes_of_servers_are_measured_each_by_itself_or_together() {
    let assert = "server.cpu.mean < 250%\nserver.rss.max < 1GiB\nserver(docs).fds.max < 100\nserver(\"docs\").rss.min > 1MiB\nserver.rss.count > 3";
    let plan = plan(&File { assert, ..GOOD }.text());
    let of = |index: usize| match &plan.assertions[index].left {
        MetricExpr::Metric(reference) => (reference.metric.clone(), reference.statistic),
        other => panic!("{other:?}"),
    };
    assert_eq!(of(0), (Metric::ServerCpu { server: None }, Statistic::Mean));
    assert_eq!(of(1), (Metric::ServerRss { server: None }, Statistic::Max));
    assert_eq!(of(2), (Metric::ServerFds { server: Some(0) }, Statistic::Max));
    assert_eq!(of(3), (Metric::ServerRss { server: Some(0) }, Statistic::Min));
    assert_eq!(of(4), (Metric::ServerRss { server: None }, Statistic::Count));
    // Whoever is called `server` has its own metrics still.
    let named = File { flow: "call \"server\"", assert: "server.latency.p95 < 1s\nserver.rss.max < 1GiB", ..GOOD };
    assert!(compile(&named.text(), &[]).diagnostics.is_empty(), "{:#?}", compile(&named.text(), &[]).diagnostics);
}

#[test]
fn a_process_is_named_by_its_number_or_a_parameter() {
    let file = File { items: "param number = 7", server: "http \"http://localhost:1/mcp\"\npid number", ..GOOD }.text();
    assert_eq!(plan(&file).servers[0].pid, Some(7));
    let set = compile(&file, &[("number", "4242")]);
    assert_eq!(set.plan.unwrap().servers[0].pid, Some(4242));
}
