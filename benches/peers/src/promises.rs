//! What is promised, how it is measured, and whether it holds.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::clients::{Mcpl, Scratch, Server, USERS, bare, cost_each, rmcp, scenario, wrk};
use crate::system::{describe, open_files, resident_kib};

/// Clients that are compared take turns, so often, each for so long; the median
/// counts. What else the machine does then disturbs all of them.
const TURNS: usize = 3;
const TURN: Duration = Duration::from_secs(4);

/// Users whose memory is compared.
const FEW: u64 = 100;
const MANY: u64 = 10_000;

/// A line of the table.
struct Row {
    what: &'static str,
    must: &'static str,
    aims: &'static str,
    found: String,
    holds: Option<bool>,
}

/// What all measurements need.
struct Bench<'a> {
    mcpl: Mcpl<'a>,
    server: Server,
    only: &'a str,
    rows: Vec<Row>,
}

/// Measures, and prints the table.
pub fn measure(program: &Path, only: &str) {
    let machine = describe();
    let scratch = Scratch::new();
    let mcpl = Mcpl { program, scratch: &scratch };
    let mut bench = Bench { mcpl, server: Server::start(), only, rows: Vec::new() };
    let parts: [(&str, fn(&mut Bench<'_>)); 10] = [
        ("cost of a request", costs),
        ("memory", memory),
        ("growth", growth),
        ("exactness", exactness),
        ("freeze", freeze),
        ("lag", lag),
        ("ramp", ramp),
        ("check", check),
        ("start", start),
        ("html", html),
    ];
    for (name, part) in parts {
        if name.contains(bench.only) {
            eprintln!("measuring: {name}");
            part(&mut bench);
        }
    }
    println!("{}", table(&machine, &bench.rows));
}

fn table(machine: &str, rows: &[Row]) -> String {
    let mut out =
        format!("Measured on {machine}.\n\n| what | must | aims at | measured | holds |\n|---|---|---|---|---|\n");
    for row in rows {
        let holds = match row.holds {
            Some(true) => "yes",
            Some(false) => "**no**",
            None => "skipped",
        };
        let _ = writeln!(out, "| {} | {} | {} | {} | {holds} |", row.what, row.must, row.aims, row.found);
    }
    out
}

impl Bench<'_> {
    fn row(&mut self, what: &'static str, must: &'static str, aims: &'static str, found: String, holds: Option<bool>) {
        // Whoever interrupts a long run keeps what is there.
        eprintln!("  {what}: {found}");
        self.rows.push(Row { what, must, aims, found, holds });
    }

    /// Processor time of a client for each request, under as many users as all
    /// clients have.
    fn each(&self, path: &str) -> f64 {
        let stages = format!("hold {USERS} users for {}s", TURN.as_secs());
        let text = scenario(&self.server.url(path), &stages, "");
        cost_each(&self.server, || self.mcpl.load(&text).0)
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn costs(bench: &mut Bench<'_>) {
    let (mut json, mut sse, mut fixed) = (Vec::new(), Vec::new(), Vec::new());
    let (mut own, mut kept) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        json.push(bench.each("/json"));
        sse.push(bench.each("/sse"));
        let mut installed = true;
        let cost = cost_each(&bench.server, || {
            wrk(&bench.server, bench.mcpl.scratch, TURN).unwrap_or_else(|| {
                installed = false;
                0.0
            })
        });
        fixed.extend(installed.then_some(cost));
        own.push(cost_each(&bench.server, || rmcp(&bench.server, "default", TURN)));
        kept.push(cost_each(&bench.server, || rmcp(&bench.server, "kept", TURN)));
    }
    let (json, sse, own, kept) = (median(json), median(sse), median(own), median(kept));
    let what = "client CPU per request, against wrk with a fixed body and no parsing";
    if fixed.is_empty() {
        let why = "wrk is not installed (Debian: `apt-get install wrk`)".to_owned();
        bench.row(what, "≤ 1.6 ×", "≤ 1.25 ×", why, None);
    } else {
        let fixed = median(fixed);
        let found = format!("{:.2} × ({json:.1} µs and {fixed:.1} µs)", json / fixed);
        bench.row(what, "≤ 1.6 ×", "≤ 1.25 ×", found, Some(json / fixed <= 1.6));
    }
    let found = format!("{:.2} × ({sse:.1} µs and {json:.1} µs)", sse / json);
    bench.row("the same with SSE answers, against JSON", "≤ 1.5 ×", "≤ 1.2 ×", found, Some(sse / json <= 1.5));
    let found = format!(
        "1/{:.1} ({json:.1} µs and {own:.1} µs; 1/{:.1} with connections that are kept, {kept:.1} µs)",
        own / json,
        kept / json
    );
    let what = "client CPU per request, against rmcp's own client";
    bench.row(what, "≤ 1/6", "≤ 1/8", found, Some(own / json >= 6.0));
}

fn memory(bench: &mut Bench<'_>) {
    let what = "memory per additional HTTP user (resident at 10,000 users less at 100)";
    let limit = open_files();
    if limit < MANY + 200 {
        let why = format!("the limit of open files is {limit}; raise the hard limit above {}", MANY + 200);
        return bench.row(what, "≤ 24 KiB", "≤ 12 KiB", why, None);
    }
    let resident = |users: u64| {
        let stages = format!("ramp 1 user -> {users} users over 10s\nhold {users} users for 10s");
        let text = scenario(&bench.server.url("/json"), &stages, "think 2s..6s");
        let file = bench.mcpl.scratch.write("memory.mcpl", &text).display().to_string();
        let mut child = bench.mcpl.start(&["run", &file, "--threads", "1", "--quiet"]);
        let begun = Instant::now();
        let mut most = 0;
        while begun.elapsed() < Duration::from_secs(19) {
            most = most.max(resident_kib(child.id()));
            sleep(Duration::from_millis(100));
        }
        let _ = child.kill();
        let _ = child.wait();
        most
    };
    let (few, many) = (resident(FEW), resident(MANY));
    #[allow(clippy::cast_precision_loss, reason = "kibibytes")]
    let each = many.saturating_sub(few) as f64 / (MANY - FEW) as f64;
    let found = format!("{each:.1} KiB ({} MiB and {} MiB)", many / 1024, few / 1024);
    bench.row(what, "≤ 24 KiB", "≤ 12 KiB", found, Some(each <= 24.0));
}

/// The most that a command has resident, in KiB.
fn peak(bench: &Bench<'_>, arguments: &[&str]) -> u64 {
    let mut child = bench.mcpl.start(arguments);
    let mut most = 0;
    let status = loop {
        if let Some(status) = child.try_wait().expect("mcpl can be waited for") {
            break status;
        }
        most = most.max(resident_kib(child.id()));
        sleep(Duration::from_millis(20));
    };
    assert!(status.success() && most > 0, "mcpl {arguments:?} ended with {status}");
    most
}

/// Runs in virtual time, so that an hour takes seconds: what is recorded is the
/// same.
fn growth(bench: &mut Bench<'_>) {
    let peak_of = |rate: u64, minutes: u64| {
        let text = scenario("http://127.0.0.1:1/mcp", &format!("hold {rate}/s for {minutes}m"), "");
        // Nothing is known of the answers, so nothing is expected of them.
        let text = text.lines().filter(|line| !line.contains("expect")).collect::<Vec<_>>().join("\n");
        let file = bench.mcpl.scratch.write("growth.mcpl", &text).display().to_string();
        let run = bench.mcpl.scratch.path("growth.json").display().to_string();
        peak(bench, &["rehearse", &file, "--latency", "2ms..9ms", "--out", &run])
    };
    let (few, many) = (peak_of(500, 2), peak_of(5_000, 2));
    let (short, long) = (peak_of(100, 1), peak_of(100, 60));
    #[allow(clippy::cast_precision_loss, reason = "kibibytes")]
    let (more, each) = (many as f64 / few as f64, long.saturating_sub(short) as f64 / (59.0 * 60.0));
    let found = format!(
        "{more:.2} × for ten times the requests ({} and {} MiB); {each:.1} KiB for each second and series \
         ({} MiB after 1 minute, {} MiB after 60)",
        few / 1024,
        many / 1024,
        short / 1024,
        long / 1024
    );
    let what = "memory of a run: 2 minutes at 5,000/s and at 500/s; 60 minutes and 1 minute at 100/s (rehearsed)";
    bench.row(what, "flat in requests; bounded in seconds × series", "–", found, Some(more <= 2.0 && each <= 64.0));
}

fn number(figures: &serde_json::Value, key: &str) -> f64 {
    figures[key].as_f64().unwrap_or(f64::NAN)
}

fn exactness(bench: &mut Bench<'_>) {
    bench.server.reset();
    let text = scenario(&bench.server.url("/slow"), "hold 200/s for 10s", "");
    let (_, figures) = bench.mcpl.load(&text);
    let told = number(&figures, "p50") / 1e6;
    let server = bench.server.stats()["slow_p50_ns"].as_f64().unwrap_or(f64::NAN) / 1e6;
    let error = told / 5.0 - 1.0;
    let bare = bare(&bench.server, "/slow", 1_000) / 1e6;
    let found = format!(
        "{:+.1} % ({told:.3} ms; the server itself says {server:.3} ms, a bare socket sees {bare:.3} ms)",
        error * 100.0
    );
    let what = "p50 reported against a server that answers after exactly 5 ms, 200/s";
    bench.row(what, "error ≤ 3 %", "≤ 1 %", found, Some(error.abs() <= 0.03));
}

fn freeze(bench: &mut Bench<'_>) {
    bench.server.reset();
    let text = scenario(&bench.server.url("/freeze"), "hold 200/s for 8s", "");
    let (_, figures) = bench.mcpl.load(&text);
    let (p90, p99) = (number(&figures, "p90") / 1e6, number(&figures, "p99") / 1e6);
    let (served, dropped) = (number(&figures, "requests"), number(&figures, "dropped"));
    let calls = bench.server.calls();
    let (e90, e99) = (p90 / 200.0 - 1.0, p99 / 920.0 - 1.0);
    let found = format!(
        "p90 {p90:.0} ms ({:+.1} %), p99 {p99:.0} ms ({:+.1} %), {served} served, {dropped} dropped",
        e90 * 100.0,
        e99 * 100.0
    );
    let holds = e90.abs() <= 0.03 && e99.abs() <= 0.03 && served == 1600.0 && calls == 1600 && dropped == 0.0;
    let what = "a server frozen for 1 s under 200/s for 8 s (truth: p90 200 ms, p99 920 ms, 1,600 served)";
    bench.row(what, "both within 3 %, nothing dropped", "1 %", found, Some(holds));
}

fn lag(bench: &mut Bench<'_>) {
    let text = scenario(&bench.server.url("/json"), "hold 5000/s for 8s", "");
    let (_, figures) = bench.mcpl.load(&text);
    let lag = number(&figures, "lag_p99") / 1e3;
    let found = format!("{lag:.0} µs at {:.0} % CPU", number(&figures, "cpu") * 100.0);
    let what = "start lateness (`generator.lag` p99) at 5,000/s on one core";
    bench.row(what, "≤ 1 ms", "≤ 200 µs", found, Some(lag <= 1_000.0));
}

fn ramp(bench: &mut Bench<'_>) {
    bench.server.reset();
    let text = scenario(&bench.server.url("/json"), "ramp 0/s -> 500/s over 4s\nhold 500/s for 4s", "");
    bench.mcpl.load(&text);
    let calls = bench.server.calls();
    let what = "requests that a server counts of a ramp from 0 to 500/s over 4 s and 4 s at 500/s";
    bench.row(what, "3,000", "3,000", calls.to_string(), Some(calls == 3_000));
}

/// The median time that a command takes, in milliseconds, and its mean processor
/// time: on a busy machine the first is long although the second is not.
fn millis(bench: &Bench<'_>, arguments: &[&str], times: u32) -> (f64, f64) {
    let mut cpu = 0.0;
    let mut one = || {
        let begun = Instant::now();
        cpu += bench.mcpl.run(arguments);
        begun.elapsed().as_secs_f64() * 1e3
    };
    let all = median((0..times).map(|_| one()).collect());
    (all, cpu * 1e3 / f64::from(times))
}

fn check(bench: &mut Bench<'_>) {
    let flow = "flow f# {\n  call search_rules {\n    args { \"query\": \"naming\", \"limit\": 10, \"filters\": { \"lang\": [\"en\", \"de\"] } }\n    \
                expect length(structured.hits) > 0 as \"finds something\"\n    save best = structured.hits[0].id\n  }\n  \
                think 300ms..1.2s\n  call get_rule {\n    args { \"id\": best }\n    expect latency < 2s\n  }\n}\n\n";
    let mut text = "mcpl 1\n\nserver s { builtin rulebook }\n\n".to_owned();
    for number in 0..76 {
        text.push_str(&flow.replace('#', &number.to_string()));
    }
    text.push_str("scenario a {\n  target s\n  stages { hold 5/s for 10s }\n  run f0\n}\n");
    let lines = text.lines().count();
    let file = bench.mcpl.scratch.write("long.mcpl", &text).display().to_string();
    let (took, cpu) = millis(bench, &["check", &file], 51);
    let found = format!("{took:.1} ms, of that {cpu:.1} ms of CPU ({lines} lines)");
    bench.row("`mcpl check` on a file of 1,000 lines", "≤ 20 ms", "≤ 5 ms", found, Some(took <= 20.0));
}

fn start(bench: &mut Bench<'_>) {
    let text = scenario(&bench.server.url("/json"), "hold 1000/s for 1h", "");
    let file = bench.mcpl.scratch.write("hour.mcpl", &text).display().to_string();
    let one = |_| {
        bench.server.reset();
        let begun = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_nanos());
        let mut child = bench.mcpl.start(&["run", &file, "--threads", "1", "--quiet"]);
        let patience = Instant::now() + Duration::from_secs(10);
        let mut first = 0.0;
        while first == 0.0 && Instant::now() < patience {
            sleep(Duration::from_millis(50));
            first = bench.server.stats()["first_ns"].as_f64().unwrap_or(0.0);
        }
        let _ = child.kill();
        let _ = child.wait();
        #[allow(clippy::cast_precision_loss, reason = "a float tells such times apart to half a microsecond")]
        let took = (first - begun as f64) / 1e6;
        took
    };
    let found = median((0..7).map(one).collect());
    let what = "`mcpl run` start to first request, plan of 1 h at 1,000/s";
    bench.row(what, "≤ 100 ms", "≤ 15 ms", format!("{found:.1} ms"), Some(found <= 100.0));
}

fn html(bench: &mut Bench<'_>) {
    let mut text = "mcpl 1\nserver s { http \"http://127.0.0.1:1/mcp\" }\nscenario a {\n  target s\n  stages { hold 5/s for 10m }\n  run f\n}\nflow f {\n".to_owned();
    for number in 0..20 {
        let _ = writeln!(text, "  call tool_{number}");
    }
    text.push_str("}\nassert {\n  latency.p95 < 1s\n  errors.rate < 5%\n}\n");
    let file = bench.mcpl.scratch.write("series.mcpl", &text).display().to_string();
    let run = bench.mcpl.scratch.path("series.json").display().to_string();
    let page = bench.mcpl.scratch.path("series.html");
    let output = page.display().to_string();
    bench.mcpl.run(&["rehearse", &file, "--latency", "2ms..9ms", "--errors", "1%", "--out", &run]);
    let (took, cpu) = millis(bench, &["report", &run, "--format", "html", "--output", &output], 5);
    let kib = fs::metadata(page).map_or(0, |meta| meta.len()) / 1024;
    let found = format!("{kib} KiB, {took:.0} ms, of that {cpu:.0} ms of CPU");
    let what = "HTML report of a run of 10 minutes with 20 series (rehearsed)";
    let holds = kib <= 1024 && took <= 300.0;
    bench.row(what, "≤ 1 MB, ≤ 300 ms", "≤ 400 KB, ≤ 100 ms", found, Some(holds));
}
