//! Rounding to the nearest integer, ties to even, by an addition: without newer instructions the
//! standard library's rounding is a function call per value.

/// The integer nearest to `x`, which must be within ±2^31.
#[inline(always)]
pub(crate) fn nearest(x: f64) -> i32 {
    /// Values of this magnitude have no fraction, and their last bits count from 0.
    const LARGE: f64 = 1.5 * (1u64 << 52) as f64;
    (x + LARGE).to_bits() as i32
}

/// The integer nearest to `x`, which must be within the range of i16.
#[inline(always)]
pub(crate) fn nearest_i16(x: f32) -> i16 {
    /// As above.
    const LARGE: f32 = 1.5 * (1u32 << 23) as f32;
    (x + LARGE).to_bits() as i16
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::cases;

    proptest! {
        #![proptest_config(cases(1000))]

        #[test]
        fn it_is_the_rounding_of_the_standard_library(
            whole in i32::MIN..i32::MAX,
            fraction in prop_oneof![Just(0.0), Just(0.5), 0.0..1.0f64],
        ) {
            let x = f64::from(whole) + fraction;
            prop_assert_eq!(nearest(x), x.round_ties_even() as i32);
            let x = f32::from((whole >> 16) as i16) + fraction as f32;
            if x < 32_767.5 {
                prop_assert_eq!(nearest_i16(x), x.round_ties_even() as i16);
            }
        }
    }
}
