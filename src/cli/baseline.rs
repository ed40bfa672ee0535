//! `mcpl baseline`: the runs that others are held against, as files to commit.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::complaint::Complaint;
use super::output::{self, plain};
use super::{Done, against, exit, runs, terminal};
use crate::diag::suggest::nearest;
use crate::results::{Baseline, Results};
use crate::units::Quantity;
use crate::verdict::compare::{figures, unlike, unusable};

#[derive(Debug, Args)]
pub(super) struct BaselineArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a baseline of stored runs; five or more make a good one
    Save(SaveArgs),
    /// List the baselines
    List(WhereArgs),
    /// Show the runs of a baseline and their figures
    Show(NamedArgs),
    /// Remove a baseline
    Remove(NamedArgs),
}

#[derive(Debug, Args)]
struct SaveArgs {
    /// Its name
    name: String,

    /// Results of runs of one load on one machine, as written by `mcpl run --out`
    #[arg(required = true)]
    runs: Vec<PathBuf>,

    #[command(flatten)]
    place: WhereArgs,

    /// Add the runs to those that the baseline has
    #[arg(long)]
    append: bool,

    /// Replace a baseline that exists, and take runs that were rehearsed
    #[arg(long)]
    force: bool,
}

#[derive(Debug, Args)]
struct NamedArgs {
    /// Its name
    name: String,

    #[command(flatten)]
    place: WhereArgs,
}

#[derive(Debug, Args)]
struct WhereArgs {
    /// The scenario file beside which the baselines are, in `baselines`
    #[arg(long, value_name = "SCENARIO", conflicts_with = "directory")]
    file: Option<PathBuf>,

    /// Directory of the baselines [default: `baselines`]
    #[arg(long = "baselines", value_name = "DIR")]
    directory: Option<PathBuf>,
}

impl WhereArgs {
    fn directory(&self) -> PathBuf {
        let beside = self.file.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
        against::directory(self.directory.as_deref(), beside)
    }
}

/// Does what is asked with baselines.
pub(super) fn run(args: &BaselineArgs) -> Done {
    match &args.action {
        Action::Save(args) => save(args),
        Action::List(place) => list(&place.directory()),
        Action::Show(args) => show(args),
        Action::Remove(args) => remove(args),
    }
}

fn save(args: &SaveArgs) -> Done {
    let directory = args.place.directory();
    let path = against::path_of(&directory, &args.name)?;
    let exists = path.exists();
    let mut runs = match (exists, args.append) {
        (_, true) => against::open(&directory, &args.name)?.runs,
        (true, false) if !args.force => {
            return Err(Complaint::usage(format!("there is a baseline `{}` already", args.name))
                .help("add the runs to it with `--append`, or replace it with `--force`"));
        }
        _ => Vec::new(),
    };
    for file in &args.runs {
        let run = runs::load(file)?;
        fits(&runs, &run, file, args.force)?;
        runs.push(run);
    }
    fs::create_dir_all(&directory).map_err(|error| {
        Complaint::usage(format!("cannot make the directory `{}`: {}", directory.display(), plain(&error)))
    })?;
    let count = runs.len();
    output::write(&path, &Baseline::new(args.name.clone(), &runs).to_json())
        .map_err(|error| Complaint::usage(format!("cannot write `{}`: {}", path.display(), plain(&error))))?;
    terminal::print(&format!("{}: {} in `{}`\n", args.name, counted(count), path.display()))?;
    if count < 3 {
        terminal::note("a new run is judged against 3 runs or more: add some with `--append`\n");
    }
    Ok(exit::OK)
}

/// Whether a run may stand with the others.
fn fits(runs: &[Results], run: &Results, file: &Path, force: bool) -> Result<(), Complaint> {
    let refuse = |why: &str| Complaint::usage(format!("`{}` is no run for a baseline: {why}", file.display()));
    if let Some(why) = unusable(run) {
        return Err(refuse(&format!("it {why}")).help("give a run that came to its end as planned"));
    }
    if run.rehearsed() && !force {
        return Err(refuse("it was rehearsed without a server")
            .help("give a run against a server, or take it all the same with `--force`"));
    }
    if let Some(first) = runs.first().and_then(|first| unlike(first, run).into_iter().next()) {
        return Err(refuse(&format!("it cannot be compared with the others: {first}"))
            .help("make a baseline of its own of it, under another name"));
    }
    if runs.iter().any(|other| (&other.run.id, other.plan.seed) == (&run.run.id, run.plan.seed)) {
        return Err(refuse(&format!("run {} is in it already", run.run.id)).help("give each run once"));
    }
    Ok(())
}

fn counted(runs: usize) -> String {
    if runs == 1 { "1 run".to_owned() } else { format!("{runs} runs") }
}

/// The names of the baselines in a directory, in order.
fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().filter_map(Result::ok);
    let files = entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|end| end == "json"));
    let mut names: Vec<String> =
        files.filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned())).collect();
    names.sort();
    names
}

fn list(directory: &Path) -> Done {
    let names = names(directory);
    if names.is_empty() {
        terminal::note(&format!("`{}` has no baselines\n", directory.display()));
    }
    let width = names.iter().map(String::len).max().unwrap_or(0);
    for name in &names {
        let line = match against::open(directory, name) {
            Ok(baseline) => {
                let first = baseline.runs.first();
                let scenario = first.map(|run| run.plan.name.clone()).unwrap_or_default();
                let newest = baseline.runs.iter().map(|run| run.run.started.as_str()).max().unwrap_or_default();
                format!(
                    "{} of {}, the newest of {newest}",
                    counted(baseline.runs.len()),
                    terminal::printable(&scenario)
                )
            }
            Err(complaint) => complaint.message,
        };
        terminal::print(&format!("{name:width$}  {line}\n"))?;
    }
    Ok(exit::OK)
}

/// Reads a baseline, and says which there are when it is not there.
fn existing(args: &NamedArgs) -> Result<Baseline, Complaint> {
    let directory = args.place.directory();
    if !against::path_of(&directory, &args.name)?.exists()
        && let names = names(&directory)
        && let Some(near) = nearest(&args.name, names.iter().map(String::as_str))
    {
        return Err(Complaint::usage(format!("there is no baseline `{}`", args.name)).help(format!("write `{near}`")));
    }
    against::open(&directory, &args.name)
}

fn show(args: &NamedArgs) -> Done {
    let baseline = existing(args)?;
    let mut text = format!("{}: {}\n\n", baseline.name, counted(baseline.runs.len()));
    if let Some(first) = baseline.runs.first() {
        for server in &first.servers {
            let name = format!("{} {}", server.server_name, server.server_version);
            text.push_str(&format!(
                "  server   {}, {} over {}\n",
                terminal::printable(name.trim()),
                server.revision,
                server.transport
            ));
        }
        let machine = &first.environment;
        text.push_str(&format!("  machine  {} × {}\n", machine.cores, terminal::printable(&machine.cpu)));
    }
    for run in &baseline.runs {
        let (id, started) = (terminal::printable(&run.run.id), terminal::printable(&run.run.started));
        text.push_str(&format!("  run      {started}  {id}\n"));
    }
    text.push('\n');
    for figure in figures(&baseline.runs) {
        let each = figure.values.iter().map(|value| {
            value.map_or_else(|| "n/a".to_owned(), |value| Quantity::new(value, figure.dimension).to_string())
        });
        text.push_str(&format!(
            "  {:<14}{}\n",
            figure.source,
            each.map(|value| format!("{value:>10}")).collect::<String>()
        ));
    }
    terminal::print(&text)?;
    Ok(exit::OK)
}

fn remove(args: &NamedArgs) -> Done {
    let path = against::path_of(&args.place.directory(), &args.name)?;
    if !path.exists() {
        existing(args)?;
    }
    fs::remove_file(&path)
        .map_err(|error| Complaint::usage(format!("cannot remove `{}`: {}", path.display(), plain(&error))))?;
    terminal::print(&format!("removed `{}`\n", path.display()))?;
    Ok(exit::OK)
}
