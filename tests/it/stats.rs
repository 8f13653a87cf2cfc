//! The coverage of the intervals, over many made-up runs with known true values.

use async_vs_threads::histogram::Histogram;
use async_vs_threads::random;
use async_vs_threads::schedule::{Arrivals, Schedule};
use async_vs_threads::stats::{
    CONFIDENCE, Interval, Noise, Significance, Spread, coverage, ratio, ratio_of_runs, ratio_unpaired, ribbon, slope,
};
use fastrand::Rng;
use proptest::prelude::*;

/// Returns a standard normal variate (Box and Muller).
fn normal(rng: &mut Rng) -> f64 {
    (-2.0 * (1.0 - rng.f64()).ln()).sqrt() * (std::f64::consts::TAU * rng.f64()).cos()
}

/// Returns rounds of two models. Each round is slower or faster for both, and each trial has its own noise.
fn rounds(n: usize, true_ratio: f64, noise: f64, rng: &mut Rng) -> Vec<(f64, f64)> {
    let mut pair = || {
        let round = (0.3 * normal(rng)).exp();
        let [a, b] = [(); 2].map(|()| (noise * normal(rng)).exp());
        (100.0 * round * a, 100.0 * round * b * true_ratio)
    };
    (0..n).map(|_| pair()).collect()
}

/// Returns the share of made-up runs for which a condition holds.
fn share(runs: u64, mut holds: impl FnMut(u64) -> bool) -> f64 {
    (0..runs).filter(|seed| holds(*seed)).count() as f64 / runs as f64
}

#[test]
fn the_interval_of_the_control_has_nominal_coverage() {
    for n in [6, 10] {
        let holds = share(1_000, |seed| {
            let pairs = rounds(n, 1.0, 0.05, &mut random::stream(seed, 1));
            ratio(&pairs, seed).unwrap().interval.unwrap().holds(1.0)
        });
        assert!((0.93..=0.97).contains(&holds), "{n} rounds: {holds}");
    }
}

#[test]
fn the_interval_of_a_ratio_has_nominal_coverage() {
    for n in [6, 8, 10, 20] {
        let holds = share(1_000, |seed| {
            let pairs = rounds(n, 1.9, 0.1, &mut random::stream(seed, 1));
            ratio(&pairs, seed).unwrap().interval.unwrap().holds(1.9)
        });
        assert!((0.93..=0.97).contains(&holds), "{n} rounds: {holds}");
    }
}

#[test]
fn the_interval_of_a_ratio_of_two_runs_has_nominal_coverage() {
    for (n, m) in [(6, 6), (6, 10), (10, 10), (6, 30)] {
        let holds = share(1_000, |seed| {
            let mut rng = random::stream(seed, 1);
            let mut run = |rounds: usize, level: f64, noise: f64| -> Vec<f64> {
                (0..rounds).map(|_| level * (noise * normal(&mut rng)).exp()).collect()
            };
            let (before, after) = (run(n, 10.0, 0.05), run(m, 13.0, 0.1));
            ratio_unpaired(&before, &after, seed).unwrap().interval.unwrap().holds(1.3)
        });
        assert!((0.93..=0.97).contains(&holds), "{n} and {m} rounds: {holds}");
    }
}

#[test]
fn a_difference_of_20_percent_is_detected() {
    let found = share(500, |seed| {
        let pairs = rounds(6, 1.2, 0.05, &mut random::stream(seed, 1));
        ratio(&pairs, seed).unwrap().significance(1.0) == Significance::More
    });
    assert!(found >= 0.9, "{found}");
}

/// Returns figures of two identical cells. With outliers, one round in ten has one.
fn identical_cells(rounds: usize, has_outliers: bool, rng: &mut Rng) -> Vec<(f64, f64)> {
    const NOISE: f64 = 0.05;
    let mut figure = || {
        let outlier = if has_outliers && rng.f64() < 0.1 { -3.0 * NOISE * (1.0 - rng.f64()).ln() } else { 0.0 };
        (NOISE * normal(rng) + outlier).exp()
    };
    (0..rounds).map(|_| (figure(), figure())).collect()
}

#[test]
fn the_minimum_detectable_difference_is_detected_four_times_in_five() {
    for (n, points, has_outliers) in
        [(6, 1, false), (6, 1, true), (6, 2, false), (6, 4, true), (10, 1, false), (10, 2, false), (10, 4, true)]
    {
        let (mut beyond_floor, mut mean_detectable) = (0, 0.0);
        let found = share(2_000, |seed| {
            let mut rng = random::stream(seed, 1);
            let controls = (0..points).filter_map(|_| Noise::from_pairs(&identical_cells(n, has_outliers, &mut rng)));
            let noise = controls.reduce(Noise::and);
            let floor = noise.unwrap().floor(n);
            let mut pairs = identical_cells(n, has_outliers, &mut rng);
            beyond_floor += u32::from(ratio(&pairs, seed).unwrap().distance() > floor);
            // With the noise of these rounds, a difference of this size should be detected.
            let detectable = ratio(&pairs, seed).unwrap().detectable(noise).unwrap();
            mean_detectable += detectable / 2_000.0;
            pairs.iter_mut().for_each(|(_, above)| *above *= detectable);
            ratio(&pairs, seed).unwrap().significance(floor) == Significance::More
        });
        let beyond = f64::from(beyond_floor) / 2_000.0;
        println!(
            "{n} rounds, {points} points, outliers {has_outliers}: {mean_detectable:.3} detected in {found:.3}, A/A beyond the floor {beyond:.3}"
        );
        assert!((0.74..=0.85).contains(&found), "{n} rounds, {points} points, outliers {has_outliers}: {found}");
        assert!(beyond <= if has_outliers { 0.12 } else { 0.07 }, "{n} rounds, {points} points: {beyond}");
    }
}

#[test]
fn the_interval_of_a_ratio_of_several_runs_has_nominal_coverage() {
    for (before, after) in [(2, 2), (3, 3), (1, 5), (5, 5)] {
        let holds = share(4_000, |seed| {
            let mut rng = random::stream(seed, 1);
            let mut side = |runs: usize| -> Vec<f64> { (0..runs).map(|_| (0.1 * normal(&mut rng)).exp()).collect() };
            let (a, b) = (side(before), side(after));
            ratio_of_runs(&a, &b).unwrap().interval.unwrap().holds(1.0)
        });
        assert!((0.935..=0.965).contains(&holds), "{before} and {after} runs: {holds}");
    }
    assert!(ratio_of_runs(&[1.0], &[2.0]).unwrap().interval.is_none(), "one run per side has no interval");
}

#[test]
fn the_interval_of_a_median_has_the_stated_coverage() {
    for n in [6, 9, 10, 12, 30] {
        let stated = coverage(n).unwrap();
        // A skewed distribution, whose median differs from its mean.
        let holds = share(4_000, |seed| {
            let mut rng = random::stream(seed, 1);
            let spread = Spread::summarize((0..n).map(|_| -(1.0 - rng.f64()).ln())).unwrap();
            spread.interval.unwrap().holds(std::f64::consts::LN_2)
        });
        // Three times the standard deviation of such a count.
        let error = 3.0 * (stated * (1.0 - stated) / 4_000.0).sqrt();
        assert!(stated >= CONFIDENCE && (holds - stated).abs() < error, "{n} rounds: {holds}, stated {stated}");
    }
}

#[test]
fn the_ribbon_has_nominal_coverage() {
    // Each round has its own speed, so that its times are not independent of each other.
    let time = |speed: f64, rng: &mut Rng| (1e6 * speed * -(1.0 - rng.f64()).ln()) as u64;
    let speed = |rng: &mut Rng| (0.1 * normal(rng)).exp();
    let mut all = Histogram::default();
    let mut rng = random::stream(0, 1);
    (0..4_000).for_each(|_| {
        let speed = speed(&mut rng);
        (0..200).for_each(|_| all.record(time(speed, &mut rng)));
    });
    let truth = all.quantile(0.5).unwrap() as f64;
    for n in [6, 10] {
        let holds = share(500, |seed| {
            let rounds = [(); 10].map(|()| {
                let speed = speed(&mut rng);
                let mut round = Histogram::default();
                (0..1_000).for_each(|_| round.record(time(speed, &mut rng)));
                round
            });
            let rounds: Vec<&Histogram> = rounds.iter().take(n).collect();
            ribbon(&rounds, &[0.5], seed).unwrap()[0].interval.holds(truth)
        });
        assert!((0.93..=0.97).contains(&holds), "{n} rounds: {holds}");
    }
}

/// Simulates a server with a mean service time of 1 ms, at 70 % load with Poisson arrivals.
#[test]
fn a_simulated_queue_has_the_percentiles_of_m_m_1() {
    let (arrive, serve) = (700.0, 1_000.0);
    let schedule = Schedule { rate: arrive, arrivals: Arrivals::Poisson, seed: 7 };
    let mut rng = random::stream(7, 1);
    let (mut free, mut times) = (0.0_f64, Histogram::default());
    for due in schedule.offsets().take(4_000_000) {
        let due = due as f64;
        free = free.max(due) - (1.0 - rng.f64()).ln() / serve * 1e9;
        times.record((free - due) as u64);
    }
    // The response time of M/M/1 is exponential with the service rate minus the arrival rate (Kleinrock, Queueing
    // Systems I, 5.119).
    for share in [0.5_f64, 0.9, 0.99, 0.999] {
        let expected = -(1.0 - share).ln() / (serve - arrive) * 1e9;
        let found = times.quantile(share).unwrap() as f64;
        assert!((found / expected - 1.0).abs() < 0.05, "{share}: {found} ns, expected {expected} ns");
    }
}

#[test]
fn a_stall_shows_only_in_times_from_when_requests_were_due() {
    const CONNECTIONS: usize = 50;
    let (rate, service, stall) = (1_000.0, 100e3, (5e9, 5.5e9));
    let (mut done, mut response, mut naive) = (Vec::new(), Histogram::default(), Histogram::default());
    for (k, due) in (Schedule { rate, arrivals: Arrivals::Even, seed: 0 }).offsets().take(10_000).enumerate() {
        let due = due as f64;
        let connection = k.checked_sub(CONNECTIONS).map_or(0.0_f64, |before| done[before]);
        let sent = connection.max(due);
        let mut begun = done.last().copied().unwrap_or(0.0_f64).max(sent);
        if (stall.0..stall.1).contains(&begun) {
            begun = stall.1;
        }
        done.push(begun + service);
        response.record((begun + service - due) as u64);
        naive.record((begun + service - sent) as u64);
    }
    // During the stall and until the queue is empty again, 500 ms / (1 - load), requests wait from 500 ms down to 0.
    let waiting = 0.5 * rate / (1.0 - rate * service / 1e9) / 10_000.0;
    let expected = 500e6 * (1.0 - 0.01 / waiting);
    let found = response.quantile(0.99).unwrap() as f64;
    assert!((found / expected - 1.0).abs() < 0.01, "{found} ns, expected {expected} ns");
    assert!(naive.quantile(0.99).unwrap() < 10_000_000, "{naive:?}");
}

proptest! {
    #[test]
    fn a_ratio_does_not_depend_on_units_or_order(
        pairs in prop::collection::vec((0.1..1e9_f64, 0.1..1e9_f64), 6..20),
        unit in 1e-3..1e3_f64,
    ) {
        let close = |a: f64, b: f64| (a / b - 1.0).abs() < 1e-6;
        let found = ratio(&pairs, 1).unwrap();
        let scaled: Vec<_> = pairs.iter().map(|(a, b)| (a * unit, b * unit)).collect();
        prop_assert!(close(ratio(&scaled, 1).unwrap().ratio, found.ratio));
        let swapped: Vec<_> = pairs.iter().map(|(a, b)| (*b, *a)).collect();
        let turned = ratio(&swapped, 1).unwrap();
        prop_assert!(close(turned.ratio, 1.0 / found.ratio));
        prop_assert!(turned.agreeing == found.agreeing && found.agreeing <= found.rounds);
        prop_assert!(found.interval.unwrap().holds(found.ratio), "{found:?}");
        prop_assert_eq!(ratio(&pairs, 1), Some(found));
    }

    #[test]
    fn a_spread_lies_within_its_rounds(mut values in prop::collection::vec(-1e12..1e12_f64, 1..40), shift in -1e6..1e6_f64) {
        let found = Spread::summarize(values.iter().copied()).unwrap();
        let Interval { low, high } = found.range();
        prop_assert!(found.min <= low && low <= found.median && found.median <= high && high <= found.max);
        let moved = Spread::summarize(values.iter().map(|value| value + shift)).unwrap();
        prop_assert!((moved.median - found.median - shift).abs() < 1e-3);
        values.reverse();
        prop_assert_eq!(Spread::summarize(values), Some(found));
    }

    #[test]
    fn a_slope_scales_with_its_unit_and_ignores_an_offset(
        heights in prop::collection::vec(-1e6..1e6_f64, 2..30),
        up in -1e6..1e6_f64,
    ) {
        let points: Vec<_> = heights.iter().enumerate().map(|(x, y)| (x as f64, *y)).collect();
        let found = slope(&points).unwrap();
        prop_assert!(found.interval.is_none_or(|interval| interval.holds(found.slope)));
        let changed: Vec<_> = points.iter().map(|(x, y)| (*x, 2.0 * y + up)).collect();
        prop_assert!((slope(&changed).unwrap().slope - 2.0 * found.slope).abs() < 1e-3);
    }
}
