//! The built-in demo server, with its faults; it knows nothing of the load side.
//!
//! A real MCP server that keeps a library of coding rules and composes them.
//! It makes a first run work with nothing installed, and every verdict of the
//! load tester is proven against it: its behaviour follows from [`Options`]
//! alone, the same seed gives the same library and the same faults.
//!
//! Invariants: nothing here prints; no lock is held over real work, so the
//! server is limited by its core and not by itself; every limit is a named
//! constant in `limits`.

mod cache;
mod calls;
mod completion;
mod compose;
mod counters;
mod error;
mod faults;
mod generate;
mod handler;
mod http;
mod library;
mod limits;
mod options;
mod phrases;
mod prompts;
mod resources;
mod search;
mod spoil;
mod stdio;
mod tools;
mod updates;
mod validate;

#[cfg(test)]
mod tests;

pub use error::ServeError;
pub use http::{HttpServer, PATH};
pub use options::{Answers, Options};
pub use stdio::serve_stdio;
