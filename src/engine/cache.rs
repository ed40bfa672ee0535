//! Results that a server lets be cached, and users that do not ask for them again
//! (MCP 2026-07-28, caching).
//!
//! Invariant: a result is given out for the method and the parameters that it
//! answered and for no others, from when it came for as long as the server said,
//! unless the server said meanwhile that it has changed. What is kept is bounded,
//! whatever servers send.

use std::borrow::Cow;
use std::time::Duration;

use serde::Deserialize;
use tokio::time::Instant;

use super::iteration::Running;
use super::request::Sent;
use crate::plan::Request;
use crate::transport::{Changes, Connector, Exchange, Failure, Reply};

/// What the specification lets be cached.
const METHODS: [&str; 6] =
    ["tools/list", "prompts/list", "resources/list", "resources/templates/list", "resources/read", "server/discover"];

/// The most results that are kept of one session: some pages of lists and the
/// resources that a flow reads.
const RESULTS: usize = 256;

/// The most bytes that they take. With a thousand users it is a gigabyte, which
/// only a server can cause that lets large resources be cached.
const BYTES: usize = 1024 * 1024;

/// The longest that a result is kept, so that no number of the server is too large
/// for a clock. No run lasts as long.
const LONGEST: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// What was kept of one session.
#[derive(Debug, Default)]
pub(super) struct Cache {
    kept: Vec<Kept>,
    /// What they take.
    bytes: usize,
}

#[derive(Debug)]
struct Kept {
    method: &'static str,
    params: Vec<u8>,
    /// What was read, if it was a resource.
    uri: Option<String>,
    /// It is not given out from this instant on.
    until: Instant,
    status: Option<u16>,
    reply: Reply,
}

impl Kept {
    fn size(&self) -> usize {
        self.params.len() + self.reply.size()
    }

    fn is_called_back(&self, changes: &Changes) -> bool {
        match self.method {
            "tools/list" => changes.tools,
            "prompts/list" => changes.prompts,
            "resources/list" | "resources/templates/list" => changes.resources,
            // An update may be of a part of what was read, or of what that is a part of.
            "resources/read" => self.uri.as_ref().is_none_or(|uri| {
                changes.updated.iter().any(|updated| updated.starts_with(uri) || uri.starts_with(updated))
            }),
            _ => false,
        }
    }
}

/// What a result says of its own keeping.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Hints<'a> {
    #[serde(default)]
    ttl_ms: Option<serde_json::Number>,
    #[serde(borrow, default)]
    result_type: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Read {
    uri: String,
}

/// How long a result may be kept; `None` where it may not.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
fn time_to_live(exchange: &Exchange) -> Option<Duration> {
    let reply = exchange.outcome.as_ref().ok()?;
    // What depends on answers to the server must not be kept.
    if reply.error().is_some() || exchange.asides.rounds > 0 {
        return None;
    }
    // serde would also fill a struct from an array.
    let result = reply.result()?.trim_start();
    let hints: Hints<'_> = result.starts_with('{').then(|| serde_json::from_str(result).ok()).flatten()?;
    if hints.result_type.is_some_and(|kind| kind != "complete") {
        return None;
    }
    let given = hints.ttl_ms?;
    let millis = given.as_u64().or_else(|| Some(given.as_f64()? as u64)).filter(|millis| *millis > 0)?;
    Some(Duration::from_millis(millis).min(LONGEST))
}

impl Cache {
    /// The result of such a request, if it is kept and fresh, with its HTTP status.
    fn get(&mut self, method: &str, params: &[u8], now: Instant) -> Option<(Reply, Option<u16>)> {
        let at = self.kept.iter().position(|kept| kept.method == method && kept.params == params)?;
        let kept = self.kept.get(at)?;
        if now < kept.until {
            return Some((kept.reply.clone(), kept.status));
        }
        self.remove(at);
        None
    }

    /// Keeps the result of a request if its server lets it, in place of those that
    /// would be stale first if there are too many.
    fn keep(&mut self, method: &str, params: &[u8], exchange: &Exchange) {
        let Some(method) = METHODS.into_iter().find(|known| *known == method) else { return };
        self.forget(|kept| kept.method == method && kept.params == params);
        let (Some(time), Ok(reply)) = (time_to_live(exchange), &exchange.outcome) else { return };
        let uri = serde_json::from_slice::<Read>(params).ok().map(|read| read.uri);
        let until = exchange.done + time;
        let size = params.len() + reply.size();
        if size > BYTES {
            return;
        }
        while self.kept.len() >= RESULTS || self.bytes + size > BYTES {
            let soonest = self.kept.iter().enumerate().min_by_key(|(_, kept)| kept.until).map(|(at, _)| at);
            self.remove(soonest.unwrap_or_default());
        }
        self.bytes += size;
        let (params, status, reply) = (params.to_vec(), exchange.status, reply.detached());
        self.kept.push(Kept { method, params, uri, until, status, reply });
    }

    fn remove(&mut self, at: usize) {
        if at < self.kept.len() {
            self.bytes -= self.kept.swap_remove(at).size();
        }
    }

    fn forget(&mut self, which: impl Fn(&Kept) -> bool) {
        self.kept.retain(|kept| !which(kept));
        self.bytes = self.kept.iter().map(Kept::size).sum();
    }
}

impl<C: Connector> Running<'_, C> {
    /// The answer to a request that needs not be sent.
    pub(super) fn recall(&self, request: &Request, params: &[u8]) -> Option<Sent> {
        let (reply, status) = self.user.cache()?.get(request.method.wire(), params, Instant::now())?;
        let unsent = Exchange::unsent(Failure::Stale);
        Some(Sent::cached(Exchange { status, outcome: Ok(reply), ..unsent }))
    }

    /// Keeps the result of a request that was sent, where that is allowed, and
    /// forgets what the server has said is no longer so.
    pub(super) fn keep(&self, request: &Request, exchange: &Exchange, params: &[u8]) {
        let Some(mut cache) = self.user.cache() else { return };
        let method = request.method.wire();
        cache.keep(method, params, exchange);
        if exchange.changes != Changes::default() {
            cache.forget(|kept| kept.is_called_back(&exchange.changes));
        }
        // A cursor that is not good any more: its pages belong together.
        if method.ends_with("/list") && exchange.outcome.as_ref().is_ok_and(|reply| reply.error().is_some()) {
            cache.forget(|kept| kept.method == method);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::time::Duration;

    use tokio::time::Instant;

    use super::{BYTES, Cache, LONGEST, RESULTS};
    use crate::transport::{Asides, Exchange, Failure, Reply};

    fn answered(result: &str) -> Exchange {
        let message = format!(r#"{{"jsonrpc":"2.0","id":1,"result":{result}}}"#);
        let outcome = Ok(Reply::from_message(message.into()).unwrap());
        Exchange { status: Some(200), outcome, ..Exchange::unsent(Failure::Stale) }
    }

    fn read(number: usize) -> Vec<u8> {
        format!(r#"{{"uri":"a://{number}"}}"#).into_bytes()
    }

    #[tokio::test(start_paused = true)]
    async fn a_result_is_fresh_for_as_long_as_the_server_says() {
        let mut cache = Cache::default();
        cache.keep("tools/list", b"{}", &answered(r#"{"tools":[],"ttlMs":1000}"#));
        let now = Instant::now();
        let mut at =
            |millis| cache.get("tools/list", b"{}", now + Duration::from_millis(millis)).map(|(_, status)| status);
        assert_eq!(at(999), Some(Some(200)));
        assert_eq!(at(1000), None);
        assert_eq!(at(0), None, "what is stale is gone");
    }

    #[tokio::test(start_paused = true)]
    async fn only_what_may_be_kept_is_kept() {
        let error = Exchange {
            outcome: Ok(Reply::from_message(r#"{"id":1,"error":{"code":1,"message":"x"}}"#.into()).unwrap()),
            ..Exchange::unsent(Failure::Stale)
        };
        let good = || answered(r#"{"ttlMs":5}"#);
        let rounds = Exchange { asides: Asides { rounds: 1, ..Asides::default() }, ..good() };
        for (method, exchange, kept) in [
            ("tools/list", good(), true),
            ("server/discover", good(), true),
            ("resources/read", answered(r#"{"ttlMs":5.0,"resultType":"complete"}"#), true),
            ("resources/read", answered(r#"{"ttlMs":1e300}"#), true),
            ("tools/call", good(), false),
            ("prompts/get", good(), false),
            ("tools/list", answered("{}"), false),
            ("tools/list", answered(r#"{"ttlMs":0}"#), false),
            ("tools/list", answered(r#"{"ttlMs":-5}"#), false),
            ("tools/list", answered(r#"{"ttlMs":"5"}"#), false),
            ("tools/list", answered(r#"{"ttlMs":null}"#), false),
            ("tools/list", answered(r#"[5]"#), false),
            ("tools/list", answered(r#"{"ttlMs":5,"resultType":"input_required"}"#), false),
            ("tools/list", rounds, false),
            ("tools/list", error, false),
            ("tools/list", Exchange::unsent(Failure::Stale), false),
        ] {
            let mut cache = Cache::default();
            cache.keep(method, b"{}", &exchange);
            assert_eq!(cache.get(method, b"{}", Instant::now()).is_some(), kept, "{method}: {exchange:?}");
        }
        let mut cache = Cache::default();
        cache.keep("tools/list", b"{}", &answered(r#"{"ttlMs":18446744073709551615}"#));
        assert!(cache.get("tools/list", b"{}", Instant::now() + LONGEST).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_kept_is_bounded() {
        let mut cache = Cache::default();
        for number in 0..=RESULTS {
            let time = 1000 + number;
            cache.keep("resources/read", &read(number), &answered(&format!(r#"{{"ttlMs":{time}}}"#)));
        }
        let now = Instant::now();
        assert_eq!(cache.kept.len(), RESULTS);
        assert!(cache.get("resources/read", &read(0), now).is_none(), "it would be stale first");
        assert!(cache.get("resources/read", &read(1), now).is_some());

        let large = |size: usize| answered(&format!(r#"{{"ttlMs":5000,"text":"{}"}}"#, "x".repeat(size)));
        cache.keep("resources/read", &read(1), &large(BYTES));
        assert!(cache.get("resources/read", &read(1), now).is_none(), "too large, and the old one is gone");
        for number in 0..3 {
            cache.keep("resources/read", &read(number), &large(BYTES / 2 - 1000));
        }
        assert_eq!(cache.kept.iter().filter(|kept| kept.reply.size() > 1000).count(), 2);
        assert!(cache.bytes <= BYTES);
        cache.forget(|_| true);
        assert_eq!((cache.bytes, cache.kept.len()), (0, 0));
    }
}
