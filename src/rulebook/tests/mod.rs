//! Tests of the rulebook; none of them sleeps.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod cache;
mod calls;
mod compose;
mod faults;
mod http;
mod library;
mod offers;
mod resources;
mod spoil;
mod stdio;
mod wire;
