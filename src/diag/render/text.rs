//! With source, caret, help and note, for people. The only place that names
//! miette.

use std::fmt::{self, Write as _};

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, ThemeCharacters, ThemeStyles};

use super::short_line;
use crate::diag::{Diagnostic, Label, Severity};
use crate::text::{Source, Span};

/// At most so many findings of one file are shown; the rest are counted, since
/// a screen of follow-ups helps nobody.
pub const SHOWN_PER_FILE: usize = 20;

/// How to draw.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// ANSI colours.
    pub color: bool,
    /// Columns to wrap at.
    pub width: usize,
}

/// Each finding with source, caret, help and note, then a line that counts.
#[must_use]
pub fn text(source: &Source, diagnostics: &[Diagnostic], style: Style) -> String {
    let styles = if style.color { ThemeStyles::ansi() } else { ThemeStyles::none() };
    let handler = GraphicalReportHandler::new_themed(GraphicalTheme { characters: ThemeCharacters::unicode(), styles })
        .with_width(style.width)
        .with_context_lines(1);
    let mut out = String::new();
    // One copy of each text serves all findings: a file may be large.
    let named: Vec<_> =
        source.files().map(|file| (file.start, NamedSource::new(file.name, file.text.to_owned()))).collect();
    for diagnostic in diagnostics.iter().take(SHOWN_PER_FILE) {
        let file = source.file(diagnostic.primary.span.start);
        let Some((start, text)) = named.get(file.index) else { continue };
        let view = View { diagnostic, places: Places { source, file: file.index, start: *start }, text };
        // Formatting into a string fails only if a Display of ours does; then
        // the plain form still says everything that matters.
        if handler.render_report(&mut out, &view).is_err() {
            out.push_str(&short_line(source, diagnostic));
        }
        out.push('\n');
    }
    out.push_str(&summary(source, diagnostics));
    out
}

fn summary(source: &Source, diagnostics: &[Diagnostic]) -> String {
    let count = |severity| diagnostics.iter().filter(|d| d.severity == severity).count();
    let parts: Vec<String> = [Severity::Error, Severity::Warning, Severity::Advice]
        .into_iter()
        .map(|severity| (count(severity), severity.word()))
        .filter(|(n, _)| *n > 0)
        .map(|(n, word)| if n == 1 || word == "advice" { format!("{n} {word}") } else { format!("{n} {word}s") })
        .collect();
    let mut line = format!("{}: {}", source.name(), parts.join(", "));
    if let Some(hidden) = diagnostics.len().checked_sub(SHOWN_PER_FILE).filter(|hidden| *hidden > 0) {
        let _ = write!(line, " (the last {hidden} not shown)");
    }
    line.push('\n');
    line
}

/// A diagnostic in the shape that miette draws.
struct View<'a> {
    diagnostic: &'a Diagnostic,
    places: Places<'a>,
    /// The text of the file that the diagnostic is about.
    text: &'a NamedSource<String>,
}

/// The file that a diagnostic is about, among all.
struct Places<'a> {
    source: &'a Source,
    file: usize,
    start: usize,
}

impl Places<'_> {
    /// Where `span` stands in the file, if it does.
    fn range(&self, span: Span) -> Option<(usize, usize)> {
        (self.source.file(span.start).index == self.file).then(|| (span.start as usize - self.start, span.len()))
    }

    /// A place in another file, which cannot be drawn beside this one.
    fn elsewhere(&self, label: &Label) -> Option<String> {
        let file = self.source.file(label.span.start);
        let at = self.source.position(label.span.start);
        (file.index != self.file).then(|| format!("{}:{at}: {}", file.name, label.text))
    }
}

impl fmt::Debug for View<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.diagnostic, f)
    }
}

impl fmt::Display for View<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.diagnostic.code, self.diagnostic.message)
    }
}

impl std::error::Error for View<'_> {}

impl miette::Diagnostic for View<'_> {
    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.diagnostic.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
            Severity::Advice => miette::Severity::Advice,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        let elsewhere = self.diagnostic.secondary.iter().filter_map(|label| self.places.elsewhere(label));
        let note = self.diagnostic.note.iter().map(|note| format!("note: {note}"));
        let lines: Vec<String> = self.diagnostic.help.iter().cloned().chain(elsewhere).chain(note).collect();
        if lines.is_empty() { None } else { Some(Box::new(lines.join("\n"))) }
    }

    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        Some(self.text)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let labeled = |label: &Label, primary: bool| {
            let text = (!label.text.is_empty()).then(|| label.text.clone());
            let range = self.places.range(label.span)?;
            Some(if primary {
                LabeledSpan::new_primary_with_span(text, range)
            } else {
                LabeledSpan::new_with_span(text, range)
            })
        };
        let primary = labeled(&self.diagnostic.primary, true).into_iter();
        Some(Box::new(primary.chain(self.diagnostic.secondary.iter().filter_map(move |label| labeled(label, false)))))
    }
}
