//! Servers of others that are started for a test and ended with it.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::support::mcpl;

/// How long a server may take to listen: Python imports for seconds where the
/// other tests take the processor.
const PATIENCE: Duration = Duration::from_secs(60);

/// Some listen on every interface; this keeps them on loopback.
const LOOPBACK: &str = r"const { Server } = require('node:net');
const listen = Server.prototype.listen;
Server.prototype.listen = function (...args) {
  if (/^\d+$/.test(String(args[0])) && typeof args[1] !== 'string') args.splice(1, 0, '127.0.0.1');
  return listen.apply(this, args);
};
";

/// A server on a loopback port, with its children.
pub struct Server {
    child: Child,
    port: u16,
}

impl Server {
    /// Starts what `command` makes for a free port, and waits until it listens.
    pub fn start(command: impl FnOnce(u16) -> Command) -> Server {
        // Bound and given up again: the server takes it a moment later.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = command(port);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        let child = command.spawn().unwrap();
        let mut server = Server { child, port };
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let ended = server.child.try_wait().unwrap();
            assert!(ended.is_none() && begun.elapsed() < PATIENCE, "it does not listen ({ended:?}): {command:?}");
            std::thread::yield_now();
        }
        server
    }

    /// A program of Node.js that was installed, which hears on loopback only.
    pub fn node(place: &Path, program: &str, arguments: impl FnOnce(u16, &mut Command)) -> Server {
        Server::start(|port| {
            let preload = place.join("loopback.cjs");
            fs::write(&preload, LOOPBACK).unwrap();
            let mut node = Command::new("node");
            node.arg(place.join(program)).env("NODE_OPTIONS", format!("--require {}", preload.display()));
            arguments(port, &mut node);
            node
        })
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address of its endpoint.
    pub fn url(&self) -> String {
        self.at("mcp")
    }

    /// An address of it with this path.
    pub fn at(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/{path}", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The children of a gateway are in its group.
        if let Some(group) = Pid::from_raw(i32::try_from(self.child.id()).unwrap_or(0)) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.child.wait();
    }
}

/// The built-in server.
pub struct Rulebook {
    child: Child,
    /// The address of its endpoint.
    pub url: String,
}

impl Rulebook {
    /// Starts it on a free port, with these options.
    pub fn start(options: &[&str]) -> Rulebook {
        let mut command = mcpl();
        command.args(["serve", "rulebook", "--http", "0"]).args(options);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("listening on ").unwrap_or_else(|| panic!("it said: {line}"));
        Rulebook { url: url.to_owned(), child }
    }
}

impl Drop for Rulebook {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
