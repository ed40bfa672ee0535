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

/// The schema that is published, which is that of the plan's own types.
fn schema() -> serde_json::Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schema/plan.schema.json");
    let made = format!("{:#}\n", mcpl::plan::json_schema());
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &made).unwrap();
    }
    let published = fs::read_to_string(&path).unwrap();
    assert_eq!(published, made, "`UPDATE=1` rewrites {}", path.display());
    serde_json::from_str(&published).unwrap()
}

#[test]
fn plans_fit_their_schema() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = ["tests/corpus/plan/shapes.mcpl", "tests/corpus/run/steps.mcpl", "tests/corpus/run/work.mcpl"];
    let whole = ["tests/corpus/parse/whole.mcpl", "examples/quickstart.mcpl", "examples/everything.mcpl"];
    for file in files.iter().chain(&whole) {
        let output = mcpl().args(["plan", "--json"]).arg(root.join(file)).output().unwrap();
        assert_exit(&output, 0);
        let plan: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
        let errors: Vec<String> =
            validator.iter_errors(&plan).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(errors.is_empty(), "{file}: {errors:?}");
    }
    assert!(!validator.is_valid(&serde_json::json!({ "schema": "mcpl.plan/1" })), "it refuses something");
}
