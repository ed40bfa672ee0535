//! The parse as a flat list: the pairs in the order of their starts, each
//! knowing where its subtree ends.
//!
//! Invariant: plain data, walked by index; the diagnostics and the tree are
//! both made from it.

use std::ops::Range;

use super::kind::Kind;
use crate::text::Span;

/// One pair.
#[derive(Clone, Copy, Debug)]
pub(super) struct Raw {
    /// What it is.
    pub(super) kind: Kind,
    start: u32,
    end: u32,
    /// Index behind its last descendant.
    next: u32,
}

impl Raw {
    /// A pair whose end is not known yet.
    pub(super) fn opened(kind: Kind, start: usize) -> Raw {
        Raw { kind, start: small(start), end: small(start), next: 0 }
    }

    /// Its end, and the index behind its descendants.
    pub(super) fn close(&mut self, end: usize, next: usize) {
        self.end = small(end);
        self.next = small(next);
    }

    /// Where it stands. May end with blanks that the grammar skipped.
    pub(super) fn span(self) -> Span {
        Span { start: self.start, end: self.end }
    }
}

// Files beyond 4 GiB are refused long before this.
fn small(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// The pairs of one file.
pub(super) struct Raws {
    pairs: Vec<Raw>,
}

impl Raws {
    /// As parsed.
    pub(super) fn new(pairs: Vec<Raw>) -> Raws {
        Raws { pairs }
    }

    /// One file that is one pair of `kind`.
    pub(super) fn whole(kind: Kind, len: usize) -> Raws {
        let (mut file, mut inner) = (Raw::opened(Kind::File, 0), Raw::opened(kind, 0));
        file.close(len, 2);
        inner.close(len, 2);
        Raws { pairs: vec![file, inner] }
    }

    /// The pair at `index`; behind the end an empty file.
    pub(super) fn get(&self, index: usize) -> Raw {
        self.pairs.get(index).copied().unwrap_or(Raw { kind: Kind::File, start: 0, end: 0, next: u32::MAX })
    }

    /// Its kind.
    pub(super) fn kind(&self, index: usize) -> Kind {
        self.get(index).kind
    }

    /// Changes the kind of one pair.
    pub(super) fn set_kind(&mut self, index: usize, kind: Kind) {
        if let Some(raw) = self.pairs.get_mut(index) {
            raw.kind = kind;
        }
    }

    /// Whether it has no children.
    pub(super) fn is_leaf(&self, index: usize) -> bool {
        self.get(index).next as usize == index + 1
    }

    /// The indexes of all pairs below it, at any depth.
    pub(super) fn below(&self, index: usize) -> Range<usize> {
        index + 1..(self.get(index).next as usize).min(self.pairs.len())
    }

    /// How many pairs there are.
    pub(super) fn len(&self) -> usize {
        self.pairs.len()
    }

    /// The indexes of its children.
    pub(super) fn children(&self, index: usize) -> Children<'_> {
        let below = self.below(index);
        Children { raws: self, at: below.start, end: below.end }
    }

    /// Its first child of `kind`.
    pub(super) fn child(&self, index: usize, kind: Kind) -> Option<usize> {
        self.children(index).find(|child| self.kind(*child) == kind)
    }
}

/// The children of one pair.
#[derive(Clone)]
pub(super) struct Children<'a> {
    raws: &'a Raws,
    at: usize,
    end: usize,
}

impl Iterator for Children<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let index = self.at;
        if index >= self.end {
            return None;
        }
        self.at = (self.raws.get(index).next as usize).max(index + 1);
        Some(index)
    }
}
