//! How a server knows its client, and the client its server: `tls` and `auth`.

use super::lower::Lowering;
use super::{address, rules};
use crate::diag::{Diagnostic, errors};
use crate::plan::{ClientKey, Credential, Oauth, Pem, TextPart, Tls};
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

/// What is said in an `auth oauth`.
#[derive(Default)]
struct Draft {
    url: Option<String>,
    id: Option<String>,
    secret: Option<Vec<TextPart>>,
    key: Option<Pem>,
    key_id: Option<String>,
    audience: Option<String>,
    scopes: Vec<String>,
    said: Vec<(&'static str, Span)>,
}

/// `auth oauth { … }`
pub(super) fn oauth(lowering: &mut Lowering<'_>, item: &ast::Oauth) -> Option<Oauth> {
    let mut draft = Draft::default();
    let mut whole = !item.is_broken();
    for statement in item.statements() {
        whole &= draft.statement(lowering, &statement).is_some();
    }
    whole.then_some(())?;
    if draft.id.is_none() {
        let help = "add `client_id \"mcpl\"`";
        lowering.out.push(errors::load::missing("`client_id`", "`auth oauth`", item.keyword_span(), help));
    }
    let credential = draft.credential(lowering, item);
    Some(Oauth { token_url: draft.url, client_id: draft.id?, credential: credential?, scopes: draft.scopes })
}

impl Draft {
    /// `None` when the statement is broken.
    fn statement(&mut self, lowering: &mut Lowering<'_>, statement: &OauthStmt) -> Option<()> {
        let (what, attr) = match statement {
            OauthStmt::TokenUrl(attr) => ("token_url", attr),
            OauthStmt::ClientId(attr) => ("client_id", attr),
            OauthStmt::ClientSecret(attr) => ("client_secret", attr),
            OauthStmt::ClientKey(attr) => ("client_key", attr),
            OauthStmt::KeyId(attr) => ("key_id", attr),
            OauthStmt::Audience(attr) => ("audience", attr),
            OauthStmt::Scopes(attr) => ("scopes", attr),
            OauthStmt::Broken(_) => return None,
        };
        once(lowering, &mut self.said, what, statement.span())?;
        match what {
            "token_url" => {
                let url = lowering.text_attr(attr, "an address", "http://127.0.0.1:8080/token")?;
                token_url(lowering, &url, attr.value()?.span())?;
                self.url = Some(url);
            }
            "client_id" => self.id = Some(lowering.text_attr(attr, "a text", "mcpl")?),
            "client_secret" => self.secret = Some(lowering.secret_text(&attr.value()?)?),
            "client_key" => self.key = Some(pem(lowering, &attr.value()?)?),
            "key_id" => self.key_id = Some(lowering.text_attr(attr, "a text", "2026-07")?),
            "audience" => self.audience = Some(lowering.text_attr(attr, "a text", "https://id.example.com")?),
            _ => self.scopes = lowering.texts(attr, "a list of texts", "[\"mcp\"]")?,
        }
        Some(())
    }

    /// What proves who asks: a secret or a key, and not both.
    fn credential(&mut self, lowering: &mut Lowering<'_>, item: &ast::Oauth) -> Option<Credential> {
        let span_of = |what| self.said.iter().find(|(said, _)| *said == what).map(|(_, span)| *span);
        let (secret_span, key_span) = (span_of("client_secret"), span_of("client_key"));
        if let (Some(secret), Some(key)) = (secret_span, key_span) {
            let [(first, first_span), (second, span)] = match secret.start < key.start {
                true => [("client_secret", secret), ("client_key", key)],
                false => [("client_key", key), ("client_secret", secret)],
            };
            lowering.out.push(errors::load::contradicting(first, second, span, first_span));
            return None;
        }
        let for_keys = ["key_id", "audience"].into_iter().filter_map(|what| Some((what, span_of(what)?)));
        if let Some(secret) = secret_span {
            let found: Vec<_> = for_keys.collect();
            for (what, span) in &found {
                let (beside, why) = ("beside `client_secret`", "of use for `client_key` only");
                let help = format!("remove `{what}`, or write `client_key \"client.key\"` for `client_secret`");
                lowering.out.push(errors::load::no_effect(what, beside, why, &help, *span, secret));
            }
            found.is_empty().then_some(())?;
        }
        match (self.secret.take(), self.key.take()) {
            (Some(secret), _) => Some(Credential::ClientSecret(secret)),
            (None, Some(pem)) => {
                let (key_id, audience) = (self.key_id.take(), self.audience.take());
                Some(Credential::ClientKey(ClientKey { pem, key_id, audience }))
            }
            (None, None) => {
                let help = "add `client_secret secret(\"CLIENT_SECRET\")`, or `client_key \"client.key\"` where the client \
                            has a key";
                let what = "`client_secret` or `client_key`";
                lowering.out.push(errors::load::missing(what, "`auth oauth`", item.keyword_span(), help));
                None
            }
        }
    }
}

/// Where a key is: a path, or a secret that holds it.
fn pem(lowering: &mut Lowering<'_>, expr: &ast::Expr) -> Option<Pem> {
    const WANTED: &str = "the path of a key";
    if let Some(secret) = lowering.as_secret(expr) {
        return secret.map(Pem::Secret);
    }
    let path = lowering.said_text(expr, WANTED, "client.key")?;
    // The plan has the path, and would have the key.
    if path.contains("-----BEGIN") {
        let found = "the key itself, which would appear in results";
        lowering.out.push(
            errors::types::wrong_kind(WANTED, "\"client.key\"", found, expr.span())
                .note("`client_key secret(\"CLIENT_KEY\")` takes it from the environment"),
        );
        return None;
    }
    Some(Pem::File(path))
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
