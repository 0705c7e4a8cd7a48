//! The kernel itself, written once over a SIMD register type; the integer twin of `dots/tile.rs`.
//!
//! Everything here is `inline(always)`, so that it compiles inside the `target_feature` functions
//! of one instruction set. Registers are handled in loops, not by `array::from_fn` or `map`: their
//! closures may be compiled separately, without the instructions.

use super::columns::{Factors, Quads};
use super::rows::Range;
use super::{PanelsI8, QUAD, RowsU8};
use crate::LANES;

/// A SIMD register of i32 sums, one for each of `WIDTH` columns.
///
/// # Safety
/// Callers of all methods run on a processor that has the register's instruction set; pointers are
/// valid for the number of bytes that each method says, at any alignment.
pub(super) unsafe trait Sums: Copy {
    /// Columns in a register; divides [`LANES`].
    const WIDTH: usize;
    /// Four dimensions of `WIDTH` columns, ready to multiply.
    type Columns: Copy;
    /// Four dimensions of one row, in the place of every column.
    type Row: Copy;

    /// Initial sums. Registers that take rows as signed bytes, each 128 less, start from `lacking`,
    /// `WIDTH` integers.
    unsafe fn start(lacking: *const i32) -> Self;
    /// From `4 WIDTH` bytes.
    unsafe fn columns(from: *const i8) -> Self::Columns;
    /// From 4 bytes.
    unsafe fn row(from: *const u8) -> Self::Row;
    /// Adds the four products of each column.
    unsafe fn add(self, row: Self::Row, columns: Self::Columns) -> Self;
    /// Scales the sums back and writes `WIDTH` floats to `out`; `factors` are at the register's
    /// first column in three lines of [`LANES`] floats.
    unsafe fn finish(
        self,
        range: Range,
        step: *const f32,
        sum: *const f32,
        bias: *const f32,
        out: *mut f32,
    );
}

/// Gives a register type its [`Sums`]: AVX2 and AVX-512 differ only in the names of their
/// instructions.
#[cfg(target_arch = "x86_64")]
macro_rules! sums {
    (
        $name:ident($register:ty), $width:literal, $zero:ident, $load:ident, $splat:ident,
        columns $columns:ty: |$bytes:ident| $prepare_columns:expr,
        row $row:ty: |$quad:ident| $prepare_row:expr,
        add |$sums:ident, $x:ident, $q:ident| $add:expr,
        finish $finish:ident
    ) => {
        #[derive(Clone, Copy)]
        struct $name($register);

        // SAFETY: every method is the instructions it names.
        unsafe impl $crate::dots_u8::tile::Sums for $name {
            const WIDTH: usize = $width;
            type Columns = $columns;
            type Row = $row;

            #[inline(always)]
            unsafe fn start(_lacking: *const i32) -> Self {
                // SAFETY: the caller's promise.
                $name(unsafe { $zero() })
            }

            #[inline(always)]
            unsafe fn columns(from: *const i8) -> $columns {
                // SAFETY: the caller's promise.
                unsafe {
                    let $bytes = $load(from.cast());
                    $prepare_columns
                }
            }

            #[inline(always)]
            unsafe fn row(from: *const u8) -> $row {
                // SAFETY: the caller's promise.
                unsafe {
                    let $quad = $splat(from.cast::<i32>().read_unaligned());
                    $prepare_row
                }
            }

            #[inline(always)]
            unsafe fn add(self, $x: $row, $q: $columns) -> Self {
                let $sums = self.0;
                // SAFETY: the caller's promise.
                $name(unsafe { $add })
            }

            #[inline(always)]
            unsafe fn finish(
                self,
                range: $crate::dots_u8::rows::Range,
                step: *const f32,
                sum: *const f32,
                bias: *const f32,
                out: *mut f32,
            ) {
                // SAFETY: the caller's promise.
                unsafe { $finish(self.0, range, step, sum, bias, out) }
            }
        }
    };
}
#[cfg(target_arch = "x86_64")]
pub(super) use sums;

/// `R` rows by `N` registers of columns.
///
/// # Safety
/// The caller has `R` rows of `4 depth` bytes at `rows`, ranges for them, as many panels at `panel`
/// and `factors` as `N` registers span, and room for their columns in each of `R` rows at `out`.
#[inline(always)]
unsafe fn tile<S: Sums, const R: usize, const N: usize>(
    rows: *const u8,
    depth: usize,
    ranges: *const Range,
    panel: *const Quads,
    factors: *const Factors,
    out: *mut f32,
    stride: usize,
) {
    let per_panel = LANES / S::WIDTH;
    // SAFETY: the caller's promise.
    unsafe {
        let lacking = |v: usize| {
            let lacking = &(*factors.add(v / per_panel)).lacking;
            lacking.as_ptr().add(v % per_panel * S::WIDTH)
        };
        let mut start = [S::start(lacking(0)); N];
        for (v, start) in start.iter_mut().enumerate().skip(1) {
            *start = S::start(lacking(v));
        }
        let mut acc = [start; R];
        for d in 0..depth {
            let at = |v: usize| {
                let line = panel.add(v / per_panel * depth + d).cast::<i8>();
                line.add(v % per_panel * S::WIDTH * QUAD)
            };
            let mut columns = [S::columns(at(0)); N];
            for (v, columns) in columns.iter_mut().enumerate().skip(1) {
                *columns = S::columns(at(v));
            }
            for (r, acc) in acc.iter_mut().enumerate() {
                let row = S::row(rows.add((r * depth + d) * QUAD));
                for (acc, columns) in acc.iter_mut().zip(&columns) {
                    *acc = acc.add(row, *columns);
                }
            }
        }
        for (r, acc) in acc.iter().enumerate() {
            let range = *ranges.add(r);
            for (v, acc) in acc.iter().enumerate() {
                let factors = &*factors.add(v / per_panel);
                let at = v % per_panel * S::WIDTH;
                acc.finish(
                    range,
                    factors.step.0.as_ptr().add(at),
                    factors.sum.0.as_ptr().add(at),
                    factors.bias.0.as_ptr().add(at),
                    out.add(r * stride + v * S::WIDTH),
                );
            }
        }
    }
}

/// Multiplies all rows with the panels of `N` registers, `R` at a time and the rest in tiles of 8,
/// 4, 2 and 1.
///
/// # Safety
/// As [`tile`], for all rows of `rows`.
#[inline(always)]
unsafe fn sweep<S: Sums, const R: usize, const N: usize>(
    rows: &RowsU8,
    panel: *const Quads,
    factors: *const Factors,
    out: *mut f32,
    stride: usize,
) {
    let depth = rows.stride() / QUAD;
    let n = rows.len();
    let mut row = 0;
    macro_rules! take {
        ($count:expr) => {{
            // SAFETY: the tile lies within the `n` rows; the panels and the room are the caller's
            // promise.
            unsafe {
                tile::<S, { $count }, N>(
                    rows.values().as_ptr().add(row * rows.stride()),
                    depth,
                    rows.ranges().as_ptr().add(row),
                    panel,
                    factors,
                    out.add(row * stride),
                    stride,
                );
            }
            row += $count;
        }};
    }
    while n - row >= R {
        take!(R);
    }
    if R > 8 && n - row >= 8 {
        take!(8);
    }
    if R > 4 && n - row >= 4 {
        take!(4);
    }
    if R > 2 && n - row >= 2 {
        take!(2);
    }
    while n > row {
        take!(1);
    }
}

/// `super::dots` with tiles of `N` registers, and of `ONE` (a single panel) for the remaining
/// panels.
///
/// # Safety
/// The processor has `S`'s instruction set; `out` is `[n_rows, stride]`, of whose last row only the
/// padded columns need be there, and the stride no less than these.
#[inline(always)]
pub(super) unsafe fn dots<S: Sums, const R: usize, const N: usize, const ONE: usize>(
    rows: &RowsU8,
    columns: &PanelsI8,
    out: &mut [f32],
    stride: usize,
) {
    let depth = columns.dim().div_ceil(QUAD);
    let panels = columns.factors().len();
    let mut p = 0;
    while p < panels {
        let panel = columns.quads()[p * depth..].as_ptr();
        let factors = columns.factors()[p..].as_ptr();
        let out = out[p * LANES..].as_mut_ptr();
        // SAFETY: the group's panels exist, and `out` has their columns in every row.
        unsafe {
            if panels - p >= N / ONE {
                sweep::<S, R, N>(rows, panel, factors, out, stride);
                p += N / ONE;
            } else {
                sweep::<S, R, ONE>(rows, panel, factors, out, stride);
                p += 1;
            }
        }
    }
}
