//! How many runs can tell anything: more of them never tell less.

use super::{Gate, Needed, Pairing, Question};
use crate::stats::{least_chance, least_paired_chance};

/// So many runs a single one is held against at least: with two, what is likely is
/// wider than anything that can happen.
pub(super) const LEAST_BASELINE: usize = 3;

/// More runs of a side than this are not asked for.
const MOST_RUNS: usize = 200;

/// How many runs there are, and how they are tested.
#[derive(Clone, Copy)]
pub(super) struct Design {
    pub(super) old: usize,
    pub(super) new: usize,
    pub(super) pairing: Pairing,
    pub(super) level: f64,
    /// How many metrics have values.
    pub(super) metrics: usize,
    /// Whether both more and less is worse, so that each has half the level.
    pub(super) two_sided: bool,
}

impl Gate {
    /// Whether both more and less is worse.
    pub(super) fn is_two_sided(&self) -> bool {
        self.above.is_some() && self.below.is_some()
    }
}

impl Design {
    /// Of so many old and new runs, and one metric that is worse in one direction.
    pub(super) fn of(question: &Question, (old, new): (usize, usize)) -> Design {
        Design { old, new, pairing: question.pairing, level: question.level, metrics: 1, two_sided: false }
    }

    /// Whether there are too few runs to say anything at all.
    pub(super) fn is_descriptive(self) -> bool {
        self.is_single() && self.old.max(self.new) < LEAST_BASELINE
    }

    fn is_single(self) -> bool {
        self.old.min(self.new) == 1
    }

    /// The smallest chance that the test can come to, in one direction.
    fn least(self) -> f64 {
        match self.pairing {
            Pairing::Paired => least_paired_chance(self.old.min(self.new)),
            Pairing::Independent if self.is_single() => 0.0,
            Pairing::Independent => least_chance(self.old, self.new),
        }
    }

    /// Whether so many runs can ever tell that one of so many metrics is worse.
    pub(super) fn is_powerless(self) -> bool {
        self.least() > self.strict() + 1e-12
    }

    /// The level that the smallest chance of all has to keep, in one direction.
    #[expect(clippy::cast_precision_loss, reason = "a number of metrics")]
    pub(super) fn strict(self) -> f64 {
        let directions = if self.two_sided { 2.0 } else { 1.0 };
        self.level / self.metrics.max(1) as f64 / directions
    }

    /// Designs with more runs: of the side that has fewer, until both have as many,
    /// and then of both.
    pub(super) fn more(self) -> impl Iterator<Item = Design> {
        let fewer = self.old.min(self.new);
        (fewer + 1..=MOST_RUNS).map(move |runs| Design { old: self.old.max(runs), new: self.new.max(runs), ..self })
    }

    /// More runs that a single one may be held against, and what that makes of both
    /// sides.
    pub(super) fn more_known(self) -> impl Iterator<Item = (usize, Needed)> {
        let range = self.old.max(self.new) + 1..=MOST_RUNS;
        range.filter_map(move |runs| {
            let design = match self.new == 1 {
                true => Design { old: runs, ..self },
                false => Design { new: runs, ..self },
            };
            Some((runs, design.needed()?))
        })
    }

    /// The fewest runs that can tell.
    pub(super) fn fewest(self) -> Option<Needed> {
        self.more().find(|more| !more.is_powerless())?.needed()
    }

    pub(super) fn needed(self) -> Option<Needed> {
        Some(Needed { old: u32::try_from(self.old).ok()?, new: u32::try_from(self.new).ok()? })
    }

    /// The degrees of freedom of the deviation between runs.
    #[expect(clippy::cast_precision_loss, reason = "numbers of runs")]
    pub(super) fn freedom(self) -> f64 {
        match self.pairing {
            Pairing::Paired => self.old.saturating_sub(1).max(1) as f64,
            Pairing::Independent => (self.old + self.new).saturating_sub(2).max(1) as f64,
        }
    }

    /// The standard error of a difference of means, in standard deviations of one run.
    #[expect(clippy::cast_precision_loss, reason = "numbers of runs")]
    pub(super) fn error(self) -> f64 {
        (1.0 / self.old.max(1) as f64 + 1.0 / self.new.max(1) as f64).sqrt()
    }
}
