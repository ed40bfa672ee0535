//! One line for each finding.

use std::fmt::Write as _;

use crate::diag::Diagnostic;
use crate::text::Source;

/// One line each: `file:line:column: error[E101]: message`.
#[must_use]
pub fn short(source: &Source, diagnostics: &[Diagnostic]) -> String {
    diagnostics.iter().map(|diagnostic| short_line(source, diagnostic)).collect()
}

/// The line of one finding, with its end.
pub(super) fn short_line(source: &Source, d: &Diagnostic) -> String {
    let at = source.position(d.primary.span.start);
    let file = source.file(d.primary.span.start).name;
    let mut line = format!("{file}:{at}: {}[{}]: {}", d.severity.word(), d.code, d.message);
    if let Some(help) = &d.help {
        let _ = write!(line, " ({})", help.replace('\n', " "));
    }
    line.push('\n');
    line
}
