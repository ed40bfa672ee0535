//! E7xx: other files: data, and what is included.

use crate::diag::Diagnostic;
use crate::text::Span;

/// A data file that cannot be read; `reason` is what the system says.
#[must_use]
pub fn unreadable(path: &str, reason: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E701", format!("the data file `{path}` cannot be read"), span, reason)
        .help("write the path as it is seen from the folder of the scenario file")
}

/// Something in a data file that is no row, at a line and a column from 1.
#[must_use]
pub fn broken_row(path: &str, line: u64, column: u64, what: &str, help: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E702", format!("`{path}:{line}:{column}`: {what}"), span, "this file is broken").help(help)
}

/// Data without a single row; `what` is a file or a list.
#[must_use]
pub fn no_rows(what: &str, help: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E703", format!("{what} has no rows"), span, "nothing to take from it").help(help)
}

/// An included file that cannot be read; `reason` is what the system says.
#[must_use]
pub fn not_included(path: &str, reason: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E704", format!("the file `{path}` cannot be included"), span, reason)
        .help("write the path as it is seen from the folder of the file that includes it")
}

/// A file that is included twice, or leads back to itself.
#[must_use]
pub fn included_twice(path: &str, span: Span, first: Option<Span>) -> Diagnostic {
    match first {
        Some(first) => Diagnostic::error("E705", format!("`{path}` is included twice"), span, "again here")
            .also(first, "first here")
            .help("remove one of the two: its items are there already"),
        None => Diagnostic {
            message: format!("`{path}` includes itself"),
            ..included_twice(path, span, Some(span)).help("remove this line, or one of those that lead here")
        }
        .found("this leads back to where it started")
        .alone(),
    }
}
