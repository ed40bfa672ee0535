//! A report in a real browser: what can be clicked works, nothing is fetched, nobody is
//! kept from reading it, and it says as much without its script.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::install::{browser, skip};

/// Names of the browser, in the order in which they are tried.
const CHROMIUM: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// The page of the library's own tests, which has a section of every kind, with the script
/// that they leave out.
fn page() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let script = fs::read_to_string(root.join("reports/report.js")).unwrap();
    let page = fs::read_to_string(root.join("tests/corpus/report/whole.html")).unwrap();
    assert!(page.contains("<script>…</script>"));
    page.replace("<script>…</script>", &format!("<script>{script}</script>"))
}

fn chromium() -> Option<PathBuf> {
    let places: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect();
    let found = CHROMIUM.iter().flat_map(|name| places.iter().map(move |place| place.join(name)));
    found.into_iter().find(|path| path.is_file()).or_else(|| skip("there is no Chromium"))
}

#[test]
fn a_report_can_be_read_clicked_and_heard() {
    let (Some(chromium), Some(modules)) = (chromium(), browser()) else { return };
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("report.html");
    fs::write(&path, page()).unwrap();
    let driver = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite/third_party/report.mjs");
    let mut node = Command::new("node");
    node.arg(driver).args([&modules, &chromium, &path]).stdin(Stdio::null());
    let output = node.output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
    assert!(told.lines().count() >= 12, "{told}");
}
