//! Pieces become blocks of entries: one entry a statement, a comment on lines of
//! its own, or something broken.
//!
//! Invariant: every piece is in exactly one entry, in order. It recurses once a
//! block, and blocks are limited in depth before parsing.

use super::slice;
use crate::syntax::{Class, Leaf, Piece};
use crate::text::Span;

const BLANKS: [char; 4] = [' ', '\t', '\n', '\r'];

/// What stands between two braces, or in the file.
#[derive(Debug, Default)]
pub(super) struct Block<'a> {
    /// The comment behind the opening brace.
    pub(super) opening: Option<&'a str>,
    /// What is in it.
    pub(super) entries: Vec<Entry<'a>>,
    /// Whether a line ends between its entries.
    pub(super) several_lines: bool,
}

/// A line of a block, or more.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    /// How many lines end between it and what is before it.
    pub(super) newlines: usize,
    pub(super) body: Body<'a>,
}

/// What an entry is.
#[derive(Debug)]
pub(super) enum Body<'a> {
    /// A comment on a line of its own.
    Comment(&'a str),
    /// To be left as it is.
    Broken(Broken<'a>),
    /// A statement.
    Statement(Vec<Atom<'a>>),
}

/// What is left as it is.
#[derive(Debug)]
pub(super) struct Broken<'a> {
    /// The blanks in front of it.
    pub(super) indent: &'a str,
    pub(super) text: &'a str,
    /// Where it starts in the file.
    start: usize,
}

impl<'a> Broken<'a> {
    /// Lets it go on up to `end`.
    fn extend(&mut self, file: &'a str, end: usize) {
        self.text = file.get(self.start..end).unwrap_or(self.text).trim_end_matches(BLANKS);
    }
}

/// A part of a statement.
#[derive(Debug)]
pub(super) enum Atom<'a> {
    Token(Token<'a>),
    /// So many lines end here.
    Newlines(usize),
    Comment(&'a str),
    /// A block with its braces.
    Block(Block<'a>),
}

/// A token.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token<'a> {
    pub(super) class: Class,
    pub(super) text: &'a str,
    /// Whether it stands directly behind what is before it.
    pub(super) joined: bool,
}

/// The entries of a file.
pub(super) fn file<'a>(text: &'a str, pieces: &'a [Piece]) -> Block<'a> {
    let mut build = Build { text, pieces, at: 0, end: 0 };
    let mut file = build.block();
    while build.at < pieces.len() {
        // A closing brace that closes nothing would be a broken piece. If one
        // is not, it is kept like a statement.
        let token = build.token();
        file.entries.push(Entry { newlines: 1, body: Body::Statement(token.into_iter().collect()) });
        let more = build.block();
        file.entries.extend(more.entries);
    }
    file
}

struct Build<'a> {
    text: &'a str,
    pieces: &'a [Piece],
    at: usize,
    /// Where the last token ends.
    end: u32,
}

/// A statement, and how many lines end behind it that are part of its node.
struct Ended<'a> {
    body: Body<'a>,
    newlines: usize,
}

impl<'a> Build<'a> {
    fn peek(&self) -> Option<Piece> {
        self.pieces.get(self.at).copied()
    }

    fn peek_class(&self) -> Option<Class> {
        match self.peek() {
            Some(Piece::Leaf(leaf)) => Some(leaf.class),
            _ => None,
        }
    }

    /// The token here, taken.
    fn token(&mut self) -> Option<Atom<'a>> {
        let Some(Piece::Leaf(Leaf { class, span })) = self.peek() else {
            self.at += 1;
            return None;
        };
        self.at += 1;
        let joined = self.end == span.start;
        self.end = span.end;
        let text = slice(self.text, span);
        Some(match class {
            Class::Newline => Atom::Newlines(1),
            Class::Comment => Atom::Comment(text.trim_end()),
            class => Atom::Token(Token { class, text, joined }),
        })
    }

    /// Entries up to the brace that closes the block.
    fn block(&mut self) -> Block<'a> {
        let mut block = Block::default();
        let mut newlines = 0;
        while let Some(piece) = self.peek() {
            let ended = match piece {
                Piece::Leaf(Leaf { class: Class::BlockClose, .. }) => break,
                Piece::Leaf(Leaf { class: Class::Newline, .. }) => {
                    self.at += 1;
                    newlines += 1;
                    block.several_lines = true;
                    continue;
                }
                Piece::Leaf(Leaf { class: Class::Comment, span }) => {
                    self.at += 1;
                    match self.comment(&mut block, newlines, span) {
                        Some(comment) => Ended { body: Body::Comment(comment), newlines: 0 },
                        None => continue,
                    }
                }
                Piece::Begin(span) => self.statement(span),
                Piece::Broken(span) => {
                    self.at += 1;
                    self.broken(span)
                }
                Piece::End => {
                    self.at += 1;
                    continue;
                }
                Piece::Leaf(_) => self.loose(),
            };
            block.several_lines |= ended.newlines > 0;
            if let Some(entry) = self.join(&mut block, Entry { newlines, body: ended.body }) {
                block.entries.push(entry);
            }
            newlines = ended.newlines;
        }
        block
    }

    /// A comment between entries. One behind an entry or a brace goes with it;
    /// one on a line of its own is given back.
    fn comment(&mut self, block: &mut Block<'a>, newlines: usize, span: Span) -> Option<&'a str> {
        let comment = slice(self.text, span).trim_end();
        if newlines > 0 {
            return Some(comment);
        }
        match block.entries.last_mut().map(|entry| &mut entry.body) {
            Some(Body::Statement(atoms)) => atoms.push(Atom::Comment(comment)),
            Some(Body::Broken(broken)) => broken.extend(self.text, span.end as usize),
            Some(Body::Comment(_)) => return Some(comment),
            None if self.at > 1 => block.opening = Some(comment),
            None => return Some(comment),
        }
        None
    }

    /// A good statement, up to its end.
    fn statement(&mut self, span: Span) -> Ended<'a> {
        let mut atoms = Vec::new();
        let mut depth = 0;
        let mut whole = true;
        while let Some(piece) = self.peek() {
            match piece {
                Piece::Begin(_) => {
                    self.at += 1;
                    depth += 1;
                }
                Piece::End => {
                    self.at += 1;
                    depth -= 1;
                    if depth == 0 {
                        break;
                    }
                }
                Piece::Broken(_) => {
                    self.at += 1;
                    whole = false;
                }
                Piece::Leaf(_) => self.atom(&mut atoms),
            }
        }
        if whole { ended(atoms) } else { self.broken(span) }
    }

    /// Tokens in a block that belong to no statement: a line of them, or up to
    /// the end of a block that they open.
    fn loose(&mut self) -> Ended<'a> {
        let mut atoms = Vec::new();
        while let Some(Piece::Leaf(leaf)) = self.peek() {
            if matches!(leaf.class, Class::Newline | Class::BlockClose) {
                break;
            }
            self.atom(&mut atoms);
            if matches!(atoms.last(), Some(Atom::Block(_))) {
                break;
            }
        }
        ended(atoms)
    }

    /// The next token, or a whole block.
    fn atom(&mut self, atoms: &mut Vec<Atom<'a>>) {
        let opens = self.peek_class() == Some(Class::BlockOpen);
        let Some(atom) = self.token() else { return };
        if opens {
            let block = self.block();
            if self.peek_class() == Some(Class::BlockClose) {
                self.token();
            }
            return atoms.push(Atom::Block(block));
        }
        match (atoms.last_mut(), atom) {
            (Some(Atom::Newlines(count)), Atom::Newlines(more)) => *count += more,
            (_, atom) => atoms.push(atom),
        }
    }

    /// Lets an entry go on with the one before it. Gives it back if it stands for
    /// itself.
    fn join(&self, block: &mut Block<'a>, entry: Entry<'a>) -> Option<Entry<'a>> {
        let before = block.entries.last_mut().map(|entry| &mut entry.body);
        match (before, entry.body) {
            // What is broken on one line is one mistake, and told as one.
            (Some(Body::Broken(before)), Body::Broken(broken)) if entry.newlines == 0 => {
                before.extend(self.text, broken.start + broken.text.len());
                None
            }
            // An `else` belongs to the block before it, whatever the grammar makes
            // of the two.
            (Some(Body::Statement(before)), Body::Statement(atoms))
                if matches!(before.last(), Some(Atom::Block(_)))
                    && matches!(atoms.first(), Some(Atom::Token(token)) if token.text == "else") =>
            {
                before.extend(atoms);
                None
            }
            (_, body) => Some(Entry { body, ..entry }),
        }
    }

    fn broken(&self, span: Span) -> Ended<'a> {
        let whole = slice(self.text, span);
        let text = whole.trim_end_matches(BLANKS);
        let before = self.text.get(..span.start as usize).unwrap_or("");
        let indent = before.get(before.trim_end_matches([' ', '\t']).len()..).unwrap_or("");
        let newlines = line_ends(whole.get(text.len()..).unwrap_or(""));
        let start = span.start as usize;
        Ended { body: Body::Broken(Broken { indent, text, start }), newlines }
    }
}

/// A statement without the line ends at its end.
fn ended(mut atoms: Vec<Atom<'_>>) -> Ended<'_> {
    let mut newlines = 0;
    while let Some(Atom::Newlines(count)) = atoms.last() {
        newlines += count;
        atoms.pop();
    }
    Ended { body: Body::Statement(atoms), newlines }
}

fn line_ends(text: &str) -> usize {
    text.replace("\r\n", "\n").matches(['\n', '\r']).count()
}
