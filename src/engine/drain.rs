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
    let finish = async {
        while let Some(joined) = running.join_next().await {
            if let Err(error) = joined
                && error.is_panic()
            {
                std::panic::resume_unwind(error.into_panic());
            }
        }
    };
    let finished = tokio::select! {
        biased;
        () = finish => true,
        () = shard.control.reached(Stop::Kill) => false,
        () = tokio::time::sleep(Duration::from_nanos(scenario.drain_ns)) => false,
    };
    if finished {
        return;
    }
    while running.try_join_next().is_some() {}
    let now = Instant::now();
    let end = shard.at(scenario.load.duration_ns()).min(now);
    let (second, phase) = (shard.second(now), shard.phase(scenario, end));
    shard.recorder.borrow_mut().abandoned(second, index, phase, running.len() as u64);
    running.shutdown().await;
}
