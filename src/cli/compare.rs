//! `mcpl compare`: stored runs against others.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::complaint::Complaint;
use super::duel::DuelArgs;
use super::{Done, against, duel, runs, terminal};
use crate::report::{self, Format, Style};
use crate::results::{Baseline, Results};
use crate::verdict::compare::{Comparison, Pairing, Question, compare};

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

    /// How the comparison is printed
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: CompareFormat,

    #[command(flatten)]
    duel: DuelArgs,
}

/// How a comparison is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum CompareFormat {
    /// For a terminal
    #[default]
    Text,
    /// For a pull request or a job summary
    Markdown,
    /// For programs
    Json,
}

/// Compares stored runs; the exit code says what came out.
pub(super) fn run(args: &CompareArgs) -> Done {
    if args.duel.is_asked() {
        let [file] = args.runs.as_slice() else {
            let count = args.runs.len();
            return Err(Complaint::usage(format!("both sides run one scenario file, and {count} are named"))
                .help("write `mcpl compare --a TARGET --b TARGET FILE`"));
        };
        return duel::run(&args.duel, Path::new(file), args.format, args.force);
    }
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
    terminal::print(&render(&comparison, args.format)?)?;
    Ok(comparison.outcome.exit_code())
}

/// A comparison as it is printed.
pub(super) fn render(comparison: &Comparison, format: CompareFormat) -> Result<String, Complaint> {
    let format = match format {
        CompareFormat::Json => {
            // Plain data with text keys, which serde_json can write.
            return Ok(serde_json::to_string_pretty(comparison).unwrap_or_default() + "\n");
        }
        CompareFormat::Markdown => Format::Markdown,
        CompareFormat::Text => Format::Text,
    };
    let style = Style { color: format == Format::Text && terminal::stdout_color() };
    report::render_comparison(comparison, format, style).map_err(|error| Complaint::usage(error.to_string()))
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
