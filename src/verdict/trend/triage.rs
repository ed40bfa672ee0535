//! What was decided about changes.

use serde::{Deserialize, Serialize};

use super::{Finding, Series, Triaged};

/// So many runs off may be the one that was named: where a change begins is seen better
/// with each run after it.
const NEARBY: usize = 2;

/// Decisions, as people wrote them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Triage {
    /// In the order of the file.
    pub entries: Vec<Entry>,
}

/// A decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Which change.
    pub subject: Subject,
    /// Of which metric; of all without one.
    pub metric: Option<String>,
    /// What.
    pub state: Handling,
    /// The last day for which it holds, as `2026-12-31`; for ever without one.
    pub until: Option<String>,
    /// Why.
    pub reason: String,
}

/// Which change is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The one at a run: its id, or the beginning of it.
    Run(String),
    /// The one at the runs of a commit: its id, or the beginning of it.
    Commit(String),
}

/// What is done about a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Handling {
    /// The new level is right.
    Accept,
    /// It is known and will be dealt with, by some day.
    Ignore,
}

impl Handling {
    /// The word for what became of the change.
    pub(super) fn done(self) -> &'static str {
        match self {
            Handling::Accept => "accepted",
            Handling::Ignore => "ignored",
        }
    }
}

impl Entry {
    /// Which change is meant, in words.
    fn named(&self) -> String {
        let metric = self.metric.as_ref().map_or_else(String::new, |metric| format!(", `{metric}`"));
        match &self.subject {
            Subject::Run(id) => format!("run {id}{metric}"),
            Subject::Commit(id) => format!("commit {id}{metric}"),
        }
    }

    /// Whether it is about a finding of a series.
    #[must_use]
    pub fn means(&self, series: &Series, finding: &Finding) -> bool {
        let named = |at: usize| {
            series.points.get(at).is_some_and(|point| match &self.subject {
                Subject::Run(id) => point.run.starts_with(id.as_str()),
                Subject::Commit(id) => point.commit.as_ref().is_some_and(|commit| commit.starts_with(id.as_str())),
            })
        };
        self.metric.as_ref().is_none_or(|metric| *metric == series.metric)
            && (finding.at.saturating_sub(NEARBY)..=finding.at + NEARBY).any(named)
    }

    fn is_over(&self, today: &str) -> bool {
        self.until.as_deref().is_some_and(|until| until < today)
    }
}

impl Triage {
    /// The decisions as they stand on a day.
    pub(super) fn of<'a>(&'a self, today: &'a str) -> Decisions<'a> {
        Decisions { today, entries: self.entries.iter().map(|entry| (entry, false)).collect() }
    }
}

/// Decisions, and which of them were of use.
pub(super) struct Decisions<'a> {
    today: &'a str,
    entries: Vec<(&'a Entry, bool)>,
}

impl Decisions<'_> {
    /// What was decided about a finding.
    pub(super) fn decide(&mut self, series: &Series, finding: &Finding) -> Option<Triaged> {
        let mut decided = None;
        for (entry, used) in self.entries.iter_mut().filter(|(entry, _)| entry.means(series, finding)) {
            *used = true;
            if decided.is_none() && !entry.is_over(self.today) {
                let (until, reason) = (entry.until.clone(), entry.reason.clone());
                decided = Some(Triaged { state: entry.state, until, reason });
            }
        }
        decided
    }

    /// What is to be said about the decisions themselves.
    pub(super) fn notes(&self) -> Vec<String> {
        let note = |(entry, used): &(&Entry, bool)| {
            let named = entry.named();
            match &entry.until {
                _ if !used => Some(format!("the triage of {named} is about no change of this history")),
                Some(until) if entry.is_over(self.today) => Some(format!("the triage of {named} ended on {until}")),
                _ => None,
            }
        };
        self.entries.iter().filter_map(note).collect()
    }
}
