//! `mcpl run DIRECTORY`: its scenario files, one after the other, with one summary,
//! one report and one exit code.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::args::{CompileArgs, RunArgs};
use super::complaint::Complaint;
use super::form::{Form, parse_report};
use super::{Done, check, exit, live_outputs, load, output, run, terminal};
use crate::diag::Diagnostic;
use crate::diag::suggest::nearest;
use crate::report::{self, Format, Ran, Style, Suite};
use crate::verdict::Outcome;

/// Runs what is in a directory. Nothing is sent before all files are found right.
pub(super) fn run(args: &RunArgs, directory: &Path) -> Done {
    let reports = args.report.iter().map(|report| parse_report(report)).collect::<Result<Vec<_>, _>>()?;
    if let Some(name) = args.against.names.first() {
        return Err(Complaint::usage(format!("`--baseline {name}` is for one scenario file, and this is a directory"))
            .help(format!("write `baseline {name} {{ … }}` in the files that have such a baseline")));
    }
    let files = files(directory, "mcpl")?;
    let each = prepared(args, &files)?;
    let Some(each) = each else { return Ok(exit::USAGE) };
    let results = args.out.iter().flat_map(|directory| files.iter().map(|file| results_of(directory, file)));
    if let Some(directory) = &args.out {
        fs::create_dir_all(directory).map_err(|error| unmade(directory, &error))?;
    }
    let mut taken: Vec<PathBuf> = files.iter().cloned().chain(results).collect();
    for (form, path) in &reports {
        output::check_writable(path)?;
        if taken.iter().any(|other| output::same_file(path, other)) {
            return Err(Complaint::usage(format!("`{}` is named for two things", path.display()))
                .help("give each report a file of its own, other than the scenarios and their results"));
        }
        taken.push(path.clone());
        if form.is_page() && path.extension().is_none() {
            return Err(Complaint::usage(format!("`{}` is also where the pages of the runs go", path.display()))
                .help(format!("give it an ending: `{}.html`", path.display())));
        }
    }
    if let Some(path) = args
        .live
        .iter()
        .filter_map(|option| live_outputs::file(option))
        .find(|path| taken.iter().any(|other| output::same_file(path, other)))
    {
        return Err(Complaint::usage(format!("`{}` is named for two things", path.display()))
            .help("give `--live` a file of its own, other than the scenarios, their results and reports"));
    }
    let pages = reports.iter().filter(|(form, _)| form.is_page()).map(|(_, index)| pages_of(index));
    for directory in pages {
        fs::create_dir_all(&directory).map_err(|error| unmade(&directory, &error))?;
    }
    let mut runs = Vec::new();
    for (number, alone) in each.iter().enumerate() {
        let title = format!("{} of {}: {}", number + 1, each.len(), named(alone).display());
        terminal::print(&format!("{}{title}\n", if number == 0 { "" } else { "\n" }))?;
        let (ran, stopped) = one(alone);
        runs.push(ran);
        if stopped {
            break;
        }
    }
    runs.extend(each.iter().skip(runs.len()).map(not_begun));
    let name = name_of(directory);
    let style = Style { color: terminal::stdout_color() };
    let table = Suite::new(&name, &runs).table(style).map_err(|error| Complaint::usage(error.to_string()))?;
    terminal::print(&format!("\n{table}"))?;
    let written = reports.iter().map(|(form, path)| report(&mut runs, &name, form, path));
    let unwritten: Vec<Complaint> = written.filter_map(Result::err).collect();
    unwritten.iter().for_each(terminal::complain);
    if !unwritten.is_empty() && args.out.is_none() {
        rescue(&runs);
    }
    let unwritten = unwritten.iter().map(|_| exit::USAGE);
    Ok(worst(runs.iter().map(|ran| ran.code).chain(unwritten)))
}

/// Writes one report of the suite.
fn report(runs: &mut [Ran], name: &str, form: &Form, path: &Path) -> Result<(), Complaint> {
    if form.is_page() {
        link(runs, path)?;
    }
    output::put(path, &render(runs, name, form)?)
}

/// Runs as one report.
///
/// # Errors
/// When a template of the user's own has a mistake.
pub(super) fn render(runs: &[Ran], name: &str, form: &Form) -> Result<String, Complaint> {
    let suite = Suite::new(name, runs);
    let rendered = match form {
        Form::BuiltIn(format) => suite.render(runs, *format),
        Form::Own(template) => suite.render_template(template),
    };
    rendered.map_err(|error| Complaint::usage(error.to_string()))
}

/// Keeps the results that no report has.
fn rescue(runs: &[Ran]) {
    for (results, _) in runs.iter().filter_map(|ran| ran.outcome.as_ref().ok()) {
        if let Some(path) = output::rescue(&results.run.id, &results.to_json()) {
            let path = path.display();
            terminal::note(&format!("the results were kept in `{path}`: render them with `mcpl report {path}`\n"));
        }
    }
}

/// Where the results of a file are kept.
fn results_of(directory: &Path, file: &Path) -> PathBuf {
    directory.join(format!("{}.json", stem(file)))
}

/// The files of a directory with an ending, by name; what is in its subdirectories is
/// not meant.
///
/// # Errors
/// When there is none, or the directory cannot be read.
pub(super) fn files(directory: &Path, ending: &str) -> Result<Vec<PathBuf>, Complaint> {
    let unread = |error: std::io::Error| {
        Complaint::usage(format!("cannot read `{}`: {}", directory.display(), output::plain(&error)))
    };
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).map_err(unread)? {
        let path = entry.map_err(unread)?.path();
        if path.extension().is_some_and(|own| own == ending) && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    if files.is_empty() {
        return Err(Complaint::usage(format!("`{}` has no `.{ending}` files", directory.display()))
            .help(format!("name a directory with `.{ending}` files in it, or one file")));
    }
    Ok(files)
}

/// The arguments for each file alone; `None` after telling what is wrong in a file.
fn prepared(args: &RunArgs, files: &[PathBuf]) -> Result<Option<Vec<RunArgs>>, Complaint> {
    let (mut each, mut right) = (Vec::new(), true);
    let mut known = BTreeSet::new();
    for file in files {
        let bare = load::load(file, &CompileArgs { set: Vec::new(), ..args.compile.clone() })?;
        let params: BTreeSet<String> = bare.lowered.model.params.iter().map(|param| param.name.clone()).collect();
        // A parameter is set in the files that have it.
        let set = args.compile.set.iter().filter(|set| params.contains(param_of(set))).cloned().collect();
        known.extend(params);
        let out = args.out.as_ref().map(|directory| results_of(directory, file));
        let compile = CompileArgs { set, ..args.compile.clone() };
        let place = Some((each.len() + 1, files.len()));
        each.push(RunArgs { file: Some(file.clone()), compile, out, report: Vec::new(), place, ..args.clone() });
    }
    if let Some(unknown) = args.compile.set.iter().map(|set| param_of(set)).find(|name| !known.contains(*name)) {
        let complaint = Complaint::usage(format!("`--set {unknown}=…`: no file has a `param {unknown}`"));
        return Err(match nearest(unknown, known.iter().map(String::as_str)) {
            Some(near) => complaint.help(format!("write `--set {near}=…`")),
            None => complaint.help("set one that a file has: `mcpl plan FILE` lists them"),
        });
    }
    for alone in &each {
        let loaded = load::load(named(alone), &alone.compile)?;
        if loaded.lowered.diagnostics.iter().any(Diagnostic::is_error) {
            check::report(&loaded);
            right = false;
        }
    }
    Ok(right.then_some(each))
}

/// The file of a run of one.
fn named(alone: &RunArgs) -> &Path {
    alone.file.as_deref().unwrap_or(Path::new(""))
}

fn param_of(set: &str) -> &str {
    set.split_once('=').map_or(set, |(name, _)| name).trim()
}

fn stem(file: &Path) -> String {
    file.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// One file's run, and whether nothing more is to be run. What keeps it from being made
/// is told, and does not keep the others.
fn one(alone: &RunArgs) -> (Ran, bool) {
    let file = named(alone).display().to_string();
    match run::single(alone) {
        Ok(ran) => {
            let why = || "no load was sent; what the run said tells why".to_owned();
            (Ran { file, code: ran.code, outcome: ran.judged.ok_or_else(why), page: None }, ran.stopped)
        }
        Err(complaint) => {
            terminal::complain(&complaint);
            (Ran { file, code: complaint.code, outcome: Err(complaint.message), page: None }, false)
        }
    }
}

/// A file whose turn did not come.
fn not_begun(alone: &RunArgs) -> Ran {
    let file = named(alone).display().to_string();
    Ran { file, code: exit::INTERRUPTED, outcome: Err("the suite was interrupted before it".to_owned()), page: None }
}

/// The name of a directory, also of one that is given as `.`.
pub(super) fn name_of(directory: &Path) -> String {
    let whole = fs::canonicalize(directory).unwrap_or_else(|_| directory.to_owned());
    whole.file_name().unwrap_or(directory.as_os_str()).to_string_lossy().into_owned()
}

/// The directory of the pages of the runs: that of the suite's page without its ending.
fn pages_of(index: &Path) -> PathBuf {
    index.with_extension("")
}

/// Writes a page for each run, for the suite's page at `index`.
fn link(runs: &mut [Ran], index: &Path) -> Result<(), Complaint> {
    let directory = pages_of(index);
    for ran in runs.iter_mut() {
        let Ok((results, verdict)) = &ran.outcome else { continue };
        let text = report::render(results, verdict, Format::Html, Style::default())
            .map_err(|error| Complaint::usage(error.to_string()))?;
        let page = format!("{}.html", stem(Path::new(&ran.file)));
        output::put(&directory.join(&page), &text)?;
        ran.page = Some(format!("{}/{page}", directory.file_name().unwrap_or_default().to_string_lossy()));
    }
    Ok(())
}

fn unmade(directory: &Path, error: &std::io::Error) -> Complaint {
    Complaint::usage(format!("cannot make the directory `{}`: {}", directory.display(), output::plain(error)))
}

/// The code of the whole: what must be mended first.
fn worst(codes: impl Iterator<Item = u8>) -> u8 {
    let [guarded, unsaid] = [Outcome::Guarded, Outcome::Inconclusive].map(Outcome::exit_code);
    let order = [exit::INTERRUPTED, exit::USAGE, exit::SERVER, guarded, exit::FAILED, unsaid];
    let codes: Vec<u8> = codes.collect();
    order.into_iter().find(|code| codes.contains(code)).unwrap_or(exit::OK)
}
