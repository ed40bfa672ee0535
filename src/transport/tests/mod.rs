//! Tests of the transports against scripted peers: raw TCP servers and small
//! shell scripts. No test sleeps; each waits for what it needs.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod assertion;
mod discovery;
mod envelope;
mod feed;
mod http_answers;
mod http_asides;
mod http_connection;
mod http_session;
mod http_stream;
mod ids;
mod lists;
mod mirror;
mod oauth;
mod parts;
mod peer;
mod probe;
mod proxy;
mod sse;
mod stdio;
mod stdio_asides;
mod stdio_faults;
mod stdio_together;
mod target;
mod tasks;
mod wires;
