//! What the tools do.

use std::sync::Arc;

use rmcp::ErrorData;
use rmcp::model::{CallToolResult, ContentBlock, JsonObject, MetaObject};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::Instant;

use super::cache::{Cache, Key, Served};
use super::compose::{Composition, Format, compose};
use super::library::{Change, Library, RuleId, Shelf, title};
use super::limits::{
    MAX_COMPOSE_IDS, MAX_COMPOSITION_BYTES, MAX_HITS, MAX_LISTED, MAX_NAMED_UNKNOWN, MAX_QUERY_CHARS, MAX_TEXT_BYTES,
};
use super::search::search;
use super::tools::{
    ClearCache, Cleared, ComposeRules, Composed, Found, FoundRule, GetRule, ListRules, Listed, Put, PutRule,
    SearchRules, Summary, ValidateRule, Validated,
};
use super::validate;

/// The `_meta` key that says what the cache did, for clients that do not look
/// into the structured content.
pub const CACHE_META: &str = "rulebook/cache";

/// Why a request is not answered with what it asked for.
#[derive(Debug, Clone, PartialEq)]
pub enum Refusal {
    /// The request was understood and cannot be met; the caller reads why.
    Failed(String),
    /// The arguments are not what the tool takes.
    Invalid(String),
}

impl From<Refusal> for ErrorData {
    /// The error where the protocol has no results that are errors: both are
    /// invalid parameters there.
    fn from(refusal: Refusal) -> Self {
        let (Refusal::Failed(text) | Refusal::Invalid(text)) = refusal;
        Self::invalid_params(text, None)
    }
}

/// The rules and their compositions: what tools, prompts and resources share.
#[derive(Debug)]
pub struct Book {
    /// The rules.
    pub shelf: Shelf,
    /// Compositions made before.
    pub cache: Cache,
}

impl Book {
    /// Calls a tool.
    ///
    /// # Errors
    ///
    /// -32602 when there is no such tool or the arguments do not fit it. A
    /// request that fits and fails is a result with `isError`.
    pub fn call(&self, tool: &str, arguments: Option<JsonObject>) -> Result<CallToolResult, ErrorData> {
        let result = match tool {
            "list_rules" => parse(arguments).and_then(|arguments| self.list(&arguments)),
            "get_rule" => parse(arguments).and_then(|arguments| self.get(&arguments)),
            "search_rules" => parse(arguments).and_then(|arguments| self.search(&arguments)),
            "compose_rules" => parse(arguments).and_then(|arguments| self.compose(&arguments)),
            "validate_rule" => parse(arguments).and_then(|arguments| self.validate(&arguments)),
            "put_rule" => parse(arguments).and_then(|arguments| self.put(arguments)),
            "clear_cache" => parse(arguments).and_then(|arguments| self.clear(&arguments)),
            _ => Err(Refusal::Invalid(format!("there is no tool `{tool}`"))),
        };
        match result {
            Ok(result) => Ok(result),
            Err(Refusal::Failed(text)) => Ok(CallToolResult::error(vec![ContentBlock::text(text)])),
            Err(invalid @ Refusal::Invalid(_)) => Err(invalid.into()),
        }
    }

    fn list(&self, arguments: &ListRules) -> Result<CallToolResult, Refusal> {
        within("limit", arguments.limit, MAX_LISTED)?;
        let library = self.shelf.snapshot();
        let tag = arguments.tag.as_ref();
        let matching = || library.iter().filter(|rule| tag.is_none_or(|tag| rule.tags.contains(tag)));
        let rules = matching().take(arguments.limit).map(|rule| Summary {
            id: rule.id.clone(),
            title: rule.title.clone(),
            tags: rule.tags.clone(),
            priority: rule.priority,
        });
        structured(&Listed { rules: rules.collect(), total: matching().count() })
    }

    fn get(&self, arguments: &GetRule) -> Result<CallToolResult, Refusal> {
        let library = self.shelf.snapshot();
        let rule = library.get(&arguments.id).ok_or_else(|| unknown(&library, &[&arguments.id]))?;
        structured(rule.as_ref())
    }

    fn search(&self, arguments: &SearchRules) -> Result<CallToolResult, Refusal> {
        within("limit", arguments.limit, MAX_HITS)?;
        within("the length of query", arguments.query.chars().count(), MAX_QUERY_CHARS)?;
        let library = self.shelf.snapshot();
        let hits = search(&library, &arguments.query);
        let found = |hit: &super::search::Hit<'_>| FoundRule {
            id: hit.rule.id.clone(),
            title: hit.rule.title.clone(),
            score: hit.score,
        };
        structured(&Found { total: hits.len(), hits: hits.iter().take(arguments.limit).map(found).collect() })
    }

    fn compose(&self, arguments: &ComposeRules) -> Result<CallToolResult, Refusal> {
        let (composition, cache) = self.composition(&arguments.ids, arguments.format)?;
        let mut meta = JsonObject::new();
        meta.insert(CACHE_META.to_owned(), value(&cache)?);
        let result = structured(&Composed { composition: &composition, cache })?;
        Ok(result.with_meta(Some(MetaObject(meta))))
    }

    fn validate(&self, arguments: &ValidateRule) -> Result<CallToolResult, Refusal> {
        within("the size of text in bytes", arguments.text.len(), MAX_TEXT_BYTES)?;
        let problems = validate::problems(&self.shelf.snapshot(), &arguments.text);
        structured(&Validated { valid: problems.is_empty(), title: title(&arguments.text).to_owned(), problems })
    }

    fn put(&self, arguments: PutRule) -> Result<CallToolResult, Refusal> {
        within("the size of text in bytes", arguments.text.len(), MAX_TEXT_BYTES)?;
        let (change, revision) = self.shelf.put(&arguments.id, arguments.text).map_err(Refusal::Failed)?;
        let (created, changed) = (change == Change::Created, change != Change::None);
        structured(&Put { id: arguments.id, created, changed, revision })
    }

    fn clear(&self, _: &ClearCache) -> Result<CallToolResult, Refusal> {
        structured(&Cleared { removed: self.cache.clear() })
    }

    /// The composition of `ids`, from the cache where it is there.
    ///
    /// # Errors
    ///
    /// Invalid when there are no ids or too many of them, failed when a rule
    /// is unknown or the composition would be too large.
    pub fn composition(&self, ids: &[String], format: Format) -> Result<(Arc<Composition>, Served), Refusal> {
        within("the number of ids", ids.len(), MAX_COMPOSE_IDS)?;
        let library = self.shelf.snapshot();
        let ids = known(&library, ids)?;
        let make = || compose(&library, &ids, format).map(Arc::new).map_err(too_large);
        if self.cache.capacity() == 0 {
            return Ok((make()?, Served::Off));
        }
        let key = Key::new(&ids, format, library.revision());
        if let Some(composition) = self.cache.get(&key, Instant::now()) {
            return Ok((composition, Served::Hit));
        }
        let composition = make()?;
        self.cache.put(key, composition.clone(), Instant::now());
        Ok((composition, Served::Miss))
    }
}

/// The ids as the library has them, sorted, each once.
fn known(library: &Library, ids: &[String]) -> Result<Vec<RuleId>, Refusal> {
    let mut found = Vec::with_capacity(ids.len());
    let mut missing: Vec<&str> = Vec::new();
    for id in ids {
        match library.get(id) {
            Some(rule) => found.push(rule.id.clone()),
            None => missing.push(id),
        }
    }
    if !missing.is_empty() {
        return Err(unknown(library, &missing));
    }
    found.sort();
    found.dedup();
    Ok(found)
}

fn unknown(library: &Library, ids: &[&str]) -> Refusal {
    let mut named: Vec<String> = ids.iter().take(MAX_NAMED_UNKNOWN).map(|id| format!("`{id}`")).collect();
    if ids.len() > named.len() {
        named.push(format!("and {} more", ids.len() - named.len()));
    }
    let noun = if ids.len() == 1 { "rule" } else { "rules" };
    let ends = library.ends().map(|(first, last)| format!(" (`{first}` to `{last}`)")).unwrap_or_default();
    Refusal::Failed(format!("unknown {noun} {}: call list_rules to see the ids{ends}", named.join(", ")))
}

fn too_large(size: usize) -> Refusal {
    Refusal::Failed(format!("the composition has {size} bytes of text, the limit is {MAX_COMPOSITION_BYTES}"))
}

fn within(what: &str, number: usize, max: usize) -> Result<(), Refusal> {
    if (1..=max).contains(&number) {
        return Ok(());
    }
    Err(Refusal::Invalid(format!("{what} must be between 1 and {max}, not {number}")))
}

fn parse<T: DeserializeOwned>(arguments: Option<JsonObject>) -> Result<T, Refusal> {
    serde_json::from_value(Value::Object(arguments.unwrap_or_default()))
        .map_err(|error| Refusal::Invalid(format!("invalid arguments: {error}")))
}

fn structured(result: &impl Serialize) -> Result<CallToolResult, Refusal> {
    Ok(CallToolResult::structured(value(result)?))
}

fn value(result: &impl Serialize) -> Result<Value, Refusal> {
    serde_json::to_value(result).map_err(|error| Refusal::Failed(format!("the result cannot be written: {error}")))
}
