//! The processes of this machine, as Linux tells of them in `/proc`; elsewhere
//! nothing is known.
//!
//! The field numbers are those of proc_pid_stat(5).

use std::collections::BTreeMap;
use std::fs;

/// What `/proc/PID/stat` says of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stat {
    /// Its parent.
    pub(super) parent: u32,
    /// When it began, in ticks since the machine did: the number of a process that
    /// has ended may be another's later.
    pub(super) born: u64,
    /// Whether it has not ended. One that has stays until its parent asks.
    pub(super) alive: bool,
    /// CPU time in ticks, user and system, with that of children that have ended
    /// and were asked for.
    pub(super) ticks: u64,
    /// Resident memory in pages.
    pub(super) rss_pages: u64,
}

/// Reads the text of a `/proc/PID/stat`. `None` for any other text.
fn parse(text: &str) -> Option<Stat> {
    // The name stands in parentheses, and may hold spaces and parentheses itself.
    let (_, behind) = text.rsplit_once(')')?;
    let fields: Vec<&str> = behind.split_ascii_whitespace().collect();
    // The first field behind the name is the third.
    let field = |number: usize| fields.get(number.checked_sub(3)?).copied();
    let count = |number: usize| field(number)?.parse::<u64>().ok();
    // Times of children are signed; below zero there are none.
    let signed = |number: usize| field(number)?.parse::<i64>().ok().map(|value| u64::try_from(value).unwrap_or(0));
    let ticks = [count(14)?, count(15)?, signed(16)?, signed(17)?].into_iter().fold(0, u64::saturating_add);
    Some(Stat {
        parent: field(4)?.parse().ok()?,
        born: count(22)?,
        alive: !matches!(field(3)?, "Z" | "X" | "x"),
        ticks,
        rss_pages: signed(24)?,
    })
}

/// All processes that this one may see, by their number. `None` where the system
/// does not tell.
pub(super) fn processes() -> Option<BTreeMap<u32, Stat>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir("/proc").ok()?.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        // One that has just ended is none.
        if let Some(stat) = fs::read_to_string(entry.path().join("stat")).ok().and_then(|text| parse(&text)) {
            found.insert(pid, stat);
        }
    }
    // Without itself, this is another system's `/proc`.
    found.contains_key(&std::process::id()).then_some(found)
}

/// Descriptors that a process has open; `None` when that is not told.
pub(super) fn open_files(pid: u32) -> Option<u64> {
    let directory = format!("/proc/{pid}/fd");
    // Since Linux 6.2 the directory has their number as its size; before, they
    // have to be counted, which is for processes of the same user only.
    match fs::metadata(&directory).ok()?.len() {
        0 => Some(fs::read_dir(&directory).ok()?.count() as u64),
        known => Some(known),
    }
}

/// Whether this process was started to outlive its terminal, as nohup(1) does it. `None`
/// where the system does not tell.
pub(super) fn hangup_is_ignored() -> Option<bool> {
    ignores_hangup(&fs::read_to_string("/proc/self/status").ok()?)
}

/// Whether the text of a `/proc/PID/status` has SIGHUP, which is number 1, among the
/// ignored ones.
fn ignores_hangup(status: &str) -> Option<bool> {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
    Some(u64::from_str_radix(mask.trim(), 16).ok()? & 1 == 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A server whose name, state and parent are given.
    fn line(name: &str, state: &str, parent: u32) -> String {
        format!(
            "4242 ({name}) {state} {parent} 4242 4242 0 -1 4194304 98 7 0 0 150 50 30 -5 20 0 9 0 44800 3133440 406 \
             18446744073709551615 94023433457664 94023433477545 140728228180064 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0\n"
        )
    }

    #[test]
    fn the_fields_of_a_process() {
        let stat = parse(&line("node", "S", 17)).unwrap();
        assert_eq!(stat, Stat { parent: 17, born: 44800, alive: true, ticks: 230, rss_pages: 406 });
    }

    #[test]
    fn names_may_hold_anything() {
        let plain = parse(&line("node", "S", 17));
        for name in ["tmux: server", "a) S 1 1 (b", "((sd-pam))", ")", "", "x) Z 9", "a\nb"] {
            assert_eq!(parse(&line(name, "S", 17)), plain, "{name}");
        }
    }

    #[test]
    fn a_process_that_has_ended_is_told_apart() {
        assert!(!parse(&line("node", "Z", 1)).unwrap().alive);
    }

    #[test]
    fn an_ignored_hangup_is_found_among_the_ignored_signals() {
        for (mask, ignored) in [
            ("0000000000000001", Some(true)),
            ("0000000000001006", Some(false)),
            ("ffffffffffffffff", Some(true)),
            ("x", None),
        ] {
            assert_eq!(ignores_hangup(&format!("SigBlk:\t0000000000000001\nSigIgn:\t{mask}\n")), ignored);
        }
        assert_eq!(ignores_hangup(""), None);
    }

    #[test]
    fn other_texts_are_no_processes() {
        let whole = line("node", "S", 17);
        for text in ["", ")", "1 (a)", "1 (a) S", "1 (a) S x", &whole.replace("44800", "-"), &whole[..40]] {
            assert_eq!(parse(text), None, "{text}");
        }
        let huge = whole.replace(" 150 50 ", " 18446744073709551615 18446744073709551615 ");
        assert_eq!(parse(&huge).unwrap().ticks, u64::MAX);
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(at in 0..200_usize, with in "\\PC{0,6}", noise in "\\PC{0,80}") {
            let _ = parse(&noise);
            let mut text = line("a (b", "R", 3);
            text.replace_range(at % text.len()..=at % text.len(), &with);
            let _ = parse(&text);
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn linux_tells_of_this_process() {
        let found = processes().unwrap();
        let this = found[&std::process::id()];
        assert!(this.alive && this.rss_pages > 100, "{this:?}");
        assert!(found.contains_key(&this.parent) || this.parent == 0);
        assert!(open_files(std::process::id()).unwrap() >= 3);
        assert_eq!(open_files(u32::MAX), None);
    }
}
