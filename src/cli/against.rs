//! Baselines that a run is held against: finding their files, and comparing.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::complaint::Complaint;
use super::output::plain;
use crate::plan::Plan;
use crate::results::{Baseline, Results};
use crate::verdict::Verdict;
use crate::verdict::compare::{Question, compare};

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
    /// A comparison that decides nothing
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
            if against.held.iter().any(|(baseline, _)| baseline.name == name) {
                continue;
            }
            let baseline = open(&directory, &name)?;
            let question = question(plan, &baseline.name);
            against.held.push((baseline, question));
        }
        Ok(against)
    }

    /// Compares a run, and takes what comes out into its verdict.
    pub(super) fn judge(&self, results: &Results, verdict: &mut Verdict) {
        for (baseline, question) in &self.held {
            let mut comparison = compare(&baseline.runs, std::slice::from_ref(results), question);
            comparison.baseline = Some(baseline.name.clone());
            verdict.take_in(comparison, self.strict);
        }
    }
}

/// What a baseline of this name is to show: what the file says, or else the standard.
pub(super) fn question(plan: &Plan, name: &str) -> Question {
    match plan.baselines.iter().find(|baseline| baseline.name == name) {
        Some(written) => Question::written(written),
        None => Question::standard(plan),
    }
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

/// Reads a baseline.
///
/// # Errors
/// When there is none, or it cannot be used.
pub(super) fn open(directory: &Path, name: &str) -> Result<Baseline, Complaint> {
    let path = path_of(directory, name)?;
    let text = fs::read_to_string(&path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Complaint::usage(format!(
            "there is no baseline `{name}`: `{}` does not exist",
            path.display()
        ))
        .help(format!(
            "make it of some runs: `mcpl run FILE --no-baseline --out run.json` a few times, then `mcpl baseline \
                 save {name} run.json …`"
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
