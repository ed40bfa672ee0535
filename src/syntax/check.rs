//! From the pairs to the diagnostics.
//!
//! Invariant: at most one diagnostic for one mistake: one for a statement, one
//! for a run of rejected lines, one for the blocks that end together, nothing
//! inside what was rejected.

use super::explain::{Lead, Rejected};
use super::kind::Kind;
use super::parts;
use super::raw::Raws;
use super::tree::is_trivia;
use super::words::{self, Block};
use crate::diag::errors::syntax as errors;
use crate::diag::{Diagnostic, suggest, tidy};
use crate::text::Span;

/// After so many findings in one file the rest is only counted: nobody reads
/// them, and explaining each of a million lines takes time and memory.
pub(super) const MAX_FINDINGS: usize = 200;

/// The diagnostics of a file, in the order of their places.
pub(super) fn check(text: &str, raws: &Raws, too_deep: &[Span]) -> Vec<Diagnostic> {
    let mut check = Check::new(text, raws, too_deep);
    for span in too_deep {
        check.give(errors::nested_too_deeply(super::nesting::MAX_NESTING, Span { end: span.start + 1, ..*span }));
    }
    check.edition();
    check.body(0, Block::File);
    check.finish()
}

struct Check<'a> {
    text: &'a str,
    raws: &'a Raws,
    /// What was masked before parsing; already told.
    too_deep: &'a [Span],
    out: Vec<Option<Diagnostic>>,
    /// How many findings were not kept.
    uncounted: usize,
    /// The blocks around the current place, outermost first.
    around: Vec<(Block, usize)>,
    /// Findings in the current item that an early or missing `}` would explain,
    /// and the block that should have been closed before them.
    misplaced: Vec<(usize, usize, Span)>,
    /// Findings in the last item that a `}` too many would explain: statements of
    /// an inner block that stand in an outer one.
    outward: Vec<usize>,
    /// Blocks of the current item that are not closed, innermost first.
    unclosed: Vec<usize>,
    /// How many `}` of the current item stand inside strings that are not closed.
    swallowed: usize,
    /// Whether a statement has stood outside of the items since the last one, so
    /// that a `}` behind it is no news.
    adrift: bool,
}

impl<'a> Check<'a> {
    fn new(text: &'a str, raws: &'a Raws, too_deep: &'a [Span]) -> Check<'a> {
        Check {
            text,
            raws,
            too_deep,
            out: Vec::new(),
            uncounted: 0,
            around: Vec::new(),
            misplaced: Vec::new(),
            outward: Vec::new(),
            unclosed: Vec::new(),
            swallowed: 0,
            adrift: false,
        }
    }

    fn full(&mut self) -> bool {
        let full = self.out.len() >= MAX_FINDINGS;
        self.uncounted += usize::from(full);
        full
    }

    fn give(&mut self, diagnostic: Diagnostic) {
        if !self.full() {
            self.out.push(Some(diagnostic));
        }
    }

    fn finish(self) -> Vec<Diagnostic> {
        let mut all: Vec<Diagnostic> = self.out.into_iter().flatten().collect();
        tidy(&mut all);
        if self.uncounted > 0
            && let Some(last) = all.pop()
        {
            all.push(last.note(format!("{} more mistakes in this file are not listed", self.uncounted)));
        }
        all
    }

    fn edition(&mut self) {
        match self.raws.child(0, Kind::Edition) {
            Some(index) => {
                if let Some(diagnostic) = parts::edition(self.text, self.raws, index) {
                    self.give(diagnostic);
                }
            }
            None => {
                // A line that was meant as one has its own diagnostic.
                let meant = |child: usize| {
                    self.raws.kind(child) == Kind::Rejected
                        && suggest::nearest(super::lexical::word(self.slice(child)), ["mcpl"]).is_some()
                };
                let bom = self.raws.child(0, Kind::Bom).map_or(0, |bom| self.raws.get(bom).span().range().end);
                if !self.raws.children(0).any(meant) {
                    self.give(errors::missing_edition(Span::at(bom)));
                }
            }
        }
    }

    fn slice(&self, index: usize) -> &'a str {
        self.text.get(self.raws.get(index).span().range()).unwrap_or("")
    }

    /// The statements directly in a block.
    fn body(&mut self, index: usize, block: Block) {
        let raws = self.raws;
        self.around.push((block, index));
        let children: Vec<usize> = raws.children(index).filter(|child| !is_trivia(raws.kind(*child))).collect();
        let mut rest = children.as_slice();
        while let Some((first, tail)) = rest.split_first() {
            rest = tail;
            match raws.kind(*first) {
                Kind::Rejected => rest = self.run(*first, tail, block),
                Kind::StrayClose => {
                    while let Some((next, tail)) = rest.split_first()
                        && raws.kind(*next) == Kind::StrayClose
                    {
                        rest = tail;
                    }
                    if !self.is_adrift() {
                        self.give(errors::stray_close(raws.get(*first).span()));
                    }
                }
                kind if kind.is_statement() => {
                    if block == Block::File {
                        self.adrift = false;
                        self.outward.clear();
                    }
                    self.statement(*first, kind);
                    if block == Block::File {
                        self.unclosed_blocks();
                    }
                }
                _ => {}
            }
        }
        self.around.pop();
    }

    /// A rejected line, with the lines behind it that mean nothing by themselves.
    fn run<'c>(&mut self, first: usize, rest: &'c [usize], block: Block) -> &'c [usize] {
        let raws = self.raws;
        // Lines without a meaning of their own belong to a list or an object
        // that went wrong, or to each other.
        let joins = self.is_continuation(first, block) || super::lexical::open_bracket(self.slice(first)).is_some();
        let follows =
            |child: &&usize| joins && raws.kind(**child) == Kind::Rejected && self.is_continuation(**child, block);
        let len = rest.iter().take_while(follows).count();
        let (run, rest) = rest.split_at_checked(len).unwrap_or((&[], rest));
        let start = raws.get(first).span();
        let span = run.last().map_or(start, |last| start.to(raws.get(*last).span()));
        self.rejected(span, block);
        rest
    }

    fn is_continuation(&self, index: usize, block: Block) -> bool {
        let text = self.slice(index);
        let word = super::lexical::word(text);
        if word.is_empty() {
            let comment = ["//", "/*", "--"].iter().any(|mark| text.starts_with(mark));
            return !(comment || block == Block::Assert && text.starts_with('('));
        }
        let base = self.raws.get(index).span().range().start;
        let unknown = matches!(Rejected { text, base, block }.lead(), Lead::Unknown);
        unknown && self.raws.child(index, Kind::BadBlock).is_none()
    }

    fn rejected(&mut self, span: Span, block: Block) {
        let masked = |deep: &Span| deep.start < span.end && span.start < deep.end;
        // Sorted, and usually empty.
        let next = self.too_deep.partition_point(|deep| deep.end <= span.start);
        if self.too_deep.get(next).is_some_and(masked) || self.full() {
            return;
        }
        let text = self.text.get(span.range()).unwrap_or("").trim_end();
        let rejected = Rejected { text, base: span.range().start, block };
        let word = super::lexical::word(text);
        // Among shares and the like, which start with no word, a word of a block
        // around them says that they should have ended.
        let dotted = text.get(word.len()..).is_some_and(|rest| rest.starts_with(['.', '(']));
        let outer = block.plain_line().is_some() && !dotted && self.should_be_closed(word).is_some();
        if outer || matches!(rejected.lead(), Lead::Elsewhere(_)) {
            if block == Block::File {
                if self.is_adrift() {
                    return;
                }
            } else if let Some(culprit) = self.should_be_closed(word) {
                self.misplaced.push((self.out.len(), culprit, span));
            } else {
                self.outward.push(self.out.len());
            }
        } else if block == Block::File && !text.contains('{') {
            // The head of an item that is none: what follows belongs to it.
            self.adrift = true;
        }
        let diagnostic = rejected.explain();
        if diagnostic.code == errors::UNTERMINATED_STRING {
            self.swallowed += braces(self.text.get(diagnostic.primary.span.range()).unwrap_or(""));
        }
        self.give(diagnostic);
    }

    /// Whether what stands outside of the items is explained by a `}` too many
    /// that has been told already. If not, it will be told now.
    fn is_adrift(&mut self) -> bool {
        let told = self.adrift || !self.outward.is_empty();
        for index in std::mem::take(&mut self.outward).into_iter().skip(1) {
            self.take_back(index);
        }
        self.adrift = true;
        told
    }

    /// The block that would have to end for `word` to be in place.
    fn should_be_closed(&self, word: &str) -> Option<usize> {
        let inner = self.around.iter().rposition(|(block, _)| words::find(*block, word).is_some())?;
        self.around.get(inner + 1).map(|(_, index)| *index)
    }

    /// A statement or item: what is wrong in its own head and values, then what
    /// stands in its block.
    fn statement(&mut self, index: usize, kind: Kind) {
        self.own(index);
        if let Some(block) = Block::of(kind) {
            self.body(index, block);
            let opened = self.raws.child(index, Kind::NoOpen).is_none();
            if opened && self.raws.child(index, Kind::NoClose).is_some() {
                self.unclosed.push(index);
            }
        }
    }

    /// The first mistake in a statement, with others of its code as more edits.
    fn own(&mut self, statement: usize) {
        let raws = self.raws;
        let below = raws.below(statement);
        let mut told: Option<usize> = None;
        let mut index = below.start;
        while index < below.end {
            let kind = raws.kind(index);
            if kind == Kind::Rejected || kind.is_statement() {
                index = raws.below(index).end;
                continue;
            }
            let part = index;
            index += 1;
            let wrong = kind.is_error() && !matches!(kind, Kind::NoClose);
            if !(wrong || kind == Kind::String) {
                continue;
            }
            // Looking up the first of two keys takes time, and a second pair of
            // them adds nothing.
            if kind == Kind::DuplicateKey && told.is_some() {
                continue;
            }
            if matches!(kind, Kind::OpenStr | Kind::OpenFstr) {
                self.swallowed += braces(self.slice(part));
            }
            let Some(diagnostic) = self.part(statement, part, kind) else { continue };
            let first = told.and_then(|at| self.out.get_mut(at)).and_then(Option::as_mut);
            if let Some(first) = first {
                parts::merge(first, diagnostic);
                continue;
            }
            if self.full() {
                return;
            }
            if diagnostic.is_error() {
                told = Some(self.out.len());
            }
            self.out.push(Some(diagnostic));
        }
    }

    fn part(&self, statement: usize, part: usize, kind: Kind) -> Option<Diagnostic> {
        if kind == Kind::Skipped && self.too_deep.contains(&self.raws.get(part).span()) {
            return None;
        }
        parts::part(self.text, self.raws, statement, part)
    }

    /// One diagnostic for all blocks that end with the current item although
    /// they are not closed.
    fn unclosed_blocks(&mut self) {
        let unclosed = std::mem::take(&mut self.unclosed);
        let misplaced = std::mem::take(&mut self.misplaced);
        let swallowed = std::mem::take(&mut self.swallowed);
        let Some(innermost) = unclosed.first() else { return };
        // A string without its end has swallowed the braces, and was told.
        if swallowed >= unclosed.len() {
            return misplaced.iter().for_each(|(told, _, _)| self.take_back(*told));
        }
        // A statement of an outer block tells which block was meant to end.
        if let Some((_, culprit, span)) = misplaced.first() {
            misplaced.iter().filter(|(_, block, _)| block == culprit).for_each(|(told, _, _)| self.take_back(*told));
            let diagnostic = parts::unclosed(self.text, self.raws, *culprit, Some(*span), 1);
            return self.give(diagnostic);
        }
        let diagnostic = parts::unclosed(self.text, self.raws, *innermost, None, unclosed.len());
        self.give(diagnostic);
    }

    /// Drops a finding that another one explains.
    fn take_back(&mut self, told: usize) {
        if let Some(diagnostic) = self.out.get_mut(told) {
            *diagnostic = None;
        }
    }
}

/// The closing braces in a string that is not closed.
fn braces(text: &str) -> usize {
    text.bytes().filter(|byte| *byte == b'}').count()
}
