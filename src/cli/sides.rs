//! The two sides of a comparison that are run in turns: one file, compiled twice.

use std::path::Path;

use super::check;
use super::complaint::Complaint;
use super::duel::DuelArgs;
use super::files::Disk;
use super::load::{self, Loaded};
use super::{output, terminal};
use crate::plan::{Endpoint, Load, Plan};
use crate::text::Source;
use crate::verdict::compare::{Change, differences};

/// One side.
pub(super) struct Side {
    /// `A` or `B`.
    pub(super) name: char,
    pub(super) loaded: Loaded,
    pub(super) plan: Plan,
    /// What the command line says of it.
    pub(super) told: String,
}

impl Side {
    /// A complaint that is about this side.
    pub(super) fn complain(&self, complaint: Complaint) -> Complaint {
        about(self.name, complaint)
    }
}

fn about(name: char, complaint: Complaint) -> Complaint {
    Complaint { message: format!("side {name}: {}", complaint.message), ..complaint }
}

/// Compiles a file for both sides; `None` after telling what is wrong in it.
///
/// # Errors
/// When an argument is wrong, or the two sides would not be the same load.
pub(super) fn sides(
    args: &DuelArgs,
    file: &Path,
    source: &Source,
    force: bool,
) -> Result<Option<[Side; 2]>, Complaint> {
    let base = load::compile(file, source, &args.compile(&[]), &Disk)?;
    check::report(&base);
    let Some(plan) = &base.lowered.plan else { return Ok(None) };
    let servers: Vec<&str> = plan.servers.iter().map(|server| server.name.as_str()).collect();
    let side = |name, targets, sets| side(args, file, source, &servers, (name, targets, sets));
    let (Some(a), Some(b)) = (side('A', &args.a, &args.set_a)?, side('B', &args.b, &args.set_b)?) else {
        return Ok(None);
    };
    for scenario in a.plan.scenarios.iter().chain(&b.plan.scenarios) {
        if matches!(scenario.load, Load::Seek(_)) {
            let message = format!("scenario `{}` searches for a limit: its load is another in each run", scenario.name);
            return Err(Complaint::usage(message).help("compare a load with fixed stages"));
        }
    }
    if !force && a.plan.load_hash() != b.plan.load_hash() {
        let what = differences(&a.plan, &b.plan).join("; ");
        return Err(Complaint {
            message: format!("the two sides are not the same load: {what}"),
            help: Some("give both the same load, or add `--force` to compare them all the same".to_owned()),
            code: Change::NotComparable.exit_code(),
        });
    }
    Ok(Some([a, b]))
}

fn side(
    args: &DuelArgs,
    file: &Path,
    source: &Source,
    servers: &[&str],
    (name, targets, sets): (char, &[String], &[String]),
) -> Result<Option<Side>, Complaint> {
    let option = name.to_ascii_lowercase();
    let placed: Vec<(String, String)> =
        targets.iter().map(|target| placed(option, target, servers)).collect::<Result<_, _>>()?;
    // What is said of overrides is about those of this side: the others were compiled before.
    let option = format!("--set-{option}");
    let loaded = load::compile_at(file, source, &args.compile(sets), &Disk, (&placed, &option))
        .map_err(|complaint| about(name, complaint))?;
    let told: Vec<&str> = targets.iter().chain(sets).map(String::as_str).collect();
    let told = if told.is_empty() { "as the file says".to_owned() } else { told.join(", ") };
    let Some(mut plan) = loaded.lowered.plan.clone() else {
        terminal::note(&format!("side {name}, {told}:\n"));
        check::report(&loaded);
        return Ok(None);
    };
    for server in &mut plan.servers {
        if placed.iter().any(|(name, _)| *name == server.name) {
            from_here(&mut server.endpoint).map_err(|complaint| about(name, complaint))?;
        }
    }
    Ok(Some(Side { name, loaded, plan, told }))
}

/// A program that the command line names by a relative path is found from the current
/// directory, whatever the directory in which it is started.
///
/// # Errors
/// When it is not there.
fn from_here(endpoint: &mut Endpoint) -> Result<(), Complaint> {
    let Endpoint::Stdio { command, .. } = endpoint else { return Ok(()) };
    let Some(program) = command.first_mut().filter(|program| program.contains('/') && !program.starts_with('/')) else {
        return Ok(());
    };
    let unknown = |error: std::io::Error| {
        Complaint::server(format!("the current directory cannot be found: {}", output::plain(&error)))
    };
    let here = std::env::current_dir().map_err(unknown)?;
    let path = std::path::absolute(&program).map_err(unknown)?;
    if !path.exists() {
        return Err(Complaint::server(format!("there is no `{program}` in `{}`", here.display()))
            .help("name the program as it is found from the current directory"));
    }
    *program = path.to_string_lossy().into_owned();
    Ok(())
}

/// `TARGET` or `NAME=TARGET`, with the name of the server.
fn placed(option: char, text: &str, servers: &[&str]) -> Result<(String, String), Complaint> {
    let list = || servers.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    // No URL and no command with arguments begins with a name and `=`.
    let is_name = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
    };
    let named = text.split_once('=').filter(|(name, _)| is_name(name));
    match (named, servers) {
        (Some((name, _)), _) if !servers.contains(&name) => {
            Err(Complaint::usage(format!("`--{option} {text}`: the file has no server `{name}`"))
                .help(format!("name one that it has: {}", list())))
        }
        (Some((name, target)), _) => Ok((name.to_owned(), target.to_owned())),
        (None, [only]) => Ok(((*only).to_owned(), text.to_owned())),
        (None, servers) => {
            let first = servers.first().copied().unwrap_or("NAME");
            Err(Complaint::usage(format!("`--{option} {text}` may mean one of {} servers", servers.len()))
                .help(format!("name it: `--{option} \"{first}={text}\"`; the file has {}", list())))
        }
    }
}
