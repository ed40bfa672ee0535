//! Constructors of the diagnostics E1xx: what is wrong with the syntax.
//!
//! Invariant: one code, one constructor. They take words and places only; what
//! to say when is decided in `syntax`.

use crate::diag::{Diagnostic, Edit, Fix, Severity};
use crate::text::Span;

/// A mend: edits, and whether they are certainly what was meant.
#[derive(Clone, Debug, Default)]
pub struct Mend {
    /// Begins with a verb and holds the corrected text.
    pub help: String,
    /// The edits; none when there is only advice.
    pub edits: Vec<(Span, String)>,
    /// Whether they may be applied without asking.
    pub certain: bool,
}

impl Mend {
    /// Advice without an edit.
    #[must_use]
    pub fn advice(help: impl Into<String>) -> Mend {
        Mend { help: help.into(), edits: Vec::new(), certain: false }
    }

    /// An edit that is certainly what was meant.
    #[must_use]
    pub fn certain(help: impl Into<String>, span: Span, text: impl Into<String>) -> Mend {
        Mend { help: help.into(), edits: vec![(span, text.into())], certain: true }
    }

    /// An edit that is a guess.
    #[must_use]
    pub fn guess(help: impl Into<String>, span: Span, text: impl Into<String>) -> Mend {
        Mend { help: help.into(), edits: vec![(span, text.into())], certain: false }
    }

    fn apply(self, diagnostic: Diagnostic) -> Diagnostic {
        let edits: Vec<Edit> = self.edits.into_iter().map(|(span, replacement)| Edit { span, replacement }).collect();
        let fix = (!edits.is_empty()).then_some(Fix { edits, certain: self.certain });
        let help = (!self.help.is_empty()).then_some(self.help);
        Diagnostic { help, fix, ..diagnostic }
    }
}

/// E101: a line of a block starts with a word that starts nothing there.
#[must_use]
pub fn unknown_statement(word: &str, place: &str, span: Span, mend: Mend) -> Diagnostic {
    let found = format!("nothing in {place} starts like this");
    mend.apply(Diagnostic::error("E101", format!("unknown statement `{word}` in {place}"), span, found))
}

/// E102: something at the top of the file is no item.
#[must_use]
pub fn unknown_item(word: &str, span: Span, mend: Mend) -> Diagnostic {
    let found = "no item starts like this";
    mend.apply(Diagnostic::error("E102", format!("unknown item `{word}`"), span, found))
}

/// E103: a statement goes wrong at some place.
#[must_use]
pub fn malformed(message: impl Into<String>, found: impl Into<String>, span: Span, mend: Mend) -> Diagnostic {
    mend.apply(Diagnostic::error("E103", message, span, found))
}

/// E104: a block is not opened, or not on the line of its head.
#[must_use]
pub fn missing_open(message: impl Into<String>, found: impl Into<String>, span: Span, mend: Mend) -> Diagnostic {
    mend.apply(Diagnostic::error("E104", message, span, found))
}

/// E105: a block is not closed. `ends` is where that is noticed.
#[must_use]
pub fn missing_close(head: &str, open: Span, ends: Span, what_ends: &str, mend: Mend) -> Diagnostic {
    let diagnostic = Diagnostic::error("E105", format!("missing `}}` of `{head}`"), open, "this block is never closed");
    mend.apply(diagnostic).also(ends, what_ends)
}

/// E106: a `}` that closes nothing.
#[must_use]
pub fn stray_close(span: Span) -> Diagnostic {
    Diagnostic::error("E106", "`}` without a block", span, "no block is open here")
        .help("remove this `}`, or one before it that closes a block too early")
        .maybe_fix(span, "")
}

/// The code of [`unterminated_string`].
pub const UNTERMINATED_STRING: &str = "E107";

/// E107: a string is cut off by the end of its line.
#[must_use]
pub fn unterminated_string(span: Span, mend: Mend) -> Diagnostic {
    let diagnostic =
        Diagnostic::error(UNTERMINATED_STRING, "string without its closing quote", span, "the line ends inside it");
    mend.apply(diagnostic).note("a string ends on its line; a line break in it is written `\\n`")
}

/// E108: brackets or blocks are nested too deeply to be parsed.
#[must_use]
pub fn nested_too_deeply(limit: usize, span: Span) -> Diagnostic {
    let found = format!("level {} of nesting starts here", limit + 1);
    Diagnostic::error("E108", format!("nested more than {limit} levels deep"), span, found)
        .help("move inner values into `param` or `let` lines, as in `let filter = { \"lang\": \"en\" }`")
}

/// E109: a character that nobody sees, or that ends up in files by accident.
#[must_use]
pub fn invisible_character(name: &str, span: Span, mend: Mend) -> Diagnostic {
    let found = format!("this is {name}");
    mend.apply(Diagnostic::error("E109", format!("{name} in the text"), span, found))
}

/// E110: an object gives a key twice.
#[must_use]
pub fn duplicate_key(key: &str, span: Span, first: Span) -> Diagnostic {
    Diagnostic::error("E110", format!("key `{key}` given twice in one object"), span, "given again here")
        .also(first, "given first here")
        .help(format!("remove one of the two, or rename this one, as in `\"{key}_2\"`"))
}

/// E111: a number has a unit that there is not.
#[must_use]
pub fn unknown_unit(text: &str, span: Span, mend: Mend) -> Diagnostic {
    let message = format!("`{text}` is no number with a known unit");
    mend.apply(Diagnostic::error("E111", message, span, "this number"))
}

/// E112: a backslash in a string is followed by something JSON does not know.
#[must_use]
pub fn unknown_escape(escape: &str, span: Span, mend: Mend) -> Diagnostic {
    let diagnostic = Diagnostic::error("E112", format!("unknown escape `{escape}`"), span, "this escape");
    mend.apply(diagnostic).note("strings are JSON strings: `\\\"` `\\\\` `\\/` `\\b` `\\f` `\\n` `\\r` `\\t` `\\u00e9`")
}

/// E113: a head lacks its name.
#[must_use]
pub fn missing_name(keyword: &str, what: &str, at: Span, mend: Mend) -> Diagnostic {
    mend.apply(Diagnostic::error("E113", format!("`{keyword}` without {what}"), at, format!("expected {what} here")))
}

/// E114: the file is of an edition that there is not.
#[must_use]
pub fn unknown_edition(message: impl Into<String>, span: Span, mend: Mend) -> Diagnostic {
    mend.apply(Diagnostic::error("E114", message, span, "this program reads edition 1"))
}

/// E115: a bracket is not closed before its statement ends.
#[must_use]
pub fn unclosed_bracket(open: &str, close: &str, span: Span, ends: Span, mend: Mend) -> Diagnostic {
    let diagnostic = Diagnostic::error("E115", format!("`{open}` without its `{close}`"), span, "opened here");
    mend.apply(diagnostic).also(ends, format!("expected `{close}` by here"))
}

/// E116: a format string has a mistake in it.
#[must_use]
pub fn bad_format_string(message: impl Into<String>, found: impl Into<String>, span: Span, mend: Mend) -> Diagnostic {
    let diagnostic = Diagnostic::error("E116", message, span, found);
    mend.apply(diagnostic).note("in `f\"…\"` a value stands in `{ }`; the braces themselves are written `{{` and `}}`")
}

/// E117: a string is in quotes of another kind.
#[must_use]
pub fn wrong_quotes(span: Span, mend: Mend) -> Diagnostic {
    mend.apply(Diagnostic::error("E117", "string in quotes of another kind", span, "strings stand in `\"`"))
}

/// E118: a key of an object has no quotes.
#[must_use]
pub fn bare_key(key: &str, span: Span, mend: Mend) -> Diagnostic {
    mend.apply(Diagnostic::error("E118", format!("key `{key}` without quotes"), span, "objects are JSON objects"))
}

/// E119: a name that is no identifier has no quotes.
#[must_use]
pub fn unquoted_name(name: &str, span: Span, mend: Mend) -> Diagnostic {
    let found = "a name without quotes has letters, digits and `_` only, and no digit first";
    mend.apply(Diagnostic::error("E119", format!("name `{name}` without quotes"), span, found))
}

/// E120: an expression has too many operators.
#[must_use]
pub fn expression_too_long(limit: usize, span: Span) -> Diagnostic {
    let found = "too many operands and operators";
    Diagnostic::error("E120", format!("expression of more than {limit} parts"), span, found)
        .help("split it: give parts a name with `let`, as in `let sum = a + b`, or write several `expect` lines")
}

/// W101: the file does not say its edition.
#[must_use]
pub fn missing_edition(at: Span) -> Diagnostic {
    Diagnostic::warning("W101", "the file does not say its edition", at, "expected `mcpl 1` in the first line")
        .help("write `mcpl 1` in the first line")
        .note("without it a later version of this program cannot know how the file was meant")
        .fix(at, "mcpl 1\n")
}

/// W102: a plain string looks as if something were to be filled in.
#[must_use]
pub fn placeholder_in_string(placeholder: &str, span: Span, mend: Mend) -> Diagnostic {
    let message = format!("`{placeholder}` in a plain string stays as it is");
    let diagnostic = Diagnostic::warning("W102", message, span, "this string is sent as written");
    Diagnostic { severity: Severity::Advice, ..mend.apply(diagnostic) }
}
