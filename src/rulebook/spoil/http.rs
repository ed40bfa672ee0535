//! The same over Streamable HTTP, as a layer around the service.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt, stream};
use rmcp::transport::streamable_http_server::session::SessionManager;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;

use super::super::limits::MAX_LOOKED_INTO;
use super::{Peek, Spoil, Spoiler, half, misdirected};

/// What stands between the server and the wire.
#[derive(Debug)]
pub struct Between {
    /// What it does.
    pub spoiler: Spoiler,
    /// The sessions it forgets.
    pub sessions: Arc<LocalSessionManager>,
}

/// Passes a request on, and its answer back as the faults have it.
pub async fn between(State(between): State<Arc<Between>>, request: Request, next: Next) -> Response {
    let spoiler = &between.spoiler;
    if request.method() != Method::POST {
        return next.run(request).await;
    }
    if let Some(id) = session(request.headers())
        && spoiler.forgets()
    {
        // What the service then says of it is its own.
        let _ = between.sessions.close_session(&id.into()).await;
    }
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_LOOKED_INTO).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let asked = Peek::at(&body);
    let (calls, cancels) = (asked.calls_a_tool(), asked.cancels());
    if cancels && spoiler.ignores_cancellation {
        return StatusCode::ACCEPTED.into_response();
    }
    let answer = next.run(Request::from_parts(parts, Body::from(body))).await;
    match (calls && answer.status().is_success()).then(|| spoiler.answer()).flatten() {
        Some(spoil) => spoiled(spoil, answer).await,
        None => answer,
    }
}

fn session(headers: &HeaderMap) -> Option<&str> {
    headers.get("mcp-session-id").and_then(|id| id.to_str().ok())
}

async fn spoiled(spoil: Spoil, answer: Response) -> Response {
    let (mut parts, body) = answer.into_parts();
    let Ok(body) = to_bytes(body, MAX_LOOKED_INTO).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    parts.headers.remove(CONTENT_LENGTH);
    let streams = parts.headers.get(CONTENT_TYPE).is_some_and(|form| form.as_bytes().starts_with(b"text/event-stream"));
    let (text, ends) = if streams { events(spoil, &body) } else { object(spoil, &body).await };
    let text = stream::iter([Ok::<_, Infallible>(Bytes::from(text))]);
    let body = if ends { Body::from_stream(text) } else { Body::from_stream(text.chain(stream::pending())) };
    Response::from_parts(parts, body)
}

/// An answer of one JSON object, spoiled, and whether it ends.
async fn object(spoil: Spoil, body: &[u8]) -> (Vec<u8>, bool) {
    match spoil {
        Spoil::Lost => std::future::pending().await,
        // There is room for one.
        Spoil::Twice => (body.to_vec(), true),
        Spoil::Stalled => (half(body).to_vec(), false),
        Spoil::Malformed => (half(body).to_vec(), true),
        Spoil::WrongId => (misdirected(body), true),
    }
}

/// An event stream, spoiled where the answer is, and whether it ends.
fn events(spoil: Spoil, body: &[u8]) -> (Vec<u8>, bool) {
    let text = String::from_utf8_lossy(body);
    let mut out = Vec::with_capacity(body.len());
    for event in text.split_inclusive("\n\n") {
        let data = event.lines().find_map(|line| line.strip_prefix("data:")).map(str::trim_start);
        let Some(message) = data.filter(|data| Peek::at(data.as_bytes()).answers().is_some()) else {
            out.extend_from_slice(event.as_bytes());
            continue;
        };
        let with = |message: &[u8]| [b"data: ", message, b"\n\n"].concat();
        match spoil {
            Spoil::Lost => {}
            Spoil::Twice => out.extend([event, event].concat().into_bytes()),
            Spoil::Stalled => {
                out.extend_from_slice(half(event.as_bytes()));
                return (out, false);
            }
            Spoil::Malformed => out.extend(with(half(message.as_bytes()))),
            Spoil::WrongId => out.extend(with(&misdirected(message.as_bytes()))),
        }
    }
    (out, true)
}
