//! `mcpl compare --a TARGET --b TARGET FILE`: two builds of a server under the same
//! load, run in turns, so that what else goes on meets both alike.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tokio::runtime::Runtime;

use super::args::CompileArgs;
use super::compare;
use super::complaint::Complaint;
use super::connect::{self, Children, Connected};
use super::dashboard::Subject;
use super::form::Form;
use super::journal::{self, Journal};
use super::kept::Kept;
use super::load;
use super::measure::{self, Job, Measurement};
use super::progress::{Progress, Show};
use super::sides::{Side, sides};
use super::{Done, exit, limits, preflight, run, terminal};
use crate::diag::{Diagnostic, render};
use crate::engine::{Control, Stop};
use crate::plan::{Plan, turns};
use crate::record::Time;
use crate::report::ComparisonReport;
use crate::results::{Ended, Results, Window};
use crate::stats::least_paired_chance;
use crate::units;
use crate::verdict::Outcome;
use crate::verdict::compare::{self as verdict, Change, Comparison, Pairing, Question, unusable};

/// Pairs, unless somebody says: one in two hundred and fifty-six of all ways that
/// chance could order them is the one where the new build is always worse.
const PAIRS: u32 = 8;

/// So many pairs are made again at most because a run of theirs is of no use. Beyond
/// that it is the machine or the load, and not bad luck.
const AGAIN: u32 = 2;

/// More pairs are not made. They would tell of changes that nobody notices.
const MOST_PAIRS: u32 = 1000;

#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Two builds in turns")]
pub(super) struct DuelArgs {
    /// Where the server of side A is, the build that is known: as in `at TARGET`, or
    /// `NAME=TARGET` for a server of several; may be repeated
    #[arg(long, value_name = "TARGET", group = "turns")]
    pub(super) a: Vec<String>,

    /// The same for side B, the build that is judged
    #[arg(long, value_name = "TARGET", group = "turns")]
    pub(super) b: Vec<String>,

    /// Override a `param` of the file for side A; may be repeated
    #[arg(long, value_name = "NAME=VALUE", group = "turns")]
    pub(super) set_a: Vec<String>,

    /// The same for side B
    #[arg(long, value_name = "NAME=VALUE", group = "turns")]
    pub(super) set_b: Vec<String>,

    /// Pairs of runs, one of each side [default: 8]
    #[arg(long = "runs", value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_PAIRS)), group = "turns")]
    pub(super) pairs: Option<u32>,

    /// Override a `param` of the file for both sides; may be repeated
    #[arg(long, value_name = "NAME=VALUE", requires = "turns")]
    pub(super) set: Vec<String>,

    /// Seed of the order of the runs, and of every random choice of the first pair [default: 1]
    #[arg(long, value_name = "N", requires = "turns")]
    pub(super) seed: Option<u64>,

    /// Keep the results of each run, and the comparison, in this directory
    #[arg(long, value_name = "DIR", requires = "turns")]
    pub(super) out: Option<PathBuf>,

    /// Threads that generate load [default: one per processor, as far as the load needs them]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024), requires = "turns")]
    pub(super) threads: Option<u16>,

    /// Keep no journal while a run is under way
    #[arg(long, requires = "turns")]
    pub(super) no_save: bool,

    /// Print nothing but the comparison and errors
    #[arg(long, short, requires = "turns")]
    pub(super) quiet: bool,
}

impl DuelArgs {
    /// Whether runs are to be made, rather than stored ones compared.
    pub(super) fn is_asked(&self) -> bool {
        let named = [&self.a, &self.b, &self.set_a, &self.set_b];
        self.pairs.is_some() || named.iter().any(|given| !given.is_empty())
    }

    /// How side A or B compiles the file.
    pub(super) fn compile(&self, own: &[String]) -> CompileArgs {
        CompileArgs { set: self.set.iter().chain(own).cloned().collect(), seed: self.seed() }
    }

    fn seed(&self) -> u64 {
        self.seed.unwrap_or(1)
    }
}

/// Runs both sides of `file` in turns, and compares them.
pub(super) fn run(args: &DuelArgs, kept: &Kept, file: &Path, form: &Form, force: bool) -> Done {
    let source = load::read(file)?;
    let Some(sides) = sides(args, file, &source, force)? else { return Ok(exit::USAGE) };
    let [a, b] = &sides;
    let pairs = args.pairs.unwrap_or(PAIRS);
    let question = question(args, &b.plan, pairs, force)?;
    kept.prepare(&[file])?;
    for plan in [&a.plan, &b.plan] {
        limits::prepare(plan, measure::threads(args.threads, plan))?;
    }
    let beside = file.parent().unwrap_or(Path::new(""));
    let duel = Duel { args, kept, beside, pairs, runtime: run::new_runtime()?, control: Control::new() };
    let _signals = duel.runtime.spawn(run::stop_on_signals(duel.control.clone()));
    let (made, end) = match duel.reach(&sides)? {
        Reached::Yes => duel.make(&sides)?,
        Reached::Refused => return Ok(exit::USAGE),
        Reached::Interrupted => (Pairs::default(), End::Interrupted),
    };
    if made.old.is_empty() {
        return duel.without_pair(end);
    }
    let mut comparison = verdict::compare(&made.old, &made.new, &question);
    end.qualify(&mut comparison, pairs);
    let code = match &end {
        End::Interrupted => exit::INTERRUPTED,
        End::Unreachable(complaint) => complaint.code,
        End::Complete | End::Spoiled(_) => comparison.outcome.exit_code(),
    };
    let report = ComparisonReport::new(&comparison, &made.old, &made.new, code);
    let unwritten = compare::conclude(kept, &report, form);
    if let End::Unreachable(complaint) = &end {
        terminal::complain(complaint);
    }
    unwritten.iter().for_each(terminal::complain);
    Ok(if code == exit::OK && !unwritten.is_empty() { exit::USAGE } else { code })
}

/// What pairs have come to so far, the runs of A and of B in the same order.
#[derive(Default)]
struct Pairs {
    old: Vec<Results>,
    new: Vec<Results>,
    /// How long each run took, those of no use included.
    spent: Vec<Duration>,
}

/// Why no more pairs are made.
enum End {
    /// There are as many as were asked for.
    Complete,
    /// Somebody would not wait.
    Interrupted,
    /// Too many were of no use, and why the last was not.
    Spoiled(String),
    /// A server was not there any more.
    Unreachable(Complaint),
}

/// What became of a run.
enum Made {
    Usable(Box<Results>),
    /// Why it is of no use.
    Spoiled(String),
    Interrupted,
    /// There was none, because a server was not there.
    Unreachable(Complaint),
}

/// What became of the first look at the servers.
enum Reached {
    Yes,
    /// They do not take what the file sends.
    Refused,
    Interrupted,
}

/// Which run it is.
#[derive(Clone, Copy)]
struct Place {
    /// The number of its pair, from 1.
    pair: u32,
    /// The number of its pair, those that are made again included.
    attempt: u32,
    /// How many runs come after it.
    left: u32,
}

struct Duel<'a> {
    args: &'a DuelArgs,
    kept: &'a Kept,
    /// The directory from which paths count.
    beside: &'a Path,
    pairs: u32,
    runtime: Runtime,
    control: Control,
}

impl Duel<'_> {
    /// Looks at the servers of both sides before there is any load.
    fn reach(&self, sides: &[Side; 2]) -> Result<Reached, Complaint> {
        let mut refused = false;
        for side in sides {
            let mut children = Children::default();
            let servers = self.connect(side, &mut children);
            let found = servers
                .as_ref()
                .ok()
                .and_then(Option::as_ref)
                .map(|servers| preflight::check(&side.plan, &side.loaded.lowered.model, servers));
            self.runtime.block_on(children.stop());
            servers?;
            let Some(found) = found else { return Ok(Reached::Interrupted) };
            if !found.is_empty() {
                terminal::note(&format!("side {}:\n", side.name));
                terminal::note(&render::text(&side.loaded.source, &found, terminal::stderr_style()));
            }
            refused |= found.iter().any(Diagnostic::is_error);
        }
        Ok(if refused { Reached::Refused } else { Reached::Yes })
    }

    /// Servers of a side, those that it starts being new; `None` when interrupted.
    fn connect(&self, side: &Side, children: &mut Children) -> Result<Option<Vec<Connected>>, Complaint> {
        self.runtime
            .block_on(async {
                tokio::select! {
                    connected = connect::connect(&side.plan, self.beside, children) => connected.map(Some),
                    () = self.control.reached(Stop::Drain) => Ok(None),
                }
            })
            .map_err(|complaint| side.complain(complaint))
    }

    /// Makes all pairs.
    fn make(&self, sides: &[Side; 2]) -> Result<(Pairs, End), Complaint> {
        let [a, b] = sides;
        self.begin(sides);
        let (mut pairs, mut again) = (Pairs::default(), 0);
        for (number, a_first) in (1..).zip(turns(self.args.seed(), self.pairs)) {
            let turn = if a_first { [a, b] } else { [b, a] };
            loop {
                let mut made = Vec::new();
                for (side, left) in turn.into_iter().zip([1, 0]) {
                    let place = Place { pair: number, attempt: number + again, left: left + 2 * (self.pairs - number) };
                    match self.one(side, place, &mut pairs.spent)? {
                        Made::Usable(results) => made.push(*results),
                        Made::Interrupted => return Ok((pairs, End::Interrupted)),
                        Made::Unreachable(complaint) => return Ok((pairs, End::Unreachable(complaint))),
                        Made::Spoiled(why) => {
                            let why = format!("side {} {why}", side.name);
                            if again == AGAIN {
                                return Ok((pairs, End::Spoiled(why)));
                            }
                            again += 1;
                            terminal::note(&format!("pair {number} is of no use and is made again: {why}\n"));
                            break;
                        }
                    }
                }
                if let (Some(second), Some(first)) = (made.pop(), made.pop()) {
                    let (old, new) = if a_first { (first, second) } else { (second, first) };
                    pairs.old.push(old);
                    pairs.new.push(new);
                    break;
                }
            }
        }
        Ok((pairs, End::Complete))
    }

    /// Says what begins.
    fn begin(&self, [a, b]: &[Side; 2]) {
        if let Some(note) = journal::left_over(self.beside) {
            self.note(&note);
        }
        #[expect(clippy::cast_precision_loss, reason = "for people")]
        let least = units::duration((a.plan.load_ns() * 2 * u64::from(self.pairs)) as f64);
        self.note(&format!("A  {}\nB  {}\n{} of runs, at least {least}\n", a.told, b.told, counted(self.pairs)));
        if a.plan.servers == b.plan.servers {
            self.note("both sides are the same: what is found between them is noise\n");
        }
    }

    fn note(&self, text: &str) {
        if !self.args.quiet {
            terminal::note(&terminal::printable(text));
        }
    }

    /// Makes one run of a side.
    fn one(&self, side: &Side, place: Place, spent: &mut Vec<Duration>) -> Result<Made, Complaint> {
        if self.control.now() != Stop::Run {
            return Ok(Made::Interrupted);
        }
        let mut children = Children::default();
        let servers = match self.connect(side, &mut children) {
            Ok(Some(servers)) => servers,
            Ok(None) => return Ok(Made::Interrupted),
            Err(complaint) => return Ok(Made::Unreachable(complaint)),
        };
        // The two runs of a pair send the same, and no two pairs do.
        let seed = self.args.seed().wrapping_add(u64::from(place.attempt - 1));
        let plan = Arc::new(Plan { seed, ..side.plan.clone() });
        // A guard stops one run, and a signal all of them.
        let control = Control::new();
        let follower = self.runtime.spawn(follow(self.control.clone(), control.clone()));
        let job = Job {
            plan: &plan,
            tables: &side.loaded.lowered.model.tables,
            beside: self.beside,
            threads: self.args.threads,
            save: !self.args.no_save,
            cool_down: false,
            live: Vec::new(),
        };
        let mut progress = Progress::new(&plan, self.args.quiet || !terminal::live());
        let all = 2 * self.pairs;
        let subject = Subject {
            plan: Arc::clone(&plan),
            threads: measure::threads(job.threads, &plan),
            place: Some((all.saturating_sub(place.left) as usize, all as usize)),
            against: format!("{}: {}", side.name, run::against(&servers)),
        };
        progress.begin(Show::Auto, subject, &self.control, run::stop);
        let measured = measure::measure(&job, &servers, &control, &self.runtime, &mut progress);
        follower.abort();
        self.runtime.block_on(children.stop());
        let Measurement { results, journal, broken, .. } = measured.map_err(|complaint| side.complain(complaint))?;
        self.kept.run(place.attempt, side.name, &results)?;
        journal.into_iter().for_each(Journal::remove);
        if let Some(broken) = broken {
            return Err(side.complain(broken));
        }
        if results.run.ended == Ended::Guarded {
            let why = results.run.guarded.clone().unwrap_or_default();
            let message = format!("the guard stopped the run of pair {}: {why}", place.pair);
            let help = "see with `mcpl run` what becomes of a run by itself";
            let code = Outcome::Guarded.exit_code();
            return Err(side.complain(Complaint { message, help: Some(help.to_owned()), code }));
        }
        if results.run.ended == Ended::Interrupted {
            return Ok(Made::Interrupted);
        }
        spent.push(Duration::from_millis(results.run.total_ms));
        self.note(&self.line(side, place, &results, spent));
        Ok(match unusable(&results) {
            Some(why) => Made::Spoiled(why),
            None => Made::Usable(Box::new(results)),
        })
    }

    /// One line on a run that has ended.
    fn line(&self, side: &Side, place: Place, results: &Results, spent: &[Duration]) -> String {
        let everything = results.everything();
        let latency = results.times(&everything, Time::Latency, Window::Whole);
        let shown = |percentile| latency.percentile(percentile).map_or("-".to_owned(), units::duration);
        let counts = results.counts(&everything, Window::Whole);
        #[expect(clippy::cast_precision_loss, reason = "for people")]
        let errors = units::percent(counts.failed() as f64 / counts.requests.max(1) as f64);
        let mean = spent.iter().sum::<Duration>() / u32::try_from(spent.len()).unwrap_or(1).max(1);
        #[expect(clippy::cast_precision_loss, reason = "for people")]
        let left = match mean.saturating_mul(place.left).as_secs() {
            0 => String::new(),
            seconds => format!("  about {} left", units::duration(seconds as f64 * 1e9)),
        };
        let (pair, pairs) = (place.pair, self.pairs);
        let (p50, p95) = (shown(50.0), shown(95.0));
        format!("pair {pair} of {pairs}, {}: p50 {p50}  p95 {p95}  errors {errors}{left}\n", side.name)
    }

    /// What is said when there is nothing to compare.
    fn without_pair(&self, end: End) -> Done {
        match end {
            End::Spoiled(why) => Err(Complaint {
                message: format!("no pair of runs is of use: {why}"),
                help: Some("see with `mcpl run` what becomes of a run by itself".to_owned()),
                code: Change::NotComparable.exit_code(),
            }),
            End::Unreachable(complaint) => Err(complaint),
            End::Interrupted | End::Complete => {
                terminal::note("interrupted before any pair of runs was whole\n");
                Ok(exit::INTERRUPTED)
            }
        }
    }
}

impl End {
    /// What an end before its time makes of a comparison.
    fn qualify(&self, comparison: &mut Comparison, pairs: u32) {
        let (outcome, why) = match self {
            End::Complete => return,
            End::Interrupted => (Change::Inconclusive, "interrupted".to_owned()),
            End::Unreachable(_) => (Change::Inconclusive, "unreachable".to_owned()),
            End::Spoiled(why) => {
                comparison.reasons.push(format!("{} runs were of no use, the last because {why}", AGAIN + 1));
                (Change::NotComparable, "too many runs were of no use".to_owned())
            }
        };
        comparison.outcome = outcome;
        comparison.sentence = format!("{why} after {} of {pairs} pairs: {}", comparison.old.len(), comparison.sentence);
    }
}

/// Hands on what a signal asks for.
async fn follow(all: Control, one: Control) {
    all.reached(Stop::Drain).await;
    one.stop();
    all.reached(Stop::Kill).await;
    one.stop();
}

/// What is asked, if so many pairs can answer it.
///
/// # Errors
/// When they cannot.
fn question(args: &DuelArgs, plan: &Plan, pairs: u32, force: bool) -> Result<Question, Complaint> {
    let question = Question { pairing: Pairing::Paired, seed: args.seed(), force, ..Question::standard(plan) };
    let metrics = question.gates.len();
    #[expect(clippy::cast_precision_loss, reason = "a number of metrics")]
    let strict = question.level / metrics.max(1) as f64;
    let fits = |pairs: u32| least_paired_chance(pairs as usize) <= strict;
    if fits(pairs) || force {
        return Ok(question);
    }
    let enough = (pairs..=MOST_PAIRS).find(|pairs| fits(*pairs)).unwrap_or(MOST_PAIRS);
    let (least, strict) = (units::percent(least_paired_chance(pairs as usize)), units::percent(strict));
    let message = format!(
        "{} cannot tell that a build is worse: that one side is ahead in all of them happens by chance in {least} of \
         cases, and with {metrics} metrics {strict} is accepted",
        counted(pairs)
    );
    Err(Complaint::usage(message)
        .help(format!("make at least {enough} pairs, or add `--force` for figures that decide nothing")))
}

fn counted(pairs: u32) -> String {
    format!("{pairs} pair{}", if pairs == 1 { "" } else { "s" })
}
