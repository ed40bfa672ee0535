//! A virtual user: one MCP client, its session, and what its flow saved.

use tokio::time::Instant;

use super::shard::{Shard, nanos_between};
use crate::expr::Value;
use crate::record::Phase;
use crate::transport::{Client, Connector, OpenError};

/// A virtual user. It lives on one thread for good.
pub(super) struct User<K> {
    /// From 0, unique in its scenario.
    pub(super) id: u64,
    pub(super) client: K,
    /// From 0.
    pub(super) iteration: u64,
    /// Variables of the running flow.
    pub(super) locals: Vec<Option<Value>>,
    /// Where the parameters of a request are rendered.
    pub(super) params: Vec<u8>,
}

impl<K: Client> User<K> {
    /// User number `id` of `scenario`, with no session yet.
    pub(super) fn new<C: Connector<Client = K>>(shard: &Shard<C>, server: usize, id: u64) -> Option<User<K>> {
        let client = shard.connectors.get(server)?.client();
        shard.users.set(shard.users.get() + 1);
        Some(User { id, client, iteration: 0, locals: Vec::new(), params: Vec::new() })
    }

    /// Opens the session unless it is open.
    pub(super) async fn ensure_open<C: Connector<Client = K>>(
        &mut self,
        shard: &Shard<C>,
        scenario: usize,
        phase: Phase,
    ) -> Result<(), OpenError> {
        if self.client.is_open() {
            return Ok(());
        }
        let opened = self.client.open().await?;
        let second = shard.second(Instant::now());
        let nanos = |duration: std::time::Duration| u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        shard.recorder.borrow_mut().session(second, scenario, phase, nanos(opened.connect), nanos(opened.session));
        Ok(())
    }

    /// Ends the session if there is one.
    pub(super) async fn close<C: Connector<Client = K>>(&mut self, shard: &Shard<C>, scenario: usize) {
        if !self.client.is_open() {
            return;
        }
        let begun = Instant::now();
        // A server that refuses to end a session does no harm to the run.
        if self.client.close().await.is_ok() {
            let now = Instant::now();
            let (second, nanos) = (shard.second(now), nanos_between(begun, now));
            shard.recorder.borrow_mut().session_close(second, scenario, Phase::Measured, nanos);
        }
    }
}
