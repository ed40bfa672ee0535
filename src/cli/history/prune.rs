//! `mcpl history prune`

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::args::duration;
use super::super::complaint::Complaint;
use super::super::terminal;
use super::{HistoryArgs, PruneArgs, show, unusable};
use crate::store::{Entry, Filter};

/// `90d`, or a duration of the language.
pub(super) fn age(text: &str) -> Result<Duration, String> {
    let days = text.strip_suffix('d').and_then(|days| days.parse::<u32>().ok());
    match days {
        Some(days) => Ok(Duration::from_secs(u64::from(days) * 24 * 60 * 60)),
        None => duration(text).map_err(|_| "write an age with its unit, such as 90d or 12h".to_owned()),
    }
}

/// Removes old runs.
pub(super) fn prune(args: &HistoryArgs, prune: &PruneArgs) -> Result<(), Complaint> {
    let (mut history, path) = args.open()?;
    let wrong = |error| unusable(&path, &error);
    let runs = history.list(&Filter::default()).map_err(wrong)?;
    let before = prune.older_than.map(|age| jiff::Timestamp::now().checked_sub(age).unwrap_or(jiff::Timestamp::MIN));
    let chosen = chosen(&runs, prune.keep, before);
    let (done, changed) = match prune.details_only {
        true => ("removed the single seconds of", history.condense(chosen)),
        false => ("removed", history.remove(chosen)),
    };
    let changed = changed.map_err(wrong)?;
    terminal::print(&format!("{done} {} of {}\n", show::runs(changed), runs.len()))
}

/// The runs, from the last to the first, that go: those that are not among the last
/// `keep` of their scenario, and began before `before`. A limit that is not given keeps
/// none.
fn chosen(runs: &[Entry], keep: Option<usize>, before: Option<jiff::Timestamp>) -> Vec<&str> {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let mut chosen = Vec::new();
    for run in runs {
        let seen = seen.entry(&run.name).or_default();
        *seen += 1;
        let many = keep.is_none_or(|keep| *seen > keep);
        // Nobody knows how old a run is that has no date.
        let old = before.is_none_or(|before| run.started.parse::<jiff::Timestamp>().is_ok_and(|at| at < before));
        if many && old {
            chosen.push(run.id.as_str());
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(id: &str, name: &str, started: &str) -> Entry {
        Entry {
            id: id.to_owned(),
            started: started.to_owned(),
            name: name.to_owned(),
            load_hash: String::new(),
            plan_hash: String::new(),
            machine: String::new(),
            tool: String::new(),
            servers: Vec::new(),
            outcome: "passed".to_owned(),
            ended: crate::results::Ended::Completed,
            seconds: 1.0,
            requests: 0,
            failed: 0,
            p95_ns: None,
            tags: Default::default(),
            detailed: true,
        }
    }

    #[test]
    fn what_both_limits_give_up_goes() {
        let runs = [
            run("d", "one", "2026-01-04T00:00:00Z"),
            run("c", "two", "2026-01-03T00:00:00Z"),
            run("b", "one", "2026-01-02T00:00:00Z"),
            run("a", "one", "2026-01-01T00:00:00Z"),
            run("?", "one", "once"),
        ];
        let before = Some("2026-01-02T00:00:00Z".parse().unwrap());
        assert_eq!(chosen(&runs, Some(1), None), ["b", "a", "?"]);
        assert_eq!(chosen(&runs, Some(0), None).len(), 5);
        assert_eq!(chosen(&runs, None, before), ["a"]);
        assert_eq!(chosen(&runs, Some(3), before), Vec::<&str>::new());
        assert_eq!(chosen(&runs, Some(2), before), ["a"]);
    }

    #[test]
    fn ages_have_days() {
        assert_eq!(age("90d"), Ok(Duration::from_secs(90 * 86_400)));
        assert_eq!(age("12h"), Ok(Duration::from_secs(12 * 3_600)));
        assert!(age("90").is_err() && age("d").is_err() && age("-1d").is_err());
    }
}
