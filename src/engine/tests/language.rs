//! From the text of a file to what is sent, in virtual time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::LocalSet;

use super::super::shard::Shared;
use super::super::{Control, Measured, Stop, run_parts};
use super::sim::{Answered, Behaviour, Sim};
use crate::model::{self, NoFiles, Options};
use crate::plan::OnAbort;
use crate::record::Phase;
use crate::verdict::Watch;

const DATA: &str = "data d {\nrows [{\"n\": 0}, {\"n\": 1}, {\"n\": 2}, {\"n\": 3}, {\"n\": 4}, {\"n\": 5}]\n";

/// What a run measured, and what the server got.
pub(super) struct Ran {
    pub(super) measured: Measured,
    pub(super) sim: Sim,
}

impl Ran {
    /// The arguments of all requests, in the order in which they were sent.
    fn sent(&self) -> Vec<String> {
        let args = |params: String| {
            let params: serde_json::Value = serde_json::from_str(&params).unwrap();
            params.get("arguments").map_or(String::new(), ToString::to_string)
        };
        self.sim.sent().into_iter().map(args).collect()
    }

    /// How often each of them was sent.
    fn counted(&self) -> BTreeMap<String, usize> {
        let mut counted = BTreeMap::new();
        self.sent().into_iter().for_each(|args| *counted.entry(args).or_default() += 1);
        counted
    }

    /// Failures by class, over all series.
    fn failed(&self) -> u64 {
        self.measured.recording.seconds.iter().flat_map(|slice| &slice.series).map(|row| row.counts.failed()).sum()
    }

    pub(super) fn iterations(&self) -> u64 {
        self.measured.recording.seconds.iter().flat_map(|slice| &slice.scenarios).map(|row| row.iterations).sum()
    }

    fn logs(&self) -> Vec<String> {
        let logs = self.measured.recording.seconds.iter().flat_map(|slice| &slice.logs);
        logs.map(|line| line.text.clone()).collect()
    }
}

/// Runs a file whose server answers after 10 ms, with as many parts as a run has
/// threads.
#[track_caller]
pub(super) fn run(text: &str, parts: usize) -> Ran {
    run_with(text, parts, |_, _| Answered::Result(Duration::from_millis(10), "{\"hits\": [1, 2, 3]}"))
}

/// The same with a server that behaves in another way; the guard looks on.
#[track_caller]
pub(super) fn run_with(text: &str, parts: usize, behaviour: Behaviour) -> Ran {
    let options = Options { name: "test", seed: 1, overrides: &[], targets: &[], env: &|_| None, files: &NoFiles };
    let lowered = model::compile("test.mcpl", text, &options).lowered;
    let plan = lowered.plan.unwrap_or_else(|| panic!("{:#?}", lowered.diagnostics));
    let sim = Sim::new(behaviour);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let measured = LocalSet::new().block_on(&runtime, async {
        let shared = Shared::new(&plan, "run-1", &lowered.model.tables);
        let control = Control::new();
        let mut watch = Watch::new(&plan, parts);
        let mut searches = crate::verdict::searches(&plan, parts);
        let how = if plan.guard.on_abort == OnAbort::Kill { Stop::Kill } else { Stop::Drain };
        run_parts(&Arc::new(plan), &vec![sim.clone(); 3], &shared, parts, &control, |slice, _| {
            if let Some(why) = watch.second(slice) {
                control.guard(how, || why);
            }
            for search in &mut searches {
                if let Some(next) = search.second(slice) {
                    control.decide(search.scenario(), next);
                }
            }
        })
        .await
    });
    Ran { measured, sim }
}

/// A file with one scenario.
pub(super) fn file(scenario: &str, flow: &str, items: &str) -> String {
    format!(
        "mcpl 1\nserver s {{ http \"http://127.0.0.1:1/\" }}\nscenario a {{\ntarget s\n{scenario}\n}}\nflow f {{\n{flow}\n}}\n{items}\n"
    )
}

/// So many iterations of one user.
fn once(flow: &str, items: &str) -> Ran {
    run(&file("stages { iterations 1 shared by 1 user }\nrun f", flow, items), 1)
}

#[test]
fn steps_are_performed_in_order_and_as_often_as_they_say() {
    let ran = once(
        "let n = 2\nrepeat 2 {\ncall t { args { \"a\": n } }\n}\nif n == 3 { call t { args { \"a\": \"if\" } } } else if n == 2 {\n\
         call t { args { \"a\": \"else if\" } } } else { call t { args { \"a\": \"else\" } } }\nrun g\nlog f\"n is {n}\"\n\
         stop iteration\ncall t { args { \"a\": \"never\" } }",
        "flow g {\nlet n = \"own\"\ncall t { args { \"a\": n } }\n}",
    );
    assert_eq!(ran.sent(), [r#"{"a":2}"#, r#"{"a":2}"#, r#"{"a":"else if"}"#, r#"{"a":"own"}"#]);
    assert_eq!(ran.logs(), ["n is 2"], "a flow that is run has variables of its own");
    assert_eq!((ran.iterations(), ran.failed()), (1, 0));
}

#[test]
fn a_choice_is_by_chance_and_repeats_with_the_seed() {
    let flow = "choose {\n70% { call t { args { \"a\": 1 } } }\n30% { call t { args { \"a\": 2 } } }\n}";
    let text = file("stages { iterations 1000 shared by 10 users }\nrun f", flow, "");
    let ran = run(&text, 1);
    let ones = ran.counted()[r#"{"a":1}"#];
    assert!((650..750).contains(&ones), "{ones} of 1000");
    assert_eq!(ran.counted(), run(&text, 1).counted());
}

#[test]
fn a_group_is_timed_without_its_thinking() {
    let ran = once("group \"g\" {\ncall t\nthink 5s\ncall t\n}\ngroup \"h\" {\nstop iteration\n}", "");
    let rows: Vec<_> = ran.measured.recording.seconds.iter().flat_map(|slice| &slice.groups).collect();
    assert_eq!(rows.len(), 1, "what was not performed to its end has no time");
    let mut times = crate::record::Distribution::new();
    times.add_frozen(&rows[0].values);
    assert!((times.max().unwrap() - 20e6).abs() < 1e5, "{:?}", times.max());
}

#[test]
fn values_become_metrics_and_tags_tell_requests_apart() {
    let flow =
        "call t {\nmeasure hits = length(structured.hits)\ntag n = length(structured.hits)\ntag fast = latency < 1s\n}";
    let ran = once(flow, "");
    let slice = &ran.measured.recording.seconds[0];
    let mut hits = crate::record::Distribution::new();
    hits.add_frozen(&slice.measures[0].values);
    assert!((hits.mean().unwrap() / 3e9 - 1.0).abs() < 1e-3);
    assert_eq!(slice.series[0].tags, ["3", "true"]);
    let ran = once("call t { measure hits = structured.none }", "");
    assert_eq!(ran.failed(), 1, "what is not there cannot be measured");
}

#[test]
fn rows_are_handed_out_once_and_do_not_depend_on_the_threads() {
    let flow = "take row from d\ncall t { args { \"n\": row.n } }";
    let items = format!("{DATA}order shuffle\nat_end wrap\n}}");
    let text = file("stages { hold 3/s for 4s }\nrun f", flow, &items);
    let whole = run(&text, 1);
    assert!(whole.counted().values().all(|count| *count == 2), "{:?}", whole.counted());
    assert_eq!(whole.counted().len(), 6);
    let first: Vec<String> = whole.sent().into_iter().take(6).collect();
    assert_ne!(first, (0..6).map(|n| format!("{{\"n\":{n}}}")).collect::<Vec<_>>(), "shuffled");
    let sorted = |ran: &Ran| {
        let mut sent = ran.sim.log.lock().unwrap().clone();
        sent.sort();
        sent
    };
    assert_eq!(sorted(&whole), sorted(&run(&text, 2)), "each at the same instant");
}

#[test]
fn data_that_ends_fails_or_stops() {
    let flow = "take row from d\ncall t { args { \"n\": row.n } }";
    let stages = "stages { hold 3 users for 10s }\nrun f";
    let stopped = run(&file(stages, flow, &format!("{DATA}at_end stop\n}}")), 1);
    assert_eq!((stopped.sent().len(), stopped.failed(), stopped.iterations()), (6, 0, 6));
    let stages = "stages { iterations 8 shared by 3 users }\nrun f";
    let failed = run(&file(stages, flow, &format!("{DATA}}}")), 1);
    assert_eq!((failed.sent().len(), failed.failed()), (6, 2));
    let message = &failed.measured.recording.failures[0].message;
    assert_eq!(message, "data `d` has no more rows: all 6 were taken");
}

#[test]
fn flows_and_scenarios_that_share_data_take_no_row_twice() {
    let flow = "take row from d\ncall t { args { \"n\": row.n } }";
    let items = format!(
        "{DATA}}}\nflow g {{\ntake x from d\ntake y from d\ncall t {{ args {{ \"n\": x.n }} }}\ncall t {{ args {{ \"n\": y.n }} }}\n}}"
    );
    let ran = run(&file("stages { iterations 4 shared by 2 users }\nmix { 50% f\n50% g }", flow, &items), 1);
    assert_eq!(ran.counted().len(), 6, "{:?}", ran.counted());
    assert!(ran.counted().values().all(|count| *count == 1));
    let other = "scenario b {\ntarget s\nstages { iterations 3 each by 1 user }\nrun f\n}";
    let items = format!("{DATA}}}\n{other}");
    let ran = run(&file("stages { iterations 3 shared by 1 user }\nrun f", flow, &items), 1);
    assert_eq!(ran.counted().len(), 6, "{:?}", ran.counted());
}

#[test]
fn a_fixed_amount_of_work_is_done_once_whatever_the_threads() {
    let flow = "call t { args { \"a\": random(1..1000000) } }";
    let text = file("stages { iterations 50 shared by 7 users }\nrun f", flow, "");
    let whole = run(&text, 1);
    assert_eq!((whole.sent().len(), whole.iterations()), (50, 50));
    assert_eq!(whole.counted(), run(&text, 2).counted());
    assert!(whole.measured.total < Duration::from_secs(1), "{:?}", whole.measured.total);
    let each = run(&file("stages { iterations 5 each by 3 users }\nrun f", flow, ""), 2);
    assert_eq!(each.sent().len(), 15);
    let late = run(&file("stages { iterations 500 each by 1 user within 1s }\nrun f", flow, ""), 1);
    assert_eq!(late.sent().len(), 100, "10 ms each, for 1 s");
}

#[test]
fn a_user_begins_and_ends_with_steps_of_its_own() {
    let scenario = "stages { iterations 2 each by 2 users }\nrun f\n\
        before user { call t { args { \"a\": \"in\" } } }\nafter user { call t { args { \"a\": \"out\" } } }";
    let ran = run(&file(scenario, "call t { args { \"a\": user.iteration } }", ""), 1);
    let counted = ran.counted();
    assert_eq!((counted[r#"{"a":"in"}"#], counted[r#"{"a":"out"}"#], ran.sent().len()), (2, 2, 8));
    assert_eq!(ran.sent()[..2], [r#"{"a":"in"}"#, r#"{"a":"in"}"#]);
    assert_eq!(ran.iterations(), 4, "they are no iterations");
}

#[test]
fn a_pace_keeps_iterations_apart_and_a_stopped_user_stays_away() {
    let ran = run(&file("stages { hold 1 user for 10s }\nrun f", "pace 2s\ncall t", ""), 1);
    assert_eq!(ran.sent().len(), 5);
    let flow = "call t\nif user.iteration == 2 { stop user }";
    let ran = run(&file("stages { hold 2 users for 10s }\nrun f", flow, ""), 1);
    assert_eq!(ran.sent().len(), 6);
}

#[test]
fn sessions_belong_to_whom_the_file_says() {
    let sessions = |scenario: &str| {
        let stages = format!("stages {{ iterations 3 each by 2 users }}\nrun f\n{scenario}");
        let ran = run(&file(&stages, "call t\ncall t", ""), 1);
        let rows = ran.measured.recording.seconds.iter().flat_map(|slice| &slice.scenarios);
        rows.map(|row| row.sessions).sum::<u64>()
    };
    assert_eq!(sessions(""), 2);
    assert_eq!(sessions("sessions per iteration"), 6);
    assert_eq!(sessions("sessions per call"), 12);
    let share = sessions("sessions per iteration\nclose 0%");
    assert_eq!(share, 6, "a session that is left behind is a session");
}

#[test]
fn users_are_spread_over_targets_and_scenarios_begin_when_they_say() {
    let items = "server r { http \"http://127.0.0.1:2/\" }\nscenario b {\ntarget s\nstart after a\n\
        stages { hold 1/s for 2s }\nrun f\n}\nscenario c {\ntarget s\nstart at 5s\nwarmup 1s\nstages { hold 1/s for 2s }\nrun f\n}";
    let text = file("stages { hold 1/s for 1s }\nrun f", "call t", items)
        .replace("target s\nstages { hold 1/s for 1s }", "target {\n50% s\n50% r\n}\nstages { hold 1/s for 1s }");
    let ran = run(&text, 1);
    let at: Vec<u64> = ran.sim.log.lock().unwrap().iter().map(|(at, _)| at / 100_000_000).collect();
    assert_eq!(at, [0, 10, 20, 50, 60]);
    let warm: Vec<_> = ran
        .measured
        .recording
        .seconds
        .iter()
        .flat_map(|slice| &slice.series)
        .filter(|row| row.phase == Phase::Warmup)
        .map(|row| row.counts.requests)
        .collect();
    assert_eq!(warm, [1], "the warm-up counts from the start of its scenario");
}

#[test]
fn requests_of_a_parallel_block_are_under_way_together() {
    let ran = once(
        "parallel {\nlet a = \"x\"\ncall t { args { \"a\": a } \n save n = structured.hits[0] }\nrepeat 2 { call t }\n\
         if a == \"y\" { call t }\n}\ncall t { args { \"n\": n } }",
        "",
    );
    let at: Vec<u64> = ran.sim.log.lock().unwrap().iter().map(|(at, _)| at / 1_000_000).collect();
    assert_eq!(at[1..3], [at[0]; 2], "sent at once");
    assert_eq!((at.len(), at[3] - at[0]), (4, 10), "the step behind them waits for all");
    assert_eq!(ran.sent().last().unwrap(), r#"{"n":1}"#);
    assert_eq!((ran.failed(), ran.iterations()), (0, 1));
    let sessions = ran.measured.recording.seconds.iter().flat_map(|slice| &slice.scenarios);
    assert_eq!(sessions.map(|row| row.sessions).sum::<u64>(), 1, "all on one MCP session");
}

#[test]
fn a_parallel_block_under_an_arrival_rate_is_due_with_the_arrival() {
    let flow = "parallel {\ncall t\ncall t\n}";
    let ran = run(&file("stages { hold 10/s for 2s }\nrun f", flow, ""), 2);
    let mut latency = crate::record::Distribution::new();
    for row in ran.measured.recording.seconds.iter().flat_map(|slice| &slice.series) {
        latency.add_frozen(&row.times[crate::record::Time::Latency as usize]);
    }
    assert_eq!((ran.sent().len(), latency.count()), (40, 40));
    assert!((latency.max().unwrap() / 10e6 - 1.0).abs() < 2e-3, "{:?}", latency.max());
}

#[test]
fn users_share_as_many_sessions_as_the_file_says() {
    for (parts, stages) in
        [(1, "hold 6 users for 2s"), (2, "hold 6 users for 2s"), (2, "hold 50/s for 2s"), (1, "hold 50/s for 2s")]
    {
        let text = file(&format!("stages {{ {stages} }}\nrun f\nsessions shared 2"), "call t", "");
        let ran = run(&text, parts);
        let rows = ran.measured.recording.seconds.iter().flat_map(|slice| &slice.scenarios);
        let sessions: u64 = rows.map(|row| row.sessions).sum();
        assert_eq!((sessions, ran.failed()), (2, 0), "{parts} parts, {stages}");
        assert!(ran.sent().len() >= 100, "{}", ran.sent().len());
    }
}

#[test]
fn no_more_requests_are_under_way_than_the_guard_allows() {
    let text = file("stages { hold 10 users for 1s }\nrun f", "call t", "guard { max in_flight 4 }");
    for parts in [1, 2] {
        let ran = run(&text, parts);
        // 10 ms each and 4 at a time, and what waited when the stage ended.
        assert_eq!(ran.sent().len(), 406, "{parts} parts");
        let health = ran.measured.recording.seconds.iter().map(|slice| &slice.health);
        assert!(health.clone().all(|health| health.in_flight <= 4));
        assert!(health.map(|health| health.held).sum::<u64>() > 300);
    }
    let text = file("stages { hold 100/s for 1s }\nrun f", "call t", "guard { max in_flight 2 }");
    let behind = run_with(&text, 1, |_, _| Answered::After(Duration::from_millis(40)));
    let mut latency = crate::record::Distribution::new();
    for row in behind.measured.recording.seconds.iter().flat_map(|slice| &slice.series) {
        latency.add_frozen(&row.times[crate::record::Time::Latency as usize]);
    }
    assert!(latency.max().unwrap() > 900e6, "an arrival that waits for its turn is late: {:?}", latency.max());
}

#[test]
fn the_guard_stops_a_run_at_its_last_request() {
    for parts in [1, 2] {
        let text = file("stages { hold 3 users for 10s }\nrun f", "call t\ncall t", "guard { max requests 50 }");
        let ran = run(&text, parts);
        assert_eq!((ran.sent().len(), ran.failed()), (50, 0));
        let why = ran.measured.guarded.as_deref();
        assert_eq!(why, Some("`max requests 50`: all of them were sent by second 0"));
        assert!(!ran.measured.stopped && ran.measured.total < Duration::from_secs(1));
        assert!(ran.iterations() <= 25, "an iteration that is cut off is none");
    }
}

#[test]
fn the_guard_stops_a_run_whose_server_fails_for_long_enough() {
    fn failing(at: Duration, _: u64) -> Answered {
        let fails = (Duration::from_secs(1)..Duration::from_secs(2)).contains(&at) || at >= Duration::from_secs(4);
        if fails { Answered::ToolError } else { Answered::After(Duration::from_millis(1)) }
    }
    let guard = "guard { abort when errors.rate > 25% for 3s }";
    // The warm-up is guarded, too.
    let text = file("warmup 9s\nstages { hold 10/s for 10s }\nrun f", "call t", guard);
    let ran = run_with(&text, 2, failing);
    let why = "`errors.rate > 25%` held for 3s: in second 6 it was 100% > 25%";
    assert_eq!(ran.measured.guarded.as_deref(), Some(why));
    // The arrival that was due at the end of that second had begun.
    assert_eq!((ran.sent().len(), ran.measured.load), (71, Duration::from_secs(7)));
    let ran = run_with(&text.replace("for 3s }", "for 7s }"), 1, failing);
    assert_eq!(ran.measured.guarded, None, "it has to hold for as long as the file says");
    let slow = "guard { abort when latency.p50 > 1s\non abort kill }";
    let text = file("stages { hold 10/s for 10s }\nrun f", "call t", slow);
    let ran = run_with(&text, 1, |at, _| Answered::After(at));
    assert!(
        ran.measured.guarded.as_deref().is_some_and(|why| why.contains("held in second 2: 1.")),
        "{:?}",
        ran.measured.guarded
    );
    assert!(ran.failed() > 5, "what was under way is cut off");
}

/// What the search of a run found, read from what was measured.
fn searched(text: &str, ran: &Ran, parts: usize) -> crate::verdict::Searched {
    let options = Options { name: "test", seed: 1, overrides: &[], targets: &[], env: &|_| None, files: &NoFiles };
    let plan = model::compile("test.mcpl", text, &options).lowered.plan.unwrap();
    let mut search = crate::verdict::searches(&plan, parts).remove(0);
    for slice in &ran.measured.recording.seconds {
        search.second(slice);
    }
    search.outcome()
}

fn seek(levels: &str) -> String {
    let stages =
        format!("stages {{ seek {levels} every 5s while latency.p95 < 100ms and errors.rate < 1% confirm 20s }}");
    file(&format!("{stages}\nrun f"), "call t", "")
}

#[test]
fn a_search_names_the_highest_rate_that_holds() {
    let text = seek("60/s -> 200/s step 20/s");
    for parts in [1, 2] {
        // One thing at a time, 10 ms each: 100/s and no more.
        let ran = run_with(&text, parts, |_, _| Answered::Queued(Duration::from_millis(10)));
        let found = searched(&text, &ran, parts);
        let levels: Vec<f64> = found.legs.iter().filter(|leg| leg.held.is_some()).map(|leg| leg.level).collect();
        assert_eq!(levels, [60.0, 80.0, 100.0, 120.0, 100.0], "{found:#?}");
        assert!(found.confirmed && found.confidence.unwrap() > 0.999, "{found:#?}");
        assert_eq!(
            found.sentence.split(": ").next().unwrap(),
            "`a` holds 100/s, confirmed for 20s, more than 99.9% sure; at 120/s `latency.p95 < 100ms` broke"
        );
        let begun: u64 = ran.measured.recording.seconds.iter().flat_map(|s| &s.scenarios).map(|row| row.started).sum();
        // Each level for 5 s and the second in which it is judged, then 20 s and one.
        assert_eq!(begun, 6 * (60 + 80 + 100 + 120) + 21 * 100, "no arrival between the legs is lost");
        assert!(ran.measured.total < Duration::from_secs(60), "{:?}", ran.measured.total);
    }
}

#[test]
fn a_search_over_users_goes_to_the_top_or_holds_nothing() {
    let text = seek("2 users -> 6 users step 2 users");
    let ran = run_with(&text, 2, |_, _| Answered::After(Duration::from_millis(50)));
    let found = searched(&text, &ran, 2);
    assert_eq!(found.sentence, "`a` holds 6 users, confirmed for 20s, more than 99.9% sure; no higher level was tried");
    // 20 requests per second and user, in 6 s each, and in 21 s at the top.
    assert_eq!(ran.sent().len(), 20 * (6 * (2 + 4 + 6) + 21 * 6));
    let ran = run_with(&text, 1, |_, _| Answered::After(Duration::from_millis(500)));
    let found = searched(&text, &ran, 1);
    assert_eq!((found.level, found.legs.len()), (None, 1));
    assert_eq!(found.sentence, "`a` held no level; at 2 users `latency.p95 < 100ms` broke: 500ms");
}

#[test]
fn a_level_that_does_not_last_is_not_confirmed() {
    // From second 25 on everything is slow: in the middle of the confirmation.
    fn tired(at: Duration, _: u64) -> Answered {
        Answered::After(Duration::from_millis(if at > Duration::from_secs(25) { 300 } else { 10 }))
    }
    let text = seek("10/s -> 30/s step 10/s");
    let ran = run_with(&text, 1, tired);
    let found = searched(&text, &ran, 1);
    assert!(!found.confirmed && found.legs.iter().filter(|leg| leg.confirming).count() == 2, "{found:#?}");
    assert!(found.sentence.starts_with("`a` held 30/s for a while and not for 20s; at 20/s"), "{}", found.sentence);
    let stopped = run_with(&text.replace("flow f", "guard { max requests 100 }\nflow f"), 1, tired);
    let found = searched(&text, &stopped, 1);
    assert_eq!(found.sentence, "`a` held 10/s, which was not confirmed; the run ended before the search did");
}

#[test]
fn a_search_that_nobody_decides_ends_with_its_plan() {
    let options = Options { name: "test", seed: 1, overrides: &[], targets: &[], env: &|_| None, files: &NoFiles };
    let plan = model::compile("test.mcpl", &seek("1/s -> 2/s step 1/s"), &options).lowered.plan.unwrap();
    let planned = Duration::from_nanos(plan.load_ns());
    let measured = super::sim::simulate(plan, &Sim::new(|_, _| Answered::After(Duration::ZERO)));
    assert_eq!(measured.total, planned);
}
