//! `mcpl probe`: what a server is, what it offers, what it costs to reach, and
//! what is wrong with its answers. A few requests, none of which changes anything.

use std::fmt::Write as _;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value as Json;

use super::args::ProbeArgs;
use super::complaint::Complaint;
use super::connect::hint;
use super::terminal::{self, printable};
use super::{Done, exit};
use crate::plan::Endpoint;
use crate::transport::{
    AnyClient, AnyConnector, Call, Client as _, Connector as _, HttpTarget, OpenError, Revision, StdioTarget, Target,
    probe,
};
use crate::units;
use crate::violation::Violations;

/// Lists have pages; a cursor that never ends is a defect.
const MAX_PAGES: usize = 100;

/// Names of tools that are printed.
const NAMES_SHOWN: usize = 12;

/// What is known of a server.
#[derive(Debug, Serialize)]
struct Found {
    /// Its name, where it gives one.
    name: String,
    /// Its version, where it gives one.
    version: String,
    /// `http` or `stdio`.
    transport: &'static str,
    /// The revision that `protocol auto` would take.
    revision: Revision,
    /// Each revision that it speaks, with what a session takes to open.
    revisions: Vec<Opening>,
    /// What it says that it can do.
    capabilities: Json,
    /// What it lists.
    lists: Vec<List>,
    /// What is wrong with its answers.
    violations: Vec<Wrong>,
}

/// What it takes to open a session.
#[derive(Debug, Serialize)]
struct Opening {
    revision: Revision,
    /// Connecting, or starting the child, in nanoseconds.
    connect_ns: u64,
    /// The handshake after that, in nanoseconds.
    session_ns: u64,
}

/// One list of a server.
#[derive(Debug, Serialize)]
struct List {
    what: &'static str,
    count: usize,
    pages: usize,
    /// All pages together, in nanoseconds.
    took_ns: u64,
    names: Vec<String>,
    /// Of tools: those that claim to change nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    read_only: Option<usize>,
    /// Why there is no list, or not all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<String>,
}

/// Violations of one kind.
#[derive(Debug, Serialize)]
struct Wrong {
    kind: &'static str,
    count: u32,
    example: String,
    rule: &'static str,
}

/// Lists by the capability that announces them: what they are of, the method, the
/// member of its result, and the member of each entry that names it.
const LISTS: [(&str, &str, &str, &str, &str); 4] = [
    ("tools", "tools", "tools/list", "tools", "name"),
    ("resources", "resources", "resources/list", "resources", "uri"),
    ("resources", "templates", "resources/templates/list", "resourceTemplates", "uriTemplate"),
    ("prompts", "prompts", "prompts/list", "prompts", "name"),
];

/// Runs the command.
///
/// # Errors
/// When the target is none, or there is no server.
pub(super) fn run(args: &ProbeArgs) -> Done {
    let target = target(args)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Complaint::server(format!("cannot start: {error}")))?;
    let found = tokio::task::LocalSet::new().block_on(&runtime, look(&target, args.timeout));
    let found = found.map_err(|error| Complaint::server(error.to_string()).help(hint(&endpoint(args), &error)))?;
    if args.json {
        let json = serde_json::to_string_pretty(&found).unwrap_or_default();
        terminal::print(&format!("{json}\n"))?;
    } else {
        terminal::print(&text(&found))?;
    }
    Ok(exit::OK)
}

fn target(args: &ProbeArgs) -> Result<Target, Complaint> {
    let bad = |error: String| Complaint::usage(error);
    if let Some(url) = &args.url {
        let split = |header: &String| match header.split_once(':') {
            Some((name, value)) => Ok((name.trim().to_owned(), value.trim().to_owned())),
            None => Err(bad(format!("`{header}` is no header")).help("write `--header \"Name: value\"`")),
        };
        let headers = args.header.iter().map(split).collect::<Result<_, _>>()?;
        let mut target = HttpTarget::parse(url, headers).map_err(|error| bad(error.to_string()))?;
        (target.connect_timeout, target.open_timeout) = (args.timeout, args.timeout);
        return Ok(Target::Http(target));
    }
    let mut target = StdioTarget::new(args.command.clone()).map_err(|error| bad(error.to_string()))?;
    target.open_timeout = args.timeout;
    Ok(Target::Stdio(target))
}

/// The target as a scenario file would have it, for advice.
fn endpoint(args: &ProbeArgs) -> Endpoint {
    match &args.url {
        Some(url) => Endpoint::Http { url: url.clone() },
        None => Endpoint::Stdio { command: args.command.clone(), env: Vec::new(), cwd: None },
    }
}

async fn look(target: &Target, timeout: Duration) -> Result<Found, OpenError> {
    let probed = probe(target).await?;
    let mut revisions = Vec::new();
    let mut found = None;
    // A modern session opens without a word, so whether a server speaks it is what
    // the probe has found.
    let spoken = |revision: &Revision| !revision.is_modern() || probed.revision.is_modern();
    for revision in Revision::ALL.into_iter().filter(spoken) {
        let mut client = AnyConnector::new(target, revision).client();
        // Another revision than the one asked for is found when its turn comes.
        if let Ok(opened) = client.open().await
            && opened.revision == revision
        {
            let (connect_ns, session_ns) = (nanos(opened.connect), nanos(opened.session));
            if revision == probed.revision {
                let known = [&opened.capabilities, &probed.capabilities];
                let capabilities = known.into_iter().find(|known| known.is_object()).cloned().unwrap_or_default();
                let (lists, violations) = lists(&mut client, &capabilities, timeout).await;
                found = Some((opened.server, capabilities, lists, violations));
            }
            revisions.push(Opening { revision, connect_ns, session_ns });
        }
        // Only a courtesy to the server.
        let _ = client.close().await;
    }
    let (server, capabilities, lists, violations) = found
        .unwrap_or_else(|| (probed.server.clone(), probed.capabilities.clone(), Vec::new(), Violations::default()));
    let server = if server.name.is_empty() { probed.server } else { server };
    Ok(Found {
        name: server.name,
        version: server.version,
        transport: match target {
            Target::Http(_) => "http",
            Target::Sse(_) => "sse",
            Target::Stdio(_) => "stdio",
        },
        revision: probed.revision,
        revisions,
        capabilities,
        lists,
        violations: wrong(&violations),
    })
}

async fn lists(client: &mut AnyClient, capabilities: &Json, timeout: Duration) -> (Vec<List>, Violations) {
    let (mut lists, mut violations) = (Vec::new(), Violations::default());
    for (capability, what, method, member, name) in LISTS {
        // A server that announces nothing at all may have everything.
        if capabilities.is_object() && capabilities.get(capability).is_none() {
            continue;
        }
        let mut list = List { what, count: 0, pages: 0, took_ns: 0, names: Vec::new(), read_only: None, failure: None };
        let mut entries = Vec::new();
        let mut cursor = None;
        while list.pages < MAX_PAGES {
            let params = cursor
                .take()
                .map_or_else(|| "{}".to_owned(), |cursor| Json::from_iter([("cursor", cursor)]).to_string());
            let exchange = client.call(Call { method, params: params.as_bytes(), timeout, ..Call::default() }).await;
            violations.merge(&exchange.violations);
            list.pages += 1;
            list.took_ns += exchange.latency().map_or(0, nanos);
            let page = match &exchange.outcome {
                Ok(reply) => {
                    match (reply.error(), reply.result().and_then(|text| serde_json::from_str::<Json>(text).ok())) {
                        (Some(error), _) => Err(error.to_string()),
                        (None, page) => Ok(page.unwrap_or_default()),
                    }
                }
                Err(failure) => Err(failure.to_string()),
            };
            match page {
                Ok(page) => {
                    entries.extend(page.get(member).and_then(Json::as_array).into_iter().flatten().cloned());
                    cursor = page.get("nextCursor").filter(|cursor| cursor.is_string()).cloned();
                }
                Err(failure) => list.failure = Some(failure),
            }
            if cursor.is_none() {
                break;
            }
        }
        list.count = entries.len();
        let hint = |entry: &&Json| entry.pointer("/annotations/readOnlyHint") == Some(&Json::Bool(true));
        list.read_only = (what == "tools").then(|| entries.iter().filter(hint).count());
        list.names = entries.iter().filter_map(|entry| entry.get(name)?.as_str().map(str::to_owned)).collect();
        lists.push(list);
    }
    (lists, violations)
}

fn wrong(violations: &Violations) -> Vec<Wrong> {
    let of = |found: &crate::violation::Found| Wrong {
        kind: found.kind.name(),
        count: found.count,
        example: found.example.clone(),
        rule: found.kind.rule(),
    };
    violations.found().iter().map(of).collect()
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "times stay below 2^53 ns")]
fn time(nanos: u64) -> String {
    units::duration(nanos as f64)
}

fn text(found: &Found) -> String {
    let mut out = String::new();
    let name = if found.name.is_empty() { "a server without a name" } else { &found.name };
    let version = if found.version.is_empty() { String::new() } else { format!(" {}", found.version) };
    let _ =
        writeln!(out, "{}{} · {} · MCP {}\n", printable(name), printable(&version), found.transport, found.revision);
    let _ = writeln!(out, "  revision       connect  session");
    for Opening { revision, connect_ns, session_ns } in &found.revisions {
        let session = if *session_ns == 0 { "none".to_owned() } else { time(*session_ns) };
        let _ = writeln!(out, "  {revision:<13}{:>9}{session:>9}", time(*connect_ns));
    }
    let _ = writeln!(out, "\n  {:<13}{:>9}{:>9}", "list", "entries", "time");
    for list in &found.lists {
        let pages = if list.pages > 1 { format!(", {} pages", list.pages) } else { String::new() };
        let read_only = list.read_only.map(|count| format!("{count} read-only")).unwrap_or_default();
        let about = [read_only, pages].concat();
        let about = about.trim_start_matches(", ");
        let row = format!("  {:<13}{:>9}{:>9}  {about}", list.what, list.count, time(list.took_ns));
        let _ = writeln!(out, "{}", row.trim_end());
        if let Some(failure) = &list.failure {
            let _ = writeln!(out, "  ! {}: {}", list.what, printable(failure));
        }
    }
    let tools =
        found.lists.iter().find(|list| list.what == "tools").map(|list| list.names.as_slice()).unwrap_or_default();
    if !tools.is_empty() {
        let shown: Vec<String> = tools.iter().take(NAMES_SHOWN).map(|name| printable(name)).collect();
        let more = tools.len().saturating_sub(NAMES_SHOWN);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let _ = writeln!(out, "\n  tools: {}{more}", shown.join(", "));
    }
    out.push('\n');
    if found.violations.is_empty() {
        out.push_str("  no violations of the protocol in these answers\n");
    }
    for wrong in &found.violations {
        let _ =
            writeln!(out, "  ! {} ({}): {}\n    {}", wrong.kind, wrong.count, printable(&wrong.example), wrong.rule);
    }
    out
}
