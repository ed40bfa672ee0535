//! The search for the highest level at which conditions hold: `seek`.
//!
//! The same code decides while a run is under way and reads the outcome from
//! stored results, so that both always agree.

use serde::{Deserialize, Serialize};

use super::breach::{self, Breach};
use super::confidence::confidence;
use super::watch::{measured, under_way};
use crate::plan::{CONFIRMATIONS, DECIDED_NS, Leg, Load, Plan, RECOVERY_NS, Seek, Segment};
use crate::record::{Recording, Slice};
use crate::results::Results;
use crate::units::{self, Dimension, Quantity};

/// A generator that starts 1% of the work later than this is at its limit, and
/// what it measures is its own lateness: ten times what a healthy one may have.
const LAG_LIMIT_NS: f64 = 10e6;

/// What a search found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Searched {
    /// Index of the scenario in the plan.
    pub scenario: usize,
    /// The highest level that held; none when not even the lowest did.
    pub level: Option<Quantity>,
    /// Whether it also held for as long as it had to be confirmed.
    pub confirmed: bool,
    /// How sure it is that the conditions hold at that level, 0.5 to 1; none where
    /// they are about something else than percentiles and shares of errors.
    pub confidence: Option<f64>,
    /// Why it went no further.
    pub ended: SearchEnd,
    /// Each part of the search, in order.
    pub legs: Vec<Tried>,
    /// The outcome in one sentence, without a full stop.
    pub sentence: String,
}

/// Why a search went no further.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SearchEnd {
    /// A condition did not hold.
    Broke,
    /// There was no higher level.
    Top,
    /// The load generator was at its own limit.
    Generator,
    /// The run ended before the search did.
    Unfinished,
}

/// One part of a search.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tried {
    /// Arrivals per second or users; 0 while work under way may finish.
    pub level: f64,
    /// Its start, in nanoseconds from the start of the run.
    pub from_ns: u64,
    /// How long it lasted, in nanoseconds.
    pub duration_ns: u64,
    /// Whether it was to confirm the level.
    pub confirming: bool,
    /// Whether all conditions held; none where nothing was judged.
    pub held: Option<bool>,
    /// The first condition that did not hold, in one clause.
    pub broke: Option<String>,
}

/// What is being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Doing {
    /// Trying this level.
    Trying(usize),
    /// Letting work under way finish before this level is confirmed.
    Recovering(usize),
    /// Confirming this level.
    Confirming(usize),
    Done,
}

/// The search of one scenario, fed second by second.
pub struct Search {
    scenario: usize,
    seek: Seek,
    doing: Doing,
    confirmations: u32,
    /// The present leg, from the start of the run.
    from_ns: u64,
    leg: Leg,
    /// The seconds of the present leg that are judged.
    slices: Vec<Slice>,
    now: Results,
    legs: Vec<Tried>,
    /// Index of the highest level that held.
    good: Option<usize>,
    confirmed: bool,
    confidence: Option<f64>,
    ended: SearchEnd,
}

/// The searches of a plan.
#[must_use]
pub fn searches(plan: &Plan, threads: usize) -> Vec<Search> {
    let scenarios = plan.scenarios.iter().enumerate();
    scenarios
        .filter_map(|(index, scenario)| match &scenario.load {
            Load::Seek(seek) => Some(Search::new(plan, threads, index, seek, scenario.start_ns)),
            _ => None,
        })
        .collect()
}

/// What the searches of a run found.
pub(super) fn outcomes(results: &Results) -> Vec<Searched> {
    let mut found = searches(&results.plan, results.run.threads);
    for slice in &results.recording.seconds {
        for search in &mut found {
            search.second(slice);
        }
    }
    found.into_iter().map(Search::outcome).collect()
}

impl Search {
    fn new(plan: &Plan, threads: usize, scenario: usize, seek: &Seek, start_ns: u64) -> Search {
        Search {
            scenario,
            seek: seek.clone(),
            doing: Doing::Trying(0),
            confirmations: 0,
            from_ns: start_ns,
            leg: seek.tried(0),
            slices: Vec::new(),
            now: under_way(plan.clone(), threads),
            legs: Vec::new(),
            good: None,
            confirmed: false,
            confidence: None,
            ended: SearchEnd::Unfinished,
        }
    }

    /// Index of its scenario in the plan.
    #[must_use]
    pub fn scenario(&self) -> usize {
        self.scenario
    }

    /// The level now, in arrivals per second or users, and what is done, in words.
    #[must_use]
    pub fn doing(&self) -> (f64, String) {
        let level = self.leg.level;
        let number = |index: usize| format!("level {} of at most {}", index + 1, self.seek.levels.len());
        match self.doing {
            Doing::Trying(index) => (level, format!("search: trying {}, {}", self.quantity(level), number(index))),
            Doing::Confirming(_) => (level, format!("search: confirming {}", self.quantity(level))),
            Doing::Recovering(_) => (0.0, "search: letting work under way finish".to_owned()),
            Doing::Done => match self.good.and_then(|index| self.seek.levels.get(index)) {
                Some(good) => (0.0, format!("search is over: {} held", self.quantity(*good))),
                None => (0.0, "search is over: no level held".to_owned()),
            },
        }
    }

    /// Looks at a second that has ended, over all threads. Returns what comes
    /// next once that is decided: another leg, or the end of the search.
    pub fn second(&mut self, slice: &Slice) -> Option<Option<Leg>> {
        let judged_ns = self.leg.duration_ns.saturating_sub(DECIDED_NS);
        let (first, behind) = whole_seconds(self.from_ns, judged_ns);
        if self.doing == Doing::Done || slice.second < first {
            return None;
        }
        if let Doing::Recovering(level) = self.doing {
            return self.recovered(level, slice);
        }
        self.slices.push(measured(slice));
        if slice.second.saturating_add(1) < behind {
            return None;
        }
        let broke = self.judge(first, behind);
        let limited = self.is_generator_at_its_limit();
        self.keep(Some(broke.is_none()), broke.as_ref());
        Some(self.decide(broke.is_none(), limited))
    }

    /// Work under way has finished, or has had its time.
    fn recovered(&mut self, level: usize, slice: &Slice) -> Option<Option<Leg>> {
        let waited = (u64::from(slice.second) + 1) * DECIDED_NS;
        let waited = waited.saturating_sub(self.from_ns);
        if waited < self.leg.duration_ns - DECIDED_NS {
            return None;
        }
        self.keep(None, None);
        let patient = self.legs.iter().rev().take_while(|leg| leg.level == 0.0).map(|leg| leg.duration_ns).sum::<u64>();
        if slice.health.in_flight > 0 && patient < RECOVERY_NS {
            return Some(self.go(Doing::Recovering(level), RECOVERING));
        }
        let leg = self.seek.confirmed(level);
        Some(self.go(Doing::Confirming(level), leg))
    }

    fn go(&mut self, doing: Doing, leg: Leg) -> Option<Leg> {
        self.doing = doing;
        self.leg = leg;
        self.slices.clear();
        Some(leg)
    }

    fn decide(&mut self, held: bool, limited: bool) -> Option<Leg> {
        if limited {
            return self.end(SearchEnd::Generator);
        }
        match self.doing {
            Doing::Trying(level) if held => {
                self.good = Some(level);
                if level + 1 < self.seek.levels.len() {
                    let leg = self.seek.tried(level + 1);
                    return self.go(Doing::Trying(level + 1), leg);
                }
                self.ended = SearchEnd::Top;
                self.confirm(level)
            }
            Doing::Trying(level) => {
                self.ended = SearchEnd::Broke;
                match level.checked_sub(1) {
                    Some(below) => self.confirm(below),
                    None => self.end(SearchEnd::Broke),
                }
            }
            Doing::Confirming(level) if held => {
                self.good = Some(level);
                self.confirmed = true;
                self.end(self.ended)
            }
            Doing::Confirming(level) => {
                self.ended = SearchEnd::Broke;
                match level.checked_sub(1) {
                    Some(below) if self.confirmations < CONFIRMATIONS => self.confirm(below),
                    _ => self.end(SearchEnd::Broke),
                }
            }
            Doing::Recovering(_) | Doing::Done => None,
        }
    }

    fn confirm(&mut self, level: usize) -> Option<Leg> {
        self.confirmations += 1;
        self.go(Doing::Recovering(level), RECOVERING)
    }

    fn end(&mut self, ended: SearchEnd) -> Option<Leg> {
        self.ended = ended;
        self.doing = Doing::Done;
        None
    }

    /// The first condition that did not hold over the seconds of the leg.
    fn judge(&mut self, first: u32, behind: u32) -> Option<Breach> {
        let seconds = u64::from(behind.saturating_sub(first).max(1));
        let span = Segment { from: self.leg.level, to: self.leg.level, duration_ns: seconds * DECIDED_NS };
        for scenario in &mut self.now.plan.scenarios {
            scenario.warmup_ns = 0;
            scenario.start_ns = u64::from(first) * DECIDED_NS;
            scenario.load = Load::Closed { segments: vec![span], work: None };
        }
        self.now.recording = Recording { seconds: std::mem::take(&mut self.slices), ..Recording::default() };
        let conditions = &self.seek.conditions;
        let broke = conditions.iter().find_map(|condition| breach::find(&self.now, condition));
        if broke.is_none() {
            let sure = conditions.iter().filter_map(|condition| confidence(&self.now, condition));
            self.confidence = sure.reduce(f64::min);
        }
        broke
    }

    fn is_generator_at_its_limit(&self) -> bool {
        let lag = self.now.lag(crate::results::Window::Whole);
        let enough = lag.count() >= crate::record::sample_floor(99.0);
        enough && lag.percentile(99.0).is_some_and(|p99| p99 > LAG_LIMIT_NS)
    }

    /// Keeps what became of the present leg, and where the next one begins.
    fn keep(&mut self, held: Option<bool>, broke: Option<&Breach>) {
        self.legs.push(Tried {
            level: self.leg.level,
            from_ns: self.from_ns,
            duration_ns: self.leg.duration_ns,
            confirming: matches!(self.doing, Doing::Confirming(_)),
            held,
            broke: broke.map(Breach::clause),
        });
        // A file of results may say anything.
        self.from_ns = self.from_ns.saturating_add(self.leg.duration_ns);
    }

    /// What it found.
    #[must_use]
    pub fn outcome(self) -> Searched {
        let level = self.good.and_then(|index| self.seek.levels.get(index)).map(|level| self.quantity(*level));
        let sentence = self.sentence(level);
        Searched {
            scenario: self.scenario,
            level,
            confirmed: self.confirmed,
            confidence: self.confidence.filter(|_| self.confirmed),
            ended: self.ended,
            legs: self.legs,
            sentence,
        }
    }

    fn quantity(&self, level: f64) -> Quantity {
        Quantity::new(level, if self.seek.open { Dimension::Rate } else { Dimension::Users })
    }

    fn sentence(&self, level: Option<Quantity>) -> String {
        let name = self.now.plan.scenarios.get(self.scenario).map_or("", |scenario| scenario.name.as_str());
        let confirm = units::duration(float(self.seek.confirm_ns));
        let sure = self.confidence.map_or(String::new(), |share| format!(", {} sure", sureness(share)));
        let held = match level {
            Some(level) if self.confirmed => format!("`{name}` holds {level}, confirmed for {confirm}{sure}"),
            Some(level) if self.confirmations > 0 => {
                format!("`{name}` held {level} for a while and not for {confirm}")
            }
            Some(level) => format!("`{name}` held {level}, which was not confirmed"),
            None => format!("`{name}` held no level"),
        };
        let broken = self.legs.iter().filter(|leg| leg.held == Some(false));
        let broken = broken.min_by(|a, b| a.level.total_cmp(&b.level));
        let why = match (self.ended, broken) {
            (SearchEnd::Broke, Some(leg)) => {
                format!("at {} {}", self.quantity(leg.level), leg.broke.as_deref().unwrap_or("a condition broke"))
            }
            (SearchEnd::Broke, None) | (SearchEnd::Top, _) => "no higher level was tried".to_owned(),
            (SearchEnd::Generator, _) => format!(
                "at {} the load generator was at its own limit: give it more threads or a machine of its own",
                self.quantity(self.legs.last().map_or(0.0, |leg| leg.level))
            ),
            (SearchEnd::Unfinished, _) => "the run ended before the search did".to_owned(),
        };
        format!("{held}; {why}")
    }
}

/// One second without arrivals, and the one in which it is decided what follows.
const RECOVERING: Leg = Leg { level: 0.0, duration_ns: 2 * DECIDED_NS };

/// The whole seconds of a stretch: the first, and the one behind the last.
fn whole_seconds(from_ns: u64, length_ns: u64) -> (u32, u32) {
    let first = from_ns.div_ceil(DECIDED_NS);
    let behind = (from_ns.saturating_add(length_ns) / DECIDED_NS).max(first + 1);
    let second = |number| u32::try_from(number).unwrap_or(u32::MAX);
    (second(first), second(behind))
}

/// A share close to 1, never rounded up to certainty.
fn sureness(share: f64) -> String {
    match share {
        share if share > 0.999 => "more than 99.9%".to_owned(),
        share => units::percent((share * 1000.0).floor() / 1000.0),
    }
}

#[expect(clippy::cast_precision_loss, reason = "nanoseconds of a run stay below 2^53")]
fn float(nanos: u64) -> f64 {
    nanos as f64
}
