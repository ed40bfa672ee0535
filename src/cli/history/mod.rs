//! `mcpl history`, and keeping runs in it.

mod keep;
mod place;
mod prune;
mod show;
mod tags;
mod transfer;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::complaint::Complaint;
use super::{Done, exit, runs, terminal};
use crate::store::{History, Tags};

pub(super) use keep::{COMMIT, keep, tags_of};
pub(super) use place::{for_reports, for_runs, looking, open, unusable};
pub(super) use tags::{Tag, tag};

#[derive(Debug, Args)]
pub(super) struct HistoryArgs {
    #[command(subcommand)]
    command: Command,

    /// The file of the history [default: MCPL_HISTORY, or `.mcpl/history.db` in this directory
    /// or the nearest above it]
    #[arg(long, value_name = "FILE", global = true)]
    history: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List runs, the last first
    List(ListArgs),
    /// Tell what is known of a run
    Show(ShowArgs),
    /// Give a run tags, or take them away
    Tag(TagArgs),
    /// Remove runs
    Remove(RemoveArgs),
    /// Write runs as JSON lines, which `import` reads
    Export(ExportArgs),
    /// Add runs: results files, journals of runs that were cut off, and exports
    Import(ImportArgs),
    /// Remove old runs, or their single seconds
    Prune(PruneArgs),
}

#[derive(Debug, Args)]
struct ListArgs {
    /// Only runs of the scenario with this name
    #[arg(long, value_name = "NAME")]
    name: Option<String>,

    /// At most so many; 0 is all
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct ShowArgs {
    /// An id, the beginning of one, `latest`, or `latest~2` for the second before it
    run: String,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct TagArgs {
    /// An id, the beginning of one, `latest`, or `latest~2` for the second before it
    run: String,

    /// What to say of it
    #[arg(value_name = "KEY=VALUE", value_parser = tag, required_unless_present = "remove")]
    tags: Vec<Tag>,

    /// Take a tag away; may be repeated
    #[arg(long, value_name = "KEY")]
    remove: Vec<String>,
}

#[derive(Debug, Args)]
struct RemoveArgs {
    /// Ids, beginnings of some, `latest`, or `latest~2` for the second before it
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<String>,
}

#[derive(Debug, Args)]
struct ExportArgs {
    /// Which runs; all when none is named
    #[arg(value_name = "RUN")]
    runs: Vec<String>,

    /// Write to a file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct ImportArgs {
    /// What `mcpl run --out` or `mcpl history export` wrote, or a journal
    #[arg(required = true)]
    files: Vec<PathBuf>,

    /// Tag the runs; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = tag)]
    tag: Vec<Tag>,
}

#[derive(Debug, Args)]
// A group that is derived has all arguments, and `--details-only` is no choice of runs.
#[group(skip)]
#[command(group = clap::ArgGroup::new("which").args(["keep", "older_than"]).required(true).multiple(true))]
struct PruneArgs {
    /// Keep the last N runs of each scenario
    #[arg(long, value_name = "N")]
    keep: Option<usize>,

    /// Keep runs that are younger, such as 90d or 12h
    #[arg(long, value_name = "AGE", value_parser = prune::age)]
    older_than: Option<std::time::Duration>,

    /// Remove only the single seconds of these runs: any figure of a whole run stays
    #[arg(long)]
    details_only: bool,
}

/// Does what is asked with the history.
pub(super) fn run(args: &HistoryArgs) -> Done {
    match &args.command {
        Command::List(list) => show::list(args, list)?,
        Command::Show(what) => show::show(args, what)?,
        Command::Tag(what) => {
            let (mut history, path) = args.open()?;
            let entry = runs::find(&history, &path, &what.run)?;
            let missing = what.remove.iter().find(|key| !entry.tags.contains_key(*key));
            if let Some(key) = missing {
                return Err(Complaint::usage(format!("the run {} has no tag `{key}`", entry.id)));
            }
            let change = |tags: &mut Tags| {
                what.remove.iter().for_each(|key| drop(tags.remove(key)));
                tags.extend(what.tags.iter().map(|tag| (tag.key.clone(), tag.value.clone())));
            };
            let tags = history.tag(&entry.id, change).map_err(|error| unusable(&path, &error))?;
            terminal::print(&format!("{}: {}\n", terminal::printable(&entry.id), show::tags(&tags)))?;
        }
        Command::Remove(what) => {
            let (mut history, path) = args.open()?;
            // All are found before one is removed.
            let ids = what.runs.iter().map(|run| Ok(runs::find(&history, &path, run)?.id));
            let ids = ids.collect::<Result<Vec<_>, Complaint>>()?;
            let removed = history.remove(ids.iter().map(String::as_str)).map_err(|error| unusable(&path, &error))?;
            terminal::print(&format!("removed {}\n", show::runs(removed)))?;
        }
        Command::Export(what) => transfer::export(args, what)?,
        Command::Import(what) => transfer::import(args, what)?,
        Command::Prune(what) => prune::prune(args, what)?,
    }
    Ok(exit::OK)
}

impl HistoryArgs {
    /// Opens the history that is meant.
    fn open(&self) -> Result<(History, PathBuf), Complaint> {
        open(self.history.as_deref())
    }
}
