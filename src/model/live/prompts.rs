//! Prompts: they have a list of arguments and no schema, and every value is a
//! text on the wire.

use serde_json::Value as Json;

use super::schema::{Fault, Wrong};
use super::{Offer, Prompt, calls, example};
use crate::diag::Diagnostic;
use crate::diag::errors::live as errors;
use crate::diag::suggest::nearest;
use crate::model::{Argument, Entry, Kind, Known, PromptSite};

pub(super) fn check(site: &PromptSite, offer: &Offer, found: &mut Vec<Diagnostic>) {
    let Some(prompts) = &offer.prompts else { return };
    let Some(prompt) = prompts.iter().find(|prompt| prompt.name == site.name) else {
        let known: Vec<String> = prompts.iter().map(|prompt| prompt.name.clone()).collect();
        found.push(errors::unknown_prompt(&site.name, &offer.server, site.span, &known));
        return;
    };
    let nothing = Argument::nothing(site.span);
    let args = site.args.as_ref().unwrap_or(&nothing);
    let Known::Object(entries) = &args.known else { return };
    let faults = faults(prompt, args, entries);
    let owner = format!("the prompt `{}`", site.name);
    let missing = example::missing(&faults);
    for (index, fault) in faults.iter().enumerate() {
        let mut diagnostic = calls::diagnostic(fault, &owner);
        if let (Wrong::Missing { .. }, None) = (&fault.wrong, &site.args) {
            diagnostic = example::without_args(diagnostic, &missing, site.span, site.block, index > 0);
        }
        found.push(diagnostic);
    }
    for entry in entries.iter().filter(|entry| !lists(prompt, &entry.key) && !replaces(prompt, entries, entry)) {
        let free = prompt.arguments.iter().map(|(name, _)| name).filter(|name| !given(entries, name));
        let known: Vec<String> = free.cloned().collect();
        found.push(errors::unlisted_argument(&entry.key, &owner, entry.key_span, &known, args.written));
    }
}

fn lists(prompt: &Prompt, name: &str) -> bool {
    prompt.arguments.iter().any(|(listed, _)| listed == name)
}

fn given(entries: &[Entry], name: &str) -> bool {
    entries.iter().any(|entry| entry.key == name)
}

/// The entry that stands for an argument by nearly its name.
fn stand_in<'a>(prompt: &Prompt, entries: &'a [Entry], name: &str) -> Option<&'a Entry> {
    entries.iter().find(|entry| !lists(prompt, &entry.key) && nearest(&entry.key, [name]).is_some())
}

/// Whether an entry is already spoken of, because what is missing stands there
/// by another name.
fn replaces(prompt: &Prompt, entries: &[Entry], entry: &Entry) -> bool {
    let missing = prompt.arguments.iter().filter(|(name, required)| *required && !given(entries, name));
    let mut stand_ins = missing.filter_map(|(name, _)| stand_in(prompt, entries, name));
    stand_ins.any(|other| other.key == entry.key)
}

fn faults(prompt: &Prompt, args: &Argument, entries: &[Entry]) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (name, _) in prompt.arguments.iter().filter(|(name, required)| *required && !given(entries, name)) {
        let example = format!("{}: \"text\"", Json::from(name.as_str()));
        faults.push(match stand_in(prompt, entries, name) {
            Some(entry) => {
                let insert = args.written.then(|| (entry.key_span, Json::from(name.as_str()).to_string()));
                let wrong = Wrong::Missing { example, instead_of: Some(entry.key.clone()), insert };
                Fault { path: name.clone(), span: entry.key_span, written: args.written, wrong }
            }
            None => {
                let insert = example::insertion(args, &example);
                Fault::new(name, args, Wrong::Missing { example, instead_of: None, insert })
            }
        });
    }
    for entry in entries {
        faults.extend(odd_parts(&entry.value).into_iter().map(|(value, kind)| {
            let mended = match &value.known {
                Known::Scalar(scalar) if kind != Kind::Null => Some(Json::from(scalar.to_string()).to_string()),
                _ => None,
            };
            let example = mended.clone().unwrap_or_else(|| "\"text\"".to_owned());
            let wrong = Wrong::Type { wanted: vec!["a text"], found: kind.phrase(), example, mended };
            Fault::new(&entry.key, value, wrong)
        }));
    }
    faults.dedup();
    faults
}

/// What the value may be that is no text.
fn odd_parts(value: &Argument) -> Vec<(&Argument, Kind)> {
    if let Known::Choice(choices) = &value.known {
        return choices.iter().flat_map(odd_parts).collect();
    }
    value.kind().filter(|kind| *kind != Kind::Text).map(|kind| (value, kind)).into_iter().collect()
}
