//! `mcpl run`: check, connect, run, judge, report.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::against::Against;
use super::args::RunArgs;
use super::complaint::Complaint;
use super::connect::{self, Children, Connected};
use super::dashboard::{self, Subject};
use super::earlier::Earlier;
use super::form::{Form, parse_report};
use super::journal::{self, Journal};
use super::measure::{self, Job, Measurement};
use super::progress::Progress;
use super::{Done, check, exit, history, limits, live_outputs, load, output, preflight, procfs, starter, terminal};
use crate::diag::{Diagnostic, render};
use crate::engine::{Control, Stop};
use crate::plan::Plan;
use crate::report::{self, Format, Style};
use crate::results::Results;
use crate::store::Tags;
use crate::verdict::{self, Outcome};

/// Runs a scenario file, all of a directory, or a file that is made for a server.
pub(super) fn run(args: &RunArgs) -> Done {
    if let Some(directory) = args.file.as_deref().filter(|file| file.is_dir()) {
        return super::suite::run(args, directory);
    }
    single(args).map(|ran| ran.code)
}

/// What became of a run.
pub(super) struct Ran {
    /// The exit code that says so.
    pub(super) code: u8,
    /// What was measured, and the verdict; nothing when no load was sent.
    pub(super) judged: Option<(Results, verdict::Verdict)>,
    /// Whether the user wants nothing more, also where the load had ended before.
    pub(super) stopped: bool,
}

impl Ran {
    fn without_load(code: u8) -> Result<Ran, Complaint> {
        Ok(Ran { code, judged: None, stopped: code == exit::INTERRUPTED })
    }
}

/// Runs one scenario file.
pub(super) fn single(args: &RunArgs) -> Result<Ran, Complaint> {
    let asked = args.report.iter().map(|report| parse_report(report)).collect::<Result<Vec<_>, _>>()?;
    let target = args.file.as_deref().map(Path::to_string_lossy);
    let named = starter::named(target.as_deref(), &args.command, args.bearer.as_ref())?;
    let runtime = new_runtime()?;
    let mut children = Children::default();
    let control = Control::new();
    let _signals = runtime.spawn(stop_on_signals(control.clone()));
    let interrupted = || {
        terminal::note("interrupted before any load was sent\n");
        Ran::without_load(exit::INTERRUPTED)
    };
    let (loaded, known) = match (named, &args.file) {
        (None, Some(file)) => (load::load(file, &args.compile)?, None),
        (None, None) => return Err(Complaint::usage("there is nothing to run").help("name a scenario file or a URL")),
        (Some(named), _) => {
            starter::refuse_elsewhere(&named)?;
            let surveyed = runtime.block_on(async {
                tokio::select! {
                    surveyed = starter::survey(named, &args.compile, args.quiet, &mut children) => surveyed.map(Some),
                    () = control.reached(Stop::Drain) => Ok(None),
                }
            })?;
            let Some(surveyed) = surveyed else { return interrupted() };
            if !args.quiet {
                terminal::note(&surveyed.shown());
            }
            (starter::compile(&surveyed.text, &args.compile)?, Some(surveyed.servers))
        }
    };
    check::report(&loaded);
    let Some(plan) = loaded.lowered.plan.clone() else { return Ran::without_load(exit::USAGE) };
    let against = Against::find(&args.against, args.beside(), &plan, !args.no_baseline)?;
    let live = live_outputs::parse(&args.live, &plan)?;
    let appended: Vec<&Path> = args.live.iter().filter_map(|option| live_outputs::file(option)).collect();
    let outputs = Outputs::find(args.file(), args.out.as_deref(), asked, &plan, &appended)?;
    // What is measured is the commit of now: another may be made meanwhile.
    let tags = history::tags_of(args.beside(), &args.tag);
    let earlier = if args.no_save { None } else { Earlier::of_runs(args.beside(), &tags) };
    let outputs = Outputs { against, earlier, tags, ..outputs };
    limits::prepare(&plan, measure::threads(args.threads, &plan))?;
    let servers = match known {
        Some(servers) => Some(servers),
        None => runtime.block_on(async {
            tokio::select! {
                connected = connect::connect(&plan, args.beside(), &mut children) => connected.map(Some),
                () = control.reached(Stop::Drain) => Ok(None),
            }
        })?,
    };
    let Some(servers) = servers else { return interrupted() };
    let found = preflight::check(&plan, &loaded.lowered.model, &servers);
    if !found.is_empty() {
        terminal::note(&render::text(&loaded.source, &found, terminal::stderr_style()));
    }
    if found.iter().any(Diagnostic::is_error) {
        return Ran::without_load(exit::USAGE);
    }
    let job = Job {
        plan: &Arc::new(plan),
        tables: &loaded.lowered.model.tables,
        beside: args.beside(),
        threads: args.threads,
        save: !args.no_save,
        cool_down: true,
        live,
    };
    let done = drive(args, &job, &servers, &control, &runtime, &outputs);
    runtime.block_on(children.stop());
    done
}

impl RunArgs {
    /// The scenario file, if one is run.
    fn file(&self) -> Option<&Path> {
        self.file.as_deref().filter(|file| !file.to_string_lossy().contains("://"))
    }

    /// The directory from which paths count.
    fn beside(&self) -> &Path {
        self.file().map_or(Path::new(""), beside)
    }
}

/// The directory of the scenario file, from which its own paths count.
fn beside(file: &Path) -> &Path {
    file.parent().unwrap_or(Path::new(""))
}

/// What listens to signals and talks to servers before and after the load.
pub(super) fn new_runtime() -> Result<Runtime, Complaint> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|error| Complaint::server(format!("cannot start: {error}")))
}

/// The first Ctrl-C drains, the second stops at once, the third ends the
/// process with nothing more said. A terminal that goes away does the same, unless
/// whoever started this wants it to go on without (nohup).
pub(super) async fn stop_on_signals(control: Control) {
    let mut terminate = signal(SignalKind::terminate()).ok();
    // To listen would undo that it is ignored. Where that is not known it is left as it is.
    let mut hangup = if procfs::hangup_is_ignored() == Some(false) { signal(SignalKind::hangup()).ok() } else { None };
    loop {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            () = received(&mut terminate) => {}
            () = received(&mut hangup) => {}
        }
        stop(&control);
    }
}

/// Waits for a signal; for ever if it is not listened to.
async fn received(signal: &mut Option<Signal>) {
    if let Some(signal) = signal
        && signal.recv().await.is_some()
    {
        return;
    }
    std::future::pending().await
}

/// What Ctrl-C does, and the key `q` of the live view.
pub(super) fn stop(control: &Control) {
    if control.now() == Stop::Kill {
        dashboard::restore();
        #[expect(clippy::exit, reason = "the user asked for the third time")]
        std::process::exit(i32::from(exit::INTERRUPTED));
    }
    let first = control.now() == Stop::Run;
    control.stop();
    terminal::note(if first {
        "\nstopping: no new work begins, work under way may finish; again to stop at once\n"
    } else {
        "\nstopping at once\n"
    });
}

fn drive(
    args: &RunArgs,
    job: &Job<'_>,
    servers: &[Connected],
    control: &Control,
    runtime: &Runtime,
    outputs: &Outputs,
) -> Result<Ran, Complaint> {
    let mut progress = Progress::new(job.plan, args.quiet);
    if let Some(note) = journal::left_over(job.beside) {
        progress.note(&note);
    }
    progress.note(&opening(job.plan, servers));
    let threads = measure::threads(job.threads, job.plan);
    let subject = Subject { plan: Arc::clone(job.plan), threads, place: args.place, against: against(servers) };
    progress.begin(args.progress, subject, control, stop);
    let Measurement { results, journal, live, broken } =
        measure::measure(job, servers, control, runtime, &mut progress)?;
    let (code, verdict) = conclude(&results, outputs);
    runtime.block_on(live.finish(control));
    if !args.no_save {
        history::keep(args.beside(), &results, verdict.outcome, &outputs.tags, args.quiet);
    }
    // Only now: what is written or told needs no journal any more.
    journal.into_iter().for_each(Journal::remove);
    broken.map_or(Ok(Ran { code, judged: Some((results, verdict)), stopped: control.now() != Stop::Run }), Err)
}

/// One line on what begins.
fn opening(plan: &Plan, servers: &[Connected]) -> String {
    format!("running {} against {}\n", plan.name, against(servers))
}

/// The servers, in words.
pub(super) fn against(servers: &[Connected]) -> String {
    let servers: Vec<String> = servers
        .iter()
        .map(|server| {
            let info = &server.info;
            let name = if info.server_name.is_empty() { info.name.clone() } else { info.server_name.clone() };
            format!("{} ({} over {})", terminal::printable(&name), info.revision, info.transport)
        })
        .collect();
    servers.join(", ")
}

/// Judges, writes what was asked for, prints the summary.
pub(super) fn conclude(results: &Results, outputs: &Outputs) -> (u8, verdict::Verdict) {
    // First the results, then what follows from them.
    let mut unwritten = outputs.keep(results);
    let mut verdict = verdict::judge(results);
    outputs.against.judge(results, &mut verdict);
    outputs.earlier.iter().for_each(|earlier| earlier.tell(results, &mut verdict));
    outputs.report(results, &verdict, &mut unwritten);
    let style = Style { color: terminal::stdout_color() };
    match report::render(results, &verdict, Format::Text, style) {
        // A summary that cannot be printed changes no verdict.
        Ok(summary) => unwritten.extend(terminal::print(&summary).err()),
        Err(error) => terminal::complain(&Complaint::usage(error.to_string())),
    }
    for complaint in &unwritten {
        terminal::complain(complaint);
    }
    let code = match verdict.outcome {
        Outcome::Passed if !unwritten.is_empty() => exit::USAGE,
        outcome => outcome.exit_code(),
    };
    (code, verdict)
}

/// Files to write after the run.
pub(super) struct Outputs {
    out: Option<PathBuf>,
    /// What makes each report, and where it goes.
    reports: Vec<(Form, PathBuf)>,
    /// Baselines that the run is compared with.
    against: Against,
    /// The history that the run will be kept in.
    earlier: Option<Earlier>,
    /// What it will be tagged with there.
    tags: Tags,
}

impl Outputs {
    /// Finds them in the arguments and in the file, and finds out whether they
    /// can be written, before anything is sent. No file may be named for two things, nor
    /// for one that is `appended` to while the run is under way.
    pub(super) fn find(
        file: Option<&Path>,
        out: Option<&Path>,
        mut reports: Vec<(Form, PathBuf)>,
        plan: &Plan,
        appended: &[&Path],
    ) -> Result<Outputs, Complaint> {
        let beside = file.map_or(Path::new(""), beside);
        for report in &plan.reports {
            let form = match &report.template {
                Some(template) => Form::own(&beside.join(template))?,
                None => Form::named(&report.format)?,
            };
            reports.push((form, beside.join(&report.path)));
        }
        let mut taken: Vec<&Path> = file.into_iter().collect();
        let written = reports.iter().map(|(_, path)| path.as_path());
        for path in out.into_iter().chain(written).chain(appended.iter().copied()) {
            output::check_writable(path)?;
            if taken.iter().any(|other| output::same_file(path, other)) {
                return Err(Complaint::usage(format!("`{}` is named for two things", path.display()))
                    .help("give each output a file of its own, other than the scenario"));
            }
            taken.push(path);
        }
        Ok(Outputs {
            out: out.map(Path::to_owned),
            reports,
            against: Against::default(),
            earlier: None,
            tags: Tags::new(),
        })
    }

    /// Keeps the results where they were asked for.
    fn keep(&self, results: &Results) -> Vec<Complaint> {
        let Some(path) = &self.out else { return Vec::new() };
        match output::write(path, &results.to_json()) {
            Ok(()) => Vec::new(),
            Err(error) => vec![complaint(path, &output::plain(&error))],
        }
    }

    /// Writes all reports it can; what cannot be written becomes a complaint, and
    /// results that are kept nowhere yet are kept somewhere else.
    fn report(&self, results: &Results, verdict: &verdict::Verdict, unwritten: &mut Vec<Complaint>) {
        let kept = self.out.is_some() && unwritten.is_empty();
        let plain = Style { color: false };
        for (form, path) in &self.reports {
            let rendered = match form {
                Form::BuiltIn(format) => report::render(results, verdict, *format, plain),
                Form::Own(template) => report::render_template(results, verdict, template),
            };
            let written = rendered
                .map_err(|error| error.to_string())
                .and_then(|text| output::write(path, &text).map_err(|error| output::plain(&error)));
            if let Err(reason) = written {
                unwritten.push(complaint(path, &reason));
            }
        }
        if let Some(last) = unwritten.last_mut().filter(|_| !kept)
            && let Some(path) = output::rescue(&results.run.id, &results.to_json())
        {
            let path = path.display();
            last.help = Some(format!("the results were kept in `{path}`: render them with `mcpl report {path}`"));
        }
    }
}

fn complaint(path: &Path, reason: &str) -> Complaint {
    Complaint::usage(format!("cannot write `{}`: {reason}", path.display()))
}
