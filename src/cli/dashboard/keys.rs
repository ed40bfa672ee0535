//! What the keys do.

use std::time::Duration;

use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::draw::Mode;

/// What came of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Done {
    /// Stop the run, as Ctrl-C does.
    Stop,
    /// Show something else.
    Changed(Change),
    /// Not a key of ours.
    Nothing,
}

/// What to show else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Pause,
    Detail,
    Help,
    Scroll(isize),
    Top,
    Bottom,
}

impl Change {
    pub(super) fn apply(self, mode: &mut Mode) {
        match self {
            Change::Pause => mode.paused = !mode.paused,
            Change::Detail => mode.detail = !mode.detail,
            Change::Help => mode.help = !mode.help,
            Change::Scroll(rows) => mode.scroll = mode.scroll.saturating_add_signed(rows),
            Change::Top => mode.scroll = 0,
            // Drawing knows how far down that is.
            Change::Bottom => mode.scroll = usize::MAX,
        }
    }
}

/// Rows of a page.
const PAGE: isize = 10;

/// The next key within some time; `None` after it. A terminal that gives no keys is
/// one that nobody presses any on.
pub(super) fn next(within: Duration) -> Option<Done> {
    match event::poll(within) {
        Ok(true) => match event::read() {
            Ok(Event::Key(key)) => Some(meaning(key)),
            _ => Some(Done::Nothing),
        },
        Ok(false) => None,
        Err(_) => {
            std::thread::sleep(within);
            None
        }
    }
}

fn meaning(key: KeyEvent) -> Done {
    if key.kind == KeyEventKind::Release {
        return Done::Nothing;
    }
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    Done::Changed(match key.code {
        // The terminal makes no signal of it while the view has it.
        KeyCode::Char('c') if control => return Done::Stop,
        KeyCode::Char('q') => return Done::Stop,
        KeyCode::Char('p' | ' ') => Change::Pause,
        KeyCode::Char('d') => Change::Detail,
        KeyCode::Char('?' | 'h') => Change::Help,
        KeyCode::Char('j') | KeyCode::Down => Change::Scroll(1),
        KeyCode::Char('k') | KeyCode::Up => Change::Scroll(-1),
        KeyCode::PageDown => Change::Scroll(PAGE),
        KeyCode::PageUp => Change::Scroll(-PAGE),
        KeyCode::Char('g') | KeyCode::Home => Change::Top,
        KeyCode::Char('G') | KeyCode::End => Change::Bottom,
        _ => return Done::Nothing,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(code: KeyCode, modifiers: KeyModifiers) -> Done {
        meaning(KeyEvent::new(code, modifiers))
    }

    #[test]
    fn ctrl_c_and_q_stop_and_c_alone_does_not() {
        assert_eq!(press(KeyCode::Char('c'), KeyModifiers::CONTROL), Done::Stop);
        assert_eq!(press(KeyCode::Char('q'), KeyModifiers::NONE), Done::Stop);
        assert_eq!(press(KeyCode::Char('c'), KeyModifiers::NONE), Done::Nothing);
    }

    #[test]
    fn scrolling_stays_above_nothing() {
        let mut mode = Mode::default();
        for (code, at) in [(KeyCode::Up, 0), (KeyCode::Down, 1), (KeyCode::PageDown, 11), (KeyCode::Home, 0)] {
            let Done::Changed(change) = press(code, KeyModifiers::NONE) else { panic!("{code:?} scrolls") };
            change.apply(&mut mode);
            assert_eq!(mode.scroll, at, "{code:?}");
        }
    }

    #[test]
    fn pressing_twice_is_as_before() {
        for key in ['p', 'd', '?'] {
            let mut mode = Mode::default();
            let Done::Changed(change) = press(KeyCode::Char(key), KeyModifiers::NONE) else { panic!("{key}") };
            change.apply(&mut mode);
            assert_ne!(mode, Mode::default(), "{key}");
            change.apply(&mut mode);
            assert_eq!(mode, Mode::default(), "{key}");
        }
    }
}
