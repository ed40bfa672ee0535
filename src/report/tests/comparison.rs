//! Reports on comparisons.

use super::hostile::EVIL;
use super::{golden, judged, sample, xml};
use crate::report::{ComparisonReport, Format, RenderError, Style, Template};
use crate::results::Results;
use crate::verdict::compare::{Change, Comparison, Pairing};

/// A comparison of four runs, and the exit code.
pub(super) fn report(comparison: &Comparison) -> ComparisonReport<'_> {
    let (quick, slow) = (sample::typical().0, sample::interrupted().0);
    ComparisonReport::new(comparison, &[quick.clone(), quick.clone(), quick], &[slow], comparison.outcome.exit_code())
}

fn rendered(comparison: &Comparison, format: Format) -> String {
    report(comparison).render(format, Style::default()).unwrap_or_else(|error| panic!("{error}"))
}

/// One in which every text is `text`.
fn hostile(text: &str) -> (Comparison, Results) {
    let mut comparison = judged::comparison();
    let owned = || text.to_owned();
    (comparison.baseline, comparison.sentence, comparison.method) = (Some(owned()), owned(), owned());
    (comparison.reasons, comparison.notes) = (vec![owned()], vec![owned()]);
    for run in comparison.old.iter_mut().chain(&mut comparison.new) {
        (run.id, run.started, run.servers) = (owned(), owned(), vec![owned()]);
    }
    for metric in &mut comparison.metrics {
        (metric.source, metric.explanation) = (owned(), owned());
    }
    (comparison, sample::hostile(text).0)
}

#[test]
fn comparisons_are_as_they_were() {
    let comparison = judged::comparison();
    for (format, ending) in [
        (Format::Html, "html"),
        (Format::Markdown, "md"),
        (Format::Junit, "xml"),
        (Format::Text, "txt"),
        (Format::Csv, "csv"),
        (Format::Json, "json"),
    ] {
        let text = rendered(&comparison, format);
        assert_eq!(text, rendered(&comparison, format), "the same comparison gives the same bytes");
        golden::check(&format!("compare.{ending}"), &golden::without_style(&golden::without_scripts(&text)));
    }
}

#[test]
fn each_outcome_has_a_page() {
    let outcomes = [
        (Change::Regressed, "failed", "✗"),
        (Change::NoMeaningfulChange, "passed", "✓"),
        (Change::Improved, "passed", "✓"),
        (Change::Inconclusive, "inconclusive", "?"),
        (Change::NotComparable, "inconclusive", "?"),
        (Change::Descriptive, "inconclusive", "?"),
    ];
    for (outcome, class, mark) in outcomes {
        let mut comparison = judged::comparison();
        comparison.outcome = outcome;
        if outcome == Change::NotComparable {
            comparison.metrics.clear();
        }
        let html = rendered(&comparison, Format::Html);
        assert!(html.contains(&format!("<section class=\"verdict {class}\"")), "{outcome:?}");
        assert!(html.contains(&format!("aria-hidden=\"true\">{mark}</span>")), "{outcome:?}");
        let code = format!("exit code {}<", outcome.exit_code());
        assert!(html.contains(&code), "{outcome:?}");
        let drawn = html.contains("id=\"chart-percentiles-title\"");
        assert_eq!(drawn, outcome != Change::NotComparable, "what cannot be compared is not drawn over each other");
        xml::check(&rendered(&comparison, Format::Junit)).unwrap_or_else(|error| panic!("{error}"));
    }
}

#[test]
fn pairs_are_numbered() {
    let mut comparison = judged::comparison();
    assert!(!rendered(&comparison, Format::Html).contains(">Pair<"));
    comparison.pairing = Pairing::Paired;
    assert!(rendered(&comparison, Format::Html).contains(">Pair<"));
}

#[test]
fn the_page_stands_alone() {
    let html = rendered(&judged::comparison(), Format::Html);
    for forbidden in ["src=", "@import", "url(", "<link", "<iframe", "<img", "javascript:", "http://"] {
        assert!(!golden::without_scripts(&html).contains(forbidden), "{forbidden}");
    }
    assert_eq!(html.matches("<script").count(), 1);
    assert_eq!(html.matches("<svg").count(), html.matches("</svg>").count());
    let ids: Vec<_> = html.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    for target in html.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(ids.contains(&target), "#{target}");
    }
    assert!(ids.iter().all(|id| ids.iter().filter(|other| *other == id).count() == 1), "{ids:?}");
}

#[test]
fn hostile_texts_are_shown_and_do_nothing() {
    let (comparison, results) = hostile(EVIL);
    let report = ComparisonReport::new(&comparison, std::slice::from_ref(&results), &[], 1);
    let of = |format| report.render(format, Style::default()).unwrap_or_else(|error| panic!("{error}"));
    let html = of(Format::Html);
    assert!(html.contains("&lt;img src=x onerror=alert(1)&gt;") && !html.contains("<img") && !html.contains("<!--"));
    assert_eq!(html.matches("</script").count(), 1);
    xml::check(&of(Format::Junit)).unwrap_or_else(|error| panic!("{error}"));
    for format in [Format::Html, Format::Markdown, Format::Text, Format::Csv] {
        assert!(of(format).chars().all(|c| !c.is_control() || c == '\n'), "{format:?}");
    }
    // Whatever stands in a cell, a row stays a row.
    let plain = hostile("plain").0;
    assert_eq!(of(Format::Csv).lines().count(), rendered(&plain, Format::Csv).lines().count());
}

#[test]
fn a_template_of_ones_own_sees_the_comparison() {
    let comparison = judged::comparison();
    let own = |name: &str, source: &str, parts: &[(&str, &str)]| -> Result<String, RenderError> {
        let parts = parts.iter().map(|(name, source)| ((*name).to_owned(), (*source).to_owned())).collect();
        report(&comparison).render_template(&Template { name: name.to_owned(), source: source.to_owned(), parts })
    };
    let text =
        "{{ view }} {{ name }} {{ exit_code }} {{ comparison.word }} {{ comparison.metrics[0].old_each[0].text }}";
    assert_eq!(own("c.txt", text, &[]).unwrap(), "1 docs_search 1 regressed 40ms");
    let drawn = "{{ chart('percentiles') }}{{ forest(comparison.metrics)[0] }}{{ strip(comparison.metrics[0]) }}{{ sparkline([1, 2]) }}{{ gauge(1, 2) }}{{ results() is none }}";
    let drawn = own("c.html", drawn, &[]).unwrap();
    for class in ["class=\"plot\"", "class=\"forest\"", "class=\"strip\"", "class=\"sparkline\"", "class=\"gauge\""] {
        assert!(drawn.contains(class), "{class}: {drawn}");
    }
    assert!(drawn.ends_with("True"), "it has no results of a run: {drawn}");
    // A built-in page with a part of one's own.
    let page = include_str!("../../../reports/compare.html.j2");
    let page = own("compare.html.j2", page, &[("report.css", "body { color: teal }")]).unwrap();
    assert!(page.contains("<style>\nbody { color: teal }") && page.contains("Regressed"));
    for (source, line, part) in [
        ("\n{{ run.name }}", 2, "`run`"),
        ("{{ comparison.wrod }}", 1, "comparison.wrod"),
        ("\n\n{{ chart('latency') }}", 3, "there is no chart `latency`, only `percentiles`"),
        ("{{ strip(1) }}", 1, "`strip` takes a metric of a comparison"),
    ] {
        let error = own("c.txt", source, &[]).unwrap_err();
        assert_eq!(error.line, Some(line), "{source}: {error}");
        assert!(error.to_string().contains(part), "{error}");
    }
}
