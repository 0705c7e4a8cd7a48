//! The stored form of trained centroids: rounded to 8 bits, and ordered by cell.

use colidx_cluster::Codebook;

/// The largest magnitude of a rounded value.
const LARGEST: f32 = 127.0;

/// Centroids in the order and precision in which they are stored.
///
/// Training numbers them by vocabulary group. They are stored by cell: centroids that lie near each
/// other.
pub(crate) struct Layout {
    /// `[K, dim]`, in units of `steps`, cell by cell.
    pub centroids: Vec<i8>,
    /// `[dim]`.
    pub steps: Vec<f32>,
    /// `[cells + 1]`: the first centroid of each cell, and `K`.
    pub cells: Vec<u32>,
    /// `[cells, dim]`, in units of `steps`.
    pub centres: Vec<i8>,
    /// `[K]`: the stored number of each centroid, in the order of training.
    pub members: Vec<u32>,
}

impl Layout {
    pub(crate) fn new(trained: &Codebook, seed: u64) -> Self {
        let dim = trained.dim;
        let cells = colidx_cluster::cells(&trained.centroids, dim, cell_count(trained.len()), seed);
        let steps = steps(&trained.centroids, dim);
        let mut layout = Self {
            centroids: Vec::with_capacity(trained.centroids.len()),
            centres: Vec::with_capacity(cells.centres.len()),
            cells: vec![0],
            members: vec![0; trained.len()],
            steps,
        };
        let mut number = 0;
        for cell in 0..cells.len() {
            for &member in cells.members(cell) {
                layout.members[member as usize] = number;
                let row = &trained.centroids[member as usize * dim..][..dim];
                round(row, &layout.steps, &mut layout.centroids);
                number += 1;
            }
            layout.cells.push(number);
        }
        for centre in cells.centres.chunks_exact(dim.max(1)) {
            round(centre, &layout.steps, &mut layout.centres);
        }
        layout
    }

    /// Replaces centroids, in the order of training, by what they decode to. Residuals are taken
    /// from these.
    pub(crate) fn round(&self, centroids: &mut [f32]) {
        let dim = self.steps.len().max(1);
        for (row, &member) in centroids.chunks_exact_mut(dim).zip(&self.members) {
            let stored = &self.centroids[member as usize * dim..][..dim];
            for ((value, &units), step) in row.iter_mut().zip(stored).zip(&self.steps) {
                *value = step * f32::from(units);
            }
        }
    }
}

/// Twice the square root: scoring all centres then costs about as much as scoring a few cells.
fn cell_count(centroids: usize) -> usize {
    (2.0 * (centroids as f64).sqrt()).ceil() as usize
}

/// The step of a dimension makes its largest magnitude 127.
fn steps(centroids: &[f32], dim: usize) -> Vec<f32> {
    let mut steps = vec![0f32; dim];
    for row in centroids.chunks_exact(dim.max(1)) {
        for (step, &value) in steps.iter_mut().zip(row) {
            *step = step.max(value.abs());
        }
    }
    steps.iter().map(|largest| largest / LARGEST).collect()
}

fn round(row: &[f32], steps: &[f32], out: &mut Vec<i8>) {
    out.extend(row.iter().zip(steps).map(|(&value, &step)| {
        let units = if step > 0.0 { value / step } else { 0.0 };
        units.round().clamp(-LARGEST, LARGEST) as i8
    }));
}

#[cfg(test)]
mod tests {
    use super::super::in_training_order;
    use super::*;
    use colidx_cluster::{Group, SHARED};

    #[test]
    fn every_centroid_has_a_place_near_where_it_was() {
        let values = (0..60).map(|i| (i as f32 * 1.7).sin() * [1.0, 0.01, 0.0][i % 3]);
        let trained = Codebook {
            dim: 3,
            centroids: values.collect(),
            groups: vec![Group {
                token_id: SHARED,
                first: 0,
                len: 20,
            }],
        };
        let layout = Layout::new(&trained, 7);
        let mut members = layout.members.clone();
        members.sort_unstable();
        assert!(members.into_iter().eq(0..20));
        assert_eq!(layout.cells.last(), Some(&20));
        assert!(layout.cells.is_sorted_by(|a, b| a < b));
        assert_eq!(layout.centres.len(), (layout.cells.len() - 1) * 3);
        let mut rounded = trained.centroids.clone();
        layout.round(&mut rounded);
        let read = in_training_order(&layout.centroids, &layout.steps, &layout.members);
        assert_eq!(rounded, read);
        for (at, given) in trained.centroids.iter().enumerate() {
            let off = (rounded[at] - given).abs();
            assert!(
                off <= 0.501 * layout.steps[at % 3],
                "value {at} is {off} off"
            );
        }
    }

    #[test]
    fn no_centroids_need_no_cells() {
        let trained = Codebook {
            dim: 3,
            centroids: Vec::new(),
            groups: Vec::new(),
        };
        let layout = Layout::new(&trained, 7);
        assert_eq!((layout.cells, layout.members.len()), (vec![0], 0));
    }
}
