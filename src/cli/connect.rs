//! From the servers of a plan to connectors: starts what is built in, puts
//! secrets into headers, finds the revision, lists the tools.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use super::census::Root;
use super::complaint::Complaint;
use super::launch::{self, Launched};
use super::offer::{self, Offered, Wants};
use super::output::plain;
use super::{proxy, token};
use crate::plan::{Auth, Endpoint, Guard, Plan, Server, TextPart, Tls};
use crate::results::ServerInfo;
use crate::transport::{
    AnyConnector, Client as _, Connector as _, Failure, HttpTarget, OpenError, Opened, Probe, Revision, StdioTarget,
    Target, TlsClient, TlsOptions, ToolInfo, UnknownRevision, list_tools, probe,
};

/// A built-in server that has not begun to listen after this long never will.
const BUILTIN_START: Duration = Duration::from_secs(10);

/// A server that is ready to be put under load.
pub(super) struct Connected {
    pub(super) connector: AnyConnector,
    pub(super) info: ServerInfo,
    pub(super) tools: Vec<ToolInfo>,
    /// Whether calls repeat arguments in headers as the tools ask.
    pub(super) mirrors: bool,
    /// What was asked of its token endpoint, if it has one.
    pub(super) tokens: Option<token::Renewal>,
    /// What else it lists, as far as the plan needs it.
    pub(super) offered: Offered,
    /// What it says that it can do, in each revision that is spoken.
    pub(super) capabilities: Vec<(Revision, serde_json::Value)>,
    /// Its processes, where they are known.
    pub(super) root: Option<Root>,
}

/// The built-in servers of a run. They end when this is dropped, and also when
/// this process dies: their standard input ends with it.
#[derive(Default)]
pub(super) struct Children {
    children: Vec<Child>,
    launched: Vec<Launched>,
}

impl Connected {
    /// The server as it has presented itself, and the tokens that it took so far.
    pub(super) fn presented(&self) -> ServerInfo {
        ServerInfo { tokens: self.tokens.as_ref().map(token::Renewal::so_far), ..self.info.clone() }
    }
}

/// Connects to every server of the plan. A relative `cwd` counts from `beside`,
/// the directory of the scenario file.
///
/// # Errors
/// When a server cannot be started or reached, or a secret is not set.
pub(super) async fn connect(plan: &Plan, beside: &Path, children: &mut Children) -> Result<Vec<Connected>, Complaint> {
    let mut connected = Vec::new();
    for (index, server) in plan.servers.iter().enumerate() {
        connected.push(connect_one(server, &plan.guard, Wants::of(plan, index), beside, children).await?);
    }
    Ok(connected)
}

async fn connect_one(
    server: &Server,
    guard: &Guard,
    wants: Wants,
    beside: &Path,
    children: &mut Children,
) -> Result<Connected, Complaint> {
    let (mut target, root) = target(server, guard, beside, children).await?;
    let tokens = match (&server.auth, &server.endpoint, &mut target) {
        (
            Some(Auth::Oauth(oauth)),
            Endpoint::Http { url } | Endpoint::Sse { url },
            Target::Http(target) | Target::Sse(target),
        ) => {
            let (bearer, renewal) = token::begin(oauth, (server, url, &*target), guard, beside).await?;
            target.bearer = Some(bearer);
            Some(renewal)
        }
        _ => None,
    };
    let pinned = pinned(server)?;
    let probed = match pinned.is_empty() {
        true => Some(probe(&target).await.map_err(|error| refused(server, &error))?),
        // Only the probe asks a modern server for its name; without an answer it
        // stays unknown.
        false if pinned.iter().any(|revision| revision.is_modern()) => probe(&target).await.ok(),
        false => None,
    };
    let revisions = match &probed {
        Some(probed) if pinned.is_empty() => vec![probed.revision],
        _ => pinned,
    };
    let mut greeted = Vec::new();
    for revision in revisions {
        greeted.push(greet(server, &target, revision, probed.as_ref(), wants).await?);
    }
    let revision = spoken(server, &greeted)?;
    let said = |greeted: &Greeted| (greeted.opened.revision, greeted.opened.capabilities.clone());
    let mut capabilities: Vec<_> = greeted.iter().map(said).collect();
    // Over HTTP only the probe asks a modern server.
    for (_, own) in capabilities.iter_mut().filter(|(revision, own)| revision.is_modern() && own.is_null()) {
        *own = probed.as_ref().map(|probed| probed.capabilities.clone()).unwrap_or_default();
    }
    let mut greeted = greeted.into_iter();
    let Some(Greeted { mut connector, opened, mut tools, mut mirrors, offered }) = greeted.next() else {
        return Err(Complaint::usage(format!("server `{}` has no revision", server.name)));
    };
    for other in greeted {
        mirrors |= other.mirrors;
        connector = connector.mixed(vec![other.connector]);
        // What is called is called in every revision.
        tools.retain_mut(|tool| {
            let same = other.tools.iter().find(|same| same.name == tool.name);
            tool.hints.read_only &= same.is_some_and(|other| other.hints.read_only);
            if let Some(other_tool) = same.filter(|_| other.opened.revision.asks_for_tasks()) {
                tool.task_support = other_tool.task_support;
            }
            same.is_some()
        });
    }
    let named = Some(opened.server).filter(|server| !server.name.is_empty()).or(probed.map(|probe| probe.server));
    let named = named.unwrap_or_default();
    let info = ServerInfo {
        name: server.name.clone(),
        transport: match &target {
            Target::Http(_) => "http".to_owned(),
            Target::Sse(_) => "sse".to_owned(),
            Target::Stdio(_) => "stdio".to_owned(),
        },
        revision,
        server_name: named.name,
        server_version: named.version,
        tools: tools.len(),
        tokens: None,
    };
    Ok(Connected { connector, info, tools, mirrors, offered, tokens, capabilities, root })
}

/// The revisions that the file pins; none where the server is to be asked.
fn pinned(server: &Server) -> Result<Vec<Revision>, Complaint> {
    let mixed = server.revisions.iter().map(|share| share.revision.as_str());
    let parse = |text: &str| text.parse().map_err(|error: UnknownRevision| Complaint::usage(error.to_string()));
    server.protocol.as_deref().into_iter().chain(mixed).map(parse).collect()
}

/// A server that has answered in one revision.
struct Greeted {
    connector: AnyConnector,
    opened: Opened,
    tools: Vec<ToolInfo>,
    mirrors: bool,
    offered: Offered,
}

/// Opens a session in one revision, and lists what the server offers in it.
async fn greet(
    server: &Server,
    target: &Target,
    revision: Revision,
    probed: Option<&Probe>,
    wants: Wants,
) -> Result<Greeted, Complaint> {
    let connector = AnyConnector::answering(target, revision, crate::engine::answers(server));
    let mut client = connector.client();
    let opened = client.open().await.map_err(|error| refused(server, &error))?;
    let timeout = Duration::from_nanos(server.timeout_ns);
    let tools = match list_tools(&mut client, timeout).await {
        Ok(tools) => tools,
        Err(failure) if lacks_tools(&opened, probed, &failure) => Vec::new(),
        Err(failure) => {
            return Err(Complaint::server(format!("server `{}`: tools/list: {failure}", server.name))
                .help("check that the server is healthy; mcpl lists the tools to keep the guard"));
        }
    };
    let capabilities = [Some(&opened.capabilities), probed.map(|probe| &probe.capabilities)];
    let offered = offer::list(&mut client, wants, &capabilities, timeout, &server.name).await;
    // Only a courtesy to the server, which gets rid of one session.
    let _ = client.close().await;
    let mirrors = matches!(target, Target::Http(_)) && opened.revision.is_modern();
    Ok(Greeted { connector: connector.mirroring(&tools), opened, tools, mirrors, offered })
}

/// The revision that is spoken, or the shares of several. Where they are mixed,
/// each must be the one that was asked for.
fn spoken(server: &Server, greeted: &[Greeted]) -> Result<String, Complaint> {
    if server.revisions.is_empty() {
        return Ok(greeted.first().map(|only| only.opened.revision.to_string()).unwrap_or_default());
    }
    let whole: u32 = server.revisions.iter().map(|share| share.slots).sum();
    let mut parts = Vec::new();
    for (share, Greeted { opened, .. }) in server.revisions.iter().zip(greeted) {
        if opened.revision.as_str() != share.revision {
            let (asked, given) = (&share.revision, opened.revision);
            return Err(Complaint::server(format!("server `{}` answers {asked} with {given}", server.name))
                .help("mix only revisions that the server speaks; `mcpl probe` lists them"));
        }
        let percent = (f64::from(share.slots) * 1e5 / f64::from(whole)).round() / 1e3;
        parts.push(format!("{percent}% {}", share.revision));
    }
    Ok(parts.join(", "))
}

fn refused(server: &Server, error: &OpenError) -> Complaint {
    let help = match error {
        OpenError::Unauthorized { .. } if server.auth.is_some() => {
            "ask for the `scopes` that the server wants: it did not accept the token".to_owned()
        }
        error => hint(&server.endpoint, error),
    };
    Complaint::server(format!("server `{}`: {error}", server.name)).help(help)
}

/// A server without tools may refuse to list them.
fn lacks_tools(opened: &Opened, probed: Option<&Probe>, failure: &Failure) -> bool {
    let known = [Some(&opened.capabilities), probed.map(|probe| &probe.capabilities)];
    let mut known = known.into_iter().flatten().filter(|capabilities| capabilities.is_object()).peekable();
    known.peek().is_some()
        && known.all(|capabilities| capabilities.get("tools").is_none())
        && failure.class() != "connect"
}

pub(super) fn hint(endpoint: &Endpoint, error: &OpenError) -> String {
    let class = error.class();
    match (endpoint, error) {
        _ if class == "local" => "raise that limit, and see what else on this machine is using it up".to_owned(),
        (_, OpenError::Unauthorized { .. }) => {
            "send credentials with `header \"Authorization\" f\"Bearer {secret(\"TOKEN\")}\"`".to_owned()
        }
        (_, OpenError::Version { .. }) => "name a revision that both sides speak with `protocol`".to_owned(),
        (Endpoint::Http { url } | Endpoint::Sse { url }, _) if class == "connect" => {
            format!("check that the server runs and that `{url}` is its address")
        }
        (Endpoint::Http { url } | Endpoint::Sse { url }, _) => {
            format!("check that `{url}` is the address of an MCP server, with its path")
        }
        (Endpoint::Stdio { command, .. }, _) => {
            format!("check that `{}` starts an MCP server on its standard streams", command.join(" "))
        }
        (Endpoint::Builtin { .. }, _) => "report this as a defect of mcpl".to_owned(),
    }
}

/// Where a server is, and which processes are its own as far as that is known.
async fn target(
    server: &Server,
    guard: &Guard,
    beside: &Path,
    children: &mut Children,
) -> Result<(Target, Option<Root>), Complaint> {
    let own = |error: String| Complaint::usage(format!("server `{}`: {error}", server.name));
    let opening = Duration::from_nanos(server.connect_timeout_ns);
    match &server.endpoint {
        Endpoint::Http { url } | Endpoint::Sse { url } => {
            let mut root = server.pid.map(Root::Process);
            if let Some(launch) = &server.launch {
                let launched = launch::launch(launch, url, beside).await;
                let launched = launched.map_err(|complaint| complaint.about(&server.name))?;
                root = launched.pid().map(Root::Process);
                children.launched.push(launched);
            }
            let mut target = http(server, url, beside).map_err(own)?;
            if let Some(proxy) = proxy::of(server, guard, url)? {
                target = target.through(proxy);
            }
            let is_sse = matches!(server.endpoint, Endpoint::Sse { .. });
            Ok((if is_sse { Target::Sse(target) } else { Target::Http(target) }, root))
        }
        Endpoint::Stdio { command, env, cwd } => {
            let mut target = StdioTarget::new(command.clone()).map_err(|error| own(error.to_string()))?;
            for (key, value) in env {
                target.env.push((key.clone(), secret_text(value).map_err(own)?));
            }
            // Like every path of a scenario file, those in a command count from its
            // directory.
            let directory = beside.join(cwd.as_deref().unwrap_or_default());
            target.cwd = Some(directory).filter(|directory| !directory.as_os_str().is_empty());
            target.open_timeout = opening;
            Ok(child(target))
        }
        Endpoint::Builtin { name, options, stdio } => {
            let program = std::env::current_exe()
                .map_err(|error| Complaint::server(format!("cannot find this program to start `{name}`: {error}")))?;
            let program = program.to_string_lossy().into_owned();
            let serve = [program, "serve".to_owned(), name.clone()];
            if *stdio {
                let command = serve.into_iter().chain(["--stdio".to_owned()]).chain(options.iter().cloned()).collect();
                let mut target = StdioTarget::new(command).map_err(|error| own(error.to_string()))?;
                target.open_timeout = opening;
                return Ok(child(target));
            }
            let (url, pid) = children.start(serve, options).await?;
            Ok((Target::Http(http(server, &url, beside).map_err(own)?), pid.map(Root::Process)))
        }
    }
}

/// A server that is a child for each session.
fn child(target: StdioTarget) -> (Target, Option<Root>) {
    let root = Root::Children(target.children.clone());
    (Target::Stdio(target), Some(root))
}

fn http(server: &Server, url: &str, beside: &Path) -> Result<HttpTarget, String> {
    let mut headers = Vec::new();
    for header in &server.headers {
        headers.push((header.name.clone(), secret_text(&header.value)?));
    }
    let mut target = HttpTarget::parse(url, headers).map_err(|error| error.to_string())?;
    if let Some(tls) = &server.tls {
        let client = tls_client(tls, beside)?;
        target = target.with_tls(client);
    }
    let opening = Duration::from_nanos(server.connect_timeout_ns);
    target.quickack = server.quickack;
    target.connect_timeout = opening;
    target.open_timeout = opening;
    Ok(target)
}

/// Whom the file trusts and who it says that it is. Its paths count from its
/// directory.
pub(super) fn tls_client(tls: &Tls, beside: &Path) -> Result<TlsClient, String> {
    let read = |path: &String| {
        let path = beside.join(path);
        std::fs::read(&path).map_err(|error| format!("cannot read `{}`: {}", path.display(), plain(&error)))
    };
    let identity = match &tls.cert {
        Some((certificate, key)) => Some((read(certificate)?, read(key)?)),
        None => None,
    };
    let ca = tls.ca.as_ref().map(read).transpose()?;
    TlsClient::new(&TlsOptions { ca, identity, insecure: tls.insecure }).map_err(|error| error.to_string())
}

/// Puts a text together that may hold secrets. Nothing else reads their values.
pub(super) fn secret_text(parts: &[TextPart]) -> Result<String, String> {
    let mut text = String::new();
    for part in parts {
        match part {
            TextPart::Text(part) => text.push_str(part),
            TextPart::Secret(name) => {
                text.push_str(&std::env::var(name).map_err(|_| {
                    format!("the secret `{name}` is not set: set the environment variable before the run")
                })?)
            }
        }
    }
    Ok(text)
}

impl Children {
    /// Ends the servers that were launched. The built-in ones end by themselves.
    pub(super) async fn stop(&mut self) {
        for launched in &mut self.launched {
            launched.stop().await;
        }
        self.launched.clear();
    }

    /// Starts a built-in server on a free loopback port and returns its URL, and the
    /// number of its process.
    async fn start(&mut self, serve: [String; 3], options: &[String]) -> Result<(String, Option<u32>), Complaint> {
        let [program, verb, name] = serve;
        let failed =
            |reason: String| Complaint::server(format!("the built-in server `{name}` did not start: {reason}"));
        let mut child = Command::new(program)
            .args([&verb, &name])
            .args(["--http", "0", "--until-stdin-ends"])
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            // Ctrl-C in a terminal is for this process: the server has to serve
            // the drain.
            .process_group(0)
            .spawn()
            .map_err(|error| failed(plain(&error)))?;
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            let mut reader = BufReader::new(stdout);
            let read = tokio::time::timeout(BUILTIN_START, reader.read_line(&mut line)).await;
            if read.is_err() {
                return Err(failed("it does not listen".to_owned()));
            }
        }
        match line.trim().strip_prefix("listening on ") {
            Some(url) => {
                let pid = child.id();
                self.children.push(child);
                Ok((url.to_owned(), pid))
            }
            None => {
                let output = child.wait_with_output().await.map_err(|error| failed(plain(&error)))?;
                let words = String::from_utf8_lossy(&output.stderr);
                Err(failed(words.trim().trim_start_matches("error: ").to_owned()))
            }
        }
    }
}
