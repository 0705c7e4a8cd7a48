//! The reference: every other instruction set gives the same bits.

use super::columns::Pairs;
use super::{PAIR, PanelsI16, stride_i16};
use crate::LANES;

/// The dot products of one row with the sixteen columns of one panel.
fn panel_dots(row: &[i16], panel: &[Pairs]) -> [i32; LANES] {
    let mut sums = [0i32; LANES];
    for (pair, line) in row.chunks(PAIR).zip(panel) {
        for (sum, column) in sums.iter_mut().zip(line.0.as_chunks::<PAIR>().0) {
            for (&x, &q) in pair.iter().zip(column) {
                *sum = sum.wrapping_add(i32::from(x) * i32::from(q));
            }
        }
    }
    sums
}

pub(super) fn dots(rows: &[i16], panels: &PanelsI16, dots: &mut [i32], best: &mut [i32]) {
    let (stride, width) = (stride_i16(panels.dim()), panels.padded_columns());
    let columns = panels.pairs().chunks_exact(stride / PAIR);
    for (p, (panel, best)) in columns.zip(best.chunks_exact_mut(LANES)).enumerate() {
        for (row, dots) in rows.chunks_exact(stride).zip(dots.chunks_exact_mut(width)) {
            let sums = panel_dots(row, panel);
            dots[p * LANES..][..LANES].copy_from_slice(&sums);
            for (best, dot) in best.iter_mut().zip(sums) {
                *best = dot.max(*best);
            }
        }
    }
}
