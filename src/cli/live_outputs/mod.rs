//! `mcpl run --live KIND=WHERE`: a run under way for those who watch it elsewhere.
//!
//! Invariant: nobody who takes it can delay a run. Each output has a thread of its own and
//! a queue of bounded length that loses its oldest seconds, and at the end a bounded time.

mod jsonl;
mod otlp;
mod prometheus;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::{broadcast, mpsc};

use super::complaint::Complaint;
use super::{output, terminal};
use crate::engine::{Control, Stop};
use crate::model::guard;
use crate::plan::Plan;
use crate::record::Slice;
use crate::telemetry::Context;
use crate::transport::HttpTarget;

/// Seconds that wait for who takes them. What falls a minute behind is of no use to who
/// watches.
const QUEUE: usize = 64;

/// How long all outputs together may take after the run.
const PATIENCE: Duration = Duration::from_secs(8);

/// Where a run is told.
#[derive(Clone, Debug)]
enum Wanted {
    /// Lines of JSON, appended to a file.
    Jsonl(PathBuf),
    /// Scraped by Prometheus.
    Prometheus {
        /// A name or an address, without brackets.
        host: String,
        port: u16,
    },
    /// Sent to a collector of OpenTelemetry.
    Otlp(Box<HttpTarget>),
}

/// `KIND=WHERE` of the command line.
#[derive(Clone, Debug)]
pub(super) struct Live {
    /// As it was written.
    text: String,
    wanted: Wanted,
}

/// Reads the options, before anything is sent.
///
/// # Errors
/// When one cannot be understood, or leads where the guard does not let it.
pub(super) fn parse(options: &[String], plan: &Plan) -> Result<Vec<Live>, Complaint> {
    options.iter().map(|text| Ok(Live { text: text.clone(), wanted: wanted(text, plan)? })).collect()
}

/// The file that an option names, if it names one.
pub(super) fn file(option: &str) -> Option<&Path> {
    option.strip_prefix("jsonl=").map(Path::new)
}

fn wanted(text: &str, plan: &Plan) -> Result<Wanted, Complaint> {
    let wrong = |why: String| Complaint::usage(format!("`--live {text}`: {why}"));
    const HELP: &str = "write jsonl=FILE, prometheus=HOST:PORT or otlp=URL";
    let Some((kind, place)) = text.split_once('=').filter(|(_, place)| !place.is_empty()) else {
        return Err(wrong("it does not say what goes where".to_owned()).help(HELP));
    };
    let allowed = |host: &str| match guard::lets_reach(&plan.guard, host) {
        true => Ok(()),
        false => Err(wrong(format!("the guard does not allow the host `{host}`"))
            .help(format!("allow it in the file: `guard {{ allow hosts [\"{host}\"] }}`"))),
    };
    match kind {
        "jsonl" if place == "-" => {
            Err(wrong("standard output has the summary".to_owned()).help("name a file, such as /dev/stderr"))
        }
        "jsonl" => {
            output::check_writable(place.as_ref())?;
            Ok(Wanted::Jsonl(place.into()))
        }
        "prometheus" => {
            let parts = place.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?)));
            let Some((host, port)) = parts.filter(|(host, _)| !host.is_empty()) else {
                return Err(wrong("that is no address to listen on".to_owned())
                    .help("write HOST:PORT, such as prometheus=127.0.0.1:9464"));
            };
            let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
            allowed(&host)?;
            Ok(Wanted::Prometheus { host, port })
        }
        "otlp" => {
            let target = otlp::target(place).map_err(wrong)?;
            allowed(target.host())?;
            Ok(Wanted::Otlp(Box::new(target)))
        }
        other => Err(wrong(format!("there is no kind `{other}`")).help(HELP)),
    }
}

/// The seconds as one output gets them.
struct Feed {
    seconds: broadcast::Receiver<Arc<Slice>>,
    /// Seconds that were lost.
    missed: u64,
}

impl Feed {
    /// The next second; `None` after the last.
    async fn next(&mut self) -> Option<Arc<Slice>> {
        loop {
            match self.seconds.recv().await {
                Ok(slice) => return Some(slice),
                Err(RecvError::Lagged(missed)) => self.missed += missed,
                Err(RecvError::Closed) => return None,
            }
        }
    }

    /// One that waits already.
    fn waiting(&mut self) -> Option<Arc<Slice>> {
        loop {
            match self.seconds.try_recv() {
                Ok(slice) => return Some(slice),
                Err(TryRecvError::Lagged(missed)) => self.missed += missed,
                Err(TryRecvError::Empty | TryRecvError::Closed) => return None,
            }
        }
    }
}

/// What became of an output.
#[derive(Debug, Default)]
struct Told {
    /// Seconds that were lost on the way to it.
    missed: u64,
    /// Times that it did not take what it was sent.
    failed: u64,
    /// Data points that it refused, of those in what it took.
    rejected: u64,
    /// Why not, the last time.
    why: Option<String>,
}

/// The outputs of a run under way.
#[derive(Default)]
pub(super) struct Outputs {
    sender: Option<broadcast::Sender<Arc<Slice>>>,
    /// By their number, until they have ended.
    names: Vec<Option<String>>,
    ended: Option<mpsc::UnboundedReceiver<(usize, Told)>>,
}

/// When a run began, and its names.
struct Begun {
    context: Context,
    started: jiff::Timestamp,
}

impl Begun {
    /// Nanoseconds since 1970.
    fn nanos(at: jiff::Timestamp) -> u64 {
        u64::try_from(at.as_nanosecond()).unwrap_or_default()
    }
}

impl Outputs {
    /// Begins to tell of a run.
    ///
    /// # Errors
    /// When an address cannot be listened on, or there is no thread.
    pub(super) fn begin(all: Vec<Live>, context: &Context, started: jiff::Timestamp) -> Result<Outputs, Complaint> {
        if all.is_empty() {
            return Ok(Outputs::default());
        }
        let (sender, _) = broadcast::channel(QUEUE);
        let (ending, ended) = mpsc::unbounded_channel();
        let mut names = Vec::new();
        for (number, Live { text, wanted }) in all.into_iter().enumerate() {
            let failed = |error: std::io::Error| {
                Complaint::usage(format!("`--live {text}`: {}", output::plain(&error)))
                    .help("free the address, or name another")
            };
            let feed = Feed { seconds: sender.subscribe(), missed: 0 };
            let begun = Begun { context: context.clone(), started };
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
            let listener = match &wanted {
                Wanted::Prometheus { host, port } => Some(prometheus::listen(host, *port).map_err(failed)?),
                _ => None,
            };
            let ending = ending.clone();
            let work = move || {
                let told = match (wanted, listener) {
                    (Wanted::Jsonl(path), _) => runtime.block_on(jsonl::tell(&path, begun, feed)),
                    (Wanted::Otlp(target), _) => runtime.block_on(otlp::tell(&target, begun, feed)),
                    (Wanted::Prometheus { .. }, Some(listener)) => {
                        runtime.block_on(prometheus::tell(listener, begun, feed))
                    }
                    (Wanted::Prometheus { .. }, None) => Told::default(),
                };
                // Nobody waits for who is too late.
                let _ = ending.send((number, told));
            };
            std::thread::Builder::new().name(format!("live-{number}")).spawn(work).map_err(failed)?;
            names.push(Some(text));
        }
        Ok(Outputs { sender: Some(sender), names, ended: Some(ended) })
    }

    /// A second has ended.
    pub(super) fn second(&self, slice: &Slice) {
        if let Some(sender) = &self.sender {
            // Outputs that have ended by themselves are told nothing.
            let _ = sender.send(Arc::new(slice.clone()));
        }
    }

    /// No more is to come: waits for the outputs, but not for long and not when all is to
    /// stop at once, and says what was not told.
    pub(super) async fn finish(mut self, control: &Control) {
        // The seconds end.
        self.sender = None;
        let Some(mut ended) = self.ended.take() else { return };
        let all = async {
            while self.names.iter().any(Option::is_some) {
                let Some((number, told)) = ended.recv().await else { return };
                if let Some(name) = self.names.get_mut(number).and_then(Option::take) {
                    terminal::note(&note(&name, &told));
                }
            }
        };
        tokio::select! {
            // What has ended already is told in any case.
            biased;
            _ = tokio::time::timeout(PATIENCE, all) => {}
            () = control.reached(Stop::Kill) => {}
        }
        for name in self.names.iter().flatten() {
            terminal::note(&format!("--live {name}: not everything was taken in time, and the rest was given up\n"));
        }
    }
}

/// What there is to say about an output; nothing where all went well.
fn note(name: &str, told: &Told) -> String {
    let mut parts = Vec::new();
    let times = |count: u64| if count == 1 { "once".to_owned() } else { format!("{count} times") };
    if told.missed > 0 {
        parts.push(format!("seconds lost because it was too slow: {}", told.missed));
    }
    if told.failed > 0 {
        parts.push(format!("failed {}", times(told.failed)));
    }
    if told.rejected > 0 {
        parts.push(format!("data points rejected: {}", told.rejected));
    }
    parts.extend(told.why.as_ref().map(|why| format!("the last time: {}", terminal::printable(why))));
    if parts.is_empty() { String::new() } else { format!("--live {name}: {}\n", parts.join("; ")) }
}
