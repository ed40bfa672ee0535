//! What a server lists: tools, prompts, resources and templates of resources.

use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::client::Client;
use super::envelope::RpcError;
use super::exchange::Call;
use super::failure::Failure;

/// The most pages of tools that are asked for. With the usual page of 50 to 100
/// tools this is far beyond any server; a cursor that never ends is a defect.
const MAX_TOOL_PAGES: usize = 100;

const METHOD_NOT_FOUND: i64 = -32601;

/// Something that servers list.
pub trait Listed: DeserializeOwned {
    /// The method that lists it.
    const METHOD: &'static str;
    /// The member of the result that holds the page.
    const MEMBER: &'static str;
}

/// A tool, as its server describes it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolInfo {
    /// The name to call it by.
    pub name: String,
    /// What it does, in the server's words.
    #[serde(default)]
    pub description: Option<String>,
    /// The JSON Schema of its arguments; `null` if the server gave none.
    #[serde(default)]
    pub input_schema: Value,
    /// The JSON Schema of its structured result.
    #[serde(default)]
    pub output_schema: Option<Value>,
    /// What it says of itself.
    #[serde(default, rename = "annotations", deserialize_with = "hints")]
    pub hints: Hints,
    /// `execution.taskSupport`, of 2025-11-25: whether its calls may become tasks.
    #[serde(default, rename = "execution", deserialize_with = "task_support")]
    pub task_support: TaskSupport,
}

/// Whether the calls of a tool may become tasks (2025-11-25).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TaskSupport {
    /// They must not. So it is of a tool that says nothing.
    #[default]
    Forbidden,
    /// They may.
    Optional,
    /// They must.
    Required,
}

/// What a tool claims of itself in its annotations, where it says `true`; absent
/// counts as `false` here. A hint is not a promise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hints {
    /// `readOnlyHint`: it changes nothing.
    pub read_only: bool,
    /// `destructiveHint`: it may destroy something.
    pub destructive: bool,
    /// `openWorldHint`: it reaches beyond its server.
    pub open_world: bool,
}

impl Listed for ToolInfo {
    const METHOD: &'static str = "tools/list";
    const MEMBER: &'static str = "tools";
}

/// A prompt, as its server describes it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct PromptInfo {
    /// The name to ask for it by.
    pub name: String,
    /// What it takes; a prompt without arguments may leave them out.
    #[serde(default, deserialize_with = "or_default")]
    pub arguments: Vec<PromptArgument>,
}

/// An argument of a prompt; its value is a text.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct PromptArgument {
    /// Its name.
    pub name: String,
    /// Whether the prompt cannot do without it; absent means `false`.
    #[serde(default, deserialize_with = "or_default")]
    pub required: bool,
}

impl Listed for PromptInfo {
    const METHOD: &'static str = "prompts/list";
    const MEMBER: &'static str = "prompts";
}

/// A resource, as far as it is of use here.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ResourceInfo {
    /// The address to read.
    pub uri: String,
}

impl Listed for ResourceInfo {
    const METHOD: &'static str = "resources/list";
    const MEMBER: &'static str = "resources";
}

/// A template of resources, as far as it is of use here.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TemplateInfo {
    /// The address with holes (RFC 6570).
    pub uri_template: String,
}

impl Listed for TemplateInfo {
    const METHOD: &'static str = "resources/templates/list";
    const MEMBER: &'static str = "resourceTemplates";
}

fn hints<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Hints, D::Error> {
    let annotations = Value::deserialize(deserializer)?;
    let says = |hint: &str| annotations.get(hint) == Some(&Value::Bool(true));
    Ok(Hints {
        read_only: says("readOnlyHint"),
        destructive: says("destructiveHint"),
        open_world: says("openWorldHint"),
    })
}

fn task_support<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<TaskSupport, D::Error> {
    let execution = Value::deserialize(deserializer)?;
    Ok(match execution.get("taskSupport").and_then(Value::as_str) {
        Some("required") => TaskSupport::Required,
        Some("optional") => TaskSupport::Optional,
        _ => TaskSupport::Forbidden,
    })
}

/// `null` where servers mean that there is nothing.
fn or_default<'de, D: serde::Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// The items of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List<T> {
    /// In the server's order.
    pub items: Vec<T>,
    /// Whether these are all; otherwise there were more pages than were asked
    /// for.
    pub complete: bool,
}

/// Why there is no list.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ListError {
    /// The server answered with an error.
    #[error("the server refused {method}: {error}")]
    Refused {
        /// The method.
        method: &'static str,
        /// The server's words.
        error: RpcError,
    },
    /// There was no answer, or one that is no list.
    #[error("{0}")]
    Failed(#[from] Failure),
}

impl ListError {
    /// Whether the server does not know the method: it has nothing of the kind.
    #[must_use]
    pub fn is_unsupported(&self) -> bool {
        matches!(self, Self::Refused { error, .. } if error.code == METHOD_NOT_FOUND)
    }
}

/// Lists everything of a kind, at most so many pages. Each page may take
/// `timeout`. The session must be open.
///
/// # Errors
///
/// As for any call; and if the server answers with an error, or with something
/// that is no list of this kind.
pub async fn list_all<T: Listed>(
    client: &mut impl Client,
    timeout: Duration,
    pages: usize,
) -> Result<List<T>, ListError> {
    let method = T::METHOD;
    let malformed = |error: String| Failure::Protocol(format!("the result of {method} is malformed: {error}"));
    let mut items: Vec<T> = Vec::new();
    let mut params = "{}".to_owned();
    for _ in 0..pages {
        let call = Call { method, params: params.as_bytes(), timeout, ..Call::default() };
        let reply = client.call(call).await.outcome?;
        if let Some(error) = reply.error() {
            return Err(ListError::Refused { method, error: error.clone() });
        }
        let mut page: serde_json::Map<String, Value> = reply.parse().map_err(malformed)?;
        let member = page.remove(T::MEMBER).ok_or_else(|| malformed(format!("missing field `{}`", T::MEMBER)))?;
        let more: Vec<T> = serde_json::from_value(member).map_err(|error| malformed(error.to_string()))?;
        items.extend(more);
        // An empty string is a cursor like any other.
        let cursor: Option<String> = match page.remove("nextCursor") {
            Some(cursor) => serde_json::from_value(cursor).map_err(|error| malformed(error.to_string()))?,
            None => None,
        };
        match cursor {
            Some(cursor) => params = serde_json::json!({ "cursor": cursor }).to_string(),
            None => return Ok(List { items, complete: true }),
        }
    }
    Ok(List { items, complete: false })
}

/// Lists the tools of a server over all pages, at most 100. Each page may take
/// `timeout`. The session must be open.
///
/// # Errors
///
/// As for any call; and a [`Failure::Protocol`] if the server answers with an
/// error, with something that is no list of tools, or with pages without end.
pub async fn list_tools(client: &mut impl Client, timeout: Duration) -> Result<Vec<ToolInfo>, Failure> {
    match list_all(client, timeout, MAX_TOOL_PAGES).await {
        Ok(List { items, complete: true }) => Ok(items),
        Ok(_) => Err(Failure::Protocol(format!("the list of tools has more than {MAX_TOOL_PAGES} pages"))),
        Err(ListError::Failed(failure)) => Err(failure),
        Err(refused @ ListError::Refused { .. }) => Err(Failure::Protocol(refused.to_string())),
    }
}
