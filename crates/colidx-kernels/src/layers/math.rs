//! Elementary functions in plain arithmetic, written to vectorise.
//!
//! System libraries differ in the last bits; these do not.

use std::f32::consts::{LN_2, LOG2_E};

use crate::LANES;
use crate::reduce::{greater, reduce};

/// `x * y + z`, rounded once, in the form that suits the instruction set.
pub(super) trait Fma: Fn(f32, f32, f32) -> f32 + Copy {}

impl<F: Fn(f32, f32, f32) -> f32 + Copy> Fma for F {}

/// The polynomial with `coefficients`, highest power first, at `x`.
#[inline(always)]
fn polynomial<const N: usize>(coefficients: [f32; N], x: f32, fma: impl Fma) -> f32 {
    let mut value = coefficients[0];
    for coefficient in &coefficients[1..] {
        value = fma(value, x, *coefficient);
    }
    value
}

/// `e^x` to about one unit in the last place, for `x <= 88`; below -87 a number near 1e-38.
#[inline(always)]
pub(super) fn exp(x: f32, fma: impl Fma) -> f32 {
    // 1.5 * 2^23: adding it rounds to an integer, in the low bits.
    const ROUND: f32 = 12_582_912.0;
    // The error of the f32 nearest to ln 2.
    const LN_2_REST: f32 = -1.904_654_2e-9;
    let x = x.clamp(-87.0, 88.0);
    let shifted = fma(x, LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = fma(n, -LN_2_REST, fma(n, -LN_2, x));
    // Minimax on ±ln 2 / 2, to 2e-9 relative.
    let coefficients = [
        1.383_684_5e-3,
        8.374_816e-3,
        4.166_822_5e-2,
        1.666_642e-1,
        4.999_999e-1,
        1.0,
        1.0,
    ];
    // The integer added to the exponent; the rounding constant's own bits shift out.
    let power = f32::from_bits((shifted.to_bits() << 23).wrapping_add(1.0f32.to_bits()));
    polynomial(coefficients, r, fma) * power
}

/// `x Φ(x)`, Φ being the normal distribution function (Hendrycks and Gimpel, arXiv 1606.08415), to
/// 1e-6 absolute.
///
/// Within ±5.25, `Φ(x) = 1/2 + x P(x²)`; beyond, Φ is 0 or 1 to less than 1e-7.
#[inline(always)]
pub(super) fn gelu(x: f32, fma: impl Fma) -> f32 {
    const EDGE: f32 = 5.25;
    // Minimax of `x² P` in `u`, which goes from -1 to 1: in powers of x² itself the coefficients
    // would cancel.
    let coefficients = [
        -4.506_530_8e-4,
        1.362_166_4e-3,
        -1.619_677e-3,
        2.112_106_4e-3,
        -4.827_076e-3,
        8.839_716e-3,
        -1.309_051_2e-2,
        1.842_543_3e-2,
        -2.496_542_4e-2,
        3.204_526e-2,
        -3.977_121_8e-2,
        4.964_519_3e-2,
        -6.712_659_5e-2,
        1.346_593_5e-1,
    ];
    let u = fma(x * x, 2.0 / (EDGE * EDGE), -1.0);
    let inside = x * fma(x, polynomial(coefficients, u, fma), 0.5);
    let outside = if x > 0.0 { x } else { 0.0 };
    if x.abs() < EDGE { inside } else { outside }
}

/// [`gelu`] with a hyperbolic tangent in place of Φ.
#[inline(always)]
pub(super) fn gelu_tanh(x: f32, fma: impl Fma) -> f32 {
    let inner = x * fma(x * x, 0.797_884_6 * 0.044_715, 0.797_884_6);
    let half = 0.5 * x;
    fma(half, tanh(inner, fma), half)
}

/// The hyperbolic tangent, to 2e-7 absolute.
#[inline(always)]
pub(super) fn tanh(x: f32, fma: impl Fma) -> f32 {
    let magnitude = 1.0 - 2.0 / (exp(2.0 * x.abs().min(20.0), fma) + 1.0);
    magnitude.copysign(x)
}

/// `1 / (1 + e^-x)`.
#[inline(always)]
pub(super) fn sigmoid(x: f32, fma: impl Fma) -> f32 {
    1.0 / (1.0 + exp((-x).min(87.0), fma))
}

/// Replaces each of `values` by `map(value)` and returns their sum, as [`LANES`] partial sums.
#[inline(always)]
pub(super) fn map_sum(values: &mut [[f32; LANES]], map: impl Fn(f32) -> f32) -> f32 {
    let mut lanes = [0.0f32; LANES];
    for chunk in values {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *value = map(*value);
            *lane += *value;
        }
    }
    reduce(lanes, |x, y| x + y)
}

/// The largest of `values`; minus infinity if empty.
#[inline(always)]
pub(super) fn max(values: &[[f32; LANES]]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; LANES];
    for chunk in values {
        for (lane, &value) in lanes.iter_mut().zip(chunk) {
            *lane = greater(value, *lane);
        }
    }
    reduce(lanes, greater)
}

/// The sum of `term(x)` over `values`, as [`LANES`] partial sums.
#[inline(always)]
pub(super) fn sum(values: &[f32], term: impl Fn(f32) -> f32) -> f32 {
    let (chunks, rest) = values.as_chunks::<LANES>();
    let mut lanes = [0.0f32; LANES];
    for chunk in chunks {
        for (lane, &value) in lanes.iter_mut().zip(chunk) {
            *lane += term(value);
        }
    }
    // Most widths have no remainder, and the lanes then stay in registers.
    if !rest.is_empty() {
        for (lane, &value) in lanes.iter_mut().zip(rest) {
            *lane += term(value);
        }
    }
    reduce(lanes, |x, y| x + y)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(from: f32, to: f32) -> impl Iterator<Item = f32> {
        let points = if cfg!(miri) { 200 } else { 200_000 };
        (0..points).map(move |i| from + (to - from) * i as f32 / points as f32)
    }

    /// erf by its Taylor series in f64.
    fn erf(x: f64) -> f64 {
        let (mut term, mut sum, mut n) = (x, x, 0.0);
        while term.abs() > 1e-17 {
            n += 1.0;
            term *= -x * x / n;
            sum += term / (2.0 * n + 1.0);
        }
        sum * 2.0 / std::f64::consts::PI.sqrt()
    }

    #[test]
    fn exp_is_near_the_truth() {
        for x in grid(-86.0, 87.0) {
            let truth = f64::from(x).exp();
            assert!(
                (f64::from(exp(x, f32::mul_add)) / truth - 1.0).abs() < 2e-7,
                "{x}"
            );
        }
        assert_eq!(exp(0.0, f32::mul_add), 1.0);
        assert!(exp(f32::NEG_INFINITY, f32::mul_add) < 1e-37);
    }

    #[test]
    fn gelu_is_near_the_truth() {
        for x in grid(-4.5, 4.5) {
            let truth = f64::from(x) * 0.5 * (1.0 + erf(f64::from(x) / 2f64.sqrt()));
            assert!(
                (f64::from(gelu(x, f32::mul_add)) - truth).abs() < 1e-6,
                "{x}"
            );
        }
        assert_eq!(gelu(0.0, f32::mul_add), 0.0);
        assert_eq!(gelu(100.0, f32::mul_add), 100.0);
        assert_eq!(gelu(-100.0, f32::mul_add), 0.0);
    }

    #[test]
    fn tanh_and_sigmoid_are_near_the_truth() {
        for x in grid(-30.0, 30.0) {
            assert!(
                (f64::from(tanh(x, f32::mul_add)) - f64::from(x).tanh()).abs() < 3e-7,
                "{x}"
            );
            let truth = 1.0 / (1.0 + (-f64::from(x)).exp());
            assert!(
                (f64::from(sigmoid(x, f32::mul_add)) - truth).abs() < 3e-7,
                "{x}"
            );
        }
        assert_eq!(sigmoid(-200.0, f32::mul_add), sigmoid(-87.0, f32::mul_add));
    }

    #[test]
    fn sums_and_maxima_take_every_value() {
        let values: Vec<f32> = (0..37).map(|i| i as f32).collect();
        assert_eq!(sum(&values, |x| x), 666.0);
        let mut chunks = [[1.0; LANES], std::array::from_fn(|i| i as f32)];
        assert_eq!(max(&chunks), 15.0);
        assert_eq!(max(&[]), f32::NEG_INFINITY);
        assert_eq!(map_sum(&mut chunks, |x| 2.0 * x), 272.0);
        assert_eq!((chunks[0][0], chunks[1][15]), (2.0, 30.0));
        assert_eq!(sum(&[], |x| x), 0.0);
    }
}
