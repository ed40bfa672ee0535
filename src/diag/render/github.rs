//! Workflow commands, which GitHub Actions shows beside the lines of a change.

use std::fmt::Write as _;

use crate::diag::{Diagnostic, Severity};
use crate::text::Source;

/// One line each: `::error file=a.mcpl,line=4,…,title=E302::message`.
///
/// What names and messages hold can neither end the line nor begin another
/// command: everything with a meaning there is escaped.
#[must_use]
pub fn github(source: &Source, diagnostics: &[Diagnostic]) -> String {
    let mut out = String::new();
    for diagnostic in diagnostics {
        command(source, diagnostic, &mut out);
    }
    out
}

fn command(source: &Source, d: &Diagnostic, out: &mut String) {
    let level = match d.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Advice => "notice",
    };
    let span = d.primary.span;
    let (start, end) = (source.position(span.start), source.position(span.end));
    let file = property(source.file(span.start).name);
    let _ = write!(out, "::{level} file={file},line={},endLine={}", start.line, end.line);
    // The runner takes columns only where both are in one line.
    if start.line == end.line {
        let _ = write!(out, ",col={},endColumn={}", start.column, end.column);
    }
    let mut message = d.message.clone();
    for more in d.help.iter().chain(&d.note) {
        let _ = write!(message, "\n{more}");
    }
    let _ = writeln!(out, ",title={}::{}", property(d.code), data(&message));
}

/// A message as the runner reads it.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A value of a property, which `:` and `,` would end.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Span;

    #[test]
    fn a_finding_is_one_line() {
        let source = Source::new("a.mcpl", "mcpl 1\nparam é = 10\n");
        let found = Diagnostic::error("E302", "a duration without a unit", Span::new(18, 20), "a bare number")
            .help("write `10s`");
        assert_eq!(
            github(&source, &[found]),
            "::error file=a.mcpl,line=2,endLine=2,col=11,endColumn=13,title=E302::\
             a duration without a unit%0Awrite `10s`\n"
        );
    }

    #[test]
    fn columns_are_left_out_where_lines_differ() {
        let source = Source::new("a.mcpl", "ab\ncd\n");
        let found = Diagnostic::warning("W201", "unused", Span::new(1, 4), "");
        assert_eq!(github(&source, &[found]), "::warning file=a.mcpl,line=1,endLine=2,title=W201::unused\n");
    }

    #[test]
    fn no_name_and_no_message_says_a_command_of_its_own() {
        let source = Source::new("a,line=9::x\n::error::b%0A\r.mcpl", "ab");
        let found = Diagnostic::error("E101", "100% `\r\n::set-env name=A::b`", Span::new(0, 1), "");
        let advice = Diagnostic { severity: Severity::Advice, ..found.clone() };
        let said = github(&source, &[found, advice]);
        let line = "file=a%2Cline=9%3A%3Ax%0A%3A%3Aerror%3A%3Ab%250A%0D.mcpl,line=1,endLine=1,col=1,endColumn=2,\
                    title=E101::100%25 `%0D%0A::set-env name=A::b`\n";
        assert_eq!(said, format!("::error {line}::notice {line}"));
        assert_eq!(said.lines().count(), 2);
    }
}
