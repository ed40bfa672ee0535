//! What is kept of a request that is among the slowest.

use super::iteration::Running;
use crate::plan::takes::Taker;
use crate::record::{Sample, SlowRequest};
use crate::transport::{Connector, Exchange};

/// A request that has ended, by itself. Its parameters are those that the user
/// rendered last. Hardly any request comes here.
#[cold]
pub(super) fn slow<C: Connector>(
    run: &Running<'_, C>,
    series: usize,
    due_ns: u64,
    exchange: &Exchange,
    sample: &Sample<'_>,
    tags: &[String],
) -> SlowRequest {
    SlowRequest {
        series,
        latency_ns: sample.latency,
        due_ms: due_ns / 1_000_000,
        iteration: match run.taker {
            Taker::Iteration(index) => Some(index),
            Taker::Before(_) | Taker::After(_) => None,
        },
        user: run.user.id,
        server: run.user.peer.server,
        service_ns: sample.service,
        wait_ns: sample.wait,
        first_byte_ns: sample.first_byte,
        connect_ns: exchange.connect.map(|took| u64::try_from(took.as_nanos()).unwrap_or(u64::MAX)),
        bytes_in: sample.bytes_in,
        bytes_out: sample.bytes_out,
        tags: tags.to_vec(),
        params: SlowRequest::excerpt(&run.user.params),
    }
}
