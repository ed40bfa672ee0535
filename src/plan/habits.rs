//! How the clients of a scenario behave where MCP leaves it to them, or where
//! clients are known not to do what it says.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the clients of a scenario behave.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Habits {
    /// What a client does once the server does not know its session any more.
    #[serde(default, skip_serializing_if = "is_default")]
    pub lost_session: LostSession,
    /// How a client numbers its requests.
    #[serde(default, skip_serializing_if = "is_default")]
    pub ids: Ids,
}

impl Habits {
    /// Whether they are those of a client that nothing is said about.
    #[must_use]
    pub fn are_plain(&self) -> bool {
        *self == Habits::default()
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// What a client does once the server has answered HTTP 404 to a request with its
/// session id. The request has failed either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LostSession {
    /// It goes on with the session that it has.
    #[default]
    Fail,
    /// It opens a new one before its next request, as the specification demands.
    Renew,
}

/// How a client numbers the requests of a session (JSON-RPC ids).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ids {
    /// 1, 2, 3 and so on.
    #[default]
    Counting,
    /// 1 for each request, as some clients do. Over HTTP only: where one channel
    /// carries all answers, they could not be told apart.
    Constant,
    /// Texts that look like UUIDs, other ones in each session.
    Text,
}
