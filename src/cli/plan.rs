//! `mcpl plan`: what a run would do.

use std::fmt::Write as _;

use super::args::PlanArgs;
use super::{Done, check, exit, load, terminal};
use crate::model::{Model, Origin};
use crate::plan::rows::{AtEnd, Order};
use crate::plan::{
    DataSource, Endpoint, Ids, Load, LostSession, Plan, Proxy, Scenario, Sessions, TextPart, schedule, takes,
};
use crate::units::{self, Dimension, Quantity};

/// Columns of the chart of the load.
const CHART_WIDTH: usize = 60;

/// Rows of the chart of the load.
const CHART_HEIGHT: usize = 8;

/// Prints the plan of a file.
pub(super) fn run(args: &PlanArgs) -> Done {
    let loaded = load::load(&args.file, &args.compile)?;
    check::report(&loaded);
    let Some(plan) = &loaded.lowered.plan else { return Ok(exit::USAGE) };
    if args.json {
        let json = serde_json::to_string_pretty(plan).unwrap_or_default();
        terminal::print(&format!("{json}\n"))?;
    } else {
        terminal::print(&text(plan, &loaded.lowered.model))?;
    }
    Ok(exit::OK)
}

/// The plan for people.
fn text(plan: &Plan, model: &Model) -> String {
    let mut out = String::new();
    let _ =
        writeln!(out, "plan {}  (seed {}, hash {})", plan.name, plan.seed, plan.hash().get(..12).unwrap_or_default());
    for param in &model.params {
        let origin = match param.origin {
            // The name without its directory: a plan reads alike wherever it lies.
            Origin::File => {
                let name = std::path::Path::new(&param.file).file_name().unwrap_or_default();
                format!("{}:{}", name.to_string_lossy(), param.line)
            }
            Origin::Set => "--set".to_owned(),
            Origin::Environment => "environment".to_owned(),
        };
        let _ = writeln!(out, "  param {} = {}  ({origin})", param.name, param.value);
    }
    for server in &plan.servers {
        let (endpoint, proxy) = (endpoint(&server.endpoint), proxy(server.proxy.as_ref()));
        let _ = writeln!(out, "  server {}: {endpoint}{proxy}", server.name);
    }
    for scenario in &plan.scenarios {
        describe(&mut out, plan, scenario);
    }
    data(&mut out, plan);
    guard(&mut out, plan);
    if !plan.assertions.is_empty() {
        let _ = writeln!(out, "\nassert");
        for assertion in &plan.assertions {
            let _ = writeln!(out, "  {}", assertion.source);
        }
    }
    out
}

fn proxy(proxy: Option<&Proxy>) -> String {
    match proxy {
        None => String::new(),
        Some(Proxy::Environment) => " through the proxy that the environment names, if it does".to_owned(),
        Some(Proxy::Url(parts)) => {
            let shown = parts.iter().map(|part| match part {
                TextPart::Text(text) => text.clone(),
                TextPart::Secret(name) => format!("secret(\"{name}\")"),
            });
            format!(" through the proxy {}", shown.collect::<String>())
        }
    }
}

fn endpoint(endpoint: &Endpoint) -> String {
    match endpoint {
        Endpoint::Http { url } => url.clone(),
        Endpoint::Sse { url } => format!("{url} over HTTP+SSE"),
        Endpoint::Stdio { command, .. } => format!("stdio, one child for each session: {}", command.join(" ")),
        Endpoint::Builtin { name, options, stdio } => {
            let over = if *stdio { " over stdio" } else { "" };
            let options = if options.is_empty() { String::new() } else { format!(" with {}", options.join(" ")) };
            format!("built-in {name}{over}{options}")
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "for people")]
fn describe(out: &mut String, plan: &Plan, scenario: &Scenario) {
    let duration = |nanos: u64| units::duration(nanos as f64);
    let slots: u32 = scenario.targets.iter().map(|target| target.slots).sum();
    let target = |target: &crate::plan::Target| {
        let name = plan.servers.get(target.server).map_or("?", |server| server.name.as_str());
        let share = units::percent(f64::from(target.slots) / f64::from(slots.max(1)));
        if scenario.targets.len() == 1 { name.to_owned() } else { format!("{share} {name}") }
    };
    let server = scenario.targets.iter().map(target).collect::<Vec<_>>().join(", ");
    let _ = writeln!(out, "\nscenario {} -> {server}", scenario.name);
    if let Some(doc) = &scenario.doc {
        for line in doc.lines() {
            let _ = writeln!(out, "  # {line}");
        }
    }
    let length = scenario.load.duration_ns();
    match &scenario.load {
        Load::Open { segments, .. } => {
            let count = schedule::count(segments);
            let requests = count as f64 * plan.requests_per_iteration(scenario);
            let _ = writeln!(out, "  {count} arrivals in {}, about {requests:.0} requests", duration(length));
        }
        load @ Load::Closed { work: Some(work), .. } => {
            let (count, how) = (work.iterations, if work.shared { "shared" } else { "each" });
            let users = schedule::peak_users(load);
            let _ = writeln!(out, "  {count} iterations {how} by {users} users, within {}", duration(length));
        }
        load @ Load::Closed { .. } => {
            let _ = writeln!(out, "  up to {} users for {}", schedule::peak_users(load), duration(length));
        }
        Load::Seek(seek) => {
            let levels = seek.levels.len();
            let _ = writeln!(out, "  a search over {levels} levels, at most {}", duration(length));
        }
    }
    more(out, plan, scenario);
    let warmup = match scenario.warmup_ns {
        0 => String::new(),
        nanos => format!("warm-up {}, ", duration(nanos)),
    };
    let _ = writeln!(out, "  {warmup}drain up to {}", duration(scenario.drain_ns));
    out.push_str(&chart(&scenario.load));
    let slots: u32 = scenario.mix.iter().map(|share| share.slots).sum();
    for share in &scenario.mix {
        let Some(flow) = plan.flows.get(share.flow) else { continue };
        let percent = units::percent(f64::from(share.slots) / f64::from(slots.max(1)));
        let steps: Vec<String> = flow
            .requests()
            .into_iter()
            .map(|request| match request.method.keyword() {
                // The label of a list says so itself.
                keyword if request.label.starts_with(keyword) => request.label.clone(),
                keyword => format!("{keyword} {}", request.label),
            })
            .collect();
        let _ = writeln!(out, "  {percent:>6}  {}: {}", flow.name, steps.join(", "));
    }
}

/// The level over time as columns of blocks.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a chart of characters"
)]
fn chart(load: &Load) -> String {
    const EIGHTHS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let (length, peak) = (load.duration_ns(), load.peak());
    let dimension = if load.is_open() { Dimension::Rate } else { Dimension::Users };
    let top = Quantity::new(peak, dimension).to_string();
    let columns: Vec<usize> = (0..CHART_WIDTH)
        .map(|column| {
            let at = (column as f64 + 0.5) / CHART_WIDTH as f64 * length as f64;
            (load.level_at(at as u64) / peak * (CHART_HEIGHT * 8) as f64).round() as usize
        })
        .collect();
    let margin = top.chars().count().max(6);
    let mut out = String::new();
    for row in (0..CHART_HEIGHT).rev() {
        let label = if row + 1 == CHART_HEIGHT { top.as_str() } else { "" };
        let cells: String = columns
            .iter()
            .map(|height| EIGHTHS.get(height.saturating_sub(row * 8).min(8)).copied().unwrap_or(' '))
            .collect();
        let _ = writeln!(out, "  {label:>margin$} │{}", cells.trim_end());
    }
    let end = units::duration(length as f64);
    let _ = writeln!(out, "  {:>margin$} └{}", "0", "─".repeat(CHART_WIDTH));
    let gap = CHART_WIDTH.saturating_sub(end.chars().count() + 2);
    let _ = writeln!(out, "  {:>margin$}  0s{}{end}", "", " ".repeat(gap));
    out
}

/// What else a scenario asks for, where that is not the usual.
#[expect(clippy::cast_precision_loss, reason = "for people")]
fn more(out: &mut String, plan: &Plan, scenario: &Scenario) {
    if scenario.start_ns > 0 {
        let _ = writeln!(out, "  starts at {}", units::duration(scenario.start_ns as f64));
    }
    for (what, flow) in [("before", scenario.before), ("after", scenario.after)] {
        if let Some(flow) = flow.and_then(|flow| plan.flows.get(flow)) {
            let requests = flow.requests().len();
            let requests = if requests == 1 { "1 request".to_owned() } else { format!("{requests} requests") };
            let _ = writeln!(out, "  {what} each user: {requests}");
        }
    }
    persona(out, scenario);
    let sessions = match scenario.sessions {
        Sessions::PerUser => String::new(),
        Sessions::PerIteration => "a session for each iteration".to_owned(),
        Sessions::PerCall => "a session for each request".to_owned(),
        Sessions::Shared(count) => format!("{count} sessions for all users"),
    };
    if !sessions.is_empty() {
        let _ = writeln!(out, "  {sessions}");
    }
    if scenario.close < 1.0 {
        let _ = writeln!(out, "  {} of the sessions are ended, the others left behind", units::percent(scenario.close));
    }
    let habits = &scenario.habits;
    if scenario.hold_stream {
        let _ = writeln!(out, "  the stream of each session is held open");
    }
    if habits.lost_session == LostSession::Renew {
        let _ = writeln!(out, "  a new session in the place of a lost one");
    }
    let ids = match habits.ids {
        Ids::Counting => "",
        Ids::Constant => "  each request has the id 1\n",
        Ids::Text => "  ids are texts\n",
    };
    out.push_str(ids);
    if let Some(lists) = habits.list_before_call {
        let share = units::percent(lists.share());
        let _ = writeln!(out, "  tools/list before the first call of {share} of the iterations");
    }
    for (key, value) in &scenario.tags {
        let _ = writeln!(out, "  tag {key} = {value}");
    }
}

/// Whom the users behave like, and in what they cannot.
fn persona(out: &mut String, scenario: &Scenario) {
    let Some(persona) = &scenario.habits.persona else { return };
    let _ = writeln!(out, "  persona {}", persona.name);
    for statement in &persona.left_out {
        let _ = writeln!(out, "    without `{statement}`, which means nothing with these servers");
    }
}

/// How many rows there are, and who takes how many.
fn data(out: &mut String, plan: &Plan) {
    for (index, data) in plan.data.iter().enumerate() {
        let source = match &data.source {
            DataSource::Csv(path) | DataSource::Json(path) | DataSource::Jsonl(path) => path.as_str(),
            DataSource::Inline => "the file itself",
        };
        let order = match data.order {
            Order::Sequential => "one after the other",
            Order::Shuffle => "shuffled",
            Order::Random => "by chance",
        };
        let at_end = match (data.order, data.at_end) {
            (Order::Random, _) => "",
            (_, AtEnd::Wrap) => ", then from the start",
            (_, AtEnd::Stop) => ", then users stop",
            (_, AtEnd::Error) => ", then iterations fail",
        };
        let _ = writeln!(out, "\ndata {}: {} rows of {source}, {order}{at_end}", data.name, data.rows);
        for (number, scenario) in plan.scenarios.iter().enumerate() {
            let each = takes::per_iteration(plan, number, index);
            if each > 0.0 {
                let all = takes::in_all(plan, number, index).map_or(String::new(), |all| format!(", {all} in all"));
                let each = units::number(each);
                let _ = writeln!(out, "  {} draws {each} an iteration{all}", scenario.name);
            }
        }
    }
}

/// How far the plan stays below what the guard allows.
#[expect(clippy::cast_precision_loss, reason = "for people")]
fn guard(out: &mut String, plan: &Plan) {
    let guard = &plan.guard;
    if *guard == crate::plan::Guard::default() {
        return;
    }
    let _ = writeln!(out, "\nguard");
    if let Some(limit) = guard.max_rate {
        let peak: f64 = plan.scenarios.iter().map(|scenario| plan.peak_request_rate(scenario)).sum();
        let text = |rate: f64| Quantity::new(rate, Dimension::Rate).to_string();
        let closed = plan.scenarios.iter().any(|scenario| !scenario.load.is_open());
        let held = if closed { ", users are held to the rest" } else { "" };
        let _ = writeln!(out, "  max rate {}: arrivals make up to {}{held}", text(limit), text(peak));
    }
    if let Some(limit) = guard.max_duration_ns {
        let text = |nanos: u64| units::duration(nanos as f64);
        let _ = writeln!(out, "  max duration {}: the load lasts {}", text(limit), text(plan.load_ns()));
    }
    if let Some(limit) = guard.max_requests {
        let open = plan.scenarios.iter().filter(|scenario| matches!(scenario.load, Load::Open { .. }));
        let count: f64 = open
            .map(|scenario| schedule::count(scenario.load.segments()) as f64 * plan.requests_per_iteration(scenario))
            .sum();
        let _ = writeln!(out, "  max requests {limit}: arrivals make about {count:.0}");
    }
    if let Some(limit) = guard.max_users {
        let users: u64 = plan.scenarios.iter().map(|scenario| schedule::peak_users(&scenario.load)).sum();
        let text = |users: u64| Quantity::new(users as f64, Dimension::Users).to_string();
        let _ = writeln!(out, "  max users {}: stages ask for {}", text(limit), text(users));
    }
    for (what, list) in
        [("allow hosts", &guard.allow_hosts), ("allow tools", &guard.allow_tools), ("deny tools", &guard.deny_tools)]
    {
        if !list.is_empty() {
            let _ = writeln!(out, "  {what} {}", list.join(", "));
        }
    }
}
