//! Tests of the reports as a whole.

mod comparison;
mod contrast;
mod docs;
mod golden;
mod hostile;
mod judged;
mod page;
pub(crate) mod sample;
mod suite;
mod templates;
mod trend;
mod view;
mod xml;

use super::{Format, Style, render};
use crate::results::Results;
use crate::verdict::Verdict;

/// A run in a format, without colour.
fn rendered((results, verdict): &(Results, Verdict), format: Format) -> String {
    render(results, verdict, format, Style::default()).unwrap_or_else(|error| panic!("{error}"))
}

/// Every kind of run, with its name.
fn runs() -> Vec<(&'static str, (Results, Verdict))> {
    vec![
        ("typical", sample::typical()),
        ("one_second", sample::one_second()),
        ("interrupted", sample::interrupted()),
        ("empty", sample::empty()),
        ("searched", sample::searched()),
        ("compared", sample::compared()),
        ("cut_off", sample::cut_off()),
        ("invalid", sample::invalid()),
    ]
}
