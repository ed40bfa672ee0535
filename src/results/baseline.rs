//! A baseline: the runs that others are held against, as a file to commit.
//!
//! Where the runs come from stands first, a line for each fact, so that a change to the
//! file can be read. The plan stands once, and of each run what [`Results::condensed`]
//! keeps, a line each.

use serde::{Deserialize, Serialize};

use super::{Environment, ReadError, Results, Run, SCHEMA, ServerInfo, Tool};
use crate::plan::Plan;
use crate::record::Recording;

/// Version of the format. A reader refuses what it does not know.
pub const BASELINE: &str = "mcpl.baseline/1";

/// Runs under a name.
#[derive(Clone, Debug, PartialEq)]
pub struct Baseline {
    /// The name.
    pub name: String,
    /// The runs, without their courses. All have the load of the first.
    pub runs: Vec<Results>,
}

/// Where a run comes from.
#[derive(Serialize, Deserialize)]
struct Origin {
    run: Run,
    tool: Tool,
    servers: Vec<ServerInfo>,
    environment: Environment,
    seed: u64,
    plan_hash: String,
}

#[derive(Deserialize)]
struct Whole {
    name: String,
    runs: Vec<Origin>,
    plan: Plan,
    recordings: Vec<Recording>,
}

impl Baseline {
    /// Of runs of one load.
    #[must_use]
    pub fn new(name: impl Into<String>, runs: &[Results]) -> Baseline {
        Baseline { name: name.into(), runs: runs.iter().map(Results::condensed).collect() }
    }

    /// As the text of a file.
    #[must_use]
    pub fn to_json(&self) -> String {
        let origin = |run: &Results| Origin {
            run: run.run.clone(),
            tool: run.tool.clone(),
            servers: run.servers.clone(),
            environment: run.environment.clone(),
            seed: run.plan.seed,
            plan_hash: run.plan_hash.clone(),
        };
        let origins: Vec<Origin> = self.runs.iter().map(origin).collect();
        let origins = serde_json::to_string_pretty(&origins).unwrap_or_default().replace('\n', "\n  ");
        let plan = self.runs.first().map(|run| line(&run.plan)).unwrap_or_default();
        let recordings: Vec<String> = self.runs.iter().map(|run| format!("    {}", line(&run.recording))).collect();
        format!(
            "{{\n  \"schema\": {},\n  \"name\": {},\n  \"runs\": {origins},\n  \"plan\": {plan},\n  \"recordings\": [\n{}\n  ]\n}}\n",
            line(&BASELINE),
            line(&self.name),
            recordings.join(",\n")
        )
    }

    /// Whether the text says of itself that it is a baseline, of any version.
    #[must_use]
    pub fn is_one(text: &str) -> bool {
        let head: Result<super::read::Head, _> = serde_json::from_str(text);
        head.is_ok_and(|head| head.schema().is_some_and(|schema| schema.starts_with("mcpl.baseline/")))
    }

    /// Reads the text of a file.
    ///
    /// # Errors
    /// [`ReadError`], never a panic.
    pub fn from_json(text: &str) -> Result<Baseline, ReadError> {
        let head: super::read::Head = serde_json::from_str(text).map_err(|error| match error.classify() {
            serde_json::error::Category::Data => ReadError::NoBaseline,
            _ => error.into(),
        })?;
        match head.schema() {
            Some(BASELINE) => {}
            Some(found) if found.starts_with("mcpl.baseline/") => {
                return Err(ReadError::OtherBaseline { found: found.to_owned() });
            }
            _ => return Err(ReadError::NoBaseline),
        }
        let whole: Whole = serde_json::from_str(text)?;
        let (origins, recordings) = (whole.runs.len(), whole.recordings.len());
        if origins == 0 || origins != recordings {
            return Err(ReadError::Inconsistent(format!("it has {origins} runs and {recordings} recordings")));
        }
        let runs = whole.runs.into_iter().zip(whole.recordings).map(|(origin, recording)| Results {
            schema: SCHEMA.to_owned(),
            tool: origin.tool,
            plan: Plan { seed: origin.seed, ..whole.plan.clone() },
            plan_hash: origin.plan_hash,
            run: origin.run,
            environment: origin.environment,
            servers: origin.servers,
            recording,
        });
        let runs: Vec<Results> = runs.collect();
        runs.iter().try_for_each(Results::check)?;
        Ok(Baseline { name: whole.name, runs })
    }
}

/// Every part is plain data with text keys, which serde_json can write.
fn line(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
