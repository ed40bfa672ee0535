//! What the history says of the load of one run, as of that run.

use std::path::{Path, PathBuf};

use super::history::{COMMIT, for_reports, for_runs, looking};
use super::trend::{Candidate, is_measured, left_out};
use super::{terminal, triage};
use crate::plan::{MetricExpr, MetricRef};
use crate::results::Results;
use crate::store::{Filter, Mode, StoreError, Tags};
use crate::verdict::Verdict;
use crate::verdict::trend::{History, Run, Trend, Triage, trend};

/// Runs that a report shows, its own included.
const RUNS: usize = 60;

/// Metrics that a report has room for.
const METRICS: usize = 8;

/// The history that a run will be kept in.
pub(super) struct Earlier {
    path: PathBuf,
    /// What the run will be known by there.
    commit: Option<String>,
}

impl Earlier {
    /// Of runs of a scenario in the directory `beside`; `None` where runs are not kept.
    pub(super) fn of_runs(beside: &Path, tags: &Tags) -> Option<Earlier> {
        Some(Earlier { path: for_runs(beside)?, commit: tags.get(COMMIT).cloned() })
    }

    /// Adds what the history says to the verdict on a run that is not in it yet. Where it
    /// cannot be read nothing is added: keeping the run tells what is wrong with it.
    pub(super) fn tell(&self, results: &Results, verdict: &mut Verdict) {
        let read = || {
            let _looking = looking(&self.path);
            let history = crate::store::History::open(&self.path, Mode::Read)?;
            up_to(&history, &self.path, this(results, verdict, self.commit.clone()), results)
        };
        verdict.trend = if self.path.exists() { read().ok().flatten() } else { None };
    }
}

/// Adds what the nearest history says to the verdict on a stored run, if it has that run.
pub(super) fn tell(results: &Results, verdict: &mut Verdict) {
    let Some(path) = for_reports() else { return };
    let read = || {
        let _looking = looking(&path);
        let history = crate::store::History::open(&path, Mode::Read)?;
        let known = match history.find(&results.run.id) {
            Ok(entry) if entry.id == results.run.id => Candidate::from(entry),
            Ok(_) | Err(StoreError::NoRun(_) | StoreError::Ambiguous { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        up_to(&history, &path, this(results, verdict, known.commit), results)
    };
    match read() {
        Ok(trend) => verdict.trend = trend,
        Err(error) => {
            let path = path.display().to_string();
            terminal::note(&format!(
                "the report has no trend: the history `{}` cannot be used: {error}\n",
                terminal::printable(&path)
            ));
        }
    }
}

/// The run itself, as one of those that are looked at.
fn this(results: &Results, verdict: &Verdict, commit: Option<String>) -> Candidate {
    Candidate {
        id: results.run.id.clone(),
        started: results.run.started.clone(),
        name: results.plan.name.clone(),
        load_hash: results.plan.load_hash(),
        outcome: verdict.outcome.word().to_owned(),
        commit,
        results: None,
    }
}

/// The trend up to a run, whose `results` need not be in the history; `None` where it is the
/// first of its load, or measured nothing. Runs after it are left out, and the day that
/// counts for what was decided is that of the run: the same run and history give the same
/// report whenever it is made.
fn up_to(
    history: &crate::store::History,
    path: &Path,
    this: Candidate,
    results: &Results,
) -> Result<Option<Trend>, StoreError> {
    if !is_measured(&this) {
        return Ok(None);
    }
    let filter = Filter { name: Some(this.name.clone()), ..Filter::default() };
    let listed = history.list(&filter)?.into_iter().map(Candidate::from);
    let mut of_name: Vec<Candidate> =
        listed.filter(|run| (&run.started, &run.id) < (&this.started, &this.id)).collect();
    of_name.sort_by(|a, b| (&b.started, &b.id).cmp(&(&a.started, &a.id)));
    let measured = of_name.iter().filter(|run| run.load_hash == this.load_hash && is_measured(run));
    let metrics = metrics(results);
    let mut runs = vec![Run::of(results, &metrics, this.commit)];
    let mut unreadable = 0;
    for run in measured.take(RUNS - 1) {
        match history.condensed(&run.id) {
            Ok(earlier) => runs.push(Run::of(&earlier, &metrics, run.commit.clone())),
            Err(StoreError::Unreadable { .. }) => unreadable += 1,
            Err(error) => return Err(error),
        }
    }
    if runs.len() < 2 {
        return Ok(None);
    }
    runs.reverse();
    let mut left_out = left_out(&of_name.iter().collect::<Vec<_>>(), &this.load_hash);
    left_out.extend((unreadable > 0).then(|| format!("{unreadable} unreadable")));
    let history = History { scenario: this.name, metrics, runs, left_out };
    let day = this.started.split('T').next().unwrap_or_default();
    Ok(Some(trend(&[history], &decided(path), day)))
}

/// What was decided about changes. What is wrong with the file `mcpl trend` tells.
fn decided(history: &Path) -> Triage {
    let path = triage::beside(Some(history));
    triage::read(&path, false).unwrap_or_else(|complaint| {
        terminal::note(&format!("no decision about changes is shown: {}\n", terminal::printable(&complaint.message)));
        Triage::default()
    })
}

/// What every run has, then what the file says something about, as far as there is room.
/// What has no value in this run is left out.
fn metrics(results: &Results) -> Vec<MetricRef> {
    let plan = &results.plan;
    let margins = plan.baselines.iter().flat_map(|baseline| &baseline.margins).map(|margin| &margin.metric);
    let asserted = plan.assertions.iter().filter_map(|assertion| match &assertion.left {
        MetricExpr::Metric(metric) => Some(metric),
        _ => None,
    });
    let mut metrics = plan.standard_metrics();
    for metric in margins.chain(asserted) {
        let same = |known: &MetricRef| {
            (&known.selection, &known.metric, known.statistic) == (&metric.selection, &metric.metric, metric.statistic)
        };
        if metrics.len() < METRICS && !metrics.iter().any(same) {
            metrics.push(metric.clone());
        }
    }
    let values = Run::of(results, &metrics, None).values;
    metrics.into_iter().zip(values).filter_map(|(metric, value)| value.map(|_| metric)).collect()
}
