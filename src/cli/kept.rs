//! What is kept of two builds that are run in turns: the results of the runs, the
//! comparison, and reports on it.

use std::path::{Path, PathBuf};

use super::compare::{self, CompareFormat};
use super::complaint::Complaint;
use super::duel::DuelArgs;
use super::{output, run};
use crate::report::{self, Format, Style};
use crate::results::Results;
use crate::verdict::compare::Comparison;

/// The comparison in the directory of the results.
const COMPARISON: &str = "comparison.json";

/// Where it is kept.
pub(super) struct Kept {
    out: Option<PathBuf>,
    reports: Vec<(Format, PathBuf)>,
}

impl Kept {
    /// Reads the options.
    ///
    /// # Errors
    /// When a report has no format that a comparison has, or no file.
    pub(super) fn asked(args: &DuelArgs) -> Result<Kept, Complaint> {
        let reports = args.report.iter().map(|report| parse_report(report)).collect::<Result<_, _>>()?;
        Ok(Kept { out: args.out.clone(), reports })
    }

    /// Makes the directory, and finds out whether everything can be written, before
    /// anything is sent.
    ///
    /// # Errors
    /// When it cannot, when a file is named for two things, or when the directory has
    /// another comparison: nobody could tell its runs from the new ones.
    pub(super) fn prepare(&self, file: &Path) -> Result<(), Complaint> {
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
        let mut taken: Vec<&Path> = vec![file];
        for path in comparison.iter().chain(self.reports.iter().map(|(_, path)| path)) {
            output::check_writable(path)?;
            if taken.iter().any(|other| output::same_file(path, other)) {
                return Err(Complaint::usage(format!("`{}` is named for two things", path.display()))
                    .help("give each report a file of its own, other than the scenario and the comparison"));
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
        write(&directory.join(format!("{pair:02}-{}.json", side.to_ascii_lowercase())), &results.to_json())
    }

    /// Writes what was asked for about the comparison; what cannot be written becomes a
    /// complaint.
    pub(super) fn comparison(&self, comparison: &Comparison) -> Vec<Complaint> {
        let json = || compare::render(comparison, CompareFormat::Json);
        let kept = self.out.iter().map(|directory| write(&directory.join(COMPARISON), &json()?));
        let reports = self.reports.iter().map(|(format, path)| {
            let text = report::render_comparison(comparison, *format, Style { color: false });
            write(path, &text.map_err(|error| Complaint::usage(error.to_string()))?)
        });
        kept.chain(reports).filter_map(Result::err).collect()
    }
}

/// Whether a comparison gives files this name.
fn is_ours(name: &str) -> bool {
    let pair = name.strip_suffix("-a.json").or_else(|| name.strip_suffix("-b.json"));
    name == COMPARISON || pair.is_some_and(|pair| pair.len() >= 2 && pair.bytes().all(|byte| byte.is_ascii_digit()))
}

/// `--report FORMAT=FILE`, in a format that a comparison has.
fn parse_report(report: &str) -> Result<(Format, PathBuf), Complaint> {
    match run::parse_report(report)? {
        (format @ (Format::Html | Format::Csv | Format::Json), _) => Err(Complaint::usage(format!(
            "a comparison has no report as {}",
            format.name()
        ))
            .help("write text, markdown or junit, or print it with `--format json`; `mcpl report` makes a page of each run that `--out` keeps")),
        asked => Ok(asked),
    }
}

fn write(path: &Path, text: &str) -> Result<(), Complaint> {
    output::write(path, text)
        .map_err(|error| Complaint::usage(format!("cannot write `{}`: {}", path.display(), output::plain(&error))))
}
