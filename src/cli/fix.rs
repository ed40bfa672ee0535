//! `mcpl check --fix`: mends files, then tells what remains.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::args::CheckArgs;
use super::complaint::Complaint;
use super::files::Disk;
use super::load::{self, Loaded, STDIN};
use super::{output, terminal};
use crate::diag::{self, Diagnostic};
use crate::model::Files;
use crate::text::Source;

/// A mend may uncover a mistake behind it. More rounds than this mean that two
/// fixes undo each other; what has been reached by then is kept.
const MAX_PASSES: usize = 32;

/// A scenario file after its mends.
pub(super) struct Fixed {
    pub(super) loaded: Loaded,
    /// What could not be written.
    pub(super) complaints: Vec<Complaint>,
}

/// Mends a file and those that it includes, writes back what changed, and says
/// how much. The text of standard input goes to standard output.
///
/// # Errors
/// When the file cannot be read, or `--set` is wrong.
pub(super) fn fix(path: &Path, args: &CheckArgs) -> Result<Fixed, Complaint> {
    let read = load::read(path)?;
    let compile = |texts: &Texts| {
        let text = texts.0.get(read.name()).map_or(read.text(), |(text, _)| text.as_str());
        load::compile(path, &Source::new(read.name(), text), &args.compile, texts)
    };
    // A name is for people: that of the scenario file may not be all of its path.
    let place = |name: &str| if name == read.name() { path.to_owned() } else { PathBuf::from(name) };
    let may_write = |name: &str| if name == STDIN { Ok(()) } else { may_write(name, &place(name)) };
    let (loaded, texts, mut complaints) = mend(compile, &may_write, args.unsafe_fixes)?;
    for (name, (text, mistakes)) in &texts.0 {
        if name != STDIN
            && let Err(error) = output::write(&place(name), text)
        {
            complaints.push(Complaint::usage(format!("cannot write `{name}`: {}", output::plain(&error))));
            continue;
        }
        let plural = if *mistakes == 1 { "" } else { "s" };
        terminal::note(&format!("fixed {mistakes} mistake{plural} in {name}\n"));
    }
    if read.name() == STDIN {
        let fixed = texts.0.get(STDIN).map_or(read.text(), |(text, _)| text.as_str());
        terminal::print(fixed)?;
    }
    Ok(Fixed { loaded, complaints })
}

/// Compiles and mends until no fix applies. What may not be written keeps its
/// mistakes, and is complained about once.
fn mend(
    compile: impl Fn(&Texts) -> Result<Loaded, Complaint>,
    may_write: &dyn Fn(&str) -> Result<(), Complaint>,
    unsafe_fixes: bool,
) -> Result<(Loaded, Texts, Vec<Complaint>), Complaint> {
    let mut texts = Texts::default();
    let mut locked: BTreeMap<String, Complaint> = BTreeMap::new();
    let mut loaded = compile(&texts)?;
    for _ in 0..MAX_PASSES {
        let source = &loaded.source;
        let names = |diagnostic: &Diagnostic| {
            let edits = diagnostic.fix.iter().flat_map(|fix| &fix.edits);
            edits.map(|edit| source.file(edit.span.start).name.to_owned()).collect::<Vec<_>>()
        };
        let mut wanted = loaded.lowered.diagnostics.clone();
        wanted.retain(|found| found.fix.as_ref().is_some_and(|fix| unsafe_fixes || fix.certain));
        for name in wanted.iter().flat_map(names) {
            if !texts.0.contains_key(&name)
                && !locked.contains_key(&name)
                && let Err(complaint) = may_write(&name)
            {
                locked.insert(name, complaint);
            }
        }
        wanted.retain(|found| !names(found).iter().any(|name| locked.contains_key(name)));
        let mended = diag::mend(source, &wanted, unsafe_fixes);
        if mended.is_empty() {
            break;
        }
        for file in mended {
            let name = source.files().nth(file.index).map_or("", |file| file.name);
            let (text, mistakes) = texts.0.entry(name.to_owned()).or_default();
            *text = file.text;
            *mistakes += file.mistakes;
        }
        loaded = compile(&texts)?;
    }
    Ok((loaded, texts, locked.into_values().collect()))
}

/// Whether a file can be written back where it was read.
fn may_write(name: &str, path: &Path) -> Result<(), Complaint> {
    // A pipe that was read cannot be mended, and a device should not be.
    if fs::metadata(path).is_ok_and(|meta| !meta.is_file()) {
        return Err(Complaint::usage(format!("cannot mend `{name}`: it is no regular file"))
            .help("write `-` to have standard input mended on standard output"));
    }
    output::check_writable(path).map_err(|complaint| Complaint {
        message: complaint.message.replacen("cannot write", "cannot mend", 1),
        help: Some("make the file writable, or mend it by hand".to_owned()),
        ..complaint
    })
}

/// Files as mended, and how many mistakes were mended in each; others are as on
/// the disk.
#[derive(Default)]
struct Texts(BTreeMap<String, (String, usize)>);

impl Files for Texts {
    fn read(&self, path: &str, from: &str) -> Result<(String, Vec<u8>), String> {
        let (name, bytes) = Disk.read(path, from)?;
        Ok(match self.0.get(&name) {
            Some((text, _)) => (name, text.clone().into_bytes()),
            None => (name, bytes),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::CompileArgs;

    /// Mends a file that includes `b.mcpl`; both are one certain fix from good.
    fn mended(may_write: &dyn Fn(&str) -> Result<(), Complaint>) -> (Vec<(String, usize)>, Vec<String>, usize) {
        let dir = tempfile::tempdir().unwrap();
        let (a, b) = (dir.path().join("a.mcpl"), dir.path().join("b.mcpl"));
        fs::write(&b, "mcpl 1\nparam x = 'one'\nparam z = 'three'\n").unwrap();
        fs::write(&a, "mcpl 1\ninclude \"b.mcpl\"\nparam y = 'two'\n").unwrap();
        let args = CompileArgs { set: Vec::new(), seed: 1 };
        let text = fs::read_to_string(&a).unwrap();
        let name = a.display().to_string();
        let compile = |texts: &Texts| {
            let text = texts.0.get(&name).map_or(text.as_str(), |(text, _)| text.as_str());
            load::compile(&a, &Source::new(name.clone(), text), &args, texts)
        };
        let (loaded, texts, complaints) = mend(compile, may_write, false).unwrap();
        let file = |name: &str| Path::new(name).file_name().unwrap().to_string_lossy().into_owned();
        let texts = texts.0.into_iter().map(|(name, (_, mistakes))| (file(&name), mistakes)).collect();
        let complaints = complaints.into_iter().map(|complaint| complaint.message).collect();
        let certain = |found: &&Diagnostic| found.fix.as_ref().is_some_and(|fix| fix.certain);
        let left = loaded.lowered.diagnostics.iter().filter(certain).count();
        (texts, complaints, left)
    }

    #[test]
    fn a_file_that_is_included_is_mended_in_its_place() {
        let (texts, complaints, left) = mended(&|_| Ok(()));
        assert_eq!(texts, [("a.mcpl".to_owned(), 1), ("b.mcpl".to_owned(), 2)]);
        assert!(complaints.is_empty());
        assert_eq!(left, 0);
    }

    #[test]
    fn a_file_that_may_not_be_written_keeps_its_mistakes() {
        let refuse = |name: &str| if name.ends_with("b.mcpl") { Err(Complaint::usage("no")) } else { Ok(()) };
        let (texts, complaints, left) = mended(&refuse);
        assert_eq!(texts, [("a.mcpl".to_owned(), 1)]);
        assert_eq!(complaints, ["no"], "once for two mistakes");
        assert_eq!(left, 2, "and they are still told");
    }

    #[test]
    fn what_is_no_regular_file_is_not_written() {
        assert!(may_write("null", Path::new("/dev/null")).unwrap_err().message.contains("no regular file"));
    }
}
