//! The machine that generates the load, as results record it.

use std::fs;

use crate::results::Environment;

/// Reads what can be known without privileges; what cannot stays empty.
pub(super) fn fingerprint() -> Environment {
    let system = rustix::system::uname();
    let part = |text: &std::ffi::CStr| text.to_string_lossy().into_owned();
    Environment {
        os: format!("{} {} {}", part(system.sysname()), part(system.release()), part(system.machine())),
        cpu: first_field("/proc/cpuinfo", "model name").unwrap_or_default(),
        cores: cores(),
        memory_bytes: first_field("/proc/meminfo", "MemTotal")
            .and_then(|text| text.split_whitespace().next()?.parse::<u64>().ok())
            .map_or(0, |kib| kib * 1024),
        open_files: rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(0),
    }
}

/// Processors that this process may use.
pub(super) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

fn first_field(path: &str, key: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.trim() == key)
        .map(|(_, value)| value.trim().to_owned())
}
