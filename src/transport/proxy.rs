//! The addresses of proxies that forward requests.
//!
//! Invariant: nothing of a proxy's address is in a message, or in what `Debug`
//! writes, but the number it resolves to: the text may hold a password.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Uri;
use http::header::HeaderValue;

use super::failure::TargetError;

/// The port of an address without one, as curl has it.
const PORT: u16 = 1080;

/// Whom requests are sent to instead of their server.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    host: String,
    port: u16,
    /// `Basic …`, if the address holds credentials.
    authorization: Option<HeaderValue>,
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Proxy")
    }
}

impl Proxy {
    /// The proxy at `url`: `http://HOST:PORT`, with `NAME:PASSWORD@` before the host
    /// if it wants to know who asks, percent-encoded. Without a scheme `http` is
    /// meant, without a port 1080.
    ///
    /// # Errors
    ///
    /// If the text cannot be read as that, or has another scheme.
    pub fn parse(url: &str) -> Result<Self, TargetError> {
        let bad = TargetError::Proxy;
        let text = url.trim();
        let whole = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let uri: Uri = whole.parse().map_err(|_| bad("cannot be read as a URL"))?;
        if uri.scheme_str() != Some("http") {
            return Err(bad("does not begin with http://, and no other way to speak with a proxy is known"));
        }
        if uri.path_and_query().is_some_and(|path| path.as_str() != "/") {
            return Err(bad("has a path"));
        }
        let authority = uri.authority().ok_or_else(|| bad("has no host"))?;
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let (credentials, place) = match authority.as_str().rsplit_once('@') {
            Some((credentials, place)) => (Some(credentials), place),
            None => (None, authority.as_str()),
        };
        if host.is_empty() {
            return Err(bad("has no host"));
        }
        let port = match authority.port_u16() {
            Some(0) => return Err(bad("has no port from 1 to 65535")),
            Some(port) => port,
            None if place != authority.host() => return Err(bad("has no port from 1 to 65535")),
            None => PORT,
        };
        let authorization = credentials.map(|credentials| {
            let (name, password) = credentials.split_once(':').unwrap_or((credentials, ""));
            let both = [&*decoded(name), b":", &*decoded(password)].concat();
            HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(both)))
        });
        let mut authorization = authorization.transpose().map_err(|_| bad("holds credentials that cannot be sent"))?;
        if let Some(value) = &mut authorization {
            value.set_sensitive(true);
        }
        Ok(Self { host, port, authorization })
    }

    /// Its host: a name or an address without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Its port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// What proves who asks.
    pub(super) const fn authorization(&self) -> Option<&HeaderValue> {
        self.authorization.as_ref()
    }
}

/// A part of a URL without its percent-encoding (RFC 3986, section 2.1).
fn decoded(text: &str) -> Vec<u8> {
    let (mut out, mut rest) = (Vec::with_capacity(text.len()), text.as_bytes());
    while let Some((&byte, behind)) = rest.split_first() {
        let digits = behind.first_chunk::<2>().filter(|_| byte == b'%');
        let code = digits.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        match code {
            Some(code) => {
                out.push(code);
                rest = behind.get(2..).unwrap_or_default();
            }
            None => {
                out.push(byte);
                rest = behind;
            }
        }
    }
    out
}
