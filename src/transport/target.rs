//! Where the server is: a URL or a command.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use http::Uri;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use super::failure::TargetError;
use super::mirror;
use super::oauth::Bearer;
use super::proxy::Proxy;
use super::tls::TlsClient;

/// How long a TCP connection may take unless the target says otherwise: above
/// two lost SYN packets (1 s + 2 s), below any patience.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long each request of the opening may take unless the target says
/// otherwise: servers started by a package runner need seconds, more than half
/// a minute means that something is wrong.
const OPEN_TIMEOUT: Duration = Duration::from_secs(30);

/// A server, before anything is known about it.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "there is one per run")]
pub enum Target {
    /// Reached by Streamable HTTP.
    Http(HttpTarget),
    /// Reached by HTTP+SSE, the transport of 2024-11-05; the URL is that of the
    /// event stream.
    Sse(HttpTarget),
    /// Started as a child process and spoken to over its standard streams.
    Stdio(StdioTarget),
}

impl Target {
    /// How long each request of the opening may take.
    pub(super) const fn open_timeout(&self) -> Duration {
        match self {
            Self::Http(target) | Self::Sse(target) => target.open_timeout,
            Self::Stdio(target) => target.open_timeout,
        }
    }
}

/// A server command: one child process per client.
#[derive(Clone, Debug)]
pub struct StdioTarget {
    /// The program and its arguments; not a shell line.
    pub command: Vec<String>,
    /// Variables added to the environment of this process.
    pub env: Vec<(String, String)>,
    /// The child's working directory; the current one if `None`.
    pub cwd: Option<PathBuf>,
    /// How long each request of the opening may take, with the start of the
    /// program.
    pub open_timeout: Duration,
    /// The children that live; shared with all copies of this target.
    pub children: Living,
}

/// The numbers of the child processes that were started and not given up yet.
#[derive(Clone, Debug, Default)]
pub struct Living(Arc<Mutex<BTreeSet<u32>>>);

impl Living {
    /// The numbers, in order.
    #[must_use]
    pub fn pids(&self) -> Vec<u32> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect()
    }

    pub(super) fn add(&self, pid: u32) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(pid);
    }

    pub(super) fn remove(&self, pid: u32) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&pid);
    }
}

impl StdioTarget {
    /// A command in the current directory with the current environment.
    ///
    /// # Errors
    ///
    /// If the command is empty.
    pub fn new(command: Vec<String>) -> Result<Self, TargetError> {
        if command.first().is_none_or(String::is_empty) {
            return Err(TargetError::Command);
        }
        Ok(Self { command, env: Vec::new(), cwd: None, open_timeout: OPEN_TIMEOUT, children: Living::default() })
    }
}

/// The endpoint of a Streamable HTTP server.
#[derive(Clone, Debug)]
pub struct HttpTarget {
    host: String,
    port: u16,
    /// `Host` as RFC 9110 wants it: with the port unless it is the scheme's own.
    host_header: HeaderValue,
    /// Path and query.
    uri: Uri,
    headers: HeaderMap,
    /// Present where the URL begins with `https`.
    tls: Option<TlsClient>,
    /// A socket of this machine to connect to, instead of the URL's host. The
    /// path of the socket is not sent.
    socket: Option<PathBuf>,
    /// Whom requests are sent to instead.
    proxy: Option<Proxy>,
    /// Whether what arrives is acknowledged at once, which spares servers without
    /// TCP_NODELAY their stall of 40 ms. Other clients do not do it.
    pub quickack: bool,
    /// The token that requests carry, in place of any other authorization.
    pub bearer: Option<Bearer>,
    /// How long a connection may take, with TLS.
    pub connect_timeout: Duration,
    /// How long each request of the opening may take.
    pub open_timeout: Duration,
    /// The address that answered first. One look-up serves the whole run: name
    /// resolution is not what is measured, and it must not spread the load over
    /// other servers half-way.
    pub(super) address: Arc<OnceLock<SocketAddr>>,
}

/// Headers that frame the message or carry the protocol. Setting them by hand
/// would break the connection or contradict the pinned revision.
const RESERVED: [HeaderName; 12] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::ACCEPT,
    header::EXPECT,
    header::TE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("mcp-method"),
    HeaderName::from_static("mcp-name"),
    HeaderName::from_static("mcp-protocol-version"),
    HeaderName::from_static("mcp-session-id"),
];

impl HttpTarget {
    /// A server at `url`, which gets `headers` with every request.
    ///
    /// A header of the user replaces one of ours with the same name (`host`,
    /// `user-agent`); those that carry the protocol cannot be set.
    ///
    /// A URL such as `http://unix:/run/mcp.sock:/mcp` is that of a Unix domain
    /// socket and a path; the host is `localhost` then.
    ///
    /// # Errors
    ///
    /// If the URL is malformed, is neither `http` nor `https`, or holds
    /// credentials; if a header is malformed or reserved; if TLS is needed and
    /// this system trusts no certificates.
    pub fn parse(url: &str, headers: Vec<(String, String)>) -> Result<Self, TargetError> {
        let bad = |reason: &str| TargetError::Url { url: url.to_owned(), reason: reason.to_owned() };
        if let Some(path) = url.trim().strip_prefix("http://unix:") {
            // As nginx writes it: the path of a socket, and behind it that of the URL.
            let (socket, path) = path.split_once(':').unwrap_or((path, "/"));
            if !socket.starts_with('/') || !path.starts_with('/') {
                return Err(bad("a socket is written as http://unix:/run/mcp.sock:/mcp"));
            }
            let target = Self::parse(&format!("http://localhost{path}"), headers)?;
            return Ok(Self { socket: Some(PathBuf::from(socket)), ..target });
        }
        let uri: Uri = url.trim().parse().map_err(|error| bad(&format!("{error}")))?;
        let (secure, usual) = match uri.scheme_str() {
            Some("http") => (false, 80),
            Some("https") => (true, 443),
            Some(other) => return Err(TargetError::Scheme(other.to_owned())),
            None => return Err(bad("it begins neither with http:// nor with https://")),
        };
        let authority = uri.authority().ok_or_else(|| bad("it has no host"))?;
        if authority.as_str().contains('@') {
            return Err(TargetError::Credentials);
        }
        let host = authority.host();
        if host.is_empty() || host == "[]" {
            return Err(bad("it has no host"));
        }
        let port = authority.port_u16();
        if port.is_none() && authority.as_str() != host || port == Some(0) {
            return Err(bad("the port is not a number from 1 to 65535"));
        }
        let host_header = match port {
            Some(port) if port != usual => HeaderValue::from_str(&format!("{host}:{port}")),
            _ => HeaderValue::from_str(host),
        }
        .map_err(|_| bad("the host cannot be sent as a header"))?;
        let path = uri.path_and_query().cloned();
        Ok(Self {
            host: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
            port: port.unwrap_or(usual),
            host_header,
            uri: path.map_or_else(|| Uri::from_static("/"), Uri::from),
            headers: parse_headers(headers)?,
            bearer: None,
            tls: if secure { Some(TlsClient::of_system()?) } else { None },
            socket: None,
            proxy: None,
            quickack: false,
            connect_timeout: CONNECT_TIMEOUT,
            open_timeout: OPEN_TIMEOUT,
            address: Arc::new(OnceLock::new()),
        })
    }

    /// The host without brackets: a name or an address.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The socket of this machine that is connected to, where the URL names one.
    #[must_use]
    pub fn socket(&self) -> Option<&Path> {
        self.socket.as_deref()
    }

    /// Speaks TLS as `tls` says, where the URL begins with `https`.
    #[must_use]
    pub fn with_tls(mut self, tls: TlsClient) -> Self {
        self.tls = self.tls.map(|_| tls);
        self
    }

    /// Sends all requests through a proxy.
    #[must_use]
    pub fn through(self, proxy: Proxy) -> Self {
        // What is known of the address is the server's.
        Self { proxy: Some(proxy), address: Arc::default(), ..self }
    }

    /// Whom requests are sent to instead.
    pub(super) const fn proxy(&self) -> Option<&Proxy> {
        self.proxy.as_ref()
    }

    /// What a request line says of a path: with TLS a proxy sees none, and without it has
    /// to know the server.
    pub(super) fn requested<'a>(&self, path: &'a str) -> Cow<'a, str> {
        if self.proxy.is_none() || self.tls.is_some() {
            return Cow::Borrowed(path);
        }
        Cow::Owned(format!("http://{}{path}", self.host_header.to_str().unwrap_or(&self.host)))
    }

    /// Whether the URL begins with `https`.
    #[must_use]
    pub const fn is_secure(&self) -> bool {
        self.tls.is_some()
    }

    /// How TLS is spoken; `None` where it is not.
    pub(super) const fn tls(&self) -> Option<&TlsClient> {
        self.tls.as_ref()
    }

    /// The port: that of the scheme, 80 or 443, if the URL gave none.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Whether the server runs on this machine, by the look of its address: no
    /// name is resolved.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        if self.socket.is_some() {
            return true;
        }
        let name = self.host.to_ascii_lowercase();
        name == "localhost"
            || name.ends_with(".localhost")
            || self.host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }

    pub(super) const fn host_header(&self) -> &HeaderValue {
        &self.host_header
    }

    pub(super) const fn uri(&self) -> &Uri {
        &self.uri
    }

    pub(super) const fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The same, whose requests prove with this who asks.
    pub(super) fn authorized(mut self, value: HeaderValue) -> Self {
        self.headers.insert(header::AUTHORIZATION, value);
        self
    }
}

fn parse_headers(headers: Vec<(String, String)>) -> Result<HeaderMap, TargetError> {
    let mut map = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers {
        let bad = |reason: &str| TargetError::Header { name: name.clone(), reason: reason.to_owned() };
        let parsed: HeaderName = name.parse().map_err(|_| bad("the name may hold letters, digits and hyphens only"))?;
        if RESERVED.contains(&parsed) || parsed.as_str().starts_with(mirror::PREFIX) {
            return Err(bad("it is set by mcpl as the protocol asks"));
        }
        let value = HeaderValue::from_str(&value)
            .map_err(|_| bad("the value may hold visible ASCII characters and spaces only"))?;
        map.append(parsed, value);
    }
    Ok(map)
}
