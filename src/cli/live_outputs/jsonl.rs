//! Lines of JSON, one for each second, appended to a file or a pipe.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use jiff::ToSpan as _;

use super::super::output::plain;
use super::{Begun, Feed, Told};
use crate::telemetry::line;

/// Writes lines until the seconds end, or until one cannot be written.
pub(super) async fn tell(path: &Path, begun: Begun, mut feed: Feed) -> Told {
    // A pipe waits here for its reader, on this thread alone.
    let failed = |feed: Feed, error: std::io::Error| {
        let why = format!("{}; nothing more was appended", plain(&error));
        Told { missed: feed.missed, failed: 1, why: Some(why), ..Told::default() }
    };
    let mut file = match OpenOptions::new().append(true).create(true).open(path) {
        Ok(file) => file,
        Err(error) => return failed(feed, error),
    };
    while let Some(slice) = feed.next().await {
        let ended = begun.started.checked_add((i64::from(slice.second) + 1).seconds()).unwrap_or(begun.started);
        let text = line(&begun.context, &slice, &ended.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
        if let Err(error) = file.write_all(text.as_bytes()) {
            return failed(feed, error);
        }
    }
    Told { missed: feed.missed, ..Told::default() }
}
