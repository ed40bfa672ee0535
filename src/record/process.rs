//! What the processes of a server had of the machine at a moment.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// When a row was taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// Before the first session of the load.
    Before,
    /// At the end of a second of the run.
    #[default]
    During,
    /// After the last session had ended, and a while later.
    After,
}

/// What the processes of one server had of the machine at a moment: the process
/// itself and all that descend from it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProcessRow {
    /// Index of the server in the plan.
    pub server: usize,
    /// When it was taken; a second has at most one row of each server and moment.
    #[serde(default, skip_serializing_if = "is_during")]
    pub moment: Moment,
    /// How many processes there were; 0 when all had ended.
    pub processes: u64,
    /// CPU time that they used since the row before, user and system, in
    /// nanoseconds.
    pub cpu_ns: u64,
    /// The time in which they used it, in nanoseconds; 0 when it was too short
    /// to measure by, and then `cpu_ns` is 0 and counts in the next row.
    pub cpu_of_ns: u64,
    /// Resident memory, summed up; pages that processes share count in each.
    pub rss_bytes: u64,
    /// Open descriptors; 0 when unknown.
    #[serde(default, skip_serializing_if = "super::recording::is_zero")]
    pub open_files: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_during(moment: &Moment) -> bool {
    *moment == Moment::During
}

impl ProcessRow {
    /// The share of one processor that they used: above 1 where they used several.
    /// `None` when it was not measured.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "for statistics")]
    pub fn cpu_share(&self) -> Option<f64> {
        (self.cpu_of_ns > 0).then(|| self.cpu_ns as f64 / self.cpu_of_ns as f64)
    }

    pub(super) fn key(&self) -> (usize, Moment) {
        (self.server, self.moment)
    }

    /// Adds what the same server has on another machine. The time is the same on
    /// both.
    pub(super) fn add(&mut self, other: &ProcessRow) {
        self.processes += other.processes;
        self.cpu_ns += other.cpu_ns;
        self.cpu_of_ns = self.cpu_of_ns.max(other.cpu_of_ns);
        self.rss_bytes += other.rss_bytes;
        self.open_files += other.open_files;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Recording, Slice};

    fn row(server: usize, moment: Moment, rss_bytes: u64) -> ProcessRow {
        ProcessRow { server, moment, processes: 1, cpu_ns: 300, cpu_of_ns: 1000, rss_bytes, open_files: 7 }
    }

    fn of(rows: Vec<ProcessRow>) -> Slice {
        Slice { second: 3, processes: rows, ..Slice::default() }
    }

    #[test]
    fn rows_of_two_machines_are_summed_up_whatever_their_order() {
        let parts = [
            of(vec![row(0, Moment::During, 10), row(1, Moment::During, 5)]),
            of(vec![row(0, Moment::During, 20), row(0, Moment::After, 8)]),
        ];
        let merged = |order: [usize; 2]| {
            let mut recording = Recording::default();
            order.into_iter().for_each(|at| recording.add(parts[at].clone()));
            recording.seconds.remove(0).processes
        };
        let rows = merged([0, 1]);
        assert_eq!(rows, merged([1, 0]));
        let found: Vec<_> = rows.iter().map(|row| (row.server, row.moment, row.rss_bytes)).collect();
        assert_eq!(found, [(0, Moment::During, 30), (0, Moment::After, 8), (1, Moment::During, 5)]);
        assert_eq!((rows[0].processes, rows[0].open_files), (2, 14));
        assert!((rows[0].cpu_share().unwrap() - 0.6).abs() < 1e-9, "{:?}", rows[0]);
    }

    #[test]
    fn a_row_says_its_moment_only_where_it_is_no_second_of_the_run() {
        let text = serde_json::to_string(&row(0, Moment::During, 1)).unwrap();
        assert!(!text.contains("moment"), "{text}");
        let text = serde_json::to_string(&row(0, Moment::After, 1)).unwrap();
        assert!(text.contains(r#""moment":"after""#), "{text}");
        assert_eq!(serde_json::from_str::<ProcessRow>(&text).unwrap().moment, Moment::After);
    }
}
