//! The HTML page: alone, safe, complete and small.

use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha2::{Digest as _, Sha256};

use super::{rendered, runs, sample, xml};
use crate::report::chart::{NAMES, chart};
use crate::report::{Format, NotEmbedded, View, embedded_results, is_page};
use crate::results::Results;

const SCRIPT: &str = include_str!("../../../reports/report.js");

/// What the script may take, so that it stays an ornament.
const SCRIPT_BYTES: usize = 10 * 1024;

const DATA: &str = "<script type=\"application/json\" id=\"mcpl-results\">";

/// The page and the JSON embedded in it.
fn parts(html: &str) -> (String, Option<&str>) {
    match html.split_once(DATA) {
        Some((before, rest)) => {
            let (json, after) = rest.split_once("</script>").unwrap();
            (format!("{before}{}", without_script(after)), Some(json))
        }
        None => (without_script(html), None),
    }
}

/// The page without its one script, which is the file and nothing else.
fn without_script(html: &str) -> String {
    let script = format!("<script>{SCRIPT}</script>");
    assert_eq!(html.matches(&script).count(), 1);
    html.replace(&script, "")
}

#[test]
fn the_page_refers_to_nothing_outside_itself() {
    for (name, run) in runs() {
        let html = rendered(&run, Format::Html);
        let (page, _) = parts(&html);
        for forbidden in [
            "src=",
            "@import",
            "url(",
            "<link",
            "<script",
            "<iframe",
            "<img",
            "<form",
            "<base",
            "srcset",
            "xlink",
            "javascript:",
        ] {
            assert!(!page.contains(forbidden), "{name}: {forbidden}");
        }
        assert!(page.split("href=\"").skip(1).all(|href| href.starts_with('#')), "{name}");
        let ids: Vec<_> = page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        for target in page.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(ids.contains(&target), "{name}: #{target}");
        }
        assert!(ids.iter().all(|id| ids.iter().filter(|other| *other == id).count() == 1), "{name}: {ids:?}");
    }
}

#[test]
fn the_policy_allows_inline_style_and_the_one_script() {
    let html = rendered(&sample::typical(), Format::Html);
    let policy = html
        .split("http-equiv=\"Content-Security-Policy\" content=\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next())
        .unwrap();
    let directives: Vec<_> = policy.split("; ").collect();
    assert!(directives.contains(&"default-src 'none'"), "{policy}");
    let script = format!("script-src 'sha256-{}'", BASE64.encode(Sha256::digest(SCRIPT)));
    assert!(directives.contains(&script.as_str()), "{policy}");
    assert!(!policy.contains("http") && !policy.contains('*') && !policy.contains("unsafe-eval"), "{policy}");
    let head = html.find("Content-Security-Policy").unwrap();
    assert!(head < html.find("<style>").unwrap(), "the policy holds for what follows it");
}

#[test]
fn the_script_is_small_and_reaches_for_nothing() {
    assert!(SCRIPT.len() <= SCRIPT_BYTES, "{}", SCRIPT.len());
    for forbidden in [
        "fetch",
        "XMLHttp",
        "import",
        "eval",
        "innerHTML",
        "http:",
        "https:",
        "localStorage",
        "cookie",
        "{{",
        "{%",
        "{#",
        "</",
    ] {
        assert!(!SCRIPT.contains(forbidden), "{forbidden}");
    }
}

#[test]
fn the_page_has_its_landmarks_and_a_table_under_each_chart() {
    let html = rendered(&sample::typical(), Format::Html);
    for part in [
        "<html lang=\"en\">",
        "<header",
        "<main>",
        "<nav aria-label",
        "<h1>",
        "name=\"viewport\"",
        "prefers-color-scheme: dark",
        "@media print",
    ] {
        assert!(html.contains(part), "{part}");
    }
    let charts = html.matches("class=\"plot\"").count();
    assert_eq!(charts, NAMES.len(), "one of each");
    // Throughput and errors share a table, so do processor and memory of servers and all of
    // the load generator, and latency against load has those of both.
    assert_eq!(html.matches("<details>").count(), charts - 5);
    assert_eq!(html.matches("<details class=\"step\">").count(), 4);
    assert_eq!(html.matches("role=\"img\"").count(), charts);
    let tables: Vec<_> = html.split("<table").skip(1).collect();
    assert!(tables.iter().all(|table| table.contains("<caption>") || table.starts_with(" class=\"assertions")));
    assert_eq!(html.matches("<h1>").count(), 1);
}

#[test]
fn failing_assertions_come_first_with_their_distance() {
    let html = rendered(&sample::typical(), Format::Html);
    let place = |text: &str| html.find(text).unwrap_or_else(|| panic!("{text}"));
    assert!(place("2 of 5 assertions did not hold.") < place("312ms is 62ms (24.8%) above the limit of 250ms."));
    assert!(place("312ms is 62ms (24.8%) above the limit of 250ms.") < place("Key figures"));
    assert!(place("Key figures") < place("fetch_page.latency.p50 &lt; 50ms"), "what held comes later");
    assert!(html.contains("first broken at 9s"));
}

#[test]
fn the_embedded_results_read_back_as_they_were() {
    let (results, verdict) = sample::hostile("</script><!-- & \u{2028} ]]>");
    let html = rendered(&(results.clone(), verdict), Format::Html);
    let (_, json) = parts(&html);
    assert_eq!(Results::from_json(json.unwrap()).unwrap(), results);
}

#[test]
fn a_report_made_of_a_report_is_the_same_report() {
    for (name, run) in runs().into_iter().chain([("long", sample::long(60, 4))]) {
        let html = rendered(&run, Format::Html);
        assert!(is_page(&html));
        let results = Results::from_json(&embedded_results(&html).unwrap()).unwrap();
        assert_eq!(results, run.0, "{name}");
        assert_eq!(rendered(&(results, run.1), Format::Html), html, "{name}");
    }
}

#[test]
fn the_shortest_row_is_not_shorter_than_assumed() {
    let (mut results, _) = sample::typical();
    let row = &mut results.recording.seconds[5].series[0];
    (row.counts, row.times, row.series) = Default::default();
    assert!(serde_json::to_string(row).unwrap().len() >= crate::report::embedded::ROW_BYTES);
}

#[test]
fn a_long_run_with_many_steps_stays_below_a_megabyte() {
    let run = sample::long(600, 20);
    let start = Instant::now();
    let html = rendered(&run, Format::Html);
    println!("10 minutes, 20 series: {} bytes of HTML in {:?}", html.len(), start.elapsed());
    assert!(html.len() < 1_000_000, "{}", html.len());
    let page = html.len() - parts(&html).1.map_or(0, str::len);
    assert!(page < 400_000, "without the results: {page}");
    assert!(html.contains("step_number_19"));
}

#[test]
fn results_that_are_too_large_are_left_out_and_missed() {
    let (mut results, verdict) = sample::typical();
    let slice = &mut results.recording.seconds[7];
    let mut row = slice.series[0].clone();
    row.times = Default::default();
    slice.series.resize(60_000, row);
    let html = rendered(&(results, verdict), Format::Html);
    assert!(html.contains("too large to be embedded"));
    assert_eq!(embedded_results(&html), Err(NotEmbedded::Missing));
}

#[test]
fn every_chart_is_small_and_well_formed_however_long_the_run() {
    let (results, verdict) = sample::long(3600, 4);
    let mut view = View::new(&results, &verdict);
    assert_eq!(view.timeline.rows.len(), 3600);
    // The worst case: every value differs from its neighbours.
    for (n, row) in view.timeline.rows.iter_mut().enumerate() {
        let noise = (n * 7919 % 3601) as f64;
        (row.p50_ns, row.p95_ns) = (Some(1e6 + noise * 7e2), Some(4e6 + noise * 1e4));
        (row.p99_ns, row.max_ns) = (Some(2e7 + noise * 1e5), Some(1e9 + noise * 3e6));
        (row.rate, row.started_rate, row.lag_p99_ns) = (noise, Some(noise), Some(noise));
        row.users = n as u64 * 7919 % 997;
        for process in &mut row.processes {
            (process.cpu, process.rss_bytes) = (Some(noise / 1e3), Some((noise * 1e5) as u64));
        }
        row.errors_by_class.values_mut().for_each(|count| *count = 1 + n as u64 % 50);
    }
    for name in NAMES {
        let html = chart(&view, name).unwrap();
        println!("{name}: {} bytes", html.len());
        assert!(html.len() > 500 && html.len() <= 15_000, "{name}: {} bytes", html.len());
        xml::check(&html).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(html.contains("<title") && html.contains("<desc"), "{name}");
        assert!(!html.contains("NaN") && !html.contains("inf"), "{name}");
    }
}

#[test]
fn a_single_second_is_a_dot_and_nothing_is_said_of_nothing() {
    let (results, verdict) = sample::one_second();
    let view = View::new(&results, &verdict);
    assert!(chart(&view, "latency").unwrap().contains("stroke-width=\"7\""));
    assert_eq!(chart(&view, "errors").unwrap(), "", "nothing failed");
    let (results, verdict) = sample::empty();
    let html = rendered(&(results, verdict), Format::Html);
    assert!(!html.contains("class=\"plot\""));
    assert!(html.contains("No request succeeded, so there is no latency to show."));
}
