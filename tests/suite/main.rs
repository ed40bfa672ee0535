//! All integration tests, in one binary: one link, one build.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests fail by panicking and say why they were skipped"
)]

mod addresses;
mod architecture;
mod asks;
mod bad_answers;
mod bad_connections;
mod bad_json;
mod bad_servers;
mod cache;
mod cancel;
mod cli;
mod compare;
mod directory;
mod docs;
mod editors;
mod errors;
mod first;
mod fix;
mod format;
mod fuzz;
mod grammar_page;
mod history;
mod isolation;
mod journal;
mod language;
mod limits;
mod live;
mod live_outputs;
mod live_view;
mod missed;
mod oauth;
mod plans;
mod probe;
mod process;
mod proxy;
mod raw_server;
mod rehearse;
mod results;
mod revisions;
mod run;
mod secure;
mod simulated;
mod slowest;
mod stall;
mod support;
mod templates;
mod third_party;
mod trend;
mod turns;
