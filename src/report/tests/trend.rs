//! Pages about a history.

use super::hostile::EVIL;
use super::{golden, rendered as of_run, sample, xml};
use crate::plan::{Metric, MetricRef, Selection, Statistic, TimeMetric};
use crate::report::chart::history_plot;
use crate::report::view::{TrendSeries, View};
use crate::report::{Format, Style, Template, TrendReport};
use crate::verdict::trend::{Entry, Handling, History, Run, Subject, Trend, Triage, trend};

/// A history in which one metric became slower, and whose texts are all `text`.
pub(super) fn slower(text: &str) -> Trend {
    let run = |n: u32| Run {
        id: format!("{text}{n}"),
        started: format!("2026-01-{:02}T08:00:00Z", 1 + n),
        commit: Some(text.to_owned()),
        machine: if n == 0 { "first".to_owned() } else { text.to_owned() },
        values: vec![Some(f64::from(n % 3 + if n < 16 { 20 } else { 40 }) * 1e6)],
    };
    let metric = MetricRef {
        source: text.to_owned(),
        selection: Selection::default(),
        metric: Metric::Time(TimeMetric::Latency),
        statistic: Statistic::Percentile(95.0),
    };
    let runs = (0..26).map(run).collect();
    let left_out = vec!["2 invalid".to_owned()];
    let history = History { scenario: text.to_owned(), metrics: vec![metric], runs, left_out };
    let (state, reason) = (Handling::Accept, text.to_owned());
    let entry = Entry { subject: Subject::Commit(text.to_owned()), metric: None, state, until: None, reason };
    trend(&[history], &Triage { entries: vec![entry] }, "2026-11-28")
}

fn rendered(text: &str, format: Format) -> String {
    let trend = slower(text);
    let report = TrendReport::new(&trend, true, 78);
    report.render(format, Style::default()).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn trends_are_as_they_were() {
    for (format, ending) in [
        (Format::Html, "html"),
        (Format::Markdown, "md"),
        (Format::Junit, "xml"),
        (Format::Text, "txt"),
        (Format::Csv, "csv"),
        (Format::Json, "json"),
    ] {
        let text = rendered("latency.p95", format);
        assert_eq!(text, rendered("latency.p95", format), "the same trend gives the same bytes");
        golden::check(&format!("trend.{ending}"), &golden::without_style(&golden::without_scripts(&text)));
    }
}

#[test]
fn junit_fails_with_what_fails_a_build() {
    let junit = rendered("latency.p95", Format::Junit);
    xml::check(&junit).unwrap_or_else(|error| panic!("{error}\n{junit}"));
    assert!(junit.contains("failures=\"0\"") && junit.contains("<system-out>decided: "), "{junit}");
    let mut trend = slower("latency.p95");
    trend.series[0].findings[0].fails = true;
    let junit = TrendReport::new(&trend, true, 78).render(Format::Junit, Style::default()).unwrap();
    xml::check(&junit).unwrap_or_else(|error| panic!("{error}\n{junit}"));
    assert!(junit.contains("failures=\"1\"") && junit.contains("<failure type=\"worse\""), "{junit}");
    xml::check(&rendered(EVIL, Format::Junit)).unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn a_template_of_ones_own_sees_the_trend() {
    let trend = slower("latency.p95");
    let own = |name: &str, source: &str| {
        let template = Template { name: name.to_owned(), source: source.to_owned(), ..Template::default() };
        TrendReport::new(&trend, false, 78).render_template(&template)
    };
    let text = own("t.txt", "{{ view }} {{ series[0].points[-1].text }} {{ series[0].findings[0].run }}").unwrap();
    assert_eq!(text, "1 41ms latency.p9516");
    assert!(own("t.html", "{{ chart(series[0].chart) }}").unwrap().contains("<svg"));
    let error = own("t.txt", "\n{{ chart('latency') }}").unwrap_err().to_string();
    assert_eq!(error, "t.txt, line 2: invalid operation: there is no chart `latency`, only `trend-1`");
    let error = own("t.txt", "{{ run.name }}").unwrap_err().to_string();
    assert!(error.starts_with("t.txt, line 1: ") && error.contains("run"), "{error}");
}

fn plot(series: &TrendSeries) -> String {
    history_plot(&series.series, "trend-1", series.this)
}

#[test]
fn hostile_texts_are_shown_and_do_nothing() {
    let html = rendered(EVIL, Format::Html);
    assert!(html.contains("&lt;img src=x onerror=alert(1)&gt;") && !html.contains("<img") && !html.contains("<!--"));
    assert!(!html.contains("</script") && !html.contains(">49<"), "{html}");
    let markdown = rendered(EVIL, Format::Markdown);
    // Outside of code nothing has its meaning.
    assert!(!markdown.contains("\n# h") && markdown.contains("at run x&lt;/script&gt;&lt;img"), "{markdown}");
    for text in [html, markdown, rendered(EVIL, Format::Text)] {
        assert!(text.chars().all(|c| !c.is_control() || c == '\n'), "{text}");
    }
}

#[test]
fn they_do_nothing_in_the_page_of_a_run_either() {
    let (mut results, mut verdict) = sample::typical();
    results.run.id = format!("{EVIL}25");
    verdict.trend = Some(slower(EVIL));
    let run = (results, verdict);
    let html = of_run(&run, Format::Html);
    assert!(html.contains("id=\"trend\"") && html.contains("stroke-width=\"14\""), "this run has a ring");
    assert!(!html.contains("<img") && !html.contains(">49<"));
    xml::check(&View::new(&run.0, &run.1).trend.map(|trend| plot(&trend.series[0])).unwrap()).unwrap();
    for format in [Format::Markdown, Format::Text] {
        let text = of_run(&run, format);
        assert!(text.chars().all(|c| !c.is_control() || c == '\n') && !text.contains("rend**: <"), "{text}");
    }
}

#[test]
fn each_form_says_what_happened() {
    for format in [Format::Text, Format::Html, Format::Markdown] {
        let text = rendered("latency.p95", format);
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for part in
            ["rose by 95.2%", "21ms → 41ms", "accepted", "2 invalid", "another class of machine", "which fails nothing"]
        {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert_eq!(text, rendered("latency.p95", format).split_whitespace().collect::<Vec<_>>().join(" "));
    }
}

#[test]
fn the_page_stands_alone() {
    let html = rendered("latency.p95", Format::Html);
    for forbidden in ["src=", "@import", "url(", "<link", "<script", "<iframe", "javascript:", "http://"] {
        assert!(!html.contains(forbidden), "{forbidden}");
    }
    assert!(html.split("href=\"").skip(1).all(|href| href.starts_with('#')));
    assert_eq!(html.matches("<svg").count(), html.matches("</svg>").count());
}
