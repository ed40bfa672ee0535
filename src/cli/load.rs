//! From a path to a plan, with its diagnostics.

use std::fs;
use std::io::Read as _;
use std::path::Path;

use super::args::CompileArgs;
use super::complaint::Complaint;
use super::files::Disk;
use super::output::plain;
use crate::diag::suggest::nearest;
use crate::model::{self, Compiled, Files, Lowered};
use crate::text::Source;

/// A scenario file beyond this is none: the largest that anyone writes by hand
/// has some hundred kilobytes, and data belongs in files of its own.
const MAX_FILE_BYTES: u64 = 16 * 1024 * 1024;

/// What standard input is called.
pub(super) const STDIN: &str = "<stdin>";

/// A file and what became of it.
pub(super) struct Loaded {
    pub(super) source: Source,
    pub(super) lowered: Lowered,
}

/// Reads a scenario file; `-` is standard input.
///
/// # Errors
/// When it cannot be read or is no text.
pub(super) fn read(path: &Path) -> Result<Source, Complaint> {
    let name = if path == Path::new("-") { STDIN.to_owned() } else { path.display().to_string() };
    let complain = |reason: String| Complaint::usage(format!("cannot read `{name}`: {reason}"));
    let bytes = read_bytes(path).map_err(|error| {
        let complaint = complain(plain(&error));
        match error.kind() {
            std::io::ErrorKind::NotFound => complaint.help("check the path; scenario files end in `.mcpl`"),
            std::io::ErrorKind::IsADirectory => complaint.help("name a `.mcpl` file in it"),
            _ => complaint,
        }
    })?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(complain(format!("it is larger than {} MiB", MAX_FILE_BYTES / 1024 / 1024))
            .help("keep data out of scenario files"));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Source::new(name, text)),
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            Err(complain(format!("byte {at} is not UTF-8 text")).help("save the file as UTF-8; is it a scenario file?"))
        }
    }
}

fn read_bytes(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        std::io::stdin().lock().take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    } else {
        let file = fs::File::open(path)?;
        if file.metadata()?.is_dir() {
            return Err(std::io::Error::new(std::io::ErrorKind::IsADirectory, "it is a directory"));
        }
        file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

/// Compiles a file.
///
/// # Errors
/// When it cannot be read, or `--set` is wrong. Mistakes in the file are in the
/// result.
pub(super) fn load(path: &Path, args: &CompileArgs) -> Result<Loaded, Complaint> {
    compile(path, &read(path)?, args, &Disk)
}

/// Compiles the text of a file that was read, with other files from `files`.
///
/// # Errors
/// When `--set` is wrong.
pub(super) fn compile(
    path: &Path,
    source: &Source,
    args: &CompileArgs,
    files: &dyn Files,
) -> Result<Loaded, Complaint> {
    compile_at(path, source, args, files, (&[], "--set"))
}

/// The same, with servers at other places than the file says, and with the name of the
/// option that gives overrides.
///
/// # Errors
/// When an override is wrong.
pub(super) fn compile_at(
    path: &Path,
    source: &Source,
    args: &CompileArgs,
    files: &dyn Files,
    (targets, option): (&[(String, String)], &str),
) -> Result<Loaded, Complaint> {
    let mut overrides = Vec::new();
    for set in &args.set {
        let Some((name, value)) = set.split_once('=') else {
            return Err(
                Complaint::usage(format!("`{option} {set}` has no `=`")).help(format!("write `{option} {set}=VALUE`"))
            );
        };
        overrides.push((name.trim().to_owned(), value.trim().to_owned()));
    }
    let name = path.file_stem().map_or_else(|| "scenario".to_owned(), |stem| stem.to_string_lossy().into_owned());
    let env = |name: &str| std::env::var(name).ok();
    let options = model::Options { name: &name, seed: args.seed, overrides: &overrides, targets, env: &env, files };
    let Compiled { source, lowered } = model::compile(source.name(), source.text(), &options);
    if let Some(unknown) = lowered.unknown_overrides.first() {
        let complaint = Complaint::usage(format!("`{option} {unknown}=…`: the file has no `param {unknown}`"));
        let names = lowered.model.params.iter().map(|param| param.name.as_str());
        return Err(match nearest(unknown, names.clone()) {
            Some(near) => complaint.help(format!("write `{option} {near}=…`")),
            None => complaint.help(match names.collect::<Vec<_>>() {
                names if names.is_empty() => format!("add `param {unknown} = …` to the file"),
                names => format!("set one that it has: {}", names.join(", ")),
            }),
        });
    }
    Ok(Loaded { source, lowered })
}
