//! Findings as sentences.

use super::{Finding, History, Kind, Series};
use crate::stats;
use crate::units::{Dimension, Quantity, percent};

/// Characters of a commit that people read.
const COMMIT: usize = 7;

/// A finding in one sentence, without a full stop.
pub(super) fn finding(series: &Series, finding: &Finding) -> String {
    let metric = &series.metric;
    let rises = finding.after > finding.before;
    let by = change(series, finding);
    let run = run(finding);
    let mut text = match finding.kind {
        Kind::Change => {
            let verb = if rises { "rose" } else { "fell" };
            // At least three runs are on each level.
            if finding.stands {
                format!("`{metric}` {verb} {by} at {run}, confirmed by {} runs since", finding.since)
            } else {
                format!("`{metric}` {verb} {by} at {run}, which lasted {} runs", finding.since + 1)
            }
        }
        Kind::Suspected => {
            let verb = if rises { "risen" } else { "fallen" };
            let missing = stats::LEAST.saturating_sub(finding.since + 1);
            let more =
                if missing == 1 { "another run confirms".to_owned() } else { format!("{missing} more runs confirm") };
            format!("`{metric}` seems to have {verb} {by} at {run}: suspected until {more} it")
        }
        Kind::Drift => {
            let verb = if rises { "rises" } else { "falls" };
            format!("`{metric}` {verb} slowly, {by} over {} runs since {run}, without a step", finding.since + 1)
        }
    };
    if let Some(triage) = &finding.triage {
        let until = triage.until.as_ref().map_or_else(String::new, |until| format!(" until {until}"));
        text.push_str(&format!("; {}{until}: {}", triage.state.done(), triage.reason));
    }
    text
}

/// How much: `by 8.2% (20.1ms → 21.7ms)`, and for what has no ratio `from 0% to 2%`.
fn change(series: &Series, finding: &Finding) -> String {
    let show = |value: f64| Quantity::new(value, series.dimension).to_string();
    let (before, after) = (show(finding.before), show(finding.after));
    if series.dimension == Dimension::Share || finding.before <= 0.0 {
        return format!("from {before} to {after}");
    }
    let share = (finding.after / finding.before - 1.0).abs();
    format!("by {} ({before} → {after})", percent((share * 1e3).round() / 1e3))
}

/// `run 6924 (commit 1f3a9c2, 2026-11-20)`
fn run(finding: &Finding) -> String {
    let day = finding.started.split('T').next().unwrap_or_default();
    match &finding.commit {
        Some(commit) => {
            let commit: String = commit.chars().take(COMMIT).collect();
            format!("run {} (commit {commit}, {day})", finding.run)
        }
        None => format!("run {} ({day})", finding.run),
    }
}

/// Which runs of a scenario are not among those that are looked at.
pub(super) fn left_out(history: &History) -> Option<String> {
    let reasons = history.left_out.join(", ");
    (!reasons.is_empty()).then(|| format!("of the runs of `{}` some are left out: {reasons}", history.scenario))
}

/// From which runs on a scenario is on another class of machine.
pub(super) fn moved(history: &History) -> Vec<String> {
    let mut known: Vec<&str> = Vec::new();
    let mut notes = Vec::new();
    for run in &history.runs {
        if known.contains(&run.machine.as_str()) {
            continue;
        }
        if let Some(before) = known.last() {
            let (scenario, id, machine) = (&history.scenario, &run.id, &run.machine);
            notes.push(format!(
                "from run {id} on there are runs of `{scenario}` on another class of machine ({machine}; before: \
                 {before}): they are compared with one another only"
            ));
        }
        known.push(&run.machine);
    }
    notes
}

/// That a scenario has too few runs for anything to be seen.
pub(super) fn too_short(history: &History) -> Option<String> {
    let least = 2 * stats::LEAST;
    let on = |machine: &str| history.runs.iter().filter(|run| run.machine == machine).count();
    let most = history.runs.iter().map(|run| on(&run.machine)).max().unwrap_or(0);
    (most < least).then(|| {
        let runs = if most == 1 { "1 run".to_owned() } else { format!("{most} runs") };
        let scenario = &history.scenario;
        format!("`{scenario}` has {runs} of one load on one class of machine: a change needs {least}, and 20 show most")
    })
}

/// Which metrics have no value in some of the runs.
pub(super) fn without_values(history: &History) -> Vec<String> {
    let metrics = history.metrics.iter().enumerate().map(|(index, metric)| {
        let has = |run: &&super::Run| run.values.get(index).copied().flatten().is_some();
        (&metric.source, history.runs.iter().filter(has).count())
    });
    let all = history.runs.len();
    let scenario = &history.scenario;
    metrics
        .filter(|(_, with)| *with < all)
        .map(|(metric, with)| {
            format!("`{metric}` of `{scenario}` has a value in {with} of {all} runs: the others are too short for it")
        })
        .collect()
}
