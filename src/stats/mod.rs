//! Statistics: tests, estimates and intervals.
//!
//! Invariant: pure functions of numbers; what is random is drawn from a seed that the
//! caller gives. May import nothing.

mod nonparametric;

pub use nonparametric::{chance, larger_score, median, slope, trend_score, uneven_score};
