//! The tools as clients see them: names, arguments, results, annotations.

use std::borrow::Cow;
use std::sync::Arc;

use rmcp::model::{JsonObject, Tool, ToolAnnotations};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cache::Served;
use super::compose::{Composition, Format};
use super::library::{Rule, RuleId};
use super::limits::{
    DEFAULT_HITS, DEFAULT_LISTED, MAX_COMPOSE_IDS, MAX_HITS, MAX_LISTED, MAX_NAME_CHARS, MAX_QUERY_CHARS,
    MAX_TEXT_BYTES,
};

/// Arguments of `list_rules`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListRules {
    /// Only rules with this tag, for example `naming`.
    #[schemars(length(max = MAX_NAME_CHARS), example = &"naming")]
    pub tag: Option<String>,
    /// At most this many rules.
    #[schemars(range(min = 1, max = MAX_LISTED))]
    #[serde(default = "default_listed")]
    pub limit: usize,
}

fn default_listed() -> usize {
    DEFAULT_LISTED
}

/// A rule without its text.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Summary {
    /// The rule's id.
    pub id: RuleId,
    /// One line for people.
    pub title: String,
    /// Its topic first.
    pub tags: Vec<String>,
    /// 0 to 100; the higher comes first in a composition.
    pub priority: i32,
}

/// Result of `list_rules`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Listed {
    /// The first rules, by id.
    pub rules: Vec<Summary>,
    /// How many rules there are with that tag.
    pub total: usize,
}

/// Arguments of `get_rule`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetRule {
    /// The rule's id.
    #[schemars(length(min = 1, max = MAX_NAME_CHARS), example = &"rule-0001")]
    pub id: String,
}

/// Arguments of `search_rules`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchRules {
    /// Words to look for; case does not matter.
    #[schemars(length(min = 1, max = MAX_QUERY_CHARS), example = &"keep small")]
    pub query: String,
    /// At most this many hits.
    #[schemars(range(min = 1, max = MAX_HITS))]
    #[serde(default = "default_hits")]
    pub limit: usize,
}

fn default_hits() -> usize {
    DEFAULT_HITS
}

/// One rule found.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FoundRule {
    /// The rule's id.
    pub id: RuleId,
    /// Its title.
    pub title: String,
    /// A higher score is a better match.
    pub score: u32,
}

/// Result of `search_rules`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Found {
    /// The best matches, best first.
    pub hits: Vec<FoundRule>,
    /// How many rules match.
    pub total: usize,
}

/// Arguments of `compose_rules`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ComposeRules {
    /// Ids of the rules; their order does not matter.
    #[schemars(length(min = 1, max = MAX_COMPOSE_IDS), example = ["rule-0001", "rule-0002"])]
    pub ids: Vec<String>,
    /// The format of the result's `text`.
    #[serde(default)]
    pub format: Format,
}

/// Result of `compose_rules`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Composed<'a> {
    /// The composition.
    #[serde(flatten)]
    pub composition: &'a Composition,
    /// Whether it came from the cache.
    pub cache: Served,
}

/// Arguments of `validate_rule`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ValidateRule {
    /// The text that a rule would have, in Markdown; the limit is in bytes.
    #[schemars(length(min = 1, max = MAX_TEXT_BYTES), example = &"**Be kind.** Readers are people.")]
    pub text: String,
}

/// Result of `validate_rule`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Validated {
    /// Whether there is nothing to mend.
    pub valid: bool,
    /// The title that the rule would have.
    pub title: String,
    /// What is to mend, one sentence each.
    pub problems: Vec<String>,
}

/// Arguments of `put_rule`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PutRule {
    /// The rule to replace, or a new id of a-z, 0-9 and -.
    #[schemars(length(min = 1, max = MAX_NAME_CHARS), example = &"rule-0001")]
    pub id: String,
    /// The rule's new text, in Markdown; the limit is in bytes.
    #[schemars(length(min = 1, max = MAX_TEXT_BYTES), example = &"**Be kind.** Readers are people.")]
    pub text: String,
}

/// Result of `put_rule`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Put {
    /// The rule's id.
    pub id: String,
    /// Whether the rule is new.
    pub created: bool,
    /// Whether anything changed.
    pub changed: bool,
    /// The library's revision, which grows with every change.
    pub revision: u64,
}

/// Arguments of `clear_cache`: none.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClearCache {}

/// Result of `clear_cache`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Cleared {
    /// Compositions dropped.
    pub removed: usize,
}

/// The names of all tools.
pub const NAMES: [&str; 7] =
    ["list_rules", "get_rule", "search_rules", "compose_rules", "validate_rule", "put_rule", "clear_cache"];

/// The definitions of all tools, in the order of [`NAMES`].
pub fn definitions() -> Vec<Tool> {
    let changes = ToolAnnotations::new().read_only(false).open_world(false);
    vec![
        reading::<ListRules, Listed>("list_rules", "List rules", "List the coding rules, all or those with a tag."),
        reading::<GetRule, Rule>("get_rule", "Get a rule", "Get one coding rule with its text."),
        reading::<SearchRules, Found>("search_rules", "Search rules", "Find coding rules by words, best match first."),
        reading::<ComposeRules, Composed<'static>>(
            "compose_rules",
            "Compose rules",
            "Compose rules and all rules they include into one document, ordered by priority, with the contradictions \
             among them.",
        ),
        reading::<ValidateRule, Validated>(
            "validate_rule",
            "Validate a rule",
            "Say what is to mend in a rule's text before it is put into the library.",
        ),
        // Destructive: the former text is gone. Idempotent: the same text
        // twice changes nothing the second time.
        tool::<PutRule, Put>("put_rule", "Put a rule", "Replace a rule's text, or add a rule.")
            .annotate(changes.clone().destructive(true).idempotent(true)),
        // Not destructive: what is dropped is made again when it is needed.
        tool::<ClearCache, Cleared>("clear_cache", "Clear the cache", "Drop all cached compositions.")
            .annotate(changes.destructive(false).idempotent(true)),
    ]
}

fn reading<A: JsonSchema + 'static, R: JsonSchema + 'static>(
    name: &'static str,
    title: &'static str,
    description: &'static str,
) -> Tool {
    let hints = ToolAnnotations::new().read_only(true).destructive(false).idempotent(true).open_world(false);
    tool::<A, R>(name, title, description).annotate(hints)
}

fn tool<A: JsonSchema + 'static, R: JsonSchema + 'static>(
    name: &'static str,
    title: &'static str,
    description: &'static str,
) -> Tool {
    Tool::new(Cow::Borrowed(name), Cow::Borrowed(description), Arc::new(JsonObject::new()))
        .with_title(title)
        .with_input_schema::<A>()
        .with_output_schema::<R>()
}
