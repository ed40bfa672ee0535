//! `mcpl fmt` on files, directories and standard input.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use crate::support::{assert_exit, mcpl, stderr, stdout};

const UNTIDY: &str = "mcpl 1\nparam   a=1";
const TIDY: &str = "mcpl 1\nparam a = 1\n";

#[test]
fn files_are_formatted_in_place_and_only_when_they_change() {
    let dir = tempfile::tempdir().unwrap();
    let (untidy, tidy) = (dir.path().join("untidy.mcpl"), dir.path().join("tidy.mcpl"));
    fs::write(&untidy, UNTIDY).unwrap();
    fs::set_permissions(&untidy, fs::Permissions::from_mode(0o640)).unwrap();
    fs::write(&tidy, TIDY).unwrap();
    let before = fs::metadata(&tidy).unwrap();
    let output = mcpl().arg("fmt").args([&untidy, &tidy]).output().unwrap();
    assert_exit(&output, 0);
    assert_eq!(stdout(&output), "");
    assert_eq!(stderr(&output), format!("formatted {}\n", untidy.display()));
    assert_eq!(fs::read_to_string(&untidy).unwrap(), TIDY);
    assert_eq!(fs::metadata(&untidy).unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(fs::metadata(&tidy).unwrap().modified().unwrap(), before.modified().unwrap());
}

#[test]
fn a_directory_stands_for_the_scenario_files_below_it() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("deep/er")).unwrap();
    fs::create_dir_all(dir.path().join(".hidden")).unwrap();
    for name in ["a.mcpl", "deep/er/b.mcpl", ".hidden/c.mcpl", "d.txt"] {
        fs::write(dir.path().join(name), UNTIDY).unwrap();
    }
    std::os::unix::fs::symlink(dir.path(), dir.path().join("deep/loop")).unwrap();
    let output = mcpl().arg("fmt").arg(dir.path()).output().unwrap();
    assert_exit(&output, 0);
    let is_tidy = |name: &str| fs::read_to_string(dir.path().join(name)).unwrap() == TIDY;
    assert!(is_tidy("a.mcpl") && is_tidy("deep/er/b.mcpl"), "{}", stderr(&output));
    assert!(!is_tidy(".hidden/c.mcpl") && !is_tidy("d.txt"));
}

#[test]
fn a_check_writes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a.mcpl");
    fs::write(&file, UNTIDY).unwrap();
    let output = mcpl().args(["fmt", "--check"]).arg(&file).output().unwrap();
    assert_exit(&output, 1);
    assert!(stdout(&output).contains("-param   a=1\n"), "{}", stdout(&output));
    assert!(stdout(&output).contains("+param a = 1\n"), "{}", stdout(&output));
    assert_eq!(fs::read_to_string(&file).unwrap(), UNTIDY);
}

#[test]
fn what_goes_wrong_with_one_file_does_not_stop_the_others() {
    let dir = tempfile::tempdir().unwrap();
    let (missing, protected, good) =
        (dir.path().join("no.mcpl"), dir.path().join("protected.mcpl"), dir.path().join("good.mcpl"));
    fs::write(&protected, UNTIDY).unwrap();
    fs::set_permissions(&protected, fs::Permissions::from_mode(0o444)).unwrap();
    fs::write(&good, UNTIDY).unwrap();
    let output = mcpl().arg("fmt").args([&missing, &protected, &good]).output().unwrap();
    assert_exit(&output, 2);
    assert!(stderr(&output).contains("it is read-only"), "{}", stderr(&output));
    assert_eq!(fs::read_to_string(&protected).unwrap(), UNTIDY);
    assert_eq!(fs::read_to_string(&good).unwrap(), TIDY);
}

#[test]
fn standard_input_becomes_standard_output() {
    let mut child =
        mcpl().args(["fmt", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"mcpl 1\nflow x {\nrmap   1\n}").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_exit(&output, 0);
    assert_eq!(stdout(&output), "mcpl 1\n\nflow x {\n  rmap   1\n}\n");
    assert_eq!(stderr(&output), "<stdin>: 1 statement with a mistake in it is left as it is\n");
}
