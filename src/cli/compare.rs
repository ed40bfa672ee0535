//! `mcpl compare`: stored runs against others.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;

use super::complaint::Complaint;
use super::duel::DuelArgs;
use super::form::{Form, FormArgs};
use super::kept::Kept;
use super::{Done, against, duel, exit, runs, terminal};
use crate::report::{ComparisonReport, Format, Style};
use crate::results::{Baseline, Results};
use crate::verdict::compare::{Pairing, Question, compare};

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("turns").multiple(true))]
pub(super) struct CompareArgs {
    /// An old run and a new one: results of `mcpl run --out`, or baselines; with `--baseline`, the
    /// new runs; with `--a`, `--b` or `--runs`, the scenario file
    #[arg(value_name = "OLD NEW")]
    runs: Vec<String>,

    /// A run of the old side; may be repeated
    #[arg(long, value_name = "RUN", requires = "new", conflicts_with_all = ["runs", "baseline", "turns"])]
    old: Vec<String>,

    /// A run of the new side; may be repeated
    #[arg(long, value_name = "RUN", requires = "old")]
    new: Vec<String>,

    /// The old side is a baseline, by the margins that the file of the runs has for it
    #[arg(long, value_name = "NAME", conflicts_with = "turns")]
    baseline: Option<String>,

    /// Directory of the baselines [default: `baselines`]
    #[arg(long = "baselines", value_name = "DIR")]
    directory: Option<PathBuf>,

    /// The first old run was made together with the first new one, and so on
    #[arg(long, conflicts_with = "turns")]
    paired: bool,

    /// Compare runs of different loads, machines or protocols all the same
    #[arg(long)]
    force: bool,

    #[command(flatten)]
    form: FormArgs,

    /// Write a report on the comparison: html, markdown, junit, text, csv, json, or the path of a
    /// template of your own; may be repeated
    #[arg(long, value_name = "FORMAT=FILE")]
    report: Vec<String>,

    #[command(flatten)]
    duel: DuelArgs,
}

/// Compares stored runs; the exit code says what came out.
pub(super) fn run(args: &CompareArgs) -> Done {
    let form = args.form.read()?;
    let kept = Kept::asked(args.duel.out.as_deref(), &args.report)?;
    if args.duel.is_asked() {
        let [file] = args.runs.as_slice() else {
            let count = args.runs.len();
            return Err(Complaint::usage(format!("both sides run one scenario file, and {count} are named"))
                .help("write `mcpl compare --a TARGET --b TARGET FILE`"));
        };
        return duel::run(&args.duel, &kept, Path::new(file), &form, args.force);
    }
    let named = args.runs.iter().chain(&args.old).chain(&args.new);
    kept.prepare(&named.map(Path::new).collect::<Vec<_>>())?;
    let directory = against::directory(args.directory.as_deref(), Path::new(""));
    let all = |specs: &[String]| -> Result<Vec<Results>, Complaint> {
        let sides: Vec<Vec<Results>> = specs.iter().map(|spec| side(spec, &directory)).collect::<Result<_, _>>()?;
        Ok(sides.into_iter().flatten().collect())
    };
    let (old, new) = match (&args.baseline, args.runs.as_slice()) {
        (Some(_), []) => {
            return Err(
                Complaint::usage("there is no new run").help("name one or more: `mcpl compare --baseline NAME RUN…`")
            );
        }
        (Some(name), runs) => (against::open(&directory, name)?.runs, all(runs)?),
        (None, [old, new]) => (side(old, &directory)?, side(new, &directory)?),
        (None, []) if !args.old.is_empty() => (all(&args.old)?, all(&args.new)?),
        (None, runs) => {
            let count = runs.len();
            return Err(Complaint::usage(format!("two runs are compared, and {count} are named")).help(
                "write `mcpl compare OLD NEW`, or `--old RUN --old RUN --new RUN --new RUN` for several of each side; \
                 `--a TARGET --b TARGET` makes the runs",
            ));
        }
    };
    let plan = new.first().map(|run| &run.plan);
    let mut question = match (plan, &args.baseline) {
        (Some(plan), Some(name)) => against::question(plan, name),
        (Some(plan), None) => Question::standard(plan),
        (None, _) => return Err(Complaint::usage("there is no new run").help("name one")),
    };
    question.force = args.force;
    if args.paired {
        question.pairing = Pairing::Paired;
    }
    let comparison = compare(&old, &new, &question);
    let code = comparison.outcome.exit_code();
    let report = ComparisonReport::new(&comparison, &old, &new, code);
    let unwritten = conclude(&kept, &report, &form);
    unwritten.iter().for_each(terminal::complain);
    Ok(if code == exit::OK && !unwritten.is_empty() { exit::USAGE } else { code })
}

/// Writes what was asked for about a comparison, and prints it. What comes to nothing
/// becomes a complaint.
pub(super) fn conclude(kept: &Kept, report: &ComparisonReport, form: &Form) -> Vec<Complaint> {
    // What is printed may get nowhere, which must not take the files with it.
    let mut unwritten = kept.comparison(report);
    let color = terminal::stdout_color();
    let style = Style { color };
    let text = render(report, form, style).or_else(|complaint| {
        unwritten.push(complaint);
        // What was measured is told in any case.
        render(report, &Form::BuiltIn(Format::Text), style)
    });
    unwritten.extend(text.and_then(|text| terminal::print(&text)).err());
    unwritten
}

/// A comparison as text.
///
/// # Errors
/// When a template of the user's own has a mistake.
pub(super) fn render(report: &ComparisonReport, form: &Form, style: Style) -> Result<String, Complaint> {
    let rendered = match form {
        Form::BuiltIn(format) => report.render(*format, style),
        Form::Own(template) => report.render_template(template),
    };
    rendered.map_err(|error| Complaint::usage(error.to_string()))
}

/// The runs of one name: a file of results or of a baseline, or a baseline's name.
fn side(spec: &str, directory: &Path) -> Result<Vec<Results>, Complaint> {
    let path = Path::new(spec);
    if !path.exists() && against::path_of(directory, spec).is_ok_and(|path| path.exists()) {
        return Ok(against::open(directory, spec)?.runs);
    }
    match fs::read_to_string(path) {
        Ok(text) if Baseline::is_one(&text) => Ok(against::read(path, &text)?.runs),
        _ => Ok(vec![runs::load(path)?]),
    }
}
