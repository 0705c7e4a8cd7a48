//! Which cells may hold a nearer centroid than the one found so far.

use crate::nearest::best_first;

/// A cell is taken to reach farther than the mean of its centroids by this many times the deviation
/// of their squared distances, over the square root of the dimensions: in few, less is orthogonal.
const DEVIATIONS: f64 = 3.1;

/// Half of how far a cell reaches, squared, given its centre and its centroids.
pub(crate) fn reach(centre: &[f32], centroids: &[f32]) -> f32 {
    let square = |centroid: &[f32]| -> f64 {
        let pairs = centroid.iter().zip(centre);
        pairs.map(|(x, c)| f64::from(x - c).powi(2)).sum()
    };
    let squares = centroids.chunks_exact(centre.len()).map(square);
    let count = squares.len().max(1) as f64;
    let mean = squares.clone().sum::<f64>() / count;
    let variance = squares.map(|square| (square - mean).powi(2)).sum::<f64>() / count;
    let deviations = DEVIATIONS / (centre.len() as f64).sqrt();
    ((mean + deviations * variance.sqrt()) / 2.0) as f32
}

/// The cell of greatest score; any for a vector that is not finite and has none.
pub(crate) fn best(scores: &[f32]) -> u32 {
    colidx_kernels::kernels().position_of_max(scores) as u32
}

/// Finds the cells that may hold a nearer centroid; keeps its buffers.
#[derive(Default)]
pub(crate) struct Promising {
    bits: Vec<u64>,
    /// [`best_first`] of each cell.
    keys: Vec<u64>,
}

impl Promising {
    /// The cells that promise at least the score `least`, without the cell `best`, best first, at
    /// most `most`.
    pub(crate) fn cells(
        &mut self,
        scores: &[f32],
        reaches: &[f32],
        least: f32,
        best: u32,
        most: usize,
    ) -> impl ExactSizeIterator<Item = u32> + '_ {
        let Promising { bits, keys } = self;
        bits.resize(scores.len().div_ceil(64), 0);
        colidx_kernels::kernels().mask_sum_ge(scores, reaches, least, bits);
        keys.clear();
        for (first, &word) in (0..).step_by(64).zip(&*bits) {
            let mut word = word;
            while word != 0 {
                let cell = first + word.trailing_zeros();
                word &= word - 1;
                if cell != best {
                    keys.push(best_first(scores[cell as usize], cell));
                }
            }
        }
        if keys.len() > most {
            keys.select_nth_unstable(most);
            keys.truncate(most);
        }
        keys.sort_unstable();
        keys.iter().map(|&key| key as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn promising_cells_are_queued_best_first_without_the_best() {
        let mut scores = [f32::NEG_INFINITY; 96];
        (scores[3], scores[8], scores[20], scores[21]) = (1.0, 3.0, 2.0, 2.0);
        let mut reaches = [0.0; 96];
        let mut promising = Promising::default();
        let mut cells = |scores: &[f32], reaches: &[f32], least: f32| -> Vec<u32> {
            promising
                .cells(scores, reaches, least, best(scores), 63)
                .collect()
        };
        assert_eq!(best(&scores), 8);
        assert_eq!(cells(&scores, &reaches, 1.5), [20, 21]);
        reaches[3] = 1.5;
        assert_eq!(cells(&scores, &reaches, 2.5), [3]);
        assert!(cells(&[0.0; 96], &reaches, 0.0).into_iter().eq(1..64));
        let none = [f32::NAN; 96];
        assert_eq!(best(&none), 0);
        assert!(cells(&none, &reaches, f32::NEG_INFINITY).is_empty());
    }
}
