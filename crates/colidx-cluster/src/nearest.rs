//! Nearest centroid by L2 distance, for many vectors at once.
//!
//! `|x - c|^2 = |x|^2 - 2 (x.c - |c|^2 / 2)`, so the nearest centroid has the greatest dot product
//! with a bias, which the kernels compute. Each vector's result depends on that vector alone, so
//! any split over threads gives the same bits.

use colidx_kernels::{Nearest, Panels};
use rayon::prelude::*;

/// Vectors in a task: enough to amortise the pass over the panels, few enough for the second-level
/// cache.
pub(crate) const ROWS: usize = 256;

/// Packs centroids `[k, dim]` with the bias `-|c|^2 / 2`.
pub(crate) fn pack(centroids: &[f32], dim: usize) -> Panels {
    Panels::with_bias(centroids, dim, &biases(centroids, dim))
}

/// `-|c|^2 / 2` of each centroid.
pub(crate) fn biases(centroids: &[f32], dim: usize) -> Vec<f32> {
    let bias = |c: &[f32]| (-0.5 * squared_norm(c)) as f32;
    centroids.chunks_exact(dim).map(bias).collect()
}

/// A key that orders by score, best first as `f32::total_cmp` has it, then by number: sorting
/// integers is faster than comparing scores. Its lower half is the number.
pub(crate) fn best_first(score: f32, number: u32) -> u64 {
    let bits = score.to_bits();
    let descending = match bits >> 31 {
        0 => !(bits | 1 << 31),
        _ => bits,
    };
    u64::from(descending) << u32::BITS | u64::from(number)
}

/// The initial value, before any comparison.
pub(crate) const NOWHERE: Nearest = Nearest {
    index: 0,
    score: f32::NEG_INFINITY,
};

/// The nearest column of `panels` for each vector.
pub(crate) fn nearest(vectors: &[f32], panels: &Panels) -> Vec<Nearest> {
    let mut found = vec![NOWHERE; vectors.len() / panels.dim()];
    nearest_into(vectors, panels, &mut found);
    found
}

/// As [`nearest`], into `found`.
pub(crate) fn nearest_into(vectors: &[f32], panels: &Panels, found: &mut [Nearest]) {
    found
        .par_chunks_mut(ROWS)
        .zip(vectors.par_chunks(ROWS * panels.dim()))
        .for_each(|(found, rows)| colidx_kernels::kernels().nearest(rows, panels, found));
}

/// `|x|^2` of each vector.
pub(crate) fn squared_norms(vectors: &[f32], dim: usize) -> Vec<f32> {
    vectors
        .par_chunks_exact(dim)
        .map(|vector| squared_norm(vector) as f32)
        .collect()
}

/// The squared distance that belongs to a score.
pub(crate) fn squared_distance(squared_norm: f32, nearest: &Nearest) -> f32 {
    2f32.mul_add(-nearest.score, squared_norm).max(0.0)
}

/// `|x|^2`.
pub(crate) fn squared_norm(vector: &[f32]) -> f64 {
    colidx_kernels::kernels().squared_length(vector)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_put_the_best_first_and_of_equal_ones_the_lower_number() {
        let scores = [
            -f32::INFINITY,
            -2.5,
            -1.0,
            -0.0,
            0.0,
            1e-40,
            1.0,
            2.5,
            f32::INFINITY,
        ];
        let keys = scores.map(|score| best_first(score, 7));
        assert!(keys.is_sorted_by(|a, b| a > b));
        assert!(best_first(1.0, 3) < best_first(1.0, 4));
        assert_eq!(best_first(-1.0, u32::MAX) as u32, u32::MAX);
    }
}
