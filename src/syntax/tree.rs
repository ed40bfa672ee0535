//! Pairs become one lossless tree. The only place that builds with rowan.
//!
//! Invariant: the text of the tree is the source, byte for byte, and each byte
//! that is no blank belongs to a named leaf.

use rowan::{Checkpoint, GreenNode, GreenNodeBuilder, GreenToken, NodeOrToken};

use super::Parse;
use super::kind::Kind;
use super::raw::Raws;

/// The language, as rowan wants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Mcpl {}

impl rowan::Language for Mcpl {
    type Kind = Kind;

    fn kind_from_raw(raw: rowan::SyntaxKind) -> Kind {
        Kind::ALL.get(raw.0 as usize).copied().unwrap_or(Kind::Hidden)
    }

    fn kind_to_raw(kind: Kind) -> rowan::SyntaxKind {
        raw(kind)
    }
}

/// A node.
pub(super) type Node = rowan::SyntaxNode<Mcpl>;
/// A token.
pub(super) type Token = rowan::SyntaxToken<Mcpl>;
/// A node or a token.
pub(super) type Element = rowan::SyntaxElement<Mcpl>;

fn raw(kind: Kind) -> rowan::SyntaxKind {
    rowan::SyntaxKind(kind as u16)
}

/// Whether it separates and says nothing.
pub(super) fn is_trivia(kind: Kind) -> bool {
    matches!(kind, Kind::Blank | Kind::Nl | Kind::Comment | Kind::Doc | Kind::Bom)
}

/// Whether `index` is an expression whose children are a flat chain.
pub(super) fn is_chain(kind: Kind) -> bool {
    matches!(kind, Kind::Expr | Kind::Free | Kind::Amount | Kind::TextValue)
}

/// The operands and operators of a chain.
pub(super) fn chain_len(raws: &Raws, index: usize) -> usize {
    raws.children(index).filter(|child| !is_trivia(raws.kind(*child))).count()
}

/// The tree of a file.
pub(super) fn build(text: &str, raws: &Raws) -> GreenNode {
    let mut build = Build { text, raws, at: 0, builder: GreenNodeBuilder::new() };
    build.builder.start_node(raw(Kind::File));
    for child in raws.children(0) {
        build.pair(child);
    }
    build.gap(text.len());
    build.builder.finish_node();
    build.builder.finish()
}

/// The trees of several files as one, in which offsets count over all; what
/// stands between two files becomes a line's end.
pub(super) fn join(text: &str, starts: impl Iterator<Item = usize>, parts: Vec<Parse>) -> GreenNode {
    let mut children = Vec::new();
    let mut at = 0;
    for (start, part) in starts.zip(parts) {
        if start > at {
            let between = text.get(at..start).unwrap_or("");
            children.push(NodeOrToken::Token(GreenToken::new(raw(Kind::Nl), between)));
        }
        at = start + u32::from(part.green.text_len()) as usize;
        children.push(NodeOrToken::Node(part.green));
    }
    GreenNode::new(raw(Kind::Files), children)
}

struct Build<'a> {
    text: &'a str,
    raws: &'a Raws,
    /// All bytes before it are in the tree.
    at: usize,
    builder: GreenNodeBuilder<'static>,
}

impl Build<'_> {
    fn gap(&mut self, to: usize) {
        self.token(Kind::Blank, to);
    }

    fn token(&mut self, kind: Kind, to: usize) {
        if to > self.at {
            self.builder.token(raw(kind), self.text.get(self.at..to).unwrap_or(""));
            self.at = to;
        }
    }

    fn open(&mut self, kind: Kind) {
        self.builder.start_node(raw(kind));
    }

    fn close(&mut self) {
        self.builder.finish_node();
    }

    fn pair(&mut self, index: usize) {
        let pair = self.raws.get(index);
        let span = pair.span().range();
        match pair.kind {
            Kind::End | Kind::Hidden => {}
            Kind::NoName | Kind::NoOpen | Kind::NoRequestOpen | Kind::NoClose => {
                self.open(pair.kind);
                self.close();
            }
            kind if is_chain(kind) || kind == Kind::TooLong => self.chain(index),
            kind if self.raws.is_leaf(index) => {
                self.gap(span.start);
                let doc = kind == Kind::Comment && is_doc(self.text.get(span.clone()).unwrap_or(""));
                self.token(if doc { Kind::Doc } else { kind }, span.end);
            }
            kind => {
                self.gap(span.start);
                self.open(kind);
                self.inside(index);
                self.close();
            }
        }
    }

    fn inside(&mut self, index: usize) {
        let raws = self.raws;
        for child in raws.children(index) {
            self.pair(child);
        }
    }

    /// A flat chain of operands and operators becomes a tree by precedence; a
    /// lone operand gets no node of its own.
    fn chain(&mut self, index: usize) {
        let raws = self.raws;
        let children: Vec<usize> = raws.children(index).collect();
        let mut rest = children.as_slice();
        self.trivia(&mut rest);
        if let Some(first) = rest.first() {
            self.gap(raws.get(*first).span().range().start);
        }
        if raws.kind(index) == Kind::TooLong {
            self.open(Kind::TooLong);
            self.all(rest);
            self.close();
        } else {
            self.climb(&mut rest, 0);
            self.all(rest);
        }
    }

    fn all(&mut self, items: &[usize]) {
        for item in items {
            self.pair(*item);
        }
    }

    /// Emits leading newlines and comments.
    fn trivia(&mut self, rest: &mut &[usize]) {
        while let Some((first, tail)) = rest.split_first()
            && is_trivia(self.raws.kind(*first))
        {
            self.pair(*first);
            *rest = tail;
        }
    }

    /// The kind of the next operator or operand.
    fn peek(&self, rest: &[usize]) -> Option<Kind> {
        rest.iter().map(|index| self.raws.kind(*index)).find(|kind| !is_trivia(*kind))
    }

    fn take(&mut self, rest: &mut &[usize]) {
        self.trivia(rest);
        if let Some((first, tail)) = rest.split_first() {
            self.pair(*first);
            *rest = tail;
        }
    }

    fn climb(&mut self, rest: &mut &[usize], floor: u8) {
        self.trivia(rest);
        let Some((first, tail)) = rest.split_first() else { return };
        let first = *first;
        *rest = tail;
        self.gap(self.raws.get(first).span().range().start);
        let mark = self.builder.checkpoint();
        if let Some(power) = prefix_power(self.raws.kind(first)) {
            self.open(Kind::Unary);
            self.pair(first);
            self.climb(rest, power);
            self.close();
        } else {
            self.operand(first);
            self.postfixes(rest, mark);
        }
        while let Some((left, right, kind)) = self.peek(rest).and_then(infix_power)
            && left >= floor
        {
            self.builder.start_node_at(mark, raw(kind));
            self.take(rest);
            self.climb(rest, right);
            self.close();
        }
    }

    fn postfixes(&mut self, rest: &mut &[usize], mark: Checkpoint) {
        while let Some(kind @ (Kind::Access | Kind::Index | Kind::Select)) = self.peek(rest) {
            self.builder.start_node_at(mark, raw(kind));
            self.trivia(rest);
            if let Some((first, tail)) = rest.split_first() {
                self.inside(*first);
                *rest = tail;
            }
            self.close();
        }
    }

    fn operand(&mut self, index: usize) {
        let wrapper = match self.raws.kind(index) {
            Kind::NameRef => Kind::Reference,
            Kind::LooseFstr | Kind::OpenFstr => Kind::Fstr,
            Kind::Skipped => Kind::Unparsed,
            _ if self.raws.is_leaf(index) => Kind::Literal,
            _ => return self.pair(index),
        };
        self.open(wrapper);
        self.pair(index);
        self.close();
    }
}

/// `##` documents; a longer run of `#` is a rule across the page.
fn is_doc(comment: &str) -> bool {
    comment.starts_with("##") && !comment.starts_with("###")
}

/// How tightly a prefix binds what follows it.
fn prefix_power(kind: Kind) -> Option<u8> {
    match kind {
        Kind::KwNot => Some(5),
        Kind::Neg | Kind::KwExists => Some(15),
        _ => None,
    }
}

/// How tightly an operator binds to its left and to its right, and the node it
/// makes. All associate to the left.
fn infix_power(kind: Kind) -> Option<(u8, u8, Kind)> {
    match kind {
        Kind::KwOr => Some((1, 2, Kind::Binary)),
        Kind::KwAnd => Some((3, 4, Kind::Binary)),
        Kind::EqEq
        | Kind::NotEq
        | Kind::Lt
        | Kind::LtEq
        | Kind::Gt
        | Kind::GtEq
        | Kind::KwContains
        | Kind::KwMatches
        | Kind::InOp => Some((7, 8, Kind::Binary)),
        Kind::DotDot => Some((9, 10, Kind::Range)),
        Kind::Plus | Kind::Minus => Some((11, 12, Kind::Binary)),
        Kind::Star | Kind::Slash => Some((13, 14, Kind::Binary)),
        _ => None,
    }
}

/// The tree as text: a line per node and token, with spans. Blanks, which are
/// the gaps between the spans, are left out.
pub(super) fn dump(root: &Node) -> String {
    let mut out = String::new();
    let mut depth = 0;
    for event in root.preorder_with_tokens() {
        match event {
            rowan::WalkEvent::Enter(element) => {
                line(&mut out, depth, &element);
                depth += 1;
            }
            rowan::WalkEvent::Leave(_) => depth -= 1,
        }
    }
    out
}

fn line(out: &mut String, depth: usize, element: &Element) {
    use std::fmt::Write as _;
    let range = element.text_range();
    let (kind, indent) = (element.kind(), depth * 2);
    if kind == Kind::Blank {
        return;
    }
    // Writing into a string cannot fail.
    let _ = write!(out, "{:indent$}{} {}..{}", "", kind.name(), u32::from(range.start()), u32::from(range.end()));
    if let Some(token) = element.as_token() {
        let _ = write!(out, " {:?}", token.text());
    }
    out.push('\n');
}
