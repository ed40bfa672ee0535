//! The parameters of a request, from its step.

use std::borrow::Cow;

use super::iteration::Running;
use crate::expr::EvalError;
use crate::plan::{Method, Request};
use crate::transport::Connector;

/// Renders the parameters into the user's buffer; returns the name that goes
/// into the `Mcp-Name` header.
pub(super) fn render<'r, C: Connector>(
    run: &mut Running<'_, C>,
    request: &'r Request,
    cursor: Option<&str>,
) -> Result<Option<Cow<'r, str>>, EvalError> {
    let mut params = std::mem::take(&mut run.user.params);
    params.clear();
    let rendered = match &request.method {
        Method::Call { tool: name } | Method::Prompt { name } => {
            request.params.render(&mut run.scope(None), &mut params).map(|()| Some(Cow::Borrowed(name.as_str())))
        }
        Method::Read { uri } => uri.eval(&mut run.scope(None)).map(|uri| {
            let uri = uri.to_text();
            append_member(&mut params, "uri", &uri);
            Some(Cow::Owned(uri))
        }),
        Method::Complete | Method::Request { .. } => {
            request.params.render(&mut run.scope(None), &mut params).map(|()| None)
        }
        Method::Subscribe { uri, .. } => uri.eval(&mut run.scope(None)).map(|uri| {
            append_member(&mut params, "uri", &uri.to_text());
            None
        }),
        Method::List { .. } => {
            match cursor {
                Some(cursor) => append_member(&mut params, "cursor", cursor),
                None => params.extend_from_slice(b"{}"),
            }
            Ok(None)
        }
    };
    run.user.params = params;
    rendered
}

/// `{"key":"value"}`
fn append_member(out: &mut Vec<u8>, key: &str, value: &str) {
    out.extend_from_slice(b"{\"");
    out.extend_from_slice(key.as_bytes());
    out.extend_from_slice(b"\":");
    // Writing a text to a Vec cannot fail.
    let _ = serde_json::to_writer(&mut *out, value);
    out.push(b'}');
}
