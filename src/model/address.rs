//! What can be said of a URL and of a header before anything is sent.

use http::Uri;
use http::header::{HeaderName, HeaderValue};

use super::lower::Lowering;
use crate::diag::{Diagnostic, errors};
use crate::plan::{Header, TextPart};
use crate::syntax::ast;
use crate::text::Span;

/// Headers that frame the message or carry the protocol: the transport refuses
/// them, and a test proves the two lists equal.
const RESERVED: [&str; 12] = [
    "connection",
    "content-length",
    "content-type",
    "accept",
    "expect",
    "te",
    "transfer-encoding",
    "upgrade",
    "mcp-method",
    "mcp-name",
    "mcp-protocol-version",
    "mcp-session-id",
];

/// What an address looks like.
pub(super) const NETWORK: &str = "http://127.0.0.1:3000/mcp";

/// What that of a socket looks like.
const SOCKET: &str = "http://unix:/run/mcp.sock:/mcp";

/// `None` after saying why `url` cannot be the address of a server.
pub(super) fn check_url(lowering: &mut Lowering<'_>, url: &str, span: Span) -> Option<()> {
    let Some(reason) = reason_against(url) else { return Some(()) };
    let with_scheme = format!("http://{url}");
    let better = (!url.contains("://") && reason_against(&with_scheme).is_none()).then_some(with_scheme);
    let reason = if better.is_some() { "it begins neither with `http://` nor with `https://`" } else { reason };
    let (example, better) = match url.trim().split_once("://unix:") {
        Some((_, rest)) => {
            // What is most often forgotten is the `/` in front of either path.
            let (socket, path) = rest.split_once(':').unwrap_or((rest, "/"));
            let (socket, path) = (socket.trim_start_matches('/'), path.trim_start_matches('/'));
            let meant = format!("http://unix:/{socket}:/{path}");
            (SOCKET, (!socket.is_empty() && reason_against(&meant).is_none()).then_some(meant))
        }
        None => (NETWORK, better),
    };
    lowering.out.push(errors::types::bad_url(url, reason, span, example, better.as_deref()));
    None
}

/// The path of a socket and the rest of the address behind it, of
/// `http://unix:/run/mcp.sock:/mcp`, as nginx writes it.
pub(super) fn of_socket(url: &str) -> Option<(&str, &str)> {
    let path = url.trim().strip_prefix("http://unix:")?;
    Some(path.split_once(':').unwrap_or((path, "/")))
}

/// Why `url` cannot be the address of a server.
fn reason_against(url: &str) -> Option<&'static str> {
    if let Some((socket, path)) = of_socket(url) {
        return if !socket.starts_with('/') {
            Some("the path of a socket begins with `/`")
        } else if !path.starts_with('/') || path.parse::<Uri>().is_err() {
            Some("what follows the path of the socket is no path of a URL")
        } else {
            None
        };
    }
    if url.trim().starts_with("https://unix:") {
        return Some("TLS is not spoken over a socket, whose address begins with `http://unix:`");
    }
    let Ok(uri) = url.parse::<Uri>() else { return Some("it cannot be read as a URL") };
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let host = uri.host().unwrap_or_default();
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Some("it begins neither with `http://` nor with `https://`");
    }
    if authority.contains('@') {
        Some("it holds credentials, which belong in a `header`")
    } else if host.is_empty() || host == "[]" {
        Some("it has no host")
    } else if uri.port_u16() == Some(0) || uri.port_u16().is_none() && authority != host {
        Some("the port is not a number from 1 to 65535")
    } else {
        None
    }
}

/// Why `url`, which holds no secrets, cannot be the address of a proxy.
fn reason_against_proxy(url: &str) -> Option<&'static str> {
    let Ok(uri) = url.trim().parse::<Uri>() else { return Some("it cannot be read as a URL") };
    let host = uri.host().unwrap_or_default();
    if uri.scheme_str() != Some("http") {
        Some("it does not begin with `http://`")
    } else if host.is_empty() || host == "[]" {
        Some("it has no host")
    } else if uri.port_u16().is_none_or(|port| port == 0) {
        // Programs do not agree on the one that is meant without it.
        Some("it has no port from 1 to 65535")
    } else if uri.path_and_query().is_some_and(|path| path.as_str() != "/") {
        Some("it has a path")
    } else {
        None
    }
}

impl Lowering<'_> {
    /// `proxy URL`
    pub(super) fn proxy(&mut self, value: &ast::Expr) -> Option<Vec<TextPart>> {
        const EXAMPLE: &str = "write an address such as `proxy \"http://proxy.example.com:3128\"`";
        let parts = self.secret_text(value)?;
        let parts = match parts.as_slice() {
            all if all.iter().any(|part| matches!(part, TextPart::Secret(_))) => return Some(parts),
            all => all.iter().map(|part| if let TextPart::Text(text) = part { text.as_str() } else { "" }),
        };
        let url: String = parts.collect();
        let span = value.span();
        if url.contains('@') {
            let message = "the address of a proxy holds credentials".to_owned();
            let (reason, help) = (
                "who reads the file reads them",
                "keep the whole address in the environment: `proxy secret(\"PROXY_URL\")`",
            );
            let found = errors::types::bad_url("", reason, span, NETWORK, None);
            self.out.push(Diagnostic { message, ..found }.help(help));
            return None;
        }
        if let Some(reason) = reason_against_proxy(&url) {
            let message = format!("`{url}` is not the address of a proxy");
            let found = errors::types::bad_url(&url, reason, span, NETWORK, None);
            self.out.push(Diagnostic { message, ..found }.help(EXAMPLE));
            return None;
        }
        Some(vec![TextPart::Text(url)])
    }

    /// `header NAME VALUE`
    pub(super) fn header(&mut self, header: &ast::HeaderStmt) -> Option<Header> {
        let (name_ast, value_ast) = (header.name()?, header.value()?);
        let name = self.text(&name_ast, "the name of a header", "Authorization");
        let value = self.secret_text(&value_ast);
        let (name, value) = (name?, value?);
        let Ok(parsed) = name.parse::<HeaderName>() else {
            let (reason, help) = (
                "not a name of letters, digits and hyphens",
                "write a name such as `\"Authorization\"` or `\"X-Team\"`",
            );
            self.out.push(errors::types::bad_header(&name, reason, help, name_ast.span()));
            return None;
        };
        if RESERVED.contains(&parsed.as_str()) || parsed.as_str().starts_with("mcp-param-") {
            let help = format!("remove `header \"{name}\"`: mcpl sets it as the protocol asks");
            self.out.push(errors::types::bad_header(&name, "part of the protocol", &help, name_ast.span()));
            return None;
        }
        let unsendable = |part: &TextPart| matches!(part, TextPart::Text(text) if HeaderValue::from_str(text).is_err());
        if value.iter().any(unsendable) {
            let help = "write the value without line breaks and other control characters";
            self.out.push(errors::types::bad_header(&name, "a control character in it", help, value_ast.span()));
            return None;
        }
        Some(Header { name, value })
    }
}
