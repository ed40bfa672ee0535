//! Plans: the same file and seed give the same bytes, and those beside the file.
//! `UPDATE=1` rewrites them.

use std::fs;
use std::path::Path;

use crate::support::{assert_exit, mcpl, stdout};

#[test]
fn plans_are_as_they_were() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/plan");
    let mut cases = 0;
    for entry in fs::read_dir(corpus).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|ending| ending != "mcpl") {
            continue;
        }
        cases += 1;
        for (arguments, ending) in [(&["--json"][..], "json"), (&[][..], "txt")] {
            let plan = || {
                let output = mcpl().arg("plan").arg(&path).args(arguments).output().unwrap();
                assert_exit(&output, 0);
                stdout(&output)
            };
            let (first, second) = (plan(), plan());
            assert_eq!(first, second, "the same bytes each time");
            let beside = path.with_extension(ending);
            if std::env::var_os("UPDATE").is_some() {
                fs::write(&beside, &first).unwrap();
            }
            assert_eq!(fs::read_to_string(&beside).unwrap(), first, "{}", path.display());
        }
    }
    assert!(cases > 0);
}
