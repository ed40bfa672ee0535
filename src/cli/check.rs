//! `mcpl check` and `mcpl debug`.

use super::args::{CheckArgs, CheckFormat, DebugArgs, DebugStage};
use super::load::{self, Loaded};
use super::{Done, exit, live, terminal};
use crate::diag::{Diagnostic, render};
use crate::syntax;

/// Prints what is wrong with each file.
pub(super) fn run(args: &CheckArgs) -> Done {
    let mut failed = false;
    let mut unreached = false;
    let mut objects = Vec::new();
    for path in &args.files {
        // A file that cannot be read does not keep the others from being checked.
        let mut loaded = match load::load(path, &args.compile) {
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
        let diagnostics = &loaded.lowered.diagnostics;
        failed |= diagnostics.iter().any(Diagnostic::is_error);
        match args.format {
            // That nothing is wrong cannot be said of what was not asked.
            CheckFormat::Text if missed.is_some() => report(&loaded),
            CheckFormat::Text => print_text(&loaded),
            CheckFormat::Short => terminal::print(&render::short(&loaded.source, diagnostics))?,
            CheckFormat::Json => {
                if let serde_json::Value::Array(found) = render::json(&loaded.source, diagnostics) {
                    objects.extend(found);
                }
            }
        }
    }
    if args.format == CheckFormat::Json {
        terminal::print(&format!("{:#}\n", serde_json::Value::Array(objects)))?;
    }
    Ok(match (failed, unreached) {
        (true, _) => exit::USAGE,
        (false, true) => exit::SERVER,
        (false, false) => exit::OK,
    })
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
