//! Every diagnostic: its page, its folder in `tests/corpus/errors/`, its text.
//!
//! A folder holds `bad.mcpl`, which yields the code and nothing else,
//! `bad.stderr`, which is what people read (`UPDATE=1` rewrites it), and
//! `fixed.mcpl`, which is what the offered fix makes of it. Beside them may lie
//! `bad.set` and `fixed.set`, overrides one a line, and `live.json`, what the
//! server lists, for what is known only when connected: an array of tools, or an
//! object with `tools`, `prompts`, `resources` and `templates` as on the wire.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use mcpl::diag::render::{self, Style};
use mcpl::diag::{Diagnostic, apply_fixes, catalogue};
use mcpl::model::live::{self, Offer, Prompt, Resources, TaskSupport, Tasks, Tool};

use crate::docs::Expected;
use mcpl::model::Compiled;

use crate::support::{codes, compile, compile_in, fences};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: PathBuf) -> String {
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The names in a folder, without `ending`.
fn names(dir: &str, ending: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(root().join(dir)).unwrap();
    let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
    entries.map(name).filter_map(|name| name.strip_suffix(ending).map(str::to_owned)).collect()
}

/// One folder of the corpus.
struct Case {
    code: String,
    dir: PathBuf,
}

impl Case {
    fn all() -> Vec<Case> {
        let folder = "tests/corpus/errors";
        names(folder, "").into_iter().map(|code| Case { dir: root().join(folder).join(&code), code }).collect()
    }

    fn text(&self, stem: &str) -> String {
        read(self.dir.join(format!("{stem}.mcpl")))
    }

    fn compile(&self, stem: &str) -> Compiled {
        let overrides = fs::read_to_string(self.dir.join(format!("{stem}.set"))).unwrap_or_default();
        let overrides: Vec<String> = overrides.lines().map(str::to_owned).collect();
        compile_in(&self.dir, &format!("{stem}.mcpl"), &self.text(stem), &overrides)
    }

    /// Everything that is wrong with a file: when it is checked, and when the
    /// tools of its server are known.
    fn diagnostics(&self, stem: &str) -> (Compiled, Vec<Diagnostic>) {
        let compiled = self.compile(stem);
        let mut found = compiled.lowered.diagnostics.clone();
        if let Ok(json) = fs::read_to_string(self.dir.join("live.json")) {
            assert!(found.is_empty(), "{}/{stem}.mcpl checks clean while not connected", self.code);
            let plan = compiled.lowered.plan.as_ref().unwrap();
            found = live::check(plan, &compiled.lowered.model, &[offer(&json)]);
        }
        (compiled, found)
    }
}

fn offer(json: &str) -> Offer {
    let listed: serde_json::Value = serde_json::from_str(json).unwrap();
    let list = |member: &str| listed[member].as_array().cloned();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let tool = |tool: &serde_json::Value| Tool {
        name: text(&tool["name"]),
        read_only: tool["read_only"].as_bool().unwrap(),
        schema: tool["inputSchema"].clone(),
        header_fault: tool["header_fault"].as_str().map(str::to_owned),
        tasks: match tool["taskSupport"].as_str() {
            Some("required") => TaskSupport::Required,
            Some("optional") => TaskSupport::Optional,
            _ => TaskSupport::Forbidden,
        },
    };
    let argument = |argument: &serde_json::Value| (text(&argument["name"]), argument["required"] == true);
    let prompt = |prompt: &serde_json::Value| Prompt {
        name: text(&prompt["name"]),
        arguments: prompt["arguments"].as_array().into_iter().flatten().map(argument).collect(),
    };
    let resources = list("resources").zip(list("templates")).map(|(resources, templates)| Resources {
        uris: resources.iter().map(|resource| text(&resource["uri"])).collect(),
        templates: templates.iter().map(|template| text(&template["uriTemplate"])).collect(),
    });
    Offer {
        server: "demo".to_owned(),
        tools: listed.as_array().cloned().or_else(|| list("tools")).unwrap_or_default().iter().map(tool).collect(),
        prompts: list("prompts").map(|prompts| prompts.iter().map(prompt).collect()),
        resources,
        tasks: listed["tasks"]
            .as_object()
            .map(|tasks| Tasks { asked: tasks["asked"] == true, served: tasks["served"].as_bool() })
            .into_iter()
            .collect(),
    }
}

#[test]
fn each_code_has_one_constructor_one_page_and_one_folder() {
    let catalogue: Vec<&str> = catalogue::ENTRIES.iter().map(|entry| entry.code).collect();
    let unique: BTreeSet<String> = catalogue.iter().map(|code| (*code).to_owned()).collect();
    assert_eq!(unique.len(), catalogue.len(), "a code is listed twice");

    let code = regex::Regex::new(r#""([EW]\d{3})""#).unwrap();
    let mut constructors = BTreeSet::new();
    for file in names("src/diag/errors", ".rs") {
        let text = read(root().join(format!("src/diag/errors/{file}.rs")));
        for found in code.captures_iter(&text) {
            let found = found[1].to_owned();
            assert!(constructors.insert(found.clone()), "{found} is written twice in src/diag/errors");
        }
    }
    assert_eq!(constructors, unique, "constructors and catalogue");
    assert_eq!(names("docs/errors", ".md"), unique, "pages and catalogue");
    assert_eq!(names("tests/corpus/errors", ""), unique, "corpus and catalogue");
}

#[test]
fn each_bad_file_gives_its_code_and_nothing_else() {
    let mut complaints = Vec::new();
    for case in Case::all() {
        let (compiled, found) = case.diagnostics("bad");
        if codes(&found) != [case.code.as_str()] {
            complaints.push(format!("{}:\n{}", case.code, render::short(&compiled.source, &found)));
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn each_message_reads_as_before() {
    let mut changed = Vec::new();
    for case in Case::all() {
        let (compiled, found) = case.diagnostics("bad");
        let text = render::text(&compiled.source, &found, Style { color: false, width: 80 });
        let path = case.dir.join("bad.stderr");
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&path, &text).unwrap();
        } else if fs::read_to_string(&path).ok().as_deref() != Some(text.as_str()) {
            changed.push(format!("{}\n{text}", path.display()));
        }
    }
    assert!(changed.is_empty(), "run with UPDATE=1 and look at the diff\n{}", changed.join("\n"));
}

#[test]
fn each_message_says_what_is_wrong_and_how_to_mend_it() {
    for case in Case::all() {
        for found in case.diagnostics("bad").1 {
            let code = found.code;
            let help = found.help.unwrap_or_default();
            for text in [&found.message, &help] {
                assert!(text.starts_with(|c: char| c.is_lowercase() || c == '`'), "{code}: {text}");
                assert!(!text.contains("invalid") && !text.ends_with('.'), "{code}: {text}");
            }
            assert!(help.starts_with(char::is_lowercase), "{code}: a help begins with a verb: {help}");
            assert!(!found.primary.text.is_empty(), "{code}: the label says what was found");
        }
    }
}

#[test]
fn each_fixed_file_is_clean() {
    for case in Case::all() {
        let (compiled, found) = case.diagnostics("fixed");
        assert!(found.is_empty(), "{}: {}", case.code, render::short(&compiled.source, &found));
        assert!(compiled.lowered.plan.is_some(), "{}", case.code);
    }
}

#[test]
fn each_fix_that_is_offered_makes_the_fixed_file() {
    let mut offered = 0;
    let mut complaints = Vec::new();
    for case in Case::all() {
        let (_, found) = case.diagnostics("bad");
        if found.iter().any(|diagnostic| diagnostic.fix.is_some()) {
            offered += 1;
            let made = apply_fixes(&case.text("bad"), &found, true);
            if made != case.text("fixed") {
                complaints.push(format!("{}: the fix makes\n{made}", case.code));
            }
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    assert!(offered > 20, "only {offered} fixes are offered");
}

#[test]
fn each_page_shows_the_mistake_and_then_the_mend() {
    for entry in catalogue::ENTRIES {
        let code = entry.code;
        let title = entry.page.lines().next().unwrap_or_default();
        let said = title.strip_prefix(&format!("# {code}: ")).unwrap_or_else(|| panic!("{code}: {title}"));
        assert!(!said.starts_with(char::is_uppercase) && said != "to be written", "{code}: {title}");
        assert_eq!(entry.title(), said);

        let blocks = fences(&root().join(format!("docs/errors/{code}.md")));
        let blocks: Vec<_> = blocks.into_iter().filter(|block| Expected::of(block).is_some()).collect();
        let expected: Vec<Expected> = blocks.iter().filter_map(Expected::of).collect();
        let [bad, fixed] = expected.as_slice() else { panic!("{code}: two blocks, not {}", expected.len()) };
        // What only the server or another file can tell, a file alone cannot yield.
        let yielded = (!code.starts_with("E6") && !code.starts_with("W6")).then_some(code);
        assert_eq!(bad.code.as_deref(), yielded, "{code}: the first block is the mistake");
        assert_eq!(fixed.code, None, "{code}: the second block is the mend");
        let clean = compile("page", &blocks[1].text, &fixed.overrides).lowered.diagnostics;
        assert!(clean.is_empty(), "{code}: {clean:?}");
    }
}
