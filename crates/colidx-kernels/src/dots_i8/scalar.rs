//! The reference: every other instruction set gives the same bits.

use super::{PanelsI7, QUAD};
use crate::LANES;

pub(super) fn dots(rows: &[i8], panels: &PanelsI7, out: &mut [i16]) {
    let (dim, depth) = (panels.dim(), panels.dim().div_ceil(QUAD));
    let outs = out.chunks_exact_mut(panels.padded_columns());
    for (row, out) in rows.chunks_exact(dim).zip(outs) {
        let columns = panels.quads().chunks_exact(depth);
        for (panel, out) in columns.zip(out.chunks_exact_mut(LANES)) {
            let mut sums = [0i32; LANES];
            for (xs, quads) in row.chunks(QUAD).zip(panel) {
                for (sum, column) in sums.iter_mut().zip(quads.0.as_chunks::<QUAD>().0) {
                    for (&x, &q) in xs.iter().zip(column) {
                        *sum = sum.wrapping_add(i32::from(x) * i32::from(q));
                    }
                }
            }
            for (out, sum) in out.iter_mut().zip(sums) {
                *out = (sum >> panels.shift()) as i16;
            }
        }
    }
}
