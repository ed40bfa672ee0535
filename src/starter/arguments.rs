//! Arguments that a schema accepts.
//!
//! Generate and test: a walk over the schema writes the plainest value that it
//! knows how to, and [`crate::schema`] says whether it fits. Where it does not, the
//! walk is made again with other choices, so that what the walk does not understand
//! costs attempts and never gives a wrong value.

use std::sync::LazyLock;

use rand::Rng as _;
use rand_pcg::Pcg64Mcg;
use serde_json::{Map, Value as Json, json};

use super::pattern::{self, MAX_CHARS};
use crate::plan::random::{Purpose, stream};
use crate::schema::{Judge, Judged, resolve};

/// Alternatives that depend on each other are found within a few attempts, or
/// hardly at all.
const MAX_ATTEMPTS: usize = 24;

/// The most schemas that are looked at in one attempt: the schema comes from the
/// server, and one that refers to itself can ask for any number of members.
const MAX_STEPS: u32 = 2_000;

/// Arguments nested deeper than this are not made up.
const MAX_DEPTH: u32 = 24;

/// The most elements that are made up for a list.
const MAX_ITEMS: u64 = 100;

/// Arguments with a longer text are no plain ones, and would fill the scenario.
const MAX_BYTES: usize = 16 * 1024;

/// Whole numbers are exact up to here.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// What arguments are, also where their schema does not say so.
static OBJECT: LazyLock<Json> = LazyLock::new(|| json!({ "type": "object" }));

/// Arguments for a tool, or why there are none. `index` is the number of the tool.
pub(super) fn generate(schema: &Json, seed: u64, index: u64) -> Result<Json, String> {
    if schema.is_null() {
        return Ok(json!({}));
    }
    let judge = Judge::new(schema).map_err(|why| format!("its input schema cannot be used: {why}"))?;
    let mut refused = "it asks for what is not made up here".to_owned();
    for attempt in 0..MAX_ATTEMPTS {
        let random = stream(seed, Purpose::Arguments, attempt, index);
        let mut walk = Walk { root: schema, random, first: attempt == 0, more: attempt / 2, steps: MAX_STEPS };
        let Some(arguments) = walk.value(&[schema, &OBJECT], 0, MAX_DEPTH).filter(Json::is_object) else { continue };
        match judge.judge(&arguments) {
            Judged::Accepted if arguments.to_string().len() > MAX_BYTES => {
                refused = format!("they are longer than {} KiB", MAX_BYTES / 1024);
            }
            Judged::Accepted => return Ok(arguments),
            Judged::Refused { message, .. } => refused = message,
        }
    }
    Err(format!("no arguments were found that its input schema accepts: {refused}"))
}

/// One attempt.
struct Walk<'a> {
    root: &'a Json,
    random: Pcg64Mcg,
    /// In the first attempt what a schema names itself is taken, and the first of
    /// several alternatives; later ones choose at random.
    first: bool,
    /// How often what a pattern repeats is repeated beyond the least.
    more: usize,
    steps: u32,
}

/// Schemas that all hold for one value.
type Parts<'a> = Vec<&'a Map<String, Json>>;

impl<'a> Walk<'a> {
    fn step(&mut self) -> Option<()> {
        self.steps = self.steps.checked_sub(1)?;
        Some(())
    }

    fn any(&mut self, of: usize) -> usize {
        if of < 2 { 0 } else { self.random.random_range(0..of) }
    }

    /// A value that is meant to fit all of `schemas`. Values with another `nth`
    /// are meant to differ.
    fn value(&mut self, schemas: &[&'a Json], nth: usize, depth: u32) -> Option<Json> {
        let depth = depth.checked_sub(1)?;
        let mut parts = Vec::new();
        for schema in schemas {
            self.expand(schema, &mut parts, depth)?;
        }
        if let Some(named) = self.named(&parts, nth) {
            return Some(named.clone());
        }
        match self.kind(&parts) {
            "null" => Some(Json::Null),
            // Switches that are off do less.
            "boolean" => Some(Json::Bool(nth % 2 == 1)),
            "integer" => number(&parts, true, nth),
            "number" => number(&parts, false, nth),
            "array" => self.list(&parts, depth),
            "object" => self.object(&parts, depth),
            _ => self.text(&parts, nth).map(Json::String),
        }
    }

    /// The schema, what it refers to and its parts, with one of its alternatives.
    fn expand(&mut self, schema: &'a Json, parts: &mut Parts<'a>, depth: u32) -> Option<()> {
        self.step()?;
        let depth = depth.checked_sub(1)?;
        let map = match schema {
            Json::Bool(true) => return Some(()),
            Json::Object(map) => map,
            _ => return None,
        };
        parts.push(map);
        if let Some(reference) = map.get("$ref") {
            self.expand(resolve(self.root, reference.as_str()?)?, parts, depth)?;
        }
        for part in map.get("allOf").and_then(Json::as_array).into_iter().flatten() {
            self.expand(part, parts, depth)?;
        }
        for keyword in ["anyOf", "oneOf"] {
            let Some(choices) = map.get(keyword).and_then(Json::as_array) else { continue };
            let something = choices.iter().position(|choice| choice.get("type") != Some(&json!("null")));
            let at = if self.first { something.unwrap_or(0) } else { self.any(choices.len()) };
            self.expand(choices.get(at)?, parts, depth)?;
        }
        Some(())
    }

    /// A value that the schema itself names: an example where there is one.
    fn named(&mut self, parts: &Parts<'a>, nth: usize) -> Option<&'a Json> {
        if let Some(only) = parts.iter().find_map(|part| part.get("const")) {
            return Some(only);
        }
        let list = |keyword: &str| parts.iter().find_map(|part| part.get(keyword)?.as_array());
        let lists = [list("examples"), list("enum")].map(|list| list.map_or(&[][..], Vec::as_slice));
        let one = |keyword: &str| parts.iter().find_map(|part| part.get(keyword)).filter(|value| !value.is_null());
        let [examples, choices] = lists;
        let mut groups: Vec<&'a [Json]> = vec![examples];
        groups.extend(["example", "default"].into_iter().filter_map(one).map(std::slice::from_ref));
        groups.push(choices);
        groups.retain(|group| !group.is_empty());
        // Without a list of what is allowed, something else may be made up.
        let others = usize::from(choices.is_empty());
        let at = if self.first { 0 } else { self.any(groups.len() + others) };
        let group = groups.get(at)?;
        let start = self.any(group.len());
        // One that is named alone cannot differ from itself.
        if nth > 0 && group.len() == 1 && others > 0 {
            return None;
        }
        group.get((start + nth) % group.len())
    }

    /// The type, or the one that the keywords are about.
    fn kind(&mut self, parts: &Parts<'a>) -> &'a str {
        let types: Vec<&str> = match parts.iter().find_map(|part| part.get("type")) {
            Some(Json::String(only)) => vec![only.as_str()],
            Some(Json::Array(types)) => types.iter().filter_map(Json::as_str).collect(),
            _ => Vec::new(),
        };
        let something: Vec<&str> = types.iter().copied().filter(|ty| *ty != "null").collect();
        let from = if self.first && !something.is_empty() { something } else { types };
        let at = if self.first { 0 } else { self.any(from.len()) };
        if let Some(ty) = from.get(at) {
            return ty;
        }
        let about = |keywords: &[&str]| parts.iter().any(|part| keywords.iter().any(|word| part.contains_key(*word)));
        if about(&["properties", "required", "minProperties", "additionalProperties"]) {
            "object"
        } else if about(&["items", "prefixItems", "minItems", "uniqueItems", "contains"]) {
            "array"
        } else if about(&["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"]) {
            "number"
        } else {
            "string"
        }
    }

    fn object(&mut self, parts: &Parts<'a>, depth: u32) -> Option<Json> {
        let mut names: Vec<&'a str> = Vec::new();
        let required = parts.iter().filter_map(|part| part.get("required")?.as_array()).flatten();
        let listed = parts.iter().filter_map(|part| part.get("properties")?.as_object()).flat_map(Map::keys);
        let least = usize::try_from(most_of(parts, "minProperties")).ok()?;
        for (name, needed) in
            required.filter_map(Json::as_str).map(|name| (name, true)).chain(listed.map(|name| (name.as_str(), false)))
        {
            if (needed || names.len() < least) && !names.contains(&name) {
                names.push(name);
            }
            // Each of them takes a step at least.
            if names.len() > usize::try_from(self.steps).ok()? {
                return None;
            }
        }
        let mut members = Map::new();
        for name in names {
            let mut schemas: Vec<&Json> = parts.iter().filter_map(|part| part.get("properties")?.get(name)).collect();
            if schemas.is_empty() {
                let others = parts.iter().filter_map(|part| part.get("additionalProperties"));
                schemas = others.filter(|schema| schema.is_object()).collect();
            }
            members.insert(name.to_owned(), self.value(&schemas, 0, depth)?);
        }
        Some(Json::Object(members))
    }

    fn list(&mut self, parts: &Parts<'a>, depth: u32) -> Option<Json> {
        let least = most_of(parts, "minItems");
        let most = parts.iter().filter_map(|part| part.get("maxItems")?.as_u64()).min().unwrap_or(u64::MAX);
        let every: Vec<&Json> =
            parts.iter().filter_map(|part| part.get("items")).filter(|items| !items.is_array()).collect();
        let contained: Vec<&Json> = parts.iter().filter_map(|part| part.get("contains")).collect();
        // A list that must be given is seldom meant to be empty.
        let wanted = if self.first || !contained.is_empty() { least.max(1) } else { least };
        let (count, mut list) = (wanted.min(most), Vec::new());
        if count > MAX_ITEMS {
            return None;
        }
        for nth in 0..usize::try_from(count).ok()? {
            let places = parts.iter().filter_map(|part| {
                let places = part.get("prefixItems").or_else(|| part.get("items"))?;
                places.as_array()?.get(nth)
            });
            let mut schemas: Vec<&Json> = places.collect();
            if schemas.is_empty() {
                schemas.clone_from(&every);
            }
            if nth == 0 {
                schemas.extend(&contained);
            }
            list.push(self.value(&schemas, nth, depth)?);
        }
        Some(Json::Array(list))
    }

    fn text(&mut self, parts: &Parts<'a>, nth: usize) -> Option<String> {
        let least = usize::try_from(most_of(parts, "minLength")).ok()?;
        let most = parts.iter().filter_map(|part| part.get("maxLength")?.as_u64()).min();
        let most = most.map_or(usize::MAX, |most| usize::try_from(most).unwrap_or(usize::MAX));
        if least > MAX_CHARS {
            return None;
        }
        if let Some(pattern) = parts.iter().find_map(|part| part.get("pattern")?.as_str()) {
            let text = pattern::matching(pattern, self.more + nth)?;
            let short = least.saturating_sub(text.chars().count());
            return if short == 0 { Some(text) } else { pattern::matching(pattern, self.more + nth + short) };
        }
        if let Some(format) = parts.iter().find_map(|part| part.get("format")?.as_str())
            && let Some(text) = of_format(format, nth)
        {
            return Some(text);
        }
        let mut text = "text".to_owned();
        if nth > 0 {
            text = format!("{nth} {text}");
        }
        let text: String = text.chars().take(most).collect();
        let padding = least.saturating_sub(text.chars().count());
        Some(text + &"x".repeat(padding))
    }
}

/// The strictest of the limits of this name that say how many there must be.
fn most_of(parts: &Parts<'_>, keyword: &str) -> u64 {
    parts.iter().filter_map(|part| part.get(keyword)?.as_u64()).max().unwrap_or(0)
}

/// A number within the limits, close to 1.
fn number(parts: &Parts<'_>, whole: bool, nth: usize) -> Option<Json> {
    let limits = |keyword: &str| -> Vec<f64> {
        parts.iter().filter_map(|part| part.get(keyword)?.as_f64()).filter(|limit| limit.is_finite()).collect()
    };
    // In the oldest draft what is exclusive is a switch beside the limit.
    let switched = |keyword: &str| parts.iter().any(|part| part.get(keyword) == Some(&Json::Bool(true)));
    let step = limits("multipleOf").into_iter().reduce(f64::max).filter(|step| *step > 0.0);
    let step = if whole { Some(step.unwrap_or(1.0).max(1.0)) } else { step };
    let low = limits("minimum").into_iter().reduce(f64::max);
    let above =
        limits("exclusiveMinimum").into_iter().reduce(f64::max).or(low.filter(|_| switched("exclusiveMinimum")));
    let high = limits("maximum").into_iter().reduce(f64::min);
    let below =
        limits("exclusiveMaximum").into_iter().reduce(f64::min).or(high.filter(|_| switched("exclusiveMaximum")));
    let fits = |value: f64| {
        low.is_none_or(|low| value >= low)
            && above.is_none_or(|above| value > above)
            && high.is_none_or(|high| value <= high)
            && below.is_none_or(|below| value < below)
    };
    let bounds = [low, above, high, below].into_iter().flatten();
    let between = low.or(above).zip(high.or(below)).map(|(low, high)| low + (high - low) / 2.0);
    let near = bounds.flat_map(|bound| [bound, bound + 1.0, bound - 1.0]).chain(between);
    let snapped = |value: f64| match step {
        Some(step) => vec![(value / step).ceil() * step, (value / step).floor() * step],
        None => vec![value],
    };
    #[expect(clippy::cast_precision_loss, reason = "a small number")]
    let away = nth as f64 * step.unwrap_or(1.0);
    let value = [1.0, 0.0].into_iter().chain(near).flat_map(snapped).find(|value| fits(*value))?;
    // Where none can differ, they are the same.
    let value = [value + away, value - away].into_iter().find(|value| fits(*value)).unwrap_or(value);
    #[expect(clippy::cast_possible_truncation, reason = "it is whole, and small enough")]
    if value.fract() == 0.0 && value.abs() <= EXACT { Some(json!(value as i64)) } else { Some(json!(value)) }
}

/// A text of a format. Addresses are of this machine: a tool that follows them must
/// not send the load elsewhere.
fn of_format(format: &str, nth: usize) -> Option<String> {
    let day = nth % 28 + 1;
    let text = match format {
        "date" => format!("2025-01-{day:02}"),
        "date-time" => format!("2025-01-{day:02}T00:00:00Z"),
        "time" => format!("00:00:{day:02}Z"),
        "duration" => format!("PT{day}S"),
        "email" | "idn-email" => format!("user{nth}@localhost"),
        "hostname" | "idn-hostname" => "localhost".to_owned(),
        "ipv4" => format!("127.0.0.{day}"),
        "ipv6" => "::1".to_owned(),
        "uri" | "iri" | "url" => format!("http://localhost/{nth}"),
        "uri-reference" | "iri-reference" => format!("/{nth}"),
        "uuid" => format!("00000000-0000-4000-8000-{nth:012}"),
        "json-pointer" => format!("/{nth}"),
        "regex" => "text".to_owned(),
        _ => return None,
    };
    Some(text)
}
