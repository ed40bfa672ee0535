//! `mcpl explain` and `mcpl completions`.

use clap::CommandFactory as _;

use super::args::{Cli, CompletionsArgs, ExplainArgs};
use super::complaint::Complaint;
use super::{Done, exit, terminal};
use crate::diag::catalogue;
use crate::diag::suggest::nearest;

/// Prints the page of a code, or the list of all.
pub(super) fn run(args: &ExplainArgs) -> Done {
    let Some(code) = &args.code else {
        let mut list = String::new();
        for entry in catalogue::ENTRIES {
            list.push_str(&format!("{}  {}\n", entry.code, entry.title()));
        }
        terminal::print(&list)?;
        return Ok(exit::OK);
    };
    let wanted = code.to_uppercase();
    match catalogue::find(&wanted) {
        Some(entry) => {
            terminal::print(entry.page)?;
            Ok(exit::OK)
        }
        None => {
            let complaint = Complaint::usage(format!("there is no diagnostic with the code `{code}`"));
            Err(match nearest(&wanted, catalogue::ENTRIES.iter().map(|entry| entry.code)) {
                Some(near) => complaint.help(format!("try `mcpl explain {near}`; `mcpl explain` lists all codes")),
                None => complaint.help("run `mcpl explain` for a list of all codes"),
            })
        }
    }
}

/// Prints a completion script.
pub(super) fn completions(args: &CompletionsArgs) -> Done {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "mcpl", &mut script);
    terminal::print(&String::from_utf8_lossy(&script))?;
    Ok(exit::OK)
}
