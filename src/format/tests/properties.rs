//! What holds of any text, tried on all files there are and on broken ones.

use super::{check_invariants, is_refused, scenarios, styled};
use crate::model;
use crate::syntax;
use crate::syntax::tests::{Numbers, mutate, repository};
use crate::text::Source;

fn all() -> Vec<(String, String)> {
    let read = |path: std::path::PathBuf| {
        // One of them is no text.
        let text = std::fs::read_to_string(&path).ok()?;
        Some((path.display().to_string(), text))
    };
    let paths = [scenarios(&repository("tests")), scenarios(&repository("examples"))].concat();
    let all: Vec<_> = paths.into_iter().filter_map(read).collect();
    assert!(all.len() > 100, "only {} files", all.len());
    all
}

/// The plan and the codes of all diagnostics. What the plan quotes from the
/// file follows how it is written there, so blanks do not count.
fn lowered(text: &str) -> (Option<String>, Vec<&'static str>) {
    let source = Source::new("test.mcpl", text);
    let options =
        model::Options { name: "test", seed: 1, overrides: &[], targets: &[], env: &|_| None, files: &model::NoFiles };
    let lowered = model::lower(&source, &syntax::parse(text), &options);
    let mut codes: Vec<_> = lowered.diagnostics.iter().map(|diagnostic| diagnostic.code).collect();
    codes.sort_unstable();
    let plan = lowered.plan.map(|plan| serde_json::to_string(&plan).unwrap().replace(' ', ""));
    (plan, codes)
}

/// The same text with its blanks in disorder.
fn untidy(text: &str) -> String {
    let mut out = String::new();
    for (index, line) in text.lines().enumerate() {
        out.push_str(["", " ", "\t", "       "][index % 4]);
        out.push_str(line.trim());
        out.push_str(["\n", "  \n", "\r\n", "\n\n\n", "\r"][index % 5]);
    }
    out
}

#[test]
fn all_files_keep_their_comments_mistakes_and_plans() {
    let mut plans = 0;
    for (name, text) in all() {
        let once = check_invariants(&text);
        assert!(!is_refused(&text), "{name}");
        let (before, after) = (lowered(&text), lowered(&once));
        assert_eq!(before, after, "{name}");
        plans += usize::from(before.0.is_some());
    }
    assert!(plans > 20, "only {plans} plans");
}

#[test]
fn good_files_come_out_alike_however_they_are_indented() {
    let mut tried = 0;
    for (name, text) in all() {
        let bad = syntax::parse(&text).diagnostics().iter().any(crate::diag::Diagnostic::is_error);
        // Empty lines are added, and end what is aligned.
        let line = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        let apart = |text: &str| text.lines().map(line).filter(|line| !line.is_empty()).collect::<Vec<_>>();
        if !bad {
            tried += 1;
            assert_eq!(apart(&check_invariants(&untidy(&text))), apart(&styled(&text)), "{name}");
        }
    }
    assert!(tried > 20, "only {tried} files");
}

/// Broken texts that were tried, and how many of them were left as they are
/// although they could be laid out in part.
#[derive(Default)]
struct Tried {
    all: usize,
    refused: usize,
}

impl Tried {
    fn check(&mut self, text: &str) {
        let once = check_invariants(text);
        self.all += 1;
        // What changed was not refused, and asking takes time.
        self.refused += usize::from(once == text && is_refused(text));
    }

    /// Words that touch a brace may mean something else on lines of their own.
    /// More than a few such files are a mistake.
    fn hardly_any_refused(&self) {
        assert!(self.refused * 200 <= self.all, "{} of {} were refused", self.refused, self.all);
    }
}

#[test]
fn single_edits_change_no_meaning() {
    let mut numbers = Numbers(3);
    let mut tried = Tried::default();
    for (_, text) in all() {
        for _ in 0..8 {
            tried.check(&mutate(&text, &mut numbers));
        }
    }
    tried.hardly_any_refused();
}

#[test]
fn many_edits_change_no_meaning() {
    let mut numbers = Numbers(4);
    let mut tried = Tried::default();
    for case in ["parse/tour", "parse/values", "format/comments.in", "format/json.in"] {
        let start = std::fs::read_to_string(repository(&format!("tests/corpus/{case}.mcpl"))).unwrap();
        for _ in 0..8 {
            let mut text = start.clone();
            for _ in 0..20 {
                text = mutate(&text, &mut numbers);
                tried.check(&text);
            }
        }
    }
    tried.hardly_any_refused();
}

#[test]
fn a_file_cut_after_each_line_changes_no_meaning() {
    let text = std::fs::read_to_string(repository("tests/corpus/parse/tour.mcpl")).unwrap();
    for (end, _) in text.match_indices('\n') {
        check_invariants(&text[..end]);
        assert!(!is_refused(&text[..end]), "up to byte {end}");
    }
}

#[test]
fn odd_files_change_no_meaning() {
    for text in [
        " \u{FEFF}mcpl 1\n",
        "\n\u{FEFF}",
        "\u{FEFF}\u{FEFF}mcpl 1\n",
        "\u{FEFF} # c\n",
        "#",
        "{",
        "\0",
        "\u{1}\n\u{1}",
        "mcpl 1 # a\r\r# b",
        "mcpl 1\nflow a { # c\n}# d",
        "mcpl 1\nflow a {\n  call b {\n    args { \"c\": 10s }server\n  }\n}\n",
        "mcpl 1\nparam größe = 1 # é\n",
    ] {
        check_invariants(text);
        assert!(!is_refused(text), "{text:?}");
    }
    for piece in ["[", "{", "(", "f(", "a[", "f\"{", "{ \"a\": ", "not (", "call a {\n", "x {\n"] {
        check_invariants(&format!("mcpl 1\nparam a = {}\nflow b {{\n{}\n", piece.repeat(500), piece.repeat(500)));
    }
}

#[test]
fn large_files_take_linear_time() {
    // Quadratic would be minutes.
    for piece in [
        "flow a { call b { expect x and [1, 2] } }\n",
        "param a = [[1], { \"a\": f(1) }] # c\n",
        "# c\n",
        "param a =\n",
        "}",
        "\n",
        "flow a { ? }\n",
    ] {
        let text = format!("mcpl 1\n{}", piece.repeat(40_000 / piece.len()));
        let once = styled(&text);
        assert_eq!(styled(&once), once);
    }
    let list = format!("mcpl 1\nparam a = [{}1]\n", "1,\n".repeat(20_000));
    assert_eq!(styled(&list).lines().count(), 20_005);
    let block = format!("mcpl 1\nflow a {{ {} }}\n", "call b { think }".repeat(2_000));
    styled(&block);
}
