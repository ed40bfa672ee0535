//! Streams of random numbers that depend on the plan alone.

use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;

/// What a stream is for; streams of different purposes never overlap in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Choices inside one iteration.
    Iteration,
    /// The order inside one bag of a mix.
    Mix,
    /// Spacing of Poisson arrivals.
    Arrivals,
    /// Rows of a data file; its number stands where that of a scenario does.
    Rows,
    /// The order inside one bag of targets.
    Targets,
    /// Which sessions are left behind.
    Close,
    /// Choices of a user before its first iteration and after its last.
    User,
    /// Which iterations are looked into.
    Inspect,
    /// The order inside one bag of revisions; scenario and server stand together
    /// where that of a scenario does.
    Revisions,
    /// The ids of a session's requests.
    Ids,
    /// The order inside one bag of iterations in which tools are listed or not.
    Lists,
    /// Arguments that are made up for a tool: the attempt stands where the scenario
    /// does, and the number of the tool is the index.
    Arguments,
    /// Which side of a pair of runs goes first.
    Turns,
}

/// The stream for item `index` of `scenario`: the same for the same plan,
/// whatever the timing or the number of threads.
#[must_use]
pub fn stream(seed: u64, purpose: Purpose, scenario: usize, index: u64) -> Pcg64Mcg {
    Pcg64Mcg::seed_from_u64(key(seed, purpose, scenario, index))
}

/// What a stream is seeded by; also the key of a permutation. Keys of neighbouring
/// items have nothing in common.
pub(super) fn key(seed: u64, purpose: Purpose, scenario: usize, index: u64) -> u64 {
    let purpose = match purpose {
        Purpose::Iteration => 1,
        Purpose::Mix => 2,
        Purpose::Arrivals => 3,
        Purpose::Rows => 4,
        Purpose::Targets => 5,
        Purpose::Close => 6,
        Purpose::User => 7,
        Purpose::Revisions => 8,
        Purpose::Inspect => 9,
        Purpose::Ids => 10,
        Purpose::Lists => 11,
        Purpose::Arguments => 12,
        Purpose::Turns => 13,
    };
    mixed(mixed(mixed(mixed(seed) ^ purpose) ^ scenario as u64) ^ index)
}

/// SplitMix64's finalizer (Steele, Lea, Flood, OOPSLA 2014): a bijection that
/// spreads every input bit over the output.
pub(crate) fn mixed(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::RngCore;

    #[test]
    fn streams_differ_by_every_part_of_their_key_and_repeat() {
        let first = |seed, purpose, scenario, index| stream(seed, purpose, scenario, index).next_u64();
        let base = first(1, Purpose::Iteration, 0, 0);
        assert_eq!(base, first(1, Purpose::Iteration, 0, 0));
        for other in [
            first(2, Purpose::Iteration, 0, 0),
            first(1, Purpose::Mix, 0, 0),
            first(1, Purpose::Rows, 0, 0),
            first(1, Purpose::Iteration, 1, 0),
            first(1, Purpose::Iteration, 0, 1),
        ] {
            assert_ne!(base, other);
        }
    }
}
