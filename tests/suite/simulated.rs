//! Whole runs in virtual time against a simulated server: from the text of
//! `tests/corpus/run/*.mcpl` to the summary beside it, equal to the byte.
//! `UPDATE=1` rewrites the summaries.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use mcpl::data::Table;
use mcpl::engine::Control;
use mcpl::plan::Plan;
use mcpl::record::Slice;
use mcpl::rehearse::{Behaviour, Latency, Replies, in_virtual_time, rehearse};
use mcpl::report::{Format, Style, render};
use mcpl::results::{Ended, Environment, Results, Run, SCHEMA, ServerInfo, Tool};
use mcpl::transport::{
    Call, Client, Connector, Exchange, Failure, OpenError, Opened, Reply, Revision, ServerInfo as Server,
};
use mcpl::units::Quantity;
use mcpl::verdict;
use tokio::time::Instant;

use crate::support;

/// The n-th request takes 5 ms plus n mod 7 ms; each 50th fails; from second 4 to
/// second 5 nothing is answered.
#[derive(Clone, Default)]
struct Sim {
    number: Arc<AtomicU64>,
    /// When the first request arrived.
    begun: Arc<OnceLock<Instant>>,
}

struct SimClient {
    sim: Sim,
    open: bool,
}

impl Connector for Sim {
    type Client = SimClient;
    fn client(&self) -> SimClient {
        SimClient { sim: self.clone(), open: false }
    }
}

impl Client for SimClient {
    async fn open(&mut self) -> Result<Opened, OpenError> {
        tokio::time::sleep(Duration::from_millis(2)).await;
        self.open = true;
        Ok(Opened {
            connect: Duration::from_millis(1),
            session: Duration::from_millis(1),
            server: Server::default(),
            revision: Revision::V2025_11_25,
            capabilities: serde_json::Value::Null,
        })
    }

    fn is_open(&self) -> bool {
        self.open
    }

    fn sibling(&mut self) -> SimClient {
        SimClient { sim: self.sim.clone(), open: self.open }
    }

    async fn call(&mut self, call: Call<'_>) -> Exchange {
        let begun = *self.sim.begun.get_or_init(Instant::now);
        let number = self.sim.number.fetch_add(1, Ordering::Relaxed);
        let written = Instant::now();
        let mut wait = Duration::from_millis(5 + number % 7);
        let at = written - begun;
        if (Duration::from_secs(4)..Duration::from_secs(5)).contains(&at) {
            wait += Duration::from_secs(5) - at;
        }
        tokio::time::sleep(wait.min(call.timeout)).await;
        let message = if number % 50 == 49 {
            r#"{"jsonrpc":"2.0","id":1,"result":{"isError":true,"content":[{"type":"text","text":"out of rules"}]}}"#
        } else {
            r#"{"jsonrpc":"2.0","id":1,"result":{"structuredContent":{"id":"a"},"content":[]}}"#
        };
        let outcome = if wait > call.timeout {
            Err(Failure::Timeout { after: call.timeout })
        } else {
            Ok(Reply::from_message(message.as_bytes().to_vec().into()).unwrap())
        };
        Exchange {
            written: Some(written),
            first_byte: Some(Instant::now()),
            done: Instant::now(),
            bytes_in: message.len() as u64,
            bytes_out: call.params.len() as u64,
            outcome,
            ..Exchange::unsent(Failure::Stale)
        }
    }

    async fn close(&mut self) -> Result<Duration, Failure> {
        Ok(Duration::ZERO)
    }
}

fn compile(path: &Path) -> (Plan, Vec<Table>) {
    let text = fs::read_to_string(path).unwrap();
    let lowered = support::compile_in(path.parent().unwrap(), "test.mcpl", &text, &[]).lowered;
    let plan = lowered.plan.unwrap_or_else(|| panic!("{}: {:#?}", path.display(), lowered.diagnostics));
    (plan, lowered.model.tables)
}

fn simulate((plan, tables): &(Plan, Vec<Table>)) -> Results {
    let plan = Arc::new(plan.clone());
    let connectors = vec![Sim::default(); plan.servers.len()];
    let control = Control::new();
    let mut searches = verdict::searches(&plan, 1);
    let decide = |slice: &Slice| {
        for search in &mut searches {
            if let Some(next) = search.second(slice) {
                control.decide(search.scenario(), next);
            }
        }
    };
    let measured = in_virtual_time(&plan, &connectors, tables, &control, decide).unwrap();
    Results {
        schema: SCHEMA.to_owned(),
        tool: Tool { name: "mcpl".to_owned(), version: "0.0.0".to_owned() },
        plan_hash: plan.hash(),
        plan: plan.as_ref().clone(),
        run: Run {
            id: "run-1".to_owned(),
            parts: Vec::new(),
            started: "2026-01-01T00:00:00Z".to_owned(),
            load_ms: measured.load.as_millis() as u64,
            total_ms: measured.total.as_millis() as u64,
            ended: Ended::Completed,
            guarded: None,
            threads: 1,
        },
        environment: Environment::default(),
        servers: plan
            .servers
            .iter()
            .map(|server| ServerInfo {
                name: server.name.clone(),
                transport: "http".to_owned(),
                revision: "2025-11-25".to_owned(),
                server_name: "simulated".to_owned(),
                server_version: "1".to_owned(),
                tools: 1,
                tokens: None,
            })
            .collect(),
        recording: measured.recording,
    }
}

#[test]
fn runs_in_virtual_time_give_the_summaries_beside_them() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/run");
    let mut cases = 0;
    for entry in fs::read_dir(corpus).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|ending| ending != "mcpl") {
            continue;
        }
        cases += 1;
        let plan = compile(&path);
        let results = simulate(&plan);
        assert_eq!(results, simulate(&plan), "{}: a second run differs", path.display());
        stands_as_judged(&results, &path.display().to_string());
        let read_back = Results::from_json(&results.to_json()).unwrap();
        assert_eq!(results, read_back, "{}: reading back what was written", path.display());
        let summary = render(&results, &verdict::judge(&results), Format::Text, Style { color: false }).unwrap();
        let beside = path.with_extension("txt");
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&beside, &summary).unwrap();
        }
        assert_eq!(fs::read_to_string(&beside).unwrap(), summary, "{}", path.display());
    }
    assert!(cases >= 3);
}

/// After the last second the assertions stand as they are judged.
fn stands_as_judged(results: &Results, place: &str) {
    let mut standings = verdict::Standings::new(&results.plan, results.run.threads);
    results.recording.seconds.iter().for_each(|slice| standings.second(slice));
    // What ends by itself before its time is known to the millisecond only afterwards.
    let whole = results.run.load_ms >= results.plan.load_ns() / 1_000_000;
    let text = |observed: Option<Quantity>| observed.filter(|_| whole).map(|observed| observed.to_string());
    let judged = verdict::judge(results).assertions.into_iter();
    let judged: Vec<_> = judged.map(|one| (one.source, one.state, text(one.observed))).collect();
    let stand: Vec<_> = standings.all().into_iter().map(|one| (one.source, one.state, text(one.observed))).collect();
    assert_eq!(stand, judged, "{place}: as it stands (left) and as it is judged (right)");
}

#[test]
fn every_statement_of_the_reference_is_run() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = root.join("tests/corpus/files");
    let mut ran = 0;
    for entry in fs::read_dir(root.join("docs/language")).unwrap() {
        for fence in support::fences(&entry.unwrap().path()) {
            // A block that is marked with a code is not meant to run.
            if fence.info != "mcpl" {
                continue;
            }
            let lowered = support::compile_in(&files, "test.mcpl", &fence.text, &[]).lowered;
            let plan = lowered.plan.unwrap_or_else(|| panic!("{}: {:#?}", fence.place, lowered.diagnostics));
            let ten = Duration::from_millis(10);
            let behaviour = Behaviour { latency: Latency::Between(ten, ten), ..Behaviour::default() };
            let replies = Replies::new(&plan, &BTreeMap::new()).unwrap();
            let plan = Arc::new(plan);
            let results =
                rehearse(&plan, &lowered.model.tables, &behaviour, &replies, &Control::new(), |_| {}).unwrap();
            let begun: u64 =
                results.recording.seconds.iter().flat_map(|slice| &slice.scenarios).map(|row| row.started).sum();
            assert!(begun > 0, "{}: nothing was begun", fence.place);
            stands_as_judged(&results, &fence.place);
            ran += 1;
        }
    }
    assert!(ran > 20, "only {ran} blocks ran");
}
