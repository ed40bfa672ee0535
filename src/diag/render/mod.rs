//! Findings as text: a file for each form.
//!
//! Invariant: a renderer only shows; what it shows is decided before it.

mod github;
mod json;
mod sarif;
mod short;
mod text;

pub use github::github;
pub use json::json;
pub use sarif::sarif;
pub use short::short;
pub use text::{SHOWN_PER_FILE, Style, text};

use short::short_line;
