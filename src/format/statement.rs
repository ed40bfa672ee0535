//! A statement becomes lines: the blanks between its tokens, and where its
//! brackets and blocks begin new lines.
//!
//! Invariant: a bracket is broken into lines if lines ended in it, or if a comma
//! stands before its end; nothing depends on what the statement is.

use super::MAX_WIDTH;
use super::build::{Atom, Block, Body, Token};
use super::page::Page;
use super::print;
use crate::syntax::Class;

/// Writes a statement from the current line on, which is empty and has this
/// depth.
pub(super) fn print(page: &mut Page, atoms: &[Atom<'_>], depth: usize) {
    let trailing = usize::from(matches!(atoms.last(), Some(Atom::Comment(_))));
    let (code, comment) = atoms.split_at_checked(atoms.len() - trailing).unwrap_or((atoms, &[]));
    let has_block = code.iter().any(|atom| matches!(atom, Atom::Block(block) if !is_empty(block)));
    if has_block && let Some(line) = one_line(code, depth) {
        page.push(&line);
        if let Some(Atom::Comment(comment)) = comment.first() {
            page.comment(comment);
        }
        return;
    }
    let broken = broken_brackets(atoms);
    let mut writer =
        Writer { page, depth, brackets: Vec::new(), before: None, newlines: 0, ends: false, opened: false };
    for (index, atom) in atoms.iter().enumerate() {
        match atom {
            Atom::Newlines(count) => writer.newlines += count,
            Atom::Comment(comment) => writer.comment(comment),
            Atom::Block(block) => writer.block(block),
            Atom::Token(token) => writer.token(*token, broken.get(index).copied().unwrap_or(false)),
        }
    }
}

fn is_empty(block: &Block<'_>) -> bool {
    block.entries.is_empty() && block.opening.is_none()
}

// ------------------------------------------------------------- on one line

/// A statement with blocks on one line, if it was written so and fits.
fn one_line(atoms: &[Atom<'_>], depth: usize) -> Option<String> {
    let room = MAX_WIDTH.saturating_sub(depth * 2);
    let mut out = String::new();
    flat(atoms, &mut out, room)?;
    (out.chars().count() <= room).then_some(out)
}

/// Appends a statement; stops when it cannot fit any more.
fn flat(atoms: &[Atom<'_>], out: &mut String, room: usize) -> Option<()> {
    let mut before: Option<Token<'_>> = None;
    for atom in atoms {
        // A character has at most four bytes.
        if out.len() > room * 4 {
            return None;
        }
        match atom {
            Atom::Token(token) => {
                let closes = token.class == Class::Close;
                if closes && before.is_some_and(|before| before.class == Class::Comma)
                    || token.text.contains(['\n', '\r'])
                {
                    return None;
                }
                if before.is_some_and(|before| blank_between(before, *token)) {
                    out.push(' ');
                }
                out.push_str(token.text);
                before = Some(*token);
            }
            Atom::Block(block) => {
                if before.is_some() {
                    out.push(' ');
                }
                flat_block(block, out, room)?;
                before = Some(CLOSED);
            }
            Atom::Newlines(_) | Atom::Comment(_) => return None,
        }
    }
    Some(())
}

fn flat_block(block: &Block<'_>, out: &mut String, room: usize) -> Option<()> {
    if is_empty(block) {
        out.push_str("{}");
        return Some(());
    }
    let [only] = block.entries.as_slice() else { return None };
    let Body::Statement(atoms) = &only.body else { return None };
    if block.several_lines || block.opening.is_some() {
        return None;
    }
    out.push_str("{ ");
    flat(atoms, out, room)?;
    out.push_str(" }");
    Some(())
}

// ---------------------------------------------------------------- blanks

/// What a block leaves behind for the token after it.
const CLOSED: Token<'static> = Token { class: Class::BlockClose, text: "}", joined: false };

/// Whether a blank stands between two tokens on one line.
fn blank_between(before: Token<'_>, next: Token<'_>) -> bool {
    match (before.class, next.class) {
        (Class::Open | Class::Apply, Class::Close) | (_, Class::Comma | Class::Colon | Class::Join | Class::Apply) => {
            false
        }
        (Class::Open | Class::Apply, _) => before.text == "{",
        (_, Class::Close) => next.text == "}",
        (Class::Join | Class::Margin, _) => false,
        // `- 5` is not the number `-5`, and `--5` is nothing.
        (Class::Sign, _) if next.text.starts_with('-') => true,
        (Class::Sign, _) => !next.joined && next.text.starts_with(|c: char| c.is_ascii_digit()),
        _ => true,
    }
}

// ------------------------------------------------------------- on several

/// A bracket that is open.
struct Bracket {
    /// Whether its parts are on lines of their own.
    broken: bool,
    /// Whether a line that goes on inside one of its parts is indented more.
    hangs: bool,
    /// Whether a part of it begins here.
    fresh: bool,
}

struct Writer<'p, 'a> {
    page: &'p mut Page,
    /// Depth of the statement.
    depth: usize,
    brackets: Vec<Bracket>,
    before: Option<Token<'a>>,
    /// Lines that ended since the last token or comment.
    newlines: usize,
    /// Whether a comment ended the current line.
    ends: bool,
    /// Whether a bracket was opened last.
    opened: bool,
}

impl<'a> Writer<'_, 'a> {
    fn inner(&self) -> usize {
        self.depth + self.brackets.iter().filter(|bracket| bracket.broken).count()
    }

    /// Begins a line, after an empty one if one was written and is wanted.
    fn line(&mut self, depth: usize, keep_empty: bool) {
        if keep_empty && self.newlines > 1 {
            self.page.blank();
        }
        self.page.line(depth);
        self.ends = false;
        self.before = None;
    }

    fn comment(&mut self, comment: &str) {
        if self.newlines > 0 {
            self.line(self.inner(), !self.opened);
            self.opened = false;
        }
        self.page.comment(comment);
        self.newlines = 0;
        self.ends = true;
    }

    fn token(&mut self, token: Token<'a>, broken: bool) {
        let closes = token.class == Class::Close;
        let inner = self.inner();
        let (own_line, hangs) = match self.brackets.last() {
            Some(bracket) => (bracket.broken && (bracket.fresh || closes), bracket.hangs),
            None => (false, false),
        };
        let operates =
            token.class == Class::Operator || self.before.is_some_and(|before| before.class == Class::Operator);
        if own_line {
            let depth = inner - usize::from(closes);
            self.line(depth, !closes && !self.opened);
        } else if self.ends || operates && self.newlines > 0 && !self.brackets.is_empty() {
            self.line(inner + usize::from(hangs), false);
        } else if self.before.is_some_and(|before| blank_between(before, token)) {
            self.page.push(" ");
        }
        self.push(token);
        if let Some(bracket) = self.brackets.last_mut() {
            bracket.fresh = token.class == Class::Comma;
        }
        match token.class {
            Class::Open | Class::Apply => {
                let hangs = token.class == Class::Apply || token.text != "(";
                self.brackets.push(Bracket { broken, hangs, fresh: true });
                self.opened = true;
            }
            Class::Close => {
                self.brackets.pop();
            }
            _ => {}
        }
    }

    fn push(&mut self, token: Token<'a>) {
        if token.text.contains('\r') {
            self.page.push(&token.text.replace("\r\n", "\n").replace('\r', "\n"));
        } else {
            self.page.push(token.text);
        }
        self.before = Some(token);
        self.newlines = 0;
        self.opened = false;
    }

    fn block(&mut self, block: &Block<'_>) {
        let depth = self.inner();
        if self.ends {
            self.line(depth, false);
        } else if self.before.is_some() {
            self.page.push(" ");
        }
        if is_empty(block) {
            self.page.push("{}");
        } else {
            self.page.push("{");
            if let Some(comment) = block.opening {
                self.page.comment(comment);
            }
            print::block(self.page, block, depth + 1);
            self.page.line(depth);
            self.page.push("}");
        }
        self.before = Some(CLOSED);
        self.newlines = 0;
        self.opened = false;
    }
}

/// What is known of a bracket while its end is looked for.
struct Seen {
    at: usize,
    /// `{` of an object: it always has more in it than a bracket.
    object: bool,
    newlines: bool,
    comments: bool,
    /// Tokens directly in it; a bracket inside counts as one.
    tokens: usize,
    /// Whether the last of them is a comma.
    comma: bool,
    /// Whether the first of them is a bracket.
    bracket_first: bool,
    /// Whether a bracket in it is broken.
    around_broken: bool,
}

/// For each atom whether it opens a bracket that is broken into lines.
fn broken_brackets(atoms: &[Atom<'_>]) -> Vec<bool> {
    let mut broken = vec![false; atoms.len()];
    let mut open: Vec<Seen> = Vec::new();
    for (index, atom) in atoms.iter().enumerate() {
        let Atom::Token(token) = atom else {
            if let Some(seen) = open.last_mut() {
                seen.newlines |= matches!(atom, Atom::Newlines(_));
                seen.comments |= matches!(atom, Atom::Comment(_));
            }
            continue;
        };
        if token.class == Class::Close {
            let Some(seen) = open.pop() else { continue };
            // What holds nothing but another bracket leaves the lines to it.
            let alone = seen.bracket_first && seen.tokens == 1 && !seen.object;
            let lines = seen.newlines && seen.tokens > 0 || seen.comments || seen.comma;
            let own = lines || seen.around_broken && !alone;
            if let Some(flag) = broken.get_mut(seen.at) {
                *flag = own;
            }
            if let Some(outer) = open.last_mut() {
                outer.around_broken |= own || seen.around_broken;
            }
            continue;
        }
        let opens = matches!(token.class, Class::Open | Class::Apply);
        if let Some(seen) = open.last_mut() {
            seen.bracket_first |= seen.tokens == 0 && opens;
            seen.tokens += 1;
            seen.comma = token.class == Class::Comma;
        }
        if opens {
            let object = token.text == "{";
            open.push(Seen {
                at: index,
                object,
                newlines: false,
                comments: false,
                tokens: 0,
                comma: false,
                bracket_first: false,
                around_broken: false,
            });
        }
    }
    broken
}
