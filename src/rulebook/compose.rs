//! Composing rules: includes resolved, ordered by priority, contradictions
//! found, rendered. Pure.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::library::{Library, Rule, RuleId};
use super::limits::MAX_COMPOSITION_BYTES;

/// How a composition is rendered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// One Markdown document.
    #[default]
    Markdown,
    /// A JSON array of the rules.
    Json,
}

/// One rule of a composition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Part {
    /// The rule's id.
    pub id: RuleId,
    /// Its title.
    pub title: String,
    /// Its priority.
    pub priority: i32,
    /// Whether it was asked for; otherwise another rule includes it.
    pub requested: bool,
}

/// Two rules of a composition that contradict each other; `a` sorts before `b`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Conflict {
    /// One rule.
    pub a: RuleId,
    /// The other.
    pub b: RuleId,
}

/// Composed rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Composition {
    /// The format of `text`.
    pub format: Format,
    /// The rules, the highest priority first, then by id.
    pub rules: Vec<Part>,
    /// The contradictions among them.
    pub conflicts: Vec<Conflict>,
    /// The rules rendered.
    pub text: String,
}

/// Composes the rules `ids` of `library` and all they include; ids that the
/// library does not have are passed over.
///
/// # Errors
///
/// The size reached, in bytes, when the text outgrows the limit.
pub fn compose(library: &Library, ids: &[RuleId], format: Format) -> Result<Composition, usize> {
    let resolved = resolve(library, ids);
    let conflicts = conflicts(&resolved);
    let mut rules: Vec<_> = resolved.into_values().collect();
    rules.sort_by_key(|rule| (Reverse(rule.priority), rule.id.clone()));

    // The texts alone decide about the limit, so that nothing that exceeds it
    // is ever rendered.
    let size: usize = rules.iter().map(|rule| rule.text.len()).sum();
    if size > MAX_COMPOSITION_BYTES {
        return Err(size);
    }
    let text = match format {
        Format::Markdown => markdown(&rules, &conflicts),
        Format::Json => json(&rules),
    };
    let requested: BTreeSet<_> = ids.iter().collect();
    let part = |rule: &Arc<Rule>| Part {
        id: rule.id.clone(),
        title: rule.title.clone(),
        priority: rule.priority,
        requested: requested.contains(&rule.id),
    };
    Ok(Composition { format, rules: rules.iter().map(part).collect(), conflicts, text })
}

/// The rules and everything they include, each once. A loop and not a
/// recursion: a chain of includes can be as long as the library.
fn resolve(library: &Library, ids: &[RuleId]) -> BTreeMap<RuleId, Arc<Rule>> {
    let mut resolved = BTreeMap::new();
    let mut open: Vec<RuleId> = ids.to_vec();
    while let Some(id) = open.pop() {
        if resolved.contains_key(&id) {
            continue;
        }
        if let Some(rule) = library.get(&id) {
            open.extend(rule.includes.iter().cloned());
            resolved.insert(id, rule.clone());
        }
    }
    resolved
}

fn conflicts(resolved: &BTreeMap<RuleId, Arc<Rule>>) -> Vec<Conflict> {
    let mut found = BTreeSet::new();
    for rule in resolved.values() {
        for other in rule.conflicts.iter().filter(|other| resolved.contains_key(*other)) {
            let (a, b) = if rule.id < *other { (&rule.id, other) } else { (other, &rule.id) };
            found.insert(Conflict { a: a.clone(), b: b.clone() });
        }
    }
    found.into_iter().collect()
}

fn markdown(rules: &[Arc<Rule>], conflicts: &[Conflict]) -> String {
    let mut text = format!("# {} rules\n", rules.len());
    for conflict in conflicts {
        text.push_str(&format!("\n> `{}` contradicts `{}`; the one that comes first wins.\n", conflict.a, conflict.b));
    }
    for rule in rules {
        text.push_str(&format!("\n## {} (`{}`)\n\n{}\n", rule.title, rule.id, rule.text));
    }
    text
}

fn json(rules: &[Arc<Rule>]) -> String {
    let rules: Vec<&Rule> = rules.iter().map(AsRef::as_ref).collect();
    // A rule is strings and numbers under string keys, which always serialise.
    serde_json::to_string(&rules).unwrap_or_default()
}
