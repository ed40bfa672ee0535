//! Constructors of diagnostics: one function for each code.
//!
//! Messages are lowercase fragments that name what is wrong; labels say what
//! was found; helps begin with a verb and hold the corrected text.

pub mod data;
pub mod guard;
pub mod live;
pub mod load;
pub mod names;
pub mod syntax;
pub mod types;
