//! `guard { … }`

use super::items::Items;
use super::lower::Lowering;
use crate::diag::errors;
use crate::plan::Guard;
use crate::syntax::ast::{self, GuardStmt};
use crate::text::Span;
use crate::units::Dimension;

/// The guard and where its parts stand.
#[derive(Default)]
pub(super) struct GuardItem {
    pub(super) plan: Guard,
    pub(super) rate_span: Option<Span>,
    pub(super) users_span: Option<Span>,
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
        let (what, attr) = match &statement {
            GuardStmt::AllowHosts(attr) => ("allow hosts", attr),
            GuardStmt::AllowTools(attr) => ("allow tools", attr),
            GuardStmt::DenyTools(attr) => ("deny tools", attr),
            GuardStmt::MaxRate(attr) => ("max rate", attr),
            GuardStmt::MaxUsers(attr) => ("max users", attr),
            GuardStmt::Broken(_) => {
                guard.broken = true;
                continue;
            }
        };
        if let Some((_, first)) = said.iter().find(|(name, _)| *name == what) {
            lowering.out.push(errors::load::repeated(what, attr.keyword_span(), *first));
            continue;
        }
        said.push((what, attr.keyword_span()));
        guard.statement(lowering, &statement, attr);
    }
    guard
}

impl GuardItem {
    fn statement(&mut self, lowering: &mut Lowering<'_>, statement: &GuardStmt, attr: &ast::Attr) {
        const HOSTS: &str = "[\"*.staging.example.com\"]";
        const TOOLS: &str = "[\"search\", \"fetch_*\"]";
        let value_span = attr.value().map(|value| value.span());
        match statement {
            GuardStmt::AllowHosts(_) => {
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
            GuardStmt::AllowTools(_) => {
                self.plan.allow_tools = lowering.texts(attr, "a list of tool names", TOOLS).unwrap_or_default();
            }
            GuardStmt::DenyTools(_) => {
                self.deny_span = value_span;
                self.plan.deny_tools = lowering.texts(attr, "a list of tool names", TOOLS).unwrap_or_default();
            }
            GuardStmt::MaxRate(_) => {
                self.plan.max_rate = lowering.quantity_attr(attr, Dimension::Rate, 1e-3);
                self.rate_span = Some(attr.span());
            }
            GuardStmt::MaxUsers(_) => {
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be in range")]
                let whole = |users: f64| users as u64;
                self.plan.max_users = lowering.quantity_attr(attr, Dimension::Users, 1.0).map(whole);
                self.users_span = Some(attr.span());
            }
            GuardStmt::Broken(_) => {}
        }
    }
}

/// Whether a pattern can match a host: no scheme, port or path is part of one.
fn may_be_host(pattern: &str) -> bool {
    let port = pattern.contains(':') && !pattern.contains('*') && pattern.parse::<std::net::Ipv6Addr>().is_err();
    !pattern.is_empty() && !port && !pattern.contains(|c: char| c == '/' || c.is_whitespace())
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
