//! Servers that a run starts before its load and stops afterwards.

use std::fmt;
use std::net::ToSocketAddrs as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpStream, UnixStream};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

use super::complaint::Complaint;
use super::output::plain;
use crate::plan::Launch;
use crate::transport::{HttpTarget, TargetError};

/// How often a server is asked whether it listens.
const ASK_EVERY: Duration = Duration::from_millis(50);

/// So long a server may take to end itself.
const GRACE: Duration = Duration::from_secs(5);

/// So much of what a server says on its standard error is kept, in bytes: the
/// end of it.
const LAST_WORDS: usize = 2048;

/// A server that was started. It ends, with all that it started, when this is
/// dropped.
pub(super) struct Launched {
    child: Child,
    group: Option<Pid>,
    words: Option<JoinHandle<Vec<u8>>>,
}

/// Starts `launch` in `beside` and waits until it accepts connections at the
/// address of `url`.
///
/// # Errors
/// When it cannot be started, ends, or does not listen in time.
pub(super) async fn launch(launch: &Launch, url: &str, beside: &Path) -> Result<Launched, Complaint> {
    let command = launch.command.join(" ");
    let failed = |reason: String| {
        Complaint::server(format!("`{command}` {reason}")).help("run the command by hand, and look at what it says")
    };
    let (program, arguments) = launch.command.split_first().ok_or_else(|| failed("is no command".to_owned()))?;
    let mut process = Command::new(program);
    if !beside.as_os_str().is_empty() {
        process.current_dir(beside);
    }
    let mut child = process
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        // Ctrl-C in a terminal is for this process: the server has to serve the
        // drain.
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| failed(format!("cannot be started: {}", plain(&error))))?;
    let group = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
    let words = child.stderr.take().map(|stderr| tokio::spawn(last_words(stderr)));
    let mut launched = Launched { child, group, words };
    let address = Address::of(url).map_err(|error| failed(format!("cannot be waited for: {error}")))?;
    let ready = tokio::time::timeout(Duration::from_nanos(launch.ready_ns), launched.listens(&address)).await;
    match ready {
        Ok(Ok(())) => Ok(launched),
        Ok(Err(how)) => {
            let words = launched.words().await;
            Err(failed(format!("{how} before it accepted connections{words}")))
        }
        Err(_) => {
            launched.stop().await;
            let words = launched.words().await;
            let within = crate::units::duration(Duration::from_nanos(launch.ready_ns).as_secs_f64() * 1e9);
            Err(failed(format!("accepted no connection at `{address}` within {within}{words}")))
        }
    }
}

/// Where a server accepts connections.
enum Address {
    Socket(PathBuf),
    /// Host and port.
    Network(String, u16),
}

impl Address {
    fn of(url: &str) -> Result<Self, TargetError> {
        let target = HttpTarget::parse(url, Vec::new())?;
        Ok(match target.socket() {
            Some(path) => Self::Socket(path.to_owned()),
            None => Self::Network(target.host().to_owned(), target.port()),
        })
    }

    /// Whether somebody accepts connections here.
    async fn accepts(&self) -> bool {
        match self {
            Self::Socket(path) => UnixStream::connect(path).await.is_ok(),
            Self::Network(host, port) => {
                let resolved = (host.as_str(), *port).to_socket_addrs().into_iter().flatten().collect::<Vec<_>>();
                TcpStream::connect(resolved.as_slice()).await.is_ok()
            }
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket(path) => write!(f, "{}", path.display()),
            Self::Network(host, port) if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Network(host, port) => write!(f, "{host}:{port}"),
        }
    }
}

async fn last_words(mut stderr: tokio::process::ChildStderr) -> Vec<u8> {
    let mut words = Vec::new();
    let mut chunk = [0; 1024];
    while let Ok(read @ 1..) = stderr.read(&mut chunk).await {
        words.extend_from_slice(chunk.get(..read).unwrap_or_default());
        let excess = words.len().saturating_sub(LAST_WORDS);
        words.drain(..excess);
    }
    words
}

impl Launched {
    /// The number of its process, unless it has ended.
    pub(super) fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Waits until somebody accepts connections at `address`.
    async fn listens(&mut self, address: &Address) -> Result<(), String> {
        loop {
            // A server that is gone listens no more, whoever has the port.
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(format!("ended ({status})"));
            }
            if address.accepts().await {
                return Ok(());
            }
            tokio::time::sleep(ASK_EVERY).await;
        }
    }

    /// What it said last, as the end of a sentence.
    async fn words(&mut self) -> String {
        self.signal(Signal::KILL);
        let Some(words) = self.words.take() else { return String::new() };
        let words = tokio::time::timeout(GRACE, words).await.ok().and_then(Result::ok).unwrap_or_default();
        let text = String::from_utf8_lossy(&words);
        let last = text.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default().to_owned();
        if last.is_empty() { String::new() } else { format!(": {}", super::terminal::printable(&last)) }
    }

    /// Asks it to end, and makes it.
    pub(super) async fn stop(&mut self) {
        self.signal(Signal::TERM);
        let ended = tokio::time::timeout(GRACE, self.child.wait()).await.is_ok();
        self.signal(Signal::KILL);
        if ended {
            // Later the number may be another group's.
            self.group = None;
        }
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = self.group {
            // It can only fail if the group is gone, which is what is wanted.
            let _ = kill_process_group(group, signal);
        }
    }
}

impl Drop for Launched {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}
