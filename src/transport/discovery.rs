//! Where a token for an MCP server is to be had, as the authorization specification of MCP
//! has a client find out: the server's challenge or its well-known address leads to the
//! metadata of the resource (RFC 9728), and those to the metadata of its authorization
//! server (RFC 8414, or OpenID Connect Discovery).
//!
//! Invariant: nothing is asked that the caller does not let be reached, and no document
//! speaks for anyone but whom it was asked of.

use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::assertion::Assertions;
use super::failure::{Failure, excerpt};
use super::http::form;
use super::oauth::{ClientAuth, Credential};
use super::target::HttpTarget;

/// The well-known names of metadata.
const RESOURCE: &str = "/.well-known/oauth-protected-resource";
const SERVER: &str = "/.well-known/oauth-authorization-server";
const OPENID: &str = "/.well-known/openid-configuration";

/// What discovery has found.
#[derive(Debug)]
pub struct Authorization {
    /// Where tokens are had.
    pub token_url: String,
    /// How the client proves there who it is.
    pub auth: ClientAuth,
    /// What tokens are asked for, where the file says nothing else; may be empty.
    pub scopes: Vec<String>,
    /// What tokens are for, as the server names itself.
    pub resource: String,
}

/// Why nothing was found: the documents that were asked for, and what each said.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {}", .asked.iter().map(|(url, said)| format!("{url}: {said}")).collect::<Vec<_>>().join("; "))]
pub struct DiscoveryError {
    /// What is missing.
    pub what: &'static str,
    /// Addresses, and what is to say about each.
    pub asked: Vec<(String, String)>,
}

/// Metadata of a protected resource (RFC 9728, section 2), as far as they matter.
#[derive(Deserialize)]
struct Resource {
    resource: String,
    #[serde(default)]
    authorization_servers: Vec<String>,
    #[serde(default)]
    scopes_supported: Vec<String>,
}

/// Metadata of an authorization server (RFC 8414, section 2), as far as they matter.
#[derive(Deserialize)]
struct Issuer {
    issuer: String,
    #[serde(default)]
    token_endpoint: Option<String>,
    /// Absent means that Basic is meant.
    #[serde(default)]
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    token_endpoint_auth_signing_alg_values_supported: Option<Vec<String>>,
}

impl Issuer {
    /// How who has `credential` proves at the token endpoint who it is, or what is missing and
    /// what is said instead.
    fn authentication(&self, credential: Credential, token_url: &str) -> Result<ClientAuth, (&'static str, String)> {
        let methods = self.token_endpoint_auth_methods_supported.as_deref();
        let takes = |wanted: &str| methods.is_some_and(|methods| methods.iter().any(|method| method == wanted));
        let missing = match credential {
            Credential::Secret(secret) if methods.is_none() || takes("client_secret_basic") => {
                return Ok(ClientAuth::Basic(secret));
            }
            Credential::Secret(secret) if takes("client_secret_post") => return Ok(ClientAuth::Post(secret)),
            // Who mentions no method at all may take this one all the same.
            Credential::Key(key) if methods.is_none() || takes("private_key_jwt") => {
                let accepts = self.token_endpoint_auth_signing_alg_values_supported.as_deref().unwrap_or_default();
                let assertions = Assertions::new(key, token_url, Some(&self.issuer), accepts);
                let missing = "the token endpoint takes no assertion that the key can sign";
                return assertions.map(ClientAuth::PrivateKeyJwt).map_err(|said| (missing, said));
            }
            Credential::Secret(_) => {
                "the token endpoint takes no secret: neither `client_secret_basic` nor `client_secret_post`"
            }
            Credential::Key(_) => "the token endpoint takes no assertion of a key (`private_key_jwt`)",
        };
        Err((missing, format!("it takes {}", methods.unwrap_or_default().join(", "))))
    }
}

/// Finds where tokens for the MCP server at `url` are had, and how who has `credential` proves
/// there who it is. `server` reaches it without a
/// token, by HTTP+SSE if `stream`; `reach` gives the way to other addresses, or the reason
/// why they may not be asked. Each request has `timeout`.
///
/// # Errors
///
/// If the server or a document cannot be had, or says something that cannot be used.
pub async fn discover(
    (url, server, stream): (&str, &HttpTarget, bool),
    credential: Credential,
    reach: impl AsyncFn(&str) -> Result<HttpTarget, String>,
    timeout: Duration,
) -> Result<Authorization, DiscoveryError> {
    let ask = Ask { reach, timeout };
    let challenge = challenge(server, stream, timeout).await.map_err(|failure| DiscoveryError {
        what: "the server does not say where tokens are had",
        asked: vec![(url.to_owned(), failure.to_string())],
    })?;
    let (origin, path) = parted(url);
    let places = match challenge.metadata {
        Some(place) => vec![place],
        None => {
            let path = path.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
            let mut places = vec![format!("{origin}{RESOURCE}{path}"), format!("{origin}{RESOURCE}")];
            places.dedup();
            places
        }
    };
    let missing = "no metadata of the server as a protected resource";
    let (place, resource): (_, Resource) = ask.first(missing, places).await?;
    let wrong = |what, said: String| DiscoveryError { what, asked: vec![(place.clone(), said)] };
    if !covers(&resource.resource, url) {
        let said = format!("they are those of `{}`", excerpt(resource.resource.as_bytes()));
        return Err(wrong("the metadata are not those of the server", said));
    }
    let Some(issuer) = resource.authorization_servers.first() else {
        return Err(wrong("no authorization server", "it names none in `authorization_servers`".to_owned()));
    };
    let missing = "no metadata of the authorization server";
    let (place, found): (_, Issuer) = ask.first(missing, of_issuer(issuer)).await?;
    let wrong = |what, said: String| DiscoveryError { what, asked: vec![(place.clone(), said)] };
    // Programs that write addresses do not agree about the slash of an empty path.
    if found.issuer.trim_end_matches('/') != issuer.trim_end_matches('/') {
        let (said, asked) = (excerpt(found.issuer.as_bytes()), excerpt(issuer.as_bytes()));
        let said = format!("they are those of `{said}`, and `{asked}` was asked");
        return Err(wrong("the metadata are not those of the authorization server", said));
    }
    let Some(token_url) = found.token_endpoint.clone() else {
        return Err(wrong("no token endpoint", "it names none in `token_endpoint`".to_owned()));
    };
    let auth =
        found.authentication(credential, &token_url).map_err(|(what, said)| wrong(what, excerpt(said.as_bytes())))?;
    let scopes = challenge.scopes.unwrap_or(resource.scopes_supported);
    Ok(Authorization { token_url, auth, scopes, resource: resource.resource })
}

/// How documents are asked for.
struct Ask<R> {
    reach: R,
    timeout: Duration,
}

impl<R: AsyncFn(&str) -> Result<HttpTarget, String>> Ask<R> {
    /// The first of these documents that there is, and where it was.
    async fn first<T: DeserializeOwned>(
        &self,
        what: &'static str,
        places: Vec<String>,
    ) -> Result<(String, T), DiscoveryError> {
        let mut asked = Vec::new();
        for place in places {
            match self.document(&place).await {
                Ok(document) => return Ok((place, document)),
                Err(Unread { said, absent }) => {
                    asked.push((excerpt(place.as_bytes()), said));
                    if !absent {
                        break;
                    }
                }
            }
        }
        Err(DiscoveryError { what, asked })
    }

    async fn document<T: DeserializeOwned>(&self, place: &str) -> Result<T, Unread> {
        let broken = |said| Unread { said, absent: false };
        let target = (self.reach)(place).await.map_err(broken)?;
        let (status, body) =
            form::get(&target, self.timeout).await.map_err(|failure: Failure| broken(failure.to_string()))?;
        match status {
            200 => serde_json::from_slice(&body).map_err(|error| broken(format!("not such metadata: {error}"))),
            300..400 => Err(broken(format!("HTTP {status}, and redirections are not followed"))),
            _ => Err(Unread { said: format!("HTTP {status}"), absent: matches!(status, 400..500) }),
        }
    }
}

/// Why a document could not be had.
struct Unread {
    said: String,
    /// There is none, and it may be elsewhere.
    absent: bool,
}

/// What a server says to who has no token.
#[derive(Debug, Default, PartialEq, Eq)]
struct Challenge {
    metadata: Option<String>,
    scopes: Option<Vec<String>>,
}

async fn challenge(server: &HttpTarget, stream: bool, timeout: Duration) -> Result<Challenge, Failure> {
    let (status, headers) = form::challenge(server, stream, timeout).await?;
    let mut challenge = Challenge::default();
    // What is said to others is none.
    for (name, value) in headers.iter().filter(|_| status == 401).flat_map(|header| bearer_parameters(header)) {
        match name.as_str() {
            "resource_metadata" => challenge.metadata = Some(value),
            "scope" => challenge.scopes = Some(value.split_whitespace().map(str::to_owned).collect()),
            _ => {}
        }
    }
    Ok(challenge)
}

/// The parameters of the scheme `Bearer` in a `WWW-Authenticate` header (RFC 9110, section
/// 11.6.1), which may have several schemes.
fn bearer_parameters(header: &str) -> Vec<(String, String)> {
    let (mut found, mut rest, mut bearer) = (Vec::new(), header, false);
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let Some(first) = rest.chars().next() else { return found };
        let end = rest.find(['=', ',', ' ', '\t', '"']).unwrap_or(rest.len()).max(first.len_utf8());
        let (name, behind) = rest.split_at(end);
        let Some(value) = behind.trim_start().strip_prefix('=') else {
            bearer = name.eq_ignore_ascii_case("bearer");
            rest = behind;
            continue;
        };
        let value = value.trim_start();
        let (value, behind) = match value.strip_prefix('"') {
            Some(quoted) => unquoted(quoted),
            None => {
                let (value, behind) = value.split_at(value.find([',', ' ', '\t']).unwrap_or(value.len()));
                (value.to_owned(), behind)
            }
        };
        if bearer {
            found.push((name.to_ascii_lowercase(), value));
        }
        rest = behind;
    }
}

/// A quoted text up to its closing mark, and what follows.
fn unquoted(text: &str) -> (String, &str) {
    let (mut value, mut chars) = (String::new(), text.chars());
    while let Some(char) = chars.next() {
        match char {
            '"' => break,
            '\\' => value.extend(chars.next()),
            char => value.push(char),
        }
    }
    (value, chars.as_str())
}

/// Where an authorization server may have its metadata, in the order of the specification
/// of MCP ("Authorization Server Metadata Discovery").
fn of_issuer(issuer: &str) -> Vec<String> {
    let (origin, path) = parted(issuer);
    match path.trim_end_matches('/') {
        "" => vec![format!("{origin}{SERVER}"), format!("{origin}{OPENID}")],
        path => vec![
            format!("{origin}{SERVER}{path}"),
            format!("{origin}{OPENID}{path}"),
            format!("{origin}{path}{OPENID}"),
        ],
    }
}

/// The origin of an address and what follows it; of a socket, its path belongs to the
/// origin.
fn parted(url: &str) -> (&str, &str) {
    let url = url.trim();
    let at = match url.strip_prefix("http://unix:") {
        Some(socket) => socket.find(':').map(|at| "http://unix:".len() + at + 1),
        None => url.find("://").and_then(|at| Some(at + 3 + url.get(at + 3..)?.find(['/', '?', '#'])?)),
    };
    url.split_at_checked(at.unwrap_or(url.len())).unwrap_or((url, ""))
}

/// Whether metadata of `resource` are those of the server at `url`: they have the same
/// origin, and the path of one is that of the other or above it.
fn covers(resource: &str, url: &str) -> bool {
    let ((origin, path), (own, whole)) = (parted(resource), parted(url));
    let below = whole.strip_prefix(path.trim_end_matches('/'));
    origin.eq_ignore_ascii_case(own) && below.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
}

#[cfg(test)]
mod tests {
    use super::{bearer_parameters, covers, of_issuer};

    #[test]
    fn a_challenge_may_have_several_schemes() {
        let pairs = |header| -> Vec<String> {
            bearer_parameters(header).into_iter().map(|(name, value)| format!("{name}={value}")).collect()
        };
        assert_eq!(
            pairs(r#"Bearer scope="a b", Resource_Metadata="http://h/x?a=b,c", error=invalid_token"#),
            ["scope=a b", "resource_metadata=http://h/x?a=b,c", "error=invalid_token"]
        );
        assert_eq!(pairs(r#"Basic realm="a\"b", bearer scope = x , DPoP scope="no""#), ["scope=x"]);
        assert_eq!(pairs(r#"Negotiate abc==, Bearer realm="unclosed"#), ["realm=unclosed"]);
        for odd in ["", "Bearer", "=", "\"", "Bearer =", "Bearer a=\"\\", ",,= ,", "Bearer é=\"é", "Bearer \"\""] {
            // Whatever it says, it ends.
            pairs(odd);
        }
    }

    #[test]
    fn metadata_have_their_places() {
        assert_eq!(
            of_issuer("https://id.example.com/"),
            [
                "https://id.example.com/.well-known/oauth-authorization-server",
                "https://id.example.com/.well-known/openid-configuration"
            ]
        );
        assert_eq!(
            of_issuer("https://id.example.com/tenant/1"),
            [
                "https://id.example.com/.well-known/oauth-authorization-server/tenant/1",
                "https://id.example.com/.well-known/openid-configuration/tenant/1",
                "https://id.example.com/tenant/1/.well-known/openid-configuration"
            ]
        );
    }

    #[test]
    fn a_resource_is_the_server_or_above_it() {
        for (resource, url) in [
            ("http://h:1/mcp", "http://h:1/mcp"),
            ("http://H:1/mcp/", "http://h:1/mcp"),
            ("http://h:1", "http://h:1/mcp"),
            ("http://h:1/a", "http://h:1/a/mcp?b=c"),
            ("http://h:1/a", "http://h:1/a?b=c"),
            ("http://unix:/run/a:/mcp", "http://unix:/run/a:/mcp"),
        ] {
            assert!(covers(resource, url), "{resource} {url}");
        }
        for (resource, url) in [
            ("http://h:2/mcp", "http://h:1/mcp"),
            ("https://h:1/mcp", "http://h:1/mcp"),
            ("http://h:1/mc", "http://h:1/mcp"),
            ("http://h:1/mcp/a", "http://h:1/mcp"),
            ("http://h:1.evil.example.com/mcp", "http://h:1/mcp"),
            ("", "http://h:1/mcp"),
        ] {
            assert!(!covers(resource, url), "{resource} {url}");
        }
    }
}
