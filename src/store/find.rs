//! Names of runs: an id, the beginning of one, `latest`, `latest~2`.

use super::{Entry, Filter, History, StoreError};

/// So many runs are named where several are meant.
const NAMED: usize = 5;

/// How many runs before the last one a name means, if it means that.
fn before_latest(name: &str) -> Option<usize> {
    match name.strip_prefix("latest")? {
        "" => Some(0),
        rest => rest.strip_prefix('~')?.parse().ok(),
    }
}

impl History {
    /// The run that is meant: by its id, by the beginning of an id that no other
    /// run has, or `latest`, or `latest~N` for the Nth before it.
    ///
    /// # Errors
    /// When there is none, or there are several.
    pub fn find(&self, name: &str) -> Result<Entry, StoreError> {
        let none = || StoreError::NoRun(name.to_owned());
        // Every id begins with nothing, and nobody means a run by it.
        if name.is_empty() {
            return Err(none());
        }
        if let Some(before) = before_latest(name) {
            let runs = self.list(&Filter { limit: Some(before.saturating_add(1)), ..Filter::default() })?;
            return runs.into_iter().nth(before).ok_or_else(none);
        }
        let mut found = self.beginning_with(name, NAMED)?;
        if let Some(exact) = found.iter().position(|entry| entry.id == name) {
            return Ok(found.swap_remove(exact));
        }
        match found.len() {
            0 => Err(none()),
            1 => found.pop().ok_or_else(none),
            _ => Err(StoreError::Ambiguous {
                prefix: name.to_owned(),
                of: found.into_iter().map(|entry| entry.id).collect(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::before_latest;

    #[test]
    fn only_latest_means_the_last_runs() {
        for (name, before) in [
            ("latest", Some(0)),
            ("latest~0", Some(0)),
            ("latest~12", Some(12)),
            ("latest~", None),
            ("latest~x", None),
            ("latest1", None),
            ("6a0c", None),
            ("", None),
        ] {
            assert_eq!(before_latest(name), before, "{name}");
        }
    }
}
