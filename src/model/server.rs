//! `server NAME { … }`

use super::items::Items;
use super::lower::Lowering;
use super::scenario;
use super::{address, builtin, credentials, target};
use crate::diag::errors;
use crate::plan::{Answer, Auth, Endpoint, Header, Launch, Proxy, RevisionShare, Server, TextPart, Tls};
use crate::syntax::ast::{self, ServerStmt};
use crate::text::Span;
use crate::units::Dimension;

/// Per request, unless the file says otherwise.
const DEFAULT_TIMEOUT_NS: f64 = 30e9;

/// For a connection or the start of a child, unless the file says otherwise.
const DEFAULT_CONNECT_TIMEOUT_NS: f64 = 30e9;

/// Revisions that `protocol` may name.
pub(super) const REVISIONS: [&str; 5] = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"];

/// A launched server must accept connections within this time, unless the file
/// says otherwise.
const DEFAULT_READY_NS: f64 = 10e9;

/// No process of Linux has a greater number (`PID_MAX_LIMIT`).
const PID_MAX: u32 = 1 << 22;
/// Statements for servers that are reached over a network.
const NETWORK: [&str; 4] = ["tls", "quickack", "launch", "proxy"];

/// What a server may ask its client for.
const ASKED: [&str; 3] = ["sampling", "elicitation", "roots"];

/// A server and where it stands in the file.
pub(super) struct ServerItem {
    pub(super) name: String,
    pub(super) name_span: Span,
    /// The URL, for the guard.
    pub(super) url_span: Option<Span>,
    /// Where its revision is pinned.
    pub(super) protocol_span: Option<Span>,
    /// The URL of its proxy, for the same.
    pub(super) proxy_span: Option<Span>,
    /// `None` when it is broken.
    pub(super) plan: Option<Server>,
}

/// Lowers all servers that have a name.
pub(super) fn lower_all(lowering: &mut Lowering<'_>, items: &Items) -> Vec<ServerItem> {
    items.servers.iter().filter_map(|server| lower(lowering, server)).collect()
}

fn lower(lowering: &mut Lowering<'_>, item: &ast::Server) -> Option<ServerItem> {
    let name = item.name()?;
    let mut draft = Draft::default();
    let mut whole = !item.is_broken();
    for statement in item.statements() {
        whole &= draft.statement(lowering, &statement).is_some();
    }
    whole &= draft.placed(lowering, &name.text()).is_some();
    whole &= draft.without_effect(lowering).is_some();
    if draft.transport.is_none() && whole {
        let help =
            "say how it is reached: `http \"http://127.0.0.1:3000/mcp\"`, `stdio [\"command\"]` or `builtin rulebook`";
        let owner = format!("server `{}`", name.text());
        lowering.out.push(errors::load::missing("`http`, `stdio` or `builtin`", &owner, name.span(), help));
    }
    let plan = match (whole, draft.endpoint) {
        (true, Some(endpoint)) => Some(Server {
            name: name.text(),
            endpoint: with_child_settings(endpoint, draft.env, draft.cwd),
            headers: draft.headers,
            protocol: draft.protocol,
            revisions: draft.revisions,
            timeout_ns: whole_ns(draft.timeout.unwrap_or(DEFAULT_TIMEOUT_NS)),
            connect_timeout_ns: whole_ns(draft.connect_timeout.unwrap_or(DEFAULT_CONNECT_TIMEOUT_NS)),
            launch: draft.launch,
            tls: draft.tls,
            auth: draft.auth,
            proxy: draft.proxy,
            quickack: draft.quickack,
            pid: draft.pid,
            answers: draft.answers,
            capabilities: draft.capabilities,
        }),
        _ => None,
    };
    let protocol_span = draft.said.iter().find(|(what, _)| what == "protocol").map(|(_, span)| *span);
    Some(ServerItem {
        name: name.text(),
        name_span: name.span(),
        url_span: draft.url_span,
        protocol_span,
        proxy_span: draft.proxy_span,
        plan,
    })
}

/// Nanoseconds as the plan keeps them.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be in range")]
pub(super) fn whole_ns(nanos: f64) -> u64 {
    nanos.round() as u64
}

fn with_child_settings(endpoint: Endpoint, env: Vec<(String, Vec<TextPart>)>, cwd: Option<String>) -> Endpoint {
    match endpoint {
        Endpoint::Stdio { command, .. } => Endpoint::Stdio { command, env, cwd },
        other => other,
    }
}

#[derive(Default)]
struct Draft {
    /// The first statement that says how it is reached.
    transport: Option<(String, Span)>,
    endpoint: Option<Endpoint>,
    url_span: Option<Span>,
    headers: Vec<Header>,
    header_span: Option<Span>,
    protocol: Option<String>,
    timeout: Option<f64>,
    connect_timeout: Option<f64>,
    env: Vec<(String, Vec<TextPart>)>,
    cwd: Option<String>,
    revisions: Vec<RevisionShare>,
    launch: Option<Launch>,
    tls: Option<Tls>,
    auth: Option<Auth>,
    proxy: Option<Proxy>,
    proxy_span: Option<Span>,
    quickack: bool,
    pid: Option<u32>,
    answers: Vec<Answer>,
    capabilities: Option<String>,
    said: Vec<(String, Span)>,
}

impl Draft {
    /// `None` when the statement is broken.
    fn statement(&mut self, lowering: &mut Lowering<'_>, statement: &ServerStmt) -> Option<()> {
        match statement {
            ServerStmt::Http(attr) => {
                self.transport(lowering, "http", attr.keyword_span())?;
                let url = lowering.text_attr(attr, "an address", "http://127.0.0.1:3000/mcp")?;
                let span = attr.value()?.span();
                address::check_url(lowering, &url, span)?;
                self.url_span = Some(span);
                self.endpoint = Some(Endpoint::Http { url });
            }
            ServerStmt::Stdio(attr) => {
                self.transport(lowering, "stdio", attr.keyword_span())?;
                let command = lowering.command(&attr.value()?)?;
                self.endpoint = Some(Endpoint::Stdio { command, env: Vec::new(), cwd: None });
            }
            ServerStmt::Sse(attr) => {
                self.transport(lowering, "sse", attr.keyword_span())?;
                let url = lowering.text_attr(attr, "an address", "http://127.0.0.1:3000/sse")?;
                let span = attr.value()?.span();
                address::check_url(lowering, &url, span)?;
                self.url_span = Some(span);
                self.endpoint = Some(Endpoint::Sse { url });
            }
            ServerStmt::Builtin(builtin) => {
                let name = builtin.name()?;
                self.transport(lowering, "builtin", builtin.keyword_span())?;
                self.endpoint = Some(builtin::builtin(lowering, builtin, &name)?);
            }
            ServerStmt::At(attr) => {
                self.transport(lowering, "at", attr.keyword_span())?;
                let text = lowering.text_attr(attr, "a target", "http://127.0.0.1:3000/mcp")?;
                let span = attr.value()?.span();
                let endpoint = target::endpoint(lowering, &text, span)?;
                if matches!(endpoint, Endpoint::Http { .. } | Endpoint::Sse { .. }) {
                    self.url_span = Some(span);
                }
                self.endpoint = Some(endpoint);
            }
            ServerStmt::Header(header) => {
                self.headers.push(lowering.header(header)?);
                self.header_span.get_or_insert(header.keyword_span());
            }
            ServerStmt::Protocol(protocol) => {
                self.once(lowering, "protocol", protocol.keyword_span())?;
                match protocol.word() {
                    Some(word) if word.text() == "auto" => {}
                    Some(word) => self.protocol = Some(revision(lowering, &word, true)?),
                    None => self.revisions = revisions(lowering, protocol)?,
                }
            }
            ServerStmt::Timeout(attr) => {
                self.once(lowering, "timeout", attr.keyword_span())?;
                self.timeout = Some(lowering.quantity_attr(attr, Dimension::Duration, 1e6)?);
            }
            ServerStmt::ConnectTimeout(attr) => {
                self.once(lowering, "connect_timeout", attr.keyword_span())?;
                self.connect_timeout = Some(lowering.quantity_attr(attr, Dimension::Duration, 1e6)?);
            }
            ServerStmt::Env(attr) => {
                self.once(lowering, "env", attr.keyword_span())?;
                self.env = lowering.text_pairs(attr)?;
            }
            ServerStmt::Cwd(attr) => {
                self.once(lowering, "cwd", attr.keyword_span())?;
                self.cwd = Some(lowering.text_attr(attr, "a directory", "servers")?);
            }
            ServerStmt::Launch(launch) => {
                self.once(lowering, "launch", launch.keyword_span())?;
                let command = lowering.command(&launch.command()?)?;
                let ready = match launch.within() {
                    Some(within) => lowering.quantity_from(&within, Dimension::Duration, 1e6)?,
                    None => DEFAULT_READY_NS,
                };
                self.launch = Some(Launch { command, ready_ns: whole_ns(ready) });
            }
            ServerStmt::AuthBearer(attr) => {
                self.once(lowering, "auth", attr.keyword_span())?;
                let mut value = vec![TextPart::Text("Bearer ".to_owned())];
                value.extend(lowering.secret_text(&attr.value()?)?);
                self.headers.push(Header { name: "Authorization".to_owned(), value });
                self.header_span.get_or_insert(attr.keyword_span());
            }
            ServerStmt::AuthOauth(item) => {
                self.once(lowering, "auth", item.keyword_span())?;
                self.auth = Some(Auth::Oauth(credentials::oauth(lowering, item)?));
                self.header_span.get_or_insert(item.keyword_span());
            }
            ServerStmt::Tls(item) => {
                self.once(lowering, "tls", item.keyword_span())?;
                self.tls = Some(credentials::tls(lowering, item)?);
            }
            ServerStmt::ProxyEnvironment(attr) => {
                self.once(lowering, "proxy", attr.keyword_span())?;
                self.proxy = Some(Proxy::Environment);
            }
            ServerStmt::Proxy(attr) => {
                self.once(lowering, "proxy", attr.keyword_span())?;
                let value = attr.value()?;
                self.proxy = Some(Proxy::Url(lowering.proxy(&value)?));
                self.proxy_span = Some(value.span());
            }
            ServerStmt::Quickack(attr) => {
                self.once(lowering, "quickack", attr.keyword_span())?;
                self.quickack = lowering.switch(&attr.value()?)?;
            }
            ServerStmt::Pid(attr) => {
                self.once(lowering, "pid", attr.keyword_span())?;
                self.pid = Some(pid(lowering, &attr.value()?)?);
            }
            ServerStmt::Answer(item) => {
                let to = item.word()?;
                if !ASKED.contains(&to.text().as_str()) {
                    let known = ASKED.map(str::to_owned);
                    lowering.out.push(errors::names::unknown_word("question", &to.text(), to.span(), &known));
                    return None;
                }
                self.once(lowering, &format!("answer {}", to.text()), item.keyword_span())?;
                let value = lowering.json_object(&item.value()?)?;
                self.answers.push(Answer { to: to.text(), value });
            }
            ServerStmt::Capabilities(attr) => {
                self.once(lowering, "capabilities", attr.keyword_span())?;
                self.capabilities = Some(lowering.json_object(&attr.value()?)?);
            }
            ServerStmt::Broken(_) => return None,
        }
        Some(())
    }

    /// Puts the server where the command line says, in place of what the file says of
    /// where it is, how it is started and which its process is. `None` when that is no
    /// target.
    fn placed(&mut self, lowering: &mut Lowering<'_>, name: &str) -> Option<()> {
        let Some((_, text)) = lowering.options.targets.iter().find(|(server, _)| server == name) else {
            return Some(());
        };
        let Some((transport, span)) = &mut self.transport else { return Some(()) };
        let endpoint = target::endpoint(lowering, text, *span)?;
        self.url_span = matches!(endpoint, Endpoint::Http { .. } | Endpoint::Sse { .. }).then_some(*span);
        "at".clone_into(transport);
        self.endpoint = Some(endpoint);
        (self.launch, self.pid) = (None, None);
        self.said.retain(|(what, _)| what != "launch" && what != "pid");
        Some(())
    }

    /// `None` after saying which statements mean nothing to this transport.
    fn without_effect(&self, lowering: &mut Lowering<'_>) -> Option<()> {
        let (Some((_, at)), Some(endpoint)) = (&self.transport, &self.endpoint) else { return Some(()) };
        let (transport, over_http) = match endpoint {
            Endpoint::Http { .. } => ("http", true),
            Endpoint::Sse { .. } => ("sse", true),
            Endpoint::Stdio { .. } => ("stdio", false),
            Endpoint::Builtin { stdio, .. } => ("builtin", !stdio),
        };
        let child = self.said.iter().filter(|(what, _)| what == "env" || what == "cwd");
        let network = self.said.iter().filter(|(what, _)| NETWORK.contains(&what.as_str()));
        let mut found: Vec<(&str, Span, &str)> = Vec::new();
        if transport != "stdio" {
            found.extend(child.map(|(what, span)| (what.as_str(), *span, "stdio")));
        }
        if transport == "stdio" || transport == "builtin" {
            found.extend(network.map(|(what, span)| (what.as_str(), *span, "http")));
        }
        if let (Some(_), Some((_, span)), "builtin") =
            (&self.auth, self.said.iter().find(|(what, _)| what == "auth"), transport)
        {
            found.push(("auth", *span, "http"));
        }
        if let Some((_, span)) = self.said.iter().find(|(what, _)| what == "pid") {
            let started = match transport {
                "stdio" | "builtin" => Some((transport, *at)),
                _ => self.said.iter().find(|(what, _)| what == "launch").map(|(_, at)| ("launch", *at)),
            };
            if let Some((by, at)) = started {
                let why = "of use for a server that mcpl does not start only";
                let help = "remove `pid`: the processes that mcpl starts are watched anyway";
                lowering.out.push(errors::load::no_effect("pid", &format!("beside `{by}`"), why, help, *span, at));
                return None;
            }
        }
        if !over_http {
            found.extend(self.header_span.map(|span| ("header", span, "http")));
        }
        if let Some(Endpoint::Http { url } | Endpoint::Sse { url }) = &self.endpoint
            && address::of_socket(url).is_some()
            && let Some((_, span)) = self.said.iter().find(|(what, _)| what == "proxy")
        {
            let (beside, why) = ("beside a socket", "of use for servers in a network only");
            let other = self.url_span.unwrap_or(*at);
            lowering.out.push(errors::load::no_effect("proxy", beside, why, "remove `proxy`", *span, other));
            return None;
        }
        let plain = match &self.endpoint {
            Some(Endpoint::Http { url } | Endpoint::Sse { url }) => !url.to_ascii_lowercase().starts_with("https:"),
            _ => false,
        };
        if plain && let Some((_, span)) = self.said.iter().find(|(what, _)| what == "tls") {
            let help = "write `https://` in the address, or remove `tls`";
            lowering.out.push(errors::load::no_effect(
                "tls",
                "on `http://`",
                "of use for `https` only",
                help,
                *span,
                self.url_span.unwrap_or(*at),
            ));
            return None;
        }
        // The revisions without sessions have no HTTP+SSE.
        let mut spoken =
            std::iter::once(&self.protocol).flatten().chain(self.revisions.iter().map(|share| &share.revision));
        if let Some(revision) = spoken.find(|revision| revision.as_str() >= "2026-07-28")
            && matches!(self.endpoint, Some(Endpoint::Sse { .. }))
            && let Some((_, span)) = self.said.iter().find(|(what, _)| what == "protocol")
        {
            let (what, why) = (format!("protocol {revision}"), "of use for `http` and `stdio` only");
            let help = "name a revision up to 2025-11-25, or reach the server by `http`";
            lowering.out.push(errors::load::no_effect(&what, "beside `sse`", why, help, *span, *at));
            return None;
        }
        for (what, span, only) in &found {
            let (beside, why) = (format!("beside `{transport}`"), format!("of use for `{only}` only"));
            let help = match *what {
                "header" => "remove `header`; a child process gets values with `env { \"KEY\": \"value\" }`".to_owned(),
                _ => format!("remove `{what}`"),
            };
            lowering.out.push(errors::load::no_effect(what, &beside, &why, &help, *span, *at));
        }
        found.is_empty().then_some(())
    }

    /// A statement that may be said once.
    fn once(&mut self, lowering: &mut Lowering<'_>, what: &str, span: Span) -> Option<()> {
        if let Some((_, first)) = self.said.iter().find(|(said, _)| said == what) {
            lowering.out.push(errors::load::repeated(what, span, *first));
            return None;
        }
        self.said.push((what.to_owned(), span));
        Some(())
    }

    /// One of the statements that say how the server is reached.
    fn transport(&mut self, lowering: &mut Lowering<'_>, what: &str, span: Span) -> Option<()> {
        if let Some((first, first_span)) = &self.transport {
            let diagnostic = if first == what {
                errors::load::repeated(what, span, *first_span)
            } else {
                errors::load::contradicting(first, what, span, *first_span)
            };
            lowering.out.push(diagnostic);
            return None;
        }
        self.transport = Some((what.to_owned(), span));
        Some(())
    }
}

/// The number of a process.
fn pid(lowering: &mut Lowering<'_>, expr: &ast::Expr) -> Option<u32> {
    let value = lowering.quantity(expr, Dimension::Number)?;
    if value < 1.0 || value > f64::from(PID_MAX) || value.fract() != 0.0 {
        let (what, range) =
            (format!("`{}`", lowering.written(expr.span())), format!("a whole number from 1 to {PID_MAX}"));
        lowering.out.push(errors::types::out_of_range(&what, &range, expr.span()));
        return None;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a whole number in range")]
    Some(value as u32)
}

/// A protocol revision; `auto` may stand in its place where it is the only one.
fn revision(lowering: &mut Lowering<'_>, word: &ast::Name, only: bool) -> Option<String> {
    let text = word.text();
    if !REVISIONS.contains(&text.as_str()) {
        let auto = only.then_some("auto");
        let known: Vec<String> = auto.into_iter().chain(REVISIONS).map(str::to_owned).collect();
        lowering.out.push(errors::names::unknown_word("protocol revision", &text, word.span(), &known));
        return None;
    }
    Some(text)
}

const fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// `protocol { 60% 2025-11-25 … }`
fn revisions(lowering: &mut Lowering<'_>, item: &ast::Protocol) -> Option<Vec<RevisionShare>> {
    let mut whole = item.rejected().is_empty() && !item.is_broken();
    let (mut shares, mut names) = (Vec::new(), Vec::new());
    for share in item.shares() {
        let name = share.revision().and_then(|word| revision(lowering, &word, false));
        let percent =
            share.percent().and_then(|percent| Some((lowering.quantity(&percent, Dimension::Share)?, percent.span())));
        match (name, percent) {
            (Some(name), Some(percent)) => {
                shares.push(percent);
                names.push(name);
            }
            _ => whole = false,
        }
    }
    whole.then_some(())?;
    if shares.is_empty() {
        let help = "add a share such as `100% 2025-11-25`";
        lowering.out.push(errors::load::missing("revision", "this `protocol`", item.keyword_span(), help));
        return None;
    }
    scenario::sums_up(lowering, "protocol", &shares, item.keyword_span())?;
    let mut slots = scenario::whole_slots(lowering, &shares)?;
    // Users are few: the smaller the bag, the sooner the shares are exact.
    let divisor = slots.iter().copied().fold(0, gcd).max(1);
    slots.iter_mut().for_each(|slots| *slots /= divisor);
    Some(names.into_iter().zip(slots).map(|(revision, slots)| RevisionShare { revision, slots }).collect())
}
