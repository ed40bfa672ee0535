//! What several tests need: the program, scenario files, servers that misbehave.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use mcpl::diag::Diagnostic;
use mcpl::model::{self, Compiled, Files};
use mcpl::results::Results;

/// The program under test, without the colours and settings of whoever runs
/// the tests, and without a history.
pub fn mcpl() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mcpl"));
    command.env_remove("CI").env("NO_COLOR", "1").env("MCPL_HISTORY", "").stdin(Stdio::null());
    command
}

/// An example of the repository.
pub fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name)
}

/// Compiles a text in an empty environment, with overrides such as `peak=20/s`
/// and with the files that all tests share.
pub fn compile(name: &str, text: &str, overrides: &[String]) -> Compiled {
    compile_in(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/files"), name, text, overrides)
}

/// The files of a directory.
struct Dir<'a>(&'a Path);

impl Files for Dir<'_> {
    fn read(&self, path: &str, _from: &str) -> Result<(String, Vec<u8>), String> {
        let bytes = fs::read(self.0.join(path)).map_err(|_| "no such file or directory".to_owned())?;
        Ok((path.to_owned(), bytes))
    }
}

/// The same with the files that it names in `dir`.
pub fn compile_in(dir: &Path, name: &str, text: &str, overrides: &[String]) -> Compiled {
    let split = |set: &String| set.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    let overrides: Vec<_> = overrides.iter().map(|set| split(set).unwrap()).collect();
    let files = Dir(dir);
    let options =
        model::Options { name: "test", seed: 1, overrides: &overrides, targets: &[], env: &|_| None, files: &files };
    model::compile(name, text, &options)
}

/// The codes of some diagnostics, each once, in order.
pub fn codes(diagnostics: &[Diagnostic]) -> Vec<&'static str> {
    let mut codes: Vec<_> = diagnostics.iter().map(|diagnostic| diagnostic.code).collect();
    codes.sort_unstable();
    codes.dedup();
    codes
}

/// A fenced block of a Markdown file.
pub struct Fence {
    /// What follows the three backticks.
    pub info: String,
    pub text: String,
    /// For messages: `file:line`.
    pub place: String,
}

/// The fenced blocks of a Markdown file, in order.
pub fn fences(path: &Path) -> Vec<Fence> {
    let markdown = fs::read_to_string(path).unwrap();
    let mut fences = Vec::new();
    let mut open: Option<Fence> = None;
    for (index, line) in markdown.lines().enumerate() {
        match (line.trim_start().strip_prefix("```"), &mut open) {
            (Some(_), Some(_)) => fences.extend(open.take()),
            (Some(info), None) => {
                let place = format!("{}:{}", path.display(), index + 1);
                open = Some(Fence { info: info.trim().to_owned(), text: String::new(), place });
            }
            (None, Some(fence)) => {
                fence.text.push_str(line);
                fence.text.push('\n');
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "{}: a fence is never closed", path.display());
    fences
}

/// A directory with a scenario file in it.
pub struct Scenario {
    pub dir: tempfile::TempDir,
    pub file: PathBuf,
}

impl Scenario {
    pub fn new(text: &str) -> Scenario {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("test.mcpl");
        fs::write(&file, text).unwrap();
        Scenario { dir, file }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// `mcpl run` on the file, keeping the results in `run.json`.
    pub fn run(&self, more: &[&str]) -> Output {
        mcpl().arg("run").arg(&self.file).arg("--out").arg(self.path("run.json")).args(more).output().unwrap()
    }

    pub fn results(&self) -> Results {
        Results::from_json(&fs::read_to_string(self.path("run.json")).unwrap()).unwrap()
    }
}

/// One flow against one server for two seconds.
pub fn scenario_against(server: &str) -> Scenario {
    Scenario::new(&format!(
        "mcpl 1\nserver s {{\n  {server}\n  connect_timeout 2s\n  timeout 1s\n}}\nscenario a {{\n  target s\n  stages {{ hold 20/s for 2s }}\n  run f\n}}\nflow f {{ call list_rules }}\n"
    ))
}

/// The built-in server on a port of its own. It ends with its standard input.
pub struct Rulebook {
    child: Child,
    pub url: String,
}

impl Rulebook {
    pub fn start(options: &[&str]) -> Rulebook {
        let mut command = mcpl();
        command.args(["serve", "rulebook", "--http", "0", "--until-stdin-ends"]).args(options);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("listening on ").unwrap().to_owned();
        Rulebook { child, url }
    }

    /// The number of its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Host and port.
    pub fn authority(&self) -> String {
        self.url.trim_start_matches("http://").split('/').next().unwrap().to_owned()
    }
}

impl Drop for Rulebook {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

pub fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Asserts an exit code and shows what was printed when it is another.
#[track_caller]
pub fn assert_exit(output: &Output, code: i32) {
    assert_eq!(output.status.code(), Some(code), "stdout:\n{}\nstderr:\n{}", stdout(output), stderr(output));
}

/// A server on a free loopback port that treats each connection alike until the
/// test ends. Returns its URL.
pub fn misbehaving(treat: fn(TcpStream)) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || treat(stream));
        }
    });
    url
}

/// Reads what there is of a request and answers with these bytes.
pub fn answer(mut stream: TcpStream, bytes: &[u8]) {
    let mut request = [0; 65536];
    let _ = stream.read(&mut request);
    let _ = stream.write_all(bytes);
}

/// Compares a file of the repository with what it should be, or writes it with
/// `UPDATE=1`.
#[track_caller]
pub fn expect_file(path: &Path, text: &str) {
    if std::env::var_os("UPDATE").is_some() {
        fs::write(path, text).unwrap();
    } else if fs::read_to_string(path).ok().as_deref() != Some(text) {
        panic!("{} is not up to date: run with UPDATE=1 and look at the diff\n{text}", path.display());
    }
}

/// Starts the program, waits until it says something with `words` on standard
/// error, and kills it as no program can prevent.
pub fn kill_when_it_says(command: &mut Command, words: &str) {
    let mut child = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let said = lines.map_while(Result::ok).any(|line| line.contains(words));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(said, "it ended before it said `{words}`");
}

/// The journals beside a scenario.
pub fn journals(scenario: &Scenario) -> Vec<PathBuf> {
    let directory = scenario.path(".mcpl/journal");
    let entries = fs::read_dir(directory).into_iter().flatten();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}
