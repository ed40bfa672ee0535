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
    /// How often it asks which tools there are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list_before_call: Option<ListBeforeCall>,
    /// Whom it imitates, if the file says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub persona: Option<Persona>,
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

/// In some iterations `tools/list` goes before the first `call`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ListBeforeCall {
    /// Index of the flow that does it.
    pub flow: usize,
    /// Iterations of every bag in which it does, in slots.
    pub slots: u32,
    /// The size of a bag.
    pub of: u32,
}

impl ListBeforeCall {
    /// The share of the iterations, 0 to 1.
    #[must_use]
    pub fn share(&self) -> f64 {
        f64::from(self.slots) / f64::from(self.of.max(1))
    }
}

/// A known client whose habits a scenario has, but for those that it states itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Persona {
    /// Its name.
    pub name: String,
    /// Habits of its that mean nothing with the servers that are targeted, as
    /// statements.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
}
