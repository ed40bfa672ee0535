//! SARIF 2.1.0, which code scanning services and editors read.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::diag::{Diagnostic, Edit, Fix, Severity, catalogue};
use crate::text::{Source, Span};

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// One log with one run, about all files that were checked.
#[must_use]
pub fn sarif<'a>(checked: impl IntoIterator<Item = (&'a Source, &'a [Diagnostic])>) -> Value {
    let found: Vec<(&Source, &Diagnostic)> = checked
        .into_iter()
        .flat_map(|(source, diagnostics)| diagnostics.iter().map(move |diagnostic| (source, diagnostic)))
        .collect();
    let codes: BTreeSet<&str> = found.iter().map(|(_, diagnostic)| diagnostic.code).collect();
    let codes: Vec<&str> = codes.into_iter().collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "mcpl",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": codes.iter().map(|code| rule(code)).collect::<Vec<_>>(),
            } },
            // As `Source::position` counts.
            "columnKind": "unicodeCodePoints",
            "results": found.iter().map(|(source, found)| result(source, found, &codes)).collect::<Vec<_>>(),
        }],
    })
}

/// What a code means, once for all its findings.
fn rule(code: &str) -> Value {
    let entry = catalogue::find(code);
    let (title, page) = entry.map_or((code, code), |entry| (entry.title(), entry.page));
    json!({
        "id": code,
        "shortDescription": { "text": literal(title) },
        "help": { "text": literal(page), "markdown": literal(page) },
    })
}

fn result(source: &Source, d: &Diagnostic, codes: &[&str]) -> Value {
    let level = match d.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Advice => "note",
    };
    let message = match &d.help {
        Some(help) => format!("{}: {help}", d.message),
        None => d.message.clone(),
    };
    let mut result = json!({
        "ruleId": d.code,
        "ruleIndex": codes.iter().position(|code| *code == d.code),
        "level": level,
        "message": { "text": literal(&message) },
        "locations": [location(source, d.primary.span, &d.primary.text)],
    });
    if let Value::Object(members) = &mut result {
        if !d.secondary.is_empty() {
            let also = d.secondary.iter().map(|label| location(source, label.span, &label.text));
            members.insert("relatedLocations".to_owned(), also.collect());
        }
        if let Some(made) = &d.fix {
            members.insert("fixes".to_owned(), json!([fix(source, made, d.help.as_deref())]));
        }
    }
    result
}

fn location(source: &Source, span: Span, label: &str) -> Value {
    let physical = json!({
        "artifactLocation": { "uri": uri(source.file(span.start).name) },
        "region": region(source, span),
    });
    if label.is_empty() {
        return json!({ "physicalLocation": physical });
    }
    json!({ "physicalLocation": physical, "message": { "text": literal(label) } })
}

/// The end of a region is the column behind it; an empty one is a place to insert at.
fn region(source: &Source, span: Span) -> Value {
    let (start, end) = (source.position(span.start), source.position(span.end));
    json!({ "startLine": start.line, "startColumn": start.column, "endLine": end.line, "endColumn": end.column })
}

fn fix(source: &Source, fix: &Fix, help: Option<&str>) -> Value {
    let files: BTreeSet<usize> = fix.edits.iter().map(|edit| source.file(edit.span.start).index).collect();
    let change = |index: usize| {
        let edits: Vec<&Edit> = fix.edits.iter().filter(|edit| source.file(edit.span.start).index == index).collect();
        let name = edits.first().map_or("", |edit| source.file(edit.span.start).name);
        let replacement = |edit: &&Edit| {
            json!({
                "deletedRegion": region(source, edit.span),
                "insertedContent": { "text": edit.replacement },
            })
        };
        json!({
            "artifactLocation": { "uri": uri(name) },
            "replacements": edits.iter().map(replacement).collect::<Vec<_>>(),
        })
    };
    json!({
        "description": { "text": literal(help.unwrap_or("mend it")) },
        "artifactChanges": files.into_iter().map(change).collect::<Vec<_>>(),
        "properties": { "certain": fix.certain },
    })
}

/// A message without places for arguments: braces stand for themselves only
/// when doubled (§3.11.5).
fn literal(text: &str) -> String {
    text.replace('{', "{{").replace('}', "}}")
}

/// A path as a reference: relative as it was given, or with its scheme.
fn uri(path: &str) -> String {
    let mut uri = String::from(if path.starts_with('/') { "file://" } else { "" });
    for byte in path.bytes() {
        // A `:` in the first part of a path would make a scheme of what is before it.
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => uri.push(char::from(byte)),
            byte => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> (Source, Vec<Diagnostic>) {
        let mut source = Source::new("dir/a b:c%.mcpl", "mcpl 1\nparam é🙂 = 10\n");
        let start = source.add("/abs/\n\"é.mcpl", "param b = 1\n");
        let found = vec![
            Diagnostic::error("E302", "a duration without a unit", Span::new(22, 24), "a bare number")
                .help("write `{ 10s }`")
                .fix(Span::new(22, 24), "10s"),
            Diagnostic::warning("W201", "said twice {0}", Span::new(start, start + 5), "")
                .also(Span::new(7, 12), "first here")
                .maybe_fix(Span::new(start, start), "# "),
            Diagnostic { severity: Severity::Advice, ..Diagnostic::error("E302", "x", Span::at(0), "") },
        ];
        (source, found)
    }

    #[test]
    fn it_has_what_the_standard_asks_for() {
        let (source, found) = sample();
        let log = sarif([(&source, found.as_slice())]);
        assert_eq!(log["version"], "2.1.0");
        let run = &log["runs"][0];
        assert_eq!(run["columnKind"], "unicodeCodePoints");
        let driver = &run["tool"]["driver"];
        assert_eq!(driver["name"], "mcpl");
        let rules = driver["rules"].as_array().unwrap();
        assert_eq!(rules.iter().map(|rule| rule["id"].as_str().unwrap()).collect::<Vec<_>>(), ["E302", "W201"]);
        for rule in rules {
            assert!(!rule["shortDescription"]["text"].as_str().unwrap().is_empty());
            assert!(rule["help"]["text"].as_str().unwrap().starts_with("# "));
        }
        let results = run["results"].as_array().unwrap();
        let of = |name: &str| results.iter().map(|result| result[name].clone()).collect::<Vec<_>>();
        assert_eq!(of("level"), ["error", "warning", "note"]);
        for result in results {
            let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(rules[index]["id"], result["ruleId"]);
            assert!(result["message"]["text"].is_string());
            check_location(&result["locations"][0]);
            for also in result["relatedLocations"].as_array().into_iter().flatten() {
                check_location(also);
            }
            for fix in result["fixes"].as_array().into_iter().flatten() {
                let change = &fix["artifactChanges"][0];
                check_uri(&change["artifactLocation"]);
                check_region(&change["replacements"][0]["deletedRegion"]);
                assert!(change["replacements"][0]["insertedContent"]["text"].is_string());
            }
        }
    }

    fn check_location(location: &Value) {
        check_uri(&location["physicalLocation"]["artifactLocation"]);
        check_region(&location["physicalLocation"]["region"]);
    }

    fn check_uri(artifact: &Value) {
        let uri = artifact["uri"].as_str().unwrap();
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-._~/%".contains(c);
        assert!(uri.strip_prefix("file://").unwrap_or(uri).chars().all(allowed), "{uri}");
    }

    fn check_region(region: &Value) {
        for member in ["startLine", "startColumn", "endLine", "endColumn"] {
            assert!(region[member].as_u64().unwrap() >= 1, "{region}");
        }
        assert!(region["startLine"].as_u64() <= region["endLine"].as_u64(), "{region}");
    }

    #[test]
    fn places_count_characters_and_names_are_references() {
        let (source, found) = sample();
        let log = sarif([(&source, found.as_slice())]);
        let results = &log["runs"][0]["results"];
        let place = &results[0]["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "dir/a%20b%3Ac%25.mcpl");
        assert_eq!(
            place["region"],
            json!({ "startLine": 2, "startColumn": 12, "endLine": 2, "endColumn": 14 }),
            "each of é and 🙂 is one column"
        );
        assert_eq!(results[0]["message"]["text"], "a duration without a unit: write `{{ 10s }}`");
        assert_eq!(results[1]["message"]["text"], "said twice {{0}}");
        let other = &results[1]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
        assert_eq!(other, "file:///abs/%0A%22%C3%A9.mcpl");
        assert_eq!(
            results[1]["relatedLocations"][0]["physicalLocation"]["artifactLocation"]["uri"],
            "dir/a%20b%3Ac%25.mcpl"
        );
        assert_eq!(results[1]["fixes"][0]["artifactChanges"][0]["artifactLocation"]["uri"], *other);
        assert_eq!(results[1]["fixes"][0]["properties"]["certain"], false);
    }

    #[test]
    fn nothing_found_is_an_empty_list() {
        let log = sarif([]);
        assert_eq!(log["runs"][0]["results"], json!([]));
        assert_eq!(log["runs"][0]["tool"]["driver"]["rules"], json!([]));
    }
}
