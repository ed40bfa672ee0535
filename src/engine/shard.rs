//! What the tasks of one thread share.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rand::Rng as _;
use regex::Regex;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use super::isolation::Tokens;
use super::session::SharedSession;
use super::{Control, Promises, Stop};
use crate::data::Table;
use crate::expr::{Expr, Function};
use crate::plan::mix::Dealer;
use crate::plan::random::{Purpose, stream};
use crate::plan::takes::{Taker, Takes};
use crate::plan::{self, LostSession, Plan, Scenario, rows, schedule};
use crate::record::{Phase, Recorder, Shape};
use crate::transport::{Answers, Connector, Ids, Opened, Revision};

/// What all threads of a run are given.
#[derive(Clone, Debug)]
pub(super) struct Shared {
    pub(super) run_id: String,
    pub(super) tables: Vec<Table>,
    pub(super) claimed: Arc<[AtomicU64]>,
    /// Requests sent, over all threads; counted where the guard limits them.
    sent: Arc<AtomicU64>,
    promises: Option<Arc<Promises>>,
}

impl Shared {
    pub(super) fn new(plan: &Plan, run_id: &str, tables: &[Table]) -> Shared {
        let claimed = plan.scenarios.iter().map(|_| AtomicU64::new(0)).collect();
        let (run_id, tables) = (run_id.to_owned(), tables.to_vec());
        Shared { run_id, tables, claimed, sent: Arc::default(), promises: None }
    }

    /// The same with what tools have promised.
    pub(super) fn with(self, promises: &Arc<Promises>) -> Shared {
        Shared { promises: Some(Arc::clone(promises)).filter(|promises| !promises.is_empty()), ..self }
    }
}

/// One thread's part of a run. All of it lives on that thread.
pub(super) struct Shard<C: Connector> {
    pub(super) plan: Arc<Plan>,
    pub(super) connectors: Vec<C>,
    /// What is answered to the questions of each server.
    pub(super) answers: Vec<Answers>,
    /// Which part of how many.
    pub(super) part: (u64, u64),
    pub(super) run_id: String,
    pub(super) control: Control,
    pub(super) precise: bool,
    pub(super) recorder: RefCell<Recorder>,
    pub(super) patterns: Patterns,
    /// By which answers are told apart; `None` where no request carries one.
    pub(super) tokens: Option<Tokens>,
    pub(super) in_flight: Cell<u64>,
    /// Iterations under way, for each scenario.
    pub(super) iterating: Vec<Cell<u64>>,
    pub(super) users: Cell<u64>,
    /// Users of open loads on this thread, and how many there may be.
    open_users: Cell<u64>,
    open_users_max: u64,
    /// Index of the first series of each flow in each scenario.
    first_series: Vec<Vec<Option<usize>>>,
    /// Rows of the plan's data.
    tables: Vec<Table>,
    /// Deals to the iterations of each scenario whether they list tools first.
    lists: Vec<Option<RefCell<Dealer>>>,
    /// Draws of each scenario.
    takes: Vec<RefCell<Takes>>,
    /// Iterations that users of each scenario have claimed, over all threads.
    pub(super) claimed: Arc<[AtomicU64]>,
    start: Cell<Instant>,
    /// Before the load begins, all that happens belongs to second 0.
    begun: Cell<bool>,
    /// Time between two requests of closed loads on this thread, where the guard
    /// has a `max rate`.
    guard_gap: Option<Duration>,
    /// When the guard's `max rate` lets the next request of a closed load pass.
    next_allowed: Cell<Instant>,
    /// This thread's part of the requests that the guard allows to be under way.
    slots: Option<Semaphore>,
    /// Requests that waited for one since the last second was handed over.
    pub(super) held: Cell<u64>,
    sent: Arc<AtomicU64>,
    /// What tools have promised; `None` where none has.
    pub(super) promises: Option<Arc<Promises>>,
    /// Series of which an answer was held against that.
    pub(super) inspected: RefCell<BTreeSet<usize>>,
    /// MCP sessions that users share, for each scenario.
    pub(super) sessions: Vec<Vec<SharedSession<C::Client>>>,
}

impl<C: Connector> Shard<C> {
    pub(super) fn new(
        plan: Arc<Plan>,
        connectors: Vec<C>,
        part: (u64, u64),
        shared: Shared,
        control: Control,
        precise: bool,
    ) -> Rc<Shard<C>> {
        let shape = Shape {
            series: plan.series.len(),
            scenarios: plan.scenarios.len(),
            expectations: plan.expectations.len(),
            groups: plan.groups.len(),
            measures: plan.measures.len(),
        };
        let first_series = (0..plan.scenarios.len())
            .map(|scenario| (0..plan.flows.len()).map(|flow| plan.first_series(scenario, flow)).collect())
            .collect();
        let takes = (0..plan.scenarios.len()).map(|scenario| RefCell::new(Takes::new(&plan, scenario))).collect();
        let lists = plan.scenarios.iter().enumerate().map(|(index, scenario)| {
            Some(RefCell::new(Dealer::of_lists(plan.seed, index, scenario.habits.list_before_call?)))
        });
        let lists = lists.collect();
        let now = Instant::now();
        let plan_iterating = plan.scenarios.iter().map(|_| Cell::new(0)).collect();
        // What the guard allows over all scenarios, less what closed loads need.
        let closed: u64 = plan.scenarios.iter().map(|scenario| schedule::peak_users(&scenario.load)).sum();
        let open_users_max = plan.guard.max_users.map_or(u64::MAX, |most| part_of(most.saturating_sub(closed), part));
        #[expect(clippy::cast_precision_loss, reason = "a number of threads")]
        let gap = |rate: f64| Duration::try_from_secs_f64(part.1 as f64 / rate).ok();
        let guard_gap = plan.closed_rate().and_then(gap);
        let slots = plan.guard.max_in_flight.map(|most| part_of(most, part));
        let sessions = (0..plan.scenarios.len()).map(|index| SharedSession::of(&plan, index, &connectors, part));
        Rc::new(Shard {
            guard_gap,
            slots: slots.map(|slots| Semaphore::new(usize::try_from(slots).unwrap_or(Semaphore::MAX_PERMITS))),
            held: Cell::new(0),
            sent: shared.sent,
            promises: shared.promises,
            inspected: RefCell::default(),
            sessions: sessions.collect(),
            patterns: Patterns::of(&plan),
            tokens: makes_tokens(&plan).then(|| Tokens::new(plan.seed)),
            recorder: RefCell::new(Recorder::new(shape)),
            first_series,
            lists,
            takes,
            tables: shared.tables,
            claimed: shared.claimed,
            answers: plan.servers.iter().map(super::answers).collect(),
            plan,
            connectors,
            part,
            run_id: shared.run_id,
            control,
            precise,
            in_flight: Cell::new(0),
            users: Cell::new(0),
            open_users: Cell::new(0),
            open_users_max,
            start: Cell::new(now),
            begun: Cell::new(false),
            iterating: plan_iterating,
            next_allowed: Cell::new(now),
        })
    }

    /// The instant from which the schedule counts.
    pub(super) fn begin(&self, start: Instant) {
        self.start.set(start);
        self.begun.set(true);
        self.next_allowed.set(start);
    }

    /// This thread's part of something that is spread over all.
    pub(super) fn own_part(&self, whole: u64) -> u64 {
        part_of(whole, self.part)
    }

    /// The MCP session that a user of a scenario shares with others, if it does.
    pub(super) fn shared_session(&self, scenario: usize, user: u64) -> Option<&SharedSession<C::Client>> {
        let sessions = self.sessions.get(scenario).filter(|sessions| !sessions.is_empty())?;
        sessions.get(usize::try_from(user / self.part.1).ok()? % sessions.len())
    }

    /// Records that an MCP session was opened.
    pub(super) fn opened(&self, scenario: usize, phase: Phase, opened: &Opened) {
        let nanos = |duration: Duration| u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        let (connect, session) = (nanos(opened.connect), nanos(opened.session));
        let second = self.second(Instant::now());
        self.recorder.borrow_mut().session(second, scenario, phase, connect, session);
    }

    /// Records that an MCP session was ended, which began at `begun`.
    pub(super) fn closed(&self, scenario: usize, begun: Instant) {
        let now = Instant::now();
        let (second, nanos) = (self.second(now), nanos_between(begun, now));
        self.recorder.borrow_mut().session_close(second, scenario, Phase::Measured, nanos);
    }

    /// Counts an MCP session that the server did not know any more.
    pub(super) fn lost(&self, scenario: usize, phase: Phase) {
        let second = self.second(Instant::now());
        self.recorder.borrow_mut().session_lost(second, scenario, phase);
    }

    /// How requests are numbered in session `nth` of user `owner`, or of the shared
    /// session of that number.
    pub(super) fn ids(&self, scenario: usize, owner: u64, nth: u64) -> Ids {
        // Nobody has so many sessions on any run; a collision would only repeat ids.
        const SESSIONS: u64 = 1 << 20;
        match self.plan.scenarios.get(scenario).map(|scenario| scenario.habits.ids).unwrap_or_default() {
            plan::Ids::Counting => Ids::Counting,
            plan::Ids::Constant => Ids::Constant,
            plan::Ids::Text => {
                let index = owner.wrapping_mul(SESSIONS).wrapping_add(nth);
                Ids::Text(stream(self.plan.seed, Purpose::Ids, scenario, index).random())
            }
        }
    }

    /// The flow that lists tools before the first call of iteration `index`, if it is
    /// one of those in which that is done.
    pub(super) fn lists_first(&self, scenario: usize, index: u64) -> Option<usize> {
        let dealer = self.lists.get(scenario)?.as_ref()?;
        let flow = self.plan.scenarios.get(scenario)?.habits.list_before_call?.flow;
        (dealer.borrow_mut().flow(index)? == 1).then_some(flow)
    }

    /// Whether the users of a scenario open a new session once theirs is lost.
    pub(super) fn renews(&self, scenario: usize) -> bool {
        let scenario = self.plan.scenarios.get(scenario);
        scenario.is_some_and(|scenario| scenario.habits.lost_session == LostSession::Renew)
    }

    /// Whether the guard allows one more user of an open load; counts it if so.
    pub(super) fn may_open_user(&self) -> bool {
        let users = self.open_users.get();
        let may = users < self.open_users_max;
        self.open_users.set(users + u64::from(may));
        may
    }

    /// The instant `nanos` after the start.
    pub(super) fn at(&self, nanos: u64) -> Instant {
        self.start.get() + Duration::from_nanos(nanos)
    }

    /// Nanoseconds from the start to `instant`; 0 before the start.
    pub(super) fn nanos(&self, instant: Instant) -> u64 {
        nanos_between(self.start.get(), instant)
    }

    /// The second of the run that `instant` lies in.
    pub(super) fn second(&self, instant: Instant) -> u32 {
        if !self.begun.get() {
            return 0;
        }
        u32::try_from(self.nanos(instant) / 1_000_000_000).unwrap_or(u32::MAX)
    }

    /// Whether work that is due at `instant` counts.
    pub(super) fn phase(&self, scenario: &Scenario, instant: Instant) -> Phase {
        if self.nanos(instant) < scenario.measured_from_ns() { Phase::Warmup } else { Phase::Measured }
    }

    /// Whether the users of a scenario hold the stream of their sessions open.
    pub(super) fn holds_stream(&self, scenario: usize) -> bool {
        self.plan.scenarios.get(scenario).is_some_and(|scenario| scenario.hold_stream)
    }

    /// Whether users of this revision keep what the server lets be cached.
    pub(super) fn caches(&self, scenario: usize, revision: Revision) -> bool {
        revision.is_modern() && self.plan.scenarios.get(scenario).is_some_and(|scenario| scenario.cache_hints)
    }

    /// Index of the first series of `flow` in `scenario`.
    pub(super) fn first_series(&self, scenario: usize, flow: usize) -> Option<usize> {
        self.first_series.get(scenario)?.get(flow).copied().flatten()
    }

    /// Take number `nth` from `data` by `taker`: `None` when there are no more
    /// rows.
    pub(super) fn take(&self, scenario: usize, data: usize, taker: Taker, nth: u64) -> Option<serde_json::Value> {
        let draw = self.takes.get(scenario)?.borrow_mut().draw(data, taker, nth)?;
        let (of, table) = (self.plan.data.get(data)?, self.tables.get(data)?);
        table.row(rows::row(of.order, of.at_end, self.plan.seed, data, draw, table.len())?)
    }

    /// Waits until the guard's `max rate` lets one more request of a closed
    /// load pass. An open load was checked against it before the start.
    pub(super) async fn pass_guard(&self) {
        let Some(gap) = self.guard_gap else { return };
        let turn = self.next_allowed.get().max(Instant::now());
        self.next_allowed.set(turn + gap);
        tokio::time::sleep_until(turn).await;
    }

    /// Waits until the guard's `max in_flight` lets one more request be under
    /// way; it is for as long as the permit lives.
    pub(super) async fn pass_slot(&self) -> Option<SemaphorePermit<'_>> {
        let slots = self.slots.as_ref()?;
        if let Ok(permit) = slots.try_acquire() {
            return Some(permit);
        }
        self.held.set(self.held.get() + 1);
        // It is never closed.
        slots.acquire().await.ok()
    }

    /// Whether the guard's `max requests` allows one more; stops the run if not.
    pub(super) fn may_send(&self) -> bool {
        let Some(most) = self.plan.guard.max_requests else { return true };
        if self.sent.fetch_add(1, Ordering::Relaxed) < most {
            return true;
        }
        self.control.guard(Stop::Drain, || {
            let second = self.second(Instant::now());
            format!("`max requests {most}`: all of them were sent by second {second}")
        });
        false
    }
}

/// One part of `whole`, which is spread over the threads as evenly as can be.
pub(super) fn part_of(whole: u64, (part, of): (u64, u64)) -> u64 {
    if whole == u64::MAX { whole } else { whole / of + u64::from(part < whole % of) }
}

/// Nanoseconds from `from` to `to`; 0 if that is negative.
pub(super) fn nanos_between(from: Instant, to: Instant) -> u64 {
    u64::try_from(to.saturating_duration_since(from).as_nanos()).unwrap_or(u64::MAX)
}

/// Whether any expression is one with `unique()`.
fn makes_tokens(plan: &Plan) -> bool {
    let mut found = false;
    let mut look = |part: &Expr| found |= matches!(part, Expr::Call(Function::Unique, _));
    for flow in &plan.flows {
        flow.visit(&mut |step| step.exprs().into_iter().for_each(|expr| expr.visit(&mut look)));
    }
    found
}

/// The regular expressions of a plan, compiled once.
#[derive(Debug, Default)]
pub(super) struct Patterns {
    compiled: BTreeMap<String, Regex>,
}

impl Patterns {
    fn of(plan: &Plan) -> Patterns {
        let mut patterns = Patterns::default();
        for flow in &plan.flows {
            flow.visit(&mut |step| step.exprs().into_iter().for_each(|expr| patterns.collect(expr)));
        }
        patterns
    }

    fn collect(&mut self, expr: &crate::expr::Expr) {
        expr.visit(&mut |part| {
            if let crate::expr::Expr::Matches(_, pattern) = part
                && let Ok(regex) = Regex::new(pattern)
            {
                self.compiled.insert(pattern.clone(), regex);
            }
        });
    }

    pub(super) fn get(&self, pattern: &str) -> Option<Regex> {
        self.compiled.get(pattern).cloned()
    }
}
