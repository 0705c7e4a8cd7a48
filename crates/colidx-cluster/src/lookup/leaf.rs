//! The layout of a group of centroids: the centres of its cells, and the centroids of each.

use colidx_kernels::{LANES, Nearest, Panels, PanelsI8, RowsU8};
use rayon::prelude::*;

use super::BRUTE_FORCE_UP_TO;
use super::quantized::QuantizedRows;
use crate::cells::cells;
use crate::nearest::{biases, pack, squared_norm};
use crate::promise::reach;
use crate::rows::gather;

/// The number of cells is the square root of this many times the number of centroids. On average a
/// vector is then compared with about as many centroids as centres (`docs/lab`, codebook).
const CELLS: usize = 16;
const SEED: u64 = 0x636F_6C69_6478;

/// The centres of cells.
pub(super) struct Centres {
    pub panels: PanelsI8,
    /// `[padded columns]`: half of the squared distance that a cell's centroids reach from its
    /// centre ([`reach`]).
    ///
    /// The offset of a vector from its nearest centroid is roughly orthogonal to the offset of that
    /// centroid from the centre. So the score of the centre plus this is about the best score in
    /// the cell, and a vector that already has a better one skips the cell.
    pub reaches: Vec<f32>,
    /// The greatest length of a centroid, and the greatest quantisation step of one.
    longest: f32,
    step: f32,
}

impl Centres {
    /// Number of cells.
    pub(super) fn len(&self) -> usize {
        self.panels.columns()
    }

    /// Two centroids whose scores in 8 bits differ by less than this may be in the wrong order: 2.5
    /// to 3.5 standard deviations of the rounding error, which bound it in practice.
    pub(super) fn margin(&self, quantized: &QuantizedRows, row: u32) -> f32 {
        quantized.step(row) * self.longest + quantized.length(row) * self.step
    }
}

/// Centroids that are compared together.
pub(super) struct Leaf {
    panels: Panels,
    kind: Kind,
}

enum Kind {
    /// A group without cells, whose centroids are numbered from `first`.
    Whole { first: u32 },
    /// One cell of a group.
    Cell {
        /// The centroids' numbers.
        numbers: Vec<u32>,
        quantized: PanelsI8,
    },
}

impl Leaf {
    /// Number of centroids.
    pub(super) fn len(&self) -> usize {
        self.panels.columns()
    }

    /// The greatest quantisation step of its centroids; 0 for a group without cells.
    fn greatest_step(&self) -> f32 {
        match &self.kind {
            Kind::Whole { .. } => 0.0,
            Kind::Cell { quantized, .. } => {
                let steps = (0..quantized.columns()).map(|column| quantized.step(column));
                steps.fold(0.0, f32::max)
            }
        }
    }

    /// The nearest centroid of each row.
    pub(super) fn nearest(&self, rows: &[f32], nearest: &mut [Nearest]) {
        colidx_kernels::kernels().nearest(rows, &self.panels, nearest);
        for nearest in nearest {
            nearest.index = match &self.kind {
                Kind::Whole { first } => first + nearest.index,
                Kind::Cell { numbers, .. } => numbers[nearest.index as usize],
            };
        }
    }

    /// The best score of each row, in 8 bits; `dots` is scratch space. A group without cells has
    /// nothing to choose from, and scores best.
    pub(super) fn best_scores(&self, rows: &RowsU8, dots: &mut Vec<f32>, best: &mut [f32]) {
        let Kind::Cell {
            quantized: panels, ..
        } = &self.kind
        else {
            best.fill(f32::INFINITY);
            return;
        };
        let columns = panels.padded_columns();
        dots.resize(rows.len() * columns, 0.0);
        let kernels = colidx_kernels::kernels();
        kernels.dots_u8(rows, panels, dots, columns);
        kernels.row_maxima(dots, columns, best);
    }
}

/// The leaves of one group, whose centroids are numbered from `first`.
pub(super) fn build(centroids: &[f32], dim: usize, first: u32) -> (Option<Centres>, Vec<Leaf>) {
    let n = centroids.len() / dim;
    if n <= BRUTE_FORCE_UP_TO {
        let leaf = Leaf {
            panels: pack(centroids, dim),
            kind: Kind::Whole { first },
        };
        return (None, vec![leaf]);
    }
    let cells = cells(centroids, dim, ((CELLS * n) as f64).sqrt() as usize, SEED);
    let leaf = |cell: usize| {
        let members = cells.members(cell);
        let mut own = gather(centroids, dim, members);
        let reach = reach(&cells.centres[cell * dim..][..dim], &own);
        let panels = pack(&own, dim);
        // Whole panels, by repeating the last centroid: a missing column scores 0, which may be the
        // best.
        for _ in members.len()..members.len().next_multiple_of(LANES) {
            own.extend_from_within((members.len() - 1) * dim..members.len() * dim);
        }
        let leaf = Leaf {
            panels,
            kind: Kind::Cell {
                numbers: members.iter().map(|row| first + row).collect(),
                quantized: PanelsI8::new(&own, dim, &biases(&own, dim)),
            },
        };
        (reach, leaf)
    };
    let (mut reaches, leaves): (Vec<f32>, Vec<Leaf>) =
        (0..cells.len()).into_par_iter().map(leaf).unzip();
    let panels = PanelsI8::new(&cells.centres, dim, &biases(&cells.centres, dim));
    reaches.resize(panels.padded_columns(), 0.0);
    let lengths = centroids
        .chunks_exact(dim)
        .map(|c| squared_norm(c).sqrt() as f32);
    let steps = leaves.iter().map(Leaf::greatest_step);
    let centres = Centres {
        panels,
        reaches,
        longest: lengths.fold(0.0, f32::max),
        step: steps.fold(0.0, f32::max),
    };
    (Some(centres), leaves)
}
