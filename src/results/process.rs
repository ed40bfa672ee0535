//! What the processes of servers had of the machine.

use super::{Results, Window};
use crate::record::{Moment, ProcessRow, SessionTime};

/// So many sessions must have been open for the memory of one to be told: the
/// rest of what a server does under load is spread over them.
pub const SESSIONS_LEAST: u64 = 20;

/// The first revision without sessions.
const MODERN: &str = "2026-07-28";

/// What the processes of one or of all servers had at the end of a second.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ProcessSums {
    /// Share of one processor; above 1 where several were used. `None` when it was
    /// not measured.
    pub cpu: Option<f64>,
    /// Resident memory in bytes.
    pub rss_bytes: u64,
    /// Open descriptors; 0 when unknown.
    pub open_files: u64,
}

impl Results {
    /// What the processes of a server had of the machine, in the order of time, each
    /// with the second at whose end it was taken: before the first session, in
    /// each second, and after the last session ([`ProcessRow::moment`]). Empty
    /// where no process of it was watched.
    pub fn process(&self, server: usize) -> impl Iterator<Item = (u32, &ProcessRow)> {
        self.recording
            .seconds
            .iter()
            .flat_map(|slice| slice.processes.iter().map(|row| (slice.second, row)))
            .filter(move |(_, row)| row.server == server)
    }

    /// What the processes of `server`, or of all that were watched, had at the end
    /// of each second, the warm-up and the drain included. A second in which none
    /// was alive is left out.
    pub fn process_sums(&self, server: Option<usize>, window: Window) -> impl Iterator<Item = (u32, ProcessSums)> {
        self.slices(window).filter_map(move |slice| {
            let rows = slice.processes.iter().filter(move |row| {
                row.moment == Moment::During && row.processes > 0 && server.is_none_or(|server| row.server == server)
            });
            rows.map(|row| ProcessSums { cpu: row.cpu_share(), rss_bytes: row.rss_bytes, open_files: row.open_files })
                .reduce(|sum, row| ProcessSums {
                    cpu: sum.cpu.zip(row.cpu).map(|(sum, row)| sum + row),
                    rss_bytes: sum.rss_bytes + row.rss_bytes,
                    open_files: sum.open_files + row.open_files,
                })
                .map(|sums| (slice.second, sums))
        })
    }

    /// The share of one processor that the processes of `server`, or of all, used in
    /// each second of the load; above 1 where they used several. The drain is left
    /// out: it is no load.
    pub fn server_cpu(&self, server: Option<usize>, window: Window) -> impl Iterator<Item = f64> {
        let load_ms = self.run.load_ms;
        self.process_sums(server, window)
            .filter(move |(second, _)| u64::from(*second) * 1000 < load_ms)
            .filter_map(|(_, sums)| sums.cpu)
    }

    /// Memory of the processes of `server`, or of all, in bytes at the end of each
    /// second.
    #[expect(clippy::cast_precision_loss, reason = "for statistics")]
    pub fn server_rss(&self, server: Option<usize>, window: Window) -> impl Iterator<Item = f64> {
        self.process_sums(server, window).map(|(_, sums)| sums.rss_bytes as f64)
    }

    /// Descriptors that the processes of `server`, or of all, had open at the end of
    /// each second.
    #[expect(clippy::cast_precision_loss, reason = "for statistics")]
    pub fn server_fds(&self, server: Option<usize>, window: Window) -> impl Iterator<Item = f64> {
        self.process_sums(server, window).map(|(_, sums)| sums.open_files).filter(|files| *files > 0).map(|n| n as f64)
    }

    /// MCP sessions with a server that were open at the end of each second: those
    /// opened until then, less those that were ended properly. `None` where it
    /// cannot be told: for a scenario with several servers, and in revisions
    /// without sessions.
    #[must_use]
    pub fn sessions_open(&self, server: usize) -> Option<Vec<(u32, u64)>> {
        let revision = &self.servers.get(server)?.revision;
        if revision.split(", ").filter_map(|part| part.split(' ').next_back()).any(|revision| revision >= MODERN) {
            return None;
        }
        let of = |targets: &[crate::plan::Target]| targets.iter().any(|target| target.server == server);
        let mut scenarios = self.plan.scenarios.iter().filter(|scenario| of(&scenario.targets));
        if scenarios.any(|scenario| scenario.targets.iter().any(|target| target.server != server)) {
            return None;
        }
        let (mut opened, mut ended, mut open) = (0_u64, 0_u64, Vec::new());
        for slice in &self.recording.seconds {
            for row in &slice.scenarios {
                if self.plan.scenarios.get(row.scenario).is_some_and(|scenario| of(&scenario.targets)) {
                    opened = opened.saturating_add(row.sessions);
                    let closed = row.times.get(SessionTime::Close as usize).map_or(0, |times| times.sparse().count());
                    ended = ended.saturating_add(closed);
                }
            }
            open.push((slice.second, opened.saturating_sub(ended)));
        }
        Some(open)
    }

    /// Bytes of resident memory for each MCP session: what the processes of the
    /// server had on average in the seconds at whose end the most sessions were
    /// open, less what they had before the first, by those sessions; and how many
    /// these were.
    /// `None` below [`SESSIONS_LEAST`] sessions, and where either is not known.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "for statistics")]
    pub fn bytes_per_session(&self, server: usize) -> Option<(f64, u64)> {
        let before = self.process(server).find(|(_, row)| row.moment == Moment::Before)?.1.rss_bytes;
        let open = self.sessions_open(server)?;
        let most = open.iter().map(|(_, open)| *open).max().filter(|most| *most >= SESSIONS_LEAST)?;
        let at_most = open.iter().filter(|(_, open)| *open == most);
        let then: Vec<f64> = at_most
            .filter_map(|(second, _)| self.process_sums(Some(server), Window::Second(*second)).next())
            .map(|(_, sums)| sums.rss_bytes as f64)
            .collect();
        let mean = (!then.is_empty()).then(|| then.iter().sum::<f64>() / then.len() as f64)?;
        Some(((mean - before as f64).max(0.0) / most as f64, most))
    }
}
