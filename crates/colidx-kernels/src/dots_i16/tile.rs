//! The kernels themselves, written once over a SIMD register type; the integer twin of
//! `dots/tile.rs`.
//!
//! Everything here is `inline(always)`, so that it compiles inside the `target_feature` functions
//! of one instruction set. Registers are handled in loops, not by `array::from_fn` or `map`: their
//! closures may be compiled separately, without the instructions.

use super::columns::Pairs;
use super::{PAIR, PanelsI16, stride_i16};
use crate::LANES;

/// A SIMD register of i32 sums, one for each of `WIDTH` columns.
///
/// # Safety
/// Callers of all methods run on a processor that has the register's instruction set; pointers are
/// valid for the number of integers that each method says, at any alignment.
pub(super) unsafe trait Sums: Copy {
    /// Columns in a register; divides [`LANES`].
    const WIDTH: usize;
    /// Two dimensions of `WIDTH` columns, ready to multiply.
    type Columns: Copy;
    /// Two dimensions of one row, in the place of every column.
    type Row: Copy;

    unsafe fn zero() -> Self;
    /// From `WIDTH` integers.
    unsafe fn load(from: *const i32) -> Self;
    /// To `WIDTH` integers.
    unsafe fn store(self, to: *mut i32);
    /// From `2 WIDTH` integers.
    unsafe fn columns(from: *const i16) -> Self::Columns;
    /// From 2 integers.
    unsafe fn row(from: *const i16) -> Self::Row;
    /// Adds the two products of each column; sums wrap.
    unsafe fn add(self, row: Self::Row, columns: Self::Columns) -> Self;
    /// The greater in each column.
    unsafe fn max(self, than: Self) -> Self;
}

/// Gives a register type its [`Sums`]: AVX2 and AVX-512 differ only in the names of their
/// instructions.
#[cfg(target_arch = "x86_64")]
macro_rules! sums {
    (
        $name:ident($register:ty), $width:literal, $zero:ident, $load:ident, $store:ident, $splat:ident, $max:ident,
        |$sums:ident, $row:ident, $columns:ident| $add:expr
    ) => {
        #[derive(Clone, Copy)]
        struct $name($register);

        // SAFETY: every method is the instructions it names.
        unsafe impl $crate::dots_i16::tile::Sums for $name {
            const WIDTH: usize = $width;
            type Columns = $register;
            type Row = $register;

            #[inline(always)]
            unsafe fn zero() -> Self {
                // SAFETY: the caller's promise.
                $name(unsafe { $zero() })
            }

            #[inline(always)]
            unsafe fn load(from: *const i32) -> Self {
                // SAFETY: the caller's promise.
                $name(unsafe { $load(from.cast()) })
            }

            #[inline(always)]
            unsafe fn store(self, to: *mut i32) {
                // SAFETY: the caller's promise.
                unsafe { $store(to.cast(), self.0) }
            }

            #[inline(always)]
            unsafe fn columns(from: *const i16) -> $register {
                // SAFETY: the caller's promise.
                unsafe { $load(from.cast()) }
            }

            #[inline(always)]
            unsafe fn row(from: *const i16) -> $register {
                // SAFETY: the caller's promise.
                unsafe { $splat(from.cast::<i32>().read_unaligned()) }
            }

            #[inline(always)]
            unsafe fn add(self, $row: $register, $columns: $register) -> Self {
                let $sums = self.0;
                // SAFETY: the caller's promise.
                $name(unsafe { $add })
            }

            #[inline(always)]
            unsafe fn max(self, than: Self) -> Self {
                // SAFETY: the caller's promise.
                $name(unsafe { $max(self.0, than.0) })
            }
        }
    };
}
#[cfg(target_arch = "x86_64")]
pub(super) use sums;

/// The dot products of `R` rows with `N` registers of columns.
///
/// # Safety
/// The caller has `R` rows of `2 depth` integers at `rows`, and at `panel` as many panels as `N`
/// registers span.
#[inline(always)]
unsafe fn tile<S: Sums, const R: usize, const N: usize>(
    rows: *const i16,
    depth: usize,
    panel: *const Pairs,
) -> [[S; N]; R] {
    let per_panel = LANES / S::WIDTH;
    // SAFETY: the caller's promise.
    unsafe {
        let mut acc = [[S::zero(); N]; R];
        for d in 0..depth {
            let at = |v: usize| {
                let line = panel.add(v / per_panel * depth + d).cast::<i16>();
                line.add(v % per_panel * S::WIDTH * PAIR)
            };
            let mut columns = [S::columns(at(0)); N];
            for (v, columns) in columns.iter_mut().enumerate().skip(1) {
                *columns = S::columns(at(v));
            }
            for (r, acc) in acc.iter_mut().enumerate() {
                let row = S::row(rows.add((r * depth + d) * PAIR));
                for (acc, columns) in acc.iter_mut().zip(&columns) {
                    *acc = acc.add(row, *columns);
                }
            }
        }
        acc
    }
}

/// The output of dot products.
#[derive(Clone, Copy)]
struct Out {
    dots: *mut i32,
    /// Integers from one row to the next.
    stride: usize,
}

/// Writes the dot products of `n` rows with the panels of `N` registers to `out` and updates
/// `best`, `R` rows at a time and the rest in tiles of 8, 4, 2 and 1.
///
/// # Safety
/// As [`tile`], for `n` rows, and `out` has the columns of `N` registers in each of them.
#[inline(always)]
unsafe fn sweep<S: Sums, const R: usize, const N: usize>(
    rows: *const i16,
    n: usize,
    depth: usize,
    panel: *const Pairs,
    out: Out,
    best: &mut [S; N],
) {
    let mut row = 0;
    macro_rules! take {
        ($count:expr) => {{
            // SAFETY: the tile lies within the `n` rows; the panels and the room are the caller's
            // promise.
            unsafe {
                let rows = rows.add(row * depth * PAIR);
                let tile = tile::<S, { $count }, N>(rows, depth, panel);
                for (r, acc) in tile.iter().enumerate() {
                    let dots = out.dots.add((row + r) * out.stride);
                    for (v, (best, acc)) in best.iter_mut().zip(acc).enumerate() {
                        acc.store(dots.add(v * S::WIDTH));
                        *best = acc.max(*best);
                    }
                }
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

/// # Safety
/// As [`sweep`], and `best` has the columns of `N` registers.
#[inline(always)]
unsafe fn max_sweep<S: Sums, const R: usize, const N: usize>(
    rows: *const i16,
    n: usize,
    depth: usize,
    panel: *const Pairs,
    out: Out,
    best: *mut i32,
) {
    // SAFETY: `best` has `N` registers of integers; the rest is the caller's promise.
    unsafe {
        let mut greatest = [S::load(best); N];
        for (v, register) in greatest.iter_mut().enumerate().skip(1) {
            *register = S::load(best.add(v * S::WIDTH));
        }
        sweep::<S, R, N>(rows, n, depth, panel, out, &mut greatest);
        for (v, register) in greatest.iter().enumerate() {
            register.store(best.add(v * S::WIDTH));
        }
    }
}

/// `super::dots_i16` with tiles of `N` registers, and of `ONE` (a single panel) for the remaining
/// panels.
///
/// # Safety
/// The processor has `S`'s instruction set; `rows` is `[n_rows, stride]`, `dots`
/// `[n_rows, padded_columns]` and `best` `[padded_columns]`.
#[inline(always)]
pub(super) unsafe fn dots<S: Sums, const R: usize, const N: usize, const ONE: usize>(
    rows: &[i16],
    panels: &PanelsI16,
    dots: &mut [i32],
    best: &mut [i32],
) {
    let stride = stride_i16(panels.dim());
    let (n, depth) = (rows.len() / stride, stride / PAIR);
    let count = panels.padded_columns() / LANES;
    let mut p = 0;
    while p < count {
        let panel = panels.pairs()[p * depth..].as_ptr();
        let best = best[p * LANES..].as_mut_ptr();
        let out = Out {
            // Without rows `dots` is empty, and this pointer is never used.
            dots: dots.as_mut_ptr().wrapping_add(p * LANES),
            stride: panels.padded_columns(),
        };
        // SAFETY: the group's panels exist, and `best` and each row of `dots` have their columns.
        unsafe {
            if count - p >= N / ONE {
                max_sweep::<S, R, N>(rows.as_ptr(), n, depth, panel, out, best);
                p += N / ONE;
            } else {
                max_sweep::<S, R, ONE>(rows.as_ptr(), n, depth, panel, out, best);
                p += 1;
            }
        }
    }
}
