//! Diagnostics: what is wrong, where, and how to mend it.
//!
//! Invariant: a diagnostic is plain data with a code; miette is named only in
//! the renderer for people; nothing below `cli` prints. May import `text`.
//!
//! Every code has one constructor, in [`errors`], one page in `docs/errors/`,
//! and one folder in `tests/corpus/errors/`; a test proves the sets equal.

pub mod catalogue;
pub mod errors;
mod fix;
pub mod render;
pub mod suggest;

pub use fix::{Mended, apply_fixes, mend};

use crate::text::Span;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The file cannot be planned.
    Error,
    /// The plan probably differs from what was meant.
    Warning,
    /// Style.
    Advice,
}

impl Severity {
    /// The lowercase word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Advice => "advice",
        }
    }
}

/// A place and what was found there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// What was found; may be empty.
    pub text: String,
}

/// One replacement of text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// The bytes to replace; empty to insert.
    pub span: Span,
    /// What stands there afterwards.
    pub replacement: String,
}

/// A change that mends the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// The edits; they do not overlap.
    pub edits: Vec<Edit>,
    /// Whether it may be applied without asking. A fix that guesses at the
    /// intent is only shown.
    pub certain: bool,
}

/// One finding in one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Code such as `E304`.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// A lowercase fragment that names what is wrong.
    pub message: String,
    /// Where, and what was found there.
    pub primary: Label,
    /// Other places that matter, such as the first of two definitions.
    pub secondary: Vec<Label>,
    /// How to mend it: begins with a verb and holds the corrected text.
    pub help: Option<String>,
    /// Why it is so.
    pub note: Option<String>,
    /// The mend as an edit.
    pub fix: Option<Fix>,
}

impl Diagnostic {
    /// An error at `span`, where `found` was found.
    #[must_use]
    pub fn error(code: &'static str, message: impl Into<String>, span: Span, found: impl Into<String>) -> Diagnostic {
        Diagnostic {
            code,
            severity: Severity::Error,
            message: message.into(),
            primary: Label { span, text: found.into() },
            secondary: Vec::new(),
            help: None,
            note: None,
            fix: None,
        }
    }

    /// A warning at `span`.
    #[must_use]
    pub fn warning(code: &'static str, message: impl Into<String>, span: Span, found: impl Into<String>) -> Diagnostic {
        Diagnostic { severity: Severity::Warning, ..Diagnostic::error(code, message, span, found) }
    }

    /// Without other places.
    #[must_use]
    pub fn alone(mut self) -> Diagnostic {
        self.secondary.clear();
        self
    }

    /// Says otherwise what was found.
    #[must_use]
    pub fn found(mut self, found: impl Into<String>) -> Diagnostic {
        self.primary.text = found.into();
        self
    }

    /// Adds how to mend it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Diagnostic {
        self.help = Some(help.into());
        self
    }

    /// Adds why it is so.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Diagnostic {
        self.note = Some(note.into());
        self
    }

    /// Adds another place.
    #[must_use]
    pub fn also(mut self, span: Span, text: impl Into<String>) -> Diagnostic {
        self.secondary.push(Label { span, text: text.into() });
        self
    }

    /// Adds a fix that is certainly what was meant.
    #[must_use]
    pub fn fix(mut self, span: Span, replacement: impl Into<String>) -> Diagnostic {
        self.fix = Some(Fix { edits: vec![Edit { span, replacement: replacement.into() }], certain: true });
        self
    }

    /// Adds a fix that is a guess: shown, never applied unasked.
    #[must_use]
    pub fn maybe_fix(mut self, span: Span, replacement: impl Into<String>) -> Diagnostic {
        self.fix = Some(Fix { edits: vec![Edit { span, replacement: replacement.into() }], certain: false });
        self
    }

    /// The same in a text that has `by` more bytes before it.
    #[must_use]
    pub fn shifted(mut self, by: usize) -> Diagnostic {
        let shift = |span: &mut Span| *span = Span::new(span.start as usize + by, span.end as usize + by);
        shift(&mut self.primary.span);
        self.secondary.iter_mut().for_each(|label| shift(&mut label.span));
        let edits = self.fix.iter_mut().flat_map(|fix| &mut fix.edits);
        edits.for_each(|edit| shift(&mut edit.span));
        self
    }

    /// Whether the file cannot be planned because of it.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// Sorts by place and drops what says the same thing at the same place twice.
pub fn tidy(diagnostics: &mut Vec<Diagnostic>) {
    diagnostics.sort_by(|a, b| {
        (a.primary.span.start, a.primary.span.end, a.code).cmp(&(b.primary.span.start, b.primary.span.end, b.code))
    });
    diagnostics.dedup();
}
