//! Searching the rules by words. Pure.

use std::cmp::Reverse;

use super::library::{Library, Rule};

/// A word in the title says more than one in the text, a tag lies between.
const TITLE_WEIGHT: u32 = 5;
/// See [`TITLE_WEIGHT`].
const TAG_WEIGHT: u32 = 3;

/// A rule and its score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit<'a> {
    /// The rule found.
    pub rule: &'a Rule,
    /// At least 1; a higher score is a better match.
    pub score: u32,
}

/// The rules in which any word of `query` occurs, best first, then by id.
/// Case does not matter; an empty query finds nothing.
pub fn search<'a>(library: &'a Library, query: &str) -> Vec<Hit<'a>> {
    let query = query.to_lowercase();
    let words: Vec<&str> = query.split_whitespace().collect();
    let mut hits: Vec<Hit<'a>> = library
        .iter()
        .map(|rule| Hit { rule, score: words.iter().map(|word| score(rule, word)).sum() })
        .filter(|hit| hit.score > 0)
        .collect();
    hits.sort_by_key(|hit| (Reverse(hit.score), &hit.rule.id));
    hits
}

fn score(rule: &Rule, word: &str) -> u32 {
    let count = |text: &str| u32::try_from(text.matches(word).count()).unwrap_or(u32::MAX);
    let tagged = u32::from(rule.tags.iter().any(|tag| tag == word));
    TITLE_WEIGHT * count(rule.folded_title()) + TAG_WEIGHT * tagged + count(rule.folded_text())
}
