//! What the documentation shows works: every `mcpl` block checks, and a block
//! marked with a code yields exactly that code. The reference shows every
//! statement of the language.
//!
//! Behind the language stand, where they are needed, a code and overrides:
//! `mcpl E313 --set peak=20`.

use std::fs;
use std::path::{Path, PathBuf};

use mcpl::diag::{Diagnostic, render};

use mcpl::model::Compiled;
use mcpl::model::persona::PERSONAS;
use mcpl::syntax::{self, Statement};

use crate::support::{Fence, codes, compile, expect_file, fences};

/// What is written behind the backticks of an `mcpl` block.
pub struct Expected {
    pub code: Option<String>,
    pub overrides: Vec<String>,
}

impl Expected {
    /// `None` for a block in another language.
    pub fn of(fence: &Fence) -> Option<Expected> {
        let mut words = fence.info.split_whitespace();
        (words.next() == Some("mcpl")).then_some(())?;
        let mut expected = Expected { code: None, overrides: Vec::new() };
        while let Some(word) = words.next() {
            match word {
                "--set" => expected.overrides.push(words.next().expect("`--set NAME=VALUE`").to_owned()),
                code => assert!(expected.code.replace(code.to_owned()).is_none(), "{}: two codes", fence.place),
            }
        }
        Some(expected)
    }
}

fn markdown_below(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            markdown_below(&path, out);
        } else if path.extension().is_some_and(|ending| ending == "md") {
            out.push(path);
        }
    }
}

/// Says what is wrong with a block, if anything is.
fn complaint(fence: &Fence, expected: &Expected) -> Option<String> {
    let Compiled { source, lowered } = compile(&fence.place, &fence.text, &expected.overrides);
    let found = codes(&lowered.diagnostics);
    let fits = match &expected.code {
        Some(code) => found == [code.as_str()],
        None => !lowered.diagnostics.iter().any(Diagnostic::is_error),
    };
    (!fits).then(|| format!("`{}` gives {found:?}\n{}", fence.info, render::short(&source, &lowered.diagnostics)))
}

#[test]
fn every_block_gives_what_it_is_marked_with() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pages: Vec<PathBuf> = vec![root.join("README.md")].into_iter().filter(|path| path.exists()).collect();
    markdown_below(&root.join("docs"), &mut pages);
    pages.sort();
    let blocks: Vec<Fence> = pages.iter().flat_map(|page| fences(page)).collect();
    let checked: Vec<_> = blocks.iter().filter_map(|fence| Some((fence, Expected::of(fence)?))).collect();
    assert!(checked.len() > 100, "only {} blocks were found", checked.len());
    let complaints: Vec<String> = checked.iter().filter_map(|(fence, expected)| complaint(fence, expected)).collect();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

/// The table of personas as the page has it.
fn table_of_personas() -> String {
    let mut rows = vec!["| persona | statement | seen | where |".to_owned(), "|---|---|---|---|".to_owned()];
    for persona in PERSONAS {
        for observed in persona.habits {
            let link =
                |url: &&str| format!("[{}]({url})", url.trim_start_matches("https://").replace("github.com/", ""));
            let links: Vec<String> = observed.sources.iter().map(link).collect();
            let (statement, seen) = (observed.habit.statement(), observed.seen);
            rows.push(format!("| `{}` | `{statement}` | {seen} | {} |", persona.name, links.join(", ")));
        }
    }
    rows.join("\n")
}

#[test]
fn the_page_of_personas_has_what_they_do() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/personas.md");
    let text = fs::read_to_string(&page).unwrap();
    let (before, rest) = text.split_once("| persona |").unwrap();
    let after = rest.split_once("\n\n").unwrap().1;
    expect_file(&page, &format!("{before}{}\n\n{after}", table_of_personas()));
    for persona in PERSONAS {
        let scenario = include_str!("../../docs/language/scenario.md");
        assert!(scenario.contains(&format!("`\"{}\"`", persona.name)), "scenario.md does not name {}", persona.name);
        assert!(text.contains(persona.about), "personas.md does not say that {} is {}", persona.name, persona.about);
    }
}

#[test]
fn the_reference_shows_every_statement() {
    let mut pages = Vec::new();
    markdown_below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/language"), &mut pages);
    let blocks = pages.iter().flat_map(|page| fences(page)).filter(|fence| Expected::of(fence).is_some());
    let shown: Vec<Statement> = blocks.flat_map(|fence| syntax::parse(&fence.text).statements()).collect();
    let missing: Vec<Statement> = syntax::vocabulary().into_iter().filter(|known| !shown.contains(known)).collect();
    assert!(missing.is_empty(), "no block of docs/language shows {missing:#?}");
}
