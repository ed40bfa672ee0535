//! The processes of servers.

use serde::Serialize;

use crate::record::Moment;
use crate::report::clean::clean;
use crate::results::{Results, Window};

/// What the processes of a server had over the whole run, warm-up included.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ProcessView {
    /// The server's name.
    pub server: String,
    /// CPU time in the load as a share of one processor, above 1 where several
    /// were used; none when it was not measured.
    pub cpu: Option<f64>,
    /// The same in the busiest second.
    pub cpu_max: Option<f64>,
    /// Memory before the first session; none without a process.
    pub rss_before_bytes: Option<u64>,
    /// Most memory at the end of any second; none without a process.
    pub rss_max_bytes: Option<u64>,
    /// Memory a while after the last session had ended; none without a process.
    pub rss_after_bytes: Option<u64>,
    /// Most descriptors open at the end of any second; none when unknown.
    pub open_files_max: Option<u64>,
    /// Most processes at the end of any second.
    pub processes_max: u64,
    /// Memory for each open MCP session; none with few sessions.
    pub session_bytes: Option<f64>,
    /// How many sessions that is the mean of; none with it.
    pub sessions: Option<u64>,
}

/// The servers of which something was seen, by index in the plan. One whose processes
/// all lived between two looks is not among them.
pub(super) fn watched(results: &Results) -> Vec<usize> {
    let seen = |server: &usize| results.process(*server).any(|(_, row)| row.processes > 0);
    (0..results.plan.servers.len()).filter(seen).collect()
}

pub(super) fn processes(results: &Results) -> Vec<ProcessView> {
    watched(results).into_iter().map(|server| process(results, server)).collect()
}

fn process(results: &Results, server: usize) -> ProcessView {
    let at = |moment| {
        let row = results.process(server).find(|(_, row)| row.moment == moment && row.processes > 0);
        row.map(|(_, row)| row.rss_bytes)
    };
    let cpu: Vec<f64> = results.server_cpu(Some(server), Window::Whole).collect();
    let sums = || results.process_sums(Some(server), Window::Whole);
    let session = results.bytes_per_session(server);
    ProcessView {
        server: results.plan.servers.get(server).map(|server| clean(&server.name)).unwrap_or_default(),
        cpu: super::generator::mean(&cpu),
        cpu_max: cpu.into_iter().reduce(f64::max),
        rss_before_bytes: at(Moment::Before),
        rss_max_bytes: sums().map(|(_, sums)| sums.rss_bytes).max(),
        rss_after_bytes: at(Moment::After),
        open_files_max: sums().map(|(_, sums)| sums.open_files).max().filter(|files| *files > 0),
        processes_max: results.process(server).map(|(_, row)| row.processes).max().unwrap_or(0),
        session_bytes: session.map(|(bytes, _)| bytes),
        sessions: session.map(|(_, sessions)| sessions),
    }
}
