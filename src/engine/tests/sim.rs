//! A server that is a function, and plans and runs for it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::LocalSet;
use tokio::time::Instant;

use super::super::{Control, Measured, run_here};
use crate::expr::Template;
use crate::plan::{
    Arrivals, Endpoint, Flow, Load, Method, Plan, Request, SCHEMA, Scenario, Segment, Series, Server, Share, Step,
};
use crate::record::{Distribution, ErrorClass, Time};
use crate::transport::{
    Call, Changes, Client, Connector, Exchange, Failure, Ids, OpenError, Opened, Reply, Revision, ServerInfo,
};

pub(super) const SECOND: u64 = 1_000_000_000;

/// What the simulated server does with the request that arrives at this time.
pub(super) type Behaviour = fn(at: Duration, number: u64) -> Answered;

pub(super) enum Answered {
    After(Duration),
    Result(Duration, &'static str),
    /// After 10 ms, with this as the whole result.
    Whole(&'static str),
    /// The same, with word of what has changed.
    Telling(&'static str, fn(&mut Changes)),
    /// After all that came before it, each of which takes so long.
    Queued(Duration),
    RpcError,
    ToolError,
    Breaks,
    /// The connection had been idle for too long.
    Stale,
    NoSession,
    /// After 10 ms; but sessions opened before this are lost.
    Forgot(Duration),
}

#[derive(Clone)]
pub(super) struct Sim {
    pub(super) behaviour: Behaviour,
    pub(super) opening: Duration,
    pub(super) start: Arc<Mutex<Option<Instant>>>,
    pub(super) log: Arc<Mutex<Vec<(u64, String)>>>,
    /// The methods of the same requests.
    pub(super) methods: Arc<Mutex<Vec<String>>>,
    /// When a server that does one thing at a time is free.
    pub(super) free: Arc<Mutex<Option<Instant>>>,
    /// How each session that was opened numbers its requests.
    pub(super) ids: Arc<Mutex<Vec<Ids>>>,
}

impl Sim {
    pub(super) fn new(behaviour: Behaviour) -> Sim {
        Sim {
            behaviour,
            opening: Duration::from_millis(3),
            start: Arc::default(),
            log: Arc::default(),
            methods: Arc::default(),
            free: Arc::default(),
            ids: Arc::default(),
        }
    }

    pub(super) fn elapsed(&self) -> Duration {
        let mut start = self.start.lock().unwrap();
        start.get_or_insert_with(Instant::now).elapsed()
    }

    /// What was asked for, in order, and when, in milliseconds.
    pub(super) fn asked(&self) -> Vec<(u64, String)> {
        let times = self.log.lock().unwrap().iter().map(|(at, _)| at / 1_000_000).collect::<Vec<_>>();
        times.into_iter().zip(self.methods.lock().unwrap().clone()).collect()
    }

    pub(super) fn sent(&self) -> Vec<String> {
        self.log.lock().unwrap().iter().map(|(_, params)| params.clone()).collect()
    }
}

pub(super) struct SimClient {
    pub(super) sim: Sim,
    pub(super) open: bool,
    pub(super) opened: Duration,
}

impl Connector for Sim {
    type Client = SimClient;
    fn client(&self) -> SimClient {
        SimClient { sim: self.clone(), open: false, opened: Duration::ZERO }
    }
}

impl Client for SimClient {
    async fn open(&mut self) -> Result<Opened, OpenError> {
        if let Answered::NoSession = (self.sim.behaviour)(self.sim.elapsed(), 0) {
            return Err(OpenError::Connect(Failure::Connect("connection refused".to_owned())));
        }
        tokio::time::sleep(self.sim.opening).await;
        self.open = true;
        self.opened = self.sim.elapsed();
        Ok(Opened {
            connect: Duration::from_millis(1),
            session: Duration::from_millis(2),
            server: ServerInfo::default(),
            revision: Revision::V2026_07_28,
            capabilities: serde_json::Value::Null,
        })
    }

    fn is_open(&self) -> bool {
        self.open
    }

    fn number(&mut self, ids: Ids) {
        self.sim.ids.lock().unwrap().push(ids);
    }

    fn sibling(&mut self) -> SimClient {
        SimClient { sim: self.sim.clone(), ..*self }
    }

    async fn call(&mut self, call: Call<'_>) -> Exchange {
        let at = self.sim.elapsed();
        let number = {
            let mut log = self.sim.log.lock().unwrap();
            log.push((u64::try_from(at.as_nanos()).unwrap(), String::from_utf8(call.params.to_vec()).unwrap()));
            self.sim.methods.lock().unwrap().push(call.method.to_owned());
            log.len() as u64 - 1
        };
        let written = Instant::now();
        let answered = (self.sim.behaviour)(at, number);
        let (wait, message) = match answered {
            Answered::After(wait) => (wait, Ok(r#"{"jsonrpc":"2.0","id":1,"result":{"content":[]}}"#.to_owned())),
            Answered::Queued(work) => {
                let mut free = self.sim.free.lock().unwrap();
                let done = free.unwrap_or(written).max(written) + work;
                *free = Some(done);
                (done - written, Ok(r#"{"jsonrpc":"2.0","id":1,"result":{"content":[]}}"#.to_owned()))
            }
            Answered::Result(wait, result) => {
                (wait, Ok(format!(r#"{{"jsonrpc":"2.0","id":1,"result":{{"structuredContent":{result}}}}}"#)))
            }
            Answered::Whole(result) | Answered::Telling(result, _) => {
                (Duration::from_millis(10), Ok(format!(r#"{{"jsonrpc":"2.0","id":1,"result":{result}}}"#)))
            }
            Answered::RpcError => {
                let error = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"no such tool"}}"#;
                (Duration::ZERO, Ok(error.to_owned()))
            }
            Answered::ToolError => {
                let result = r#"{"isError":true,"content":[{"type":"text","text":"no such rule"}]}"#;
                (Duration::ZERO, Ok(format!(r#"{{"jsonrpc":"2.0","id":1,"result":{result}}}"#)))
            }
            Answered::Stale => (Duration::ZERO, Err(Failure::Stale)),
            Answered::Forgot(before) if self.opened < before => {
                (Duration::from_millis(10), Err(Failure::SessionLost { excerpt: String::new() }))
            }
            Answered::Forgot(_) => {
                (Duration::from_millis(10), Ok(r#"{"jsonrpc":"2.0","id":1,"result":{"content":[]}}"#.to_owned()))
            }
            Answered::Breaks | Answered::NoSession => {
                (Duration::ZERO, Err(Failure::Transport("the server closed the connection".to_owned())))
            }
        };
        let mut changes = Changes::default();
        if let Answered::Telling(_, tell) = answered {
            tell(&mut changes);
        }
        let cancelled = call.cancel.filter(|after| *after < call.timeout);
        let patience = cancelled.unwrap_or(call.timeout);
        tokio::time::sleep(wait.min(patience)).await;
        let outcome = if wait > patience {
            Err(cancelled.map_or(Failure::Timeout { after: call.timeout }, |after| Failure::Cancelled { after }))
        } else {
            message.map(|text| Reply::from_message(text.into_bytes().into()).unwrap())
        };
        Exchange {
            written: Some(written),
            first_byte: Some(Instant::now()),
            done: Instant::now(),
            outcome,
            changes,
            ..Exchange::unsent(Failure::Stale)
        }
    }

    async fn close(&mut self) -> Result<Duration, Failure> {
        self.open = false;
        Ok(Duration::ZERO)
    }
}

pub(super) fn request(params: &str) -> Request {
    let method = Method::Call { tool: "echo".to_owned() };
    Request { params: Template::raw(params), ..Request::new(0, "echo", method) }
}

pub(super) fn plan(load: Load, steps: Vec<Step>) -> Plan {
    let requests = steps.iter().filter(|step| matches!(step, Step::Request(_))).count();
    let series = |step: usize| Series { step: format!("step-{step}"), kind: "call".to_owned(), ..Series::default() };
    Plan {
        schema: SCHEMA.to_owned(),
        name: "test".to_owned(),
        seed: 1,
        servers: vec![Server {
            timeout_ns: 5 * SECOND,
            connect_timeout_ns: SECOND,
            ..Server::new("sim", Endpoint::Http { url: "http://127.0.0.1:1/mcp".to_owned() })
        }],
        flows: vec![Flow { name: "flow".to_owned(), doc: None, steps, locals: 2 }],
        scenarios: vec![Scenario::new("main", load, vec![Share { flow: 0, slots: 1 }])],
        series: (0..requests).map(series).collect(),
        expectations: vec!["label".to_owned()],
        ..Plan::default()
    }
}

pub(super) fn open(segments: Vec<Segment>) -> Load {
    Load::Open { segments, arrivals: Arrivals::Uniform }
}

pub(super) fn level(level: f64, seconds: u64) -> Segment {
    Segment { from: level, to: level, duration_ns: seconds * SECOND }
}

pub(super) fn simulate(plan: Plan, sim: &Sim) -> Measured {
    simulate_until(plan, sim, None)
}

/// Runs in virtual time; `stop` says when somebody stops the run.
pub(super) fn simulate_until(plan: Plan, sim: &Sim, stop: Option<Duration>) -> Measured {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    LocalSet::new().block_on(&runtime, async {
        let control = Control::new();
        if let Some(after) = stop {
            let control = control.clone();
            tokio::task::spawn_local(async move {
                tokio::time::sleep(after).await;
                control.stop();
            });
        }
        run_here(&Arc::new(plan), std::slice::from_ref(sim), "run-1", &[], &control, |_, _| {}).await
    })
}

pub(super) fn times(measured: &Measured, time: Time) -> Distribution {
    let mut sum = Distribution::new();
    for row in measured.recording.seconds.iter().flat_map(|slice| &slice.series) {
        assert!(sum.add_frozen(&row.times[time as usize]) || row.times[time as usize].is_empty());
    }
    sum
}

pub(super) fn errors(measured: &Measured, class: ErrorClass) -> u64 {
    let rows = measured.recording.seconds.iter().flat_map(|slice| &slice.series);
    rows.filter_map(|row| row.counts.errors.get(&class)).sum()
}

pub(super) fn requests(measured: &Measured) -> u64 {
    measured.recording.seconds.iter().flat_map(|slice| &slice.series).map(|row| row.counts.requests).sum()
}

pub(super) fn scenario_sum(measured: &Measured, field: fn(&crate::record::ScenarioRow) -> u64) -> u64 {
    measured.recording.seconds.iter().flat_map(|slice| &slice.scenarios).map(field).sum()
}

pub(super) fn one_call() -> Vec<Step> {
    vec![Step::Request(Box::new(request(r#"{"name":"echo"}"#)))]
}
