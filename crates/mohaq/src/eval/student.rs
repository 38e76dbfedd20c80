//! Quantiles of Student's t distribution.
//!
//! With whole degrees of freedom ν the distribution function is a finite sum in θ = atan(t/√ν). It rises with θ, so halving
//! an interval of θ finds any quantile.
//!
//! Source: Abramowitz and Stegun 1964, eq. 26.7.3 (odd ν) and 26.7.4 (even ν).

use core::f64::consts::{FRAC_2_PI, FRAC_PI_2};

/// The value that t exceeds with probability `tail`, between 0 and ½, at `freedom` degrees of freedom, 1 at least.
pub(super) fn upper_quantile(tail: f64, freedom: usize) -> f64 {
    let (mut low, mut high) = (0.0, FRAC_PI_2);
    // More halvings than an f64 has bits.
    for _ in 0..64 {
        let theta = (low + high) / 2.0;
        if 1.0 - within(theta, freedom) > 2.0 * tail { low = theta } else { high = theta }
    }
    // Exact: sequences are far fewer than 2⁵³.
    (freedom as f64).sqrt() * libm::tan(low)
}

/// The probability of |t| ≤ √ν·tan θ.
fn within(theta: f64, freedom: usize) -> f64 {
    let (sine, cosine) = (libm::sin(theta), libm::cos(theta));
    let odd = freedom % 2 == 1;
    let mut term = if odd { cosine } else { 1.0 };
    let mut sum = if freedom == 1 { 0.0 } else { term };
    for k in (2 + usize::from(odd)..freedom).step_by(2) {
        term *= cosine * cosine * (k - 1) as f64 / k as f64;
        sum += term;
    }
    if odd { FRAC_2_PI * (theta + sine * sum) } else { sine * sum }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_published_table() {
        // Abramowitz and Stegun 1964, table 26.10, three decimals; the last row is the normal distribution's but for 1/(4ν)·(z³ + z).
        for (tail, freedom, expected) in [
            (0.05, 1, 6.314),
            (0.025, 2, 4.303),
            (0.005, 3, 5.841),
            (0.01, 7, 2.998),
            (0.001, 10, 4.144),
            (0.0005, 29, 3.659),
            (0.005, 120, 2.617),
        ] {
            let got = upper_quantile(tail, freedom);
            assert!((got - expected).abs() < 5.1e-4, "t of {freedom} at {tail}: {got}, expected {expected}");
        }
        assert!(upper_quantile(0.5, 5).abs() < 1e-9);
        // The normal distribution's 3.0902, and (z³ + z)/(4ν) more.
        assert!((upper_quantile(0.001, 20_001) - 3.0902 - 0.0004).abs() < 1e-4);
    }
}
