//! Baselines that a run is held against: finding their files, and comparing.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::complaint::Complaint;
use super::output::plain;
use super::terminal;
use crate::plan::Plan;
use crate::results::{Baseline, Results};
use crate::verdict::Verdict;
use crate::verdict::compare::{Question, compare, is_same};

/// Where baselines are, beside the scenario file.
const DIRECTORY: &str = "baselines";

/// What a run is compared with.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct AgainstArgs {
    /// Compare with the runs of a baseline, by its margins in the file or else by the standard
    /// metrics; may be repeated
    #[arg(long = "baseline", value_name = "NAME")]
    pub(super) names: Vec<String>,

    /// Directory of the baselines [default: `baselines` beside the scenario file]
    #[arg(long = "baselines", value_name = "DIR")]
    pub(super) directory: Option<PathBuf>,

    /// Exit with 5 whenever a comparison is inconclusive, also when nothing looks worse
    #[arg(long, value_enum, value_name = "inconclusive", hide_possible_values = true)]
    pub(super) fail_on: Option<FailOn>,
}

/// What is not accepted besides what is worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum FailOn {
    // No doc comment: it would make a page of the help of `run`.
    Inconclusive,
}

/// Baselines that were read.
#[derive(Debug, Default)]
pub(super) struct Against {
    held: Vec<(Baseline, Question)>,
    strict: bool,
}

impl Against {
    /// Reads the baselines that are asked for, and with `of_file` those that the file
    /// names, from the directory of the arguments or `beside`.
    ///
    /// # Errors
    /// When there is no such baseline, or it cannot be used.
    pub(super) fn find(args: &AgainstArgs, beside: &Path, plan: &Plan, of_file: bool) -> Result<Against, Complaint> {
        let directory = directory(args.directory.as_deref(), beside);
        let mut names = args.names.clone();
        let written = plan.baselines.iter().map(|baseline| &baseline.name);
        names.extend(written.filter(|_| of_file).cloned());
        let mut against = Against { held: Vec::new(), strict: args.fail_on.is_some() };
        for name in names {
            if !against.has(&name) {
                against.hold(plan, open(&directory, &name)?, &name);
            }
        }
        Ok(against)
    }

    /// Reads the baselines that are asked for, and those that the file of a stored run
    /// names, from the directory of the arguments or the one here. What the file names
    /// is left out with a note when it is not there, or when the run is one of its own.
    ///
    /// # Errors
    /// When there is no baseline that is asked for, or one cannot be used.
    pub(super) fn again(args: &AgainstArgs, results: &Results) -> Result<Against, Complaint> {
        let beside = Path::new("");
        let mut against = Against::find(args, beside, &results.plan, false)?;
        let directory = directory(args.directory.as_deref(), beside);
        // Rehearsals leave baselines out.
        let written = results.plan.baselines.iter().filter(|_| !results.rehearsed());
        for name in written.map(|baseline| &baseline.name) {
            if against.has(name) {
                continue;
            }
            let path = path_of(&directory, name)?;
            if !path.exists() {
                terminal::note(&format!(
                    "baseline {name} was left out: no `{}`; name its directory with --baselines\n",
                    path.display()
                ));
                continue;
            }
            let baseline = open(&directory, name)?;
            if baseline.runs.iter().any(|run| is_same(run, results)) {
                terminal::note(&format!("baseline {name} was left out: the run is one of its own\n"));
                continue;
            }
            against.hold(&results.plan, baseline, name);
        }
        Ok(against)
    }

    fn has(&self, name: &str) -> bool {
        self.held.iter().any(|(_, question)| question.baseline.as_deref() == Some(name))
    }

    fn hold(&mut self, plan: &Plan, baseline: Baseline, name: &str) {
        self.held.push((baseline, question(plan, name)));
    }

    /// Compares a run, and takes what comes out into its verdict.
    pub(super) fn judge(&self, results: &Results, verdict: &mut Verdict) {
        for (baseline, question) in &self.held {
            let comparison = compare(&baseline.runs, std::slice::from_ref(results), question);
            verdict.take_in(comparison.with_spread(&baseline.runs), self.strict);
        }
    }
}

/// What a baseline of this name is to show: what the file says, or else the standard.
pub(super) fn question(plan: &Plan, name: &str) -> Question {
    let question = match plan.baselines.iter().find(|baseline| baseline.name == name) {
        Some(written) => Question::written(written),
        None => Question::standard(plan),
    };
    Question { baseline: Some(name.to_owned()), ..question }
}

/// The directory of baselines.
pub(super) fn directory(given: Option<&Path>, beside: &Path) -> PathBuf {
    given.map_or_else(|| beside.join(DIRECTORY), Path::to_owned)
}

/// Where a baseline is kept.
///
/// # Errors
/// When the name cannot be that of a file.
pub(super) fn path_of(directory: &Path, name: &str) -> Result<PathBuf, Complaint> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if name.is_empty() || name.starts_with('.') || !name.chars().all(fits) {
        return Err(Complaint::usage(format!("`{name}` cannot be the name of a baseline"))
            .help("use letters, digits, `_`, `-` and `.`, such as `nightly`"));
    }
    Ok(directory.join(format!("{name}.json")))
}

/// Reads a baseline. Where there is none, the help says how to make one for the
/// directory.
///
/// # Errors
/// When there is none, or it cannot be used.
pub(super) fn open(directory: &Path, name: &str) -> Result<Baseline, Complaint> {
    let path = path_of(directory, name)?;
    let place = match directory == Path::new(DIRECTORY) {
        true => String::new(),
        false => format!(" --baselines {}", directory.display()),
    };
    let text = fs::read_to_string(&path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Complaint::usage(format!(
            "there is no baseline `{name}`: `{}` does not exist",
            path.display()
        ))
        .help(format!(
            "make it of some runs: `mcpl run FILE --no-baseline --out run.json` a few times, then `mcpl baseline \
                 save {name}{place} run.json …`"
        )),
        _ => Complaint::usage(format!("cannot read `{}`: {}", path.display(), plain(&error))),
    })?;
    read(&path, &text)
}

/// Reads the text of a baseline.
///
/// # Errors
/// When it cannot be used.
pub(super) fn read(path: &Path, text: &str) -> Result<Baseline, Complaint> {
    Baseline::from_json(text).map_err(|error| {
        Complaint::usage(format!("`{}` is a baseline that cannot be used: {error}", path.display()))
            .help("take it from version control again, or make it anew with `mcpl baseline save NAME RUN… --force`")
    })
}
