//! What is kept of a comparison: reports on it and, of two builds that are run in turns,
//! the results of the runs and the comparison.

use std::path::{Path, PathBuf};

use super::complaint::Complaint;
use super::form::{Form, parse_report};
use super::{compare, output};
use crate::report::{ComparisonReport, Format, Style};
use crate::results::Results;

/// The comparison in the directory of the results.
pub(super) const COMPARISON: &str = "comparison.json";

/// Where it is kept.
pub(super) struct Kept {
    out: Option<PathBuf>,
    reports: Vec<(Form, PathBuf)>,
}

impl Kept {
    /// Reads the options.
    ///
    /// # Errors
    /// When a report has no format that there is, no template that can be read, or no file.
    pub(super) fn asked(out: Option<&Path>, reports: &[String]) -> Result<Kept, Complaint> {
        let reports = reports.iter().map(|report| parse_report(report)).collect::<Result<_, _>>()?;
        Ok(Kept { out: out.map(Path::to_owned), reports })
    }

    /// Makes the directory, and finds out whether everything can be written, before
    /// anything is sent.
    ///
    /// # Errors
    /// When it cannot, when a file is named for two things, or when the directory has
    /// another comparison: nobody could tell its runs from the new ones. `inputs` are read, and
    /// nothing is written over them.
    pub(super) fn prepare(&self, inputs: &[&Path]) -> Result<(), Complaint> {
        let comparison = self.out.as_ref().map(|directory| directory.join(COMPARISON));
        if let Some(directory) = &self.out {
            let failed = |what: &str, error: &std::io::Error| {
                Complaint::usage(format!("cannot {what} `{}`: {}", directory.display(), output::plain(error)))
            };
            std::fs::create_dir_all(directory).map_err(|error| failed("make the directory", &error))?;
            for entry in std::fs::read_dir(directory).map_err(|error| failed("read the directory", &error))?.flatten() {
                let name = entry.file_name().to_string_lossy().into_owned();
                if is_ours(&name) {
                    let directory = directory.display();
                    return Err(Complaint::usage(format!("`{directory}` has an earlier comparison: `{name}`"))
                        .help("name another directory with `--out`, or remove this one first"));
                }
            }
        }
        let mut taken: Vec<&Path> = inputs.to_vec();
        for path in comparison.iter().chain(self.reports.iter().map(|(_, path)| path)) {
            output::check_writable(path)?;
            if taken.iter().any(|other| output::same_file(path, other)) {
                return Err(Complaint::usage(format!("`{}` is named for two things", path.display()))
                    .help("give each report a file of its own, other than what is compared and the comparison"));
            }
            taken.push(path);
        }
        Ok(())
    }

    /// Keeps a run of side A or B, by the number of its pair.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn run(&self, pair: u32, side: char, results: &Results) -> Result<(), Complaint> {
        let Some(directory) = &self.out else { return Ok(()) };
        output::put(&directory.join(format!("{pair:02}-{}.json", side.to_ascii_lowercase())), &results.to_json())
    }

    /// Writes what was asked for about the comparison; what cannot be written becomes a
    /// complaint.
    pub(super) fn comparison(&self, report: &ComparisonReport) -> Vec<Complaint> {
        let kept = self.out.iter().map(|directory| (Form::BuiltIn(Format::Json), directory.join(COMPARISON)));
        let written = kept.chain(self.reports.iter().cloned()).map(|(form, path)| {
            compare::render(report, &form, Style { color: false }).and_then(|text| output::put(&path, &text))
        });
        written.filter_map(Result::err).collect()
    }
}

/// Whether a comparison gives files this name.
fn is_ours(name: &str) -> bool {
    let pair = name.strip_suffix("-a.json").or_else(|| name.strip_suffix("-b.json"));
    name == COMPARISON || pair.is_some_and(|pair| pair.len() >= 2 && pair.bytes().all(|byte| byte.is_ascii_digit()))
}
