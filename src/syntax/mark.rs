//! What is wrong although the grammar allows it: keys given twice, and chains of
//! operators too long to become a tree.
//!
//! Invariant: linear, without recursion; it only changes kinds, so that the tree
//! and the diagnostics agree on what is broken.

use std::borrow::Cow;
use std::collections::HashSet;

use super::kind::Kind;
use super::raw::Raws;
use super::string;
use super::tree::{chain_len, is_chain};

/// At most so many operands and operators around one value, counted over all
/// expressions it is nested in. A chain becomes a tree as deep as it is long,
/// and all who read the tree recurse.
pub(super) const MAX_CHAIN: usize = 256;

/// Marks repeated keys and chains that are too long.
pub(super) fn mark(text: &str, raws: &mut Raws) {
    // The chains around the current pair: where each ends, and how many
    // operands and operators it and those around it have.
    let mut around: Vec<(usize, usize)> = Vec::new();
    for index in 0..raws.len() {
        while around.last().is_some_and(|(end, _)| *end <= index) {
            around.pop();
        }
        let kind = raws.kind(index);
        if is_chain(kind) {
            let (outer, own) = (around.last().map_or(0, |(_, len)| *len), chain_len(raws, index));
            let long = outer + own > MAX_CHAIN;
            if long {
                raws.set_kind(index, Kind::TooLong);
            }
            around.push((raws.below(index).end, if long { outer } else { outer + own }));
        } else if kind == Kind::Object {
            repeated_keys(text, raws, index);
        }
    }
}

fn repeated_keys(text: &str, raws: &mut Raws, object: usize) {
    let mut seen: HashSet<Cow<'_, str>> = HashSet::new();
    let mut repeated = Vec::new();
    for key in raws.children(object).filter_map(|entry| raws.child(entry, Kind::Key)) {
        if !seen.insert(key_text(text, raws, key)) {
            repeated.push(key);
        }
    }
    for key in repeated {
        raws.set_kind(key, Kind::DuplicateKey);
    }
}

/// What a key says.
pub(super) fn key_text<'a>(text: &'a str, raws: &Raws, key: usize) -> Cow<'a, str> {
    let written = text.get(raws.get(key).span().range()).unwrap_or("").trim_end();
    if raws.kind(key + 1) == Kind::BareKey {
        return Cow::Borrowed(written);
    }
    let plain = written.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).filter(|inner| !inner.contains('\\'));
    plain.map_or_else(|| Cow::Owned(string::value(written)), Cow::Borrowed)
}
