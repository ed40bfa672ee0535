//! Why a line was rejected.
//!
//! Invariant: one diagnostic for one rejected statement; the furthest place that
//! a parse of it alone reaches is where it went wrong.

use super::foreign;
use super::kind::Kind;
use super::lexical::{self, Slip};
use super::nearmiss::{self, Spot};
use super::parser;
use super::phrase;
use super::words::{self, Block, Word};
use crate::diag::errors::syntax::{self as errors, Mend};
use crate::diag::{Diagnostic, suggest};
use crate::text::Span;

/// A rejected statement.
pub(super) struct Rejected<'a> {
    /// Its text.
    pub(super) text: &'a str,
    /// Where it starts in the file.
    pub(super) base: usize,
    /// What it stands in.
    pub(super) block: Block,
}

/// What is known of the word a rejected line starts with.
pub(super) enum Lead {
    /// It starts statements of this block.
    Known(&'static Word),
    /// It is a word of another tool.
    Foreign(&'static foreign::Foreign),
    /// Lines of this block start with no keyword.
    Plain(Kind, &'static str),
    /// It starts statements of other blocks.
    Elsewhere(Vec<&'static Word>),
    /// It resembles a word of this block.
    Near(&'static str),
    /// Nothing.
    Unknown,
}

impl Rejected<'_> {
    /// The word it starts with; a first sign when there is none.
    fn first(&self) -> &str {
        let word = lexical::word(self.text);
        if word.is_empty() { lexical::token(self.text) } else { word }
    }

    /// The word it starts with, with what people glue to it: `tools/call`.
    fn glued(&self) -> &str {
        let len = self.text.find(|c: char| !(lexical::is_word(c) || "-/*;[]".contains(c))).unwrap_or(self.text.len());
        self.text.get(..len).filter(|text| !text.is_empty()).unwrap_or(self.first())
    }

    fn first_span(&self) -> Span {
        Span::new(self.base, self.base + self.first().len())
    }

    /// What is known of its first word.
    pub(super) fn lead(&self) -> Lead {
        let (block, first, glued) = (self.block, self.first(), self.glued());
        if first == glued
            && let Some(word) = words::find(block, first)
        {
            return Lead::Known(word);
        }
        let dotted = self.text.get(first.len()..).is_some_and(|rest| rest.starts_with(['.', '(']));
        if !dotted && let Some(entry) = foreign::find(block, glued).or_else(|| foreign::find(block, first)) {
            return Lead::Foreign(entry);
        }
        if let Some(word) = words::find(block, first) {
            return Lead::Known(word);
        }
        if let Some((kind, example)) = block.plain_line() {
            return Lead::Plain(kind, example);
        }
        let elsewhere = words::elsewhere(block, first);
        if !elsewhere.is_empty() {
            return Lead::Elsewhere(elsewhere);
        }
        suggest::nearest(first, words::words_of(block).map(|word| word.word)).map_or(Lead::Unknown, Lead::Near)
    }

    /// The diagnostic of it.
    pub(super) fn explain(&self) -> Diagnostic {
        if let Some(diagnostic) = self.odd_character() {
            return diagnostic;
        }
        match self.lead() {
            Lead::Known(word) if word.word == "mcpl" => {
                self.unknown(Mend::advice("write `mcpl 1` once, in the first line"))
            }
            Lead::Known(word) => self.malformed(word.kinds, word.example),
            Lead::Plain(kind, example) => self.malformed(&[kind], example),
            Lead::Foreign(entry) => self.foreign(entry),
            Lead::Elsewhere(words) => self.elsewhere(&words),
            Lead::Near(word) => {
                let help = nearmiss::corrected(self.text, 0, self.first().len(), word);
                self.unknown(Mend::guess(help, self.first_span(), word))
            }
            Lead::Unknown => self.unknown(Mend::advice(self.vocabulary())),
        }
    }

    fn unknown(&self, mend: Mend) -> Diagnostic {
        let shown: String = self.first().chars().take(40).collect();
        match self.block {
            Block::File => errors::unknown_item(&shown, self.first_span(), mend),
            block => errors::unknown_statement(&shown, block.phrase(), self.first_span(), mend),
        }
    }

    /// All that may stand here, when nothing is near.
    fn vocabulary(&self) -> String {
        /// More words than this are no help any more.
        const SHOWN: usize = 10;
        let mut words: Vec<String> = words::words_of(self.block).map(|word| format!("`{}`", word.word)).collect();
        let (such_as, all) = (words.len() > SHOWN, self.block.phrase());
        words.truncate(if such_as { SHOWN / 2 } else { SHOWN });
        match words.pop() {
            Some(last) if such_as => {
                let words = words.join(", ");
                format!("start the line with a word that {all} takes, such as {words} or {last}")
            }
            Some(last) if !words.is_empty() => format!("start the line with {} or {last}", words.join(", ")),
            _ => "remove it".to_owned(),
        }
    }

    fn foreign(&self, entry: &foreign::Foreign) -> Diagnostic {
        let mut mend = Mend::advice(entry.help);
        if let Some(word) = entry.word {
            mend.edits.push((Span::new(self.base, self.base + self.glued().len()), word.to_owned()));
        }
        let diagnostic = self.unknown(mend);
        match entry.note {
            Some(note) => diagnostic.note(note),
            None => diagnostic,
        }
    }

    fn elsewhere(&self, words: &[&'static Word]) -> Diagnostic {
        let places: Vec<&str> = words.iter().map(|word| word.block.phrase()).collect();
        let help = match words.first() {
            Some(word) if word.block == Block::File => {
                format!(
                    "close {} with `}}` before `{}`, which stands at the top of a file",
                    self.block.phrase(),
                    word.word
                )
            }
            _ => format!("move it into {}, where `{}` belongs", places.join(" or "), self.first()),
        };
        self.unknown(Mend::advice(help))
    }

    /// A character that nobody sees is the likeliest reason, wherever it is.
    fn odd_character(&self) -> Option<Diagnostic> {
        lexical::slips(self.text).into_iter().find_map(|(span, slip)| match slip {
            Slip::Odd(name, instead) => Some(odd(name, instead, shift(span, self.base))),
            Slip::OpenString => None,
        })
    }

    fn malformed(&self, kinds: &[Kind], example: &str) -> Diagnostic {
        let stops: Vec<parser::Stop> = kinds.iter().filter_map(|kind| parser::stop(*kind, self.text)).collect();
        let at = stops.iter().map(|stop| stop.at).max().unwrap_or(0);
        let expected: Vec<Kind> =
            stops.into_iter().filter(|stop| stop.at == at).flat_map(|stop| stop.expected).collect();
        let found = lexical::token(self.text.get(at..).unwrap_or(""));
        let spot = Spot { text: self.text, base: self.base, at, found, expected: &expected };
        self.open_string(at).or_else(|| self.open_bracket(&spot)).unwrap_or_else(|| self.stopped(&spot, example))
    }

    /// A string that is cut off spoils what follows it.
    fn open_string(&self, at: usize) -> Option<Diagnostic> {
        let open = |(span, slip): &(Span, Slip)| *slip == Slip::OpenString && span.start as usize <= at;
        let (span, _) = lexical::slips(self.text).into_iter().find(open)?;
        let written = self.text.get(span.range()).unwrap_or("");
        Some(unterminated(written, shift(span, self.base)))
    }

    fn open_bracket(&self, spot: &Spot<'_>) -> Option<Diagnostic> {
        let before = self.text.get(..spot.at)?;
        let (offset, open) = lexical::open_bracket(before)?;
        let line = before.get(offset..).unwrap_or("");
        // On its line, or before a line that is a statement of its own.
        let next = line.contains('\n') && words::find(self.block, spot.found).is_some();
        if !(spot.found.is_empty() || next) {
            return None;
        }
        let ends = self.base + before.trim_end().len();
        let close = lexical::closer(open).to_string();
        let open_span = Span::new(self.base + offset, self.base + offset + 1);
        let end = ends - self.base;
        let help = nearmiss::corrected(self.text, end, end, &close);
        let mend = Mend::guess(help, Span::at(ends), close.clone());
        Some(errors::unclosed_bracket(&open.to_string(), &close, open_span, Span::at(ends), mend))
    }

    fn stopped(&self, spot: &Spot<'_>, example: &str) -> Diagnostic {
        let found = match spot.found {
            "" => "found the end of the line".to_owned(),
            text => format!("found `{}`", shorten(text)),
        };
        let mend = nearmiss::mend(spot).unwrap_or_else(|| self.general_mend(spot, example));
        let expected = phrase::expected(spot.expected);
        let head = self.first();
        let message = match expected.as_deref() {
            Some("the end of the line") => format!("more text than {} takes", self.subject(head)),
            Some(expected) => format!("expected {expected}{}", self.after(spot)),
            None => format!("{} goes on in a way that has no meaning", self.subject(head)),
        };
        errors::malformed(message, found, spot.span(), mend)
    }

    /// What a message calls the statement.
    fn subject(&self, head: &str) -> String {
        match self.block {
            Block::Assert => "a condition".to_owned(),
            Block::Mix => "a share".to_owned(),
            Block::Builtin => "a switch".to_owned(),
            _ => format!("`{head}`"),
        }
    }

    fn after(&self, spot: &Spot<'_>) -> String {
        let before = spot.text.get(..spot.at).unwrap_or("").trim_end();
        let start = before.rfind([' ', '\t', '\n', '\r']).map_or(0, |at| at + 1);
        match before.get(start..) {
            Some(last) if !last.is_empty() && last.chars().count() <= 24 => format!(" after `{last}`"),
            _ => String::new(),
        }
    }

    fn general_mend(&self, spot: &Spot<'_>, example: &str) -> Mend {
        if phrase::expected(spot.expected).as_deref() == Some("the end of the line") && !spot.found.is_empty() {
            let line_end = spot.text.get(spot.at..).and_then(|rest| rest.find(['\n', '\r', '#']));
            let end = line_end.map_or(spot.text.len(), |len| spot.at + len);
            let rest = spot.text.get(spot.at..end).unwrap_or("").trim_end();
            return Mend::advice(format!("remove `{}`, or put it on a line of its own", shorten(rest)));
        }
        Mend::advice(format!("write it like `{example}`"))
    }
}

/// At most so many characters of the source in a sentence.
fn shorten(text: &str) -> String {
    const LONGEST: usize = 40;
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    let head: String = text.chars().take(LONGEST - 1).collect();
    format!("{head}…")
}

fn shift(span: Span, by: usize) -> Span {
    Span::new(span.start as usize + by, span.end as usize + by)
}

/// A character nobody sees, at `span`.
pub(super) fn odd(name: &str, instead: &str, span: Span) -> Diagnostic {
    let help = match instead {
        "" => "remove it".to_owned(),
        "\n" => "write a line break in its place".to_owned(),
        _ => "write a plain blank in its place".to_owned(),
    };
    errors::invisible_character(name, span, Mend::certain(help, span, instead))
}

/// A string that its line cuts off: closing it is the mend when nothing but a
/// bracket or comma seems to have been swallowed.
pub(super) fn unterminated(written: &str, span: Span) -> Diagnostic {
    let kept = written.trim_end_matches([' ', '\t', ',', ')', ']', '}']);
    let kept = if kept.len() < 2 { written.trim_end() } else { kept };
    let at = span.start as usize + kept.len();
    let help = match kept.chars().count() {
        0..=60 => format!("write `{kept}\"`"),
        _ => "insert `\"` where the string ends".to_owned(),
    };
    errors::unterminated_string(span, Mend::guess(help, Span::at(at), "\""))
}
