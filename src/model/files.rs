//! From a file to the plan, with what it includes.

use super::lower::{Lowered, Options, lower};
use crate::diag::{Diagnostic, errors, tidy};
use crate::syntax::{self, Parse, ast};
use crate::text::{Source, Span};

/// More files than this include each other by mistake.
const MAX_FILES: usize = 256;

/// Where other files come from.
pub trait Files {
    /// The text of `path`, which the file called `from` names, with its name for
    /// people, which is the same for the same file.
    ///
    /// # Errors
    /// Why it cannot be read, as a fragment.
    fn read(&self, path: &str, from: &str) -> Result<(String, Vec<u8>), String>;
}

/// No other files: for a text that stands alone.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoFiles;

impl Files for NoFiles {
    fn read(&self, _path: &str, _from: &str) -> Result<(String, Vec<u8>), String> {
        Err("there are no other files here".to_owned())
    }
}

/// A file, those that it includes, and what became of them.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The texts.
    pub source: Source,
    /// The plan and what is wrong.
    pub lowered: Lowered,
}

/// Compiles the file called `name`, with those that it includes.
#[must_use]
pub fn compile(name: &str, text: &str, options: &Options<'_>) -> Compiled {
    let mut including = Including {
        options,
        source: Source::new(name, text),
        around: Vec::new(),
        known: vec![(name.to_owned(), None)],
        parses: Vec::new(),
        out: Vec::new(),
    };
    including.file(name, text, 0);
    let Including { source, parses, out, .. } = including;
    let mut lowered = lower(&source, &syntax::join(&source, parses), options);
    if !out.is_empty() {
        // What is missing may be in what could not be read.
        lowered.diagnostics.retain(|diagnostic| diagnostic.code.starts_with("E1"));
        lowered.diagnostics.extend(out);
        tidy(&mut lowered.diagnostics);
        lowered.plan = None;
    }
    Compiled { source, lowered }
}

struct Including<'a> {
    options: &'a Options<'a>,
    source: Source,
    /// The files around the current one, outermost first.
    around: Vec<String>,
    /// Every file, and where it is included.
    known: Vec<(String, Option<Span>)>,
    /// Of each file, in the order of the source.
    parses: Vec<Parse>,
    out: Vec<Diagnostic>,
}

impl Including<'_> {
    /// Adds what the file includes; `start` is its place in the source.
    fn file(&mut self, name: &str, text: &str, start: usize) {
        self.around.push(name.to_owned());
        let parse = syntax::parse(text);
        let items = parse.file().items();
        self.parses.push(parse);
        for item in items {
            let ast::Item::Include(include) = item else { continue };
            let Some(value) = include.value().filter(|_| !include.is_broken()) else { continue };
            let span = Span::new(value.span().start as usize + start, value.span().end as usize + start);
            match &value {
                ast::Expr::Literal(path) if path.string_value().is_some() => {
                    self.include(&path.string_value().unwrap_or_default(), name, span);
                }
                // What is included is known before any value is.
                _ => self.out.push(errors::types::wrong_kind(
                    "a path as plain text",
                    "\"common.mcpl\"",
                    "a value that is worked out",
                    span,
                )),
            }
        }
        self.around.pop();
    }

    fn include(&mut self, path: &str, from: &str, span: Span) {
        let (name, bytes) = match self.options.files.read(path, from) {
            Ok(read) => read,
            Err(reason) => return self.out.push(errors::data::not_included(path, &reason, span)),
        };
        if self.around.contains(&name) {
            return self.out.push(errors::data::included_twice(path, span, None));
        }
        if let Some((_, first)) = self.known.iter().find(|(known, _)| *known == name) {
            return self.out.push(errors::data::included_twice(path, span, *first));
        }
        let Ok(text) = String::from_utf8(bytes) else {
            return self.out.push(errors::data::not_included(path, "it is not UTF-8 text", span));
        };
        if self.known.len() >= MAX_FILES {
            let reason = format!("more than {MAX_FILES} files include each other");
            return self.out.push(errors::data::not_included(path, &reason, span));
        }
        self.known.push((name.clone(), Some(span)));
        let start = self.source.add(name.clone(), &text);
        self.file(&name, &text, start);
    }
}
