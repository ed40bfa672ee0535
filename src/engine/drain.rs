//! The end of a scenario's load: no new work begins, work under way may finish.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::Stop;
use super::shard::Shard;
use crate::plan::Scenario;
use crate::transport::Connector;

/// Lets work under way finish within the scenario's drain, then cuts it off.
pub(super) async fn drain<C: Connector>(shard: &Shard<C>, index: usize, scenario: &Scenario, mut running: JoinSet<()>) {
    // Work that was late is no reason to drain for longer than the plan says.
    let over = shard.at(scenario.end_ns()).min(Instant::now());
    let finished = tokio::select! {
        biased;
        () = finish(&mut running) => true,
        () = shard.control.reached(Stop::Kill) => false,
        () = tokio::time::sleep_until(over + Duration::from_nanos(scenario.drain_ns)) => false,
    };
    if finished {
        return;
    }
    reap(&mut running);
    let now = Instant::now();
    let end = shard.at(scenario.end_ns()).min(now);
    let (second, phase) = (shard.second(now), shard.phase(scenario, end));
    // Not the number of tasks: a closed user may only be ending its session.
    let under_way = shard.iterating.get(index).map_or(0, std::cell::Cell::get);
    shard.recorder.borrow_mut().abandoned(second, index, phase, under_way);
    running.shutdown().await;
}

/// Waits until all tasks have ended.
pub(super) async fn finish(running: &mut JoinSet<()>) {
    while let Some(joined) = running.join_next().await {
        raise(joined);
    }
}

/// Takes away tasks that have ended.
pub(super) fn reap(running: &mut JoinSet<()>) {
    while let Some(joined) = running.try_join_next() {
        raise(joined);
    }
}

/// A panic of a task is a panic of its thread, so that it is reported.
fn raise(joined: Result<(), tokio::task::JoinError>) {
    if let Err(error) = joined
        && error.is_panic()
    {
        std::panic::resume_unwind(error.into_panic());
    }
}
