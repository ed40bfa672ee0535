//! What was nearly right, and the edit that makes it so.
//!
//! Invariant: an edit is offered only where what was written has one reading.

use super::kind::Kind;
use super::lexical;
use super::phrase;
use crate::diag::errors::syntax::Mend;
use crate::diag::suggest;
use crate::text::Span;

/// The place where a statement went wrong.
pub(super) struct Spot<'a> {
    /// The statement, from its first byte.
    pub(super) text: &'a str,
    /// Where it starts in the file.
    pub(super) base: usize,
    /// Offset in it of what was found.
    pub(super) at: usize,
    /// What was found; empty at the end of a line.
    pub(super) found: &'a str,
    /// What would have gone on.
    pub(super) expected: &'a [Kind],
}

/// Other ways to write the arrow of a ramp.
const ARROWS: [&str; 9] = ["=>", "→", "⇒", "to", "--", "-->", "~>", "until", "..."];

/// Operators of other languages and their form here.
const OPERATORS: [(&str, &str); 19] = [
    ("&&", "and"),
    ("&", "and"),
    ("||", "or"),
    ("|", "or"),
    ("=", "=="),
    ("===", "=="),
    ("is", "=="),
    ("eq", "=="),
    ("equals", "=="),
    ("!==", "!="),
    ("<>", "!="),
    ("≠", "!="),
    ("ne", "!="),
    ("=~", "matches"),
    ("≥", ">="),
    ("≤", "<="),
    ("=<", "<="),
    ("=>", ">="),
    ("includes", "contains"),
];

/// Words that stand between the parts of a stage.
const JOINTS: [&str; 8] = ["for", "over", "in", "during", "within", "to", "of", "at"];

impl Spot<'_> {
    fn expects(&self, kind: Kind) -> bool {
        self.expected.contains(&kind)
    }

    fn expects_value(&self) -> bool {
        self.expects(Kind::Expr) || self.expects(Kind::Free) || self.expects(Kind::Arg)
    }

    /// What stands before the place, without blanks behind it.
    fn before(&self) -> &str {
        self.text.get(..self.at).unwrap_or("").trim_end()
    }

    /// Where what was found stands in the file; empty at the end of a line.
    pub(super) fn span(&self) -> Span {
        Span::new(self.base + self.at, self.base + self.at + self.found.len())
    }

    /// The edit on the file that puts `new` in place of what was found.
    fn replace(&self, new: &str, certain: bool) -> Mend {
        self.edit(self.at, self.at + self.found.len(), new, certain)
    }

    /// The edit on the file that replaces these bytes of the statement; the help
    /// shows the line as it becomes.
    fn edit(&self, start: usize, end: usize, new: &str, certain: bool) -> Mend {
        let help = corrected(self.text, start, end, new);
        let span = Span::new(self.base + start, self.base + end);
        Mend { help, edits: vec![(span, new.to_owned())], certain }
    }
}

/// "write `…`" with the line as it becomes; only what changes when it is long.
pub(super) fn corrected(text: &str, start: usize, end: usize, new: &str) -> String {
    const LONGEST: usize = 90;
    let line_start = text.get(..start).and_then(|before| before.rfind(['\n', '\r'])).map_or(0, |at| at + 1);
    let line_end = text.get(end..).and_then(|rest| rest.find(['\n', '\r'])).map_or(text.len(), |at| end + at);
    let (before, after) = (text.get(line_start..start).unwrap_or(""), text.get(end..line_end).unwrap_or(""));
    let line = format!("{before}{new}{after}");
    let line = line.trim();
    if line.chars().count() <= LONGEST {
        return format!("write `{line}`");
    }
    match (text.get(start..end).unwrap_or(""), new) {
        ("", new) => format!("insert `{}`", new.trim()),
        (old, "") => format!("remove `{}`", old.trim()),
        (old, new) => format!("write `{}` instead of `{}`", new.trim(), old.trim()),
    }
}

/// The mend, when what was written has one reading.
pub(super) fn mend(spot: &Spot<'_>) -> Option<Mend> {
    signs(spot).or_else(|| lists(spot)).or_else(|| values(spot)).or_else(|| joints(spot)).or_else(|| operators(spot))
}

/// One sign for another: `=>` for `->`, `:` for `=`.
fn signs(spot: &Spot<'_>) -> Option<Mend> {
    if spot.expects(Kind::Arrow) && ARROWS.contains(&spot.found) {
        return Some(spot.replace("->", true));
    }
    if spot.expects(Kind::Assign) && matches!(spot.found, ":" | ":=" | "==" | "is" | "=>") {
        let glued = !spot.before().is_empty() && spot.before().len() == spot.at;
        return Some(spot.replace(if glued { " =" } else { "=" }, true));
    }
    if spot.expects(Kind::Assign) && starts_value(spot.found) {
        return Some(spot.edit(spot.at, spot.at, "= ", true));
    }
    if spot.expects(Kind::Colon) && matches!(spot.found, "=" | "=>" | ":=" | "->") {
        return Some(spot.edit(spot.before().len(), spot.at + spot.found.len(), ":", true));
    }
    let only_end = spot.expects(Kind::End) && matches!(spot.found, ";" | ",");
    only_end.then(|| spot.replace("", true))
}

/// A comma too few or a semicolon for it; a key without quotes.
fn lists(spot: &Spot<'_>) -> Option<Mend> {
    if spot.expects(Kind::Comma) {
        if spot.found == ";" {
            return Some(spot.replace(",", true));
        }
        if starts_value(spot.found) || matches!(spot.found, "[" | "{" | "(") {
            let end = spot.before().len();
            return Some(spot.edit(end, end, ",", true));
        }
    }
    let key = spot.expects(Kind::Key)
        || spot.expects(Kind::Entry)
        || spot.expects(Kind::Label)
        || spot.expects(Kind::WrongStr);
    let bare = lexical::word(spot.found);
    if key && !bare.is_empty() {
        return Some(spot.edit(spot.at, spot.at + bare.len(), &format!("\"{bare}\""), true));
    }
    None
}

/// A value spoilt by what is before it: `timeout = 10s`, `$name`, `.5`.
fn values(spot: &Spot<'_>) -> Option<Mend> {
    if !spot.expects_value() {
        return None;
    }
    let after_keyword = spot.before().chars().all(|c| c.is_ascii_lowercase() || matches!(c, '_' | ' '));
    if after_keyword && matches!(spot.found, "=" | ":" | ":=" | "=>" | "==") {
        let rest = spot.text.get(spot.at + spot.found.len()..).unwrap_or("");
        let blanks = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        let end = spot.at + spot.found.len() + blanks;
        return Some(spot.edit(spot.before().len(), end, " ", true));
    }
    if let Some(name) = spot.found.strip_prefix('$')
        && !name.is_empty()
    {
        return Some(spot.replace(name, true));
    }
    if spot.found == "!" {
        return Some(spot.replace("not ", true));
    }
    let digit = |rest: &str| rest.starts_with(|c: char| c.is_ascii_digit());
    if spot.found == "." && spot.text.get(spot.at + 1..).is_some_and(digit) {
        return Some(spot.edit(spot.at, spot.at, "0", true));
    }
    None
}

/// A missing or mistyped word between the parts of a statement.
fn joints(spot: &Spot<'_>) -> Option<Mend> {
    let mut words = spot.expected.iter().filter_map(|kind| Some((*kind, phrase::keyword(*kind)?)));
    let (kind, word) = words.next()?;
    if let Some((_, other)) = words.next() {
        let near = suggest::nearest(spot.found, [word.as_str(), other.as_str()])?;
        return Some(spot.replace(near, false));
    }
    let near = suggest::nearest(spot.found, [word.as_str()]).is_some();
    if near || JOINTS.contains(&spot.found) || spot.found == "=" || spot.found == ":" {
        return Some(spot.replace(&word, near));
    }
    if kind == Kind::KwUp && starts_value(spot.found) {
        return Some(spot.edit(spot.at, spot.at, "up to ", true));
    }
    starts_value(spot.found).then(|| spot.edit(spot.at, spot.at, &format!("{word} "), true))
}

/// An operator of another language, where the statement could have ended.
fn operators(spot: &Spot<'_>) -> Option<Mend> {
    let after_value = spot.expects(Kind::End) || spot.expects(Kind::RParen) || spot.expects(Kind::RBracket);
    if !after_value {
        return None;
    }
    let (_, ours) = OPERATORS.iter().find(|(foreign, _)| spot.found == *foreign)?;
    // `expect a = b` has one reading; `timeout 10s = x` has none.
    let condition = ["expect", "require"].iter().any(|word| lexical::word(spot.text) == *word);
    Some(spot.replace(ours, condition))
}

/// Whether `token` can start a value.
fn starts_value(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '"' | '_' | '-' | '\'')) && token != "->"
}
