//! How a server knows its client, and the client its server: `tls` and `auth`.

use super::lower::Lowering;
use super::{address, rules};
use crate::diag::{Diagnostic, errors};
use crate::plan::{Oauth, Tls};
use crate::syntax::ast::{self, OauthStmt, TlsStmt};
use crate::text::Span;

/// `tls { … }`
pub(super) fn tls(lowering: &mut Lowering<'_>, item: &ast::Tls) -> Option<Tls> {
    let mut tls = Tls::default();
    let mut whole = !item.is_broken();
    let mut said: Vec<(&'static str, Span)> = Vec::new();
    for statement in item.statements() {
        let what = match &statement {
            TlsStmt::Ca(_) => "ca",
            TlsStmt::Cert(_) => "cert",
            TlsStmt::Insecure(_) => "insecure",
            TlsStmt::Broken(_) => {
                whole = false;
                continue;
            }
        };
        whole &= once(lowering, &mut said, what, statement.span()).is_some();
        whole &= match &statement {
            TlsStmt::Ca(attr) => {
                tls.ca = lowering.text_attr(attr, "a path", "ca.pem");
                tls.ca.is_some()
            }
            TlsStmt::Cert(cert) => {
                let mut path = |expr: Option<ast::Expr>, example| lowering.said_text(&expr?, "a path", example);
                tls.cert = path(cert.cert(), "client.pem").zip(path(cert.key(), "client.key"));
                tls.cert.is_some()
            }
            TlsStmt::Insecure(attr) => match attr.value().and_then(|value| lowering.switch(&value)) {
                Some(on) => {
                    tls.insecure = on;
                    true
                }
                None => false,
            },
            TlsStmt::Broken(_) => false,
        };
    }
    whole.then_some(tls)
}

/// `auth oauth { … }`
pub(super) fn oauth(lowering: &mut Lowering<'_>, item: &ast::Oauth) -> Option<Oauth> {
    let (mut url, mut id, mut secret, mut scopes) = (None, None, None, Vec::new());
    let mut whole = !item.is_broken();
    let mut said: Vec<(&'static str, Span)> = Vec::new();
    for statement in item.statements() {
        let (what, attr) = match &statement {
            OauthStmt::TokenUrl(attr) => ("token_url", attr),
            OauthStmt::ClientId(attr) => ("client_id", attr),
            OauthStmt::ClientSecret(attr) => ("client_secret", attr),
            OauthStmt::Scopes(attr) => ("scopes", attr),
            OauthStmt::Broken(_) => {
                whole = false;
                continue;
            }
        };
        whole &= once(lowering, &mut said, what, statement.span()).is_some();
        whole &= match what {
            "token_url" => {
                url = lowering.text_attr(attr, "an address", "http://127.0.0.1:8080/token");
                let span = attr.value().map(|value| value.span()).unwrap_or_default();
                url.as_ref().is_some_and(|url| token_url(lowering, url, span).is_some())
            }
            "client_id" => {
                id = lowering.text_attr(attr, "a text", "mcpl");
                id.is_some()
            }
            "client_secret" => {
                secret = attr.value().and_then(|value| lowering.secret_text(&value));
                secret.is_some()
            }
            _ => match lowering.texts(attr, "a list of texts", "[\"mcp\"]") {
                Some(list) => {
                    scopes = list;
                    true
                }
                None => false,
            },
        };
    }
    whole.then_some(())?;
    for (there, what, example) in [
        (id.is_some(), "`client_id`", "client_id \"mcpl\""),
        (secret.is_some(), "`client_secret`", "client_secret secret(\"CLIENT_SECRET\")"),
    ] {
        if !there {
            let help = format!("add `{example}`");
            lowering.out.push(errors::load::missing(what, "`auth oauth`", item.keyword_span(), &help));
        }
    }
    Some(Oauth { token_url: url, client_id: id?, client_secret: secret?, scopes })
}

/// `None` after saying why `url` cannot be a token endpoint. It gets a secret, which
/// must not cross a network in the clear (RFC 6749, section 3.2).
fn token_url(lowering: &mut Lowering<'_>, url: &str, span: Span) -> Option<()> {
    address::check_url(lowering, url, span)?;
    let here = rules::host_of(url).is_some_and(|host| rules::is_loopback(&host));
    if !here && !url.trim_start().starts_with("https:") {
        let reason = "a token endpoint has to be reached by https, unless it is on this machine";
        let message = format!("`{url}` is not the address of a token endpoint");
        let help = "write an address such as `token_url \"https://id.example.com/token\"`";
        lowering.out.push(
            Diagnostic { message, ..errors::types::bad_url(url, reason, span, address::NETWORK, None) }.help(help),
        );
        return None;
    }
    Some(())
}

/// `None` after saying that a statement of a small block is said twice.
fn once(
    lowering: &mut Lowering<'_>,
    said: &mut Vec<(&'static str, Span)>,
    what: &'static str,
    span: Span,
) -> Option<()> {
    if let Some((_, first)) = said.iter().find(|(known, _)| *known == what) {
        lowering.out.push(errors::load::repeated(what, span, *first));
        return None;
    }
    said.push((what, span));
    Some(())
}
