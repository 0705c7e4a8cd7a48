//! Fused multiply-add for processors that may not have it.

/// `x * y + z`, rounded once: the value of [`f32::mul_add`].
///
/// Where the target is not compiled for fused multiply-add, `mul_add` calls the C library, which
/// takes tens of nanoseconds on a processor without it. The detour over f64 vectorises.
#[inline(always)]
pub(crate) fn fma(x: f32, y: f32, z: f32) -> f32 {
    if cfg!(any(target_feature = "fma", target_arch = "aarch64")) {
        x.mul_add(y, z)
    } else {
        by_f64(x, y, z)
    }
}

/// The product of two f32 is exact in f64. The sum is not, and rounding it to f64 and again to f32
/// could differ from rounding once. So the sum is rounded to odd first, which makes the second
/// rounding correct (Boldo and Melquiond, "Emulation of FMA and correctly rounded sums", IEEE
/// Transactions on Computers 57(4), 2008).
#[inline(always)]
fn by_f64(x: f32, y: f32, z: f32) -> f32 {
    let product = f64::from(x) * f64::from(y);
    let addend = f64::from(z);
    let sum = product + addend;
    // The error of the sum (Knuth's TwoSum); NaN if the sum is not finite, and then no comparison
    // holds.
    let back = sum - product;
    let error = (product - (sum - back)) + (addend - back);
    let bits = sum.to_bits();
    let lost = u64::from(error.abs() > 0.0);
    let even = !bits & 1;
    let inwards = (error.to_bits() ^ bits) >> 63;
    let step = 1u64.wrapping_sub(2 * inwards) & (lost & even).wrapping_neg();
    f64::from_bits(bits.wrapping_add(step)) as f32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::cases;

    /// Floats with few bits set are the ones whose sums fall half-way between two others.
    fn sparse() -> impl Strategy<Value = f32> {
        let exponent = prop_oneof![4 => 100u32..150, 1 => 0u32..255];
        (any::<bool>(), exponent, 0u32..23, 0u32..23).prop_map(|(sign, exponent, a, b)| {
            f32::from_bits((sign as u32) << 31 | exponent << 23 | 1 << a | (1 << b) >> 1)
        })
    }

    fn any_bits() -> impl Strategy<Value = f32> {
        any::<u32>().prop_map(f32::from_bits)
    }

    fn assert_same(x: f32, y: f32, z: f32) {
        let (got, want) = (by_f64(x, y, z), x.mul_add(y, z));
        assert!(
            got.to_bits() == want.to_bits() || got.is_nan() && want.is_nan(),
            "fma({x:e}, {y:e}, {z:e}): expected {want:e}, got {got:e}"
        );
    }

    proptest! {
        #![proptest_config(cases(20_000))]

        #[test]
        fn sparse_values(x in sparse(), y in sparse(), z in sparse()) {
            assert_same(x, y, z);
        }

        #[test]
        fn any_values(x in any_bits(), y in any_bits(), z in any_bits()) {
            assert_same(x, y, z);
            assert_same(x, y, -x * y);
        }
    }

    #[test]
    fn rounding_twice_would_differ() {
        // The product is 2^-24 + 2^-60, a little more than half of the last place of 1, and f64
        // loses the little.
        let x = (1.0 + 4096.0 * 2f32.powi(-24)) * 2f32.powi(-12);
        let y = (1.0 - 4095.0 * 2f32.powi(-24)) * 2f32.powi(-12);
        let twice = (f64::from(x) * f64::from(y) + 1.0) as f32;
        assert_eq!(twice, 1.0);
        assert_eq!(by_f64(x, y, 1.0), 1.0 + f32::EPSILON);
        assert_eq!(by_f64(-x, y, -1.0), -1.0 - f32::EPSILON);
        assert_same(x, y, 1.0);
    }
}
