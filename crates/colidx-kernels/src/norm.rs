//! Lengths of vectors and sums over them: normalisation to unit length, in f32, and what k-means
//! adds up, in f64.
//!
//! In normalisation the sum of squares has sixteen parts: part `i` takes dimensions `i`, `i + 16`
//! and so on, so that every register width adds the same values in the same order. The parts are
//! then added in halves: 8 and 8, 4 and 4, 2 and 2, 1 and 1.

use crate::kernels::dispatch;
use crate::{Kernels, LANES};

impl Kernels {
    /// Divides every row by its Euclidean length: `x * (1 / sqrt(sum of squares))`. A row of zeros
    /// stays.
    ///
    /// `rows` is `[n_rows, dim]`. All instruction sets give the same bits.
    ///
    /// # Panics
    /// If `dim` is 0 or `rows` is no whole number of rows.
    pub fn normalize(self, rows: &mut [f32], dim: usize) {
        assert!(
            dim > 0 && rows.len().is_multiple_of(dim),
            "`rows` is [n_rows, dim]"
        );
        dispatch!(self, normalize(rows, dim));
    }

    /// The squared Euclidean length of a vector, summed in f64, value `i` in part `i % 8`.
    pub fn squared_length(self, vector: &[f32]) -> f64 {
        dispatch!(self, squared_length(vector))
    }

    /// Adds a vector to sums in f64.
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn add_to_sums(self, vector: &[f32], sums: &mut [f64]) {
        assert_eq!(vector.len(), sums.len(), "a sum for every value");
        dispatch!(self, add_to_sums(vector, sums));
    }
}

/// The loop, compiled for wider registers: the lanes are independent, so that the compiler may use
/// them as it likes.
macro_rules! compile_for {
    ($module:ident, $fma:path $(, $features:literal)?) => {
        mod $module {
            $(#[target_feature(enable = $features)])?
            pub(super) fn normalize(rows: &mut [f32], dim: usize) {
                super::each_row(rows, dim, $fma);
            }

            $(#[target_feature(enable = $features)])?
            pub(super) fn squared_length(vector: &[f32]) -> f64 {
                super::squared_length(vector)
            }

            $(#[target_feature(enable = $features)])?
            pub(super) fn add_to_sums(vector: &[f32], sums: &mut [f64]) {
                super::add_to_sums(vector, sums);
            }
        }
    };
}

compile_for!(scalar, crate::fma::fma);
#[cfg(target_arch = "x86_64")]
compile_for!(avx2, f32::mul_add, "avx2,fma");
#[cfg(target_arch = "x86_64")]
use avx2 as avx512;
#[cfg(target_arch = "aarch64")]
compile_for!(neon, f32::mul_add, "neon");

#[inline(always)]
fn each_row(rows: &mut [f32], dim: usize, fma: impl Fn(f32, f32, f32) -> f32 + Copy) {
    for row in rows.chunks_exact_mut(dim) {
        let squares = sum_of_squares(row, fma);
        if squares > 0.0 {
            let scale = 1.0 / squares.sqrt();
            row.iter_mut().for_each(|x| *x *= scale);
        }
    }
}

#[inline(always)]
pub(crate) fn sum_of_squares(row: &[f32], fma: impl Fn(f32, f32, f32) -> f32) -> f32 {
    let mut parts = [0f32; LANES];
    let mut chunks = row.chunks_exact(LANES);
    for chunk in &mut chunks {
        for (part, &x) in parts.iter_mut().zip(chunk) {
            *part = fma(x, x, *part);
        }
    }
    for (part, &x) in parts.iter_mut().zip(chunks.remainder()) {
        *part = fma(x, x, *part);
    }
    let mut half = LANES / 2;
    while half > 0 {
        for i in 0..half {
            parts[i] += parts[i + half];
        }
        half /= 2;
    }
    parts[0]
}

/// Summed in parts, so that no addition waits for the one before.
#[inline(always)]
fn squared_length(vector: &[f32]) -> f64 {
    let mut parts = [0f64; 8];
    let (chunks, rest) = vector.as_chunks::<8>();
    for chunk in chunks {
        for (part, &x) in parts.iter_mut().zip(chunk) {
            *part += f64::from(x) * f64::from(x);
        }
    }
    for (part, &x) in parts.iter_mut().zip(rest) {
        *part += f64::from(x) * f64::from(x);
    }
    parts.iter().sum()
}

#[inline(always)]
fn add_to_sums(vector: &[f32], sums: &mut [f64]) {
    for (sum, &x) in sums.iter_mut().zip(vector) {
        *sum += f64::from(x);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kernels;
    use crate::testing::{cases, up_to};

    proptest! {
        #![proptest_config(cases(256))]

        #[test]
        fn every_isa_gives_unit_rows_with_the_bits_of_the_oracle(
            dim in 1..up_to(200),
            values in prop::collection::vec(-1.0f32..1.0, 0..600),
        ) {
            let rows = &values[..values.len() / dim * dim];
            let mut want = rows.to_vec();
            Kernels::SCALAR.normalize(&mut want, dim);
            for (row, given) in want.chunks(dim).zip(rows.chunks(dim)) {
                let length = |r: &[f32]| r.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt();
                if length(given) > 1e-15 {
                    prop_assert!((length(row) - 1.0).abs() < 1e-5);
                }
            }
            for row in rows.chunks(dim) {
                let squares = row.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>();
                let squared = Kernels::SCALAR.squared_length(row);
                prop_assert!((squared - squares).abs() <= 1e-12 * squares);
            }
            let given = |row: &[f32]| Kernels::SCALAR.squared_length(row).to_bits();
            for kernels in Kernels::all_supported() {
                let mut sums = vec![0.5; dim];
                let mut wanted = sums.clone();
                for row in rows.chunks(dim) {
                    prop_assert_eq!(kernels.squared_length(row).to_bits(), given(row));
                    kernels.add_to_sums(row, &mut sums);
                    wanted.iter_mut().zip(row).for_each(|(sum, &x)| *sum += f64::from(x));
                }
                prop_assert_eq!(sums, wanted, "{}", kernels);
                let mut got = rows.to_vec();
                kernels.normalize(&mut got, dim);
                let same = got.iter().zip(&want).all(|(a, b)| a.to_bits() == b.to_bits());
                prop_assert!(same, "{}", kernels);
            }
        }
    }

    #[test]
    fn zeros_stay() {
        let mut rows = [0.0, 0.0, 3.0, 4.0];
        kernels().normalize(&mut rows, 2);
        assert_eq!(rows, [0.0, 0.0, 0.6, 0.8]);
    }
}
