//! `mcpl check --fix` through the program.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use crate::support::{assert_exit, compile_in, mcpl, stderr, stdout};
use mcpl::diag::{Diagnostic, apply_fixes};

fn corpus() -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/errors");
    let mut folders: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    folders
}

fn overrides(folder: &Path) -> Vec<String> {
    fs::read_to_string(folder.join("bad.set")).unwrap_or_default().lines().map(str::to_owned).collect()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

/// `mcpl check --fix` on a copy of the folder, and what `bad.mcpl` is then.
fn fixed(folder: &Path, more: &[&str]) -> (Output, String) {
    let dir = tempfile::tempdir().unwrap();
    copy(folder, dir.path());
    let mut command = mcpl();
    command.current_dir(dir.path()).args(["check", "--fix", "bad.mcpl"]).args(more);
    for set in overrides(folder) {
        command.args(["--set", &set]);
    }
    let output = command.output().unwrap();
    (output, fs::read_to_string(dir.path().join("bad.mcpl")).unwrap())
}

#[test]
fn each_bad_file_that_a_fix_mends_becomes_the_fixed_one() {
    let (mut certain, mut guessed) = (0, 0);
    for folder in corpus() {
        let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
        let (bad, good) = (read("bad.mcpl"), read("fixed.mcpl"));
        let found = compile_in(&folder, "bad.mcpl", &bad, &overrides(&folder)).lowered.diagnostics;
        if found.is_empty() || found.iter().any(|found| found.fix.is_none()) {
            continue;
        }
        let sure = found.iter().all(|found| found.fix.as_ref().is_some_and(|fix| fix.certain));
        let shown = folder.display();

        let (output, made) = fixed(&folder, &["--unsafe-fixes"]);
        assert_exit(&output, 0);
        assert_eq!(made, good, "{shown}");
        assert!(stderr(&output).contains(" in bad.mcpl\n"), "{shown}: {}", stderr(&output));

        let (output, made) = fixed(&folder, &[]);
        let failed = !sure && found.iter().any(Diagnostic::is_error);
        assert_exit(&output, if failed { 2 } else { 0 });
        assert_eq!(made, if sure { good } else { bad }, "{shown}");
        certain += usize::from(sure);
        guessed += usize::from(!sure);
    }
    assert!(certain > 8 && guessed > 8, "{certain} certain and {guessed} guesses: what is tested?");
}

#[test]
fn no_fix_undoes_another() {
    // As many rounds as `--fix` makes.
    const PASSES: usize = 32;
    let mut files: Vec<(PathBuf, String)> = Vec::new();
    for folder in corpus() {
        files.extend(["bad.mcpl", "fixed.mcpl"].map(|name| (folder.clone(), name.to_owned())));
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (folder, name) in [
        ("tests/cmd", "broken.mcpl"),
        ("tests/corpus/parse", "broken.mcpl"),
        ("tests/corpus/parse", "tour.mcpl"),
        ("tests/corpus/parse", "keywords.mcpl"),
        ("tests/corpus/parse", "values.mcpl"),
        ("tests/corpus/parse", "whole.mcpl"),
    ] {
        files.push((root.join(folder), name.to_owned()));
    }
    for (folder, name) in files {
        for all in [false, true] {
            let mut text = fs::read_to_string(folder.join(&name)).unwrap();
            let ended = (0..PASSES).any(|_| {
                let found = compile_in(&folder, &name, &text, &[]).lowered.diagnostics;
                let next = apply_fixes(&text, &found, all);
                std::mem::replace(&mut text, next) == text
            });
            assert!(ended, "{}/{name} is never done:\n{text}", folder.display());
        }
    }
}

const QUOTES: &str = "mcpl 1\nparam a = 'one'\n";

#[test]
fn a_file_that_is_included_is_mended_where_it_is() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("parts")).unwrap();
    fs::write(dir.path().join("parts/b.mcpl"), QUOTES).unwrap();
    let main = "mcpl 1\ninclude \"parts/b.mcpl\"\nparam b = 'two'\nparam c = 'three'\n";
    fs::write(dir.path().join("a.mcpl"), main).unwrap();
    let output = mcpl().current_dir(dir.path()).args(["check", "--fix", "a.mcpl"]).output().unwrap();
    assert_exit(&output, 2);
    let said = stderr(&output);
    assert!(said.starts_with("fixed 2 mistakes in a.mcpl\nfixed 1 mistake in parts/b.mcpl\n"), "{said}");
    assert!(said.contains("E403"), "what remains is told: {said}");
    let read = |name: &str| fs::read_to_string(dir.path().join(name)).unwrap();
    assert_eq!(read("parts/b.mcpl"), QUOTES.replace('\'', "\""));
    assert_eq!(read("a.mcpl"), main.replace('\'', "\""));
}

#[test]
fn a_file_without_a_mend_is_not_touched() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a.mcpl");
    fs::write(&file, QUOTES.replace('\'', "\"")).unwrap();
    let before = fs::metadata(&file).unwrap();
    let output = mcpl().args(["check", "--fix"]).arg(&file).output().unwrap();
    assert_exit(&output, 2);
    let after = fs::metadata(&file).unwrap();
    use std::os::unix::fs::MetadataExt as _;
    assert_eq!(before.ino(), after.ino(), "it was not even replaced");
    assert!(!stderr(&output).contains("fixed"));
}

#[test]
fn standard_input_is_mended_on_standard_output() {
    let given = |text: &str, more: &[&str]| {
        let mut command = mcpl();
        command.args(["check", "--fix", "-"]).args(more).stdin(Stdio::piped());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // Whoever refuses the options reads nothing.
        let _ = child.stdin.take().unwrap().write_all(text.as_bytes());
        child.wait_with_output().unwrap()
    };
    let output = given(QUOTES, &[]);
    assert_exit(&output, 2);
    assert_eq!(stdout(&output), QUOTES.replace('\'', "\""));
    assert!(stderr(&output).starts_with("fixed 1 mistake in <stdin>\n"), "{}", stderr(&output));

    let output = given("mcpl 1\n", &[]);
    assert_eq!(stdout(&output), "mcpl 1\n", "a text without a mend comes out as it went in");

    let output = given(QUOTES, &["--format", "json"]);
    assert_exit(&output, 2);
    assert_eq!(stdout(&output), "");
    assert!(stderr(&output).contains("leave `--format` out"), "{}", stderr(&output));
}

#[test]
fn what_is_no_regular_file_is_complained_about() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a.mcpl");
    std::os::unix::fs::symlink("/dev/null", &file).unwrap();
    let output = mcpl().args(["check", "--fix"]).arg(&file).output().unwrap();
    assert_exit(&output, 2);
    assert!(stderr(&output).contains("it is no regular file"), "{}", stderr(&output));
}
