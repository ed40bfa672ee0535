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
use crate::plan::{Endpoint, Load, Plan, schedule};
use crate::syntax::ast;
use crate::text::Span;
use crate::units::{Dimension, Quantity};

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
    if items.scenarios.is_empty() && !items.any_rejected {
        let help = "add `scenario NAME { target SERVER stages { … } run FLOW }`";
        let span = Span::new(0, lowering.source.text().len().min(1));
        lowering.out.push(errors::load::missing("`scenario`", "this file", span, help));
    }
    if let Some(plan) = plan {
        rate(lowering, guard, scenarios, plan);
        users(lowering, guard, scenarios, plan);
    }
}

/// Nothing goes to a host that is neither loopback nor allowed by the file.
fn hosts(lowering: &mut Lowering<'_>, items: &Items, servers: &[ServerItem], guard: &GuardItem) {
    if guard.broken || items.any_rejected {
        return;
    }
    for server in servers {
        let Some(Endpoint::Http { url }) = server.plan.as_ref().map(|plan| &plan.endpoint) else { continue };
        let Some(host) = host_of(url) else { continue };
        let allowed = guard.plan.allow_hosts.iter().any(|pattern| guard::matches_any_case(pattern, &host));
        if !allowed && !is_loopback(&host) {
            let span = server.url_span.unwrap_or(server.name_span);
            let insert = insertion(lowering, items, guard, &host);
            lowering.out.push(errors::guard::host_not_allowed(&host, span, insert));
        }
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

/// The host of a URL, without brackets.
fn host_of(url: &str) -> Option<String> {
    let uri: hyper::Uri = url.parse().ok()?;
    Some(uri.host()?.trim_start_matches('[').trim_end_matches(']').to_owned())
}

/// Whether a host is this machine by its name alone (RFC 6761 for `localhost`).
fn is_loopback(host: &str) -> bool {
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
    let flows: BTreeSet<&String> = scenarios.iter().flat_map(|scenario| &scenario.uses).collect();
    for name in items.flows.iter().filter_map(ast::Flow::name) {
        if !flows.contains(&name.text()) {
            lowering.out.push(errors::names::unused("flow", &name.text(), name.span()));
        }
    }
    let targets: BTreeSet<&String> = scenarios.iter().filter_map(|scenario| scenario.target.as_ref()).collect();
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
    let closed = plan.scenarios.iter().any(|scenario| matches!(scenario.load, Load::Closed { .. }));
    if peak > limit * (1.0 + 1e-9) || closed && peak >= limit {
        let text = |rate| Quantity::new(rate, Dimension::Rate).to_string();
        // Rounded up, so that the limit that is offered is enough.
        let enough = (!closed).then(|| format!("{}/s", peak.ceil()));
        let stages: Vec<Span> = scenarios.iter().filter_map(|scenario| scenario.stages_span).collect();
        lowering.out.push(errors::guard::rate_above_guard(&text(peak), &text(limit), enough.as_deref(), span, &stages));
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
