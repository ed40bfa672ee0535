//! The only place that names pest: text in, a flat list of pairs out.
//!
//! Invariant: pairs are copied out at once; a text that pest refuses (its own
//! stack limit) gives `None`, never a panic.

use pest::Parser as _;
use pest::Token;
use pest::error::{ErrorVariant, InputLocation};

use super::kind::Kind;
use super::raw::Raw;

#[derive(pest_derive::Parser)]
#[grammar = "grammar/mcpl.pest"]
struct Grammar;

/// The tree under the file may be this deep. Nesting in the text is limited
/// before parsing and a level of it takes at most three levels of rules; a
/// deeper tree would mean that the two disagree, and then the recursion of
/// those who read the tree is no longer bounded.
const MAX_RULE_DEPTH: usize = 256;

/// All pairs of a file in the order of their starts. `None` when pest refuses
/// or the tree is too deep to walk.
pub(super) fn pairs(text: &str) -> Option<Vec<Raw>> {
    let pairs = Grammar::parse(Rule::file, text).ok()?;
    // A pair for about four bytes of text.
    let mut raws: Vec<Raw> = Vec::with_capacity(text.len() / 4 + 16);
    let mut open: Vec<usize> = Vec::new();
    for token in pairs.tokens() {
        match token {
            Token::Start { rule, pos } => {
                if open.len() > MAX_RULE_DEPTH {
                    return None;
                }
                open.push(raws.len());
                raws.push(Raw::opened(Kind::from(rule), pos.pos()));
            }
            Token::End { pos, .. } => {
                let next = raws.len();
                if let Some(raw) = open.pop().and_then(|index| raws.get_mut(index)) {
                    raw.close(pos.pos(), next);
                }
            }
        }
    }
    Some(raws)
}

/// How far a parse of `text` as one `kind` came, and what it expected there.
pub(super) struct Stop {
    /// Byte offset in the text.
    pub(super) at: usize,
    /// What would have gone on.
    pub(super) expected: Vec<Kind>,
}

/// Parses `text`, which begins with the statement, as `kind`. `None` when it
/// parses or `kind` is no rule.
pub(super) fn stop(kind: Kind, text: &str) -> Option<Stop> {
    let error = Grammar::parse(kind.rule()?, text).err()?;
    let at = match error.location {
        InputLocation::Pos(at) | InputLocation::Span((at, _)) => at,
    };
    let mut expected: Vec<Kind> = match error.variant {
        ErrorVariant::ParsingError { positives, .. } => positives.into_iter().map(Kind::from).collect(),
        ErrorVariant::CustomError { .. } => Vec::new(),
    };
    // Behind an operator no rule starts that stands for all forms of a value;
    // what they begin with is listed instead.
    if expected.contains(&Kind::LParen) && expected.contains(&Kind::WrongStr) {
        let forms = [Kind::LParen, Kind::WrongStr, Kind::Skipped];
        expected.retain(|kind| !forms.contains(kind));
        expected.push(Kind::Expr);
    }
    Some(Stop { at, expected })
}
