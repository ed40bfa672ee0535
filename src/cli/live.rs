//! `mcpl check --live`: a file against the servers that it names.

use std::path::Path;

use super::complaint::Complaint;
use super::connect::{self, Children};
use super::load::Loaded;
use super::preflight;
use crate::diag;

/// Connects to the servers of a file in which nothing is wrong so far, and adds
/// what they have to say against it.
///
/// # Errors
/// When a server cannot be started or reached, or a secret is not set.
pub(super) fn extend(loaded: &mut Loaded, path: &Path) -> Result<(), Complaint> {
    let Some(plan) = &loaded.lowered.plan else { return Ok(()) };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Complaint::server(format!("cannot start: {error}")))?;
    let mut children = Children::default();
    let beside = path.parent().unwrap_or(Path::new(""));
    let servers = runtime.block_on(connect::connect(plan, beside, &mut children));
    runtime.block_on(children.stop());
    let servers = servers?;
    let found = preflight::check(plan, &loaded.lowered.model, &servers);
    loaded.lowered.diagnostics.extend(found);
    diag::tidy(&mut loaded.lowered.diagnostics);
    Ok(())
}
