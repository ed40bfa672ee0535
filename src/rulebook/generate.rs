//! A library made from a seed.

use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::library::{Library, Rule, RuleId};
use super::phrases::{REASONS, SCOPES, TOPICS};

/// One rule in this many contradicts another.
const CONFLICT_ODDS: u32 = 12;

impl Library {
    /// `count` rules, `rule-0001` upwards; the same seed gives the same rules.
    /// A rule includes none to three earlier ones, so includes cannot form a
    /// circle; contradictions are noted on both sides.
    pub fn generate(count: usize, seed: u64) -> Self {
        let mut rng = Pcg64Mcg::seed_from_u64(seed);
        let mut rules: Vec<Rule> = Vec::with_capacity(count);
        for number in 1..=count {
            let mut rule = rule(number, &mut rng);
            rule.includes = includes(&rules, &mut rng);
            if rng.random_ratio(1, CONFLICT_ODDS) {
                contradict(&mut rules, &mut rule, &mut rng);
            }
            rules.push(rule);
        }
        Self::new(rules)
    }
}

/// Topics and scopes go round, so that any library has rules of every kind;
/// the rest is drawn.
fn rule(number: usize, rng: &mut Pcg64Mcg) -> Rule {
    let id: RuleId = format!("rule-{number:04}").into();
    let (mut title, mut text, mut tags) = (String::new(), String::new(), Vec::new());
    if let Some(topic) = TOPICS.get((number - 1) % TOPICS.len()) {
        tags.push(topic.name.to_owned());
        if let Some((heading, sentence)) = topic.advice.choose(rng) {
            title.push_str(heading);
            text.push_str(&format!("**{heading}.** {sentence}"));
        }
    }
    if let Some((place, tag, sentence)) = SCOPES.choose(rng) {
        tags.push((*tag).to_owned());
        title.push_str(place);
        text.push_str(&format!(" {sentence}"));
    }
    for reason in REASONS.choose_multiple(rng, 2) {
        text.push_str(&format!("\n\n{reason}"));
    }
    Rule::new(id, title, text, tags, rng.random_range(0..=100))
}

/// Well below one include on average, which keeps the rules that come with one
/// rule to a handful even in the largest library.
fn includes(earlier: &[Rule], rng: &mut Pcg64Mcg) -> Vec<RuleId> {
    let wanted = match rng.random_range(0..20) {
        0..11 => 0,
        11..16 => 1,
        16..19 => 2,
        _ => 3,
    };
    let mut ids: Vec<_> = earlier.choose_multiple(rng, wanted).map(|rule| rule.id.clone()).collect();
    ids.sort();
    ids
}

/// A rule does not contradict what it includes itself.
fn contradict(earlier: &mut [Rule], rule: &mut Rule, rng: &mut Pcg64Mcg) {
    if earlier.is_empty() {
        return;
    }
    let at = rng.random_range(0..earlier.len());
    if let Some(other) = earlier.get_mut(at).filter(|other| !rule.includes.contains(&other.id)) {
        other.conflicts.push(rule.id.clone());
        rule.conflicts.push(other.id.clone());
    }
}
