//! Whole reports, byte for byte. `UPDATE=1 cargo test` rewrites them.

use std::path::Path;

use super::{rendered, runs, sample};
use crate::report::Format;

pub(super) fn check(name: &str, actual: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/report").join(name);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, actual).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    let differs = actual.lines().zip(expected.lines()).position(|(a, b)| a != b);
    assert!(
        actual == expected,
        "{name} differs from line {} on: run with UPDATE=1 and read the difference",
        differs.map_or(actual.lines().count().min(expected.lines().count()), |line| line) + 1
    );
}

/// The page without its style, which is that of every page.
pub(super) fn without_style(html: &str) -> String {
    let Some((head, rest)) = html.split_once("<style>") else { return html.to_owned() };
    let body = rest.split_once("</style>").unwrap_or_default().1;
    format!("{head}<style>…</style>{body}")
}

/// The page without the embedded results and the script, which have their own tests.
pub(super) fn without_scripts(html: &str) -> String {
    let Some((parts, last)) = html.rsplit_once("</script>") else { return html.to_owned() };
    let shortened = parts.split("</script>").map(|part| {
        let (start, opening) = part.rsplit_once("<script").unwrap_or_default();
        let attributes = opening.split_once('>').unwrap_or_default().0;
        format!("{start}<script{attributes}>…</script>")
    });
    shortened.collect::<String>() + last
}

#[test]
fn reports_are_as_they_were() {
    for (name, run) in runs() {
        check(&format!("{name}.md"), &rendered(&run, Format::Markdown));
        check(&format!("{name}.xml"), &rendered(&run, Format::Junit));
        check(&format!("{name}.txt"), &rendered(&run, Format::Text));
    }
    let (results, mut verdict) = sample::searched();
    let short = sample::one_second();
    check("one_second.json", &rendered(&short, Format::Json));
    for (name, run) in [("one_second.csv", short), ("typical.csv", sample::typical())] {
        check(name, &rendered(&run, Format::Csv));
    }
    let compared = sample::compared().1;
    (verdict.comparisons, verdict.trend) = (compared.comparisons, compared.trend);
    check("whole.html", &without_scripts(&rendered(&(results, verdict), Format::Html)));
}

#[test]
fn the_same_run_gives_the_same_bytes() {
    for (name, run) in runs() {
        for format in Format::ALL {
            assert_eq!(rendered(&run, format), rendered(&run.clone(), format), "{name} as {}", format.name());
        }
    }
}
