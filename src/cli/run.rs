//! `mcpl run`: check, connect, run, judge, report.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::runtime::Runtime;

use super::args::RunArgs;
use super::census::{COOL_DOWN, Census};
use super::complaint::Complaint;
use super::connect::{self, Children, Connected};
use super::journal::{self, Journal};
use super::lookout::Lookout;
use super::progress::Progress;
use super::{
    Done, check, environment, exit, limits, live_outputs, load, output, preflight, process, starter, terminal,
};
use crate::data::Table;
use crate::diag::{Diagnostic, errors, render};
use crate::engine::{self, Control, EngineError, Measured, Settings, Stop};
use crate::plan::Plan;
use crate::report::{self, Format, Style};
use crate::results::{Ended, Results, Run, SCHEMA, Tool};
use crate::telemetry::Context;
use crate::verdict::{self, Outcome};

/// One thread generates at least so many requests per second with ease; more
/// threads for less load would only make more connections.
const RATE_PER_THREAD: f64 = 5_000.0;

/// The same for virtual users.
const USERS_PER_THREAD: f64 = 500.0;

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
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|error| Complaint::server(format!("cannot start: {error}")))?;
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
    let undone = |diagnostic: &&Diagnostic| diagnostic.code == errors::load::NOT_EXECUTED;
    if loaded.lowered.diagnostics.iter().any(|diagnostic| undone(&diagnostic)) {
        return Err(Complaint::usage("the file asks for what this version does not execute yet")
            .help("remove the statements that are named above, or use `mcpl check` and `mcpl plan` only"));
    }
    let outputs = Outputs::find(args.file(), args.out.as_deref(), asked, &plan)?;
    let live = live_outputs::parse(&args.live, &plan)?;
    limits::prepare(&plan, threads(args.threads, &plan))?;
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
    let tables = &loaded.lowered.model.tables;
    let done = drive((args, live), Arc::new(plan), &servers, tables, &control, &runtime, &outputs);
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

/// The first Ctrl-C drains, the second stops at once, the third ends the
/// process with nothing more said.
async fn stop_on_signals(control: Control) {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).ok();
    loop {
        let term = async {
            match &mut terminate {
                Some(signal) => signal.recv().await.map_or((), |()| ()),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            () = term => {}
        }
        if control.now() == Stop::Kill {
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
}

fn drive(
    (args, live): (&RunArgs, Vec<live_outputs::Live>),
    plan: Arc<Plan>,
    servers: &[Connected],
    tables: &[Table],
    control: &Control,
    runtime: &Runtime,
    outputs: &Outputs,
) -> Result<Ran, Complaint> {
    let mut census = watch(&plan, servers)?;
    let connectors: Vec<_> = servers.iter().map(|server| server.connector.clone()).collect();
    let promises = preflight::promises(servers).into();
    let settings =
        Settings { threads: threads(args.threads, &plan), run_id: run_id(), tables: tables.to_vec(), promises };
    let mut progress = Progress::new(&plan, args.quiet);
    if let Some(note) = journal::left_over(args.beside()) {
        progress.note(&note);
    }
    progress.note(&opening(&plan, servers));
    let started = jiff::Timestamp::now();
    let presented: Vec<_> = servers.iter().map(Connected::presented).collect();
    let context = Context::new(&plan, &settings.run_id, settings.threads, &presented);
    let live = live_outputs::Outputs::begin(live, &context, started)?;
    let mut journal = if args.no_save {
        None
    } else {
        let begun = results(&plan, servers, &settings, Measured::default(), started);
        Journal::begin(args.beside(), &begun)
    };
    let mut lookout = Lookout::new(&plan, settings.threads);
    let measured = engine::run(&plan, &connectors, &settings, control, |slice, failures| {
        process::observe(&mut slice.health);
        census.observe(slice);
        if let Some(journal) = &mut journal {
            journal.second(slice, failures);
        }
        progress.second(slice);
        live.second(slice);
        lookout.second(slice, control);
    });
    progress.finish();
    let (measured, panicked) = match measured {
        Ok(mut measured) => {
            let last = measured.recording.seconds.last().map(|slice| slice.second);
            if let Some(last) = last.filter(|_| census.is_watching() && runtime.block_on(cooled_down(control))) {
                let after = census.after(last);
                if let Some(journal) = &mut journal {
                    journal.second(&after, &[]);
                }
                measured.recording.add(after);
            }
            (measured, None)
        }
        Err(EngineError::Panicked(measured)) => {
            let complaint = Complaint::server("a thread of the load generator panicked; what was measured is kept")
                .help("report this as a defect of mcpl");
            (*measured, Some(complaint))
        }
        Err(error @ EngineError::Start(_)) => {
            journal.into_iter().for_each(Journal::remove);
            return Err(Complaint::server(error.to_string()));
        }
    };
    let results = results(&plan, servers, &settings, measured, started);
    let (code, verdict) = conclude(&results, outputs);
    live.finish();
    // Only now: what is written or told needs no journal any more.
    journal.into_iter().for_each(Journal::remove);
    panicked.map_or(Ok(Ran { code, judged: Some((results, verdict)), stopped: control.now() != Stop::Run }), Err)
}

/// Looks at the processes of the servers, as far as they are known.
///
/// # Errors
/// When the file names a process that does not exist.
fn watch(plan: &Plan, servers: &[Connected]) -> Result<Census, Complaint> {
    let roots = servers.iter().enumerate();
    let census = Census::begin(roots.filter_map(|(index, server)| Some((index, server.root.clone()?))));
    for (index, server) in plan.servers.iter().enumerate() {
        let Some(pid) = server.pid else { continue };
        let name = &server.name;
        if !census.is_watching() {
            terminal::note(&format!(
                "this system does not tell of processes: `pid` of server `{name}` has no effect\n"
            ));
        } else if !census.found(index) {
            return Err(Complaint::usage(format!("server `{name}`: this machine has no process {pid}"))
                .help("name the process that serves now, such as with `--set pid=$(pgrep -f NAME)` for `pid pid`"));
        }
    }
    Ok(census)
}

/// Waits until the servers have cooled down. `false` when somebody would not.
async fn cooled_down(control: &Control) -> bool {
    tokio::select! {
        () = tokio::time::sleep(COOL_DOWN) => true,
        () = control.reached(Stop::Kill) => false,
    }
}

/// One line on what begins.
fn opening(plan: &Plan, servers: &[Connected]) -> String {
    let servers: Vec<String> = servers
        .iter()
        .map(|server| {
            let info = &server.info;
            let name = if info.server_name.is_empty() { info.name.clone() } else { info.server_name.clone() };
            format!("{} ({} over {})", terminal::printable(&name), info.revision, info.transport)
        })
        .collect();
    format!("running {} against {}\n", plan.name, servers.join(", "))
}

/// As many threads as the load needs, up to one for each processor.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small number")]
fn threads(wanted: Option<u16>, plan: &Plan) -> usize {
    if let Some(wanted) = wanted {
        return usize::from(wanted).min(plan.most_threads());
    }
    let need: f64 = plan
        .scenarios
        .iter()
        .map(|scenario| match scenario.load.is_open() {
            true => plan.peak_request_rate(scenario) / RATE_PER_THREAD,
            false => scenario.load.peak() / USERS_PER_THREAD,
        })
        .sum();
    (need.ceil().max(1.0) as usize).min(environment::cores()).min(plan.most_threads())
}

/// Time and process make it unique enough to find a run in a server's logs.
fn run_id() -> String {
    let now = jiff::Timestamp::now();
    format!("{:x}-{:x}-{:x}", now.as_second(), std::process::id(), now.subsec_nanosecond())
}

fn results(
    plan: &Plan,
    servers: &[Connected],
    settings: &Settings,
    measured: Measured,
    started: jiff::Timestamp,
) -> Results {
    let millis = |duration: std::time::Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    Results {
        schema: SCHEMA.to_owned(),
        tool: Tool { name: "mcpl".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() },
        plan_hash: plan.hash(),
        plan: plan.clone(),
        run: Run {
            id: settings.run_id.clone(),
            started: started.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            load_ms: millis(measured.load),
            total_ms: millis(measured.total),
            ended: match &measured.guarded {
                Some(_) => Ended::Guarded,
                None if measured.stopped => Ended::Interrupted,
                None => Ended::Completed,
            },
            guarded: measured.guarded,
            threads: settings.threads,
        },
        environment: environment::fingerprint(),
        servers: servers.iter().map(Connected::presented).collect(),
        recording: measured.recording,
    }
}

/// Judges, writes what was asked for, prints the summary.
pub(super) fn conclude(results: &Results, outputs: &Outputs) -> (u8, verdict::Verdict) {
    // First the results, then what follows from them.
    let mut unwritten = outputs.keep(results);
    let verdict = verdict::judge(results);
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
    reports: Vec<(Format, PathBuf)>,
    /// Templates of the user's own, and where their text goes.
    templates: Vec<(super::report::Template, PathBuf)>,
}

impl Outputs {
    /// Finds them in the arguments and in the file, and finds out whether they
    /// can be written, before anything is sent.
    pub(super) fn find(
        file: Option<&Path>,
        out: Option<&Path>,
        mut reports: Vec<(Format, PathBuf)>,
        plan: &Plan,
    ) -> Result<Outputs, Complaint> {
        let mut templates = Vec::new();
        let beside = file.map_or(Path::new(""), beside);
        for report in &plan.reports {
            let path = beside.join(&report.path);
            match &report.template {
                Some(template) => templates.push((super::report::template(&beside.join(template))?, path)),
                None => reports.push((parse_format(&report.format)?, path)),
            }
        }
        let mut taken: Vec<&Path> = file.into_iter().collect();
        let written = reports.iter().map(|(_, path)| path).chain(templates.iter().map(|(_, path)| path));
        for path in out.into_iter().chain(written.map(PathBuf::as_path)) {
            output::check_writable(path)?;
            if taken.iter().any(|other| output::same_file(path, other)) {
                return Err(Complaint::usage(format!("`{}` is named for two things", path.display()))
                    .help("give each output a file of its own, other than the scenario"));
            }
            taken.push(path);
        }
        Ok(Outputs { out: out.map(Path::to_owned), reports, templates })
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
        let reports =
            self.reports.iter().map(|(format, path)| (report::render(results, verdict, *format, plain), path));
        let own = self.templates.iter().map(|(template, path)| (template.render(results, verdict), path));
        for (rendered, path) in reports.chain(own) {
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

/// `--report FORMAT=FILE`
pub(super) fn parse_report(report: &str) -> Result<(Format, PathBuf), Complaint> {
    match report.split_once('=').filter(|(_, path)| !path.is_empty()) {
        Some((format, path)) => Ok((parse_format(format)?, PathBuf::from(path))),
        None => Err(Complaint::usage(format!("`--report {report}` names no file"))
            .help(format!("write `--report {}=FILE`", report.trim_end_matches('=')))),
    }
}

fn parse_format(name: &str) -> Result<Format, Complaint> {
    name.parse::<Format>().map_err(|_| {
        Complaint::usage(format!("there is no report format `{name}`")).help("write html, markdown, junit or text")
    })
}
