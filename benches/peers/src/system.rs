//! The machine: cores, processor time, memory, limits.

use std::fs;
use std::process::{Child, Command, Stdio};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CpuSet, sched_setaffinity};

/// The kernel counts processor time in these (`CLK_TCK`, 100 on Linux).
const TICKS_PER_SECOND: f64 = 100.0;

/// Which of two cores a process is bound to.
#[derive(Clone, Copy, Debug)]
pub enum Core {
    Server = 0,
    Client = 1,
}

/// Starts a process on one core: a child inherits what its parent is bound to.
pub fn spawn(command: &mut Command, core: Core) -> std::io::Result<Child> {
    stay_on(core);
    command.stdin(Stdio::null()).spawn()
}

/// Binds this process to one core.
pub fn stay_on(core: Core) {
    let mut set = CpuSet::new();
    set.set(core as usize);
    // On a machine with one core it stays where it is.
    let _ = sched_setaffinity(None, &set);
}

/// Processor time of the children that have ended and been waited for, in
/// seconds.
pub fn children_cpu() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name of the program, in brackets, may hold spaces.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    // Fields 16 and 17 of proc(5); the first here is the third there.
    let ticks = |index: usize| fields.get(index).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(13) + ticks(14)) / TICKS_PER_SECOND
}

/// Resident memory of a process, in KiB; 0 when it is gone.
pub fn resident_kib(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|kib| kib.parse().ok()).unwrap_or(0)
}

/// The limit of open files, which children inherit.
pub fn open_files() -> u64 {
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// Raises that limit as far as it may go.
pub fn raise_open_files() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    // What cannot be raised is found out by who needs it.
    let _ = setrlimit(Resource::Nofile, raised);
}

/// The machine in one line, with what else it is doing.
pub fn describe() -> String {
    let first = |file: &str, key: &str| {
        let text = fs::read_to_string(file).unwrap_or_default();
        text.lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.trim() == key)
            .map_or_else(|| "unknown".to_owned(), |(_, value)| value.trim().to_owned())
    };
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split_whitespace().next().unwrap_or("unknown").to_owned();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!(
        "{}, {cores} cores, Linux {}; load average {load} before the first measurement",
        first("/proc/cpuinfo", "model name"),
        kernel.trim()
    )
}
