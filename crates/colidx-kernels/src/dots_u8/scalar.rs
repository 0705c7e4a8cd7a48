//! The reference: every other instruction set gives the same bits.

use super::{PanelsI8, QUAD, RowsU8};
use crate::LANES;
use crate::fma::fma;

pub(super) fn dots(rows: &RowsU8, columns: &PanelsI8, out: &mut [f32], stride: usize) {
    let depth = columns.dim().div_ceil(QUAD);
    let values = rows.values().chunks_exact(rows.stride()).zip(rows.ranges());
    for ((row, range), out) in values.zip(out.chunks_mut(stride)) {
        let panels = columns.quads().chunks_exact(depth).zip(columns.factors());
        for ((panel, factors), out) in panels.zip(out.chunks_exact_mut(LANES)) {
            let mut sums = [0i32; LANES];
            for (quad, line) in row.as_chunks::<QUAD>().0.iter().zip(panel) {
                for (sum, column) in sums.iter_mut().zip(line.0.as_chunks::<QUAD>().0) {
                    for (&q, &v) in quad.iter().zip(column) {
                        *sum += i32::from(q) * i32::from(v);
                    }
                }
            }
            for (lane, out) in out.iter_mut().enumerate() {
                let start = fma(range.offset, factors.sum.0[lane], factors.bias.0[lane]);
                let product = sums[lane] as f32 * factors.step.0[lane];
                *out = fma(product, range.scale, start);
            }
        }
    }
}
