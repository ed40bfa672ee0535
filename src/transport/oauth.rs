//! Tokens by OAuth client credentials (RFC 6749, section 4.4).
//!
//! Invariant: neither the client's secret, nor an assertion, nor a token appears in a message or in
//! what `Debug` writes.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use serde::Deserialize;
use tokio::time::Instant;

use super::assertion::{Assertions, ClientKey};
use super::failure::{Failure, TargetError, excerpt};
use super::http::form;
use super::target::HttpTarget;

/// The `Authorization` header of all requests to a server, which is replaced
/// while they are sent.
#[derive(Clone)]
pub struct Bearer {
    value: Arc<RwLock<Arc<str>>>,
}

impl Bearer {
    /// Requests carry this token.
    #[must_use]
    pub fn new(token: &Token) -> Self {
        Self { value: Arc::new(RwLock::new(token.header())) }
    }

    /// From now on they carry this one.
    pub fn replace(&self, token: &Token) {
        *self.value.write().unwrap_or_else(PoisonError::into_inner) = token.header();
    }

    /// The value of the header.
    pub(super) fn header(&self) -> Arc<str> {
        Arc::clone(&self.value.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bearer")
    }
}

/// An access token.
pub struct Token {
    access: String,
    /// How long it is good for, from when it came; `None` where that was not said.
    pub lifetime: Option<Duration>,
    /// What it took to get it.
    pub took: Duration,
}

impl Token {
    fn header(&self) -> Arc<str> {
        format!("Bearer {}", self.access).into()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("lifetime", &self.lifetime).field("took", &self.took).finish_non_exhaustive()
    }
}

/// Why there is no token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The token endpoint gave no answer.
    #[error("{0}")]
    Failed(#[from] Failure),
    /// It answered with an error.
    #[error("the token endpoint answered HTTP {status}{}{words}", if .words.is_empty() { "" } else { ": " })]
    Refused {
        /// The status.
        status: u16,
        /// The error and its description (RFC 6749, section 5.2), if they were
        /// given.
        words: String,
    },
    /// Nothing could be sent to it.
    #[error("this system has no random numbers to sign with")]
    Unsigned,
    /// What it answered holds no token of use.
    #[error("the answer of the token endpoint {0}")]
    Malformed(&'static str),
}

/// What kind of assertion a client sends (RFC 7523, section 2.2).
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What a client has that proves who it is.
pub enum Credential {
    /// A secret, which the authorization server knows too.
    Secret(String),
    /// A key, to which the authorization server knows the public one.
    Key(ClientKey),
}

impl Credential {
    /// How it is used at a token endpoint of which nothing else is known.
    ///
    /// # Errors
    /// If it cannot be used: what to say about it.
    pub fn at(self, token_url: &str) -> Result<ClientAuth, String> {
        match self {
            Self::Secret(secret) => Ok(ClientAuth::Basic(secret)),
            Self::Key(key) => Assertions::new(key, token_url, None, &[]).map(ClientAuth::PrivateKeyJwt),
        }
    }
}

/// How a client proves at a token endpoint who it is (RFC 6749, section 2.3).
pub enum ClientAuth {
    /// Its secret by HTTP Basic, which every token endpoint has to know: `client_secret_basic`.
    Basic(String),
    /// Its secret as a field of the form: `client_secret_post`.
    Post(String),
    /// Assertions that it signs with its key: `private_key_jwt`.
    PrivateKeyJwt(Assertions),
}

impl fmt::Debug for ClientAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Basic(_) => f.write_str("Basic"),
            Self::Post(_) => f.write_str("Post"),
            Self::PrivateKeyJwt(assertions) => f.debug_tuple("PrivateKeyJwt").field(assertions).finish(),
        }
    }
}

/// Where tokens come from, and who asks for them.
pub struct TokenSource {
    /// With the credentials as a header, where they are one.
    target: HttpTarget,
    /// Who asks.
    id: String,
    auth: ClientAuth,
    scopes: String,
    /// What the token is for (RFC 8707), which MCP clients have to say.
    resource: String,
    /// For the next token, if the server gave one.
    refresh: Option<String>,
}

impl fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenSource").field("host", &self.target.host()).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    token_type: String,
    #[serde(default)]
    expires_in: Option<u32>,
    #[serde(default)]
    refresh_token: Option<String>,
}

impl TokenSource {
    /// Tokens for `resource`, the URL of an MCP server, from a token endpoint. The
    /// client with this id proves in the way of `auth` who it is.
    ///
    /// # Errors
    ///
    /// If the credentials cannot be sent.
    pub fn new(
        endpoint: HttpTarget,
        id: &str,
        auth: ClientAuth,
        scopes: &[String],
        resource: &str,
    ) -> Result<Self, TargetError> {
        let target = match &auth {
            ClientAuth::Basic(secret) => {
                let credentials = STANDARD.encode(format!("{}:{}", form::escaped(id), form::escaped(secret)));
                let mut value = HeaderValue::from_str(&format!("Basic {credentials}")).map_err(|_| {
                    TargetError::Header { name: "authorization".to_owned(), reason: "it is malformed".to_owned() }
                })?;
                value.set_sensitive(true);
                endpoint.authorized(value)
            }
            ClientAuth::Post(_) | ClientAuth::PrivateKeyJwt(_) => endpoint,
        };
        let (id, resource) = (id.to_owned(), resource.to_owned());
        Ok(Self { target, id, auth, scopes: scopes.join(" "), resource, refresh: None })
    }

    /// A new token, within `timeout` for each request that it takes. If the last
    /// came with a refresh token, that is used first, once.
    ///
    /// # Errors
    ///
    /// If there is no answer, an error, or an answer without a token of the kind
    /// `Bearer`.
    pub async fn token(&mut self, timeout: Duration) -> Result<Token, TokenError> {
        if let Some(refresh) = self.refresh.take() {
            let grant = [("grant_type", "refresh_token"), ("refresh_token", &refresh)];
            match self.ask(&grant, timeout).await {
                Ok(token) => {
                    // Without a new one the old stays good (section 6).
                    self.refresh.get_or_insert(refresh);
                    return Ok(token);
                }
                // It may be spent; the credentials are good all the same.
                Err(TokenError::Refused { .. }) => {}
                Err(error) => {
                    self.refresh = Some(refresh);
                    return Err(error);
                }
            }
        }
        self.ask(&[("grant_type", "client_credentials")], timeout).await
    }

    async fn ask(&mut self, grant: &[(&str, &str)], timeout: Duration) -> Result<Token, TokenError> {
        let mut fields = grant.to_vec();
        if !self.scopes.is_empty() {
            fields.push(("scope", &self.scopes));
        }
        fields.push(("resource", &self.resource));
        let assertion;
        let proof = match &self.auth {
            ClientAuth::Basic(secret) => secret,
            ClientAuth::Post(secret) => {
                fields.extend([("client_id", self.id.as_str()), ("client_secret", secret)]);
                secret
            }
            ClientAuth::PrivateKeyJwt(assertions) => {
                assertion = assertions.sign(&self.id).ok_or(TokenError::Unsigned)?;
                // It says who asks: the MCP extension leaves `client_id` out.
                fields.extend([("client_assertion_type", JWT_BEARER), ("client_assertion", &assertion)]);
                &assertion
            }
        };
        let start = Instant::now();
        let (status, text) = form::post(&self.target, &fields, timeout).await?;
        if status != 200 {
            return Err(TokenError::Refused { status, words: words(&text, proof) });
        }
        let granted: Granted = serde_json::from_slice(&text)
            .map_err(|_| TokenError::Malformed("is no JSON object with `access_token` and `token_type`"))?;
        if !granted.token_type.eq_ignore_ascii_case("bearer") {
            return Err(TokenError::Malformed("holds a token of another type than `Bearer`"));
        }
        let access = granted.access_token;
        if access.is_empty() || !access.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(TokenError::Malformed("holds a token that cannot be sent as a header"));
        }
        self.refresh = granted.refresh_token;
        let lifetime = granted.expires_in.map(|seconds| Duration::from_secs(seconds.into()));
        Ok(Token { access, lifetime, took: start.elapsed() })
    }
}

/// What an error says of itself. Whatever else is in the body may be secret, as `proof` is.
fn words(body: &[u8], proof: &str) -> String {
    #[derive(Deserialize)]
    struct Refusal {
        #[serde(default)]
        error: String,
        #[serde(default)]
        error_description: String,
    }
    let Ok(Refusal { error, error_description }) = serde_json::from_slice(body) else { return String::new() };
    let words = if error_description.is_empty() { error } else { format!("{error}: {error_description}") };
    if words.contains(proof) { String::new() } else { excerpt(words.as_bytes()) }
}
