//! A run without its course: what is kept of a run that others are compared with.

use super::Results;
use crate::record::{Health, Recording, Slice};

impl Results {
    /// The same run with all its seconds summed up into its last: any statistic of
    /// the whole run has the same value, and those of single seconds are gone. What
    /// the processes of servers and the load generator took stays second by second,
    /// since it has no sum: a run that is invalid for it stays invalid. Of examples,
    /// logs, failures and the slowest requests nothing stays.
    #[must_use]
    pub fn condensed(&self) -> Results {
        let mut recording = Recording::default();
        let last = self.recording.seconds.last().map_or(0, |slice| slice.second);
        let mut sum = Slice { second: last, ..Slice::default() };
        let measured_from = self.measured_seconds(&self.everything()).start;
        for slice in &self.recording.seconds {
            let mut slice = slice.clone();
            if slice.second < measured_from {
                // Whether the generator was late is told without the warm-up.
                let lag = std::mem::take(&mut slice.health.lag);
                recording.add(Slice { health: Health { lag, ..Health::default() }, ..Slice::default() });
            }
            let Health { cpu_ns, cpu_of_ns, busiest_ns, rss_bytes, .. } = slice.health;
            if cpu_ns > 0 || busiest_ns > 0 || rss_bytes > 0 {
                let health = Health { cpu_ns, cpu_of_ns, busiest_ns, rss_bytes, ..Health::default() };
                recording.add(Slice { second: slice.second, health, ..Slice::default() });
            }
            let processes = std::mem::take(&mut slice.processes);
            if !processes.is_empty() {
                recording.add(Slice { second: slice.second, processes, ..Slice::default() });
            }
            (slice.logs, slice.violations) = (Vec::new(), Vec::new());
            sum.merge(slice);
        }
        // Where each scenario had its last activity, since a fixed amount of work ends
        // its load.
        for row in std::mem::take(&mut sum.scenarios) {
            let active = |slice: &&Slice| {
                let mut rows = slice.scenarios.iter().filter(|other| other.scenario == row.scenario);
                rows.any(|row| row.started + row.iterations > 0)
            };
            let second = self.recording.seconds.iter().rev().find(active).map_or(last, |slice| slice.second);
            recording.add(Slice { second, scenarios: vec![row], ..Slice::default() });
        }
        let lag = std::mem::take(&mut sum.health.lag);
        sum.health = Health { lag, ..Health::default() };
        recording.add(sum);
        Results { recording, ..self.clone() }
    }
}
