//! MCP sessions that virtual users share.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use tokio::sync::Mutex;
use tokio::time::Instant;

use super::cache::Cache;
use super::shard::{Shard, part_of};
use super::user::{Peer, Peers};
use crate::plan::{Plan, Sessions};
use crate::record::Phase;
use crate::transport::{Client, Connector, OpenError};

/// One MCP session, opened by the first user that needs it. Each user of it has
/// a client of its own.
pub(super) struct SharedSession<K> {
    /// Its server.
    pub(super) peer: Peer,
    /// From 0, unique in its scenario.
    number: u64,
    /// Opens and ends the session, and sends nothing else.
    owner: Mutex<K>,
    /// What its users were let keep, where they keep anything: a session hears what
    /// has changed for all of them.
    cache: Rc<RefCell<Cache>>,
    /// How many it has been: one that is lost is followed by another.
    opened: Cell<u64>,
    /// Whether the server does not know it any more.
    lost: Cell<bool>,
}

impl<K: Client> SharedSession<K> {
    /// This thread's sessions of one scenario; none unless it shares them.
    pub(super) fn of<C: Connector<Client = K>>(
        plan: &Plan,
        index: usize,
        connectors: &[C],
        part: (u64, u64),
    ) -> Vec<SharedSession<K>> {
        let Some(scenario) = plan.scenarios.get(index) else { return Vec::new() };
        let Sessions::Shared(count) = scenario.sessions else { return Vec::new() };
        let mut peers = Peers::of(plan, index);
        let session = |number| {
            let number = number * part.1 + part.0;
            let peer = peers.peer(number)?;
            let owner = connectors.get(peer.server)?.client_of(peer.share);
            Some(SharedSession {
                peer,
                number,
                owner: Mutex::new(owner),
                cache: Rc::default(),
                opened: Cell::new(0),
                lost: Cell::new(false),
            })
        };
        (0..part_of(count, part)).filter_map(session).collect()
    }

    /// A client on this session, which is opened if it is not, and its number. One
    /// that is lost is replaced, where the scenario says so.
    pub(super) async fn join<C: Connector<Client = K>>(
        &self,
        shard: &Shard<C>,
        scenario: usize,
        phase: Phase,
    ) -> Result<(K, u64), OpenError> {
        // Whoever comes while it is being opened waits for it.
        let mut owner = self.owner.lock().await;
        if self.lost.get()
            && shard.renews(scenario)
            && let Some(connector) = shard.connectors.get(self.peer.server)
        {
            *owner = connector.client_of(self.peer.share);
        }
        if !owner.is_open() {
            owner.number(shard.ids(scenario, self.number, self.opened.get()));
            let opened = owner.open().await?;
            self.cache.take();
            if shard.holds_stream(scenario) {
                owner.hold_stream().await;
            }
            shard.opened(scenario, phase, &opened);
            self.opened.set(self.opened.get() + 1);
            self.lost.set(false);
        }
        Ok((owner.sibling(), self.opened.get()))
    }

    /// Notes that the server does not know session `number` any more. Returns
    /// whether nobody had noted it before.
    pub(super) fn lose(&self, number: u64) -> bool {
        number == self.opened.get() && !self.lost.replace(true)
    }

    /// What its users were let keep.
    pub(super) fn cache(&self) -> Rc<RefCell<Cache>> {
        Rc::clone(&self.cache)
    }

    /// Ends it, if it is open.
    pub(super) async fn close<C: Connector<Client = K>>(&self, shard: &Shard<C>, scenario: usize) {
        let mut owner = self.owner.lock().await;
        // Who knows that it is lost has nothing to end.
        if !owner.is_open() || (self.lost.get() && shard.renews(scenario)) {
            return;
        }
        let begun = Instant::now();
        // A server that refuses to end a session does no harm to the run.
        if owner.close().await.is_ok() {
            shard.closed(scenario, begun);
        }
    }
}
