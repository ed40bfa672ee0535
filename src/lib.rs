//! `mcpl`: a language and a load tester for MCP servers.
//!
//! How text becomes a report, room by room: [`syntax`] → [`model`] → [`plan`] →
//! [`engine`] (with [`transport`] and [`record`]) → [`results`] → [`verdict`] →
//! [`report`]. `ARCHITECTURE.md` has the map.

pub mod diag;
pub mod engine;
pub mod expr;
pub mod plan;
pub mod record;
pub mod text;
pub mod units;
pub mod results;
pub mod transport;
pub mod verdict;
