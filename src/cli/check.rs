//! `mcpl check` and `mcpl debug`.

use std::path::Path;

use super::args::{CheckArgs, CheckFormat, DebugArgs, DebugStage};
use super::complaint::Complaint;
use super::fix::{self, Fixed};
use super::load::{self, Loaded};
use super::{Done, exit, live, terminal};
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
    let mut unreached = false;
    let mut checked = Vec::new();
    for path in &args.files {
        // A file that cannot be read does not keep the others from being checked.
        let mut loaded = match load(path, args, &mut failed) {
            Ok(loaded) => loaded,
            Err(complaint) => {
                terminal::complain(&complaint);
                failed = true;
                continue;
            }
        };
        let missed = if args.live { live::extend(&mut loaded, path).err() } else { None };
        if let Some(complaint) = &missed {
            terminal::complain(complaint);
            unreached |= complaint.code == exit::SERVER;
            failed |= complaint.code != exit::SERVER;
        }
        failed |= loaded.lowered.diagnostics.iter().any(Diagnostic::is_error);
        print_one(args.format, &loaded, missed.is_some())?;
        checked.push((loaded.source, loaded.lowered.diagnostics));
    }
    print_all(args.format, &checked)?;
    Ok(match (failed, unreached) {
        (true, _) => exit::USAGE,
        (false, true) => exit::SERVER,
        (false, false) => exit::OK,
    })
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

/// What is printed as soon as a file is checked. `missed`: its servers could not
/// be asked.
fn print_one(format: CheckFormat, loaded: &Loaded, missed: bool) -> Result<(), Complaint> {
    let diagnostics = &loaded.lowered.diagnostics;
    match format {
        // That nothing is wrong cannot be said of what was not asked.
        CheckFormat::Text if missed => report(loaded),
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
