//! Rules that look at the whole file: the guard against the plan, and what
//! nothing uses.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::guard::{self, GuardItem};
use super::items::Items;
use super::lower::Lowering;
use super::scenario::ScenarioItem;
use super::server::ServerItem;
use crate::diag::errors;
use crate::plan::rows::{AtEnd, Order};
use crate::plan::{Auth, Endpoint, Load, Plan, Proxy, Server, TextPart, schedule, size, takes};
use crate::syntax::ast;
use crate::text::Span;
use crate::units::{Dimension, Quantity};

/// The first revision with tasks.
const FIRST_WITH_TASKS: &str = "2025-11-25";

/// Checks all rules; `plan` is there when nothing is broken.
pub(super) fn check(
    lowering: &mut Lowering<'_>,
    items: &Items,
    servers: &[ServerItem],
    guard: &GuardItem,
    scenarios: &[ScenarioItem],
    plan: Option<&Plan>,
) {
    hosts(lowering, items, servers, guard);
    denied_tools(lowering, guard);
    unused(lowering, items, servers, scenarios);
    cache_hints(lowering, servers, scenarios);
    if items.scenarios.is_empty() && !items.any_rejected {
        let help = "add `scenario NAME { target SERVER stages { … } run FLOW }`";
        let span = Span::new(0, lowering.source.text().len().min(1));
        lowering.out.push(errors::load::missing("`scenario`", "this file", span, help));
    }
    if let Some(plan) = plan {
        rate(lowering, guard, scenarios, plan);
        users(lowering, guard, scenarios, plan);
        duration(lowering, guard, scenarios, plan);
        requests(lowering, guard, scenarios, plan);
        size(lowering, scenarios, plan);
        tasks(lowering, servers, plan);
        pace(lowering, scenarios, plan);
        rows(lowering, plan);
    }
}

/// Nothing goes to a host that is neither loopback nor allowed by the file.
fn hosts(lowering: &mut Lowering<'_>, items: &Items, servers: &[ServerItem], guard: &GuardItem) {
    if guard.broken || items.any_rejected {
        return;
    }
    for server in servers {
        let Some(plan) = &server.plan else { continue };
        let own = match &plan.endpoint {
            Endpoint::Http { url } | Endpoint::Sse { url } => Some((url, server.url_span)),
            _ => None,
        };
        let tokens = plan.auth.as_ref().and_then(|Auth::Oauth(oauth)| oauth.token_url.as_ref()).map(|url| (url, None));
        // What only the environment says is looked at when the run begins.
        let proxy = match &plan.proxy {
            Some(Proxy::Url(parts)) => literal(parts).map(|url| (url, server.proxy_span)),
            _ => None,
        };
        for (url, span) in own.into_iter().chain(tokens).chain(proxy) {
            let Some(host) = host_of(url) else { continue };
            if guard::lets_reach(&guard.plan, &host) {
                continue;
            }
            let span = span.unwrap_or(server.name_span);
            let insert = insertion(lowering, items, guard, &host);
            lowering.out.push(errors::guard::host_not_allowed(&host, span, insert));
        }
    }
}

/// Only 2026-07-28 has hints for caches.
fn cache_hints(lowering: &mut Lowering<'_>, servers: &[ServerItem], scenarios: &[ScenarioItem]) {
    for scenario in scenarios {
        let Some(span) = scenario.caches else { continue };
        let targets = || servers.iter().filter(|server| scenario.targets.contains(&server.name));
        // What a broken server speaks is not known.
        if targets().any(|server| server.plan.as_ref().is_none_or(Server::may_be_modern)) {
            continue;
        }
        let Some(first) = targets().next() else { continue };
        let (beside, why) = (format!("with server `{}`", first.name), "no revision before 2026-07-28 has them");
        let help = "remove `cache hints`, or let the server speak `protocol 2026-07-28`";
        lowering.out.push(errors::load::no_effect("cache hints", &beside, why, help, span, first.name_span));
    }
}

/// Where the file would allow `host`, and the text that does. `None` where the
/// list of hosts stands elsewhere, in a parameter.
fn insertion(lowering: &Lowering<'_>, items: &Items, guard: &GuardItem, host: &str) -> Option<(Span, String)> {
    if let Some(list) = guard.hosts_value {
        let inside = lowering.source.slice(list).strip_prefix('[')?.strip_suffix(']')?;
        let comma = if inside.trim().is_empty() { "" } else { ", " };
        return Some((Span::at(list.start as usize + 1), format!("\"{host}\"{comma}")));
    }
    if let Some(open) = guard.open {
        return Some((Span::at(open.end as usize), format!("\n  allow hosts [\"{host}\"]")));
    }
    Some((items.end, format!("\n\nguard {{\n  allow hosts [\"{host}\"]\n}}")))
}

/// A text without secrets.
fn literal(parts: &[TextPart]) -> Option<&String> {
    match parts {
        [TextPart::Text(text)] => Some(text),
        _ => None,
    }
}

/// The host of a URL, without brackets; of a socket, this machine.
pub(super) fn host_of(url: &str) -> Option<String> {
    if super::address::of_socket(url).is_some() {
        return Some("localhost".to_owned());
    }
    let uri: http::Uri = url.parse().ok()?;
    Some(uri.host()?.trim_start_matches('[').trim_end_matches(']').to_owned())
}

/// Whether a host is this machine by its name alone (RFC 6761 for `localhost`).
pub(super) fn is_loopback(host: &str) -> bool {
    let name = host.to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn denied_tools(lowering: &mut Lowering<'_>, guard: &GuardItem) {
    let Some(deny_span) = guard.deny_span else { return };
    let denied: Vec<_> = lowering
        .model
        .calls
        .iter()
        .filter(|call| guard.plan.deny_tools.iter().any(|pattern| guard::matches_any_case(pattern, &call.tool)))
        .map(|call| errors::guard::tool_denied(&call.tool, call.span, deny_span))
        .collect();
    lowering.out.extend(denied);
}

/// What nothing uses. While anything is an error, [`super::lower()`] drops these:
/// they may be meant by a name that is mistyped.
fn unused(lowering: &mut Lowering<'_>, items: &Items, servers: &[ServerItem], scenarios: &[ScenarioItem]) {
    let run = lowering.runs.iter().filter_map(|run| lowering.flow_names.get(run.to)).cloned();
    let flows: BTreeSet<String> = scenarios.iter().flat_map(|scenario| &scenario.uses).cloned().chain(run).collect();
    for name in items.flows.iter().filter_map(ast::Flow::name) {
        if !flows.contains(&name.text()) {
            lowering.out.push(errors::names::unused("flow", &name.text(), name.span()));
        }
    }
    let data: Vec<_> = lowering
        .data
        .iter()
        .filter(|data| !data.used)
        .map(|data| errors::names::unused("data", &data.name, data.span))
        .collect();
    lowering.out.extend(data);
    let targets: BTreeSet<&String> = scenarios.iter().flat_map(|scenario| &scenario.targets).collect();
    for server in servers {
        if !targets.contains(&server.name) {
            lowering.out.push(errors::names::unused("server", &server.name, server.name_span));
        }
    }
}

/// The open loads together stay within `max rate` and leave the closed ones
/// something.
fn rate(lowering: &mut Lowering<'_>, guard: &GuardItem, scenarios: &[ScenarioItem], plan: &Plan) {
    let (Some(limit), Some(span)) = (guard.plan.max_rate, guard.rate_span) else { return };
    let peak: f64 = plan.scenarios.iter().map(|scenario| plan.peak_request_rate(scenario)).sum();
    let closed = plan.scenarios.iter().any(|scenario| !scenario.load.is_open());
    if peak > limit * (1.0 + 1e-9) || closed && peak >= limit {
        let text = |rate| Quantity::new(rate, Dimension::Rate).to_string();
        // Rounded up, so that the limit that is offered is enough.
        let enough = (!closed).then(|| format!("{}/s", peak.ceil()));
        let stages: Vec<Span> = scenarios.iter().filter_map(|scenario| scenario.stages_span).collect();
        lowering.out.push(errors::guard::rate_above_guard(&text(peak), &text(limit), enough.as_deref(), span, &stages));
    }
}

/// The run is over within `max duration`.
#[expect(clippy::cast_precision_loss, reason = "nanoseconds of a run stay below 2^53")]
fn duration(lowering: &mut Lowering<'_>, guard: &GuardItem, scenarios: &[ScenarioItem], plan: &Plan) {
    let (Some(limit), Some(span)) = (guard.plan.max_duration_ns, guard.duration_span) else { return };
    let length = plan.load_ns();
    if length > limit {
        let text = |nanos: u64| Quantity::new(nanos as f64, Dimension::Duration).to_string().replace(' ', "");
        let stages: Vec<Span> = scenarios.iter().filter_map(|scenario| scenario.stages_span).collect();
        lowering.out.push(errors::guard::longer_than_guard(&text(length), &text(limit), span, &stages));
    }
}

/// The open loads together stay within `max requests`.
#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
fn requests(lowering: &mut Lowering<'_>, guard: &GuardItem, scenarios: &[ScenarioItem], plan: &Plan) {
    let (Some(limit), Some(span)) = (guard.plan.max_requests, guard.requests_span) else { return };
    // How far a search goes is known only as it goes.
    let open = plan.scenarios.iter().filter(|scenario| matches!(scenario.load, Load::Open { .. }));
    let count: f64 = open
        .map(|scenario| schedule::count(scenario.load.segments()) as f64 * plan.requests_per_iteration(scenario))
        .sum();
    if count > limit as f64 * (1.0 + 1e-9) {
        let stages: Vec<Span> = scenarios.iter().filter_map(|scenario| scenario.stages_span).collect();
        lowering.out.push(errors::guard::requests_above_guard(&format!("{:.0}", count.ceil()), limit, span, &stages));
    }
}

/// `pace` says when a user begins again, which an arrival rate says already.
fn pace(lowering: &mut Lowering<'_>, scenarios: &[ScenarioItem], plan: &Plan) {
    let mut told = Vec::new();
    for (item, scenario) in scenarios.iter().zip(&plan.scenarios).filter(|(_, scenario)| scenario.load.is_open()) {
        let flows = plan.flows_of(scenario);
        for (flow, span) in &lowering.paces {
            if flows.contains(flow) && !told.contains(span) {
                told.push(*span);
                let (beside, why) = ("under an arrival rate", "the stages say when iterations begin");
                let help = "remove `pace`, or write the stages in users";
                let other = item.stages_span.unwrap_or_default();
                lowering.out.push(errors::load::no_effect("pace", beside, why, help, *span, other));
            }
        }
    }
}

/// No call is to become a task in a revision that has none.
fn tasks(lowering: &mut Lowering<'_>, servers: &[ServerItem], plan: &Plan) {
    let mut told: Vec<Span> = Vec::new();
    for (index, server) in plan.servers.iter().enumerate() {
        let spoken = server.protocol.iter().chain(server.revisions.iter().map(|share| &share.revision));
        let Some(older) = spoken.into_iter().find(|revision| revision.as_str() < FIRST_WITH_TASKS) else { continue };
        let pinned = servers.iter().find(|item| item.name == server.name).and_then(|item| item.protocol_span);
        let flows = plan.flows_against(index);
        for site in lowering.model.calls.iter().filter(|site| flows.contains(&site.flow)) {
            let Some(span) = site.task.filter(|span| !told.contains(span)) else { continue };
            told.push(span);
            let (beside, why) = (format!("in MCP {older}"), format!("tasks came with {FIRST_WITH_TASKS}"));
            let help = format!("name `protocol {FIRST_WITH_TASKS}` or a later revision, or remove `task`");
            let other = pinned.unwrap_or(site.span);
            lowering.out.push(errors::load::no_effect("task", &beside, &why, &help, span, other));
        }
    }
}

/// Data that fails at its end lasts for the whole load, as far as the plan can
/// tell.
fn rows(lowering: &mut Lowering<'_>, plan: &Plan) {
    for (index, data) in plan.data.iter().enumerate() {
        if data.at_end != AtEnd::Error || data.order == Order::Random {
            continue;
        }
        let drawn = (0..plan.scenarios.len()).filter_map(|scenario| takes::in_all(plan, scenario, index)).sum();
        if drawn > data.rows
            && let Some(span) = lowering.data.get(index).map(|data| data.span)
        {
            lowering.out.push(errors::load::too_few_rows(&data.name, data.rows, drawn, span));
        }
    }
}

/// The closed loads together stay within `max users`; open ones are bounded by
/// it while they run.
fn users(lowering: &mut Lowering<'_>, guard: &GuardItem, scenarios: &[ScenarioItem], plan: &Plan) {
    let (Some(limit), Some(span)) = (guard.plan.max_users, guard.users_span) else { return };
    let peak: u64 = plan.scenarios.iter().map(|scenario| schedule::peak_users(&scenario.load)).sum();
    if peak > limit {
        #[expect(clippy::cast_precision_loss, reason = "users stay far below 2^53")]
        let text = |users: u64| Quantity::new(users as f64, Dimension::Users).to_string();
        let stages: Vec<Span> = scenarios.iter().filter_map(|scenario| scenario.stages_span).collect();
        lowering.out.push(errors::guard::users_above_guard(&text(peak), &text(limit), span, &stages));
    }
}

/// What is kept of the run fits into memory, as far as the plan can tell.
fn size(lowering: &mut Lowering<'_>, scenarios: &[ScenarioItem], plan: &Plan) {
    let rows = size::rows(plan);
    let mut stages = scenarios.iter().filter_map(|scenario| scenario.stages_span);
    if rows > size::ROWS_MAX
        && let Some(first) = stages.next()
    {
        let others: Vec<Span> = stages.collect();
        let (rows, usual) = (rows.to_string(), size::ROWS_MAX.to_string());
        lowering.out.push(errors::load::many_rows(&rows, &usual, first, &others));
    }
}
