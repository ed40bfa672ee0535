//! Subscriptions to a resource, as far as they are the same over all transports.

use std::borrow::Cow;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::envelope::{About, Notice, Reply};
use super::exchange::Changes;
use super::ids;

/// How a legacy client subscribes.
pub(super) const SUBSCRIBE: &str = "resources/subscribe";
pub(super) const UNSUBSCRIBE: &str = "resources/unsubscribe";

/// How a modern client does: the request lasts as long as the subscription.
pub(super) const LISTEN: &str = "subscriptions/listen";

#[derive(Deserialize)]
struct Params<'a> {
    #[serde(borrow, default)]
    uri: Option<Cow<'a, str>>,
    #[serde(borrow, default, rename = "_meta")]
    meta: Option<Meta<'a>>,
}

#[derive(Deserialize)]
struct Meta<'a> {
    #[serde(borrow, default, rename = "io.modelcontextprotocol/subscriptionId")]
    subscription: Option<&'a RawValue>,
}

/// The address in some parameters.
pub(super) fn uri(params: &[u8]) -> Option<String> {
    serde_json::from_slice::<Params<'_>>(params).ok()?.uri.map(Cow::into_owned)
}

/// The request whose subscription a notification belongs to.
pub(super) fn subscription(params: &[u8]) -> Option<u64> {
    let params: Params<'_> = serde_json::from_slice(params).ok()?;
    ids::read(params.meta?.subscription?.get())
}

/// Whether an update is one of the resource at `watched`, or of a part of it.
pub(super) fn concerns(params: &[u8], watched: &str) -> bool {
    uri(params).is_some_and(|uri| uri.starts_with(watched))
}

/// Notes what a notification says has changed, if it does.
pub(super) fn note(notice: &Notice, changes: &mut Changes) {
    match notice.about {
        About::Tools => changes.tools = true,
        About::Prompts => changes.prompts = true,
        About::Resources => changes.resources = true,
        // An update that does not say of what may be of anything.
        About::Updated if changes.any() => {}
        About::Updated => changes.update(uri(&notice.params).unwrap_or_default()),
        About::Progress | About::Acknowledged | About::Cancelled | About::Other => {}
    }
}

/// The parameters of a subscription to the resource at `uri` alone.
pub(super) fn listen_params(uri: &str) -> String {
    serde_json::json!({ "notifications": { "resourceSubscriptions": [uri] } }).to_string()
}

/// The acknowledgement of a subscription as if it were the response to its
/// request, which comes at the end only; `None` if it is none.
pub(super) fn acknowledged(id: u64, params: &Bytes) -> Option<Reply> {
    let params = std::str::from_utf8(params).ok().filter(|params| !params.is_empty()).unwrap_or("{}");
    let message = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{params}}}"#);
    Reply::from_message(message.into()).ok()
}

#[cfg(test)]
mod tests {
    use super::{concerns, subscription};

    #[test]
    fn an_update_is_of_a_resource_or_of_a_part_of_it() {
        let update = |uri: &str| format!(r#"{{"uri":"{uri}"}}"#);
        assert!(concerns(update("a://b").as_bytes(), "a://b"));
        assert!(concerns(update("a://b/c").as_bytes(), "a://b"));
        assert!(!concerns(update("a://").as_bytes(), "a://b"));
        assert!(!concerns(b"{}", "a://b"));
        let of = |id: &str| format!(r#"{{"_meta":{{"io.modelcontextprotocol/subscriptionId":{id}}},"uri":"x"}}"#);
        assert_eq!(subscription(of("7").as_bytes()), Some(7));
        assert_eq!(subscription(of("\"7\"").as_bytes()), Some(7));
        assert_eq!(subscription(of("null").as_bytes()), None);
        assert_eq!(subscription(b"{}"), None);
    }
}
