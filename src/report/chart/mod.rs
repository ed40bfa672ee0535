//! Charts as SVG, with their text in HTML beside them.
//!
//! Invariant: a pure function of the view: the same view gives the same bytes.
//! The drawing stretches with the page while its lines keep their width, and
//! labels are HTML, so that they are as large on a phone as on a desk. Colours
//! are CSS variables with `currentColor` behind them, and every line has a
//! dash pattern of its own. Nothing in a chart refers to another file.

mod catalogue;
mod cells;
mod forest;
mod gauge;
mod history;
mod overlay;
mod path;
mod plot;
mod reduce;
mod scale;
mod sparkline;
mod spread;
mod strip;
mod ticks;

pub(super) use catalogue::{NAMES, chart};
pub(super) use forest::{Effect, forest};
pub(super) use gauge::gauge;
pub(super) use history::{history, history_plot, history_text};
pub(super) use overlay::overlay;
pub(super) use sparkline::{sparkline, sparkline_text};
pub(super) use strip::strip;
