//! One run on servers that are ready: from a plan to results, with nothing judged,
//! written or told.

use std::path::Path;
use std::sync::Arc;

use tokio::runtime::Runtime;

use super::census::{COOL_DOWN, Census};
use super::complaint::Complaint;
use super::connect::Connected;
use super::journal::Journal;
use super::live_outputs::{Live, Outputs};
use super::lookout::Lookout;
use super::progress::Progress;
use super::{environment, preflight, process, terminal};
use crate::data::Table;
use crate::engine::{self, Control, EngineError, Measured, Settings, Stop};
use crate::plan::Plan;
use crate::record::Examples;
use crate::results::{Ended, Results, Run, SCHEMA, Tool};
use crate::telemetry::Context;

/// One thread generates at least so many requests per second with ease; more
/// threads for less load would only make more connections.
const RATE_PER_THREAD: f64 = 5_000.0;

/// The same for virtual users.
const USERS_PER_THREAD: f64 = 500.0;

/// What a run does, but for its servers.
pub(super) struct Job<'a> {
    pub(super) plan: &'a Arc<Plan>,
    pub(super) tables: &'a [Table],
    /// The directory from which paths count.
    pub(super) beside: &'a Path,
    pub(super) threads: Option<u16>,
    /// Whether a journal is kept.
    pub(super) save: bool,
    /// Whether the memory of servers is looked at once more, a while after the load.
    pub(super) cool_down: bool,
    /// Where others are told how it goes on.
    pub(super) live: Vec<Live>,
}

/// What a run has measured.
pub(super) struct Measurement {
    pub(super) results: Results,
    /// To be removed when the results are told or written.
    pub(super) journal: Option<Journal>,
    /// To be waited for when everything else is told.
    pub(super) live: Outputs,
    /// What went wrong on this side meanwhile.
    pub(super) broken: Option<Complaint>,
}

/// Makes a run on servers that are ready, and judges nothing.
///
/// # Errors
/// When it cannot begin.
pub(super) fn measure(
    job: &Job<'_>,
    servers: &[Connected],
    control: &Control,
    runtime: &Runtime,
    progress: &mut Progress,
) -> Result<Measurement, Complaint> {
    let plan = job.plan;
    let mut census = watch(plan, servers)?;
    let connectors: Vec<_> = servers.iter().map(|server| server.connector.clone()).collect();
    let promises = preflight::promises(servers).into();
    let settings =
        Settings { threads: threads(job.threads, plan), run_id: run_id(), tables: job.tables.to_vec(), promises };
    let started = jiff::Timestamp::now();
    let presented: Vec<_> = servers.iter().map(Connected::presented).collect();
    let context = Context::new(plan, &settings.run_id, settings.threads, &presented);
    let live = Outputs::begin(job.live.clone(), &context, started)?;
    let mut journal = if job.save {
        let begun = results(plan, servers, &settings, Measured::default(), started);
        Journal::begin(job.beside, &begun)
    } else {
        None
    };
    let mut lookout = Lookout::new(plan, settings.threads);
    let measured = engine::run(plan, &connectors, &settings, control, |slice, examples| {
        process::observe(&mut slice.health);
        census.observe(slice);
        if let Some(journal) = &mut journal {
            journal.second(slice, examples);
        }
        // What was sought in the second that has ended.
        let sought = lookout.sought();
        lookout.second(slice, control);
        live.second(slice);
        progress.second(slice, &sought);
    });
    progress.finish();
    let (measured, broken) = match measured {
        Ok(mut measured) => {
            let last = measured.recording.seconds.last().map(|slice| slice.second);
            if let Some(last) =
                last.filter(|_| job.cool_down && census.is_watching() && runtime.block_on(cooled_down(control)))
            {
                let after = census.after(last);
                if let Some(journal) = &mut journal {
                    journal.second(&after, &Examples::default());
                }
                measured.recording.add(after);
            }
            (measured, None)
        }
        Err(EngineError::Panicked(measured)) => {
            let complaint = Complaint::server("a thread of the load generator panicked; what was measured is kept")
                .help("report this as a defect of mcpl");
            (*measured, Some(complaint))
        }
        Err(error @ EngineError::Start(_)) => {
            journal.into_iter().for_each(Journal::remove);
            return Err(Complaint::server(error.to_string()));
        }
    };
    let results = results(plan, servers, &settings, measured, started);
    Ok(Measurement { results, journal, live, broken })
}

/// Looks at the processes of the servers, as far as they are known.
///
/// # Errors
/// When the file names a process that does not exist.
fn watch(plan: &Plan, servers: &[Connected]) -> Result<Census, Complaint> {
    let roots = servers.iter().enumerate();
    let census = Census::begin(roots.filter_map(|(index, server)| Some((index, server.root.clone()?))));
    for (index, server) in plan.servers.iter().enumerate() {
        let Some(pid) = server.pid else { continue };
        let name = &server.name;
        if !census.is_watching() {
            terminal::note(&format!(
                "this system does not tell of processes: `pid` of server `{name}` has no effect\n"
            ));
        } else if !census.found(index) {
            return Err(Complaint::usage(format!("server `{name}`: this machine has no process {pid}"))
                .help("name the process that serves now, such as with `--set pid=$(pgrep -f NAME)` for `pid pid`"));
        }
    }
    Ok(census)
}

/// Waits until the servers have cooled down. `false` when somebody would not.
async fn cooled_down(control: &Control) -> bool {
    tokio::select! {
        () = tokio::time::sleep(COOL_DOWN) => true,
        () = control.reached(Stop::Kill) => false,
    }
}

/// As many threads as the load needs, up to one for each processor.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small number")]
pub(super) fn threads(wanted: Option<u16>, plan: &Plan) -> usize {
    if let Some(wanted) = wanted {
        return usize::from(wanted).min(plan.most_threads());
    }
    let need: f64 = plan
        .scenarios
        .iter()
        .map(|scenario| match scenario.load.is_open() {
            true => plan.peak_request_rate(scenario) / RATE_PER_THREAD,
            false => scenario.load.peak() / USERS_PER_THREAD,
        })
        .sum();
    (need.ceil().max(1.0) as usize).min(environment::cores()).min(plan.most_threads())
}

/// Time and process make it unique enough to find a run in a server's logs.
fn run_id() -> String {
    let now = jiff::Timestamp::now();
    format!("{:x}-{:x}-{:x}", now.as_second(), std::process::id(), now.subsec_nanosecond())
}

fn results(
    plan: &Plan,
    servers: &[Connected],
    settings: &Settings,
    measured: Measured,
    started: jiff::Timestamp,
) -> Results {
    let millis = |duration: std::time::Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    Results {
        schema: SCHEMA.to_owned(),
        tool: Tool { name: "mcpl".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() },
        plan_hash: plan.hash(),
        plan: plan.clone(),
        run: Run {
            id: settings.run_id.clone(),
            parts: Vec::new(),
            started: started.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            load_ms: millis(measured.load),
            total_ms: millis(measured.total),
            ended: match &measured.guarded {
                Some(_) => Ended::Guarded,
                None if measured.stopped => Ended::Interrupted,
                None => Ended::Completed,
            },
            guarded: measured.guarded,
            threads: settings.threads,
        },
        environment: environment::fingerprint(),
        servers: servers.iter().map(Connected::presented).collect(),
        recording: measured.recording,
    }
}
