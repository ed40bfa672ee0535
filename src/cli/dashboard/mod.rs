//! The live view: a run on the whole screen of a terminal, while it is under way.
//!
//! Invariant: nothing that measures waits for it. It has a thread of its own, gets
//! copies of finished seconds through a queue that drops what it cannot take, and
//! leaves the terminal as it was.

mod draw;
mod keys;
mod layout;
mod screen;
mod shown;
mod spark;
mod state;
mod steps;
#[cfg(test)]
mod tests;
mod text;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::lookout::Sought;
use super::terminal;
use crate::engine::{Control, Stop};
use crate::record::Slice;

pub(super) use screen::{fits, is_possible, restore};
pub(super) use state::Subject;

use draw::Mode;
use keys::Done;
use screen::Screen;
use state::State;

/// So often it draws, at most, and so long a key may wait.
const TICK: Duration = Duration::from_millis(250);

/// Seconds that wait for a terminal that takes nothing, such as one that was stopped
/// with Ctrl-S. Those after them are lost to the view, and to nothing else.
const QUEUED: usize = 64;

/// A second of a run.
struct Second {
    slice: Slice,
    sought: Vec<Sought>,
}

/// A live view that is on the screen.
pub(super) struct Dashboard {
    seconds: SyncSender<Second>,
    lost: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl Dashboard {
    /// Takes the terminal, and shows a run until [`Dashboard::finish`]. `None` where
    /// the terminal cannot be taken.
    pub(super) fn begin(subject: Subject, control: Control, stop: fn(&Control)) -> Option<Dashboard> {
        let screen = Screen::enter().ok()?;
        terminal::divert();
        let (seconds, receiver) = sync_channel(QUEUED);
        let lost = Arc::new(AtomicU64::new(0));
        let show = Show { screen, state: State::new(subject), control, stop, lost: Arc::clone(&lost) };
        // A thread that cannot be had drops the screen, which gives the terminal back.
        let thread = std::thread::Builder::new().name("view".to_owned()).spawn(move || show.go_on(&receiver));
        match thread {
            Ok(thread) => Some(Dashboard { seconds, lost, thread: Some(thread) }),
            Err(_) => {
                terminal::undivert();
                None
            }
        }
    }

    /// A second has ended. Returns whether the view is still there.
    pub(super) fn second(&self, slice: &Slice, sought: &[Sought]) -> bool {
        match self.seconds.try_send(Second { slice: slice.clone(), sought: sought.to_vec() }) {
            Ok(()) => true,
            Err(TrySendError::Full(_)) => {
                self.lost.fetch_add(1, Ordering::Relaxed);
                true
            }
            Err(TrySendError::Disconnected(_)) => false,
        }
    }

    /// Gives the terminal back, with what was noted meanwhile.
    pub(super) fn finish(self) {
        let Dashboard { seconds, thread, .. } = self;
        drop(seconds);
        // A view that panicked has given the terminal back, and was no part of the run.
        let _ = thread.map(JoinHandle::join);
        terminal::undivert();
    }
}

/// What the thread of the view has.
struct Show {
    screen: Screen,
    state: State,
    control: Control,
    stop: fn(&Control),
    lost: Arc<AtomicU64>,
}

impl Show {
    /// Until the run is over, or the terminal is gone.
    fn go_on(mut self, seconds: &Receiver<Second>) {
        let mut mode = Mode { color: terminal::stderr_color(), ..Mode::default() };
        let mut shown = self.state.shown();
        let mut changed = true;
        loop {
            let stopping = self.control.now() != Stop::Run;
            changed |= std::mem::replace(&mut mode.stopping, stopping) != stopping;
            if (self.screen.resized() || changed) && self.screen.draw(&shown, &mut mode).is_err() {
                return;
            }
            changed = self.wait(&mut mode);
            loop {
                match seconds.try_recv() {
                    Ok(Second { slice, sought }) => self.state.second(&slice, sought),
                    Err(TryRecvError::Disconnected) => return,
                    Err(TryRecvError::Empty) => break,
                }
                changed |= !mode.paused;
            }
            self.state.lost = self.lost.load(Ordering::Relaxed);
            if let Some(noted) = terminal::diverted(self.state.notes.version) {
                self.state.notes = noted;
                changed |= !mode.paused;
            }
            if changed && !mode.paused {
                shown = self.state.shown();
            }
        }
    }

    /// Takes keys for one tick. Returns whether any changed what is to be seen.
    fn wait(&self, mode: &mut Mode) -> bool {
        let until = Instant::now() + TICK;
        let mut changed = false;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match keys::next(left) {
                Some(Done::Stop) => (self.stop)(&self.control),
                Some(Done::Changed(change)) => {
                    change.apply(mode);
                    changed = true;
                }
                Some(Done::Nothing) => {}
                None => return changed,
            }
        }
    }
}
