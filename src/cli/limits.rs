//! Open descriptors: how many a run needs and how many this machine allows.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::complaint::Complaint;
use super::{exit, process};
use crate::engine;
use crate::plan::{Endpoint, Plan, Scenario, Sessions, Step, schedule};

/// The limit is not raised beyond this, even where the machine would allow it:
/// servers that are started inherit it, and some programs walk through all
/// descriptors they may have.
const RAISED_AT_MOST: u64 = 1 << 20;

/// What a thread of the load generator has open besides connections: its
/// selector, what wakes it, and its timer.
const PER_THREAD: u64 = 4;

/// For what comes and goes: looking up a host, reports, data, the journal.
const SPARE: u64 = 16;

/// A child process has three pipes and a descriptor by which its end is known.
const PER_CHILD: u64 = 4;

/// Standard streams and what a runtime needs, where the system does not tell how
/// many descriptors are open.
const OPEN_AT_LEAST: u64 = 16;

/// Raises the limit as far as may be, and holds what the plan needs against it.
///
/// # Errors
/// When the plan needs more than there will be.
pub(super) fn prepare(plan: &Plan, threads: usize) -> Result<(), Complaint> {
    let Some(limit) = raised() else { return Ok(()) };
    let needed = need(plan, threads as u64, process::open_files().unwrap_or(OPEN_AT_LEAST));
    if needed <= limit {
        return Ok(());
    }
    let message = format!("this run needs {needed} open descriptors at once, and this machine allows it {limit}");
    let help = format!(
        "allow more with `ulimit -n {needed}` before the run, as root where that is refused (it is set for good in \
         /etc/security/limits.conf, or as LimitNOFILE of a service), or run fewer users"
    );
    // The file is right and so is the command line; the run cannot be set up.
    Err(Complaint { message, help: Some(help), code: exit::SERVER })
}

/// The limit after it was raised as far as may be; `None` without one.
fn raised() -> Option<u64> {
    let limit = getrlimit(Resource::Nofile);
    let current = limit.current?;
    let wanted = limit.maximum.unwrap_or(RAISED_AT_MOST).min(RAISED_AT_MOST);
    if wanted > current {
        let raised = Rlimit { current: Some(wanted), maximum: limit.maximum };
        // A system may refuse what it calls possible; then the limit stays.
        let _ = setrlimit(Resource::Nofile, raised);
    }
    getrlimit(Resource::Nofile).current
}

/// Descriptors that the run needs at its peak beside those that are `open`. Users
/// of open loads are counted as far as they are opened ahead: how many there will
/// be depends on the server.
fn need(plan: &Plan, threads: u64, open: u64) -> u64 {
    let peak = plan.scenarios.iter().map(|scenario| at(plan, threads, scenario.start_ns)).max().unwrap_or(0);
    open.saturating_add(SPARE).saturating_add(threads.saturating_mul(PER_THREAD)).saturating_add(peak)
}

/// Descriptors of all users at an instant.
fn at(plan: &Plan, threads: u64, instant: u64) -> u64 {
    let here =
        |scenario: &&Scenario| scenario.load.is_open() || (scenario.start_ns <= instant && instant < scenario.end_ns());
    plan.scenarios.iter().filter(here).map(|scenario| connections(plan, threads, scenario)).sum()
}

/// Descriptors of the users of one scenario.
fn connections(plan: &Plan, threads: u64, scenario: &Scenario) -> u64 {
    let users = match scenario.load.is_open() {
        true => engine::sessions_ahead(scenario.load.peak(), threads)
            .saturating_mul(threads)
            .min(scenario.max_users.unwrap_or(u64::MAX)),
        false => schedule::peak_users(&scenario.load),
    };
    // The connections of a block stay with their user, so sooner or later each
    // has as many as its widest one. Of an open load, one user may do it all.
    let width = widest(plan, scenario);
    let clients = if scenario.load.is_open() { users.saturating_add(width - 1) } else { users.saturating_mul(width) };
    // Whoever opens a shared session keeps a connection of its own.
    let (sessions, owners) = match scenario.sessions {
        Sessions::Shared(count) => (count.min(users), count.min(users)),
        _ => (users, 0),
    };
    let need = |server: usize| match plan.servers.get(server).map(|server| &server.endpoint) {
        Some(Endpoint::Stdio { .. } | Endpoint::Builtin { stdio: true, .. }) => sessions.saturating_mul(PER_CHILD),
        _ => clients.saturating_add(owners),
    };
    let slots: u64 = scenario.targets.iter().map(|target| u64::from(target.slots)).sum();
    let needs = scenario.targets.iter().map(|target| need(target.server).saturating_mul(u64::from(target.slots)));
    needs.fold(0, u64::saturating_add).div_ceil(slots.max(1))
}

/// The most requests that a user of the scenario has under way together, if all
/// its `parallel` blocks take their longest way; 1 without such blocks.
fn widest(plan: &Plan, scenario: &Scenario) -> u64 {
    let mut widest = 1;
    for flow in plan.flows_of(scenario).into_iter().filter_map(|flow| plan.flows.get(flow)) {
        flow.visit(&mut |step| {
            if let Step::Parallel(steps) = step {
                widest = widest.max(width(steps));
            }
        });
    }
    widest
}

fn width(steps: &[Step]) -> u64 {
    let of_step = |step: &Step| match step {
        Step::Request(_) => 1,
        Step::Repeat { times, steps } => width(steps).saturating_mul(u64::from(*times)),
        other => other.inner().map(width).max().unwrap_or(0),
    };
    steps.iter().map(of_step).fold(0, u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Arrivals, Branch, Flow, Load, Method, Request, Segment, Server, Share, Target};

    fn plan(users: f64, targets: Vec<Target>) -> Plan {
        let segments = vec![Segment { from: users, to: users, duration_ns: 1_000_000_000 }];
        let scenario = Scenario {
            targets,
            ..Scenario::new("a", Load::Closed { segments, work: None }, vec![Share { flow: 0, slots: 1 }])
        };
        let stdio = Endpoint::Stdio { command: vec!["server".to_owned()], env: Vec::new(), cwd: None };
        let http = Endpoint::Http { url: "http://127.0.0.1:1/".to_owned() };
        Plan {
            servers: vec![Server::new("web", http), Server::new("child", stdio)],
            scenarios: vec![scenario],
            ..Plan::default()
        }
    }

    #[test]
    fn a_child_takes_more_descriptors_than_a_connection() {
        let target = |server, slots| Target { server, slots };
        let of = |targets| at(&plan(100.0, targets), 2, 0);
        assert_eq!(of(vec![target(0, 1)]), 100);
        assert_eq!(of(vec![target(1, 1)]), 400);
        assert_eq!(of(vec![target(0, 1), target(1, 1)]), 250);
    }

    #[test]
    fn scenarios_count_together_while_both_are_there() {
        let mut plan = plan(100.0, vec![Target { server: 0, slots: 1 }]);
        plan.scenarios.push(plan.scenarios[0].clone());
        assert_eq!(need(&plan, 1, 5) - need(&plan, 0, 5), PER_THREAD);
        assert_eq!(at(&plan, 1, 0), 200);
        plan.scenarios[1].start_ns = 1_000_000_000;
        assert_eq!(at(&plan, 1, 0), 100, "one ends before the other begins");
    }

    /// A plan of 100 users whose flow has a block with up to seven requests.
    fn parallel(server: usize, sessions: Sessions) -> Plan {
        let request = || Step::Request(Box::new(Request::new(0, "a", Method::Complete)));
        let branch = |requests: usize| Branch {
            condition: None,
            source: String::new(),
            steps: (0..requests).map(|_| request()).collect(),
        };
        let block = vec![
            request(),
            Step::Repeat { times: 2, steps: vec![request(), request()] },
            Step::If(vec![branch(1), branch(2)]),
        ];
        // Steps outside a block are performed one after the other.
        let steps = vec![Step::Repeat { times: 9, steps: vec![request()] }, Step::Parallel(block)];
        let mut plan = plan(100.0, vec![Target { server, slots: 1 }]);
        plan.flows = vec![Flow { name: "f".to_owned(), doc: None, steps, locals: 0 }];
        plan.scenarios[0].sessions = sessions;
        plan
    }

    #[test]
    fn each_request_of_a_block_has_a_connection_and_no_child() {
        assert_eq!(at(&parallel(0, Sessions::PerUser), 2, 0), 700);
        assert_eq!(at(&parallel(1, Sessions::PerUser), 2, 0), 400);
        // At the start nobody knows how many users an arrival rate will have.
        let mut open = parallel(0, Sessions::PerUser);
        let segments = vec![Segment { from: 100.0, to: 100.0, duration_ns: 1_000_000_000 }];
        open.scenarios[0].load = Load::Open { segments, arrivals: Arrivals::Uniform };
        assert_eq!(at(&open, 1, 0), engine::sessions_ahead(100.0, 1) + 6);
    }

    #[test]
    fn a_shared_session_has_one_child_or_a_connection_of_its_own() {
        assert_eq!(at(&parallel(0, Sessions::Shared(3)), 2, 0), 703);
        assert_eq!(at(&parallel(1, Sessions::Shared(3)), 2, 0), 12);
        assert_eq!(at(&parallel(1, Sessions::Shared(1000)), 2, 0), 400, "each user opens one at most");
    }
}
