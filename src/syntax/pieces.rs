//! The tree as a flat run of pieces, for who prints it again.
//!
//! Invariant: every byte that is no blank lies in exactly one piece, and no kind
//! of statement is named: what a new one looks like follows from its tokens and
//! brackets.

use super::Parse;
use super::kind::Kind;
use super::tree::{Element, Node, Token, is_trivia};
use crate::text::Span;

/// A piece of a file, in the order of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece {
    /// A good statement or item begins; where it stands.
    Begin(Span),
    /// It ends. Blocks inside it are between the two.
    End,
    /// A statement with a mistake in it, or what is no statement: all of it.
    Broken(Span),
    /// A token.
    Leaf(Leaf),
}

/// A token and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// What it is.
    pub class: Class,
    /// Where it stands.
    pub span: Span,
}

/// What a token is, as far as it matters for blanks and lines around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// A keyword, name, literal, whole format string or sign between words.
    Word,
    /// An operator between two values.
    Operator,
    /// A minus before a value.
    Sign,
    /// What binds both sides: `.`, `..`, and `=` in `[tag="x"]`.
    Join,
    /// `+` or `-` before a margin, which stands right behind it.
    Margin,
    /// `,`
    Comma,
    /// `:`
    Colon,
    /// `{` of a block of statements.
    BlockOpen,
    /// `}` of a block of statements.
    BlockClose,
    /// `{`, `[` or `(` where a value begins.
    Open,
    /// `(` or `[` behind the value that it applies to.
    Apply,
    /// `}`, `]` or `)` of a value.
    Close,
    /// From `#` to the end of the line.
    Comment,
    /// The end of a line.
    Newline,
}

impl Parse {
    /// The pieces of the file.
    #[must_use]
    pub fn pieces(&self) -> Vec<Piece> {
        let mut walk = Walk { out: Vec::new(), frames: Vec::new(), quiet: 0 };
        for event in self.root().preorder_with_tokens() {
            match event {
                rowan::WalkEvent::Enter(Element::Node(node)) => walk.enter(&node),
                rowan::WalkEvent::Enter(Element::Token(token)) => walk.token(&token),
                rowan::WalkEvent::Leave(Element::Node(_)) => walk.leave(),
                rowan::WalkEvent::Leave(Element::Token(_)) => {}
            }
        }
        walk.out
    }
}

/// A node around the current place.
struct Frame {
    kind: Kind,
    /// Where it begins among the pieces, if it is a statement of a block.
    statement: Option<usize>,
    span: Span,
    /// Whether a mistake was found in the statement, outside of its blocks.
    broken: bool,
    /// Whether its children are the statements of a block.
    in_block: bool,
    /// Whether a token or node has stood in it.
    begun: bool,
    /// Whether nothing inside it is a piece of its own.
    whole: bool,
}

struct Walk {
    out: Vec<Piece>,
    frames: Vec<Frame>,
    /// How many nodes around the current place are one piece.
    quiet: usize,
}

impl Walk {
    fn enter(&mut self, node: &Node) {
        let (kind, span) = (node.kind(), super::ast::span(node.text_range()));
        let in_block = self.frames.last().is_some_and(|frame| frame.in_block);
        let loose = in_block && matches!(kind, Kind::Rejected | Kind::StrayClose);
        let mut statement = None;
        if self.quiet == 0 && in_block && (loose || kind.is_statement()) {
            statement = Some(self.out.len());
            self.out.push(Piece::Begin(span));
        }
        let adrift = kind.is_error() && self.mistake(span);
        if self.quiet == 0 && kind == Kind::Fstr {
            self.out.push(Piece::Leaf(Leaf { class: Class::Word, span }));
        }
        self.begin();
        let whole = loose || adrift || kind == Kind::Fstr;
        self.quiet += usize::from(whole);
        let in_block = kind == Kind::File;
        self.frames.push(Frame { kind, statement, span, broken: loose, in_block, begun: false, whole });
    }

    fn leave(&mut self) {
        let Some(frame) = self.frames.pop() else { return };
        self.quiet -= usize::from(frame.whole);
        let Some(begin) = frame.statement else { return };
        if frame.broken {
            self.out.truncate(begin);
            self.out.push(Piece::Broken(frame.span));
        } else {
            self.out.push(Piece::End);
        }
    }

    /// The statement around the current place has a mistake. Where there is
    /// none, the mistake becomes a piece of its own, and the answer is `true`.
    fn mistake(&mut self, span: Span) -> bool {
        if let Some(frame) = self.frames.iter_mut().rev().find(|frame| frame.statement.is_some()) {
            frame.broken = true;
            return false;
        }
        if self.quiet == 0 && !span.is_empty() {
            self.out.push(Piece::Broken(span));
        }
        true
    }

    fn begin(&mut self) {
        if let Some(frame) = self.frames.last_mut() {
            frame.begun = true;
        }
    }

    fn token(&mut self, token: &Token) {
        let (kind, span) = (token.kind(), super::ast::token_span(token));
        if kind.is_error() && self.mistake(span) {
            return;
        }
        if self.quiet > 0 || matches!(kind, Kind::Blank | Kind::Bom) {
            return;
        }
        let class = self.class(token);
        if let Some(frame) = self.frames.last_mut() {
            match class {
                Class::BlockOpen => frame.in_block = true,
                Class::BlockClose => frame.in_block = false,
                _ => {}
            }
        }
        if !is_trivia(kind) {
            self.begin();
        }
        self.out.push(Piece::Leaf(Leaf { class, span }));
    }

    fn class(&self, token: &Token) -> Class {
        let (around, begun, in_block) = match self.frames.last() {
            Some(frame) => (frame.kind, frame.begun, frame.in_block),
            None => (Kind::File, false, false),
        };
        match token.kind() {
            Kind::Comment | Kind::Doc => Class::Comment,
            Kind::Nl => Class::Newline,
            Kind::Comma => Class::Comma,
            Kind::Colon => Class::Colon,
            Kind::Dot | Kind::DotDot => Class::Join,
            Kind::Assign if around == Kind::Select => Class::Join,
            Kind::Neg => Class::Sign,
            Kind::MarginSign => Class::Margin,
            Kind::LBrace if is_value(around, begun, token) => Class::Open,
            Kind::LBrace => Class::BlockOpen,
            Kind::RBrace if in_block && around != Kind::File => Class::BlockClose,
            Kind::LBracket | Kind::LParen if begun && !around.is_statement() => Class::Apply,
            Kind::LBracket | Kind::LParen => Class::Open,
            Kind::RBrace | Kind::RBracket | Kind::RParen => Class::Close,
            kind if is_operator(kind) => Class::Operator,
            _ => Class::Word,
        }
    }
}

/// Whether a brace opens a value: an object, or what looks like one because it
/// begins its node and has commas.
fn is_value(around: Kind, begun: bool, brace: &Token) -> bool {
    let commas = |node: Node| node.children_with_tokens().any(|child| child.kind() == Kind::Comma);
    matches!(around, Kind::Object | Kind::Hole)
        || !begun && !around.is_statement() && brace.parent().is_some_and(commas)
}

fn is_operator(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::EqEq
            | Kind::NotEq
            | Kind::LtEq
            | Kind::GtEq
            | Kind::Lt
            | Kind::Gt
            | Kind::Plus
            | Kind::Minus
            | Kind::Star
            | Kind::Slash
            | Kind::KwAnd
            | Kind::KwOr
            | Kind::InOp
            | Kind::KwContains
            | Kind::KwMatches
    )
}
