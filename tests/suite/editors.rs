//! The grammars for editors know the language: its words, and every scenario file of the repository.
//!
//! What needs the engines of the editors installs them into `target/` and is skipped, with a word on
//! why, where that is not possible. In CI that is a failure.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use regex::Regex;
use serde_json::{Value, json};

use crate::grammar_page::keywords;
use crate::support::{compile, expect_file, fences};

const TEXTMATE: &str = "editors/textmate/mcpl.tmLanguage.json";
const TREE_SITTER: &str = "editors/tree-sitter-mcpl";
const NPM: [&str; 2] = ["vscode-textmate@9.3.2", "vscode-oniguruma@2.0.1"];
const PIP: &str = "tree-sitter==0.26.1";

fn at(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(path: &str) -> String {
    fs::read_to_string(at(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The words of some text that are long enough to be keywords.
fn words(text: &str) -> Vec<String> {
    let word = Regex::new("[a-z_]{2,}").unwrap();
    word.find_iter(text).map(|found| found.as_str().to_owned()).collect()
}

#[track_caller]
fn assert_words(found: &BTreeSet<String>, whose: &str) {
    let all = keywords(&read("grammar/mcpl.pest"));
    let missing: Vec<_> = all.difference(found).collect();
    let unknown: Vec<_> = found.difference(&all).collect();
    assert!(missing.is_empty() && unknown.is_empty(), "{whose}: missing {missing:?}, no keywords {unknown:?}");
}

/// The patterns below a part of the TextMate grammar.
fn patterns<'a>(part: &'a Value, out: &mut Vec<&'a str>) {
    match part {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value.as_str() {
                    Some(pattern) if ["match", "begin", "end"].contains(&name.as_str()) => out.push(pattern),
                    _ => patterns(value, out),
                }
            }
        }
        Value::Array(parts) => parts.iter().for_each(|part| patterns(part, out)),
        _ => {}
    }
}

#[test]
fn the_textmate_grammar_has_the_words_of_the_language() {
    let grammar: Value = serde_json::from_str(&read(TEXTMATE)).unwrap();
    let mut found = Vec::new();
    for part in ["heads", "statements", "window", "joints", "constants", "operators"] {
        patterns(&grammar["repository"][part], &mut found);
    }
    // `\b` and the like are no letters of words, and neither are classes such as `[a-z]`.
    let escape = Regex::new(r"\\(x\{[0-9A-F]+\}|.)|\[[^\]]*\]").unwrap();
    assert_words(&found.iter().flat_map(|pattern| words(&escape.replace_all(pattern, " "))).collect(), "TextMate");
}

#[test]
fn the_extension_for_vs_code_has_the_textmate_grammar() {
    expect_file(&at("editors/vscode/syntaxes/mcpl.tmLanguage.json"), &read(TEXTMATE));
}

#[test]
fn the_vim_syntax_has_the_words_of_the_language() {
    let list = Regex::new(r#"let s:\w+ = split\("([^"]*)"\)"#).unwrap();
    let syntax = read("editors/vim/syntax/mcpl.vim");
    assert_words(&list.captures_iter(&syntax).flat_map(|found| words(&found[1])).collect(), "Vim");
}

/// The texts between quotes that are words.
fn quoted_words(text: &str) -> BTreeSet<String> {
    let quoted = Regex::new(r#""([a-z_]{2,})""#).unwrap();
    quoted.captures_iter(text).map(|found| found[1].to_owned()).collect()
}

/// Units are no keywords.
fn without_units(mut words: BTreeSet<String>) -> BTreeSet<String> {
    for unit in ["ms", "us", "ns"] {
        words.remove(unit);
    }
    words
}

#[test]
fn the_tree_sitter_grammar_has_the_words_of_the_language() {
    let grammar = read(&format!("{TREE_SITTER}/grammar.js"));
    let (_, rules) = grammar.split_once("rules: {").unwrap();
    let field = Regex::new(r#"field\("\w+""#).unwrap();
    assert_words(&without_units(quoted_words(&field.replace_all(rules, ""))), "grammar.js");
    let generated: Value = serde_json::from_str(&read(&format!("{TREE_SITTER}/src/grammar.json"))).unwrap();
    let mut literals = BTreeSet::new();
    strings(&generated["rules"], &mut literals);
    let word = Regex::new("^[a-z_]{2,}$").unwrap();
    literals.retain(|literal| word.is_match(literal));
    assert_words(&without_units(literals), "src/grammar.json: run `tree-sitter generate`");
}

/// The literals of a generated grammar.
fn strings(part: &Value, out: &mut BTreeSet<String>) {
    if part["type"] == "STRING" {
        out.extend(part["value"].as_str().map(str::to_owned));
    }
    match part {
        Value::Object(fields) => fields.values().for_each(|part| strings(part, out)),
        Value::Array(parts) => parts.iter().for_each(|part| strings(part, out)),
        _ => {}
    }
}

#[test]
fn the_queries_have_the_words_of_the_language() {
    let queries = read(&format!("{TREE_SITTER}/queries/highlights.scm"));
    let mut found = quoted_words(&queries);
    // These two are part of a token that is highlighted as a whole.
    assert!(queries.contains("(window) @keyword") && queries.contains("(constant) @constant"));
    found.extend(["of", "seconds", "true", "false", "null", "off"].map(str::to_owned));
    assert_words(&found, "highlights.scm");
}

fn scenario_files(dir: &Path, out: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            scenario_files(&path, out);
        } else if path.extension().is_some_and(|ending| ending == "mcpl") {
            let name = path.strip_prefix(at("")).unwrap().display().to_string();
            out.insert(name, String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned());
        }
    }
}

fn pages(dir: &Path, out: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            pages(&path, out);
        } else if path.extension().is_some_and(|ending| ending == "md") {
            let blocks = fences(&path).into_iter().filter(|fence| fence.info.split(' ').next() == Some("mcpl"));
            out.extend(blocks.map(|fence| (fence.place, fence.text)));
        }
    }
}

/// Every scenario file of the repository and every one in its documentation, good or not.
fn texts() -> BTreeMap<String, String> {
    let mut texts = BTreeMap::new();
    scenario_files(&at("examples"), &mut texts);
    scenario_files(&at("tests"), &mut texts);
    pages(&at("docs"), &mut texts);
    assert!(texts.len() > 250, "only {} texts were found", texts.len());
    texts
}

fn to_json(texts: &BTreeMap<String, String>) -> Vec<u8> {
    let texts: Vec<_> = texts.iter().map(|(name, text)| json!({ "name": name, "text": text })).collect();
    serde_json::to_vec(&texts).unwrap()
}

fn skip<T>(why: &str) -> Option<T> {
    assert!(std::env::var_os("CI").is_none(), "CI must run this test: {why}");
    eprintln!("skipped: {why}");
    None
}

/// Runs a program that sets something up; `None` with a word on why when that fails.
fn set_up(command: &mut Command) -> Option<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    match command.stdin(Stdio::null()).output() {
        Ok(output) if output.status.success() => Some(()),
        Ok(output) => skip(&format!("{program}: {}", String::from_utf8_lossy(&output.stderr).trim())),
        Err(error) => skip(&format!("{program}: {error}")),
    }
}

/// A folder of this name in `target/`.
fn place(name: &str) -> PathBuf {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join(name);
    fs::create_dir_all(&place).unwrap();
    place
}

/// Gives a program its input and reads its output as JSON.
fn ask(command: &mut Command, input: Vec<u8>) -> Value {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success(), "{command:?} failed");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The folder with the engine of VS Code.
fn textmate_engine() -> Option<PathBuf> {
    let place = place("editors-npm");
    if NPM.iter().all(|package| place.join("node_modules").join(package.split('@').next().unwrap()).exists()) {
        return Some(place);
    }
    let mut npm = Command::new("npm");
    npm.args(["install", "--silent", "--no-audit", "--no-fund", "--prefix"]).arg(&place).args(NPM);
    set_up(&mut npm)?;
    Some(place)
}

#[test]
fn the_textmate_grammar_leaves_no_string_open_and_scopes_stay() {
    let Some(engine) = textmate_engine() else { return };
    let texts = texts();
    let mut node = Command::new("node");
    node.arg(at("tests/suite/editors/scopes.cjs")).arg(at(TEXTMATE)).current_dir(engine);
    let answers = ask(&mut node, to_json(&texts));
    let answers = answers.as_array().unwrap();
    assert_eq!(answers.len(), texts.len());
    let open: Vec<_> = answers
        .iter()
        .filter(|answer| !answer["open"].is_null())
        .map(|a| format!("{}:{}", a["name"], a["open"]))
        .collect();
    assert!(open.is_empty(), "open behind the line: {open:?}");
    for name in ["tour", "keywords", "values"] {
        let file = format!("tests/corpus/parse/{name}.mcpl");
        let answer = answers.iter().find(|answer| answer["name"] == file.as_str()).unwrap();
        expect_file(&at(&format!("tests/corpus/editors/{name}.scopes")), answer["scopes"].as_str().unwrap());
    }
}

/// The compiled parser, and the folder with the engine of tree-sitter.
fn tree_sitter() -> Option<(PathBuf, PathBuf)> {
    let place = place("editors-pip");
    if !place.join("tree_sitter").exists() {
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "install", "--quiet", "--target"]).arg(&place).arg(PIP);
        set_up(&mut pip)?;
    }
    let sources = at(TREE_SITTER).join("src");
    let library = place.join("mcpl.so");
    let mut cc = Command::new("cc");
    cc.args(["-shared", "-fPIC", "-I"]).arg(&sources).arg(sources.join("parser.c")).arg("-o").arg(&library);
    set_up(&mut cc)?;
    Some((library, place))
}

#[test]
fn the_tree_sitter_parser_takes_every_good_file() {
    let Some((library, engine)) = tree_sitter() else { return };
    let mut texts = texts();
    let all = texts.len();
    // What is wrong with the others is more than their syntax.
    texts.retain(|name, text| {
        !compile(name, text, &[]).lowered.diagnostics.iter().any(|found| found.code.starts_with("E1"))
    });
    assert!(texts.len() > 200 && texts.len() < all, "{} of {all} have no mistake of syntax", texts.len());
    let mut python = Command::new("python3");
    python.arg(at("tests/suite/editors/parse.py")).arg(library);
    python.arg(at(TREE_SITTER).join("queries/highlights.scm")).env("PYTHONPATH", engine);
    let found = ask(&mut python, to_json(&texts));
    assert_eq!(found, json!([]));
}
