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
mod baseline;
mod builtin;
mod constant;
mod credentials;
mod data;
mod expression;
mod files;
mod flow;
mod function;
pub mod guard;
mod habits;
mod items;
pub mod live;
mod lower;
mod metric;
mod outside;
mod path;
pub mod persona;
mod request;
mod rules;
mod scenario;
mod server;
mod site;
mod stages;
mod start;
mod step;
mod target;
mod types;
mod whole;

#[cfg(test)]
mod tests;

pub use files::{Compiled, Files, NoFiles, compile};
pub use lower::{Lowered, Options, lower};
pub use outside::metric_of;
pub use site::{Argument, CallSite, Entry, Kind, Known, PromptSite, ReadSite};

use crate::data::Table;

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
    /// The rows of the plan's data, by its index.
    pub tables: Vec<Table>,
}

/// A parameter and where its value came from.
#[derive(Clone, Debug)]
pub struct Param {
    /// Its name.
    pub name: String,
    /// Its value, as people read it.
    pub value: String,
    /// Where the value came from.
    pub origin: Origin,
    /// The file that defines it.
    pub file: String,
    /// The line of its definition, from 1.
    pub line: usize,
}

/// Where the value of a parameter came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The file.
    File,
    /// `--set`.
    Set,
    /// The file, and it reads the environment.
    Environment,
}
