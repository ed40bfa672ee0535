//! What this process has of the machine at a moment. Linux tells it in `/proc`;
//! elsewhere nothing is known.

use std::fs;

use crate::record::Health;

/// Adds what the process has now to the health of a second.
pub(super) fn observe(health: &mut Health) {
    health.rss_bytes = rss_bytes().unwrap_or(0);
    health.open_files = open_files().unwrap_or(0);
}

/// Resident memory.
fn rss_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib * 1024)
}

/// Open descriptors.
pub(super) fn open_files() -> Option<u64> {
    // Since Linux 6.2 the directory has their number as its size; before, they
    // have to be counted, less the one that counts.
    match fs::metadata("/proc/self/fd").ok()?.len() {
        0 => Some((fs::read_dir("/proc/self/fd").ok()?.count() as u64).saturating_sub(1)),
        known => Some(known),
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn linux_tells_memory_and_descriptors() {
        let mut health = Health::default();
        observe(&mut health);
        assert!(health.rss_bytes > 1 << 20, "{health:?}");
        assert!(health.open_files >= 3, "{health:?}");
    }
}
