//! The tokens of servers with `auth oauth`: the first before the run, the others
//! while it goes on, off the measured path.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use super::complaint::Complaint;
use super::connect::{secret_text, tls_client};
use super::output::plain;
use super::proxy;
use crate::model::guard;
use crate::plan::{self, Endpoint, Guard, Oauth, Pem, Server, TextPart};
use crate::results::Tokens;
use crate::transport::{
    Authorization, Bearer, ClientKey, Credential, HttpTarget, Token, TokenError, TokenSource, discover,
};

/// The next token is asked for when a fifth of the lifetime is left, but no
/// sooner before its end than this.
const MARGIN: Duration = Duration::from_secs(60);

/// Between two requests for a token, whatever the server says of their lifetime.
const PAUSE: Duration = Duration::from_secs(1);

/// How long a token endpoint may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// What was asked of a token endpoint, shared with who asks.
#[derive(Clone, Debug, Default)]
struct Log {
    tokens: Arc<Mutex<Tokens>>,
}

/// The tokens of a server. No more are asked for when this is dropped.
#[derive(Debug)]
pub(super) struct Renewal {
    log: Log,
    /// Ends the thread that asks.
    _running: Option<oneshot::Sender<()>>,
}

impl Renewal {
    /// What was asked so far.
    pub(super) fn so_far(&self) -> Tokens {
        self.log.tokens.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Log {
    fn note(&self, change: impl FnOnce(&mut Tokens)) {
        change(&mut self.tokens.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn got(&self, token: &Token) {
        let took = u64::try_from(token.took.as_micros()).unwrap_or(u64::MAX);
        self.note(|tokens| {
            tokens.obtained += 1;
            tokens.total_us = tokens.total_us.saturating_add(took);
            tokens.longest_us = tokens.longest_us.max(took);
        });
    }
}

/// Gets the first token for the MCP server at `url`, which `target` reaches without one,
/// and begins to get the others. Paths count from `beside`, as for the server itself.
///
/// # Errors
/// When there is no first token, it is not found out where tokens are had, or what proves
/// who asks cannot be read.
pub(super) async fn begin(
    oauth: &Oauth,
    (server, url, target): (&Server, &str, &HttpTarget),
    guard: &Guard,
    beside: &Path,
) -> Result<(Bearer, Renewal), Complaint> {
    let name = &server.name;
    let own = |error: String| Complaint::usage(format!("server `{name}`: {error}"));
    let credential = credential(&oauth.credential, name, beside)?;
    let way = |place: &str| way(place, server, guard, beside);
    let (endpoint, found) = match &oauth.token_url {
        Some(place) => {
            let found = Authorization {
                token_url: place.clone(),
                auth: credential.at(place).map_err(own)?,
                scopes: Vec::new(),
                resource: url.to_owned(),
            };
            (way(place).map_err(|error| own(format!("token_url: {error}")))?, found)
        }
        None => {
            let reach = |place: &str| way(place).and_then(|way| may_be_asked(way, target, guard));
            let failed = |error: String| {
                Complaint::server(format!("server `{name}`: {error}"))
                    .help("name the token endpoint with `token_url`, or let the server say where it is (RFC 9728)")
            };
            let stream = matches!(server.endpoint, Endpoint::Sse { .. });
            let reached = async |place: &str| reach(place);
            let found = discover((url, target, stream), credential, reached, TIMEOUT).await;
            let found = found.map_err(|error| failed(error.to_string()))?;
            let refused = |error| failed(format!("the token endpoint {}: {error}", found.token_url));
            (reach(&found.token_url).map_err(refused)?, found)
        }
    };
    let scopes = if oauth.scopes.is_empty() { &found.scopes } else { &oauth.scopes };
    let mut source = TokenSource::new(endpoint, &oauth.client_id, found.auth, scopes, &found.resource)
        .map_err(|error| own(error.to_string()))?;
    let token = source.token(TIMEOUT).await.map_err(|error| {
        Complaint::server(format!("server `{name}`: no token from {}: {error}", found.token_url))
            .help(hint(&oauth.credential, &error))
    })?;
    let (bearer, log) = (Bearer::new(&token), Log::default());
    log.got(&token);
    let running = match token.lifetime {
        Some(lifetime) => {
            let (bearer, log) = (bearer.clone(), log.clone());
            let failed = |error| Complaint::server(format!("server `{name}`: tokens cannot be renewed: {error}"));
            Some(start(move || renew(source, lifetime, bearer, log)).map_err(failed)?)
        }
        None => None,
    };
    Ok((bearer, Renewal { log, _running: running }))
}

/// What proves who asks.
fn credential(named: &plan::Credential, server: &str, beside: &Path) -> Result<Credential, Complaint> {
    let own = |error: String| Complaint::usage(format!("server `{server}`: {error}"));
    let key = match named {
        plan::Credential::ClientSecret(parts) => return secret_text(parts).map(Credential::Secret).map_err(own),
        plan::Credential::ClientKey(key) => key,
    };
    let (pem, holder) = match &key.pem {
        Pem::File(path) => {
            let path = beside.join(path);
            let holder = format!("`{}`", path.display());
            let unread = |error| {
                own(format!("client_key: cannot read {holder}: {}", plain(&error)))
                    .help("check the path, which counts from the directory of the scenario file")
            };
            (std::fs::read(&path).map_err(unread)?, holder)
        }
        Pem::Secret(name) => {
            let pem = secret_text(&[TextPart::Secret(name.clone())]).map_err(own)?;
            (pem.into_bytes(), format!("the secret `{name}`"))
        }
    };
    let now = jiff::Timestamp::now();
    let since_1970 = Duration::try_from(now.as_duration()).unwrap_or_default();
    let mut read = ClientKey::new(&pem, since_1970)
        .map_err(|error| own(format!("client_key: {holder} {error}")).help(error.help()))?;
    read.key_id.clone_from(&key.key_id);
    read.audience.clone_from(&key.audience);
    Ok(Credential::Key(read))
}

/// What may be wrong when there is no token.
fn hint(credential: &plan::Credential, error: &TokenError) -> &'static str {
    match (credential, error) {
        // RFC 6749, section 5.2: `invalid_client` comes with either.
        (plan::Credential::ClientKey(_), TokenError::Refused { status: 400 | 401, .. }) => {
            "check that the authorization server has the public key of `client_key` for this `client_id`, under the \
             `key_id` if it wants one, that `audience` is what it calls itself, that `scopes` are right, and that the \
             clock of this machine is"
        }
        (plan::Credential::ClientKey(_), _) => "check `token_url`, `client_id`, `client_key` and `scopes`",
        (plan::Credential::ClientSecret(_), _) => "check `token_url`, `client_id`, `client_secret` and `scopes`",
    }
}

/// The way to an address that belongs to the authorization of a server: TLS is spoken,
/// and a proxy asked, as with the server.
fn way(place: &str, server: &Server, guard: &Guard, beside: &Path) -> Result<HttpTarget, String> {
    let mut target = HttpTarget::parse(place, Vec::new()).map_err(|error| error.to_string())?;
    if let Some(tls) = &server.tls {
        target = target.with_tls(tls_client(tls, beside)?);
    }
    let proxy = proxy::of(server, guard, place).map_err(|complaint| complaint.message)?;
    Ok(proxy.into_iter().fold(target, HttpTarget::through))
}

/// Whether an address that a server names may be asked, and get a secret: it is one that
/// the file lets be reached, nobody on the way can change what it says, and what is private
/// to this machine is asked for servers of this machine only.
fn may_be_asked(place: HttpTarget, server: &HttpTarget, guard: &Guard) -> Result<HttpTarget, String> {
    let here = place.is_loopback();
    if !guard::lets_reach(guard, place.host()) {
        let host = place.host();
        Err(format!("the guard does not allow its host: `guard {{ allow hosts [\"{host}\"] }}` does"))
    } else if here && !server.is_loopback() {
        Err("it is on this machine, and the server is not; it is not asked unless `token_url` names it".to_owned())
    } else if !here && !place.is_secure() {
        Err("it has to be reached by https, since it is not on this machine".to_owned())
    } else {
        Ok(place)
    }
}

/// Runs `renewing` on a thread of its own until the sender is dropped: what asks
/// must not share a thread with what is measured.
fn start<F: Future<Output = ()>>(
    renewing: impl FnOnce() -> F + Send + 'static,
) -> std::io::Result<oneshot::Sender<()>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (running, stopped) = oneshot::channel();
    std::thread::Builder::new().name("tokens".to_owned()).spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                () = renewing() => {}
                _ = stopped => {}
            }
        });
    })?;
    Ok(running)
}

/// Replaces the token before it expires, again and again.
async fn renew(mut source: TokenSource, mut lifetime: Duration, bearer: Bearer, log: Log) {
    loop {
        tokio::time::sleep(wait(lifetime)).await;
        match source.token(TIMEOUT).await {
            Ok(token) => {
                bearer.replace(&token);
                log.got(&token);
                let Some(next) = token.lifetime else { return };
                lifetime = next;
            }
            Err(error) => {
                log.note(|tokens| {
                    tokens.failed += 1;
                    tokens.last_failure = Some(error.to_string());
                });
                lifetime = Duration::ZERO;
            }
        }
    }
}

/// How long a token is used.
fn wait(lifetime: Duration) -> Duration {
    lifetime.saturating_sub((lifetime / 5).min(MARGIN)).max(PAUSE)
}

#[cfg(test)]
mod tests {
    use super::{Duration, Guard, HttpTarget, may_be_asked, wait};

    #[test]
    fn what_servers_name_is_asked_within_limits() {
        let guard = Guard { allow_hosts: vec!["*.example.com".to_owned()], ..Guard::default() };
        let target = |url: &str| HttpTarget::parse(url, Vec::new()).unwrap();
        for (server, place, refused) in [
            ("http://127.0.0.1/mcp", "http://localhost:1/a", None),
            ("http://127.0.0.1/mcp", "https://id.example.com/a", None),
            ("https://mcp.example.com/mcp", "https://id.example.com/a", None),
            ("http://127.0.0.1/mcp", "http://id.example.com/a", Some("https")),
            ("https://mcp.example.com/mcp", "http://127.0.0.1/a", Some("on this machine")),
            ("https://mcp.example.com/mcp", "http://unix:/run/a:/a", Some("on this machine")),
            ("https://mcp.example.com/mcp", "https://id.example.net/a", Some("allow hosts [\"id.example.net\"]")),
        ] {
            let answer = may_be_asked(target(place), &target(server), &guard);
            match refused {
                None => assert!(answer.is_ok(), "{place}: {answer:?}"),
                Some(words) => assert!(answer.unwrap_err().contains(words), "{place}"),
            }
        }
    }

    #[test]
    fn a_token_is_replaced_before_it_expires() {
        let seconds = Duration::from_secs;
        assert_eq!(wait(seconds(10)), seconds(8));
        assert_eq!(wait(seconds(3600)), seconds(3540));
        assert_eq!(wait(seconds(1)), seconds(1));
        assert_eq!(wait(seconds(0)), seconds(1));
    }
}
