//! What is measured, in bounded memory.
//!
//! Invariant: memory is bounded in requests (it grows with series × seconds
//! only); recordings merge associatively and commutatively. Imports nothing of
//! the crate.

mod class;
mod distribution;
mod examples;
mod live;
mod process;
mod recorder;
mod recording;
mod slowest;
mod sparse;

pub use class::ErrorClass;
pub use distribution::{Distribution, Frozen, Sparse, SparseSum, sample_floor};
pub use examples::{Examples, Failure};
pub use process::{Moment, ProcessRow};
pub use recorder::{OTHER_TAGS, Recorder, Sample, Shape};
pub use recording::{
    Counts, Health, LogLine, Phase, Recording, SESSION_TIMES, ScenarioRow, SeriesRow, SessionTime, Slice, TIMES, Tally,
    Time, ValueRow,
};
pub use slowest::SlowRequest;
