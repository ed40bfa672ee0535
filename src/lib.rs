//! `mcpl`: a language and a load tester for MCP servers.
//!
//! How text becomes a report, room by room: [`syntax`] → [`model`] → [`plan`] →
//! [`engine`] (with [`transport`] and [`record`]) → [`results`] → [`verdict`] →
//! [`report`]. `ARCHITECTURE.md` has the map, and a test holds it.

pub mod cli;
pub mod data;
pub mod diag;
pub mod engine;
pub mod expr;
pub mod format;
pub mod model;
pub mod plan;
pub mod record;
pub mod rehearse;
pub mod report;
pub mod results;
pub mod rulebook;
pub mod schema;
pub mod starter;
pub mod stats;
pub mod store;
pub mod syntax;
pub mod telemetry;
pub mod text;
pub mod transport;
pub mod units;
pub mod verdict;
pub mod violation;
