//! The terminal while the view has it, and giving it back.

use std::io::{self, BufWriter, Stderr, Write as _};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::{cursor, execute, terminal as term};
use ratatui::layout::Rect;
use ratatui::{Terminal, TerminalOptions, Viewport};

use super::draw::{self, Mode};
use super::shown::Shown;
use crate::cli::terminal;

/// Columns and rows of the smallest terminal on which a view is worth more than lines.
const LEAST: (u16, u16) = (60, 16);

/// Whether the view has the terminal.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Whether the terminal of standard error is ours and has a size.
pub(in super::super) fn is_possible() -> bool {
    let (width, height) = size();
    width > 0 && height > 0 && in_foreground()
}

/// Whether the terminal is large enough for a view that is worth it.
pub(in super::super) fn fits() -> bool {
    let (width, height) = size();
    width >= LEAST.0 && height >= LEAST.1
}

/// A process in the background that changes the modes of a terminal is stopped by
/// the system. Without a controlling terminal there is no background.
fn in_foreground() -> bool {
    rustix::termios::tcgetpgrp(io::stderr()).map_or(true, |group| group == rustix::process::getpgrp())
}

/// Columns and rows; nothing when unknown.
fn size() -> (u16, u16) {
    rustix::termios::tcgetwinsize(io::stderr()).map_or((0, 0), |size| (size.ws_col, size.ws_row))
}

/// The terminal, until it is dropped.
pub(super) struct Screen {
    terminal: Terminal<CrosstermBackend<BufWriter<Stderr>>>,
    size: (u16, u16),
}

impl Screen {
    /// Takes the terminal: keys come one by one, and what was on it comes back
    /// afterwards, with its scrollback.
    pub(super) fn enter() -> io::Result<Screen> {
        tell_of_panics_later();
        let size = size();
        // A frame is written at once.
        let out = BufWriter::with_capacity(1 << 16, io::stderr());
        let viewport = Viewport::Fixed(Rect::new(0, 0, size.0, size.1));
        let terminal = Terminal::with_options(CrosstermBackend::new(out), TerminalOptions { viewport })?;
        TAKEN.store(true, Ordering::SeqCst);
        // From here on dropping it gives the terminal back.
        let screen = Screen { terminal, size };
        term::enable_raw_mode()?;
        execute!(io::stderr(), term::EnterAlternateScreen, cursor::Hide, term::Clear(term::ClearType::All))?;
        Ok(screen)
    }

    /// Whether the terminal has another size than before. It is asked for it, since
    /// it is not certain to say so.
    pub(super) fn resized(&mut self) -> bool {
        let now = size();
        let resized = now != self.size && now.0 > 0 && now.1 > 0;
        if resized {
            self.size = now;
            let _ = self.terminal.resize(Rect::new(0, 0, now.0, now.1));
        }
        resized
    }

    /// # Errors
    /// When the terminal is gone.
    pub(super) fn draw(&mut self, shown: &Shown, mode: &mut Mode) -> io::Result<()> {
        self.terminal.draw(|frame| {
            let area = frame.area();
            draw::draw(shown, mode, area, frame.buffer_mut());
        })?;
        self.terminal.backend_mut().flush()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore();
    }
}

/// Gives the terminal back, if the view has it.
pub(in super::super) fn restore() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        // There is nobody to tell when it does not take it.
        let _ = execute!(io::stderr(), term::LeaveAlternateScreen, cursor::Show);
        let _ = term::disable_raw_mode();
    }
}

/// The message of a panic would tear the view, and be gone with it.
fn tell_of_panics_later() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if TAKEN.load(Ordering::SeqCst) {
                terminal::note(&format!("{panic}\n"));
            } else {
                usual(panic);
            }
        }));
    });
}
