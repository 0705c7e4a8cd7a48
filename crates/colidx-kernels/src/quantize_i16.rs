//! Symmetric 16-bit quantisation with one step a row, and back.

use crate::Kernels;
use crate::kernels::dispatch;

impl Kernels {
    /// Rounds a row to whole steps and returns the step, a 32,767th of its largest magnitude. A
    /// step too small for a normal f32 counts as 0, and so does the row.
    ///
    /// # Panics
    /// If `out` has another length than `row`.
    pub fn quantize_i16(self, row: &[f32], out: &mut [i16]) -> f32 {
        assert_eq!(row.len(), out.len(), "one number for each value");
        dispatch!(self, quantize_i16(row, out))
    }

    /// Sets `row` to `values` times `step`.
    ///
    /// # Panics
    /// If `row` has another length than `values`.
    pub fn dequantize_i16(self, values: &[i16], step: f32, row: &mut [f32]) {
        assert_eq!(values.len(), row.len(), "one value for each number");
        dispatch!(self, dequantize_i16(values, step, row));
    }
}

/// The bodies, compiled for each instruction set. Nothing depends on the order of a sum, so that
/// all give the same bits.
mod body {
    use crate::LANES;
    use crate::reduce::{greater, reduce};
    use crate::round::nearest_i16;

    const LARGEST: f32 = i16::MAX as f32;

    #[inline(always)]
    pub(super) fn quantize_i16(row: &[f32], out: &mut [i16]) -> f32 {
        let mut lanes = [0.0f32; LANES];
        for chunk in row.chunks(LANES) {
            for (lane, x) in lanes.iter_mut().zip(chunk) {
                *lane = greater(x.abs(), *lane);
            }
        }
        let step = reduce(lanes, greater) / LARGEST;
        let step = if step.is_normal() { step } else { 0.0 };
        let inverse = if step > 0.0 { 1.0 / step } else { 0.0 };
        for (value, x) in out.iter_mut().zip(row) {
            *value = nearest_i16((x * inverse).clamp(-LARGEST, LARGEST));
        }
        step
    }

    #[inline(always)]
    pub(super) fn dequantize_i16(values: &[i16], step: f32, row: &mut [f32]) {
        for (x, &value) in row.iter_mut().zip(values) {
            *x = f32::from(value) * step;
        }
    }
}

macro_rules! compile_for {
    ($module:ident, $features:literal) => {
        mod $module {
            use super::body;

            #[target_feature(enable = $features)]
            pub(super) fn quantize_i16(row: &[f32], out: &mut [i16]) -> f32 {
                body::quantize_i16(row, out)
            }

            #[target_feature(enable = $features)]
            pub(super) fn dequantize_i16(values: &[i16], step: f32, row: &mut [f32]) {
                body::dequantize_i16(values, step, row);
            }
        }
    };
}

use body as scalar;
#[cfg(target_arch = "x86_64")]
compile_for!(avx2, "avx2");
#[cfg(target_arch = "x86_64")]
compile_for!(avx512, "avx512f,avx512bw,avx512vl");
#[cfg(target_arch = "aarch64")]
compile_for!(neon, "neon");

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{cases, noise, up_to};

    proptest! {
        #![proptest_config(cases(200))]

        #[test]
        fn a_row_comes_back_within_half_a_step_at_every_isa(
            dim in 0..up_to(300),
            exponent in -30i32..30,
            seed in any::<u64>(),
        ) {
            let row: Vec<f32> = noise(dim, seed).iter().map(|x| x * 2f32.powi(exponent)).collect();
            let mut want = vec![7; dim];
            let step = Kernels::SCALAR.quantize_i16(&row, &mut want);
            let largest = row.iter().fold(0f32, |largest, x| largest.max(x.abs()));
            prop_assert!((step * 32_767.0 - largest).abs() <= largest * 1e-6);
            for kernels in Kernels::all_supported() {
                let mut values = vec![7; dim];
                prop_assert_eq!(kernels.quantize_i16(&row, &mut values), step, "{}", kernels);
                prop_assert_eq!(&values, &want, "{}", kernels);
                let mut back = vec![9.0; dim];
                kernels.dequantize_i16(&values, step, &mut back);
                for (x, y) in row.iter().zip(&back) {
                    prop_assert!((x - y).abs() <= 0.51 * step, "{x} {y} {kernels}");
                }
            }
        }
    }

    #[test]
    fn zeros_and_values_near_the_limits_come_back() {
        for row in [
            [0.0f32, 0.0, -0.0],
            [3e38, -1.0, 2e37],
            [1e-30, -2e-30, 0.0],
        ] {
            for kernels in Kernels::all_supported() {
                let (mut values, mut back) = ([0; 3], [1.0; 3]);
                let step = kernels.quantize_i16(&row, &mut values);
                kernels.dequantize_i16(&values, step, &mut back);
                let largest = row.iter().fold(0f32, |largest, x| largest.max(x.abs()));
                let near = row
                    .iter()
                    .zip(&back)
                    .all(|(x, y)| (x - y).abs() <= 2e-5 * largest);
                assert!(near, "{row:?} {back:?}");
            }
        }
        let mut values = [1; 2];
        assert_eq!(
            Kernels::SCALAR.quantize_i16(&[1e-40, -1e-40], &mut values),
            0.0
        );
        assert_eq!(values, [0, 0]);
    }
}
