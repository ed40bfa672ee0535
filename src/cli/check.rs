//! `mcpl check` and `mcpl debug`.

use std::path::Path;

use super::args::{CheckArgs, CheckFormat, DebugArgs, DebugStage};
use super::complaint::Complaint;
use super::fix::{self, Fixed};
use super::load::{self, Loaded};
use super::{Done, exit, terminal};
use crate::diag::{Diagnostic, render};
use crate::syntax;
use crate::text::Source;

/// Prints what is wrong with each file.
pub(super) fn run(args: &CheckArgs) -> Done {
    if args.fix && args.format != CheckFormat::Text && args.files.iter().any(|path| path == Path::new("-")) {
        let message = "`--fix -` writes the mended text to standard output, where findings would stand between";
        return Err(Complaint::usage(message).help("leave `--format` out"));
    }
    let mut failed = false;
    let mut checked = Vec::new();
    for path in &args.files {
        // A file that cannot be read does not keep the others from being checked.
        match load(path, args, &mut failed) {
            Ok(loaded) => {
                failed |= loaded.lowered.diagnostics.iter().any(Diagnostic::is_error);
                print_one(args.format, &loaded)?;
                checked.push((loaded.source, loaded.lowered.diagnostics));
            }
            Err(complaint) => {
                terminal::complain(&complaint);
                failed = true;
            }
        }
    }
    print_all(args.format, &checked)?;
    Ok(if failed { exit::USAGE } else { exit::OK })
}

/// Compiles a file, after its mends if they are asked for.
fn load(path: &Path, args: &CheckArgs, failed: &mut bool) -> Result<Loaded, Complaint> {
    if !args.fix {
        return load::load(path, &args.compile);
    }
    let Fixed { loaded, complaints } = fix::fix(path, args)?;
    *failed |= !complaints.is_empty();
    complaints.iter().for_each(terminal::complain);
    Ok(loaded)
}

/// What is printed as soon as a file is checked.
fn print_one(format: CheckFormat, loaded: &Loaded) -> Result<(), Complaint> {
    let diagnostics = &loaded.lowered.diagnostics;
    match format {
        CheckFormat::Text => print_text(loaded),
        CheckFormat::Short => terminal::print(&render::short(&loaded.source, diagnostics))?,
        CheckFormat::Github => terminal::print(&render::github(&loaded.source, diagnostics))?,
        CheckFormat::Json | CheckFormat::Sarif => {}
    }
    Ok(())
}

/// What is one document about all files.
fn print_all(format: CheckFormat, checked: &[(Source, Vec<Diagnostic>)]) -> Result<(), Complaint> {
    let all = checked.iter().map(|(source, diagnostics)| (source, diagnostics.as_slice()));
    let document = match format {
        CheckFormat::Json => render::json(all),
        CheckFormat::Sarif => render::sarif(all),
        CheckFormat::Text | CheckFormat::Short | CheckFormat::Github => return Ok(()),
    };
    terminal::print(&format!("{document:#}\n"))
}

fn print_text(loaded: &Loaded) {
    if loaded.lowered.diagnostics.is_empty() {
        terminal::note(&format!("{}: no mistakes found\n", loaded.source.name()));
    } else {
        report(loaded);
    }
}

/// Prints the diagnostics of a file for people.
pub(super) fn report(loaded: &Loaded) {
    let diagnostics = &loaded.lowered.diagnostics;
    if !diagnostics.is_empty() {
        terminal::note(&render::text(&loaded.source, diagnostics, terminal::stderr_style()));
    }
}

/// Prints a stage of the compiler.
pub(super) fn debug(args: &DebugArgs) -> Done {
    let source = load::read(&args.file)?;
    match args.stage {
        DebugStage::Tree => terminal::print(&syntax::parse(source.text()).dump())?,
    }
    Ok(exit::OK)
}
