//! Statistics: tests, estimates and intervals.
//!
//! Invariant: pure functions of numbers; what is random is drawn from a seed that the
//! caller gives. May import nothing.

mod bunch;
mod changes;
mod jump;
mod multiple;
mod nonparametric;
mod permutation;
mod prediction;
mod student;

pub use bunch::bunch_chance;
pub use changes::{Change, Changes, LEAST, changes, leaning};
pub use jump::{Jump, jump};
pub use multiple::{benjamini_hochberg, holm};
pub use nonparametric::{chance, larger_score, median, normal_above, slope, trend_score, uneven_score};
pub use permutation::{Shift, least_chance, least_paired_chance};
pub use prediction::{Prediction, mean_and_deviation};
pub use student::{t_cdf, t_quantile};
