//! The bound and typed model of a file, and the plan it makes.
//!
//! Invariant: every name is bound and every value has a type and a unit, or the
//! item is marked broken (`None`) and stays silent from then on. May import
//! `syntax`, `text`, `diag`, `expr`, `units`, `plan`.
//!
//! [`lower`] runs over the items in an order in which each finds what it needs:
//! parameters, servers, guard, flows, scenarios, assertions; then the rules that
//! look at the whole.

mod address;
mod args;
mod assertion;
mod constant;
mod expression;
mod flow;
mod function;
pub mod guard;
mod items;
pub mod live;
mod lower;
mod metric;
mod rules;
mod scenario;
mod server;
mod site;
mod types;

#[cfg(test)]
mod tests;

pub use lower::{Lowered, Options, lower};
pub use site::{Argument, CallSite, Entry, Kind, Known, PromptSite, ReadSite};

/// What later stages need to know of the file beside the plan.
#[derive(Clone, Debug, Default)]
pub struct Model {
    /// Parameters, in order.
    pub params: Vec<Param>,
    /// Every `call` of every flow.
    pub calls: Vec<CallSite>,
    /// Every `prompt` of every flow.
    pub prompts: Vec<PromptSite>,
    /// Every `read` of every flow.
    pub reads: Vec<ReadSite>,
}

/// A parameter and where its value came from.
#[derive(Clone, Debug)]
pub struct Param {
    /// Its name.
    pub name: String,
    /// Its value, as people read it.
    pub value: String,
    /// Whether `--set` gave the value.
    pub overridden: bool,
}
