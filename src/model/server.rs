//! `server NAME { … }`

use super::address;
use super::items::Items;
use super::lower::Lowering;
use super::types::Type;
use crate::diag::errors;
use crate::expr::Value;
use crate::plan::{Endpoint, Header, Server};
use crate::syntax::ast::{self, ServerStmt};
use crate::text::Span;
use crate::units::{Dimension, Quantity};

/// Per request, unless the file says otherwise.
const DEFAULT_TIMEOUT_NS: f64 = 30e9;

/// For a connection or the start of a child, unless the file says otherwise.
const DEFAULT_CONNECT_TIMEOUT_NS: f64 = 30e9;

/// Revisions that `protocol` may name.
pub(super) const REVISIONS: [&str; 3] = ["2025-06-18", "2025-11-25", "2026-07-28"];

/// Switches of `builtin rulebook`: the options of `mcpl serve rulebook`.
const RULEBOOK: [(&str, Switch); 9] = [
    ("rules", Switch::Number),
    ("seed", Switch::Number),
    ("cache", Switch::Number),
    ("cache_ttl", Switch::Quantity(Dimension::Duration)),
    ("latency", Switch::Quantity(Dimension::Duration)),
    ("jitter", Switch::Quantity(Dimension::Duration)),
    ("errors", Switch::Quantity(Dimension::Share)),
    ("answers", Switch::Word(&["json", "sse"])),
    ("stdio", Switch::OnOff),
];

#[derive(Clone, Copy)]
enum Switch {
    Number,
    Quantity(Dimension),
    Word(&'static [&'static str]),
    OnOff,
}

/// A server and where it stands in the file.
pub(super) struct ServerItem {
    pub(super) name: String,
    pub(super) name_span: Span,
    /// The URL, for the guard.
    pub(super) url_span: Option<Span>,
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
            timeout_ns: whole_ns(draft.timeout.unwrap_or(DEFAULT_TIMEOUT_NS)),
            connect_timeout_ns: whole_ns(draft.connect_timeout.unwrap_or(DEFAULT_CONNECT_TIMEOUT_NS)),
        }),
        _ => None,
    };
    Some(ServerItem { name: name.text(), name_span: name.span(), url_span: draft.url_span, plan })
}

/// Nanoseconds as the plan keeps them.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be in range")]
pub(super) fn whole_ns(nanos: f64) -> u64 {
    nanos.round() as u64
}

fn with_child_settings(endpoint: Endpoint, env: Vec<(String, String)>, cwd: Option<String>) -> Endpoint {
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
    env: Vec<(String, String)>,
    cwd: Option<String>,
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
                let command = lowering.texts(attr, "a command as a list of texts", "[\"node\", \"server.js\"]")?;
                if command.first().is_none_or(String::is_empty) {
                    let span = attr.value()?.span();
                    let wanted = "a command as a list of texts";
                    let found =
                        if command.is_empty() { "an empty list" } else { "a list that begins with an empty text" };
                    lowering.out.push(errors::types::wrong_kind(wanted, "[\"node\", \"server.js\"]", found, span));
                    return None;
                }
                self.endpoint = Some(Endpoint::Stdio { command, env: Vec::new(), cwd: None });
            }
            ServerStmt::Builtin(builtin) => {
                let name = builtin.name()?;
                self.transport(lowering, "builtin", builtin.keyword_span())?;
                self.endpoint = Some(self::builtin(lowering, builtin, &name)?);
            }
            ServerStmt::Header(header) => {
                self.headers.push(lowering.header(header)?);
                self.header_span.get_or_insert(header.keyword_span());
            }
            ServerStmt::Protocol(word) => {
                self.once(lowering, "protocol", word.keyword_span())?;
                let word = word.word()?;
                let text = word.text();
                if text != "auto" {
                    if !REVISIONS.contains(&text.as_str()) {
                        let known: Vec<String> = std::iter::once("auto").chain(REVISIONS).map(str::to_owned).collect();
                        lowering.out.push(errors::names::unknown_word("protocol revision", &text, word.span(), &known));
                        return None;
                    }
                    self.protocol = Some(text);
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
            ServerStmt::Broken(_) => return None,
        }
        Some(())
    }

    /// `None` after saying which statements mean nothing to this transport.
    fn without_effect(&self, lowering: &mut Lowering<'_>) -> Option<()> {
        let Some((transport, at)) = &self.transport else { return Some(()) };
        let over_http = match &self.endpoint {
            Some(Endpoint::Builtin { stdio, .. }) => !stdio,
            Some(_) => transport == "http",
            None => return Some(()),
        };
        let child = self.said.iter().filter(|(what, _)| what == "env" || what == "cwd");
        let mut found: Vec<(&str, Span, &str)> = Vec::new();
        if transport != "stdio" {
            found.extend(child.map(|(what, span)| (what.as_str(), *span, "stdio")));
        }
        if !over_http {
            found.extend(self.header_span.map(|span| ("header", span, "http")));
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

fn builtin(lowering: &mut Lowering<'_>, builtin: &ast::Builtin, name: &ast::Name) -> Option<Endpoint> {
    if name.text() != "rulebook" {
        let known = ["rulebook".to_owned()];
        lowering.out.push(errors::names::unknown_builtin("built-in server", &name.text(), name.span(), &known));
        return None;
    }
    let (mut options, mut stdio, mut whole) = (Vec::new(), false, true);
    let mut said: Vec<ast::Name> = Vec::new();
    for setting in builtin.settings() {
        if let Some(name) = setting.name() {
            if let Some(first) = said.iter().find(|first| first.text() == name.text()) {
                lowering.out.push(errors::load::repeated(&name.text(), name.span(), first.span()));
                whole = false;
                continue;
            }
            said.push(name);
        }
        match switch(lowering, &setting) {
            Some((name, value)) if name == "stdio" => stdio = value == "true",
            Some((name, value)) => options.push(format!("--{}={value}", name.replace('_', "-"))),
            None => whole = false,
        }
    }
    whole.then(|| Endpoint::Builtin { name: name.text(), options, stdio })
}

/// A switch and its value as a command-line option takes it.
fn switch(lowering: &mut Lowering<'_>, setting: &ast::Setting) -> Option<(String, String)> {
    let name = setting.name()?;
    let Some((_, kind)) = RULEBOOK.iter().find(|(known, _)| *known == name.text()) else {
        let known: Vec<String> = RULEBOOK.iter().map(|(name, _)| (*name).to_owned()).collect();
        lowering.out.push(errors::names::unknown_builtin("rulebook switch", &name.text(), name.span(), &known));
        return None;
    };
    let expr = setting.value()?;
    let value = match kind {
        Switch::Number => match lowering.constant(&expr)? {
            Value::Json(serde_json::Value::Number(number)) if number.is_u64() => number.to_string(),
            value => {
                let found = match value.as_quantity() {
                    Some(Quantity { value, dimension: Dimension::Number }) if value.fract() != 0.0 => {
                        "a number with a fraction"
                    }
                    Some(Quantity { value, dimension: Dimension::Number }) if value < 0.0 => "a negative number",
                    Some(Quantity { dimension: Dimension::Number, .. }) => "a number beyond 64 bits",
                    _ => Type::of(&value).phrase(),
                };
                lowering.out.push(errors::types::wrong_kind("a whole number", "200", found, expr.span()));
                return None;
            }
        },
        Switch::Quantity(Dimension::Duration) => {
            format!("{}ns", whole_ns(lowering.quantity_from(&expr, Dimension::Duration, 0.0)?))
        }
        Switch::Quantity(dimension) => {
            format!("{}%", lowering.quantity_from(&expr, *dimension, 0.0)? * 100.0)
        }
        Switch::Word(words) => {
            let word = match &expr {
                ast::Expr::Name(name) => name.text(),
                expr => lowering.text(expr, "a word", words.first().copied().unwrap_or_default())?,
            };
            if !words.contains(&word.as_str()) {
                let known: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
                lowering.out.push(errors::names::unknown_word("form of answers", &word, expr.span(), &known));
                return None;
            }
            word
        }
        Switch::OnOff => {
            let found = match &expr {
                ast::Expr::Name(name) if !lowering.params.contains_key(&name.text()) => format!("`{}`", name.text()),
                expr => match lowering.constant(expr)? {
                    Value::Json(serde_json::Value::Bool(on)) => return Some((name.text(), on.to_string())),
                    value => Type::of(&value).phrase().to_owned(),
                },
            };
            lowering.out.push(errors::types::wrong_kind("`on` or `off`", "on", &found, expr.span()));
            return None;
        }
    };
    Some((name.text(), value))
}
