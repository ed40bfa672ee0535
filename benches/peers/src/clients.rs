//! Starting the server and the clients, and what each of them cost.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value as Json;

use crate::ECHOED;
use crate::system::{Core, children_cpu, spawn, stay_on};

/// What every client of the table runs with.
pub const USERS: usize = 32;

/// Prints all that the table needs of a run.
const TEMPLATE: &str = r#"{"requests":{{ totals.requests }},"errors":{{ totals.errors }},"p50":{{ totals.p50.ns or 0 }},"p90":{{ totals.p90.ns or 0 }},"p99":{{ totals.p99.ns or 0 }},"lag_p99":{{ generator.lag_p99_ns or 0 }},"cpu":{{ generator.cpu or 0 }},"dropped":{{ scenarios | map(attribute="dropped") | sum }}}"#;

/// A server that is running.
pub struct Server {
    child: Child,
    port: u16,
}

impl Server {
    /// Starts it on its core.
    pub fn start() -> Server {
        let program = std::env::current_exe().expect("this program has a path");
        let mut child =
            spawn(Command::new(program).arg("server").stdout(Stdio::piped()), Core::Server).expect("a server");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
        Server { child, port: line.trim().parse().expect("a port") }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    fn get(&self, path: &str) -> Json {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("a connection");
        let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("a request");
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("an answer");
        let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        serde_json::from_str(body).expect("JSON")
    }

    /// Forgets what it has seen.
    pub fn reset(&self) {
        self.get("/reset");
    }

    /// What it has seen since.
    pub fn stats(&self) -> Json {
        self.get("/stats")
    }

    pub fn calls(&self) -> u64 {
        self.stats()["calls"].as_u64().unwrap_or(0)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A directory that goes when this does.
pub struct Scratch(PathBuf);

impl Scratch {
    pub fn new() -> Scratch {
        let path = std::env::temp_dir().join(format!("mcpl-peers-{}", std::process::id()));
        fs::create_dir_all(&path).expect("a directory for temporary files");
        Scratch(path)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        fs::write(self.path(name), text).expect("a file");
        self.path(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A scenario that calls the echo tool of `url` with these stages, and thinks
/// afterwards.
pub fn scenario(url: &str, stages: &str, think: &str) -> String {
    format!(
        "mcpl 1\nserver s {{\n  http \"{url}\"\n  protocol \"2025-11-25\"\n}}\nscenario load {{\n  target s\n  \
         stages {{\n{stages}\n}}\n  run echo\n}}\nflow echo {{\n  call echo {{\n    args {{ \"text\": \"{ECHOED}\" }}\n    \
         expect text == \"{ECHOED}\"\n  }}\n  {think}\n}}\n"
    )
}

/// The program under test.
pub struct Mcpl<'a> {
    pub program: &'a Path,
    pub scratch: &'a Scratch,
}

impl Mcpl<'_> {
    /// A command on the client's core.
    pub fn start(&self, arguments: &[&str]) -> Child {
        let mut command = Command::new(self.program);
        command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
        spawn(&mut command, Core::Client).expect("mcpl starts")
    }

    /// Runs to the end; what it cost in seconds of processor time.
    pub fn run(&self, arguments: &[&str]) -> f64 {
        let before = children_cpu();
        let status = self.start(arguments).wait().expect("mcpl ends");
        // A client that is driven as fast as it can is the bottleneck, and says so (5).
        assert!(matches!(status.code(), Some(0 | 1 | 5)), "mcpl {arguments:?} ended with {status}");
        children_cpu() - before
    }

    /// Runs a scenario; what it cost, and what it measured.
    pub fn load(&self, scenario: &str) -> (f64, Json) {
        let file = self.scratch.write("load.mcpl", scenario);
        let (run, figures) = (self.scratch.path("run.json"), self.scratch.path("figures.json"));
        let template = self.scratch.write("figures.j2", TEMPLATE);
        let text = |path: &Path| path.display().to_string();
        let cost = self.run(&["run", &text(&file), "--threads", "1", "--quiet", "--out", &text(&run)]);
        self.run(&["report", &text(&run), "--template", &text(&template), "--output", &text(&figures)]);
        let figures = fs::read_to_string(figures).expect("figures");
        (cost, serde_json::from_str(&figures).unwrap_or_else(|error| panic!("{error}: {figures}")))
    }
}

/// Processor time of a client for each request that the server answered, in
/// microseconds.
pub fn cost_each(server: &Server, client: impl FnOnce() -> f64) -> f64 {
    server.reset();
    let cost = client();
    #[allow(clippy::cast_precision_loss, reason = "counts stay below 2^53")]
    let calls = server.calls() as f64;
    cost * 1e6 / calls
}

/// wrk with a fixed body; what it cost. `None` where it is not installed.
pub fn wrk(server: &Server, scratch: &Scratch, time: Duration) -> Option<f64> {
    let body = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"echo","arguments":{{"text":"{ECHOED}"}}}}}}"#
    );
    let script = format!(
        "wrk.method = \"POST\"\nwrk.body = '{body}'\nwrk.headers[\"Content-Type\"] = \"application/json\"\n\
         wrk.headers[\"Accept\"] = \"application/json, text/event-stream\"\n\
         wrk.headers[\"MCP-Protocol-Version\"] = \"2025-11-25\"\n"
    );
    let script = scratch.write("post.lua", &script).display().to_string();
    let (connections, seconds) = (format!("-c{USERS}"), format!("-d{}s", time.as_secs()));
    let before = children_cpu();
    let mut command = Command::new("wrk");
    command.args(["-t1", &connections, &seconds, "-s", &script, &server.url("/json")]).stdout(Stdio::null());
    let status = spawn(&mut command, Core::Client).ok()?.wait().ok()?;
    assert!(status.success(), "wrk ended with {status}");
    Some(children_cpu() - before)
}

/// What a bare socket sees of a server that takes its time: the median of so many
/// calls, one after the other, in nanoseconds. Less is not to be had here.
pub fn bare(server: &Server, path: &str, calls: usize) -> f64 {
    stay_on(Core::Client);
    let mut stream = TcpStream::connect(("127.0.0.1", server.port)).expect("a connection");
    stream.set_nodelay(true).expect("a socket option");
    let body = format!(r#"{{"id":1,"method":"tools/call","params":{{"arguments":{{"text":"{ECHOED}"}}}}}}"#);
    let head = format!("POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n", body.len());
    let request = format!("{head}{body}");
    let mut times: Vec<u128> = (0..calls)
        .map(|_| {
            let begun = Instant::now();
            stream.write_all(request.as_bytes()).expect("a request");
            // Such an answer comes in one piece.
            let read = stream.read(&mut [0; 4096]).expect("an answer");
            assert!(read > 0, "the server has closed the connection");
            begun.elapsed().as_nanos()
        })
        .collect();
    times.sort_unstable();
    #[allow(clippy::cast_precision_loss, reason = "nanoseconds of a call")]
    let median = times[calls / 2] as f64;
    median
}

/// rmcp's client, with its default of a connection for each request or with
/// kept connections; what it cost.
pub fn rmcp(server: &Server, connections: &str, time: Duration) -> f64 {
    let program = std::env::current_exe().expect("this program has a path");
    let before = children_cpu();
    let mut command = Command::new(program);
    let (url, seconds) = (server.url("/json"), time.as_secs().to_string());
    command.args(["rmcp", connections, &url, &USERS.to_string(), &seconds]).stderr(Stdio::null());
    let status = spawn(&mut command, Core::Client).expect("it starts").wait().expect("it ends");
    assert!(status.success(), "rmcp's client ended with {status}");
    children_cpu() - before
}
