//! How often trends are wrong and how often they see what is there. The table in
//! `docs/trend.md` is what comes out; `UPDATE=1` writes it.

use rand::{Rng as _, SeedableRng as _};
use rand_pcg::Pcg64Mcg;

use super::{Kind, TODAY, Triage, history, latency, trend};

/// What runs differ by without a reason: its standard deviation as a share.
const NOISE: f64 = 0.03;

/// Runs of a history.
const RUNS: usize = 60;

/// Histories for each line of the table.
const HISTORIES: u32 = 40;

#[derive(Clone, Copy)]
enum Noise {
    /// Independent, normal.
    Normal,
    /// Student's t with three degrees of freedom: now and then far off.
    HeavyTails,
    /// Each run leans on the one before it, with a correlation of one half.
    Leaning,
}

fn normal(random: &mut Pcg64Mcg) -> f64 {
    let (u, v) = (1.0 - random.random::<f64>(), random.random::<f64>());
    (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
}

/// 95th percentiles in nanoseconds, the last `after` of them higher by 8 %.
fn values(noise: Noise, after: usize, seed: u64) -> Vec<f64> {
    let random = &mut Pcg64Mcg::seed_from_u64(seed);
    let mut last = normal(random);
    let mut next = || match noise {
        Noise::Normal => normal(random),
        Noise::HeavyTails => {
            let squares: f64 = (0..3).map(|_| normal(random).powi(2)).sum();
            // Its standard deviation is the square root of three.
            normal(random) / (squares / 3.0).sqrt() / 3.0_f64.sqrt()
        }
        Noise::Leaning => {
            last = 0.5 * last + 0.75_f64.sqrt() * normal(random);
            last
        }
    };
    let level = |n: usize| if n + after < RUNS { 20e6 } else { 20e6 * 1.08 };
    (0..RUNS).map(|n| level(n) * (NOISE * next()).exp()).collect()
}

/// Shares of histories in which something is told, a confirmed change is, the right run
/// is (up to one off) as a change, or at all, and a build fails.
#[derive(Default)]
struct Shares {
    told: u32,
    changed: u32,
    right: u32,
    suspected: u32,
    failed: u32,
}

fn shares(noise: Noise, after: usize) -> Shares {
    let mut shares = Shares::default();
    for seed in 0..HISTORIES {
        let seen = trend(&[history(latency(), &values(noise, after, seed.into()))], &Triage::default(), TODAY);
        let findings = &seen.series[0].findings;
        let change = |kind: Kind| findings.iter().filter(move |finding| finding.kind == kind);
        let near = |at: usize| at.abs_diff(RUNS - after) <= 1;
        shares.told += u32::from(!findings.is_empty());
        shares.changed += u32::from(change(Kind::Change).next().is_some());
        shares.right += u32::from(change(Kind::Change).any(|finding| near(finding.at)));
        shares.suspected += u32::from(change(Kind::Suspected).any(|finding| near(finding.at)));
        shares.failed += u32::from(seen.fails);
    }
    shares
}

fn percent(count: u32) -> String {
    format!("{:.0} %", f64::from(count) / f64::from(HISTORIES) * 100.0)
}

#[test]
fn rates_are_those_of_the_page() {
    let mut table = String::from(
        "| 60 runs without a change | anything is told | a change is told | `--fail` fails |\n|---|---:|---:|---:|\n",
    );
    for (noise, name, most) in [
        (Noise::Normal, "independent, normal, 3 %", 0.05),
        (Noise::HeavyTails, "independent, heavy tails, 3 %", 0.06),
        (Noise::Leaning, "each leaning on the one before (ρ = 0.5), 3 %", 0.15),
    ] {
        let shares = shares(noise, 0);
        let (told, changed, failed) = (percent(shares.told), percent(shares.changed), percent(shares.failed));
        table.push_str(&format!("| {name} | {told} | {changed} | {failed} |\n"));
        assert!(f64::from(shares.told) <= most * f64::from(HISTORIES), "{name}: {told}");
    }
    table.push_str(
        "\n| runs after a step of 8 % (noise of 3 %) | suspected | the right run is told (± 1) | `--fail` fails |\n\
         |---|---:|---:|---:|\n",
    );
    for (after, least) in [(1, 0.0), (3, 0.0), (5, 0.5), (8, 0.8), (20, 0.85)] {
        let shares = shares(Noise::Normal, after);
        let (suspected, right, failed) = (percent(shares.suspected), percent(shares.right), percent(shares.failed));
        table.push_str(&format!("| {after} | {suspected} | {right} | {failed} |\n"));
        assert!(f64::from(shares.right) >= least * f64::from(HISTORIES), "{after} runs: {right}");
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/trend.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (begin, end) = ("<!-- trend rates -->\n", "<!-- end -->");
    let from = page.find(begin).unwrap() + begin.len();
    let to = from + page[from..].find(end).unwrap();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, format!("{}\n{table}\n{}", &page[..from], &page[to..])).unwrap();
        return;
    }
    println!("{table}");
    assert_eq!(page[from..to].trim(), table.trim(), "run with UPDATE=1 and read the difference");
}
