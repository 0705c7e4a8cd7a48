//! Which cells may hold a nearer centroid than the one found so far.

use colidx_kernels::LANES;

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
    let mut lanes = [f32::NEG_INFINITY; LANES];
    for panel in scores.chunks_exact(LANES) {
        for (lane, &score) in lanes.iter_mut().zip(panel) {
            *lane = if score > *lane { score } else { *lane };
        }
    }
    let greatest = lanes.into_iter().fold(f32::NEG_INFINITY, f32::max);
    let is_greatest = |&score: &f32| score == greatest;
    let mut panels = scores.chunks_exact(LANES);
    let has = |panel: &[f32]| {
        panel
            .iter()
            .fold(false, |any, score| any | is_greatest(score))
    };
    let panel = panels.position(has).unwrap_or(0);
    let lane = scores[panel * LANES..].iter().position(is_greatest);
    (panel * LANES + lane.unwrap_or(0)) as u32
}

/// Sets `cells` to those that promise at least the score `least`, without the best cell, best
/// first, at most `most`.
pub(crate) fn promising(
    scores: &[f32],
    reaches: &[f32],
    least: f32,
    most: usize,
    cells: &mut Vec<u32>,
) {
    let is_promising = |(&score, &reach): (&f32, &f32)| score + reach >= least;
    cells.clear();
    let panels = scores.chunks_exact(LANES).zip(reaches.chunks_exact(LANES));
    for ((scores, reaches), first) in panels.zip((0..).step_by(LANES)) {
        let lanes = scores.iter().zip(reaches);
        // Without a branch for each score; few panels have any.
        if lanes
            .clone()
            .fold(false, |any, lane| any | is_promising(lane))
        {
            let lanes = (first..).zip(lanes).filter(|&(_, lane)| is_promising(lane));
            cells.extend(lanes.map(|(cell, _)| cell));
        }
    }
    let best = best(scores);
    cells.retain(|&cell| cell != best);
    let score = |cell: u32| scores[cell as usize];
    let rank = |a: &u32, b: &u32| score(*b).total_cmp(&score(*a)).then(a.cmp(b));
    if cells.len() > most {
        cells.select_nth_unstable_by(most, rank);
        cells.truncate(most);
    }
    cells.sort_unstable_by(rank);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn promising_cells_are_queued_best_first_without_the_best() {
        let mut scores = [f32::NEG_INFINITY; 96];
        (scores[3], scores[8], scores[20], scores[21]) = (1.0, 3.0, 2.0, 2.0);
        let mut reaches = [0.0; 96];
        let mut cells = Vec::new();
        assert_eq!(best(&scores), 8);
        promising(&scores, &reaches, 1.5, 63, &mut cells);
        assert_eq!(cells, [20, 21]);
        reaches[3] = 1.5;
        promising(&scores, &reaches, 2.5, 63, &mut cells);
        assert_eq!(cells, [3]);
        promising(&[0.0; 96], &reaches, 0.0, 63, &mut cells);
        assert!(cells.iter().copied().eq(1..64));
        let none = [f32::NAN; 96];
        promising(&none, &reaches, f32::NEG_INFINITY, 63, &mut cells);
        assert_eq!((best(&none), cells.len()), (0, 0));
    }
}
