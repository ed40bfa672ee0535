//! Everything that a finding holds, for programs.

use serde_json::{Value, json};

use crate::diag::{Diagnostic, Edit, Fix, Label};
use crate::text::{Source, Span};

/// An array with one object each, about all files that were checked.
#[must_use]
pub fn json<'a>(checked: impl IntoIterator<Item = (&'a Source, &'a [Diagnostic])>) -> Value {
    checked.into_iter().flat_map(|(source, found)| found.iter().map(move |d| object(source, d))).collect()
}

fn object(source: &Source, d: &Diagnostic) -> Value {
    let related = |label: &Label| {
        json!({
            "file": source.file(label.span.start).name,
            "span": place(source, label.span),
            "label": label.text,
        })
    };
    json!({
        "file": source.file(d.primary.span.start).name,
        "code": d.code,
        "severity": d.severity.word(),
        "message": d.message,
        "span": place(source, d.primary.span),
        "label": d.primary.text,
        "related": d.secondary.iter().map(related).collect::<Vec<_>>(),
        "help": d.help,
        "note": d.note,
        "fix": d.fix.as_ref().map(|made| fix(source, made)),
    })
}

fn fix(source: &Source, fix: &Fix) -> Value {
    let edit = |edit: &Edit| json!({ "span": place(source, edit.span), "replacement": edit.replacement });
    json!({ "certain": fix.certain, "edits": fix.edits.iter().map(edit).collect::<Vec<_>>() })
}

/// A place in its file: bytes from 0, lines and characters from 1.
fn place(source: &Source, span: Span) -> Value {
    let (start, end) = (source.position(span.start), source.position(span.end));
    let offset = |at: u32| at as usize - source.file(span.start).start.min(at as usize);
    json!({
        "start": { "offset": offset(span.start), "line": start.line, "column": start.column },
        "end": { "offset": offset(span.end), "line": end.line, "column": end.column },
    })
}
