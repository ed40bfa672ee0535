//! What two runs must have in common to be compared.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Endpoint, Plan, Server};

impl Plan {
    /// What decides which load a run makes, as JSON: the plan without its names for
    /// people, its seed, what is asserted and reported, and where its servers are and
    /// how they are reached. Two builds of one server at two addresses get the same
    /// load.
    #[must_use]
    pub fn load_identity(&self) -> Value {
        let mut plan = Plan {
            name: String::new(),
            seed: 0,
            servers: Vec::new(),
            assertions: Vec::new(),
            baselines: Vec::new(),
            reports: Vec::new(),
            ..self.clone()
        };
        plan.scenarios.iter_mut().for_each(|scenario| scenario.doc = None);
        plan.guard.allow_hosts.clear();
        let mut identity = serde_json::to_value(plan).unwrap_or_default();
        if let Some(members) = identity.as_object_mut() {
            ["name", "seed", "assertions", "reports"].iter().for_each(|member| {
                members.shift_remove(*member);
            });
            members.insert("servers".to_owned(), self.servers.iter().map(server).collect());
        }
        identity
    }

    /// SHA-256 of [`Plan::load_identity`], in hex.
    #[must_use]
    pub fn load_hash(&self) -> String {
        hex(self.load_identity().to_string().as_bytes())
    }
}

/// What of a server decides how requests are sent to it.
fn server(server: &Server) -> Value {
    json!({
        "name": server.name,
        "transport": transport(&server.endpoint),
        "tls": server.tls.is_some(),
        "proxy": server.proxy.is_some(),
        "protocol": server.protocol,
        "revisions": server.revisions,
        "timeout_ns": server.timeout_ns,
        "quickack": server.quickack,
        "answers": server.answers,
        "capabilities": server.capabilities,
    })
}

/// The transport by its name in the language.
fn transport(endpoint: &Endpoint) -> &'static str {
    match endpoint {
        Endpoint::Http { .. } | Endpoint::Builtin { stdio: false, .. } => "http",
        Endpoint::Sse { .. } => "sse",
        Endpoint::Stdio { .. } | Endpoint::Builtin { stdio: true, .. } => "stdio",
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{Load, ReportFile, Scenario, Segment};
    use super::*;

    fn plan(url: &str, users: f64) -> Plan {
        let load =
            Load::Closed { segments: vec![Segment { from: users, to: users, duration_ns: 1_000_000_000 }], work: None };
        Plan {
            servers: vec![Server::new("s", Endpoint::Http { url: url.to_owned() })],
            scenarios: vec![Scenario::new("m", load, Vec::new())],
            ..Plan::default()
        }
    }

    #[test]
    fn the_same_load_elsewhere_has_the_same_hash() {
        let here = plan("http://127.0.0.1:1/", 5.0);
        let mut there = plan("http://127.0.0.1:2/", 5.0);
        there.name = "other".to_owned();
        there.seed = 7;
        there.reports.push(ReportFile { format: "html".to_owned(), template: None, path: "x".to_owned() });
        there.scenarios[0].doc = Some("other".to_owned());
        assert_eq!(here.load_hash(), there.load_hash());
        assert_ne!(here.hash(), there.hash());
    }

    #[test]
    fn another_load_has_another_hash() {
        let here = plan("http://127.0.0.1:1/", 5.0);
        assert_ne!(here.load_hash(), plan("http://127.0.0.1:1/", 6.0).load_hash());
        let mut child = here.clone();
        child.servers[0].endpoint = Endpoint::Stdio { command: vec!["x".to_owned()], env: Vec::new(), cwd: None };
        assert_ne!(here.load_hash(), child.load_hash());
        let mut hasty = here.clone();
        hasty.servers[0].timeout_ns = 1;
        assert_ne!(here.load_hash(), hasty.load_hash());
    }
}
