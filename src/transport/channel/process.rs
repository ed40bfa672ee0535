//! A child process: its start, its last words, its end.

use std::collections::VecDeque;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;

use super::super::failure::{Failure, OpenError, excerpt, exhausted, seconds};
use super::super::target::{Living, StdioTarget};

/// How long a child may take to exit once its input has ended, and again once
/// it has been sent SIGTERM. rmcp and the SDKs wait about as long.
pub(super) const GRACE: Duration = Duration::from_secs(3);

/// How long to wait for the exit status of a child that has closed its output,
/// and for the end of its stderr. Both follow at once unless the child only
/// closed its stdout, or left children of its own behind.
const OBITUARY: Duration = Duration::from_secs(1);

/// How much of stderr is kept for error messages: the end of a stack trace.
const LAST_WORDS: usize = 2 * 1024;

/// A running child in a process group of its own, so that a signal reaches what
/// wrappers like npx or uv start in turn, and Ctrl-C in the terminal does not.
#[derive(Debug)]
pub(in super::super) struct Process {
    child: Child,
    /// The process group, until it has been ended.
    group: Option<Pid>,
    /// Where it is counted among the living.
    living: (Living, Option<u32>),
    /// `None` once closed.
    pub(super) stdin: Option<ChildStdin>,
    pub(in super::super) stdout: ChildStdout,
    words: Arc<Mutex<VecDeque<u8>>>,
    /// Reads stderr for as long as it is open: a child whose stderr is full
    /// would stop.
    listener: JoinHandle<()>,
}

impl Process {
    /// Starts the child.
    pub(in super::super) fn spawn(target: &StdioTarget) -> Result<Self, OpenError> {
        let program = target.command.first().map_or("", String::as_str);
        let fail = |reason: String| OpenError::Spawn { program: program.to_owned(), reason };
        let mut command = Command::new(program);
        command
            .args(target.command.iter().skip(1))
            .envs(target.env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        if let Some(cwd) = &target.cwd {
            command.current_dir(cwd);
        }
        let mut child = command.spawn().map_err(|error| match (no_room(&error), &target.cwd) {
            (Some(what), _) => OpenError::Connect(Failure::Local(format!("`{program}` could not be started: {what}"))),
            (None, Some(cwd)) if !cwd.is_dir() => fail(format!("the directory {} does not exist", cwd.display())),
            _ => fail(error.to_string()),
        })?;
        let stdin = child.stdin.take();
        let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
            return Err(fail("its output cannot be read".to_owned()));
        };
        let words = Arc::new(Mutex::new(VecDeque::new()));
        let listener = tokio::spawn(listen(stderr, Arc::clone(&words)));
        let group = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        let pid = child.id();
        pid.into_iter().for_each(|pid| target.children.add(pid));
        let living = (target.children.clone(), pid);
        Ok(Self { child, group, living, stdin, stdout, words, listener })
    }

    /// How the child came to its end, after it has closed its output. What is left
    /// of it is killed.
    pub(super) async fn obituary(mut self) -> Obituary {
        let status = tokio::time::timeout(OBITUARY, self.child.wait()).await;
        if status.is_ok() {
            self.end_group();
        }
        // Nobody joins the listener twice: the process is given up after this.
        let _ = tokio::time::timeout(OBITUARY, &mut self.listener).await;
        Obituary { status: status.ok().and_then(Result::ok), words: self.last_words() }
    }

    /// The end of stderr, if there was any.
    pub(super) fn last_words(&self) -> Option<String> {
        let mut words = self.words.lock().unwrap_or_else(PoisonError::into_inner);
        let words = words.make_contiguous().trim_ascii();
        (!words.is_empty()).then(|| last(words))
    }

    /// Ends the child: end of input, then SIGTERM, then SIGKILL, with `grace`
    /// in between.
    pub(in super::super) async fn stop(mut self, grace: Duration) -> Result<(), Failure> {
        self.stdin = None;
        if self.exits_within(grace).await {
            return Ok(());
        }
        self.signal(Signal::TERM);
        if self.exits_within(grace).await {
            return Ok(());
        }
        self.signal(Signal::KILL);
        self.exits_within(grace).await;
        Err(Failure::Transport(format!(
            "the child ignored the end of its input for {0} and SIGTERM for {0}, and was killed",
            seconds(grace)
        )))
    }

    /// Waits for the exit; throws away what the child still has to say.
    async fn exits_within(&mut self, limit: Duration) -> bool {
        let (child, stdout) = (&mut self.child, &mut self.stdout);
        let exit = async {
            let mut waste = [0; 4096];
            let mut open = true;
            loop {
                tokio::select! {
                    biased;
                    _ = child.wait() => return,
                    read = stdout.read(&mut waste), if open => open = matches!(read, Ok(1..)),
                }
            }
        };
        let exited = tokio::time::timeout(limit, exit).await.is_ok();
        if exited {
            self.end_group();
        }
        exited
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = self.group {
            // It can only fail if the group is gone, which is what is wanted.
            let _ = kill_process_group(group, signal);
        }
    }

    /// The child has just exited: so must what it started. This is done at once
    /// and once only, because later the number may be another group's.
    fn end_group(&mut self) {
        self.signal(Signal::KILL);
        self.group = None;
    }
}

/// How a child came to its end.
#[derive(Debug)]
pub(super) struct Obituary {
    /// `None` if it did not exit.
    status: Option<ExitStatus>,
    words: Option<String>,
}

impl Obituary {
    /// A sentence about the end of a child that has not answered `method`.
    pub(super) fn sentence(&self, method: &str) -> String {
        let end = match self.status {
            Some(status) => format!("the child {} before answering {method}", describe(status)),
            None => format!("the child closed its output before answering {method} but did not exit"),
        };
        with_last_words(end, self.words.as_deref())
    }
}

/// The sentence, followed by what the child said last.
pub(super) fn with_last_words(sentence: String, words: Option<&str>) -> String {
    match words {
        Some(words) => format!("{sentence}; its last words were: {words}"),
        None => sentence,
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
        if let (living, Some(pid)) = &self.living {
            living.remove(*pid);
        }
        self.listener.abort();
    }
}

/// What this machine has none left of for another child, where `error` says so.
fn no_room(error: &std::io::Error) -> Option<&'static str> {
    let processes = "no process is left to this user: raise the limit (ulimit -u)";
    exhausted(error).or_else(|| (error.kind() == std::io::ErrorKind::WouldBlock).then_some(processes))
}

async fn listen(mut stderr: impl AsyncRead + Unpin, words: Arc<Mutex<VecDeque<u8>>>) {
    let mut chunk = [0; 1024];
    while let Ok(read @ 1..) = stderr.read(&mut chunk).await {
        let mut words = words.lock().unwrap_or_else(PoisonError::into_inner);
        words.extend(chunk.get(..read).unwrap_or_default());
        let excess = words.len().saturating_sub(LAST_WORDS);
        words.drain(..excess);
    }
}

/// The end of `words` as one line.
fn last(words: &[u8]) -> String {
    // Excerpts keep the start of a text, but an error stands at the end, or in a
    // line that says so with its trace behind it.
    let named = words.split_inclusive(|byte| *byte == b'\n').scan(0, |at, line| {
        let start = *at;
        *at += line.len();
        Some((start, line))
    });
    let says = |line: &[u8]| line.windows(5).any(|word| word.eq_ignore_ascii_case(b"error"));
    let found = named.into_iter().find(|(_, line)| says(line)).map(|(start, _)| start);
    let start = found.unwrap_or(words.len().saturating_sub(super::super::failure::EXCERPT_CHARS));
    let line = excerpt(words.get(start..).unwrap_or_default());
    if start == 0 { line } else { format!("…{line}") }
}

fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exited with status {code}"),
        (None, Some(signal)) => format!("was killed by signal {signal}"),
        (None, None) => "ended".to_owned(),
    }
}
