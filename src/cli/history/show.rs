//! `mcpl history list` and `mcpl history show`

use std::fmt::Write as _;

use super::super::complaint::Complaint;
use super::super::runs::find;
use super::super::terminal::{self, printable};
use super::{HistoryArgs, ListArgs, ShowArgs, unusable};
use crate::store::{Entry, Filter, Tags};
use crate::units;

/// Hexadecimal digits of a commit that tell it apart in a list.
const COMMIT_SHOWN: usize = 12;

/// Lists runs.
pub(super) fn list(args: &HistoryArgs, list: &ListArgs) -> Result<(), Complaint> {
    let (history, path) = args.open()?;
    let limit = (list.limit > 0).then_some(list.limit);
    let filter = Filter { name: list.name.clone(), limit, ..Filter::default() };
    let runs = history.list(&filter).map_err(|error| unusable(&path, &error))?;
    if list.json {
        return terminal::print(&json(&runs));
    }
    if runs.is_empty() {
        let of = list.name.as_ref().map_or_else(String::new, |name| format!(" of `{}`", printable(name)));
        terminal::note(&format!("the history `{}` has no runs{of}\n", path.display()));
        return Ok(());
    }
    terminal::print(&table(&runs))
}

fn table(runs: &[Entry]) -> String {
    let head = ["RUN", "STARTED", "SCENARIO", "OUTCOME", "REQUESTS", "FAILED", "P95", "TAGS"].map(str::to_owned);
    let rows = runs.iter().map(|run| {
        [
            printable(&run.id),
            when(&run.started),
            printable(&run.name),
            printable(&run.outcome),
            run.requests.to_string(),
            failed(run),
            p95(run),
            short(&run.tags),
        ]
    });
    let rows: Vec<[String; 8]> = std::iter::once(head).chain(rows).collect();
    let mut widths = [0; 8];
    for row in &rows {
        widths.iter_mut().zip(row).for_each(|(width, cell)| *width = (*width).max(cell.chars().count()));
    }
    let mut text = String::new();
    for row in &rows {
        let cells = row.iter().zip(widths).enumerate().map(|(column, (cell, width))| match column {
            // Figures stand below one another.
            4..=6 => format!("{cell:>width$}"),
            _ => format!("{cell:<width$}"),
        });
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// Tells what is known of a run.
pub(super) fn show(args: &HistoryArgs, show: &ShowArgs) -> Result<(), Complaint> {
    let (history, path) = args.open()?;
    let run = find(&history, &path, &show.run)?;
    if show.json { terminal::print(&json(&run)) } else { terminal::print(&details(&run)) }
}

fn details(run: &Entry) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        // Text is written without fail.
        let _ = writeln!(text, "{name:<10}{}", printable(value));
    };
    line("run", &run.id);
    line("scenario", &run.name);
    line("started", &when(&run.started));
    let ended = serde_json::to_value(run.ended).ok();
    let ended = ended.as_ref().and_then(|ended| ended.as_str()).unwrap_or_default().to_owned();
    line("outcome", &if ended == "completed" { run.outcome.clone() } else { format!("{} ({ended})", run.outcome) });
    line("load", &units::duration(run.seconds * 1e9));
    line("requests", &format!("{}, failed {}", run.requests, failed(run)));
    line("p95", &p95(run));
    for server in &run.servers {
        let version = format!("{} {}", server.server_name, server.server_version);
        let shown = format!("{}: {} ({} over {})", server.name, version.trim(), server.revision, server.transport);
        line("server", &shown);
    }
    line("machine", &run.machine);
    line("mcpl", &run.tool);
    line("load hash", &run.load_hash);
    line("plan hash", &run.plan_hash);
    for (key, value) in &run.tags {
        line("tag", &format!("{key}={value}"));
    }
    line("kept", if run.detailed { "every second" } else { "the sum of its seconds" });
    text
}

/// A word for so many runs.
pub(super) fn runs(count: usize) -> String {
    if count == 1 { "1 run".to_owned() } else { format!("{count} runs") }
}

/// All tags in one line.
pub(super) fn tags(tags: &Tags) -> String {
    if tags.is_empty() {
        return "no tags".to_owned();
    }
    printable(&tags.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(" "))
}

/// The same for a list, in which a hash need not be whole.
fn short(of: &Tags) -> String {
    let cut = |value: &String| match value.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        true => value.chars().take(COMMIT_SHOWN).collect(),
        false => value.clone(),
    };
    printable(&of.iter().map(|(key, value)| format!("{key}={}", cut(value))).collect::<Vec<_>>().join(" "))
}

/// `2026-11-23 10:00:00` in UTC
fn when(started: &str) -> String {
    printable(&started.replacen('T', " ", 1)).trim_end_matches('Z').to_owned()
}

fn p95(run: &Entry) -> String {
    run.p95_ns.map_or_else(|| "–".to_owned(), units::duration)
}

#[expect(clippy::cast_precision_loss, reason = "for people")]
fn failed(run: &Entry) -> String {
    if run.requests == 0 { "–".to_owned() } else { units::percent(run.failed as f64 / run.requests as f64) }
}

/// Plain data with text keys, which serde_json can write.
fn json(value: &impl serde::Serialize) -> String {
    let mut text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.push('\n');
    text
}
