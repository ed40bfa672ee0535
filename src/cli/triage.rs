//! `mcpl-triage.toml`: what people decided about changes, as a file to review.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::complaint::Complaint;
use super::output::plain;
use crate::text::Source;
use crate::verdict::trend::{Entry, Handling, Subject, Triage};

/// What the file is called.
const FILE: &str = "mcpl-triage.toml";

/// The directory that a history lies in, beside the scenarios.
const HISTORY_DIRECTORY: &str = ".mcpl";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    change: Vec<Spanned<Change>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    run: Option<String>,
    commit: Option<String>,
    metric: Option<String>,
    state: Spanned<Handling>,
    until: Option<Spanned<toml::Value>>,
    reason: Spanned<String>,
}

/// An entry as it is added.
#[derive(Serialize)]
struct Added<'a> {
    run: &'a str,
    metric: Option<&'a str>,
    state: Handling,
    reason: &'a str,
}

/// Where the decisions about a history are: beside the scenarios.
pub(super) fn beside(history: Option<&Path>) -> PathBuf {
    let directory = history.and_then(Path::parent).map(|directory| {
        if directory.file_name().is_some_and(|name| name == HISTORY_DIRECTORY) {
            directory.parent().unwrap_or(directory)
        } else {
            directory
        }
    });
    directory.unwrap_or(Path::new("")).join(FILE)
}

/// Reads decisions. A file that is not there holds none, unless it was asked for.
///
/// # Errors
/// When it cannot be read or understood.
pub(super) fn read(path: &Path, asked_for: bool) -> Result<Triage, Complaint> {
    match fs::read_to_string(path) {
        Ok(text) => parse(&path.display().to_string(), &text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !asked_for => Ok(Triage::default()),
        Err(error) => Err(Complaint::usage(format!("cannot read `{}`: {}", path.display(), plain(&error)))),
    }
}

/// What is wrong, for people who do not know what the file is read into.
fn plainly(message: &str) -> String {
    let expected = message.split_once(", expected ").filter(|_| message.starts_with("invalid type"));
    match expected.map_or(message, |(_, expected)| expected) {
        "a sequence" => "`change` is a list: begin each decision with `[[change]]`, in two pairs of brackets",
        "a string" => "here a text is wanted, in quotation marks",
        "wanted string or table" => "here \"accept\" or \"ignore\" is wanted, in quotation marks",
        _ if expected.is_some() => "here a decision is wanted, which begins with `[[change]]`",
        _ => message,
    }
    .to_owned()
}

/// The day that a value is; one that is none, as it is written.
fn day(value: &toml::Value) -> Result<String, String> {
    let text = match value {
        toml::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let is_day = text.len() == "2026-12-31".len() && text.parse::<jiff::civil::Date>().is_ok();
    if is_day { Ok(text) } else { Err(text) }
}

/// The decisions in a text.
fn parse(name: &str, text: &str) -> Result<Triage, Complaint> {
    let source = Source::new(name, text);
    let at = |offset: usize| {
        let position = source.position(u32::try_from(offset).unwrap_or(u32::MAX));
        format!("{name}:{}:{}", position.line, position.column)
    };
    let file: File = toml::from_str(text).map_err(|error| {
        let place = at(error.span().map_or(0, |span| span.start));
        let message = plainly(error.message().lines().next().unwrap_or_default());
        Complaint::usage(format!("{place}: {message}")).help(
            "write for each decision `[[change]]` with `run` or `commit`, `state` (\"accept\" or \"ignore\"), `reason`, \
             and, where it is meant, `metric` and `until`",
        )
    })?;
    let entry = |change: Spanned<Change>| {
        let place = at(change.span().start);
        let change = change.into_inner();
        let wrong =
            |place: String, what: &str, help: &str| Err(Complaint::usage(format!("{place}: {what}")).help(help));
        let subject = match (change.run, change.commit) {
            (Some(run), None) if !run.is_empty() => Subject::Run(run),
            (None, Some(commit)) if !commit.is_empty() => Subject::Commit(commit),
            (Some(_), Some(_)) => return wrong(place, "a change has both a run and a commit", "keep one of them"),
            _ => {
                return wrong(
                    place,
                    "a change has neither a run nor a commit",
                    "add `run = \"…\"` or `commit = \"…\"`",
                );
            }
        };
        if change.reason.as_ref().trim().is_empty() {
            return wrong(at(change.reason.span().start), "a decision without a reason", "say why in `reason = \"…\"`");
        }
        let state = *change.state.as_ref();
        let until = match (&change.until, state) {
            (Some(until), _) => match (day(until.as_ref()), state) {
                (Ok(until), Handling::Ignore) => Some(until),
                (Err(written), _) => {
                    let what = format!("`{written}` is no day");
                    return wrong(at(until.span().start), &what, "write it as `until = \"2026-12-31\"`");
                }
                (Ok(_), Handling::Accept) => {
                    let help = "remove `until`, or write `state = \"ignore\"` if it is to be told again";
                    return wrong(at(until.span().start), "what is accepted has no end", help);
                }
            },
            (None, Handling::Ignore) => {
                let help = "add `until = \"2026-12-31\"`, or write `state = \"accept\"` if it is right";
                return wrong(at(change.state.span().start), "what is ignored needs an end", help);
            }
            (None, Handling::Accept) => None,
        };
        Ok(Entry { subject, metric: change.metric, state, until, reason: change.reason.into_inner() })
    };
    Ok(Triage { entries: file.change.into_iter().map(entry).collect::<Result<_, _>>()? })
}

/// The decision that what happened to a metric at a run is right.
pub(super) fn accepted(run: &str, metric: &str, reason: &str) -> Entry {
    let (subject, metric) = (Subject::Run(run.to_owned()), Some(metric.to_owned()));
    Entry { subject, metric, state: Handling::Accept, until: None, reason: reason.to_owned() }
}

/// Adds an acceptance to the end of the file, which is made where there is none.
///
/// # Errors
/// When it has no reason, or cannot be written.
pub(super) fn append(path: &Path, entry: &Entry) -> Result<(), Complaint> {
    if entry.reason.trim().is_empty() {
        return Err(Complaint::usage("a decision without a reason").help("say why: `--reason \"…\"`"));
    }
    let (Subject::Run(run) | Subject::Commit(run)) = &entry.subject;
    let added = Added { run, metric: entry.metric.as_deref(), state: entry.state, reason: &entry.reason };
    let text = toml::to_string(&added).unwrap_or_default();
    let before = if path.exists() { "\n" } else { "# Decisions about changes that `mcpl trend` tells.\n\n" };
    fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(path)
        .and_then(|mut file| file.write_all(format!("{before}[[change]]\n{text}").as_bytes()))
        .map_err(|error| Complaint::usage(format!("cannot write `{}`: {}", path.display(), plain(&error))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decisions_are_read() {
        let text = "# why\n[[change]]\nrun = \"6924\"\nmetric = \"latency.p95\"\nstate = \"accept\"\nreason = \"TLS\"\n\n\
                    [[change]]\ncommit = \"1f3a\"\nstate = \"ignore\"\nuntil = \"2026-12-31\"\nreason = \"#12\"\n";
        let entries = parse("t.toml", text).unwrap().entries;
        assert_eq!(entries[0].subject, Subject::Run("6924".to_owned()));
        assert_eq!(entries[0].metric.as_deref(), Some("latency.p95"));
        assert_eq!(entries[1].subject, Subject::Commit("1f3a".to_owned()));
        assert_eq!((entries[1].state, entries[1].until.as_deref()), (Handling::Ignore, Some("2026-12-31")));
        assert_eq!(parse("t.toml", "").unwrap(), Triage::default());
        // TOML has days of its own.
        assert_eq!(parse("t.toml", &text.replace("\"2026-12-31\"", "2026-12-31")).unwrap().entries, entries);
    }

    #[test]
    fn mistakes_have_their_place() {
        let rest = "state = \"accept\"\nreason = \"x\"\n";
        for (text, place, what) in [
            (format!("[[change]]\nruns = \"1\"\n{rest}"), "t.toml:2:1: ", "unknown field `runs`"),
            (format!("[[changes]]\nrun = \"1\"\n{rest}"), "t.toml:1:", "unknown field `changes`"),
            (format!("[[change]]\nrun = \"1\"\ncommit = \"2\"\n{rest}"), "t.toml:1:1: ", "both a run and a commit"),
            (format!("[[change]]\n{rest}"), "t.toml:1:1: ", "neither a run nor a commit"),
            ("[[change]]\nrun = \"1\"\nstate = \"accept\"\n".to_owned(), "t.toml:1:1: ", "missing field `reason`"),
            ("[[change]]\nrun = \"1\"\nstate = \"fine\"\nreason = \"x\"\n".to_owned(), "t.toml:3:9: ", "`fine`"),
            (
                "[[change]]\nrun = \"1\"\nstate = \"accept\"\nreason = \" \"\n".to_owned(),
                "t.toml:4:10: ",
                "without a reason",
            ),
            (
                format!("[[change]]\nrun = \"1\"\nuntil = \"31.12.2026\"\n{rest}"),
                "t.toml:3:9: ",
                "`31.12.2026` is no day",
            ),
            (format!("[[change]]\nrun = \"1\"\nuntil = \"2026-12-31\"\n{rest}"), "t.toml:3:9: ", "has no end"),
            (
                "[[change]]\nrun = \"1\"\nstate = \"ignore\"\nreason = \"x\"\n".to_owned(),
                "t.toml:3:9: ",
                "needs an end",
            ),
            ("[[change]\n".to_owned(), "t.toml:1:", ""),
            (format!("[change]\nrun = \"1\"\n{rest}"), "t.toml:1:1: ", "begin each decision with `[[change]]`"),
            ("change = [1]\n".to_owned(), "t.toml:1:11: ", "here a decision is wanted"),
            (format!("[[change]]\nrun = 5\n{rest}"), "t.toml:2:7: ", "a text is wanted, in quotation marks"),
            (
                "[[change]]\nrun = \"1\"\nstate = 5\nreason = \"x\"\n".to_owned(),
                "t.toml:3:9: ",
                "here \"accept\" or \"ignore\" is wanted",
            ),
            (format!("[[change]]\nrun = \"1\"\nuntil = 5\n{rest}"), "t.toml:3:9: ", "`5` is no day"),
        ] {
            let complaint = parse("t.toml", &text).unwrap_err();
            assert!(complaint.message.starts_with(place) && complaint.message.contains(what), "{text}: {complaint:?}");
            assert!(complaint.help.is_some());
        }
    }

    #[test]
    fn what_is_added_can_be_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE);
        for run in ["a", "b"] {
            append(&path, &accepted(run, "latency.p95", "it \"is\"\nright")).unwrap();
        }
        let entries = read(&path, true).unwrap().entries;
        assert_eq!(entries.len(), 2);
        assert_eq!(entries[1], accepted("b", "latency.p95", "it \"is\"\nright"));
        assert!(append(&path, &accepted("c", "latency.p95", " ")).is_err());
        assert!(read(&dir.path().join("none"), true).is_err() && read(&dir.path().join("none"), false).is_ok());
    }

    #[test]
    fn decisions_lie_beside_the_scenarios() {
        for (history, place) in [
            (Some(".mcpl/history.db"), "mcpl-triage.toml"),
            (Some("/a/.mcpl/history.db"), "/a/mcpl-triage.toml"),
            (Some("/a/h.db"), "/a/mcpl-triage.toml"),
            (None, "mcpl-triage.toml"),
        ] {
            assert_eq!(beside(history.map(Path::new)), Path::new(place), "{history:?}");
        }
    }
}
