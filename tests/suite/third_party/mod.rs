//! Servers, clients, a browser and a test suite that nobody of this project wrote, installed
//! from npm and PyPI into `target/`.
//!
//! What cannot be installed is skipped with a word on why; in CI that is a failure.

mod agree;
mod conformance;
mod conversation;
mod example;
mod first;
mod general;
mod install;
mod matrix;
mod prometheus;
mod report;
mod servers;
