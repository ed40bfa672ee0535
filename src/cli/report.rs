//! `mcpl report` and `mcpl judge`: from a results file alone.

use std::fs;
use std::path::{Path, PathBuf};

use super::against::{Against, AgainstArgs};
use super::args::{JudgeArgs, ReportArgs};
use super::complaint::Complaint;
use super::form::Form;
use super::kept::COMPARISON;
use super::{Done, earlier, exit, output, runs, suite, terminal};
use crate::report::{self, Format, Ran, Style};
use crate::results::Results;
use crate::verdict;

/// Renders a stored run.
pub(super) fn report(args: &ReportArgs) -> Done {
    if let Some(directory) = &args.init_templates {
        return init_templates(directory);
    }
    let form = args.form.read()?;
    // One of them is there: clap sees to it.
    let run = args.run.as_deref().or(args.from.as_deref()).unwrap_or(Path::new(""));
    let text = if run.is_dir() { directory(args, run, &form)? } else { single(args, run, &form)? };
    match &args.output {
        None => terminal::print(&text)?,
        Some(path) => output::put(path, &text)?,
    }
    Ok(exit::OK)
}

/// A stored run as text.
fn single(args: &ReportArgs, run: &Path, form: &Form) -> Result<String, Complaint> {
    let results = runs::load(run)?;
    let mut verdict = judged(&results, &args.against)?;
    earlier::tell(&results, &mut verdict);
    let rendered = match form {
        Form::Own(template) => report::render_template(&results, &verdict, template),
        Form::BuiltIn(format) => {
            let color = args.output.is_none() && terminal::stdout_color();
            report::render(&results, &verdict, *format, Style { color })
        }
    };
    rendered.map_err(|error| Complaint::usage(error.to_string()))
}

/// The results in a directory as text, as `mcpl run DIRECTORY --out` keeps them.
fn directory(args: &ReportArgs, directory: &Path, form: &Form) -> Result<String, Complaint> {
    let ran = |path: PathBuf| {
        let results = runs::file(&path)?;
        let mut verdict = judged(&results, &args.against)?;
        earlier::tell(&results, &mut verdict);
        let file = path.display().to_string();
        Ok(Ran { file, code: verdict.outcome.exit_code(), outcome: Ok((results, verdict)), page: None })
    };
    // What `mcpl compare --out` keeps has the comparison beside the runs.
    let files = suite::files(directory, "json")?.into_iter().filter(|path| !path.ends_with(COMPARISON));
    let runs: Vec<Ran> = files.map(ran).collect::<Result<_, Complaint>>()?;
    suite::render(&runs, &suite::name_of(directory), form)
}

/// Judges a stored run again; the exit code is the verdict's.
pub(super) fn judge(args: &JudgeArgs) -> Done {
    let results = runs::load(&args.run)?;
    let verdict = judged(&results, &args.against)?;
    let style = Style { color: terminal::stdout_color() };
    let text =
        report::render(&results, &verdict, Format::Text, style).map_err(|error| Complaint::usage(error.to_string()))?;
    terminal::print(&text)?;
    Ok(verdict.outcome.exit_code())
}

/// The verdict on a stored run, with the baselines of its file and those that are asked
/// for.
fn judged(results: &Results, args: &AgainstArgs) -> Result<verdict::Verdict, Complaint> {
    let against = Against::again(args, results)?;
    let mut verdict = verdict::judge(results);
    against.judge(results, &mut verdict);
    Ok(verdict)
}

/// Writes the built-in templates out, and over nothing.
fn init_templates(directory: &Path) -> Done {
    let files: Vec<_> = report::built_in_templates().map(|(name, source)| (directory.join(name), source)).collect();
    if let Some((path, _)) = files.iter().find(|(path, _)| path.exists()) {
        return Err(Complaint::usage(format!("`{}` is there already", path.display()))
            .help("name a directory without templates"));
    }
    for (path, source) in &files {
        let made = path.parent().map_or(Ok(()), fs::create_dir_all);
        made.map_err(|error| output::unwritten(path, &error))?;
        output::put(path, source)?;
    }
    let page = directory.join("report.html.j2");
    terminal::note(&format!(
        "wrote {} templates; change what you like and render with `mcpl report RUN --template {}`\n",
        files.len(),
        page.display()
    ));
    Ok(exit::OK)
}
