//! What is wrong in a token or in a place that lacks one.
//!
//! Invariant: pure functions from the pairs to diagnostics; each error kind of
//! the tree has its sentence here.

use super::explain::{odd, unterminated};
use super::kind::Kind;
use super::lexical;
use super::mark::{MAX_CHAIN, key_text};
use super::nearmiss::corrected;
use super::parser;
use super::raw::Raws;
use super::string;
use super::tree::is_trivia;
use super::units;
use crate::diag::Diagnostic;
use crate::diag::errors::syntax::{self as errors, Mend};
use crate::text::Span;

/// The edition this program reads.
const EDITION: &str = "1";

fn slice<'a>(text: &'a str, raws: &Raws, index: usize) -> &'a str {
    text.get(raws.get(index).span().range()).unwrap_or("")
}

/// What is wrong with the edition.
pub(super) fn edition(text: &str, raws: &Raws, index: usize) -> Option<Diagnostic> {
    let Some(number) = raws.child(index, Kind::EditionNumber) else {
        let at = Span::at(head_end(raws, index));
        let mend = Mend::certain("write `mcpl 1`", at, " 1");
        return Some(errors::unknown_edition("`mcpl` without its edition", at, mend));
    };
    let written = slice(text, raws, number);
    let span = raws.get(number).span();
    let mend = Mend::guess("write `mcpl 1`", span, EDITION);
    (written != EDITION).then(|| errors::unknown_edition(format!("unknown edition `{written}`"), span, mend))
}

/// The diagnostic for one part of a statement.
pub(super) fn part(text: &str, raws: &Raws, statement: usize, part: usize) -> Option<Diagnostic> {
    let span = raws.get(part).span();
    let written = slice(text, raws, part);
    Some(match raws.kind(part) {
        Kind::NoName => missing_name(text, raws, statement),
        Kind::NoOpen | Kind::NoRequestOpen => missing_open(text, raws, statement),
        Kind::LateOpen => late_open(text, raws, statement, part),
        Kind::BadHead => bad_head(text, raws, statement, part),
        Kind::BareKey => errors::bare_key(
            written,
            span,
            Mend::certain(format!("write `\"{written}\"`"), span, format!("\"{written}\"")),
        ),
        Kind::BadName => {
            let quoted = format!("\"{written}\"");
            errors::unquoted_name(written, span, Mend::certain(format!("write `{quoted}`"), span, quoted))
        }
        Kind::BadQuantity | Kind::SpacedQuantity => errors::unknown_unit(written, span, units::mend(written, span)),
        Kind::OpenStr | Kind::OpenFstr => unterminated(written, span),
        Kind::LooseStr => loose_string(written, span),
        Kind::LooseFstr => loose_format_string(written, span),
        Kind::WrongStr => wrong_quotes(written, span),
        Kind::Skipped => odd("a control character", "", span),
        Kind::TooLong => errors::expression_too_long(MAX_CHAIN, span),
        Kind::DuplicateKey => return duplicate_key(text, raws, part),
        Kind::String => return placeholder(written, span),
        _ => return None,
    })
}

/// Adds the edits of `more` to `first` when they are of one kind.
pub(super) fn merge(first: &mut Diagnostic, more: Diagnostic) {
    /// So many places in one diagnostic; what is left shows in the next check.
    const PLACES: usize = 50;
    if first.code != more.code || first.secondary.len() >= PLACES {
        return;
    }
    if let (Some(fix), Some(other)) = (&mut first.fix, more.fix)
        && fix.certain == other.certain
    {
        fix.edits.extend(other.edits);
        first.secondary.push(more.primary);
    }
}

/// The keyword and name of a head, as a message shows it.
fn head_text(text: &str, raws: &Raws, statement: usize) -> String {
    const LONGEST: usize = 40;
    let start = raws.get(statement).span().range().start;
    let head = text.get(start..head_end(raws, statement)).unwrap_or("");
    if head.chars().count() <= LONGEST { head.to_owned() } else { lexical::word(head).to_owned() }
}

/// Where the keyword and name of a head end.
fn head_end(raws: &Raws, statement: usize) -> usize {
    let head = |child: &usize| {
        let kind = raws.kind(*child);
        kind.is_keyword() || matches!(kind, Kind::Name | Kind::Expr | Kind::BadHead | Kind::EditionNumber)
    };
    let start = raws.get(statement).span().range().start;
    raws.children(statement)
        .take_while(|child| head(child) || is_trivia(raws.kind(*child)))
        .filter(head)
        .last()
        .map_or(start, |child| end_of(raws, child))
}

/// The end of a pair without the blanks that rules may end with.
fn end_of(raws: &Raws, index: usize) -> usize {
    let leaf = |index: &usize| raws.is_leaf(*index) && !is_trivia(raws.kind(*index)) && raws.kind(*index) != Kind::End;
    let below = std::iter::once(index).chain(raws.below(index));
    below.filter(leaf).map(|leaf| raws.get(leaf).span().range().end).max().unwrap_or(0)
}

fn missing_name(text: &str, raws: &Raws, statement: usize) -> Diagnostic {
    let (what, example) = match raws.kind(statement) {
        Kind::Call => ("the name of a tool", "call search"),
        Kind::Prompt => ("the name of a prompt", "prompt summarise"),
        Kind::Read => ("the address of a resource", "read \"docs://guides/intro\""),
        Kind::List => ("what to list", "list tools"),
        Kind::Builtin => ("the name of a server", "builtin rulebook"),
        Kind::Complete => ("what to complete", "complete prompt summarise"),
        Kind::Request => ("the name of a method", "request \"logging/setLevel\""),
        Kind::Group => ("a name", "group \"open a page\""),
        Kind::Data => ("a name", "data queries"),
        Kind::Baseline => ("a name", "baseline docs"),
        Kind::Server => ("a name", "server docs"),
        Kind::Scenario => ("a name", "scenario browse"),
        _ => ("a name", "flow search"),
    };
    let at = head_end(raws, statement);
    let keyword = head_text(text, raws, statement);
    errors::missing_name(&keyword, what, Span::at(at), Mend::advice(format!("write a name, as in `{example}`")))
}

fn missing_open(text: &str, raws: &Raws, statement: usize) -> Diagnostic {
    let (head, at) = (head_text(text, raws, statement), Span::at(head_end(raws, statement)));
    let closed = raws.child(statement, Kind::RBrace).is_some();
    let (help, insert) =
        if closed { (format!("write `{head} {{`"), " {") } else { (format!("write `{head} {{ … }}`"), " {}") };
    let mend = Mend { help, edits: vec![(at, insert.to_owned())], certain: closed };
    errors::missing_open(format!("`{head}` without its `{{`"), "expected `{` here", at, mend)
}

fn late_open(text: &str, raws: &Raws, statement: usize, part: usize) -> Diagnostic {
    let head = head_text(text, raws, statement);
    let brace = raws.child(part, Kind::LBrace).map_or(raws.get(part).span(), |brace| raws.get(brace).span());
    let between = Span::new(head_end(raws, statement), brace.range().end);
    let blank = text.get(between.range()).is_some_and(|text| text.trim_end_matches('{').trim().is_empty());
    let help = format!("write `{head} {{` on one line");
    let mend = if blank { Mend::certain(help, between, " {") } else { Mend::advice(help) };
    errors::missing_open("`{` on a line of its own", format!("it belongs behind `{head}`"), brace, mend)
}

/// Text in a head that does not belong there.
fn bad_head(text: &str, raws: &Raws, statement: usize, part: usize) -> Diagnostic {
    let span = raws.get(part).span();
    let written = slice(text, raws, part);
    let start = raws.get(statement).span().range().start;
    let before = raws.children(statement).take_while(|child| *child != part);
    let named = before.clone().find(|child| matches!(raws.kind(*child), Kind::Name | Kind::Expr));
    let keyword = lexical::word(slice(text, raws, statement));
    let found = format!("found `{}`", short(written));
    // Not what follows the statement on its line.
    let line = text.get(start..end_of(raws, statement)).unwrap_or("");
    let line = line.get(..line.find(['\n', '\r']).unwrap_or(line.len())).unwrap_or("");
    let without = |from: usize, to: usize, new: &str| corrected(line, from - start, to - start, new);
    let end = span.range().end;
    if let (Kind::Read, Some(value)) = (raws.kind(statement), named)
        && written.starts_with([':', '/', '.'])
    {
        let from = raws.get(value).span().range().start;
        let quoted = format!("\"{}\"", text.get(from..end).unwrap_or(""));
        let mend = Mend::certain(without(from, end, &quoted), Span::new(from, end), quoted);
        return errors::malformed("address without quotes", found, Span::new(from, end), mend);
    }
    if let (Kind::Builtin, Some(switches)) = (raws.kind(statement), switches(written)) {
        let line = text.get(..start).map_or("", |before| before.rsplit('\n').next().unwrap_or(""));
        let indent = format!("\n{}", line.get(..line.len() - line.trim_start().len()).unwrap_or(""));
        let (block, help) = match switches.as_slice() {
            [switch] => {
                (format!("{{ {switch} }}"), format!("write `{} {{ {switch} }}`", head(text, raws, statement, part)))
            }
            _ => (
                format!("{{{indent}  {}{indent}}}", switches.join(&format!("{indent}  "))),
                format!("write a block with a line for each: `{}`", switches.join("`, `")),
            ),
        };
        let mend = Mend::certain(help, Span::new(span.range().start, end), block);
        return errors::malformed("options of the command line", found, span, mend);
    }
    let takes_name = !matches!(
        raws.kind(statement),
        Kind::Guard
            | Kind::Assert
            | Kind::Report
            | Kind::Stages
            | Kind::Mix
            | Kind::Edition
            | Kind::Types
            | Kind::Tls
            | Kind::Task
            | Kind::AuthOauth
            | Kind::Choose
            | Kind::Repeat
            | Kind::IfStep
            | Kind::ElseIf
            | Kind::ElseStep
            | Kind::Branch
            | Kind::Parallel
            | Kind::BeforeUser
            | Kind::AfterUser
    );
    if takes_name && named.is_none() {
        let example = Mend::advice(format!("write a name, as in `{keyword} search`"));
        return errors::malformed(format!("expected a name after `{keyword}`"), found, span, example);
    }
    if matches!(raws.kind(statement), Kind::Call | Kind::Prompt) && written.starts_with('(') {
        let help = format!(
            "write the arguments in the block, as in `{} {{ args {{ \"query\": \"rust\" }} }}`",
            head(text, raws, statement, part)
        );
        return errors::malformed("arguments in parentheses", found, span, Mend::advice(help));
    }
    if matches!(
        raws.kind(statement),
        Kind::Call | Kind::Read | Kind::Prompt | Kind::List | Kind::Complete | Kind::Request
    ) && written.starts_with("as ")
    {
        let help = format!("write it in the block, as in `{} {{ {written} }}`", head(text, raws, statement, part));
        return errors::malformed("label before the block", found, span, Mend::advice(help));
    }
    let from = before.last().map_or(start, |child| end_of(raws, child));
    let mend = Mend::guess(without(from, end, ""), Span::new(from, end), "");
    let message = if takes_name || raws.kind(statement) == Kind::Edition {
        format!("more text than the head of `{keyword}` takes")
    } else {
        format!("`{keyword}` takes no name")
    };
    errors::malformed(message, found, span, mend)
}

/// Options of `mcpl serve rulebook` as the statements of a block that mean the same.
fn switches(options: &str) -> Option<Vec<String>> {
    let mut switches: Vec<String> = Vec::new();
    for word in options.split_whitespace() {
        match (word.strip_prefix("--"), switches.last_mut()) {
            (Some(option), _) => switches.push(match option.split_once('=') {
                Some((name, value)) => format!("{} {value}", name.replace('-', "_")),
                None => option.replace('-', "_"),
            }),
            (None, Some(named)) if !named.contains(' ') => *named = format!("{named} {word}"),
            (None, _) => return None,
        }
    }
    Some(switches.into_iter().map(|switch| if switch.contains(' ') { switch } else { switch + " on" }).collect())
}

/// The head up to `part`.
fn head(text: &str, raws: &Raws, statement: usize, part: usize) -> String {
    let (start, end) = (raws.get(statement).span().range().start, raws.get(part).span().range().start);
    text.get(start..end).unwrap_or("").trim_end().to_owned()
}

fn short(text: &str) -> String {
    const LONGEST: usize = 40;
    if text.chars().count() <= LONGEST {
        text.to_owned()
    } else {
        text.chars().take(LONGEST - 1).chain(['…']).collect()
    }
}

/// The first of the two keys.
fn duplicate_key(text: &str, raws: &Raws, key: usize) -> Option<Diagnostic> {
    let said = key_text(text, raws, key);
    // The object is the nearest pair before it that encloses it.
    let object = (0..key).rev().find(|index| raws.kind(*index) == Kind::Object && raws.below(*index).contains(&key))?;
    let first = raws
        .children(object)
        .filter_map(|entry| raws.child(entry, Kind::Key))
        .find(|first| key_text(text, raws, *first) == said)?;
    let trimmed = |index: usize| Span::new(raws.get(index).span().range().start, end_of(raws, index));
    Some(errors::duplicate_key(&said, trimmed(key), trimmed(first)))
}

/// A string with an escape or a character that JSON does not allow.
fn loose_string(written: &str, span: Span) -> Diagnostic {
    let start = span.range().start;
    let mut chars = written.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if c == '\\' {
            let Some((_, escaped)) = chars.next() else { break };
            let hex = |rest: &str| rest.get(..4).is_some_and(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()));
            let known = match escaped {
                'u' => written.get(at + 2..).is_some_and(hex),
                c => "\"\\/bfnrt".contains(c),
            };
            if !known {
                let escape = format!("\\{escaped}");
                let place = Span::new(start + at, start + at + escape.len());
                let help = format!("write `\\{escape}` for a backslash and `{escaped}`");
                return errors::unknown_escape(&escape, place, Mend::certain(help, Span::at(start + at), "\\"));
            }
        } else if c.is_control() || (c as u32) < 0x20 {
            let place = Span::new(start + at, start + at + c.len_utf8());
            let (name, instead) = match c {
                '\t' => ("a tab", "\\t".to_owned()),
                c => ("a control character", format!("\\u{:04x}", c as u32)),
            };
            let mend = Mend::certain(format!("write `{instead}` in its place"), place, instead);
            return errors::invisible_character(&format!("{name} in a string"), place, mend);
        }
    }
    odd("a control character", "", span)
}

/// A format string that does not parse although it is closed.
fn loose_format_string(written: &str, span: Span) -> Diagnostic {
    let start = span.range().start;
    let at = parser::stop(Kind::Fstr, written).map_or(0, |stop| stop.at);
    let rest = written.get(at..).unwrap_or("");
    let place = |len: usize| Span::new(start + at, start + at + len);
    if rest.starts_with('\\') {
        let escape: String = rest.chars().take(2).collect();
        let help = format!("write `\\{escape}` for the backslash itself");
        return errors::unknown_escape(&escape, place(escape.len()), Mend::certain(help, Span::at(start + at), "\\"));
    }
    let empty = written.get(..at).is_some_and(|before| before.trim_end().ends_with('{'));
    if rest.starts_with('}') && empty {
        let mend = Mend::advice("write a value between the braces, as in `f\"{id}\"`, or `{{}}` for the braces");
        return errors::bad_format_string("braces without a value", "expected a value here", place(1), mend);
    }
    if rest.starts_with('}') {
        let mend = Mend::certain("write `}}` for the brace itself", Span::at(start + at), "}");
        return errors::bad_format_string("`}` that closes nothing", "found in the text", place(1), mend);
    }
    let found = lexical::token(rest);
    let mend = Mend::advice("write one value between the braces, as in `f\"docs://{id}\"`");
    errors::bad_format_string(
        "expected one value in braces",
        format!("found `{}`", short(found)),
        place(found.len()),
        mend,
    )
}

fn wrong_quotes(written: &str, span: Span) -> Diagnostic {
    let said = string::value(written).replace('\\', "\\\\").replace('"', "\\\"");
    let right = format!("\"{said}\"");
    let help = if right.chars().count() <= 60 { format!("write `{right}`") } else { "write it in `\"`".to_owned() };
    errors::wrong_quotes(span, Mend::certain(help, span, right))
}

/// `{{name}}` or `${name}` in a plain string.
fn placeholder(written: &str, span: Span) -> Option<Diagnostic> {
    let (open, close) = if written.contains("${") {
        ("${", "}")
    } else if written.contains("{{") {
        ("{{", "}}")
    } else {
        return None;
    };
    let from = written.find(open)?;
    let inner = written.get(from + open.len()..)?;
    let name = inner.get(..inner.find(close)?)?;
    let path = name.trim();
    let is_path = path.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && path.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.'));
    if !is_path {
        return None;
    }
    let shown = format!("{open}{name}{close}");
    let place = Span::new(span.range().start + from, span.range().start + from + shown.len());
    let help = format!("write `f\"…{{{path}}}…\"` to fill it in");
    let mend = Mend {
        help,
        edits: vec![(Span::at(span.range().start), "f".to_owned()), (place, format!("{{{path}}}"))],
        certain: false,
    };
    Some(errors::placeholder_in_string(&shown, place, mend))
}

/// A block that is not closed: where it opens, where that was noticed, and how
/// many braces are missing there.
pub(super) fn unclosed(text: &str, raws: &Raws, block: usize, noticed: Option<Span>, missing: usize) -> Diagnostic {
    let head = head_text(text, raws, block);
    let brace = |index: usize| raws.child(index, Kind::LBrace).map(|brace| raws.get(brace).span());
    let late = || raws.child(block, Kind::LateOpen).and_then(brace);
    let open = brace(block).or_else(late).unwrap_or(raws.get(block).span());
    if let Some(statement) = noticed {
        let start = statement.range().start;
        let word = lexical::word(text.get(start..).unwrap_or(""));
        let help = format!("write `}}` on the line before `{word}`");
        let line_start = text.get(..start).and_then(|before| before.rfind(['\n', '\r'])).map_or(0, |at| at + 1);
        let indent = text.get(line_start..start).filter(|indent| indent.trim().is_empty()).unwrap_or("");
        let mend = Mend::guess(help, Span::at(start), format!("}}\n{indent}"));
        let word_span = Span::new(start, start + word.len());
        return errors::missing_close(&head, open, word_span, "this does not belong inside it", mend);
    }
    let at = raws.child(block, Kind::NoClose).map_or(text.len(), |close| raws.get(close).span().range().start);
    let rest = text.get(at..).unwrap_or("");
    let item = lexical::word(rest.trim_start());
    let (ends, what) = if item.is_empty() {
        (Span::at(text.trim_end().len()), "the file ends here")
    } else {
        let start = at + (rest.len() - rest.trim_start().len());
        (Span::new(start, start + item.len()), "the next item starts here")
    };
    let new_line = text.get(..at).is_none_or(|before| before.is_empty() || before.ends_with(['\n', '\r']));
    let braces = if new_line { "}\n".repeat(missing) } else { "\n}".repeat(missing) };
    let help = match missing {
        1 => "write `}` on the line before".to_owned(),
        n => format!("write {n} `}}` on the lines before"),
    };
    errors::missing_close(&head, open, ends, what, Mend::guess(help, Span::at(at), braces))
}
