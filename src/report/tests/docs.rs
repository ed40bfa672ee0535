//! `docs/templates.md` lists every field of the view and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::sample;
use crate::report::{Template, TrendReport, View, render_template};

const PAGE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/templates.md"));

/// The section of the page that describes the object at `path`.
fn section(path: &str) -> String {
    let last = path.rsplit('.').next().unwrap_or(path);
    match last {
        _ if path.starts_with("values[].") => "amount".to_owned(),
        "old_each[]" | "new_each[]" => "amount".to_owned(),
        "observed" | "limit" => "value".to_owned(),
        "values[]" if path == "trend.runs[].values[]" => "value".to_owned(),
        "old[]" | "new[]" => "compared run".to_owned(),
        "timeline" | "table" => "timeline".to_owned(),
        "p50" | "p90" | "p95" | "p99" | "max" | "service_p50" | "service_p95" | "wait_p99" => "reading".to_owned(),
        "latency" | "service" | "wait" | "first_byte" if path.contains("ladder[]") => "reading".to_owned(),
        "baselines[]" if path.contains("ladder[]") => "reading".to_owned(),
        "ladder[]" => "rung".to_owned(),
        "totals" | "steps[]" => "figures".to_owned(),
        "errors_by_class[]" => "class".to_owned(),
        "slowest[]" => "slowest[]".to_owned(),
        _ => path.replace("table.", "timeline."),
    }
}

fn collect(value: &Value, path: &str, fields: &mut BTreeMap<String, BTreeSet<String>>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| collect(value, &format!("{path}[]"), fields)),
        Value::Object(members) if path.ends_with("rows[].errors_by_class") => assert!(!members.is_empty()),
        Value::Object(members) => {
            for (name, value) in members {
                fields.entry(section(path)).or_default().insert(name.clone());
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                collect(value, &path, fields);
            }
        }
        _ => {}
    }
}

/// Fields with their units, by section: rows of tables under headings with a
/// code span.
fn documented() -> BTreeMap<String, BTreeSet<String>> {
    let mut fields: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut section = None;
    for line in PAGE.lines() {
        if line.starts_with('#') {
            section =
                line.split('`').nth(1).map(str::to_owned).or_else(|| line.ends_with("The view").then(String::new));
        } else if let (Some(section), Some(row)) = (&section, line.strip_prefix("| `")) {
            let cells: Vec<_> = row.split(" | ").collect();
            assert!(
                cells.len() == 3 && cells.iter().all(|cell| !cell.trim().is_empty()),
                "name, unit and meaning: {line}"
            );
            fields.entry(section.clone()).or_default().insert(cells[0].trim_end_matches('`').to_owned());
        }
    }
    fields
}

/// The fields of a view below a name of its own, but for what a run's view has in the same
/// form.
fn collect_below(name: &str, view: &impl serde::Serialize, fields: &mut BTreeMap<String, BTreeSet<String>>) {
    let mut found = BTreeMap::new();
    collect(&serde_json::to_value(view).unwrap(), "", &mut found);
    for (section, names) in found {
        let own = if section.is_empty() { name.to_owned() } else { format!("{name} {section}") };
        match shared(&own) {
            Some(shared) => assert_eq!(fields.get(shared), Some(&names), "{own} is {shared}"),
            None => {
                fields.insert(own, names);
            }
        }
    }
}

/// The section of the run's view that describes the same.
fn shared(section: &str) -> Option<&'static str> {
    Some(match section {
        "comparison tool" | "mcpl trend tool" | "suite tool" => "tool",
        "comparison comparison" => "comparisons[]",
        "comparison comparison.metrics[]" => "comparisons[].metrics[]",
        "comparison compared run" => "compared run",
        "comparison amount" => "amount",
        "comparison percentiles[].old" | "comparison percentiles[].new" | "suite reading" => "reading",
        "mcpl trend series[].findings[]" => "trend.series[].findings[]",
        "suite value" => "value",
        "suite files[].broken[]" => "assertions[]",
        "suite files[].findings[]" => "findings[]",
        _ => return None,
    })
}

#[test]
fn the_page_lists_every_field() {
    let (results, mut verdict) = sample::typical();
    verdict.searches.push(sample::search());
    verdict.comparisons = sample::compared().1.comparisons;
    verdict.trend = Some(super::judged::trend("a run"));
    let mut fields = BTreeMap::new();
    collect(&serde_json::to_value(View::new(&results, &verdict)).unwrap(), "", &mut fields);
    let comparison = super::judged::comparison();
    collect_below("comparison", super::comparison::report(&comparison).view(), &mut fields);
    let trend = super::trend::slower("latency.p95");
    collect_below("mcpl trend", TrendReport::new(&trend, true, 78).view(), &mut fields);
    collect_below("suite", &super::suite::suite().1, &mut fields);
    let documented = documented();
    for (section, names) in &fields {
        assert_eq!(documented.get(section), Some(names), "section `{section}`");
    }
    let known: Vec<_> = fields.keys().collect();
    for section in documented.keys().filter(|section| !known.contains(section)) {
        assert!(["filter", "function"].contains(&section.as_str()), "there is no `{section}`");
    }
}

#[test]
fn the_examples_of_the_page_render() {
    let (results, verdict) = sample::typical();
    let blocks: Vec<_> = PAGE.split("```jinja\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(blocks.len() >= 2);
    for block in blocks {
        let out = render_template(
            &results,
            &verdict,
            &Template { name: "example.txt".to_owned(), source: block.to_owned(), ..Template::default() },
        )
        .unwrap_or_else(|error| panic!("{error}\n{block}"));
        assert!(!out.trim().is_empty());
    }
}

#[test]
fn the_page_lists_every_filter_and_function() {
    let registered = |source: &str, call: &str| -> BTreeSet<String> {
        source.split(call).skip(1).filter_map(|rest| rest.split('"').nth(1)).map(str::to_owned).collect()
    };
    let documented = documented();
    assert_eq!(documented.get("filter"), Some(&registered(include_str!("../filters.rs"), ".add_filter(")));
    assert_eq!(documented.get("function"), Some(&registered(include_str!("../templates.rs"), ".add_function(")));
}
