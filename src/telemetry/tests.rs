//! Two seconds of a run as those see it who watch.

use std::collections::{BTreeMap, BTreeSet};

use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsPartialSuccess, ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use opentelemetry_proto::tonic::metrics::v1::{Metric, metric::Data};
use prost::Message as _;

use super::{Context, Exposition, Rejected, Totals, line};
use crate::model::{self, Files};
use crate::plan::Plan;
use crate::record::{ErrorClass, Phase, Recorder, Sample, Shape, Slice};
use crate::results::ServerInfo;

const FILE: &str = r#"mcpl 1
server docs { http "http://127.0.0.1:1/mcp" }
scenario browse {
  target docs
  warmup 1s
  stages { ramp 0/s -> 20/s over 2s }
  run look
}
flow look {
  call search {
    args { "query": "a" }
    tag kind = "deep"
  }
  list resources
}
"#;

struct NoFiles;

impl Files for NoFiles {
    fn read(&self, _: &str, _: &str) -> Result<(String, Vec<u8>), String> {
        Err("there is none".to_owned())
    }
}

fn plan() -> Plan {
    let options =
        model::Options { name: "a \"b\"", seed: 1, overrides: &[], targets: &[], env: &|_| None, files: &NoFiles };
    let compiled = model::compile("test.mcpl", FILE, &options);
    compiled.lowered.plan.unwrap_or_else(|| panic!("{:?}", compiled.lowered.diagnostics))
}

fn context() -> Context {
    let server = ServerInfo {
        name: "docs".to_owned(),
        transport: "http".to_owned(),
        revision: "2025-11-25".to_owned(),
        server_name: String::new(),
        server_version: String::new(),
        tools: 1,
        tokens: None,
    };
    Context::new(&plan(), "run-1", 1, &[server])
}

/// In the first second, of warm-up, one call; in the second three that succeed in 3 ms, one
/// that does not, and a list.
fn seconds() -> Vec<Slice> {
    let mut recorder = Recorder::new(Shape { series: 2, scenarios: 1, ..Shape::default() });
    let tags = ["deep \\ \"x\"\n".to_owned()];
    let ok = Sample { latency: 3_000_000, service: Some(2_000_000), bytes_in: 10, ..Sample::default() };
    recorder.tagged_request(0, 0, Phase::Warmup, &tags, &ok);
    recorder.lag(0, 1_000_000);
    for _ in 0..3 {
        recorder.tagged_request(1, 0, Phase::Measured, &tags, &ok);
        recorder.iteration(1, 0, Phase::Measured, 5_000_000);
    }
    let bad = Sample { latency: 2_000_000_000, error: Some(ErrorClass::Tool), ..Sample::default() };
    recorder.tagged_request(1, 0, Phase::Measured, &tags, &bad);
    recorder.request(1, 1, Phase::Measured, &ok);
    // No failure.
    recorder.request(1, 1, Phase::Measured, &Sample { error: Some(ErrorClass::Stale), ..Sample::default() });
    recorder.dropped(1, 0, Phase::Measured, 2);
    recorder.finish();
    let mut slices = recorder.drain().0;
    slices[1].health.users = 4;
    slices
}

fn totals() -> Totals {
    let mut totals = Totals::new(context());
    seconds().iter().for_each(|second| totals.add(second));
    totals
}

/// The samples of a text as Prometheus reads it: names with labels, and values. Whatever is
/// no such text fails.
fn samples(text: &str) -> BTreeMap<String, f64> {
    let (mut found, mut declared) = (BTreeMap::new(), BTreeSet::new());
    for line in text.lines().filter(|line| *line != "# EOF") {
        if let Some(declaration) = line.strip_prefix("# ") {
            let words: Vec<&str> = declaration.splitn(3, ' ').collect();
            assert!(["HELP", "TYPE", "UNIT"].contains(&words[0]) && words.len() == 3, "{line}");
            assert!(words[0] != "TYPE" || declared.insert(words[1].to_owned()), "declared twice: {line}");
            continue;
        }
        let (name, rest) = line.split_at(line.find(['{', ' ']).unwrap());
        let family = declared.iter().any(|family| name.strip_prefix(family.as_str()).is_some());
        assert!(family && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'), "{line}");
        let (labels, value) = rest.rsplit_once(' ').unwrap();
        let mut inside = labels.trim_start_matches('{');
        while let Some((key, behind)) = inside.split_once("=\"") {
            assert!(key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'), "{line}");
            let escaped = |at: usize| behind[..at].bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1;
            let end = behind.match_indices('"').map(|(at, _)| at).find(|at| !escaped(*at)).unwrap();
            inside = behind[end + 1..].trim_start_matches(',');
        }
        assert!(inside == "}" || labels.is_empty(), "{line}");
        assert!(found.insert(format!("{name}{labels}"), value.parse().unwrap()).is_none(), "twice: {line}");
    }
    found
}

const SEARCH: &str = "scenario=\"browse\",flow=\"look\",step=\"search\",mcp_method_name=\"tools/call\",\
    gen_ai_operation_name=\"execute_tool\",gen_ai_tool_name=\"search\",server=\"docs\",network_transport=\"tcp\",\
    mcp_protocol_version=\"2025-11-25\",phase=\"measured\",tag_kind=\"deep \\\\ \\\"x\\\"\\n\"";

#[test]
fn prometheus_reads_sums_gauges_and_times() {
    let totals = totals();
    let text = Exposition::Text.write(&totals);
    let found = samples(&text);
    let value = |name: &str, labels: &str| {
        let key = if labels.is_empty() { name.to_owned() } else { format!("{name}{{{labels}}}") };
        *found.get(&key).unwrap_or_else(|| panic!("no {key} in\n{text}"))
    };
    assert_eq!(value("mcpl_requests_total", SEARCH), 4.0);
    assert_eq!(value("mcpl_errors_total", &format!("{SEARCH},class=\"tool\"")), 1.0);
    let errors: f64 =
        found.iter().filter(|(name, _)| name.starts_with("mcpl_errors_total")).map(|(_, count)| count).sum();
    assert_eq!(errors, 1.0, "{text}");
    let ok = format!("{SEARCH},outcome=\"ok\"");
    assert_eq!(value("mcpl_request_duration_seconds_bucket", &format!("{ok},le=\"0.002\"")), 0.0);
    assert_eq!(value("mcpl_request_duration_seconds_bucket", &format!("{ok},le=\"0.005\"")), 3.0);
    assert_eq!(value("mcpl_request_duration_seconds_bucket", &format!("{ok},le=\"+Inf\"")), 3.0);
    assert_eq!(value("mcpl_request_duration_seconds_count", &ok), 3.0);
    assert!((value("mcpl_request_duration_seconds_sum", &ok) - 0.009).abs() < 1e-5);
    assert_eq!(value("mcpl_request_duration_seconds_count", &format!("{SEARCH},outcome=\"failed\"")), 1.0);
    assert_eq!(value("mcp_client_operation_duration_seconds_count", SEARCH), 3.0);
    let browse = "scenario=\"browse\",phase=\"measured\"";
    assert_eq!((value("mcpl_iterations_total", browse), value("mcpl_dropped_total", browse)), (3.0, 2.0));
    // At half past the second second the ramp is at three quarters.
    assert_eq!(value("mcpl_planned_rate", "scenario=\"browse\""), 15.0);
    assert_eq!(value("mcpl_users", ""), 4.0);
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(value("mcpl_run_info", &format!("run_id=\"run-1\",name=\"a \\\"b\\\"\",version=\"{version}\"")), 1.0);
    assert!(text.contains("# TYPE mcpl_requests_total counter\n") && !text.contains("# EOF"), "{text}");

    let open = Exposition::OpenMetrics.write(&totals);
    assert!(open.contains("# TYPE mcpl_requests counter\n") && open.ends_with("\n# EOF\n"), "{open}");
    assert!(open.contains("# UNIT mcpl_request_duration_seconds seconds\n"), "{open}");
    assert_eq!(samples(&open), found, "the values are the same in both forms");
}

#[test]
fn who_scrapes_says_which_form_is_wanted() {
    for (accept, expected) in [
        ("", Exposition::Text),
        ("*/*", Exposition::Text),
        ("application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5", Exposition::OpenMetrics),
    ] {
        assert_eq!(Exposition::wanted(accept), expected);
    }
}

fn attribute(pairs: &[KeyValue], key: &str) -> Option<String> {
    let value = pairs.iter().find(|pair| pair.key == key)?.value.clone()?.value?;
    match value {
        any_value::Value::StringValue(text) => Some(text),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_collector_reads_sums_gauges_and_times() {
    let request = ExportMetricsServiceRequest::decode(totals().otlp(5, 9).as_slice()).unwrap();
    let [of_resource] = request.resource_metrics.as_slice() else { panic!("{request:?}") };
    let resource = &of_resource.resource.as_ref().unwrap().attributes;
    assert_eq!(attribute(resource, "service.name").as_deref(), Some("mcpl"));
    assert_eq!(attribute(resource, "mcpl.run.id").as_deref(), Some("run-1"));
    assert_eq!(attribute(resource, "mcpl.run.name").as_deref(), Some("a \"b\""));
    let [of_scope] = of_resource.scope_metrics.as_slice() else { panic!("{request:?}") };
    let metric = |name: &str| -> &Metric { of_scope.metrics.iter().find(|metric| metric.name == name).unwrap() };

    let Some(Data::Sum(requests)) = &metric("mcpl.requests").data else { panic!("{request:?}") };
    assert!(requests.is_monotonic && requests.aggregation_temporality == 2);
    let measured = |pairs: &[KeyValue]| {
        attribute(pairs, "gen_ai.tool.name").as_deref() == Some("search")
            && attribute(pairs, "mcpl.phase").as_deref() == Some("measured")
    };
    let point = requests.data_points.iter().find(|point| measured(&point.attributes)).unwrap();
    assert_eq!((point.value, point.start_time_unix_nano, point.time_unix_nano), (Some(Value::AsInt(4)), 5, 9));
    assert_eq!(attribute(&point.attributes, "mcp.method.name").as_deref(), Some("tools/call"));
    assert_eq!(attribute(&point.attributes, "mcpl.tag.kind").as_deref(), Some("deep \\ \"x\"\n"));

    let Some(Data::ExponentialHistogram(times)) = &metric("mcpl.request.duration").data else { panic!("{request:?}") };
    let point = times.data_points.iter().find(|point| measured(&point.attributes)).unwrap();
    let buckets = point.positive.as_ref().unwrap();
    assert_eq!((point.count, point.scale, point.zero_count), (3, 4, 0));
    assert_eq!(buckets.bucket_counts, [3]);
    let base = 2_f64.powf(0.5_f64.powi(point.scale));
    let bounds = base.powi(buckets.offset)..=base.powi(buckets.offset + 1);
    assert!(bounds.contains(&0.003), "{bounds:?}");
    assert!((point.sum.unwrap() - 0.009).abs() < 1e-5 && (point.max.unwrap() - 0.003).abs() < 1e-5, "{point:?}");

    let Some(Data::Gauge(users)) = &metric("mcpl.users").data else { panic!("{request:?}") };
    assert_eq!(users.data_points[0].value, Some(Value::AsDouble(4.0)));
    assert_eq!((metric("mcpl.users").unit.as_str(), metric("mcpl.request.duration").unit.as_str()), ("{user}", "s"));
}

#[test]
fn a_second_is_a_line_of_json() {
    let text = line(&context(), &seconds()[1], "2026-01-01T00:00:02Z");
    assert!(text.ends_with("}\n") && text.lines().count() == 1);
    let line: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(line["run_id"], "run-1");
    assert_eq!((line["second"].as_u64(), line["time"].as_str()), (Some(1), Some("2026-01-01T00:00:02Z")));
    let step = &line["steps"][0];
    assert_eq!((step["step"].as_str(), step["requests"].as_u64()), (Some("search"), Some(4)));
    assert_eq!(step["errors"], serde_json::json!({ "tool": 1 }));
    assert_eq!(step["latency_seconds"]["count"], 3);
    assert!((step["latency_seconds"]["p50"].as_f64().unwrap() - 0.003).abs() < 1e-5, "{step}");
    assert!((step["failed_seconds"]["max"].as_f64().unwrap() - 2.0).abs() < 0.01, "{step}");
    let scenario = &line["scenarios"][0];
    assert_eq!((scenario["dropped"].as_u64(), scenario["planned_rate"].as_f64()), (Some(2), Some(15.0)));
}

#[test]
fn what_a_collector_rejects_is_read_and_nothing_else_is() {
    let answer = |rejected_data_points| ExportMetricsServiceResponse {
        partial_success: Some(ExportMetricsPartialSuccess {
            rejected_data_points,
            error_message: "too old".to_owned(),
        }),
    };
    let bytes = answer(300).encode_to_vec();
    assert_eq!(Rejected::read(&bytes), Some(Rejected { points: 300, why: "too old".to_owned() }));
    for none in [answer(0), answer(-1), ExportMetricsServiceResponse::default()] {
        assert_eq!(Rejected::read(&none.encode_to_vec()), None);
    }
    for other in
        [&b"{\"partialSuccess\":{}}"[..], b"ok", b"\xff\xff\xff", b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"]
    {
        assert_eq!(Rejected::read(other), None);
    }
    // Half an answer is as good as none, and never more.
    for end in 0..bytes.len() {
        let _ = Rejected::read(&bytes[..end]);
    }
}
