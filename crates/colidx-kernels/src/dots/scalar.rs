//! The reference: every other instruction set gives the same bits.

use super::Nearest;
use crate::fma::fma;
use crate::panels::{LANES, Line};
use crate::{Panels, RowsView};

/// The dot products of one row with the sixteen columns of one panel.
#[inline(never)]
fn panel_dots(row: &[f32], panel: &[Line], bias: &Line) -> [f32; LANES] {
    let mut acc = bias.0;
    for (&x, line) in row.iter().zip(panel) {
        for (acc, &p) in acc.iter_mut().zip(&line.0) {
            *acc = fma(x, p, *acc);
        }
    }
    acc
}

pub(super) fn dots(rows: RowsView<'_>, panels: &Panels, out: &mut [f32], stride: usize) {
    if panels.columns() == 0 {
        return;
    }
    let dim = panels.dim();
    for (row, out) in rows.iter().zip(out.chunks_mut(stride)) {
        let columns = panels.lines().chunks_exact(dim).zip(panels.bias());
        for ((panel, bias), out) in columns.zip(out.chunks_exact_mut(LANES)) {
            out.copy_from_slice(&panel_dots(row, panel, bias));
        }
    }
}

pub(super) fn max_dots(rows: &[f32], panels: &Panels, best: &mut [f32]) {
    let dim = panels.dim();
    let columns = panels.lines().chunks_exact(dim).zip(panels.bias());
    for ((panel, bias), best) in columns.zip(best.chunks_exact_mut(LANES)) {
        for row in rows.chunks_exact(dim) {
            for (best, dot) in best.iter_mut().zip(panel_dots(row, panel, bias)) {
                if dot > *best {
                    *best = dot;
                }
            }
        }
    }
}

pub(super) fn nearest(rows: &[f32], panels: &Panels, out: &mut [Nearest]) {
    let dim = panels.dim();
    for (row, out) in rows.chunks_exact(dim).zip(out) {
        *out = Nearest {
            index: 0,
            score: f32::NEG_INFINITY,
        };
        let columns = panels.lines().chunks_exact(dim).zip(panels.bias_masked());
        for (p, (panel, bias)) in columns.enumerate() {
            for (lane, score) in panel_dots(row, panel, bias).into_iter().enumerate() {
                if score > out.score {
                    *out = Nearest {
                        index: (p * LANES + lane) as u32,
                        score,
                    };
                }
            }
        }
    }
}
