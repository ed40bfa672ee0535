//! A server that is named on the command line, instead of a scenario file: connects,
//! lists, tries each call once, and has [`crate::starter`] write the scenario.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value as Json, json};

use super::args::{CompileArgs, InitArgs};
use super::complaint::Complaint;
use super::connect::{self, Children, Connected};
use super::files::Disk;
use super::load::{self, Loaded};
use super::{Done, exit, output, terminal};
use crate::diag::{Diagnostic, render};
use crate::starter::{self, Address, Call, LeftOut, MAX_READS, Starter, Tool};
use crate::text::Source;
use crate::transport::{
    self, AnyClient, AnyConnector, Client as _, Connector as _, HttpTarget, List, Listed, OpenError, PromptInfo,
    ResourceInfo, StdioTarget, Target, ToolInfo, list_all, probe,
};

/// A tool that takes longer than this answers too seldom in ten seconds to be
/// measured.
const TRIAL: Duration = Duration::from_secs(5);

/// What the scenario is called, in reports and in messages.
pub(super) const NAME: &str = "first";

/// A server that is named on the command line.
pub(super) struct Named {
    address: Address,
    /// The environment variable with its token.
    bearer: Option<String>,
}

/// The server that is meant, where it is not a file that is.
///
/// # Errors
/// When what looks like an address is none, or no target is given.
pub(super) fn named(
    target: Option<&str>,
    command: &[String],
    bearer: Option<&String>,
) -> Result<Option<Named>, Complaint> {
    let address = address(target, command)?;
    let Some(variable) = bearer else { return Ok(address.map(|address| Named { address, bearer: None })) };
    let Some(address) = address else {
        return Err(Complaint::usage("`--bearer` is for a server that is named by its URL")
            .help("write `auth bearer secret(\"NAME\")` in the `server` block of the file"));
    };
    // What is no name may be the token itself, which is shown to nobody.
    let name = variable.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !name || variable.starts_with(|c: char| c.is_ascii_digit()) || variable.is_empty() {
        return Err(Complaint::usage("`--bearer` takes the name of an environment variable, not a token")
            .help("put the token into a variable, and write `--bearer NAME`"));
    }
    if std::env::var_os(variable).is_none() {
        return Err(Complaint::usage("the environment variable that `--bearer` names is not set")
            .help("set it to the token before the run"));
    }
    Ok(Some(Named { address, bearer: Some(variable.clone()) }))
}

fn address(target: Option<&str>, command: &[String]) -> Result<Option<Address>, Complaint> {
    let usage = |error: String| Complaint::usage(error);
    let Some(target) = target else {
        StdioTarget::new(command.to_vec()).map_err(|error| usage(error.to_string()))?;
        return Ok(Some(Address::Stdio(command.to_vec())));
    };
    if target.contains("://") {
        HttpTarget::parse(target, Vec::new()).map_err(|error| usage(error.to_string()))?;
        return Ok(Some(Address::Http(target.to_owned())));
    }
    let with_scheme = format!("http://{target}");
    let port = target.split_once(':').is_some_and(|(_, rest)| rest.starts_with(|c: char| c.is_ascii_digit()));
    if port && !Path::new(target).exists() && HttpTarget::parse(&with_scheme, Vec::new()).is_ok() {
        return Err(usage(format!("`{target}` is neither a file nor an address"))
            .help(format!("write `{with_scheme}` for the server at that address")));
    }
    Ok(None)
}

/// The host of a server, unless it is this machine.
fn elsewhere(address: &Address) -> Option<String> {
    let (Address::Http(url) | Address::Sse(url)) = address else { return None };
    let target = HttpTarget::parse(url, Vec::new()).ok()?;
    (!target.is_loopback()).then(|| target.host().to_owned())
}

/// Refuses to put load on another machine: only a file can allow that.
///
/// # Errors
/// When the server is not on this machine.
pub(super) fn refuse_elsewhere(named: &Named) -> Result<(), Complaint> {
    match elsewhere(&named.address) {
        None => Ok(()),
        Some(host) => Err(Complaint::usage(format!("`{host}` is not this machine, and no file allows to load it"))
            .help(format!(
                "write a file with `{}`, and allow the host in its `guard`",
                init(&named.address, named.bearer.as_deref(), "--out first.mcpl")
            ))),
    }
}

/// What a look at a server has come to.
pub(super) struct Surveyed {
    /// The scenario file.
    pub(super) text: String,
    /// What it is made from.
    pub(super) starter: Starter,
    /// The server, ready for its load.
    pub(super) servers: Vec<Connected>,
}

/// Compiles a scenario that was made here.
///
/// # Errors
/// When `--set` is wrong, or the scenario is not accepted as it is.
pub(super) fn compile(text: &str, args: &CompileArgs) -> Result<Loaded, Complaint> {
    let source = Source::new("the scenario", text.to_owned());
    let loaded = load::compile(Path::new(NAME), &source, args, &Disk)?;
    let errors: Vec<Diagnostic> =
        loaded.lowered.diagnostics.iter().filter(|diagnostic| diagnostic.is_error()).cloned().collect();
    if loaded.lowered.plan.is_none() {
        terminal::note(&render::text(&loaded.source, &errors, terminal::stderr_style()));
        let help = match args.set.is_empty() {
            true => "write it to a file with `mcpl init`, and mend it there",
            false => "take other values for `--set`, or write the scenario to a file with `mcpl init`",
        };
        return Err(Complaint::usage("the scenario that was made for this server is not accepted").help(help));
    }
    Ok(loaded)
}

/// Connects to a server, lists what it offers, and tries what is to be called once,
/// if it is on this machine.
///
/// # Errors
/// When there is no server, or it offers nothing.
pub(super) async fn survey(
    named: Named,
    args: &CompileArgs,
    quiet: bool,
    children: &mut Children,
) -> Result<Surveyed, Complaint> {
    let Named { address, bearer } = named;
    let elsewhere = elsewhere(&address);
    // Before anything is sent, `--set` is held against the parameters that all these
    // scenarios have.
    let allowed = elsewhere.is_some();
    let unknown = Starter { elsewhere, allowed, bearer, ..Starter::unknown(address) };
    compile(&starter::scenario(&unknown), args)?;
    if !quiet {
        terminal::note("asking the server what it offers\n");
    }
    let unknown = Starter { address: spoken(unknown.address, unknown.bearer.as_deref()).await?, ..unknown };
    let loaded = compile(&starter::scenario(&unknown), args)?;
    let plan = loaded.lowered.plan.ok_or_else(|| Complaint::usage("the scenario cannot be compiled"))?;
    let servers = connect::connect(&plan, Path::new(""), children).await?;
    let server = servers.first().ok_or_else(|| Complaint::usage("the scenario has no server"))?;
    let mut starter = Starter {
        server: format!("{} {}", server.info.server_name, server.info.server_version).trim().to_owned(),
        allowed: false,
        lists: Vec::new(),
        ..unknown
    };
    let mirrors = server.mirrors;
    let tools: Vec<Tool> = server.tools.iter().map(|tool| described(tool, mirrors)).collect();
    (starter.calls, starter.left_out) = starter::choose(&tools, args.seed);
    look(&server.connector, &mut starter).await?;
    if starter.calls.is_empty() && starter.reads.is_empty() && starter.lists.is_empty() {
        return Err(Complaint::server("the server offers neither tools nor resources nor prompts")
            .help("look at it with `mcpl probe`; there is nothing to put under load"));
    }
    Ok(Surveyed { text: starter::scenario(&starter), starter, servers })
}

/// HTTP+SSE where the server speaks that instead of Streamable HTTP. Other trouble
/// is told by whoever connects.
///
/// # Errors
/// When the server wants a token that nobody has named.
async fn spoken(address: Address, bearer: Option<&str>) -> Result<Address, Complaint> {
    let Address::Http(url) = &address else { return Ok(address) };
    let token = bearer.and_then(|variable| std::env::var(variable).ok());
    let headers = token.map(|token| ("authorization".to_owned(), format!("Bearer {token}")));
    let Ok(target) = HttpTarget::parse(url, headers.into_iter().collect()) else { return Ok(address) };
    Ok(match probe(&Target::Http(target.clone())).await {
        Err(error @ OpenError::Unauthorized { .. }) if bearer.is_none() => {
            return Err(Complaint::server(error.to_string())
                .help("name the environment variable that holds a token with `--bearer NAME`"));
        }
        Err(OpenError::NotStreamable { .. }) if probe(&Target::Sse(target)).await.is_ok() => Address::Sse(url.clone()),
        _ => address,
    })
}

fn described(tool: &ToolInfo, mirrors: bool) -> Tool {
    Tool {
        name: tool.name.clone(),
        description: tool.description.clone(),
        schema: tool.input_schema.clone(),
        read_only: tool.hints.read_only,
        destructive: tool.hints.destructive,
        open_world: tool.hints.open_world,
        fault: tool.header_fault().filter(|_| mirrors),
    }
}

/// Lists what the server has, and leaves out what does not answer.
async fn look(connector: &AnyConnector, starter: &mut Starter) -> Result<(), Complaint> {
    let mut client = connector.client();
    let opened = open(&mut client).await?;
    let capabilities = opened.capabilities;
    let may_have = |what: &str| !capabilities.is_object() || capabilities.get(what).is_some();
    let mut lists: Vec<(&'static str, bool)> = Vec::new();
    if may_have("tools") {
        lists.extend(first_page::<ToolInfo>(&mut client).await.map(|tools| ("tools", !tools.is_empty())));
    }
    if may_have("resources")
        && let Some(resources) = first_page::<ResourceInfo>(&mut client).await
    {
        lists.push(("resources", !resources.is_empty()));
        starter.reads = resources.into_iter().take(MAX_READS).map(|resource| resource.uri).collect();
    }
    if may_have("prompts") {
        lists.extend(first_page::<PromptInfo>(&mut client).await.map(|prompts| ("prompts", !prompts.is_empty())));
    }
    if starter.elsewhere.is_none() {
        try_each(&mut client, starter).await?;
    }
    // Only a courtesy to the server.
    let _ = client.close().await;
    // Empty lists are asked for where there is nothing else.
    let nothing = starter.calls.is_empty() && starter.reads.is_empty() && lists.iter().all(|(_, some)| !some);
    starter.lists = lists.into_iter().filter(|(_, some)| *some || nothing).map(|(what, _)| what).collect();
    Ok(())
}

async fn open(client: &mut AnyClient) -> Result<transport::Opened, Complaint> {
    client.open().await.map_err(|error| {
        Complaint::server(format!("the server does not open another session: {error}"))
            .help("look at it with `mcpl probe`")
    })
}

async fn first_page<T: Listed>(client: &mut AnyClient) -> Option<Vec<T>> {
    list_all(client, TRIAL, 1).await.ok().map(|List { items, .. }| items)
}

/// Sends each call and each read once, one after the other, and keeps those that
/// are answered: an error is more likely about the arguments, which were made up,
/// than about the server.
async fn try_each(client: &mut AnyClient, starter: &mut Starter) -> Result<(), Complaint> {
    for call in std::mem::take(&mut starter.calls) {
        let Call { tool, arguments, .. } = &call;
        let params = json!({ "name": tool, "arguments": arguments });
        match attempt(client, "tools/call", tool, &params).await? {
            Ok(()) => starter.calls.push(call),
            Err(why) => starter.left_out.push(LeftOut { name: call.tool, why }),
        }
    }
    for uri in std::mem::take(&mut starter.reads) {
        match attempt(client, "resources/read", &uri, &json!({ "uri": uri })).await? {
            Ok(()) => starter.reads.push(uri),
            Err(why) => starter.left_out.push(LeftOut { name: uri, why }),
        }
    }
    Ok(())
}

/// One request; why it was not answered, if it was not.
async fn attempt(
    client: &mut AnyClient,
    method: &str,
    name: &str,
    params: &Json,
) -> Result<Result<(), String>, Complaint> {
    if !client.is_open() {
        open(client).await?;
    }
    let params = params.to_string();
    let call =
        transport::Call { method, name: Some(name), params: params.as_bytes(), timeout: TRIAL, ..Default::default() };
    Ok(match client.call(call).await.outcome {
        Err(failure) => Err(format!("tried once: {failure}")),
        Ok(reply) => match reply.error() {
            Some(error) => Err(format!("tried once: {error}")),
            None if reply.is_tool_error() => Err(format!("tried once: {}", words(reply.result().unwrap_or_default()))),
            None if reply.wants_input() => Err("asks something back before it answers".to_owned()),
            None => Ok(()),
        },
    })
}

/// The text of a tool's result.
fn words(result: &str) -> String {
    let result: Json = serde_json::from_str(result).unwrap_or_default();
    let texts = result.get("content").and_then(Json::as_array).into_iter().flatten();
    let text = texts.filter_map(|content| content.get("text")?.as_str()).next().unwrap_or_default();
    if text.trim().is_empty() { "a tool error without a text".to_owned() } else { text.to_owned() }
}

/// `mcpl init` for the server, as one would write it.
fn init(address: &Address, bearer: Option<&str>, options: &str) -> String {
    match address {
        Address::Http(url) | Address::Sse(url) => {
            let bearer = bearer.map(|variable| format!(" --bearer {variable}")).unwrap_or_default();
            format!("mcpl init {}{bearer} {options}", word(url))
        }
        Address::Stdio(command) => {
            let words: Vec<String> = command.iter().map(|text| word(text)).collect();
            format!("mcpl init {options} -- {}", words.join(" "))
        }
    }
}

/// A word as a shell takes it.
fn word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@=,+%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

impl Surveyed {
    /// The scenario, and how to keep it.
    pub(super) fn shown(&self) -> String {
        let mut out = "this scenario was made from what the server lists:\n\n".to_owned();
        for line in self.text.lines() {
            if !line.is_empty() {
                out.push_str("  ");
                out.push_str(line);
            }
            out.push('\n');
        }
        let keep = init(&self.starter.address, self.starter.bearer.as_deref(), "--out first.mcpl");
        format!("{out}\nto keep and change it: {keep}\n\n{}", self.told())
    }

    /// What the scenario does without.
    fn told(&self) -> String {
        let Starter { calls, left_out, .. } = &self.starter;
        if left_out.is_empty() {
            return String::new();
        }
        let names: Vec<&str> = left_out.iter().take(NAMED).map(|left| left.name.as_str()).collect();
        let more = left_out.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let line = format!("{} called, {} left out: {}{more}", tools(calls.len()), left_out.len(), names.join(", "));
        format!("note: {}; the scenario says why\n", terminal::printable(&line).replace('\n', " "))
    }
}

/// Names in the note on what was left out.
const NAMED: usize = 8;

fn tools(count: usize) -> String {
    if count == 1 { "1 tool is".to_owned() } else { format!("{count} tools are") }
}

/// `mcpl init`: writes a scenario for a server.
pub(super) fn run(args: &InitArgs) -> Done {
    let Some(named) = named(args.url.as_deref(), &args.command, args.bearer.as_ref())? else {
        let given = args.url.as_deref().unwrap_or_default();
        return Err(Complaint::usage(format!("`{given}` is no address of a server"))
            .help("write a URL such as `http://127.0.0.1:8931/mcp`, or `-- COMMAND`"));
    };
    if let Some(path) = &args.out {
        if !args.force && path.symlink_metadata().is_ok() {
            return Err(Complaint::usage(format!("`{}` exists", path.display()))
                .help("choose another file, or write over it with `--force`"));
        }
        output::check_writable(path)?;
    }
    let compile = CompileArgs { set: Vec::new(), seed: args.seed };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Complaint::server(format!("cannot start: {error}")))?;
    let mut children = Children::default();
    let surveyed = runtime.block_on(survey(named, &compile, false, &mut children));
    runtime.block_on(children.stop());
    let surveyed = surveyed?;
    match &args.out {
        None => terminal::print(&surveyed.text)?,
        Some(path) => {
            let shown = path.display().to_string();
            output::write(path, &surveyed.text)
                .map_err(|error| Complaint::usage(format!("cannot write `{shown}`: {}", output::plain(&error))))?;
            terminal::note(&format!("wrote {shown}: look at it, then `mcpl run {}`\n", word(&shown)));
        }
    }
    terminal::note(&surveyed.told());
    Ok(exit::OK)
}
