//! A report in a real browser: what can be clicked works, nothing is fetched, nobody is
//! kept from reading it, and it says as much without its script.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::install::{browser, skip};

/// Names of the browser, in the order in which they are tried.
const CHROMIUM: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// Pages of the library's own tests: one on a run, which has a section of every kind, and
/// those on a comparison, a trend and a suite.
const PAGES: [&str; 4] = ["whole.html", "compare.html", "trend.html", "suite.html"];

/// A page with the script and the style that the tests leave out.
fn page(name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |name: &str| fs::read_to_string(root.join(name)).unwrap();
    let page = read(&format!("tests/corpus/report/{name}"));
    let page = page.replace("<style>…</style>", &format!("<style>{}</style>", read("reports/report.css")));
    page.replace("<script>…</script>", &format!("<script>{}</script>", read("reports/report.js")))
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
    let pages = PAGES.map(|name| {
        let path = dir.path().join(name);
        fs::write(&path, page(name)).unwrap();
        path
    });
    let driver = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite/third_party/report.mjs");
    let mut node = Command::new("node");
    node.arg(driver).args([&modules, &chromium]).args(pages).stdin(Stdio::null());
    let output = node.output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
    assert!(told.lines().count() >= 27, "{told}");
}
