//! Templates of the user's own, and the formats by name.

use super::{rendered, runs, sample, xml};
use crate::report::{Format, RenderError, Style, Template, render, render_template};

fn own(name: &str, source: &str) -> Result<String, RenderError> {
    let (results, verdict) = sample::typical();
    render_template(
        &results,
        &verdict,
        &Template { name: name.to_owned(), source: source.to_owned(), ..Template::default() },
    )
}

#[test]
fn a_template_sees_the_view() {
    let source = "{{ run.name }} {{ verdict.word }} {{ totals.p95.ns | duration }} {{ steps | length }} {{ totals.error_share | percent }}";
    assert_eq!(own("mine.txt.j2", source).unwrap(), "docs_search failed 161ms 4 1.89%");
}

#[test]
fn the_ending_decides_how_values_are_escaped() {
    let source = "{{ '<a|b>' }}";
    assert_eq!(own("mine.html", source).unwrap(), "&lt;a|b&gt;");
    assert_eq!(own("MINE.XML.J2", source).unwrap(), "&lt;a|b&gt;");
    assert_eq!(own("mine.md.jinja", source).unwrap(), "&lt;a\\|b&gt;");
    assert_eq!(own("mine.csv", source).unwrap(), "<a|b>");
    assert_eq!(own("mine", source).unwrap(), "<a|b>");
}

#[test]
fn a_mistake_is_told_with_its_line() {
    let told = |source: &str| {
        let error = own("mine.txt", source).unwrap_err();
        (error.line, error.to_string())
    };
    let cases = [
        ("a\nb\n{{ totals.p49.text }}\n", 3, "`totals.p49"),
        ("\n{{ nothing }}", 2, "`nothing` is undefined"),
        ("\n\n{{ totals.p50.nanos | duration }}", 3, "totals.p50.nanos"),
        ("{% for s in stepz %}{% endfor %}", 1, "stepz"),
        ("\n{% if run.nme %}{% endif %}", 2, "run.nme"),
        ("\n{{ 1 | durration }}", 2, "durration"),
        ("{{ 'x' | duration }}", 1, ""),
        ("x\n{% if %}", 2, "cannot be read"),
        ("{{ chart('cpu') }}", 1, "there is no chart `cpu`, only `arrivals`"),
        ("\n\n{{ 'x' | paint('pink') }}", 3, "there is no style `pink`"),
        ("{% include 'other.txt' %}", 1, "other.txt"),
    ];
    for (source, line, part) in cases {
        let (found, text) = told(source);
        assert_eq!(found, Some(line), "{source:?}: {text}");
        assert!(text.starts_with(&format!("mine.txt, line {line}: ")) && text.contains(part), "{source:?}: {text}");
        assert!(!text.contains("invalid operation: invalid operation"), "{text}");
    }
}

#[test]
fn a_template_may_use_charts_parts_and_data() {
    let page =
        own("mine.html", "<style>{% include 'report.css' %}</style>{{ chart('latency') }}{{ results() }}").unwrap();
    assert!(page.contains("<svg") && page.contains("--c1") && page.contains("\"schema\":\"mcpl.results/1\""));
}

#[test]
fn formats_have_names() {
    for format in Format::ALL {
        assert_eq!(format.name().parse(), Ok(format));
    }
    let error = "pdf".parse::<Format>().unwrap_err().to_string();
    assert!(Format::ALL.iter().all(|format| error.contains(format.name())), "{error}");
}

#[test]
fn every_run_has_every_report() {
    for (name, run) in runs() {
        let junit = rendered(&run, Format::Junit);
        xml::check(&junit).unwrap_or_else(|error| panic!("{name}: {error}"));
        let text = rendered(&run, Format::Text);
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{name}: {text}");
        assert!(text.lines().all(|line| line.trim_end() == line), "{name}: {text}");
        assert!(!text.contains("\n\n\n"), "{name}: {text}");
        let markdown = rendered(&run, Format::Markdown);
        assert!(markdown.lines().count() <= 60, "{name}: {}", markdown.lines().count());
    }
}

#[test]
fn junit_has_a_case_for_each_assertion_or_for_the_run() {
    let of = |run| rendered(&run, Format::Junit);
    let typical = of(sample::typical());
    assert_eq!(
        (typical.matches("<testcase").count(), typical.matches("<failure").count(), typical.matches("<error").count()),
        (5, 2, 0)
    );
    assert!(typical.contains("tests=\"5\" failures=\"2\" errors=\"0\""));
    assert!(typical.contains("message=\"312ms is 62ms (24.8%) above the limit of 250ms\""));
    let passed = of(sample::one_second());
    assert_eq!(
        (passed.matches("<testcase").count(), passed.matches("<failure").count() + passed.matches("<error ").count()),
        (1, 0)
    );
    for (run, cases, word) in [
        (sample::empty(), 1, "inconclusive"),
        (sample::interrupted(), 6, "interrupted"),
        (sample::invalid(), 6, "invalid"),
    ] {
        let text = of(run);
        assert_eq!(text.matches("<testcase").count(), cases, "{word}");
        assert!(text.contains("errors=\"1\"") && text.contains(&format!("<error type=\"{word}\"")), "{word}");
    }
}

#[test]
fn colour_only_when_it_is_asked_for() {
    let (results, verdict) = sample::typical();
    let text = |color| render(&results, &verdict, Format::Text, Style { color }).unwrap();
    assert!(!text(false).contains('\u{1b}'));
    assert!(text(true).contains("\u{1b}[1;31mFAILED\u{1b}[0m"));
}
