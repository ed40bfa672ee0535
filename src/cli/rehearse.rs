//! `mcpl rehearse`: a run in virtual time against a simulated server.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::args::RehearseArgs;
use super::complaint::Complaint;
use super::form::parse_report;
use super::load;
use super::lookout::Lookout;
use super::output::plain;
use super::run::{Outputs, conclude};
use super::{Done, check, exit, terminal};
use crate::diag::suggest::nearest;
use crate::engine::Control;
use crate::plan::Plan;
use crate::record::Slice;
use crate::rehearse::{Behaviour, Replies, ReplyError, rehearse};

/// Rehearses a scenario file.
pub(super) fn run(args: &RehearseArgs) -> Done {
    let asked = args.report.iter().map(|report| parse_report(report)).collect::<Result<Vec<_>, _>>()?;
    let loaded = load::load(&args.file, &args.compile)?;
    check::report(&loaded);
    let Some(plan) = loaded.lowered.plan.clone() else { return Ok(exit::USAGE) };
    let outputs = Outputs::find(Some(&args.file), args.out.as_deref(), asked, &plan, &[])?;
    let replies = replies(&plan, args.reply.as_deref())?;
    let behaviour = Behaviour { latency: args.latency, errors: args.errors, capacity: args.capacity };
    terminal::note(&format!("rehearsing {} in virtual time; no server is contacted\n", plan.name));
    let control = Control::new();
    let mut lookout = Lookout::new(&plan, 1);
    let tables = &loaded.lowered.model.tables;
    let look = |slice: &Slice| lookout.second(slice, &control);
    let results = rehearse(&Arc::new(plan), tables, &behaviour, &replies, &control, look)
        .map_err(|error| Complaint::server(format!("cannot start: {}", plain(&error))))?;
    Ok(conclude(&results, &outputs).0)
}

/// The replies of a file, and made-up ones for the other steps.
fn replies(plan: &Plan, file: Option<&Path>) -> Result<Replies, Complaint> {
    let mut given = BTreeMap::new();
    if let Some(path) = file {
        let source = load::read(path)?;
        given = serde_json::from_str(source.text()).map_err(|error| {
            Complaint::usage(format!("`{}` holds no replies: {error}", path.display()))
                .help("write a JSON object: the name of a step, and the result it gets")
        })?;
    }
    Replies::new(plan, &given).map_err(|error| {
        let complaint = Complaint::usage(error.to_string());
        match &error {
            ReplyError::NoStep { step, steps } => match nearest(step, steps.iter().map(String::as_str)) {
                Some(near) => complaint.help(format!("write `{near}`")),
                None => complaint.help(format!("name one that there is: {}", steps.join(", "))),
            },
            ReplyError::SameRequest { one, .. } => complaint.help(format!("give a reply for `{one}` only")),
            ReplyError::NoObject(_) => {
                complaint.help("write the result as in the protocol, such as `{ \"content\": [] }`")
            }
            ReplyError::Unreadable(..) => complaint.help("report this as a defect of mcpl"),
        }
    })
}

/// How a simulated server is described on the command line.
pub(super) mod simulated {
    use super::super::args::duration;
    use crate::rehearse::{Capacity, Latency};
    use crate::units::{self, Dimension};

    /// `5ms`, `5ms..20ms` or `exponential 10ms`
    pub(in super::super) fn latency(text: &str) -> Result<Latency, String> {
        if let Some(mean) = text.trim().strip_prefix("exponential") {
            return duration(mean.trim()).map(Latency::Exponential);
        }
        let (least, most) = text.split_once("..").unwrap_or((text, text));
        match (duration(least.trim())?, duration(most.trim())?) {
            (least, most) if least <= most => Ok(Latency::Between(least, most)),
            _ => Err("the first duration is the longer one".to_owned()),
        }
    }

    /// `100/s` or `8`
    pub(in super::super) fn capacity(text: &str) -> Result<Capacity, String> {
        match units::parse(text) {
            Some(rate) if rate.dimension == Dimension::Rate && rate.value > 0.0 => Ok(Capacity::Rate(rate.value)),
            _ => match text.trim().parse() {
                Ok(count) if count > 0 => Ok(Capacity::AtOnce(count)),
                _ => Err("write a rate such as 100/s, or a number of requests at once such as 8".to_owned()),
            },
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use std::time::Duration;

        #[test]
        fn latencies_and_capacities_are_read() {
            let millis = Duration::from_millis;
            assert_eq!(latency("5ms"), Ok(Latency::Between(millis(5), millis(5))));
            assert_eq!(latency("5ms..20ms"), Ok(Latency::Between(millis(5), millis(20))));
            assert_eq!(latency("exponential 10ms"), Ok(Latency::Exponential(millis(10))));
            assert!(latency("20ms..5ms").is_err());
            assert!(latency("5").is_err());
            assert_eq!(capacity("100/s"), Ok(Capacity::Rate(100.0)));
            assert_eq!(capacity("8"), Ok(Capacity::AtOnce(8)));
            assert!(capacity("0").is_err());
            assert!(capacity("0/s").is_err());
            assert!(capacity("fast").is_err());
        }
    }
}
