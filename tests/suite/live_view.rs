//! The live view on a terminal that the test makes, and plain lines elsewhere.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Termios, Winsize, tcgetattr, tcsetwinsize};

use crate::support::{Scenario, mcpl, stderr, stdout};

const ENTER: &str = "\x1b[?1049h";
const LEAVE: &str = "\x1b[?1049l";

fn scenario(length: &str) -> Scenario {
    let text = r#"mcpl 1
server rules { builtin rulebook { rules 20 } }
scenario look {
  target rules
  stages { hold 20/s for LENGTH }
  run search
}
flow search {
  call search_rules { args { "query": "naming", "limit": 3 } }
}
assert { look.errors.rate == 0% }
"#;
    Scenario::new(&text.replace("LENGTH", length))
}

/// After so long without output it is asked whether the program still runs.
const PATIENCE: Duration = Duration::from_millis(500);

/// A terminal with a run on it.
struct Session {
    child: Child,
    /// What the test types goes here.
    master: File,
    /// Kept open: the last one to close it would reset its modes.
    slave: OwnedFd,
    output: Receiver<String>,
    seen: String,
}

/// A terminal of so many columns and rows.
fn terminal(columns: u16, rows: u16) -> (File, OwnedFd) {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    use rustix::fs::OFlags;
    // Programs that other tests start must not keep it open.
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let slave = rustix::fs::open(name, flags, rustix::fs::Mode::empty()).unwrap();
    tcsetwinsize(&master, Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
    (File::from(master), slave)
}

impl Session {
    fn begin(scenario: &Scenario, (columns, rows): (u16, u16), env: &[(&str, &str)], more: &[&str]) -> Session {
        let (master, slave) = terminal(columns, rows);
        let stdio = || Stdio::from(slave.try_clone().unwrap());
        let mut command = mcpl();
        command.arg("run").arg(&scenario.file).args(more).env("TERM", "xterm").envs(env.iter().copied());
        let child = command.stdin(stdio()).stdout(stdio()).stderr(stdio()).spawn().unwrap();
        let (sender, output) = channel();
        let mut reader = master.try_clone().unwrap();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            // The end of a terminal is an error on some systems.
            while let Ok(count @ 1..) = reader.read(&mut bytes) {
                let _ = sender.send(String::from_utf8_lossy(&bytes[..count]).into_owned());
            }
        });
        Session { child, master, slave, output, seen: String::new() }
    }

    /// Reads until a text is on the screen.
    fn wait_for(&mut self, text: &str) {
        while !self.seen.contains(text) {
            match self.output.recv_timeout(PATIENCE) {
                Ok(more) => self.seen.push_str(&more),
                // Nothing more comes of a program that has ended.
                Err(_) => assert!(self.child.try_wait().unwrap().is_none(), "no `{text}` in {:?}", self.seen),
            }
        }
    }

    fn press(&mut self, keys: &str) {
        self.master.write_all(keys.as_bytes()).unwrap();
    }

    fn modes(&self) -> Termios {
        tcgetattr(&self.slave).unwrap()
    }

    /// The exit code, and all that was written.
    fn end(mut self) -> (Option<i32>, String) {
        let code = self.child.wait().unwrap().code();
        drop(self.slave);
        self.output.iter().for_each(|more| self.seen.push_str(&more));
        (code, self.seen)
    }
}

#[test]
fn the_view_begins_and_a_key_drains_and_the_terminal_is_as_before() {
    let scenario = scenario("60s");
    let mut session = Session::begin(&scenario, (80, 24), &[], &[]);
    session.wait_for(ENTER);
    // Blanks are not written where the screen is blank.
    session.wait_for("look.errors.rate");
    session.wait_for("Generator");
    assert!(!session.modes().local_modes.contains(LocalModes::ICANON), "keys come one by one");
    session.press("q");
    session.wait_for(LEAVE);
    session.wait_for("INTERRUPTED");
    let after = session.modes().local_modes;
    let usual = LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG;
    assert!(after.contains(usual), "{after:?}");
    let (code, seen) = session.end();
    assert_eq!(code, Some(130), "{seen}");
    let (view, rest) = seen.split_once(LEAVE).unwrap();
    assert!(view.contains("\x1b[?25l") && rest.contains("\x1b[?25h"), "the cursor comes back: {rest:?}");
    assert!(rest.contains("stopping: no new work begins"), "what was noted meanwhile is told: {rest}");
    assert!(!rest.contains(ENTER) && !view.contains("INTERRUPTED"), "the summary stays: {rest}");
}

#[test]
fn a_signal_gives_the_terminal_back_too() {
    let scenario = scenario("60s");
    let mut session = Session::begin(&scenario, (120, 40), &[("NO_COLOR", "1")], &[]);
    session.wait_for("Generator");
    let pid = rustix::process::Pid::from_child(&session.child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    session.wait_for("INTERRUPTED");
    assert!(session.modes().local_modes.contains(LocalModes::ICANON));
    let (code, seen) = session.end();
    assert_eq!(code, Some(130));
    assert!(seen.contains(LEAVE));
    assert!(!seen.contains("\x1b[31") && !seen.contains("\x1b[38"), "NO_COLOR holds for the view");
}

#[test]
fn where_a_view_has_no_place_there_are_plain_lines() {
    let scenario = scenario("1s");
    let run = |size, env: &[(&str, &str)], more: &[&str]| {
        let (code, seen) = Session::begin(&scenario, size, env, more).end();
        assert_eq!(code, Some(0), "{seen}");
        assert!(seen.contains("PASSED"), "{seen}");
        seen
    };
    let plain: [(&str, String); 4] = [
        ("in CI", run((80, 24), &[("CI", "true")], &[])),
        ("on a dumb terminal", run((80, 24), &[("TERM", "dumb")], &[])),
        ("on a tiny one", run((40, 10), &[], &[])),
        ("where it is not wanted", run((80, 24), &[], &["--progress", "plain"])),
    ];
    for (place, seen) in plain {
        assert!(seen.contains("1s of 1s"), "{place}: {seen:?}");
        assert!(!seen.contains('\x1b'), "{place}: {seen:?}");
    }
    assert!(!run((80, 24), &[], &["--progress", "none"]).contains("1s of 1s"));
    assert!(run((80, 24), &[("CI", "true")], &["--progress", "live"]).contains(LEAVE), "who asks for it gets it");
}

#[test]
fn a_pipe_gets_no_escapes() {
    let scenario = scenario("1s");
    let auto = scenario.run(&[]);
    let live = scenario.run(&["--progress", "live"]);
    for output in [&auto, &live] {
        assert!(!stdout(output).contains('\x1b') && !stderr(output).contains('\x1b'), "{}", stderr(output));
        assert!(stderr(output).contains("1s of 1s"), "{}", stderr(output));
    }
    assert!(stderr(&live).contains("no terminal that a live view could have"), "{}", stderr(&live));
}
