//! A virtual user: one MCP client, its session, and what its flow saved.

use std::cell::{RefCell, RefMut};
use std::rc::Rc;

use rand::Rng;
use tokio::time::Instant;

use super::cache::Cache;
use super::isolation::Past;
use super::shard::Shard;
use crate::expr::Value;
use crate::plan::mix::Dealer;
use crate::plan::random::{Purpose, stream};
use crate::plan::{Plan, Server};
use crate::record::Phase;
use crate::transport::{Client, Connector, OpenError, Revision};

/// Whom a user speaks to, and how.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer {
    /// Index of the server in the plan.
    pub(super) server: usize,
    /// Which of the server's revisions, if there are several.
    pub(super) share: usize,
}

/// Deals peers to the users of one scenario.
pub(super) struct Peers {
    targets: Dealer,
    /// By server; `None` where all users speak the same revision.
    revisions: Vec<Option<Dealer>>,
}

impl Peers {
    pub(super) fn of(plan: &Plan, index: usize) -> Peers {
        let targets = plan.scenarios.get(index).map(|scenario| scenario.targets.as_slice()).unwrap_or_default();
        let mixed = |(number, server): (usize, &Server)| {
            let shares = Some(&server.revisions).filter(|shares| !shares.is_empty())?;
            Some(Dealer::of_revisions(plan.seed, index, number, shares))
        };
        let revisions = plan.servers.iter().enumerate().map(mixed).collect();
        Peers { targets: Dealer::of_targets(plan.seed, index, targets), revisions }
    }

    /// The peer of user number `id`, or of the session of that number where users
    /// share sessions. Of the users of each server, every bag holds the exact
    /// shares of its revisions.
    pub(super) fn peer(&mut self, id: u64) -> Option<Peer> {
        let server = self.targets.flow(id)?;
        let share = match self.revisions.get_mut(server) {
            Some(Some(dealer)) => dealer.flow(self.targets.rank(id)?)?,
            _ => 0,
        };
        Some(Peer { server, share })
    }
}

/// A virtual user. It lives on one thread for good.
pub(super) struct User<K> {
    /// From 0, unique in its scenario.
    pub(super) id: u64,
    pub(super) client: K,
    /// More clients on its session, for requests that are under way together.
    pub(super) siblings: Vec<K>,
    /// Its server.
    pub(super) peer: Peer,
    /// The revision that it speaks.
    pub(super) revision: Revision,
    /// From 0.
    pub(super) iteration: u64,
    /// MCP sessions it has had.
    sessions: u64,
    /// Whether the server has said that it does not know the session any more.
    lost: bool,
    /// Which one of those that it shares its session is, in the order of their
    /// opening.
    joined: u64,
    /// Whether it has performed what its scenario asks of a user before its
    /// first iteration.
    pub(super) prepared: bool,
    /// Its next iteration begins no earlier.
    pub(super) not_before: Option<Instant>,
    /// Rows taken in this iteration, for each data of the plan.
    pub(super) taken: Vec<u64>,
    /// Who it has been, where requests carry tokens.
    pub(super) past: Past,
    /// What its session let it keep; `None` where its scenario keeps nothing.
    cache: Option<Rc<RefCell<Cache>>>,
    /// Variables of the running flow.
    pub(super) locals: Vec<Option<Value>>,
    /// Where the parameters of a request are rendered.
    pub(super) params: Vec<u8>,
}

impl<K: Client> User<K> {
    /// User number `id` of a scenario, with no session yet.
    pub(super) fn new<C: Connector<Client = K>>(shard: &Shard<C>, peer: Peer, id: u64) -> Option<User<K>> {
        let connector = shard.connectors.get(peer.server)?;
        let shares = shard.plan.servers.get(peer.server).map(|server| server.revisions.as_slice());
        let stated = shares.and_then(|shares| shares.get(peer.share)?.revision.parse().ok());
        let client = connector.client_of(peer.share);
        shard.users.set(shard.users.get() + 1);
        Some(User {
            id,
            client,
            siblings: Vec::new(),
            peer,
            revision: stated.unwrap_or_else(|| connector.revision(peer.share)),
            iteration: 0,
            sessions: 0,
            lost: false,
            joined: 0,
            prepared: false,
            not_before: None,
            taken: Vec::new(),
            past: Past::default(),
            cache: None,
            locals: Vec::new(),
            params: Vec::new(),
        })
    }

    /// Opens the session, or joins the one that it shares, unless that is done. One
    /// that is lost is given up first, where the scenario says so.
    pub(super) async fn ensure_open<C: Connector<Client = K>>(
        &mut self,
        shard: &Shard<C>,
        scenario: usize,
        phase: Phase,
    ) -> Result<(), OpenError> {
        if self.must_renew(shard, scenario) {
            self.leave(shard);
        }
        if self.client.is_open() {
            return Ok(());
        }
        self.siblings.clear();
        self.lost = false;
        if let Some(shared) = shard.shared_session(scenario, self.id) {
            (self.client, self.joined) = shared.join(shard, scenario, phase).await?;
            self.cache = shard.caches(scenario, self.revision).then(|| shared.cache());
            return Ok(());
        }
        self.client.number(shard.ids(scenario, self.id, self.sessions));
        let opened = self.client.open().await?;
        self.cache = shard.caches(scenario, self.revision).then(Rc::default);
        if shard.holds_stream(scenario) {
            self.client.hold_stream().await;
        }
        self.sessions += 1;
        shard.opened(scenario, phase, &opened);
        Ok(())
    }

    /// Whether a new session has to be opened in the place of one that is lost.
    pub(super) fn must_renew<C: Connector<Client = K>>(&self, shard: &Shard<C>, scenario: usize) -> bool {
        self.lost && shard.renews(scenario)
    }

    /// Notes that the server does not know the session any more. A session is lost
    /// once, whoever notices it.
    pub(super) fn lose<C: Connector<Client = K>>(&mut self, shard: &Shard<C>, scenario: usize, phase: Phase) {
        if std::mem::replace(&mut self.lost, true) {
            return;
        }
        let shared = shard.shared_session(scenario, self.id);
        if shared.is_none_or(|shared| shared.lose(self.joined)) {
            shard.lost(scenario, phase);
        }
    }

    /// Goes on with a client that has no session.
    fn leave<C: Connector<Client = K>>(&mut self, shard: &Shard<C>) {
        if let Some(connector) = shard.connectors.get(self.peer.server) {
            self.client = connector.client_of(self.peer.share);
        }
        self.lost = false;
    }

    /// Ends the session if there is one, or leaves it behind where the scenario
    /// says so: then the server learns of it only by the end of the connection.
    /// A shared one is left to the others.
    pub(super) async fn close<C: Connector<Client = K>>(&mut self, shard: &Shard<C>, scenario: usize) {
        self.siblings.clear();
        if !self.client.is_open() {
            return;
        }
        let share = shard.plan.scenarios.get(scenario).map_or(1.0, |scenario| scenario.close);
        let left = share < 1.0 && !self.is_ended_properly(shard.plan.seed, scenario, share);
        // Who knows that it is lost has nothing to end.
        if left || self.must_renew(shard, scenario) || shard.shared_session(scenario, self.id).is_some() {
            self.leave(shard);
            return;
        }
        let begun = Instant::now();
        // A server that refuses to end a session does no harm to the run.
        if self.client.close().await.is_ok() {
            shard.closed(scenario, begun);
        }
    }

    /// What it has kept, if it keeps anything.
    pub(super) fn cache(&self) -> Option<RefMut<'_, Cache>> {
        self.cache.as_ref().map(|cache| cache.borrow_mut())
    }

    /// Has clients on its session, so that `count` requests can be under way
    /// together.
    pub(super) fn have_siblings(&mut self, count: usize) {
        while self.siblings.len() + 1 < count {
            self.siblings.push(self.client.sibling());
        }
    }

    /// Whether this session is one of the share that is ended properly.
    fn is_ended_properly(&self, seed: u64, scenario: usize, share: f64) -> bool {
        // Users have fewer sessions than this on any run; a collision would only
        // repeat a draw.
        const SESSIONS: u64 = 1 << 20;
        let index = self.id.wrapping_mul(SESSIONS).wrapping_add(self.sessions);
        stream(seed, Purpose::Close, scenario, index).random::<f64>() < share
    }
}
