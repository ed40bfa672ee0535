//! Rehearsals: whole runs in virtual time against a server that is a model.
//!
//! Invariant: contacts nothing and reads no clock: the same plan and behaviour
//! give the same results, to the byte. May import `data`, `engine`, `expr`,
//! `plan`, `record`, `results`, `transport`.

mod reply;
mod server;
#[cfg(test)]
mod tests;
mod wish;

pub use reply::{Replies, ReplyError};
pub use server::{Behaviour, Capacity, Latency, Simulated};

use std::io;
use std::sync::Arc;

use crate::data::Table;
use crate::engine::{Control, Measured, run_here};
use crate::plan::{Endpoint, Plan};
use crate::record::{Examples, Health, Slice};
use crate::results::{Ended, Environment, Results, Run, SCHEMA, SIMULATED, ServerInfo, Tool};
use crate::transport::{Connector, Revision};

/// `run.id` of every rehearsal: an own one for each would make them differ.
const RUN_ID: &str = "rehearsal";

/// A rehearsal begins at no time; this one says so.
const STARTED: &str = "1970-01-01T00:00:00Z";

/// Rehearses a plan: runs it in virtual time against one simulated server for
/// each that it names. `observe` is shown each second, and may tell the run by
/// `control` what to do.
///
/// # Errors
/// When the runtime cannot be made.
pub fn rehearse(
    plan: &Arc<Plan>,
    tables: &[Table],
    behaviour: &Behaviour,
    replies: &Replies,
    control: &Control,
    observe: impl FnMut(&Slice),
) -> io::Result<Results> {
    let servers: Vec<Simulated> = (0..plan.servers.len())
        .map(|index| Simulated::new(*behaviour, replies.clone(), plan.seed.wrapping_add(index as u64)))
        .collect();
    let measured = in_virtual_time(plan, &servers, tables, control, observe)?;
    let millis = |duration: std::time::Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    Ok(Results {
        schema: SCHEMA.to_owned(),
        tool: Tool { name: "mcpl".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() },
        plan_hash: plan.hash(),
        plan: plan.as_ref().clone(),
        run: Run {
            id: RUN_ID.to_owned(),
            parts: Vec::new(),
            started: STARTED.to_owned(),
            load_ms: millis(measured.load),
            total_ms: millis(measured.total),
            ended: if measured.guarded.is_some() { Ended::Guarded } else { Ended::Completed },
            guarded: measured.guarded,
            threads: 1,
        },
        environment: Environment { os: "virtual time".to_owned(), cpu: "none".to_owned(), ..Environment::default() },
        servers: plan.servers.iter().map(|server| info(&server.name, &server.endpoint)).collect(),
        recording: measured.recording,
    })
}

/// Runs a plan in virtual time against any servers, one connector for each of
/// the plan's. Leaves out what is real all the same, such as processor time.
///
/// # Errors
/// When the runtime cannot be made.
pub fn in_virtual_time<C: Connector>(
    plan: &Arc<Plan>,
    servers: &[C],
    tables: &[Table],
    control: &Control,
    mut observe: impl FnMut(&Slice),
) -> io::Result<Measured> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build()?;
    let look = |slice: &mut Slice, _: &Examples| {
        let Health { lag, in_flight, users, held, .. } = std::mem::take(&mut slice.health);
        slice.health = Health { lag, in_flight, users, held, ..Health::default() };
        observe(slice);
    };
    let run = run_here(plan, servers, RUN_ID, tables, control, look);
    Ok(tokio::task::LocalSet::new().block_on(&runtime, run))
}

fn info(name: &str, endpoint: &Endpoint) -> ServerInfo {
    let instead_of = match endpoint {
        Endpoint::Http { .. } | Endpoint::Sse { .. } => "an HTTP server",
        Endpoint::Stdio { .. } => "a stdio server",
        Endpoint::Builtin { .. } => "the built-in server",
    };
    ServerInfo {
        name: name.to_owned(),
        transport: SIMULATED.to_owned(),
        revision: Revision::V2026_07_28.to_string(),
        server_name: format!("a simulation of {instead_of}"),
        server_version: String::new(),
        tools: 0,
        tokens: None,
    }
}
