//! Targets that were missed: in which step, since when, at which load, and what else
//! changed at the same moment.
//!
//! A miss is told only where that says more than the assertion itself. What changed at
//! the same moment is named and no cause claimed: whoever reads it knows the server.

mod courses;
mod grid;
mod limit;
mod load;
mod meanwhile;
mod say;
mod stretch;

use std::ops::Range;

use super::bottleneck::measured_lag;
use super::judge::metrics;
use super::symptoms::Symptom;
use super::{Finding, Judgement, Kind, Level, State};
use crate::plan::{Assertion, Load, Metric, Selection, Statistic, TimeMetric};
use crate::record::{Distribution, ErrorClass, Time, sample_floor};
use crate::results::{Results, Window};
use crate::stats::jump;
use courses::Courses;
use grid::{Grid, summed};
use limit::{Limit, is_upper};

/// Failures that are told with a miss need no finding of their own where it has so many.
const NEARLY_ALL: f64 = 0.9;

/// What is missed together begins within so many seconds.
const TOGETHER: u32 = 2;

/// What an assertion is about, as far as it matters for what can be held beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum About {
    Latency,
    Failures,
    Throughput,
    Sessions,
    Server,
    Group(usize),
    Measure(usize),
    Expectation(usize),
}

/// A target that was missed.
pub(super) struct Miss {
    about: About,
    /// The assertion as written.
    source: String,
    /// By how much, in the unit of what was measured.
    distance: String,
    /// The same as a part of the limit.
    relative: f64,
    /// The step that carries it.
    series: Option<usize>,
    stretch: Option<Stretch>,
    /// Where it is, since when and at which load, in words.
    place: String,
    /// The failures that it is made of.
    pub(super) class: Option<ErrorClass>,
    /// Whether hardly any of these are elsewhere.
    pub(super) is_all: bool,
    /// What they are and the first of them, in words.
    example: String,
    /// What the load generator has to do with it, in words.
    pub(super) own: Option<String>,
    /// What else changed at the same moment, in words.
    meanwhile: Vec<String>,
}

/// The seconds in which a limit is broken.
#[derive(Clone, Debug)]
struct Stretch {
    seconds: Range<u32>,
    /// Whether it begins with the run.
    at_first: bool,
    /// Whether it goes on to the end.
    for_good: bool,
    /// Whether it came at once, and not little by little.
    abrupt: bool,
    /// The length of what was looked at, in seconds.
    width: u32,
}

/// The misses of a run, each with those that are missed together with it. Of a search
/// there are none: it goes on until its limit is broken.
pub(super) fn find(results: &Results, judgements: &[Judgement]) -> Vec<(Miss, Vec<Miss>)> {
    if results.plan.scenarios.iter().any(|scenario| matches!(scenario.load, Load::Seek(_))) {
        return Vec::new();
    }
    let judged = results.plan.assertions.iter().zip(judgements);
    let failed = judged.filter(|(_, judgement)| judgement.state == State::Failed);
    let mut misses: Vec<Miss> = failed.filter_map(|(assertion, judgement)| of(results, assertion, judgement)).collect();
    misses.sort_by(|a, b| {
        let rank = |miss: &Miss| miss.stretch.is_none();
        rank(a).cmp(&rank(b)).then(b.relative.total_cmp(&a.relative))
    });
    let mut groups: Vec<(Miss, Vec<Miss>)> = Vec::new();
    for miss in misses {
        match groups.iter_mut().find(|(first, _)| first.goes_with(&miss)) {
            Some((_, others)) => others.push(miss),
            None => groups.push((miss, Vec::new())),
        }
    }
    groups.retain(|(miss, _)| miss.says_more());
    groups
}

impl Miss {
    /// Whether both are one mistake.
    fn goes_with(&self, other: &Miss) -> bool {
        match (&self.stretch, &other.stretch) {
            (Some(a), Some(b)) => a.seconds.start.abs_diff(b.seconds.start) <= TOGETHER.max(a.width),
            (None, None) => self.series.is_some() && self.series == other.series && self.about == other.about,
            _ => false,
        }
    }

    /// Whether it tells what the assertion does not.
    fn says_more(&self) -> bool {
        // Of requests that fail all along, the most frequent failure is told anyway.
        self.stretch.is_some() || self.own.is_some() || (!self.place.is_empty() && self.about != About::Failures)
    }

    /// Whether a symptom of the server is the same thing.
    pub(super) fn is_explained_by(&self, symptom: &Symptom, results: &Results) -> bool {
        let here = self.is_of(symptom, results);
        let lasts = self.stretch.as_ref();
        match (self.about, symptom.finding.kind) {
            (About::Latency | About::Group(_), Kind::Drift | Kind::Saturated) => {
                here && !self.is_abrupt() && lasts.is_none_or(|stretch| stretch.for_good)
            }
            // What lasts all along is no matter of the start.
            (About::Latency | About::Group(_), Kind::SlowStart) => {
                here && lasts.is_some_and(|stretch| stretch.at_first)
            }
            (About::Latency | About::Group(_), Kind::Blocking) => here,
            (About::Latency | About::Group(_), Kind::Freeze) => lasts.is_none(),
            (About::Failures, Kind::ErrorBursts) => true,
            (About::Failures, Kind::LostReplies | Kind::StalledReplies) => {
                self.class.is_none_or(|class| class == ErrorClass::Timeout)
            }
            (About::Failures, Kind::LostSessions) => self.class == Some(ErrorClass::SessionLost),
            _ => false,
        }
    }

    /// Whether both are of the same step, as far as they are of one.
    fn is_of(&self, symptom: &Symptom, results: &Results) -> bool {
        let step = |series: usize| results.plan.series.get(series).map(|series| series.step.as_str());
        let both = self.series.zip(symptom.series);
        both.is_none_or(|(own, other)| step(own) == step(other))
    }

    /// Whether a symptom mistakes what came at once for what comes little by little. What
    /// is not known to be of the same step says nothing against it.
    pub(super) fn is_mistaken_by(&self, symptom: &Symptom, results: &Results) -> bool {
        self.series.is_some()
            && symptom.series.is_some()
            && self.is_of(symptom, results)
            && matches!(symptom.finding.kind, Kind::Drift | Kind::Saturated)
            && matches!(self.about, About::Latency | About::Group(_))
            && self.is_abrupt()
    }

    fn is_abrupt(&self) -> bool {
        self.stretch.as_ref().is_some_and(|stretch| stretch.abrupt && !stretch.at_first)
    }

    /// As a finding, with those that are missed together with it.
    pub(super) fn finding(&self, others: &[Miss]) -> Finding {
        Finding { kind: Kind::Missed, level: Level::Problem, text: say::sentence(self, others) }
    }

    /// What is added to the symptom that explains it.
    pub(super) fn clause(&self, others: &[Miss]) -> String {
        say::clause(self, others)
    }
}

/// What an assertion is about; `None` for what is told in another way, or says something
/// of the load generator.
fn about(assertion: &Assertion) -> Option<About> {
    let of = |metric: &Metric| match metric {
        Metric::Time(_) | Metric::Iteration => Some(About::Latency),
        Metric::Errors { .. } => Some(About::Failures),
        Metric::Requests | Metric::Iterations | Metric::BytesIn | Metric::BytesOut | Metric::Cached => {
            Some(About::Throughput)
        }
        Metric::Connect | Metric::SessionOpen | Metric::SessionClose | Metric::Sessions => Some(About::Sessions),
        Metric::ServerCpu { .. } | Metric::ServerRss { .. } | Metric::ServerFds { .. } => Some(About::Server),
        Metric::Group { group } => Some(About::Group(*group)),
        Metric::Measure { measure, .. } => Some(About::Measure(*measure)),
        Metric::Expect { label } => Some(About::Expectation(*label)),
        _ => None,
    };
    let sides = [metrics(&assertion.left), metrics(&assertion.right)].concat();
    let all: Option<Vec<About>> = sides.into_iter().map(|reference| of(&reference.metric)).collect();
    all?.first().copied()
}

/// The cells in which a limit is broken, if they are of one stretch.
fn beyond(results: &Results, limit: &Limit) -> Option<(Grid, Range<usize>)> {
    let (grid, allowed) = (Grid::of(results, &limit.selection())?, limit.allowed()?);
    let cells = grid.each(|seconds| limit.beyond(seconds));
    let found = if limit.is_count() { stretch::of_count(&cells, allowed) } else { stretch::lasting(&cells, allowed) };
    Some((grid, found?))
}

fn of(results: &Results, assertion: &Assertion, judgement: &Judgement) -> Option<Miss> {
    let about = about(assertion)?;
    let mut limit = Limit::of(results, assertion)?;
    let (distance, relative) = say::distance(assertion, judgement)?;
    let mut cells = beyond(results, &limit);
    if cells.is_none() && limit.carrier.is_some() {
        // The requests of one step may be too few to tell when it began.
        let whole = Limit::of_all(results, assertion)?;
        cells = beyond(results, &whole);
        limit = if cells.is_some() { whole } else { limit };
    }
    let selection = limit.selection();
    let grid = Grid::of(results, &selection);
    let stretch = cells.as_ref().map(|(grid, found)| {
        // Of the value: the share that is beyond the limit goes from none to all at once
        // wherever a smooth rise passes the limit.
        let course = grid.each(|seconds| limit.level(seconds));
        Stretch {
            seconds: grid.seconds(found.clone()),
            at_first: found.start == 0,
            for_good: found.end == grid.cells,
            abrupt: jump(&course, found.start, 2).is_some_and(|jump| jump.chance < 0.01),
            width: grid.width,
        }
    });
    let series = match (limit.carrier, selection.series.as_slice()) {
        (None, [only]) => Some(*only),
        (carrier, _) => carrier,
    };
    let began = stretch.as_ref().filter(|stretch| !stretch.at_first).map(|stretch| stretch.seconds.start);
    let scenario = match series.and_then(|series| results.plan.series.get(series)) {
        Some(series) => Some(series.scenario),
        None => selection.scenarios.first().copied().filter(|_| selection.scenarios.len() == 1),
    };
    let then = began.zip(grid).and_then(|(second, grid)| load::then(&results.plan, scenario, second, grid.width));
    let own = own_delay(results, assertion, &limit, stretch.as_ref());
    let (class, example) = if about == About::Failures {
        say::failures(results, assertion, &selection, stretch.as_ref())
    } else {
        (None, String::new())
    };
    let is_all = class.is_some_and(|class| has_nearly_all(results, &selection, class));
    let meanwhile = match (&cells, began, &own) {
        (Some((grid, found)), Some(_), None) => {
            let loaded = then.as_ref().is_some_and(|then| then.jumped);
            let own = Selection { series: series.map_or(selection.series.clone(), |series| vec![series]), ..selection };
            meanwhile::find(&Courses { results, grid, about: &about, own: &own, loaded }, found.start)
        }
        _ => Vec::new(),
    };
    let place = say::place(results, assertion, &limit, stretch.as_ref(), then.as_ref());
    Some(Miss {
        about,
        source: assertion.source.clone(),
        distance,
        relative,
        series,
        stretch,
        place,
        class,
        is_all,
        example,
        own,
        meanwhile,
    })
}

/// Whether nearly all failures of a class are of the same requests.
#[expect(clippy::cast_precision_loss, reason = "counts stay below 2^53")]
fn has_nearly_all(results: &Results, selection: &Selection, class: ErrorClass) -> bool {
    let of = |selection: &Selection| {
        let counts = results.counts(selection, Window::Whole);
        counts.errors.get(&class).copied().unwrap_or(0) as f64
    };
    of(selection) >= of(&results.everything()) * NEARLY_ALL
}

/// The delay of the load generator itself, where it is no less than what the limit is
/// missed by: latencies count from the instant at which a request was due. The percentiles
/// alone do not tell, since the late requests need not be the slow ones; what the server took
/// has to meet the limit, too, where it is broken and in all of the run.
fn own_delay(results: &Results, assertion: &Assertion, limit: &Limit, stretch: Option<&Stretch>) -> Option<String> {
    let sides = metrics(&assertion.left);
    let [reference] = sides.as_slice() else { return None };
    let is_latency = matches!(reference.metric, Metric::Time(TimeMetric::Latency));
    let (true, true, Statistic::Percentile(p)) = (is_latency, is_upper(assertion.comparison), reference.statistic)
    else {
        return None;
    };
    let lag = match stretch {
        Some(stretch) => summed(stretch.seconds.clone(), |window| results.lag(window)),
        None => measured_lag(results),
    };
    let level = match stretch {
        Some(stretch) => limit.level(stretch.seconds.clone())?,
        None => limit.whole()?,
    };
    let late = lag.percentile(p).filter(|_| lag.count() >= sample_floor(p))?;
    let selection = limit.selection();
    let service = |window| results.times(&selection, Time::Service, window);
    let here = match stretch {
        Some(stretch) => summed(stretch.seconds.clone(), service),
        None => service(Window::Whole),
    };
    let whole = results.times(&reference.selection, Time::Service, Window::Whole);
    let meets = |times: &Distribution| times.percentile(p).is_some_and(|time| time <= limit.value);
    let served = meets(&here) && meets(&whole);
    (late > super::lateness::LAG_LIMIT_NS && level - late <= limit.value && served)
        .then(|| say::own(p, late, stretch.is_some()))
}
