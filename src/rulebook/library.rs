//! The rules: an immutable library, and the shelf that holds the current one.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use schemars::JsonSchema;
use serde::Serialize;
use tokio::sync::broadcast;

use super::limits::{CHANGES_KEPT, MAX_NAME_CHARS, MAX_RULES, MAX_TITLE_CHARS};

/// A rule's name; shared, because every composition repeats it.
pub type RuleId = Arc<str>;

/// The priority of rules that are added by hand: the middle of the scale.
const ADDED_PRIORITY: i32 = 50;

/// The last part of `rule://stats`, which therefore cannot name a rule.
pub const RESERVED_ID: &str = "stats";

/// One coding rule.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Rule {
    /// The rule's id.
    pub id: RuleId,
    /// One line for people.
    pub title: String,
    /// The rule itself, in Markdown.
    pub text: String,
    /// Its topic first.
    pub tags: Vec<String>,
    /// 0 to 100; the higher comes first in a composition.
    pub priority: i32,
    /// Rules that come with this one.
    pub includes: Vec<RuleId>,
    /// Rules that contradict this one.
    pub conflicts: Vec<RuleId>,
    /// Title and text in lower case, so that a search does not fold each
    /// rule's case again.
    #[serde(skip)]
    folded: (String, String),
}

impl Rule {
    /// A rule that neither includes nor contradicts another.
    pub fn new(id: RuleId, title: String, text: String, tags: Vec<String>, priority: i32) -> Self {
        let folded = (title.to_lowercase(), text.to_lowercase());
        Self { id, title, text, tags, priority, includes: Vec::new(), conflicts: Vec::new(), folded }
    }

    /// The title in lower case.
    pub fn folded_title(&self) -> &str {
        &self.folded.0
    }

    /// The text in lower case.
    pub fn folded_text(&self) -> &str {
        &self.folded.1
    }

    fn with_text(&self, text: String) -> Self {
        let folded = (self.folded.0.clone(), text.to_lowercase());
        Self { text, folded, ..self.clone() }
    }
}

/// The rules at one moment; ordered by id. Includes name rules of the same
/// library and form no circle.
#[derive(Debug, Clone, PartialEq)]
pub struct Library {
    rules: BTreeMap<RuleId, Arc<Rule>>,
    revision: u64,
}

impl Library {
    /// A first library, revision 1.
    pub fn new(rules: impl IntoIterator<Item = Rule>) -> Self {
        let rules = rules.into_iter().map(|rule| (rule.id.clone(), Arc::new(rule))).collect();
        Self { rules, revision: 1 }
    }

    /// Grows with every change of content; equal revisions of one server mean
    /// equal rules.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// The number of rules.
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// The rule of that name.
    pub fn get(&self, id: &str) -> Option<&Arc<Rule>> {
        self.rules.get(id)
    }

    /// All rules, by id.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Rule>> {
        self.rules.values()
    }

    /// The rules after `id`, by id; all when there is none.
    pub fn after<'a>(&'a self, id: Option<&str>) -> impl Iterator<Item = &'a Arc<Rule>> {
        let from = id.map_or(Bound::Unbounded, Bound::Excluded);
        self.rules.range::<str, _>((from, Bound::Unbounded)).map(|(_, rule)| rule)
    }

    /// The first and last id, for messages.
    pub fn ends(&self) -> Option<(&str, &str)> {
        Some((self.rules.first_key_value()?.0, self.rules.last_key_value()?.0))
    }

    /// A copy with one rule replaced or added; the rules themselves are shared.
    fn with(&self, rule: Rule) -> Self {
        let mut rules = self.rules.clone();
        rules.insert(rule.id.clone(), Arc::new(rule));
        Self { rules, revision: self.revision + 1 }
    }
}

/// What a change did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// The rule is new.
    Created,
    /// The rule has another text now.
    Replaced,
    /// The rule had this text already.
    None,
}

/// The current library. A reader takes a snapshot and works on it undisturbed;
/// a writer makes the next library beside it and swaps.
#[derive(Debug)]
pub struct Shelf {
    current: RwLock<Arc<Library>>,
    /// Held by a writer from snapshot to swap, so that no change is lost.
    writing: Mutex<()>,
    changes: broadcast::Sender<RuleId>,
}

impl Shelf {
    /// A shelf with a first library.
    pub fn new(library: Library) -> Self {
        let changes = broadcast::Sender::new(CHANGES_KEPT);
        Self { current: RwLock::new(Arc::new(library)), writing: Mutex::new(()), changes }
    }

    /// The ids of rules that change from now on.
    pub fn changes(&self) -> broadcast::Receiver<RuleId> {
        self.changes.subscribe()
    }

    /// The library as it is now.
    pub fn snapshot(&self) -> Arc<Library> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Replaces a rule's text, or adds a rule whose title is the text's first
    /// line. Gives the change and the revision after it.
    ///
    /// # Errors
    ///
    /// Says why the id cannot name a new rule, or that the library is full.
    pub fn put(&self, id: &str, text: String) -> Result<(Change, u64), String> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let library = self.snapshot();
        let (rule, change) = match library.get(id) {
            Some(old) if old.text == text => return Ok((Change::None, library.revision)),
            Some(old) => (old.with_text(text), Change::Replaced),
            None => (added(&library, id, text)?, Change::Created),
        };
        let changed = rule.id.clone();
        let next = Arc::new(library.with(rule));
        let revision = next.revision;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = next;
        // Nobody may be listening.
        let _ = self.changes.send(changed);
        Ok((change, revision))
    }
}

fn added(library: &Library, id: &str, text: String) -> Result<Rule, String> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if id.is_empty() || id.len() > MAX_NAME_CHARS || !id.chars().all(plain) || id == RESERVED_ID {
        return Err(format!(
            "`{id}` cannot name a new rule: use 1 to {MAX_NAME_CHARS} of a-z, 0-9 and -, and not `{RESERVED_ID}`"
        ));
    }
    if library.len() >= MAX_RULES {
        return Err(format!("the library is full: it holds {MAX_RULES} rules; replace one of them instead"));
    }
    let first = Some(title(&text)).filter(|first| !first.is_empty());
    let title = first.unwrap_or(id).chars().take(MAX_TITLE_CHARS).collect();
    Ok(Rule::new(id.into(), title, text, vec!["added".to_owned()], ADDED_PRIORITY))
}

/// The first line of a text that says anything, which is its title; empty when none does.
pub fn title(text: &str) -> &str {
    text.lines().map(|line| line.trim_start_matches('#').trim()).find(|line| !line.is_empty()).unwrap_or_default()
}
