//! What the terminal can do, and how complaints are printed.

use std::collections::VecDeque;
use std::io::{self, IsTerminal as _, Write as _};
use std::sync::Mutex;

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

/// Whether standard error is a terminal that can do more than print lines.
pub(super) fn is_capable() -> bool {
    io::stderr().is_terminal() && std::env::var_os("TERM").is_some_and(|term| !term.is_empty() && term != "dumb")
}

/// Whether it is one, and not that of a CI job, which keeps what is printed as a log.
pub(super) fn live() -> bool {
    let ci = std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false");
    is_capable() && !ci
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

/// Prints to standard error; while a live view has the terminal, when it has given
/// it back.
pub(super) fn note(text: &str) {
    match &mut *diversion() {
        Some(noted) => noted.add(text),
        None => say(text),
    }
}

fn say(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// Lines that are kept for the end of a live view: the last ones.
const NOTED: usize = 1_000;

/// What was noted while a live view has the terminal.
#[derive(Clone, Debug, Default)]
pub(super) struct Noted {
    /// The last lines.
    pub(super) lines: VecDeque<String>,
    /// How many were noted in all.
    pub(super) version: u64,
}

impl Noted {
    fn add(&mut self, text: &str) {
        for line in text.lines().filter(|line| !line.is_empty()) {
            if self.lines.len() == NOTED {
                self.lines.pop_front();
            }
            self.lines.push_back(line.to_owned());
            self.version += 1;
        }
    }
}

static DIVERSION: Mutex<Option<Noted>> = Mutex::new(None);

fn diversion() -> std::sync::MutexGuard<'static, Option<Noted>> {
    // Whoever panicked while it held the lock left whole lines.
    DIVERSION.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// From now on a live view has the terminal.
pub(super) fn divert() {
    diversion().get_or_insert_default();
}

/// How many lines were noted since, and the last few.
pub(super) fn diverted(known: u64) -> Option<Noted> {
    diversion().as_ref().filter(|noted| noted.version != known).map(|noted| {
        let skipped = noted.lines.len().saturating_sub(VIEWED);
        Noted { lines: noted.lines.iter().skip(skipped).cloned().collect(), version: noted.version }
    })
}

/// Lines that a live view can show at most.
const VIEWED: usize = 20;

/// The live view has given the terminal back: prints what was noted.
pub(super) fn undivert() {
    let Some(noted) = diversion().take() else { return };
    let before = noted.version.saturating_sub(noted.lines.len() as u64);
    if before > 0 {
        say(&format!("{before} lines before these were noted, too\n"));
    }
    noted.lines.iter().for_each(|line| say(&format!("{line}\n")));
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
