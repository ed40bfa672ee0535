//! `mcpl merge`: the parts of one run, summed up.

use std::path::PathBuf;

use clap::Args;
use serde_json::Value as Json;

use super::complaint::Complaint;
use super::{Done, exit, output, runs, terminal};
use crate::plan::Plan;
use crate::results::{Results, Window};

/// So many differences between two plans are named.
const NAMED: usize = 5;

#[derive(Debug, Args)]
pub(super) struct MergeArgs {
    /// Results of the parts: files that `mcpl run --out` wrote, journals, or runs of the history
    #[arg(required = true, num_args = 2.., value_name = "RUN")]
    parts: Vec<PathBuf>,

    /// Where the sum is written
    #[arg(long, short, value_name = "FILE")]
    out: PathBuf,
}

/// Sums up.
pub(super) fn run(args: &MergeArgs) -> Done {
    let mut parts: Vec<(&PathBuf, Results)> = Vec::new();
    for path in &args.parts {
        let part = runs::load(path)?;
        let twice = |other: &Results| part.run.parts().iter().find(|id| other.run.parts().contains(id)).cloned();
        let same = parts.iter().find_map(|(path, other)| Some((path, twice(other)?)));
        if let Some((other, id)) = same {
            let (one, other) = (path.display(), other.display());
            return Err(Complaint::usage(format!("`{other}` and `{one}` have the same part: the run {id}"))
                .help("name each part once: what is in two files would be counted twice"));
        }
        parts.push((path, part));
    }
    let mut parts = parts.into_iter();
    let Some((first, mut sum)) = parts.next() else { return Err(Complaint::usage("there is nothing to sum up")) };
    let mut count = 1;
    for (path, part) in parts {
        let differences = differences(&sum.plan, &part.plan);
        sum.merge(part).map_err(|error| {
            let differ = if differences.is_empty() { String::new() } else { format!(": {}", differences.join(", ")) };
            Complaint::usage(format!("`{}` cannot be added to `{}`: {error}{differ}", path.display(), first.display()))
                .help("sum up parts of one plan: the same file, parameters and seed; other runs can be compared")
        })?;
        count += 1;
    }
    output::write(&args.out, &sum.to_json()).map_err(|error| {
        Complaint::usage(format!("cannot write `{}`: {}", args.out.display(), output::plain(&error)))
    })?;
    let requests = sum.counts(&sum.everything(), Window::Whole).requests;
    let out = args.out.display();
    terminal::print(&format!("{count} parts with {requests} requests are summed up in `{out}`\n"))?;
    Ok(exit::OK)
}

/// Where two plans differ, as paths in their JSON.
fn differences(one: &Plan, other: &Plan) -> Vec<String> {
    let json = |plan: &Plan| serde_json::to_value(plan).unwrap_or_default();
    let mut found = Vec::new();
    differ("", &json(one), &json(other), &mut found);
    if found.len() > NAMED {
        found.truncate(NAMED);
        found.push("…".to_owned());
    }
    found
}

/// A plan is no deeper than the language lets it be nested.
fn differ(at: &str, one: &Json, other: &Json, found: &mut Vec<String>) {
    // One more than is told, to know that there are more.
    if found.len() > NAMED || one == other {
        return;
    }
    match (one, other) {
        (Json::Object(a), Json::Object(b)) => {
            let more = b.keys().filter(|key| !a.contains_key(*key));
            for key in a.keys().chain(more) {
                let at = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
                differ(&at, a.get(key).unwrap_or(&Json::Null), b.get(key).unwrap_or(&Json::Null), found);
            }
        }
        (Json::Array(a), Json::Array(b)) if a.len() == b.len() => {
            for (index, (one, other)) in a.iter().zip(b).enumerate() {
                differ(&format!("{at}[{index}]"), one, other, found);
            }
        }
        _ => found.push(format!("`{at}` differs")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Endpoint, Server};

    #[test]
    fn it_is_told_where_plans_differ() {
        let server = |port: u16| Server::new("s", Endpoint::Http { url: format!("http://127.0.0.1:{port}/") });
        let plan = |seed, servers: Vec<Server>| Plan { seed, servers, ..Plan::default() };
        let one = plan(1, vec![server(1)]);
        assert!(differences(&one, &one).is_empty());
        assert_eq!(differences(&one, &plan(2, vec![server(1)])), ["`seed` differs"]);
        assert_eq!(differences(&one, &plan(1, vec![server(2)])), ["`servers[0].endpoint.http.url` differs"]);
        assert_eq!(differences(&one, &plan(1, vec![server(1), server(1)])), ["`servers` differs"]);
        let many = |port| plan(1, (0..9_u16).map(|n| server(port + n)).collect());
        let found = differences(&many(1), &many(11));
        assert_eq!((found.len(), found.last().map(String::as_str)), (NAMED + 1, Some("…")));
    }
}
