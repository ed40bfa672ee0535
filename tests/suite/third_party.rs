//! The real reference server, installed from npm into `target/`.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{assert_exit, example, mcpl, stdout};
use mcpl::results::{Results, Window};

const PACKAGE: &str = "@modelcontextprotocol/server-everything@2026.8.31";

/// The package listens on every interface; this keeps it on loopback.
const LOOPBACK: &str = r"const { Server } = require('node:net');
const listen = Server.prototype.listen;
Server.prototype.listen = function (...args) {
  if (/^\d+$/.test(String(args[0])) && typeof args[1] !== 'string') args.splice(1, 0, '127.0.0.1');
  return listen.apply(this, args);
};
";

/// Installs the package once; `None` with a word on why when that is not
/// possible here. In CI that is a failure.
fn install() -> Option<PathBuf> {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("third-party");
    let program = place.join("node_modules/.bin/mcp-server-everything");
    if program.exists() {
        return Some(program);
    }
    fs::create_dir_all(&place).unwrap();
    let installed = Command::new("npm")
        .args(["install", "--silent", "--no-audit", "--no-fund", "--prefix"])
        .arg(&place)
        .arg(PACKAGE)
        .output();
    let why = match installed {
        Ok(output) if output.status.success() && program.exists() => return Some(program),
        Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        Err(error) => format!("npm: {error}"),
    };
    assert!(std::env::var_os("CI").is_none(), "CI must run this test: {why}");
    eprintln!("skipped: {PACKAGE} could not be installed: {why}");
    None
}

struct Server {
    child: Child,
    url: String,
}

impl Server {
    fn start(program: &Path) -> Server {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let preload = Path::new(env!("CARGO_TARGET_TMPDIR")).join("loopback.cjs");
        fs::write(&preload, LOOPBACK).unwrap();
        let child = Command::new("node")
            .arg(program)
            .arg("streamableHttp")
            .env("NODE_OPTIONS", format!("--require {}", preload.display()))
            .env("PORT", port.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Server { child, url: format!("http://127.0.0.1:{port}/mcp") };
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(30), "the server does not listen");
            std::thread::yield_now();
        }
        server
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_example_runs_against_server_everything_over_http_and_stdio() {
    let Some(program) = install() else { return };
    let server = Server::start(&program);
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run.json");
    let output = mcpl()
        .arg("run")
        .arg(example("everything.mcpl"))
        .arg("--out")
        .arg(&run)
        .env("EVERYTHING", &program)
        .env("EVERYTHING_URL", &server.url)
        .output()
        .unwrap();
    assert_exit(&output, 0);
    let results = Results::from_json(&fs::read_to_string(run).unwrap()).unwrap();
    let transports: Vec<_> =
        results.servers.iter().map(|server| (server.transport.as_str(), server.revision.as_str())).collect();
    assert_eq!(transports, [("http", "2025-11-25"), ("stdio", "2025-11-25")]);
    let counts = results.counts(&results.everything(), Window::Whole);
    assert_eq!((counts.failed(), counts.violations), (0, 0), "{}", stdout(&output));
    assert!(counts.requests > 200);
}

#[test]
fn the_example_fits_server_everything_and_a_wrong_argument_is_found() {
    let Some(program) = install() else { return };
    let server = Server::start(&program);
    let check = |path: &Path| {
        let mut command = mcpl();
        command.args(["check", "--live", "--format", "json"]).arg(path);
        command.env("EVERYTHING", &program).env("EVERYTHING_URL", &server.url).output().unwrap()
    };
    let output = check(&example("everything.mcpl"));
    assert_exit(&output, 0);
    assert_eq!(stdout(&output).trim(), "[]");

    let text = fs::read_to_string(example("everything.mcpl")).unwrap();
    let mut wrong = text.clone();
    for (right, mistake) in [
        ("\"b\": 7", "\"b\": \"7\""),
        ("\"location\": \"New York\"", "\"location\": \"New Yrok\""),
        ("\"simple-prompt\"", "\"simple-promt\""),
        ("demo://resource/dynamic/text/", "demo://resources/dynamic/text/"),
    ] {
        assert!(wrong.contains(right), "{right}");
        wrong = wrong.replace(right, mistake);
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("wrong.mcpl");
    fs::write(&path, &wrong).unwrap();
    let output = check(&path);
    assert_exit(&output, 2);
    let found: Vec<serde_json::Value> = serde_json::from_str(&stdout(&output)).unwrap();
    let told: Vec<_> =
        found.iter().map(|found| (found["code"].as_str().unwrap(), found["help"].as_str().unwrap())).collect();
    let codes: Vec<_> = told.iter().map(|(code, _)| *code).collect();
    // Both servers are asked for the prompt.
    assert_eq!(codes, ["E605", "W603", "E608", "E608", "E606"], "{told:?}");
    assert_eq!(told[0].1, "write `7`");
    assert_eq!(told[2].1, "write `prompt \"simple-prompt\"`");
    assert_eq!(told[4].1, "write `\"New York\"`");
}
