//! Scores of all centroids against a query, and the compact table made from them.

use super::Query;
use crate::codebook::Codebook;
use colidx_kernels::Panels;

/// Centroids scored at a time: their f32 values and scores stay in the first-level cache.
const ROWS: usize = 64;

/// All centroids against all query tokens.
pub(super) struct CentroidScores {
    columns: usize,
    stride: usize,
    /// `[K, stride]`, the dot products; columns past the query's tokens are 0.
    scores: Vec<f32>,
    /// `[K, stride]`: each score as steps above its query token's lowest. Columns past the query's
    /// tokens are 0, so they add nothing.
    table: Vec<u8>,
}

impl CentroidScores {
    pub(super) fn new(codebook: &Codebook, query: &Query) -> Self {
        let panels: &Panels = query.panels();
        let (columns, stride) = (panels.columns(), panels.padded_columns());
        let mut scores = vec![0f32; codebook.len() * stride];
        let mut rows = vec![0f32; ROWS * codebook.dim];
        for (block, out) in scores.chunks_mut(ROWS * stride).enumerate() {
            let rows = &mut rows[..out.len() / stride * codebook.dim];
            codebook.widen(block * ROWS, rows);
            colidx_kernels::dots(rows, panels, out);
        }
        let table = quantize(&scores, columns, stride);
        Self {
            columns,
            stride,
            scores,
            table,
        }
    }

    pub(super) fn table(&self) -> &[u8] {
        &self.table
    }

    pub(super) fn stride(&self) -> usize {
        self.stride
    }

    /// The `probes` best centroids of each query token, all together, ascending and each once.
    pub(super) fn best(&self, probes: usize) -> Vec<u32> {
        let centroids = self.scores.len() / self.stride;
        if probes >= centroids {
            return (0..centroids as u32).collect();
        }
        let mut best: Vec<Vec<(f32, u32)>> = vec![Vec::with_capacity(2 * probes); self.columns];
        let mut floor = vec![f32::NEG_INFINITY; self.columns];
        for (centroid, row) in self.scores.chunks_exact(self.stride).enumerate() {
            for ((&score, floor), best) in row.iter().zip(&mut floor).zip(&mut best) {
                if score > *floor {
                    best.push((score, centroid as u32));
                    if best.len() == 2 * probes {
                        *floor = cut(best, probes);
                    }
                }
            }
        }
        let mut all = Vec::with_capacity(probes * self.columns);
        for mut best in best {
            if best.len() > probes {
                cut(&mut best, probes);
            }
            all.extend(best.into_iter().map(|(_, centroid)| centroid));
        }
        all.sort_unstable();
        all.dedup();
        all
    }
}

/// Keeps the `count` best, of equal scores the lower numbers, and returns the lowest score kept.
fn cut(best: &mut Vec<(f32, u32)>, count: usize) -> f32 {
    best.select_nth_unstable_by(count - 1, |a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    best.truncate(count);
    best[count - 1].0
}

/// One step for all query tokens, so that steps can be added up; a lowest score for each.
fn quantize(scores: &[f32], columns: usize, stride: usize) -> Vec<u8> {
    let mut low = vec![f32::INFINITY; stride];
    let mut high = vec![f32::NEG_INFINITY; stride];
    for row in scores.chunks_exact(stride) {
        for ((low, high), &score) in low.iter_mut().zip(&mut high).zip(row) {
            *low = low.min(score);
            *high = high.max(score);
        }
    }
    let range = low
        .iter()
        .zip(&high)
        .take(columns)
        .map(|(l, h)| h - l)
        .fold(0f32, f32::max);
    let steps = if range > 0.0 { 255.0 / range } else { 0.0 };
    let mut scale = vec![steps; stride];
    // A column past the query's tokens holds only zeros; so does its product.
    scale[columns..].fill(0.0);
    let mut table = vec![0u8; scores.len()];
    for (row, out) in scores
        .chunks_exact(stride)
        .zip(table.chunks_exact_mut(stride))
    {
        for (((out, &score), &low), &scale) in out.iter_mut().zip(row).zip(&low).zip(&scale) {
            *out = ((score - low) * scale + 0.5) as u8;
        }
    }
    table
}
