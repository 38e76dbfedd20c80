//! eˣ and tanh in `f32` without a branch or a table, so that loops over them vectorise and give the same bits anywhere.
//!
//! With n = round(x / ln 2) and r = x − n·ln 2, |r| ≤ ln 2 / 2, the Taylor series p(r) = r + r²/2! + … + r⁷/7! is eʳ − 1
//! with an error below r⁸/8! < 5.3e-9, a tenth of the ULP of eʳ. Then eˣ = 2ⁿ·(1 + p) and eˣ − 1 = 2ⁿ·p + (2ⁿ − 1),
//! where the second keeps its relative accuracy down to x = 0 and gives tanh x = m / (m + 2), m = e^{2x} − 1.

/// ln 2 to 15 bits, so that n times it is exact for |n| < 2⁹, and what is missing. Their sum is ln 2 to 1e-12, as in
/// Cephes' `expf`.
const LN_2_HIGH: f32 = 0.693_359_4;
const LN_2_LOW: f32 = -2.121_944_4e-4;

/// 1.5·2²³: a number of this size has no fraction, so adding it rounds to the nearest integer (half to even).
const ROUND: f32 = 12_582_912.0;

/// Beyond these eˣ would leave the normal numbers, and 2ⁿ the exponents that [`power_of_two`] can write.
const MIN: f32 = -87.0;
const MAX: f32 = 88.0;

/// tanh is 1 to the last bit from 9.02 on.
const TANH_ONE: f32 = 9.1;

/// (2ⁿ, e^r − 1) of x = n·ln 2 + r, for −87 ≤ x ≤ 88.
#[inline(always)]
fn reduce(x: f32) -> (f32, f32) {
    let shifted = x.mul_add(std::f32::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = n.mul_add(-LN_2_HIGH, x);
    let r = n.mul_add(-LN_2_LOW, r);
    let p = r.mul_add(1.0 / 5040.0, 1.0 / 720.0);
    let p = p.mul_add(r, 1.0 / 120.0);
    let p = p.mul_add(r, 1.0 / 24.0);
    let p = p.mul_add(r, 1.0 / 6.0);
    let p = p.mul_add(r, 0.5);
    (power_of_two(shifted), (r * r).mul_add(p, r))
}

/// 2ⁿ of `shifted` = [`ROUND`] + n: n stands in the lowest bits of the significand, −126 ≤ n ≤ 127.
#[inline(always)]
fn power_of_two(shifted: f32) -> f32 {
    f32::from_bits(shifted.to_bits().wrapping_add(127) << 23)
}

/// eˣ, saturating outside −87 … 88; NaN stays NaN.
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
    let (scale, p) = reduce(clamp(x, MIN, MAX));
    scale.mul_add(p, scale)
}

/// tanh x, odd to the last bit; NaN stays NaN.
#[inline(always)]
pub(super) fn tanh(x: f32) -> f32 {
    let magnitude = clamp(x.abs(), 0.0, TANH_ONE);
    let (scale, p) = reduce(2.0 * magnitude);
    let m = scale.mul_add(p, scale - 1.0);
    (m / (m + 2.0)).copysign(x)
}

/// `x` within `low … high`. Written with comparisons that are false for NaN, which therefore passes through.
#[inline(always)]
fn clamp(x: f32, low: f32, high: f32) -> f32 {
    let x = if x < low { low } else { x };
    if x > high { high } else { x }
}

#[cfg(test)]
mod tests {
    use super::super::Real;

    /// Distance of `got` from the exact `want`, in units of the last place of `want` as an `f32`.
    fn ulps(got: f32, want: f64) -> f64 {
        let nearest = (want as f32).abs().max(f32::MIN_POSITIVE);
        let ulp = f64::from(f32::from_bits(nearest.to_bits() + 1)) - f64::from(nearest);
        (f64::from(got) - want).abs() / ulp
    }

    /// Largest distance over every 97th `f32` of a range, which visits every exponent and all low bits.
    fn worst(from: f32, to: f32, got: impl Fn(f32) -> f32, want: impl Fn(f64) -> f64) -> f64 {
        let mut worst = 0.0_f64;
        for sign in [1.0, -1.0] {
            for bits in (0..=f32::to_bits(20.0_f32.max(to.abs()).max(from.abs()))).step_by(97) {
                let x = sign * f32::from_bits(bits);
                if (from..=to).contains(&x) {
                    worst = worst.max(ulps(got(x), want(f64::from(x))));
                }
            }
        }
        worst
    }

    #[test]
    fn exponential_is_within_two_ulp() {
        let worst = worst(-87.0, 88.0, Real::exp, libm::exp);
        assert!(worst < 2.0, "{worst} ULP");
    }

    #[test]
    fn sigmoid_is_within_three_ulp() {
        let worst = worst(-87.0, 200.0, Real::sigmoid, |x| 1.0 / (1.0 + libm::exp(-x)));
        assert!(worst < 3.0, "{worst} ULP");
    }

    #[test]
    fn hyperbolic_tangent_is_within_four_ulp() {
        let worst = worst(-1e4, 1e4, Real::tanh, libm::tanh);
        assert!(worst < 4.0, "{worst} ULP");
    }

    #[test]
    fn the_ruler_measures_one_ulp_as_one() {
        let next = f32::from_bits(1.5_f32.to_bits() + 1);
        assert_eq!(ulps(next, 1.5), 1.0);
        assert_eq!(ulps(1.5, 1.5), 0.0);
    }

    #[test]
    fn ends_saturate_and_nan_stays_nan() {
        for x in [-f32::INFINITY, -1e30, -100.0, 100.0, 1e30, f32::INFINITY] {
            assert!(Real::exp(x).is_finite() && Real::exp(x) > 0.0, "{x}");
            assert_eq!(Real::tanh(x), x.signum(), "{x}");
            assert!((0.0..=1.0).contains(&Real::sigmoid(x)), "{x}");
        }
        assert_eq!((Real::exp(0.0_f32), Real::sigmoid(0.0_f32), Real::tanh(0.0_f32)), (1.0, 0.5, 0.0));
        assert!(Real::exp(f32::NAN).is_nan() && Real::sigmoid(f32::NAN).is_nan() && Real::tanh(f32::NAN).is_nan());
    }
}
