//! What the terminal can do, and how complaints are printed.

use std::io::{self, IsTerminal as _, Write as _};

use super::complaint::Complaint;
use crate::diag::render::Style;

/// Width assumed when there is no terminal to ask.
pub(super) const DEFAULT_WIDTH: usize = 80;

/// A terminal wider than this is not filled: long lines are hard to read.
const MAX_WIDTH: usize = 110;

/// How to draw diagnostics on standard error.
pub(super) fn stderr_style() -> Style {
    Style { color: stderr_color(), width: width(&io::stderr()) }
}

/// Whether standard error takes colours: a terminal, and `NO_COLOR` is not set.
pub(super) fn stderr_color() -> bool {
    io::stderr().is_terminal() && color_wanted()
}

/// Columns of standard output.
pub(super) fn stdout_width() -> usize {
    width(&io::stdout())
}

/// Whether standard output takes colours.
pub(super) fn stdout_color() -> bool {
    io::stdout().is_terminal() && color_wanted()
}

/// Whether a line that is drawn again and again may be used on standard error.
pub(super) fn live() -> bool {
    let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
    let ci = std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false");
    io::stderr().is_terminal() && !dumb && !ci
}

fn color_wanted() -> bool {
    // https://no-color.org: any value but the empty one.
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

fn width(stream: &impl std::os::fd::AsFd) -> usize {
    rustix::termios::tcgetwinsize(stream)
        .ok()
        .map(|size| usize::from(size.ws_col))
        .filter(|columns| *columns > 0)
        .unwrap_or(DEFAULT_WIDTH)
        .clamp(40, MAX_WIDTH)
}

/// Prints to standard output. A reader that has gone away is no error.
///
/// # Errors
/// When the text cannot be written, for example to a full disk.
pub(super) fn print(text: &str) -> Result<(), Complaint> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Complaint::usage(format!("cannot write to standard output: {}", super::output::plain(&error))))
        }
        _ => Ok(()),
    }
}

/// Prints to standard error.
pub(super) fn note(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// Prints `error: …` and what to do about it.
pub(super) fn complain(complaint: &Complaint) {
    let (red, cyan, plain) = if stderr_color() { ("\x1b[31;1m", "\x1b[36m", "\x1b[0m") } else { ("", "", "") };
    note(&format!("{red}error:{plain} {}\n", printable(&complaint.message)));
    if let Some(help) = &complaint.help {
        note(&format!("  {cyan}help:{plain} {}\n", printable(help)));
    }
}

/// Without control characters, which could move the cursor or change colours:
/// parts of messages come from servers.
pub(super) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect()
}
