//! Reports on several runs.

use super::{golden, sample, xml};
use crate::report::{Format, Ran, Style, Suite, Template};

/// One that failed, one that passed, one that was not run.
fn ran() -> Vec<Ran> {
    let alone = |file: &str, code, outcome, page: Option<&str>| Ran {
        file: format!("suite/{file}.mcpl"),
        code,
        outcome,
        page: page.map(str::to_owned),
    };
    vec![
        alone("1-typical", 1, Ok(sample::typical()), Some("suite/1-typical.html")),
        alone("2 a file with a name that is long", 0, Ok(sample::one_second()), Some("suite/2 a file.html")),
        alone("3-absent", 3, Err("server `rules`: connection refused by 127.0.0.1:9".to_owned()), None),
    ]
}

pub(super) fn suite() -> (Vec<Ran>, Suite) {
    let runs = ran();
    let suite = Suite::new("suite", &runs);
    (runs, suite)
}

#[test]
fn pages_and_tables_are_as_they_were() {
    let (runs, suite) = suite();
    let html = suite.render(&runs, Format::Html).unwrap();
    golden::check("suite.html", &golden::without_style(&html));
    golden::check("suite.txt", &suite.table(Style::default()).unwrap());
    golden::check("suite.csv", &suite.render(&runs, Format::Csv).unwrap());
    golden::check("suite.xml", &suite.render(&runs, Format::Junit).unwrap());
    for format in Format::ALL {
        let again = Suite::new("suite", &ran()).render(&ran(), format).unwrap();
        assert_eq!(suite.render(&runs, format).unwrap(), again, "the same runs give the same bytes");
    }
    let markdown = suite.render(&runs, Format::Markdown).unwrap();
    let (table, _) = markdown.split_once("\n## ").unwrap();
    golden::check("suite.md", table);
}

#[test]
fn a_template_of_ones_own_sees_the_suite() {
    let (_, suite) = suite();
    let own = |source: &str| {
        let template = Template { name: "s.txt".to_owned(), source: source.to_owned(), ..Template::default() };
        suite.render_template(&template)
    };
    let each = "{{ view }} {{ word }}:{% for file in files %} {{ file.word }} {{ file.exit_code }}{% endfor %}";
    assert_eq!(own(each).unwrap(), "1 failed: failed 1 passed 0 not run 3");
    let error = own("\n{{ chart('latency') }}").unwrap_err().to_string();
    assert_eq!(error, "s.txt, line 2: invalid operation: there is no chart `latency`, and no other");
}

#[test]
fn every_format_has_every_run() {
    let (runs, suite) = suite();
    let junit = suite.render(&runs, Format::Junit).unwrap();
    xml::check(&junit).unwrap_or_else(|error| panic!("{error}\n{junit}"));
    assert_eq!(junit.matches("<testsuite ").count(), 3);
    for format in [Format::Markdown, Format::Text] {
        let text = suite.render(&runs, format).unwrap();
        let alone = runs.iter().filter_map(|ran| ran.outcome.as_ref().ok());
        for (results, verdict) in alone {
            let alone = crate::report::render(results, verdict, format, Style::default()).unwrap();
            assert!(text.contains(&alone), "{}:\n{text}", format.name());
        }
    }
}

#[test]
fn names_and_reasons_do_no_harm() {
    let evil = "x</td><img src=x onerror=alert(1)>\"'&|`a`\n\u{1b}[2J";
    let ran = Ran { file: format!("{evil}.mcpl"), code: 3, outcome: Err(evil.to_owned()), page: None };
    let page = Ran { file: "b.mcpl".to_owned(), code: 0, outcome: Ok(sample::hostile(evil)), page: Some(evil.into()) };
    let runs = [ran, page];
    let suite = Suite::new(evil, &runs);
    let html = suite.render(&runs, Format::Html).unwrap();
    assert!(!html.contains("<img") && html.contains("&lt;img"), "{html}");
    assert!(
        html.contains(
            "href=\"x%3C&#x2f;td%3E%3Cimg%20src%3Dx%20onerror%3Dalert%281%29%3E%22%27%26%7C%60a%60%0A%1B%5B2J\""
        ),
        "{html}"
    );
    xml::check(&suite.render(&runs, Format::Junit).unwrap()).unwrap();
    for text in [&html, &suite.table(Style::default()).unwrap()] {
        assert!(text.chars().all(|c| !c.is_control() || c == '\n'));
    }
}
