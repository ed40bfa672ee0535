//! The tokens of servers with `auth oauth`: the first before the run, the others
//! while it goes on, off the measured path.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use super::complaint::Complaint;
use super::connect::{secret_text, tls_client};
use super::proxy;
use crate::plan::{Guard, Oauth, Server};
use crate::results::Tokens;
use crate::transport::{Bearer, Token, TokenSource};

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

/// Gets the first token for the MCP server at `url`, and begins to get the others.
/// Paths count from `beside`, as for the server itself.
///
/// # Errors
/// When there is no first token, or the secret is not set.
pub(super) async fn begin(
    oauth: &Oauth,
    server: &Server,
    guard: &Guard,
    url: &str,
    beside: &Path,
) -> Result<(Bearer, Renewal), Complaint> {
    let Server { name, tls, .. } = server;
    let own = |error: String| Complaint::usage(format!("server `{name}`: {error}"));
    let secret = secret_text(&oauth.client_secret).map_err(own)?;
    let credentials = (oauth.client_id.as_str(), secret.as_str());
    let mut source = TokenSource::new(&oauth.token_url, credentials, &oauth.scopes, url)
        .map_err(|error| own(format!("token_url: {error}")))?;
    if let Some(tls) = tls {
        source = source.with_tls(tls_client(tls, beside).map_err(own)?);
    }
    if let Some(proxy) = proxy::of(server, guard, &oauth.token_url)? {
        source = source.through(proxy);
    }
    let token = source.token(TIMEOUT).await.map_err(|error| {
        Complaint::server(format!("server `{name}`: no token from {}: {error}", oauth.token_url))
            .help("check `token_url`, `client_id`, `client_secret` and `scopes`")
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
    use super::{Duration, wait};

    #[test]
    fn a_token_is_replaced_before_it_expires() {
        let seconds = Duration::from_secs;
        assert_eq!(wait(seconds(10)), seconds(8));
        assert_eq!(wait(seconds(3600)), seconds(3540));
        assert_eq!(wait(seconds(1)), seconds(1));
        assert_eq!(wait(seconds(0)), seconds(1));
    }
}
