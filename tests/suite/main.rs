//! All integration tests, in one binary: one link, one build.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]

mod architecture;
mod bad_servers;
mod cli;
mod run;
mod simulated;
mod support;
mod third_party;
