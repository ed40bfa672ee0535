//! The tools of a server, from all pages of its list.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::client::Client;
use super::exchange::Call;
use super::failure::Failure;

/// The most pages of a list that are asked for. With the usual page of 50 to 100
/// tools this is far beyond any server; a cursor that never ends is a defect.
const MAX_PAGES: usize = 100;

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
    /// `annotations.readOnlyHint` is `true`: the tool claims to change nothing.
    /// Absent means `false`, and a hint is not a promise.
    #[serde(default, rename = "annotations", deserialize_with = "read_only_hint")]
    pub read_only: bool,
}

fn read_only_hint<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    let annotations = Value::deserialize(deserializer)?;
    Ok(annotations.get("readOnlyHint") == Some(&Value::Bool(true)))
}

/// Lists the tools of a server over all pages, at most 100. Each page may take
/// `timeout`. The session must be open.
///
/// # Errors
///
/// As for any call; and a [`Failure::Protocol`] if the server answers with an
/// error, with something that is no list of tools, or with pages without end.
pub async fn list_tools(client: &mut impl Client, timeout: Duration) -> Result<Vec<ToolInfo>, Failure> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Page {
        tools: Vec<ToolInfo>,
        // An empty string is a cursor like any other.
        #[serde(default)]
        next_cursor: Option<String>,
    }
    let mut tools = Vec::new();
    let mut params = "{}".to_owned();
    for _ in 0..MAX_PAGES {
        let call = Call { method: "tools/list", name: None, params: params.as_bytes(), timeout };
        let reply = client.call(call).await.outcome?;
        if let Some(error) = reply.error() {
            return Err(Failure::Protocol(format!("the server refused tools/list: {error}")));
        }
        let page: Page = reply
            .parse()
            .map_err(|error| Failure::Protocol(format!("the result of tools/list is malformed: {error}")))?;
        tools.extend(page.tools);
        match page.next_cursor {
            Some(cursor) => params = serde_json::json!({ "cursor": cursor }).to_string(),
            None => return Ok(tools),
        }
    }
    Err(Failure::Protocol(format!("the list of tools has more than {MAX_PAGES} pages")))
}
