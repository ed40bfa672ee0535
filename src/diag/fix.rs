//! What the fixes make of the texts.

use super::{Diagnostic, Edit, Fix};
use crate::text::{Source, Span};

/// A file as its fixes leave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mended {
    /// Its number in the source.
    pub index: usize,
    /// Its text.
    pub text: String,
    /// How many mistakes were mended in it.
    pub mistakes: usize,
}

/// Applies the fixes to the files of `source`: `certain` ones only unless `all`
/// is set. Files that no fix changes are left out. Where two overlap, the first
/// wins and the other waits for the next pass.
#[must_use]
pub fn mend(source: &Source, diagnostics: &[Diagnostic], all: bool) -> Vec<Mended> {
    let fixes = chosen(diagnostics, all);
    let mut mended = Vec::new();
    for file in source.files() {
        let here = |edit: &&Edit| source.file(edit.span.start).index == file.index;
        let edits = fixes.iter().flat_map(|fix| &fix.edits).filter(here);
        let text = apply(file.text, edits.map(|edit| (moved(edit.span, file.start), edit.replacement.as_str())));
        if text != file.text {
            // A fix that changes two files is counted where it begins.
            let mistakes = fixes.iter().filter(|fix| fix.edits.first().is_some_and(|edit| here(&edit))).count();
            mended.push(Mended { index: file.index, text, mistakes });
        }
    }
    mended
}

/// The same for a text by itself.
#[must_use]
pub fn apply_fixes(text: &str, diagnostics: &[Diagnostic], all: bool) -> String {
    let edits = chosen(diagnostics, all).into_iter().flat_map(|fix| &fix.edits);
    apply(text, edits.map(|edit| (edit.span, edit.replacement.as_str())))
}

/// The fixes that can be applied together.
fn chosen(diagnostics: &[Diagnostic], all: bool) -> Vec<&Fix> {
    let mut chosen: Vec<&Fix> = Vec::new();
    for fix in diagnostics.iter().filter_map(|d| d.fix.as_ref()).filter(|fix| all || fix.certain) {
        let clashes = |edit: &Edit| {
            let mut taken = chosen.iter().flat_map(|fix| &fix.edits);
            taken.any(|taken| edit.span.start < taken.span.end && taken.span.start < edit.span.end)
        };
        if !fix.edits.iter().any(clashes) {
            chosen.push(fix);
        }
    }
    chosen
}

fn moved(span: Span, by: usize) -> Span {
    Span::new((span.start as usize).saturating_sub(by), (span.end as usize).saturating_sub(by))
}

fn apply<'a>(text: &str, edits: impl Iterator<Item = (Span, &'a str)>) -> String {
    let mut edits: Vec<_> = edits.collect();
    edits.sort_by_key(|(span, _)| (span.start, span.end));
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for (span, replacement) in edits {
        let range = span.range();
        out.push_str(text.get(at..range.start).unwrap_or(""));
        out.push_str(replacement);
        at = range.end.max(at);
    }
    out.push_str(text.get(at..).unwrap_or(""));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source() -> Source {
        let mut source = Source::new("a.mcpl", "one two");
        source.add("b.mcpl", "three");
        source
    }

    #[test]
    fn each_file_gets_its_own_edits() {
        let found = [
            Diagnostic::error("E101", "x", Span::new(0, 3), "").fix(Span::new(0, 3), "1"),
            Diagnostic::error("E101", "x", Span::new(8, 13), "").fix(Span::new(13, 13), "!"),
            Diagnostic::error("E101", "x", Span::new(4, 7), "").maybe_fix(Span::new(4, 7), "2"),
        ];
        let made = |index, text: &str, mistakes| Mended { index, text: text.to_owned(), mistakes };
        assert_eq!(mend(&source(), &found, false), [made(0, "1 two", 1), made(1, "three!", 1)]);
        assert_eq!(mend(&source(), &found, true), [made(0, "1 2", 2), made(1, "three!", 1)]);
        assert_eq!(mend(&source(), &found[2..], false), []);
    }

    #[test]
    fn of_two_that_overlap_the_first_wins() {
        let found = [
            Diagnostic::error("E101", "x", Span::new(0, 3), "").fix(Span::new(0, 3), "1"),
            Diagnostic::error("E102", "x", Span::new(0, 3), "").fix(Span::new(2, 5), "2"),
        ];
        let mended = mend(&source(), &found, false);
        assert_eq!((mended[0].text.as_str(), mended[0].mistakes), ("1 two", 1));
    }

    #[test]
    fn a_fix_that_changes_nothing_mends_nothing() {
        let found = [Diagnostic::error("E101", "x", Span::new(0, 3), "").fix(Span::new(0, 3), "one")];
        assert_eq!(mend(&source(), &found, true), []);
    }
}
