//! What the servers under load have of this machine, second by second: CPU time,
//! memory and descriptors of their processes and of all that descend from them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::procfs::{self, Stat};
use crate::record::{Moment, ProcessRow, Slice};
use crate::transport::Living;

/// So long after the last session memory is looked at once more: long enough for
/// a server to let go of what its sessions had, short enough to wait for.
pub(super) const COOL_DOWN: Duration = Duration::from_secs(1);

/// CPU time is told in hundredths of a second: over less than this it is no share.
const SHARE_LEAST: Duration = Duration::from_millis(200);

/// Which processes are a server's.
#[derive(Clone, Debug)]
pub(super) enum Root {
    /// The process of this number.
    Process(u32),
    /// The children of a server that is a process for each session.
    Children(Living),
}

/// The servers whose processes are watched.
pub(super) struct Census {
    watched: Vec<Watched>,
    /// When they were looked at last.
    at: Instant,
    /// What they had before the first session, until it has a place.
    before: Vec<ProcessRow>,
}

struct Watched {
    server: usize,
    root: Root,
    /// When a root of a given number began: a later process of that number is
    /// another.
    born: Option<u64>,
    /// Whom there was to look at last.
    members: Members,
}

type Members = BTreeMap<u32, Stat>;

impl Census {
    /// Looks at the servers, by their index in the plan, for the first time. Where
    /// the system does not tell of processes, nothing is watched.
    pub(super) fn begin(roots: impl IntoIterator<Item = (usize, Root)>) -> Census {
        let watched = |(server, root)| Watched { server, root, born: None, members: Members::new() };
        let mut watched: Vec<Watched> = roots.into_iter().map(watched).collect();
        let seen = (!watched.is_empty()).then(procfs::processes).flatten();
        if seen.is_none() {
            watched.clear();
        }
        let mut census = Census { watched, at: Instant::now(), before: Vec::new() };
        if let Some(seen) = &seen {
            census.before = census.rows(seen, Moment::Before, Duration::ZERO);
        }
        census
    }

    /// Whether there is anything to look at.
    pub(super) fn is_watching(&self) -> bool {
        !self.watched.is_empty()
    }

    /// Whether a server had a process before the first session.
    pub(super) fn found(&self, server: usize) -> bool {
        self.before.iter().any(|row| row.server == server && row.processes > 0)
    }

    /// Adds what the servers have now to a second that has ended.
    pub(super) fn observe(&mut self, slice: &mut Slice) {
        slice.processes.append(&mut self.before);
        slice.processes.extend(self.look(Moment::During));
        slice.processes.sort_by_key(|row| (row.server, row.moment));
    }

    /// What they have after the load, as an addition to its last second.
    pub(super) fn after(&mut self, last: u32) -> Slice {
        Slice { second: last, processes: self.look(Moment::After), ..Slice::default() }
    }

    fn look(&mut self, moment: Moment) -> Vec<ProcessRow> {
        if !self.is_watching() {
            return Vec::new();
        }
        // Without a descriptor left for it there is no row of this second.
        let Some(seen) = procfs::processes() else { return Vec::new() };
        let now = Instant::now();
        let passed = now.saturating_duration_since(self.at);
        let passed = if passed < SHARE_LEAST { Duration::ZERO } else { passed };
        if passed > Duration::ZERO {
            self.at = now;
        }
        self.rows(&seen, moment, passed)
    }

    /// A row for each server; `passed` is zero where CPU time is not to be told.
    fn rows(&mut self, seen: &Members, moment: Moment, passed: Duration) -> Vec<ProcessRow> {
        let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        seen.iter().for_each(|(pid, stat)| children.entry(stat.parent).or_default().push(*pid));
        self.watched.iter_mut().map(|watched| watched.row(seen, &children, moment, passed)).collect()
    }
}

impl Watched {
    fn row(
        &mut self,
        seen: &Members,
        children: &BTreeMap<u32, Vec<u32>>,
        moment: Moment,
        passed: Duration,
    ) -> ProcessRow {
        let members = descendants(self.roots(seen), seen, children);
        let mut row = ProcessRow { server: self.server, moment, ..ProcessRow::default() };
        for (pid, stat) in members.iter().filter(|(_, stat)| stat.alive) {
            row.processes += 1;
            row.rss_bytes = row.rss_bytes.saturating_add(stat.rss_pages.saturating_mul(page_size()));
            row.open_files += procfs::open_files(*pid).unwrap_or(0);
        }
        if passed > Duration::ZERO {
            let nanos = |duration: Duration| u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
            row.cpu_ns = used(&self.members, &members).saturating_mul(1_000_000_000 / ticks_per_second());
            row.cpu_of_ns = nanos(passed);
        }
        if passed > Duration::ZERO || moment == Moment::Before {
            self.members = members;
        }
        row
    }

    fn roots(&mut self, seen: &Members) -> Vec<u32> {
        match &self.root {
            Root::Children(living) => living.pids(),
            Root::Process(pid) => {
                let Some(stat) = seen.get(pid) else { return Vec::new() };
                if *self.born.get_or_insert(stat.born) == stat.born { vec![*pid] } else { Vec::new() }
            }
        }
    }
}

/// The processes `roots` and all that descend from them.
fn descendants(roots: Vec<u32>, seen: &Members, children: &BTreeMap<u32, Vec<u32>>) -> Members {
    let mut found = Members::new();
    let mut next = roots;
    while let Some(pid) = next.pop() {
        let Some(stat) = seen.get(&pid) else { continue };
        // Whoever was found before has brought its children.
        if found.insert(pid, *stat).is_none() {
            next.extend(children.get(&pid).into_iter().flatten());
        }
    }
    found
}

/// CPU time in ticks that was used between two looks. The time of a process that
/// has ended goes to its parent; where the parent is not among them, what the
/// process had used until the first look must not count as taken back.
fn used(before: &Members, now: &Members) -> u64 {
    let sum = |members: &Members| members.values().map(|stat| stat.ticks).fold(0, u64::saturating_add);
    let is_here = |pid: &u32, stat: &Stat| now.get(pid).is_some_and(|same| same.born == stat.born);
    let left = before.iter().filter(|(pid, stat)| !is_here(pid, stat)).filter(|(_, stat)| {
        // Parents that have ended too have handed it on to theirs.
        let (mut parent, mut asked) = (stat.parent, BTreeSet::new());
        while let Some(stat) = before.get(&parent).filter(|_| asked.insert(parent)) {
            if is_here(&parent, stat) {
                return false;
            }
            parent = stat.parent;
        }
        true
    });
    let left = left.map(|(_, stat)| stat.ticks).fold(0, u64::saturating_add);
    sum(now).saturating_add(left).saturating_sub(sum(before))
}

fn page_size() -> u64 {
    rustix::param::page_size() as u64
}

/// How many ticks of CPU time are a second.
fn ticks_per_second() -> u64 {
    rustix::param::clock_ticks_per_second().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stat(parent: u32, born: u64, ticks: u64) -> Stat {
        Stat { parent, born, alive: true, ticks, rss_pages: 1 }
    }

    fn of(members: &[(u32, Stat)]) -> Members {
        members.iter().copied().collect()
    }

    #[test]
    fn a_server_is_its_process_and_all_that_descend_from_it() {
        let seen = of(&[
            (1, stat(0, 0, 0)),
            (10, stat(1, 1, 0)),
            (11, stat(10, 2, 0)),
            (12, stat(11, 3, 0)),
            (20, stat(1, 4, 0)),
            // A ring, which no system has.
            (30, stat(31, 5, 0)),
            (31, stat(30, 5, 0)),
        ]);
        let mut census = Census { watched: Vec::new(), at: Instant::now(), before: Vec::new() };
        for (server, pid) in [(0, 10), (1, 30), (2, 99)] {
            let root = Root::Process(pid);
            census.watched.push(Watched { server, root, born: None, members: Members::new() });
        }
        let rows = census.rows(&seen, Moment::During, Duration::ZERO);
        assert_eq!(rows.iter().map(|row| row.processes).collect::<Vec<_>>(), [3, 2, 0]);
        assert_eq!(rows[0].rss_bytes, 3 * page_size());
        // The number is another's now.
        let rows = census.rows(&of(&[(10, stat(1, 77, 0))]), Moment::During, Duration::ZERO);
        assert_eq!((rows[0].processes, rows[0].rss_bytes), (0, 0));
    }

    #[test]
    fn one_that_has_ended_counts_no_more() {
        let mut ended = stat(1, 1, 9);
        ended.alive = false;
        let mut watched = Watched { server: 0, root: Root::Process(10), born: None, members: Members::new() };
        let row = watched.row(&of(&[(10, ended)]), &BTreeMap::new(), Moment::During, Duration::ZERO);
        assert_eq!((row.processes, row.rss_bytes, row.cpu_of_ns), (0, 0, 0));
    }

    #[test]
    fn time_that_children_used_is_counted_once() {
        let before = of(&[(10, stat(1, 1, 100)), (11, stat(10, 2, 40)), (12, stat(11, 3, 7))]);
        // All live on; a new one has come.
        let now = of(&[(10, stat(1, 1, 110)), (11, stat(10, 2, 45)), (12, stat(11, 3, 7)), (13, stat(10, 9, 3))]);
        assert_eq!(used(&before, &now), 18);
        // A grandchild and a child have ended, and the parent has their times.
        let now = of(&[(10, stat(1, 1, 100 + 40 + 7 + 2))]);
        assert_eq!(used(&before, &now), 2);
        // The parent has not asked, and never will: nothing is taken back.
        assert_eq!(used(&before, &of(&[(10, stat(1, 1, 101))])), 0);
        // Children of this program have ended: others go on.
        let sessions = of(&[(20, stat(1, 1, 50)), (21, stat(1, 1, 60))]);
        assert_eq!(used(&sessions, &of(&[(21, stat(1, 1, 65))])), 5);
        // Their number is another's now.
        assert_eq!(used(&sessions, &of(&[(20, stat(1, 8, 4)), (21, stat(1, 1, 60))])), 4);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn linux_tells_what_a_process_has() {
        let mut census = Census::begin([(3, Root::Process(std::process::id()))]);
        assert!(census.is_watching());
        // The first second is too short for a share.
        let mut slice = Slice::default();
        census.observe(&mut slice);
        let after = census.after(0);
        let rows: Vec<_> = slice.processes.iter().chain(&after.processes).collect();
        assert_eq!(
            rows.iter().map(|row| row.moment).collect::<Vec<_>>(),
            [Moment::Before, Moment::During, Moment::After]
        );
        for row in rows {
            assert!(row.server == 3 && row.processes >= 1 && row.open_files >= 3, "{row:?}");
            assert!(row.rss_bytes > 1 << 20 && row.cpu_share().is_none(), "{row:?}");
        }
        assert!(!Census::begin([]).is_watching());
    }
}
