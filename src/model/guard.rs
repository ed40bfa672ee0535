//! `guard { … }`

use super::assertion;
use super::items::Items;
use super::lower::Lowering;
use super::server::whole_ns;
use crate::diag::errors;
use crate::plan::{Abort, Guard, OnAbort, Plan};
use crate::syntax::ast::{self, GuardStmt};
use crate::text::Span;
use crate::units::Dimension;

/// The guard and where its parts stand.
#[derive(Default)]
pub(super) struct GuardItem {
    pub(super) plan: Guard,
    pub(super) rate_span: Option<Span>,
    pub(super) users_span: Option<Span>,
    pub(super) duration_span: Option<Span>,
    pub(super) requests_span: Option<Span>,
    pub(super) deny_span: Option<Span>,
    /// The brace that opens it, for fixes that insert.
    pub(super) open: Option<Span>,
    /// The value behind `allow hosts`.
    pub(super) hosts_value: Option<Span>,
    /// Whether a statement of it is broken, so that it may allow more than it
    /// seems to.
    pub(super) broken: bool,
}

/// Lowers the first guard of the file.
pub(super) fn lower(lowering: &mut Lowering<'_>, items: &Items) -> GuardItem {
    let mut guard = GuardItem::default();
    let Some(item) = items.guards.first() else { return guard };
    guard.open = item.open_span();
    let mut said: Vec<(&'static str, Span)> = Vec::new();
    for statement in item.statements() {
        let what = match &statement {
            GuardStmt::AllowHosts(_) => "allow hosts",
            GuardStmt::AllowTools(_) => "allow tools",
            GuardStmt::DenyTools(_) => "deny tools",
            GuardStmt::MaxRate(_) => "max rate",
            GuardStmt::MaxUsers(_) => "max users",
            GuardStmt::MaxInFlight(_) => "max in_flight",
            GuardStmt::MaxDuration(_) => "max duration",
            GuardStmt::MaxRequests(_) => "max requests",
            GuardStmt::OnAbort(_) => "on abort",
            // As many as one likes, once the metrics are known.
            GuardStmt::Abort(_) => continue,
            GuardStmt::Broken(_) => {
                guard.broken = true;
                continue;
            }
        };
        let span = statement.span();
        if let Some((_, first)) = said.iter().find(|(name, _)| *name == what) {
            let diagnostic = errors::load::repeated(what, span, *first);
            lowering.out.push(if what.starts_with("max") || what.starts_with("on") {
                diagnostic
            } else {
                diagnostic.help(format!("join the two lists behind one `{what}`"))
            });
            continue;
        }
        said.push((what, span));
        guard.statement(lowering, &statement);
    }
    guard
}

impl GuardItem {
    fn statement(&mut self, lowering: &mut Lowering<'_>, statement: &GuardStmt) {
        const HOSTS: &str = "[\"*.staging.example.com\"]";
        const TOOLS: &str = "[\"search\", \"fetch_*\"]";
        let span_of = |attr: &ast::Attr| attr.value().map(|value| value.span());
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be in range")]
        let whole = |users: f64| users as u64;
        match statement {
            GuardStmt::AllowHosts(attr) => {
                let value_span = span_of(attr);
                self.hosts_value = value_span;
                let hosts = lowering.texts(attr, "a list of host names", HOSTS).filter(|hosts| {
                    let Some(odd) = hosts.iter().find(|host| !may_be_host(host)) else { return true };
                    let found = format!("a list with `{odd}` in it, which is more or less than a host name");
                    let span = value_span.unwrap_or_default();
                    lowering.out.push(errors::types::wrong_kind("a list of host names", HOSTS, &found, span));
                    false
                });
                self.broken |= hosts.is_none();
                self.plan.allow_hosts = hosts.unwrap_or_default();
            }
            GuardStmt::AllowTools(attr) => {
                self.plan.allow_tools = lowering.texts(attr, "a list of tool names", TOOLS).unwrap_or_default();
            }
            GuardStmt::DenyTools(attr) => {
                self.deny_span = span_of(attr);
                self.plan.deny_tools = lowering.texts(attr, "a list of tool names", TOOLS).unwrap_or_default();
            }
            GuardStmt::MaxRate(attr) => {
                self.plan.max_rate = lowering.quantity_attr(attr, Dimension::Rate, 1e-3);
                self.rate_span = Some(attr.span());
            }
            GuardStmt::MaxUsers(attr) => {
                self.plan.max_users = lowering.quantity_attr(attr, Dimension::Users, 1.0).map(whole);
                self.users_span = Some(attr.span());
            }
            GuardStmt::MaxInFlight(attr) => {
                self.plan.max_in_flight = attr.value().and_then(|value| lowering.whole_number(&value, 1.0));
            }
            GuardStmt::MaxDuration(attr) => {
                self.plan.max_duration_ns = lowering.quantity_attr(attr, Dimension::Duration, 1e6).map(whole_ns);
                self.duration_span = Some(attr.span());
            }
            GuardStmt::MaxRequests(attr) => {
                self.plan.max_requests = attr.value().and_then(|value| lowering.whole_number(&value, 1.0));
                self.requests_span = Some(attr.span());
            }
            GuardStmt::OnAbort(word) => {
                let Some(word) = word.word() else { return };
                match word.text().as_str() {
                    "drain" => self.plan.on_abort = OnAbort::Drain,
                    "kill" => self.plan.on_abort = OnAbort::Kill,
                    other => {
                        let known = ["drain".to_owned(), "kill".to_owned()];
                        let diagnostic = errors::names::unknown_word("way to stop", other, word.span(), &known);
                        lowering.out.push(diagnostic);
                    }
                }
            }
            GuardStmt::Abort(_) | GuardStmt::Broken(_) => {}
        }
    }

    /// `abort when CONDITION for D`, which names metrics and so needs the plan.
    pub(super) fn aborts(&mut self, lowering: &mut Lowering<'_>, items: &Items, plan: &Plan, complete: bool) {
        for statement in items.guards.first().into_iter().flat_map(ast::Guard::statements) {
            let GuardStmt::Abort(abort) = statement else { continue };
            if abort.is_broken() {
                continue;
            }
            let Some(condition_ast) = abort.condition() else { continue };
            let condition = assertion::condition(lowering, &condition_ast, plan, complete);
            let for_ns = match abort.duration() {
                Some(duration) => lowering.quantity_from(&duration, Dimension::Duration, 1e9).map(whole_ns),
                None => Some(whole_ns(1e9)),
            };
            if let (Some(condition), Some(for_ns)) = (condition, for_ns) {
                self.plan.aborts.push(Abort { condition, for_ns });
            }
        }
    }
}

/// Whether a pattern can match a host: no scheme, port or path is part of one.
fn may_be_host(pattern: &str) -> bool {
    let port = pattern.contains(':') && !pattern.contains('*') && pattern.parse::<std::net::Ipv6Addr>().is_err();
    !pattern.is_empty() && !port && !pattern.contains(|c: char| c == '/' || c.is_whitespace())
}

/// Whether a guard lets requests be sent to a host: it is this machine, or is
/// allowed.
#[must_use]
pub fn lets_reach(guard: &Guard, host: &str) -> bool {
    super::rules::is_loopback(host) || guard.allow_hosts.iter().any(|pattern| matches_any_case(pattern, host))
}

/// [`matches`] without case: for hosts, which have none, and for what is denied,
/// which is better denied too widely than too narrowly.
#[must_use]
pub fn matches_any_case(pattern: &str, name: &str) -> bool {
    matches(&pattern.to_lowercase(), &name.to_lowercase())
}

/// Whether `name` matches a pattern in which `*` stands for any run of
/// characters.
#[must_use]
pub fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(rest) = parts.next().and_then(|first| name.strip_prefix(first)) else { return false };
    let mut rest = rest;
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or(""),
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::{matches, matches_any_case};

    #[test]
    fn a_star_stands_for_any_run() {
        for (pattern, name) in
            [("a", "a"), ("*", ""), ("*.example.com", "x.example.com"), ("a*c*e", "abcde"), ("a**b", "ab")]
        {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [
            ("a", "ab"),
            ("*.example.com", "example.com"),
            ("a*a", "a"),
            ("", "x"),
            ("*.example.com", "x.example.com.evil"),
        ] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
        assert!(matches_any_case("*.Example.com", "A.example.COM"));
        assert!(!matches("Echo", "echo"), "tools have case");
    }
}
