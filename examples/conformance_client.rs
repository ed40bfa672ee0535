//! The client of mcpl under the official conformance suite.
//!
//! The suite starts a server, runs this with the server's address as the last
//! argument, and looks at what arrives. The transport does what a load generator
//! needs and no more, so whatever a scenario wants beyond that is done here, as
//! a scenario file would say it: list, call, read, get.

#![allow(clippy::print_stderr, reason = "the suite keeps what the client says")]

use std::error::Error;
use std::time::{Duration, SystemTime};

use mcpl::transport::{
    Answers, AnyClient, AnyConnector, Bearer, Call, Client as _, ClientKey, Connector as _, Credential, HttpTarget,
    PromptInfo, Question, ResourceInfo, Revision, Target, TokenSource, ToolInfo, discover, list_all, list_tools, probe,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// How long an answer may take: the suite waits 30 s for all of them.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Lists have pages; those of the suite have one or two.
const MAX_PAGES: usize = 10;

/// A server may ask again after each answer.
const MAX_ROUNDS: usize = 5;

/// The tool to which a schema is sent back.
const ECHO: &str = "json_schema_echo";

/// What the suite says about a scenario, as far as it matters here.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Context {
    /// The calls to make; every tool is called once where there are none.
    #[serde(default)]
    tool_calls: Vec<ToolCall>,
    /// Who is to ask for a token; nobody where there is none.
    #[serde(default, rename = "client_id")]
    client_id: Option<String>,
    /// What proves it.
    #[serde(default, rename = "client_secret")]
    client_secret: Option<String>,
    /// The same, where it is a key.
    #[serde(default, rename = "private_key_pem")]
    private_key_pem: Option<String>,
}

impl Context {
    /// What proves who asks for a token.
    fn credential(&self) -> Result<Option<Credential>, Box<dyn Error>> {
        if let Some(pem) = &self.private_key_pem {
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
            return Ok(Some(Credential::Key(ClientKey::new(pem.as_bytes(), now)?)));
        }
        Ok(self.client_secret.clone().map(Credential::Secret))
    }
}

#[derive(Deserialize)]
struct ToolCall {
    name: String,
    #[serde(default)]
    arguments: Map<String, Value>,
}

/// A value that fits a schema, as far as the tools of the suite need it.
fn example(schema: &Value) -> Value {
    if let Some(value) = schema.get("default").or_else(|| schema.get("const")).or_else(|| schema.pointer("/enum/0")) {
        return value.clone();
    }
    match schema.get("type").and_then(Value::as_str) {
        Some("number" | "integer") => json!(1),
        Some("boolean") => json!(true),
        Some("array") => json!([]),
        Some("object") => Value::Object(examples(schema)),
        _ => json!("word"),
    }
}

/// Values for the properties of a schema.
fn examples(schema: &Value) -> Map<String, Value> {
    let properties = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
    properties.map(|(name, schema)| (name.clone(), example(schema))).collect()
}

/// A client, and what it answers when it is asked.
struct User {
    client: AnyClient,
    answers: Answers,
}

/// What a result asks for before it is complete.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wanted {
    #[serde(default)]
    result_type: String,
    #[serde(default)]
    input_requests: Map<String, Value>,
    request_state: Option<String>,
}

impl User {
    /// Sends a request, again with answers while the server wants them, and says
    /// what became of it; a refusal is an answer too.
    async fn request(&mut self, method: &str, name: &str, mut params: Value) -> Result<(), Box<dyn Error>> {
        for _ in 0..MAX_ROUNDS {
            let text = params.to_string();
            let call = Call { method, name: Some(name), params: text.as_bytes(), timeout: TIMEOUT, ..Call::default() };
            let reply = self.client.call(call).await.outcome?;
            if let Some(error) = reply.error() {
                eprintln!("{method} {name}: {error}");
                return Ok(());
            }
            let result = reply.result().unwrap_or_default();
            eprintln!("{method} {name}: {result}");
            let wanted: Wanted = serde_json::from_str(result)?;
            let Some(members) = params.as_object_mut().filter(|_| wanted.result_type == "input_required") else {
                return Ok(());
            };
            members.insert("inputResponses".to_owned(), self.respond(&wanted)?);
            match wanted.request_state {
                Some(state) => members.insert("requestState".to_owned(), json!(state)),
                None => members.remove("requestState"),
            };
        }
        Err("the server wants input without end".into())
    }

    /// The answers to what a result asks for.
    fn respond(&self, wanted: &Wanted) -> Result<Value, Box<dyn Error>> {
        let mut responses = Map::new();
        for (key, asked) in &wanted.input_requests {
            let question = asked.get("method").and_then(Value::as_str).and_then(Question::of_method);
            let params = asked.get("params").map(Value::to_string);
            let answer = question.and_then(|question| self.answers.answer(question, params.as_deref()));
            let answer = answer.ok_or_else(|| format!("no answer to {asked}"))?;
            responses.insert(key.clone(), serde_json::from_str(&answer)?);
        }
        Ok(Value::Object(responses))
    }
}

async fn call_tools(user: &mut User, tools: Vec<ToolInfo>, context: Context) -> Result<(), Box<dyn Error>> {
    let mut calls = context.tool_calls;
    if calls.is_empty() {
        let first = tools.first().map(|tool| tool.input_schema.clone());
        calls.extend(tools.into_iter().map(|tool| {
            let mut arguments = examples(&tool.input_schema);
            // This one wants the schema of the other, as it was received.
            if let (ECHO, Some(schema)) = (tool.name.as_str(), &first) {
                arguments.insert("schema".to_owned(), schema.clone());
            }
            ToolCall { name: tool.name, arguments }
        }));
    }
    for ToolCall { name, arguments } in calls {
        let params = json!({ "name": name, "arguments": arguments });
        user.request("tools/call", &name, params).await?;
    }
    Ok(())
}

/// Reads the resources and gets the prompts, where there are any.
async fn read_and_get(user: &mut User) -> Result<(), Box<dyn Error>> {
    for ResourceInfo { uri } in list_all(&mut user.client, TIMEOUT, MAX_PAGES).await?.items {
        user.request("resources/read", &uri, json!({ "uri": uri })).await?;
    }
    for PromptInfo { name, arguments } in list_all(&mut user.client, TIMEOUT, MAX_PAGES).await?.items {
        let given: Map<String, Value> = arguments.into_iter().map(|known| (known.name, json!("word"))).collect();
        user.request("prompts/get", &name, json!({ "name": name, "arguments": given })).await?;
    }
    Ok(())
}

/// A token for the server, as `auth oauth` without a `token_url` gets one.
async fn token(url: &str, target: &HttpTarget, id: &str, credential: Credential) -> Result<Bearer, Box<dyn Error>> {
    let reach = async |place: &str| HttpTarget::parse(place, Vec::new()).map_err(|error| error.to_string());
    let found = discover((url, target, false), credential, reach, TIMEOUT).await?;
    let endpoint = HttpTarget::parse(&found.token_url, Vec::new())?;
    let mut source = TokenSource::new(endpoint, id, found.auth, &found.scopes, &found.resource)?;
    Ok(Bearer::new(&source.token(TIMEOUT).await?))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let variable = |name: &str| std::env::var(format!("MCP_CONFORMANCE_{name}")).ok();
    let url = std::env::args().next_back().ok_or("the last argument is the address of a server")?;
    let scenario = variable("SCENARIO").unwrap_or_default();
    let context: Context = match variable("CONTEXT") {
        Some(context) => serde_json::from_str(&context)?,
        None => Context::default(),
    };
    let mut target = HttpTarget::parse(&url, Vec::new())?;
    if let (Some(id), Some(credential)) = (&context.client_id, context.credential()?) {
        target.bearer = Some(token(&url, &target, id, credential).await?);
    }
    let target = Target::Http(target);
    let revision: Revision = match variable("PROTOCOL_VERSION") {
        // Servers may refuse the first revision that they are asked for.
        Some(revision) if scenario != "request-metadata" => revision.parse()?,
        _ => probe(&target).await?.revision,
    };
    // Forms are accepted as they are, with their defaults.
    let answers = Answers::new(None, [(Question::Elicitation, r#"{"action":"accept"}"#)].into_iter());
    let connector = AnyConnector::answering(&target, revision, answers.clone());
    let mut client = connector.client();
    client.open().await?;
    if scenario.starts_with("elicitation-") {
        // The server asks on the stream of the session, not on that of the call.
        client.hold_stream().await;
    }
    let mut tools = list_tools(&mut client, TIMEOUT).await?;
    if revision.is_modern() {
        // There is no session: another client goes on, which repeats arguments in
        // headers. Tools that ask for impossible ones are as good as not listed.
        tools.retain(|tool| {
            tool.header_fault().is_none_or(|fault| {
                eprintln!("{}: {fault}", tool.name);
                false
            })
        });
        client = connector.mirroring(&tools).client();
        client.open().await?;
    }
    let mut user = User { client, answers };
    call_tools(&mut user, tools, context).await?;
    if scenario.starts_with("http-") {
        read_and_get(&mut user).await?;
    }
    user.client.close().await?;
    Ok(())
}
