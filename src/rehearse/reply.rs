//! What a simulated server answers: what somebody gave for a step, else what
//! the steps of the plan would be content with.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::wish::{PLACEHOLDER, Wish, merge};
use crate::plan::{Method, Plan, Request};
use crate::transport::{Call, Reply};

/// The replies of a server, by what is asked.
#[derive(Clone, Debug)]
pub struct Replies {
    by_key: Arc<BTreeMap<Key, Made>>,
    fallback: Reply,
    failure: Reply,
}

/// A method, and the tool, prompt or resource where it is known beforehand.
type Key = (String, Option<String>);

/// A reply that was made before the rehearsal.
#[derive(Clone, Debug)]
enum Made {
    /// The same to each request.
    Fixed(Reply),
    /// A result of a tool whose text ends with the parameters of the request.
    Echo(Json),
}

/// Why replies cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplyError {
    /// A reply for a step that there is not.
    #[error("there is no step `{step}`")]
    NoStep {
        /// The step.
        step: String,
        /// Those that there are.
        steps: Vec<String>,
    },
    /// Two steps ask for the same thing and are to be answered differently.
    #[error("the steps `{one}` and `{other}` send the same kind of request, so that they cannot get different replies")]
    SameRequest {
        /// A step.
        one: String,
        /// Another.
        other: String,
    },
    /// A reply that is not a result.
    #[error("the reply for `{0}` is not a JSON object, and a result of MCP is one")]
    NoObject(String),
    /// A defect of this program.
    #[error("the reply for `{0}` cannot be read back: {1}")]
    Unreadable(String, String),
}

impl Replies {
    /// Replies to the requests of `plan`: those in `given`, by the label of a
    /// step, and for the other steps replies that are made up.
    ///
    /// # Errors
    /// When `given` names a step that there is not, gives different replies to
    /// the same request, or holds something else than results.
    pub fn new(plan: &Plan, given: &BTreeMap<String, Json>) -> Result<Replies, ReplyError> {
        let requests: Vec<&Request> = plan.flows.iter().flat_map(|flow| flow.requests()).collect();
        let mut wishes: BTreeMap<Key, (Method, Wish)> = BTreeMap::new();
        for request in &requests {
            let wish = &mut wishes.entry(key(request)).or_insert_with(|| (request.method.clone(), Wish::default())).1;
            wish.add(request);
        }
        let mut messages: BTreeMap<Key, (bool, Json)> = BTreeMap::new();
        for (key, (method, wish)) in wishes {
            let echoes = wish.echo && wish.error.is_none() && matches!(method, Method::Call { .. });
            messages.insert(key, (echoes, message(&method, wish, plan)));
        }
        let mut givers: BTreeMap<Key, &str> = BTreeMap::new();
        for (label, result) in given {
            if !result.is_object() {
                return Err(ReplyError::NoObject(label.clone()));
            }
            let mut found = false;
            for request in requests.iter().filter(|request| request.label == *label) {
                found = true;
                let other = givers.insert(key(request), label).filter(|other| *other != label);
                if let Some(other) = other.filter(|other| given.get(*other) != Some(result)) {
                    return Err(ReplyError::SameRequest { one: other.to_owned(), other: label.clone() });
                }
                messages.insert(key(request), (false, json!({ "result": result })));
            }
            if !found {
                let mut steps: Vec<String> = requests.iter().map(|request| request.label.clone()).collect();
                steps.sort();
                steps.dedup();
                return Err(ReplyError::NoStep { step: label.clone(), steps });
            }
        }
        let mut by_key = BTreeMap::new();
        for (key, (echoes, message)) in messages {
            let reply = read(key.1.as_ref().unwrap_or(&key.0), message.clone())?;
            by_key.insert(key, if echoes { Made::Echo(message) } else { Made::Fixed(reply) });
        }
        Ok(Replies {
            by_key: Arc::new(by_key),
            fallback: read("any request", json!({ "result": {} }))?,
            failure: read("errors", json!({ "error": { "code": -32603, "message": "an error of the rehearsal" } }))?,
        })
    }

    /// The reply to a request.
    pub(super) fn find(&self, call: &Call<'_>, fails: bool) -> Reply {
        if fails {
            return self.failure.clone();
        }
        let exact = (call.method.to_owned(), call.name.map(str::to_owned));
        let any = (exact.0.clone(), None);
        match self.by_key.get(&exact).or_else(|| self.by_key.get(&any)) {
            Some(Made::Fixed(reply)) => reply.clone(),
            Some(Made::Echo(message)) => echo(message, call.params).unwrap_or_else(|| self.fallback.clone()),
            None => self.fallback.clone(),
        }
    }
}

/// The message with the parameters of the request at the end of its text.
fn echo(message: &Json, params: &[u8]) -> Option<Reply> {
    let mut message = message.clone();
    let Some(Json::String(text)) = message.pointer_mut("/result/content/0/text") else { return None };
    text.push('\n');
    text.push_str(&String::from_utf8_lossy(params));
    read("an echo", message).ok()
}

fn read(name: &str, mut message: Json) -> Result<Reply, ReplyError> {
    if let Some(members) = message.as_object_mut() {
        members.insert("jsonrpc".to_owned(), json!("2.0"));
        members.insert("id".to_owned(), json!(1));
    }
    Reply::from_message(message.to_string().into_bytes().into())
        .map_err(|reason| ReplyError::Unreadable(name.to_owned(), reason))
}

fn key(request: &Request) -> Key {
    let name = match &request.method {
        Method::Call { tool: name } | Method::Prompt { name } => Some(name.clone()),
        // An address that is put together differs from iteration to iteration.
        Method::Read { uri } => uri.as_const().map(crate::expr::Value::to_text),
        _ => None,
    };
    (request.method.wire().to_owned(), name)
}

/// A response that the wish is content with.
fn message(method: &Method, wish: Wish, plan: &Plan) -> Json {
    if let Some(error) = wish.error {
        return json!({ "error": error });
    }
    let structured = Some(wish.structured).filter(|structured| !structured.is_null());
    let text = wish.text.or_else(|| structured.as_ref().map(Json::to_string)).unwrap_or_else(|| PLACEHOLDER.to_owned());
    let mut result = match method {
        Method::Call { .. } => json!({ "content": [{ "type": "text", "text": text }] }),
        Method::Read { .. } => json!({ "contents": [{ "uri": "rehearsal:", "text": text }] }),
        Method::Prompt { .. } => {
            json!({ "messages": [{ "role": "user", "content": { "type": "text", "text": text } }] })
        }
        Method::Complete => json!({ "completion": { "values": [PLACEHOLDER] } }),
        Method::List { method, .. } => list(method, plan),
        Method::Subscribe { .. } | Method::Request { .. } => json!({}),
    };
    if let (Some(members), Some(structured)) = (result.as_object_mut(), structured) {
        members.insert("structuredContent".to_owned(), structured);
    }
    merge(&mut result, wish.result);
    json!({ "result": result })
}

/// What the plan uses, as a list of the server. It has one page.
fn list(method: &str, plan: &Plan) -> Json {
    let requests = || plan.flows.iter().flat_map(|flow| flow.requests());
    let named = |name: &str, wire: &str| {
        let mut names: Vec<String> = requests().map(key).filter(|key| key.0 == wire).filter_map(|key| key.1).collect();
        names.sort();
        names.dedup();
        names.into_iter().map(|value| json!({ name: value, "inputSchema": { "type": "object" } })).collect::<Vec<_>>()
    };
    match method {
        "tools/list" => json!({ "tools": named("name", "tools/call") }),
        "prompts/list" => json!({ "prompts": named("name", "prompts/get") }),
        "resources/list" => json!({ "resources": named("uri", "resources/read") }),
        "resources/templates/list" => json!({ "resourceTemplates": [] }),
        _ => json!({}),
    }
}
