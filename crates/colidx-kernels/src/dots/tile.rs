//! The kernels themselves, written once over a SIMD register type.
//!
//! A tile is `R` rows by `N` registers of columns, with all accumulators in registers: for each
//! dimension the `N` column registers are loaded once and each row's element is broadcast once.
//! Panels are the outer loop and rows the inner one, so that a panel stays in the first-level
//! cache.
//!
//! Everything here is `inline(always)`, so that it compiles inside the `target_feature` functions
//! of one instruction set.

use super::Nearest;
use crate::panels::{LANES, Line};
use crate::reduce::greater;
use crate::{Panels, RowsView};

/// A SIMD register of f32.
///
/// # Safety
/// Callers of all methods run on a processor that has the register's instruction set; `load` and
/// `store` touch `LANES_PER_VECTOR` floats at any alignment.
pub(super) unsafe trait Vector: Copy {
    /// Floats in a register; divides [`LANES`].
    const WIDTH: usize;

    unsafe fn load(from: *const f32) -> Self;
    unsafe fn store(self, to: *mut f32);
    unsafe fn splat(value: f32) -> Self;
    /// `self * by + plus`, rounded once.
    unsafe fn mul_add(self, by: Self, plus: Self) -> Self;
    /// In each lane `self > than ? yes : no`, copying bits.
    unsafe fn select_greater(self, than: Self, yes: Self, no: Self) -> Self;
    /// In each lane `self > than ? self : than`.
    #[inline(always)]
    unsafe fn max(self, than: Self) -> Self {
        // SAFETY: as this function's.
        unsafe { self.select_greater(than, self, than) }
    }
}

/// Consumes the finished tiles of one group of panels.
trait Sink<V: Vector, const N: usize> {
    /// Takes the dot products of the rows from `row` on.
    unsafe fn take<const R: usize>(&mut self, row: usize, tile: &[[V; N]; R]);
}

/// The dot products of `R` rows with `N` registers of columns, the first at `panel`.
#[inline(always)]
unsafe fn tile<V: Vector, const R: usize, const N: usize>(
    rows: *const f32,
    stride: usize,
    dim: usize,
    panel: *const Line,
    bias: *const Line,
) -> [[V; N]; R] {
    let per_panel = LANES / V::WIDTH;
    // SAFETY: the caller has `R` rows of `dim` floats at `rows`, `stride` apart, and at `panel` and
    // `bias` as many panels as `N` registers span.
    unsafe {
        let bias = bias.cast::<f32>();
        let mut acc = [[V::splat(0.0); N]; R];
        for row in &mut acc {
            for (v, acc) in row.iter_mut().enumerate() {
                *acc = V::load(bias.add(v * V::WIDTH));
            }
        }
        for d in 0..dim {
            let mut columns = [V::splat(0.0); N];
            for (v, column) in columns.iter_mut().enumerate() {
                let line = panel.add(v / per_panel * dim + d).cast::<f32>();
                *column = V::load(line.add(v % per_panel * V::WIDTH));
            }
            for (r, acc) in acc.iter_mut().enumerate() {
                let x = V::splat(*rows.add(r * stride + d));
                for (acc, column) in acc.iter_mut().zip(columns) {
                    *acc = x.mul_add(column, *acc);
                }
            }
        }
        acc
    }
}

/// Multiplies `n` rows with the panels at `panel`, `R` at a time and the rest in tiles of 8, 4, 2
/// and 1.
#[inline(always)]
unsafe fn sweep<V: Vector, const R: usize, const N: usize>(
    rows: RowsView<'_>,
    panel: *const Line,
    bias: *const Line,
    sink: &mut impl Sink<V, N>,
) {
    let (n, dim, stride) = (rows.len(), rows.dim(), rows.stride());
    let mut row = 0;
    // SAFETY: each tile lies within the `n` rows; the panels are the caller's promise.
    unsafe {
        let at = |row: usize| rows.as_ptr().add(row * stride);
        while n - row >= R {
            sink.take(row, &tile::<V, R, N>(at(row), stride, dim, panel, bias));
            row += R;
        }
        if R > 8 && n - row >= 8 {
            sink.take(row, &tile::<V, 8, N>(at(row), stride, dim, panel, bias));
            row += 8;
        }
        if R > 4 && n - row >= 4 {
            sink.take(row, &tile::<V, 4, N>(at(row), stride, dim, panel, bias));
            row += 4;
        }
        if R > 2 && n - row >= 2 {
            sink.take(row, &tile::<V, 2, N>(at(row), stride, dim, panel, bias));
            row += 2;
        }
        if n > row {
            sink.take(row, &tile::<V, 1, N>(at(row), stride, dim, panel, bias));
        }
    }
}

/// Rows that are multiplied with all panels before the next ones: few enough for the second-level
/// cache.
const BLOCK: usize = 96;

struct Store {
    out: *mut f32,
    stride: usize,
}

impl<V: Vector, const N: usize> Sink<V, N> for Store {
    #[inline(always)]
    unsafe fn take<const R: usize>(&mut self, row: usize, tile: &[[V; N]; R]) {
        for (r, acc) in tile.iter().enumerate() {
            for (v, acc) in acc.iter().enumerate() {
                // SAFETY: `out` has `stride` floats for each row, of which the tile's are `N`
                // registers.
                unsafe { acc.store(self.out.add((row + r) * self.stride + v * V::WIDTH)) };
            }
        }
    }
}

/// `super::dots` with tiles of `N` registers, and of `ONE` (a single panel) for the last odd panel.
///
/// # Safety
/// The processor has `V`'s instruction set; `out` is `[n_rows, stride]`, of whose last row only the
/// padded columns need be there, and the stride no less than these.
#[inline(always)]
pub(super) unsafe fn dots<V: Vector, const R: usize, const N: usize, const ONE: usize>(
    rows: RowsView<'_>,
    panels: &Panels,
    out: &mut [f32],
    stride: usize,
) {
    let dim = panels.dim();
    if panels.columns() == 0 {
        return;
    }
    let blocks = rows.chunks(BLOCK).zip(out.chunks_mut(BLOCK * stride));
    for (rows, out) in blocks {
        let mut p = 0;
        while p < panels.panels() {
            let mut sink = Store {
                out: out[p * LANES..].as_mut_ptr(),
                stride,
            };
            let (panel, bias) = (&panels.lines()[p * dim..], &panels.bias()[p..]);
            let (panel, bias) = (panel.as_ptr(), bias.as_ptr());
            // SAFETY: the group's panels exist, and `out` has their columns in every row.
            unsafe {
                if panels.panels() - p >= N / ONE {
                    sweep::<V, R, N>(rows, panel, bias, &mut sink);
                } else {
                    sweep::<V, R, ONE>(rows, panel, bias, &mut sink);
                }
            }
            p += N / ONE;
        }
    }
}

struct Max<V, const N: usize>([V; N]);

impl<V: Vector, const N: usize> Sink<V, N> for Max<V, N> {
    #[inline(always)]
    unsafe fn take<const R: usize>(&mut self, _row: usize, tile: &[[V; N]; R]) {
        for acc in tile {
            for (best, acc) in self.0.iter_mut().zip(acc) {
                // SAFETY: the caller's processor has the instruction set.
                *best = unsafe { acc.max(*best) };
            }
        }
    }
}

/// # Safety
/// As [`sweep`], and `best` has the columns of `N` registers.
#[inline(always)]
unsafe fn max_sweep<V: Vector, const R: usize, const N: usize>(
    rows: RowsView<'_>,
    panel: *const Line,
    bias: *const Line,
    best: *mut f32,
) {
    // SAFETY: `best` has `N` registers of floats; the rest is the caller's promise.
    unsafe {
        let mut sink = Max([V::splat(0.0); N]);
        for (v, register) in sink.0.iter_mut().enumerate() {
            *register = V::load(best.add(v * V::WIDTH));
        }
        sweep::<V, R, N>(rows, panel, bias, &mut sink);
        for (v, register) in sink.0.into_iter().enumerate() {
            register.store(best.add(v * V::WIDTH));
        }
    }
}

/// `super::max_dots`; `N` and `ONE` as in [`dots`].
///
/// # Safety
/// The processor has `V`'s instruction set; `best` is `[padded_columns]`.
#[inline(always)]
pub(super) unsafe fn max_dots<V: Vector, const R: usize, const N: usize, const ONE: usize>(
    rows: &[f32],
    panels: &Panels,
    best: &mut [f32],
) {
    let dim = panels.dim();
    let rows = RowsView::new(rows, dim);
    let mut p = 0;
    while p < panels.panels() {
        let (panel, bias) = (&panels.lines()[p * dim..], &panels.bias()[p..]);
        let (panel, bias) = (panel.as_ptr(), bias.as_ptr());
        let best = best[p * LANES..].as_mut_ptr();
        // SAFETY: the group's panels exist, and `best` has their columns.
        unsafe {
            if panels.panels() - p >= N / ONE {
                max_sweep::<V, R, N>(rows, panel, bias, best);
            } else {
                max_sweep::<V, R, ONE>(rows, panel, bias, best);
            }
        }
        p += N / ONE;
    }
}

/// The best score of a row in each lane, and its panel as the bits of a float.
#[derive(Clone, Copy)]
#[repr(C)]
struct Lead {
    score: Line,
    panel: Line,
}

impl Lead {
    const NONE: Lead = Lead {
        score: Line([f32::NEG_INFINITY; LANES]),
        panel: Line([0.0; LANES]),
    };

    /// The best lane, of equal ones that of the lowest column.
    #[inline(always)]
    fn winner(&self) -> Nearest {
        // Without branches, which would be mispredicted for every other row.
        let scores = self.score.0.iter();
        let score = scores.fold(f32::NEG_INFINITY, |most, &score| greater(score, most));
        let mut index = u32::MAX;
        for (lane, (&its, panel)) in self.score.0.iter().zip(self.panel.0).enumerate() {
            let column = panel.to_bits() * LANES as u32 + lane as u32;
            index = index.min(if its == score { column } else { u32::MAX });
        }
        Nearest { index, score }
    }
}

struct Argmax<'a> {
    leads: &'a mut [Lead; BLOCK],
    panel: u32,
}

impl<V: Vector, const N: usize> Sink<V, N> for Argmax<'_> {
    #[inline(always)]
    unsafe fn take<const R: usize>(&mut self, row: usize, tile: &[[V; N]; R]) {
        let per_panel = LANES / V::WIDTH;
        for (lead, acc) in self.leads[row..row + R].iter_mut().zip(tile) {
            for (v, acc) in acc.iter().enumerate() {
                // SAFETY: a line has `per_panel` registers.
                unsafe {
                    let at = v % per_panel * V::WIDTH;
                    let score = lead.score.0.as_mut_ptr().add(at);
                    let panel = lead.panel.0.as_mut_ptr().add(at);
                    let this = V::splat(f32::from_bits(self.panel + (v / per_panel) as u32));
                    let best = V::load(score);
                    acc.select_greater(best, this, V::load(panel)).store(panel);
                    acc.max(best).store(score);
                }
            }
        }
    }
}

/// `super::nearest`; `N` and `ONE` as in [`dots`].
///
/// # Safety
/// The processor has `V`'s instruction set; `out` is `[n_rows]`.
#[inline(always)]
pub(super) unsafe fn nearest<V: Vector, const R: usize, const N: usize, const ONE: usize>(
    rows: &[f32],
    panels: &Panels,
    out: &mut [Nearest],
) {
    let dim = panels.dim();
    let mut leads = [Lead::NONE; BLOCK];
    let blocks = RowsView::new(rows, dim).chunks(BLOCK);
    for (rows, out) in blocks.zip(out.chunks_mut(BLOCK)) {
        leads[..out.len()].fill(Lead::NONE);
        let mut p = 0;
        while p < panels.panels() {
            let mut sink = Argmax {
                leads: &mut leads,
                panel: p as u32,
            };
            let (panel, bias) = (&panels.lines()[p * dim..], &panels.bias_masked()[p..]);
            let (panel, bias) = (panel.as_ptr(), bias.as_ptr());
            // SAFETY: the group's panels exist, and a block has at most `BLOCK` rows.
            unsafe {
                if panels.panels() - p >= N / ONE {
                    sweep::<V, R, N>(rows, panel, bias, &mut sink);
                } else {
                    sweep::<V, R, ONE>(rows, panel, bias, &mut sink);
                }
            }
            p += N / ONE;
        }
        for (out, lead) in out.iter_mut().zip(&leads) {
            *out = lead.winner();
        }
    }
}
