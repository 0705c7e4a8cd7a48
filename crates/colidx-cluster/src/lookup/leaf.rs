//! The layout of a group of centroids: the centres of its cells, and the centroids of each.

use colidx_kernels::{LANES, Nearest, Panels, PanelsI8, RowsU8};
use rayon::prelude::*;

use super::BRUTE_FORCE_UP_TO;
use super::rounded::Rounded;
use crate::cells::cells;
use crate::nearest::{biases, pack, squared_norm};
use crate::promise::reach;
use crate::rows::gather;

/// The number of cells is the square root of this many times the number of centroids. About five
/// cells are searched, which then cost a third of what the centres cost.
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
    /// The greatest length of a centroid, and the greatest unit of one in 8 bits.
    longest: f32,
    step: f32,
}

impl Centres {
    /// Number of cells.
    pub(super) fn len(&self) -> usize {
        self.panels.columns()
    }

    /// How much the scores of two centroids may differ by rounding to 8 bits: over three times the
    /// deviation of errors that are spread evenly.
    pub(super) fn margin(&self, rounded: &Rounded, row: u32) -> f32 {
        rounded.step(row) * self.longest + rounded.length(row) * self.step
    }
}

/// Centroids that are compared together.
pub(super) struct Leaf {
    panels: Panels,
    /// The same in 8 bits, unless it is the only leaf.
    rounded: Option<PanelsI8>,
    numbers: Numbers,
}

enum Numbers {
    From(u32),
    Listed(Vec<u32>),
}

impl Leaf {
    /// Number of centroids.
    pub(super) fn len(&self) -> usize {
        self.panels.columns()
    }

    /// The nearest centroid of each row.
    pub(super) fn nearest(&self, rows: &[f32], nearest: &mut [Nearest]) {
        colidx_kernels::kernels().nearest(rows, &self.panels, nearest);
        for nearest in nearest {
            nearest.index = match &self.numbers {
                Numbers::From(first) => first + nearest.index,
                Numbers::Listed(numbers) => numbers[nearest.index as usize],
            };
        }
    }

    /// The best score of each row, in 8 bits; `dots` is scratch space.
    pub(super) fn best_scores(&self, rows: &RowsU8, dots: &mut Vec<f32>, best: &mut [f32]) {
        let Some(panels) = &self.rounded else {
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
            rounded: None,
            numbers: Numbers::From(first),
        };
        return (None, vec![leaf]);
    }
    let cells = cells(centroids, dim, ((CELLS * n) as f64).sqrt() as usize, SEED);
    let leaf = |cell: usize| {
        let members = cells.members(cell);
        let mut own = gather(centroids, dim, members);
        let leaf = Leaf {
            panels: pack(&own, dim),
            rounded: Some(rounded(&mut own, dim)),
            numbers: Numbers::Listed(members.iter().map(|row| first + row).collect()),
        };
        let own = &own[..members.len() * dim];
        (reach(&cells.centres[cell * dim..][..dim], own), leaf)
    };
    let (mut reaches, leaves): (Vec<f32>, Vec<Leaf>) =
        (0..cells.len()).into_par_iter().map(leaf).unzip();
    let panels = PanelsI8::new(&cells.centres, dim, &biases(&cells.centres, dim));
    reaches.resize(panels.padded_columns(), 0.0);
    let lengths = centroids
        .chunks_exact(dim)
        .map(|c| squared_norm(c).sqrt() as f32);
    let steps = leaves.iter().filter_map(|leaf| leaf.rounded.as_ref());
    let steps = steps.flat_map(|panels| (0..panels.columns()).map(|column| panels.step(column)));
    let centres = Centres {
        panels,
        reaches,
        longest: lengths.fold(0.0, f32::max),
        step: steps.fold(0.0, f32::max),
    };
    (Some(centres), leaves)
}

/// Centroids in 8 bits. The last fills up its panel, so that no missing column has the best score.
fn rounded(centroids: &mut Vec<f32>, dim: usize) -> PanelsI8 {
    let n = centroids.len() / dim;
    for _ in n..n.next_multiple_of(LANES) {
        centroids.extend_from_within((n - 1) * dim..n * dim);
    }
    PanelsI8::new(centroids, dim, &biases(centroids, dim))
}
