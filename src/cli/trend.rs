//! `mcpl trend`: since when metrics are what they are, over the runs of the history.

use std::path::{Path, PathBuf};

use clap::Args;

use super::complaint::Complaint;
use super::form::{Form, FormArgs};
use super::history::{COMMIT, open, unusable};
use super::{Done, exit, output, runs, terminal, triage};
use crate::diag::render;
use crate::diag::suggest::nearest;
use crate::model;
use crate::plan::{MetricRef, Plan};
use crate::report::{Style, TrendReport};
use crate::results::Results;
use crate::store;
use crate::text::Source;
use crate::verdict::trend::{Handling, History, Run, Trend, Triage, trend};
use crate::verdict::{self, Outcome};

#[derive(Debug, Args)]
pub(super) struct TrendArgs {
    /// Metrics as in files, such as `latency.p95` or `search.errors.rate`
    /// [default: latency at p50, p95 and p99, errors.rate, throughput]
    #[arg(value_name = "METRIC")]
    metrics: Vec<String>,

    /// Runs of the scenario file with this name only [default: of each in the history]
    #[arg(long, value_name = "SCENARIO")]
    name: Option<String>,

    /// So many of the newest runs of each scenario
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(2..=2000))]
    last: u32,

    /// The file of the history [default: MCPL_HISTORY, or `.mcpl/history.db` in this directory
    /// or the nearest above it]
    #[arg(long, value_name = "FILE")]
    history: Option<PathBuf>,

    /// Take these results files, and no history
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with = "history")]
    runs: Vec<PathBuf>,

    #[command(flatten)]
    form: FormArgs,

    /// Write to a file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Exit with 1 if a worsening stands that two detectors see and nobody triaged
    #[arg(long)]
    fail: bool,

    /// What was decided about changes [default: `mcpl-triage.toml` beside the history]
    #[arg(long, value_name = "FILE")]
    triage: Option<PathBuf>,

    /// Accept what happened at a run to each METRIC shown: the new level is right
    #[arg(long, value_name = "RUN", requires = "reason")]
    accept: Option<String>,

    /// Why it is accepted
    #[arg(long, value_name = "TEXT", requires = "accept")]
    reason: Option<String>,
}

/// A run that may be looked at.
pub(super) struct Candidate {
    pub(super) id: String,
    pub(super) started: String,
    pub(super) name: String,
    pub(super) load_hash: String,
    pub(super) outcome: String,
    pub(super) commit: Option<String>,
    /// Where only the history has it: none.
    pub(super) results: Option<Results>,
}

/// Shows the trend.
pub(super) fn run(args: &TrendArgs) -> Done {
    no_files(&args.metrics)?;
    let form = args.form.read()?;
    let (candidates, history) = if args.runs.is_empty() { stored(args)? } else { (files(args)?, None) };
    let database = history.as_ref().map(|(_, path)| path.as_path());
    let triage_path = args.triage.clone().unwrap_or_else(|| triage::beside(database));
    let triaged = triage::read(&triage_path, args.triage.is_some() && args.accept.is_none())?;
    let read = |candidate: &Candidate| match (&candidate.results, &history) {
        (Some(results), _) => Ok(results.clone()),
        (None, Some((history, path))) => history.condensed(&candidate.id).map_err(|error| unusable(path, &error)),
        (None, None) => Err(Complaint::usage(format!("the run `{}` is nowhere", candidate.id))),
    };
    let Some(histories) = histories(args, &candidates, &read)? else { return Ok(exit::USAGE) };
    let now = jiff::Timestamp::now();
    let today = now.to_string().split('T').next().unwrap_or_default().to_owned();
    let mut seen = trend(&histories, &triaged, &today);
    if let (Some(run), Some(reason)) = (&args.accept, &args.reason) {
        seen = accept(&triage_path, triaged, run, reason, &seen, |triage| trend(&histories, triage, &today))?;
    }
    show(args, &form, &seen)?;
    Ok(if args.fail && seen.fails { exit::FAILED } else { exit::OK })
}

/// Refuses a scenario file where a metric should stand.
fn no_files(metrics: &[String]) -> Result<(), Complaint> {
    let Some(file) = metrics.iter().find(|text| Path::new(text).extension().is_some_and(|ending| ending == "mcpl"))
    else {
        return Ok(());
    };
    let name = Path::new(file).file_stem().unwrap_or_default().to_string_lossy();
    Err(Complaint::usage(format!("`{file}` is a file, and no metric"))
        .help(format!("write `--name {name}` for the runs of that file")))
}

type Opened = Option<(store::History, PathBuf)>;

/// The runs of the history.
fn stored(args: &TrendArgs) -> Result<(Vec<Candidate>, Opened), Complaint> {
    let (history, path) = open(args.history.as_deref())?;
    let filter = store::Filter { name: args.name.clone(), ..store::Filter::default() };
    let entries = history.list(&filter).map_err(|error| unusable(&path, &error))?;
    if entries.is_empty() {
        let all = history.list(&store::Filter::default()).map_err(|error| unusable(&path, &error))?;
        let mut names: Vec<&str> = all.iter().map(|entry| entry.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let of = args.name.as_ref().map_or_else(String::new, |name| format!(" of `{name}`"));
        let complaint = Complaint::usage(format!("the history `{}` has no runs{of}", path.display()));
        let near = args.name.as_ref().and_then(|name| nearest(name, names.iter().copied()));
        return Err(match (near, names.as_slice()) {
            (Some(near), _) => complaint.help(format!("write `--name {near}`")),
            (None, []) => complaint.help("run a scenario some times first"),
            (None, names) => complaint.help(format!("name one that it has: {}", names.join(", "))),
        });
    }
    Ok((entries.into_iter().map(Candidate::from).collect(), Some((history, path))))
}

/// The runs of files.
fn files(args: &TrendArgs) -> Result<Vec<Candidate>, Complaint> {
    let mut candidates = Vec::new();
    for path in &args.runs {
        let results = runs::file(path)?;
        if args.name.as_ref().is_some_and(|name| *name != results.plan.name) {
            continue;
        }
        candidates.push(Candidate {
            id: results.run.id.clone(),
            started: results.run.started.clone(),
            name: results.plan.name.clone(),
            load_hash: results.plan.load_hash(),
            outcome: verdict::judge(&results).outcome.word().to_owned(),
            commit: None,
            results: Some(results.condensed()),
        });
    }
    if candidates.is_empty() {
        let name = args.name.as_deref().unwrap_or_default();
        return Err(Complaint::usage(format!("none of the files is a run of `{name}`"))
            .help("name the scenario as it stands in them, or leave `--name` out"));
    }
    Ok(candidates)
}

impl From<store::Entry> for Candidate {
    fn from(entry: store::Entry) -> Candidate {
        Candidate {
            commit: entry.tags.get(COMMIT).cloned(),
            id: entry.id,
            started: entry.started,
            name: entry.name,
            load_hash: entry.load_hash,
            outcome: entry.outcome,
            results: None,
        }
    }
}

/// Outcomes that say nothing of a server's times.
const NO_MEASUREMENT: [Outcome; 3] = [Outcome::Invalid, Outcome::Interrupted, Outcome::Guarded];

pub(super) fn is_measured(candidate: &Candidate) -> bool {
    !NO_MEASUREMENT.iter().any(|outcome| outcome.word() == candidate.outcome)
}

/// What each scenario has been since its load is what it is now. `None` after telling
/// what is wrong with the metrics.
fn histories(
    args: &TrendArgs,
    candidates: &[Candidate],
    read: &dyn Fn(&Candidate) -> Result<Results, Complaint>,
) -> Result<Option<Vec<History>>, Complaint> {
    let mut newest_first: Vec<&Candidate> = candidates.iter().collect();
    newest_first.sort_by(|a, b| (&b.started, &b.id).cmp(&(&a.started, &a.id)));
    newest_first.dedup_by(|a, b| a.id == b.id && a.started == b.started && a.name == b.name);
    let mut names: Vec<&str> = newest_first.iter().map(|candidate| candidate.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let (mut histories, mut mistakes) = (Vec::new(), None);
    for name in names {
        let of_name: Vec<&Candidate> = newest_first.iter().copied().filter(|run| run.name == name).collect();
        let Some(newest) = of_name.iter().copied().find(|run| is_measured(run)).or(of_name.first().copied()) else {
            continue;
        };
        let plan = read(newest)?.plan;
        let metrics = match metrics(&args.metrics, &plan) {
            Ok(metrics) => metrics,
            Err(text) => {
                mistakes.get_or_insert(text);
                continue;
            }
        };
        let same: Vec<&Candidate> = of_name.iter().copied().filter(|run| run.load_hash == newest.load_hash).collect();
        let measured = same.iter().copied().filter(|run| is_measured(run));
        let chosen: Vec<&Candidate> = measured.take(args.last as usize).collect();
        let mut taken = Vec::new();
        for candidate in chosen.iter().rev() {
            taken.push(Run::of(&read(candidate)?, &metrics, candidate.commit.clone()));
        }
        let left_out = left_out(&of_name, &newest.load_hash);
        histories.push(History { scenario: name.to_owned(), metrics, runs: taken, left_out });
    }
    match mistakes {
        Some(text) if histories.is_empty() => {
            terminal::note(&text);
            Ok(None)
        }
        _ => Ok(Some(histories)),
    }
}

/// Why runs of a scenario are not looked at.
pub(super) fn left_out(of_name: &[&Candidate], load_hash: &str) -> Vec<String> {
    let (same, other): (Vec<&Candidate>, Vec<&Candidate>) =
        of_name.iter().copied().partition(|run| run.load_hash == load_hash);
    let mut reasons: Vec<String> = NO_MEASUREMENT
        .iter()
        .map(|outcome| (outcome.word(), same.iter().filter(|run| run.outcome == outcome.word()).count()))
        .filter(|(_, count)| *count > 0)
        .map(|(word, count)| format!("{count} {word}"))
        .collect();
    if !other.is_empty() {
        reasons.push(format!("{} with another load", other.len()));
    }
    reasons
}

/// The metrics that are asked for, or those that every run has.
///
/// # Errors
/// What is wrong with them, for people.
fn metrics(asked: &[String], plan: &Plan) -> Result<Vec<MetricRef>, String> {
    if asked.is_empty() {
        return Ok(plan.standard_metrics());
    }
    let metric = |text: &String| {
        model::metric_of(text, plan).map_err(|diagnostics| {
            render::text(&Source::new("METRIC", text.as_str()), &diagnostics, terminal::stderr_style())
        })
    };
    asked.iter().map(metric).collect()
}

/// Writes down that what happened at a run is accepted, for each metric that it happened
/// to, and shows the trend as it is then.
fn accept(
    path: &Path,
    mut triage: Triage,
    run: &str,
    reason: &str,
    seen: &Trend,
    again: impl Fn(&Triage) -> Trend,
) -> Result<Trend, Complaint> {
    let run = changed(run, seen)?;
    for series in &seen.series {
        let metric = &series.metric;
        let entry = triage::accepted(run, metric, reason);
        let Some(finding) = series.findings.iter().find(|finding| entry.means(series, finding)) else { continue };
        let known = triage
            .entries
            .iter()
            .find(|known| known.state == Handling::Accept && known.means(series, finding))
            .map(|known| known.reason.as_str());
        if let Some(reason) = known {
            terminal::note(&format!("`{metric}` at run {run} is accepted already: {reason}\n"));
            continue;
        }
        triage::append(path, &entry)?;
        terminal::note(&format!("accepted in `{}`: `{metric}` at run {run}\n", path.display()));
        triage.entries.push(entry);
    }
    Ok(again(&triage))
}

/// The run that is meant by its id, or the beginning of it, among those at which something
/// happened.
fn changed<'a>(run: &str, seen: &'a Trend) -> Result<&'a str, Complaint> {
    let findings = seen.series.iter().flat_map(|series| &series.findings);
    let mut known: Vec<&str> = findings.map(|finding| finding.run.as_str()).collect();
    known.sort_unstable();
    known.dedup();
    if known.is_empty() {
        return Err(Complaint::usage(format!("nothing happened at a run `{run}`"))
            .help("leave `--accept` out: nothing changed in what is looked at"));
    }
    let help = |runs: &[&str]| format!("name a run at which something did: {}", runs.join(", "));
    if run.is_empty() {
        return Err(Complaint::usage("`--accept` names no run").help(help(&known)));
    }
    let meant: Vec<&str> = known.iter().copied().filter(|id| id.starts_with(run)).collect();
    match meant.as_slice() {
        [only] => Ok(only),
        [] => Err(Complaint::usage(format!("nothing happened at a run `{run}`")).help(help(&known))),
        // An id may be the beginning of another.
        several => several.iter().copied().find(|id| *id == run).ok_or_else(|| {
            Complaint::usage(format!("`{run}` is the beginning of several runs"))
                .help(format!("write more of one of them: {}", several.join(", ")))
        }),
    }
}

fn show(args: &TrendArgs, form: &Form, seen: &Trend) -> Result<(), Complaint> {
    let to_terminal = args.output.is_none();
    let style = Style { color: to_terminal && terminal::stdout_color() };
    let width = if to_terminal { terminal::stdout_width() } else { terminal::DEFAULT_WIDTH };
    let report = TrendReport::new(seen, !args.metrics.is_empty(), width.saturating_sub(2));
    let rendered = match form {
        Form::BuiltIn(format) => report.render(*format, style),
        Form::Own(template) => report.render_template(template),
    };
    let text = rendered.map_err(|error| Complaint::usage(error.to_string()))?;
    match &args.output {
        None => terminal::print(&text),
        Some(path) => output::put(path, &text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Metric, Selection, Statistic, TimeMetric};
    use crate::verdict::trend::Finding;

    /// A trend with changes at the runs `aa0`, `aa10` and `aa1`.
    fn changes() -> Trend {
        let metric = MetricRef {
            source: "latency.p95".to_owned(),
            selection: Selection::default(),
            metric: Metric::Time(TimeMetric::Latency),
            statistic: Statistic::Percentile(95.0),
        };
        let run = |n: u32| Run {
            id: format!("b{n}"),
            started: format!("2026-01-01T08:00:{n:02}Z"),
            commit: None,
            machine: String::new(),
            values: vec![Some(1e6 * f64::from(100 * (n / 12 + 1) + n % 3))],
        };
        let runs = (0..24).map(run).collect();
        let history = History { scenario: "docs".to_owned(), metrics: vec![metric], runs, left_out: Vec::new() };
        let mut seen = trend(&[history], &Triage::default(), "2026-11-28");
        let findings = &mut seen.series[0].findings;
        let found = findings[0].clone();
        *findings = ["aa0", "aa10", "aa1"].map(|run| Finding { run: run.to_owned(), ..found.clone() }).into();
        seen
    }

    #[test]
    fn one_run_is_accepted_or_none() {
        let seen = changes();
        for (run, meant) in [("aa0", "aa0"), ("aa10", "aa10"), ("aa1", "aa1")] {
            assert_eq!(changed(run, &seen), Ok(meant));
        }
        for (run, message, help) in [
            ("", "`--accept` names no run", "aa0, aa1, aa10"),
            ("aa", "`aa` is the beginning of several runs", "aa0, aa1, aa10"),
            ("b1", "nothing happened at a run `b1`", "aa0, aa1, aa10"),
        ] {
            let complaint = changed(run, &seen).unwrap_err();
            assert_eq!(complaint.message, message);
            assert!(complaint.help.is_some_and(|text| text.ends_with(help)), "{run}");
        }
    }

    #[test]
    fn a_file_is_no_metric() {
        let complaint = no_files(&["latency.p95".to_owned(), "load/docs.mcpl".to_owned()]).unwrap_err();
        assert_eq!(complaint.message, "`load/docs.mcpl` is a file, and no metric");
        assert!(complaint.help.is_some_and(|help| help.contains("--name docs")));
        assert_eq!(no_files(&["latency.p95".to_owned()]), Ok(()));
    }
}
