//! `mcpl fmt`.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::args::FmtArgs;
use super::complaint::Complaint;
use super::{Done, exit, load, output, terminal};
use crate::{format, syntax};

/// A diff that takes longer than this is finished roughly: in a large file that
/// changes everywhere the shortest one is of no use to anybody.
const DIFF_TIME: Duration = Duration::from_secs(2);

/// Unchanged lines around a change.
const CONTEXT: usize = 3;

/// Formats each file, or shows what formatting it would change.
pub(super) fn run(args: &FmtArgs) -> Done {
    let mut changes = false;
    let mut failed = false;
    // What is wrong with one file does not keep the others from being formatted.
    let mut complain = |complaint: Complaint| {
        terminal::complain(&complaint);
        failed = true;
    };
    for named in &args.files {
        let paths = match scenarios(named) {
            Ok(paths) => paths,
            Err(complaint) => {
                complain(complaint);
                continue;
            }
        };
        for path in paths {
            match file(&path, args.check) {
                Ok(changed) => changes |= changed,
                Err(complaint) => complain(complaint),
            }
        }
    }
    Ok(match (failed, changes && args.check) {
        (true, _) => exit::USAGE,
        (false, true) => exit::FAILED,
        (false, false) => exit::OK,
    })
}

/// The file itself, or the scenario files below a directory.
fn scenarios(named: &Path) -> Result<Vec<PathBuf>, Complaint> {
    if !named.is_dir() {
        return Ok(vec![named.to_owned()]);
    }
    let mut found = Vec::new();
    let mut dirs = vec![named.to_owned()];
    while let Some(dir) = dirs.pop() {
        let complain = |error: std::io::Error| {
            Complaint::usage(format!("cannot read the directory `{}`: {}", dir.display(), output::plain(&error)))
        };
        for entry in fs::read_dir(&dir).map_err(complain)? {
            let entry = entry.map_err(complain)?;
            let (path, kind) = (entry.path(), entry.file_type().map_err(complain)?);
            let hidden = entry.file_name().to_string_lossy().starts_with('.');
            // A link to a directory may lead back to where we are.
            if kind.is_dir() && !hidden {
                dirs.push(path);
            } else if !kind.is_dir() && path.extension().is_some_and(|ending| ending == "mcpl") && path.is_file() {
                found.push(path);
            }
        }
    }
    if found.is_empty() {
        return Err(Complaint::usage(format!("there are no `.mcpl` files in `{}`", named.display()))
            .help("name a scenario file, or a directory that has some"));
    }
    found.sort();
    Ok(found)
}

/// Formats one file. Gives whether it changes.
fn file(path: &Path, check: bool) -> Result<bool, Complaint> {
    let source = load::read(path)?;
    let parse = syntax::parse(source.text());
    let formatted = format::format(&parse);
    let changes = formatted != source.text();
    let stdin = path == Path::new("-");
    if check && changes {
        terminal::print(&diff(source.name(), source.text(), &formatted))?;
        terminal::note(&format!("would format {}\n", source.name()));
    } else if stdin && !check {
        terminal::print(&formatted)?;
    } else if changes {
        write(path, &formatted)?;
        terminal::note(&format!("formatted {}\n", source.name()));
    }
    match format::left_alone(&parse) {
        0 => {}
        1 => terminal::note(&format!("{}: 1 statement with a mistake in it is left as it is\n", source.name())),
        n => terminal::note(&format!("{}: {n} statements with mistakes in them are left as they are\n", source.name())),
    }
    Ok(changes)
}

fn write(path: &Path, text: &str) -> Result<(), Complaint> {
    let complain = |reason: String| {
        Complaint::usage(format!("cannot write `{}`: {reason}", path.display())).help("make it writable")
    };
    // A file is replaced, which the directory decides about. Who protects a file
    // means the file.
    if fs::metadata(path).is_ok_and(|meta| meta.permissions().readonly()) {
        return Err(complain("it is read-only".to_owned()));
    }
    output::write(path, text).map_err(|error| complain(output::plain(&error)))
}

fn diff(name: &str, old: &str, new: &str) -> String {
    let diff = similar::TextDiff::configure().timeout(DIFF_TIME).diff_lines(old, new);
    diff.unified_diff().context_radius(CONTEXT).header(name, name).to_string()
}
