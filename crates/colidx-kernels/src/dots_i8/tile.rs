//! The kernel itself, written once over a SIMD register type; the integer twin of `dots/tile.rs`.
//!
//! Everything here is `inline(always)`, so that it compiles inside the `target_feature` functions
//! of one instruction set. Registers are handled in loops, not by `array::from_fn` or `map`: their
//! closures may be compiled separately, without the instructions.

use super::columns::{Quads, Starts};
use super::{CHUNK, PanelsI7, QUAD};
use crate::LANES;

/// A SIMD register of sums of `WIDTH` columns, four bytes for each.
///
/// # Safety
/// Callers of all methods run on a processor that has the register's instruction set; pointers are
/// valid for the number of bytes or integers that each method says, at any alignment.
pub(super) unsafe trait Sums: Copy {
    /// Columns in a register; divides [`LANES`].
    const WIDTH: usize;
    /// Whether a column's four bytes are two sums of 16 bits, valid for one chunk, or one of 32
    /// bits.
    const NARROW: bool;
    /// Converts a row's signed bytes to the argument of [`row`](Sums::row), by exclusive or: 0x80
    /// adds 128, 0 nothing.
    const FLIP: u8;
    /// Four dimensions of `WIDTH` columns, ready to multiply.
    type Columns: Copy;
    /// Four dimensions of one row, in the place of every column.
    type Row: Copy;
    /// The sums of finished chunks, in 32 bits.
    type Totals: Copy;

    /// Zero totals.
    unsafe fn nothing() -> Self::Totals;
    /// Initial sums of a chunk, from `WIDTH` integers, for rows with 128 added. Sums of 32 bits
    /// start from the totals.
    unsafe fn start(from: *const i32, totals: Self::Totals) -> Self;
    /// From `4 WIDTH` bytes.
    unsafe fn columns(from: *const i8) -> Self::Columns;
    /// From 4 bytes.
    unsafe fn row(from: *const u8) -> Self::Row;
    /// Adds the four products of each column.
    unsafe fn add(self, row: Self::Row, columns: Self::Columns) -> Self;
    /// The totals after a chunk, from those before it.
    unsafe fn finish(self, totals: Self::Totals) -> Self::Totals;
    /// Writes totals, shifted right, to `WIDTH` integers.
    unsafe fn store(totals: Self::Totals, shift: u32, to: *mut i16);
}

/// Gives a register type its [`Sums`]: AVX2 and AVX-512 differ only in the names of their
/// instructions.
#[cfg(target_arch = "x86_64")]
macro_rules! sums {
    (
        $name:ident($register:ty), $width:literal, narrow $narrow:literal, $load:ident, $splat:ident,
        start |$from:ident, $before:ident| $start:expr,
        add |$sums:ident, $row:ident, $columns:ident| $add:expr,
        finish |$of_chunk:ident, $totals:ident| $finish:expr,
        store |$done:ident, $shift:ident, $to:ident| $store:expr
    ) => {
        #[derive(Clone, Copy)]
        struct $name($register);

        // SAFETY: every method is the instructions it names.
        unsafe impl $crate::dots_i8::tile::Sums for $name {
            const WIDTH: usize = $width;
            const NARROW: bool = $narrow;
            const FLIP: u8 = 0x80;
            type Columns = $register;
            type Row = $register;
            type Totals = $register;

            #[inline(always)]
            unsafe fn nothing() -> $register {
                // SAFETY: the caller's promise.
                unsafe { $splat(0) }
            }

            #[inline(always)]
            unsafe fn start(from: *const i32, $before: $register) -> Self {
                // SAFETY: the caller's promise.
                unsafe {
                    let $from = $load(from.cast());
                    $name($start)
                }
            }

            #[inline(always)]
            unsafe fn columns(from: *const i8) -> $register {
                // SAFETY: the caller's promise.
                unsafe { $load(from.cast()) }
            }

            #[inline(always)]
            unsafe fn row(from: *const u8) -> $register {
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
            unsafe fn finish(self, $totals: $register) -> $register {
                let $of_chunk = self.0;
                $finish
            }

            #[inline(always)]
            unsafe fn store($done: $register, shift: u32, $to: *mut i16) {
                // SAFETY: the caller's promise.
                unsafe {
                    let $shift = _mm_cvtsi32_si128(shift as i32);
                    $store
                }
            }
        }
    };
}
#[cfg(target_arch = "x86_64")]
pub(super) use sums;

/// Bytes from one copied row to the next: a constant, so that one register addresses all rows of a
/// tile. Longer rows lie in several chunks.
const PITCH: usize = CHUNK * QUAD;

/// Rows that are copied together: few enough for the first-level cache next to a panel.
const BLOCK: usize = 64;

/// Bytes from one chunk of a block's rows to the next.
const CHUNK_BYTES: usize = BLOCK * PITCH;

/// Panels, and the initial sums of their chunks.
#[derive(Clone, Copy)]
struct Columns {
    /// Steps of four dimensions.
    depth: usize,
    panel: *const Quads,
    starts: *const Starts,
}

/// The sums of `R` rows by `N` registers of columns over one chunk.
///
/// # Safety
/// As [`tile`], for an existing chunk.
#[inline(always)]
unsafe fn chunk<S: Sums, const R: usize, const N: usize>(
    rows: *const u8,
    columns: Columns,
    number: usize,
    totals: &[[S::Totals; N]; R],
) -> [[S; N]; R] {
    let Columns {
        depth,
        panel,
        starts,
    } = columns;
    let per_panel = LANES / S::WIDTH;
    let first = number * CHUNK;
    // SAFETY: the caller's promise.
    unsafe {
        let start = |v: usize| {
            let line = starts.add(v / per_panel * depth.div_ceil(CHUNK) + number);
            line.cast::<i32>().add(v % per_panel * S::WIDTH)
        };
        let mut sums = [[S::start(start(0), totals[0][0]); N]; R];
        for (sums, totals) in sums.iter_mut().zip(totals) {
            for (v, (sum, &total)) in sums.iter_mut().zip(totals).enumerate() {
                *sum = S::start(start(v), total);
            }
        }
        let rows = rows.add(number * CHUNK_BYTES);
        let row = |r: usize, d: usize| S::row(rows.add(r * PITCH + d * QUAD));
        let columns = |v: usize, d: usize| {
            let line = panel.add(v / per_panel * depth + first + d);
            S::columns(line.cast::<i8>().add(v % per_panel * S::WIDTH * QUAD))
        };
        for d in 0..CHUNK.min(depth - first) {
            // The operand with fewer registers stays loaded.
            if R <= N {
                let mut held = [row(0, d); R];
                for (r, held) in held.iter_mut().enumerate().skip(1) {
                    *held = row(r, d);
                }
                for v in 0..N {
                    let columns = columns(v, d);
                    for (sums, &row) in sums.iter_mut().zip(&held) {
                        sums[v] = sums[v].add(row, columns);
                    }
                }
            } else {
                let mut held = [columns(0, d); N];
                for (v, held) in held.iter_mut().enumerate().skip(1) {
                    *held = columns(v, d);
                }
                for (r, sums) in sums.iter_mut().enumerate() {
                    let row = row(r, d);
                    for (sum, &columns) in sums.iter_mut().zip(&held) {
                        *sum = sum.add(row, columns);
                    }
                }
            }
        }
        sums
    }
}

/// The totals after a chunk.
///
/// # Safety
/// The processor has `S`'s instruction set.
#[inline(always)]
unsafe fn finish<S: Sums, const R: usize, const N: usize>(
    sums: &[[S; N]; R],
    totals: &[[S::Totals; N]; R],
) -> [[S::Totals; N]; R] {
    let mut totals = *totals;
    for (totals, sums) in totals.iter_mut().zip(sums) {
        for (total, sum) in totals.iter_mut().zip(sums) {
            // SAFETY: the caller's promise.
            *total = unsafe { sum.finish(*total) };
        }
    }
    totals
}

/// `R` rows by `N` registers of columns.
///
/// # Safety
/// The caller has `R` rows at `rows`, in as many chunks as `depth` needs, as many panels with their
/// starts in `columns` as `N` registers span, and room for the columns in each of `R` rows at
/// `out`.
#[inline(always)]
unsafe fn tile<S: Sums, const R: usize, const N: usize>(
    rows: *const u8,
    columns: Columns,
    shift: u32,
    out: *mut i16,
    stride: usize,
) {
    // SAFETY: the caller's promise.
    let mut totals = unsafe {
        let nothing = [[S::nothing(); N]; R];
        finish(&chunk::<S, R, N>(rows, columns, 0, &nothing), &nothing)
    };
    // Usually there is one chunk, which needs no totals.
    for number in 1..columns.depth.div_ceil(CHUNK) {
        // SAFETY: the caller's promise.
        totals = unsafe { finish(&chunk::<S, R, N>(rows, columns, number, &totals), &totals) };
    }
    for (r, totals) in totals.iter().enumerate() {
        for (v, &totals) in totals.iter().enumerate() {
            // SAFETY: the caller's promise.
            unsafe { S::store(totals, shift, out.add(r * stride + v * S::WIDTH)) };
        }
    }
}

/// Multiplies `n` rows with the panels of `N` registers, `R` at a time and the rest in tiles of 8,
/// 4, 2 and 1. With each tile the next rows of `ahead` are prefetched.
///
/// # Safety
/// As [`tile`], for `n` rows.
#[inline(always)]
unsafe fn sweep<S: Sums, const R: usize, const N: usize>(
    rows: *const u8,
    n: usize,
    columns: Columns,
    shift: u32,
    out: *mut i16,
    stride: usize,
    ahead: Option<Ahead>,
) {
    let mut row = 0;
    macro_rules! take {
        ($count:expr) => {{
            if let Some(ahead) = ahead {
                ahead.fetch(row, $count);
            }
            // SAFETY: the tile lies within the `n` rows; the rest is the caller's promise.
            unsafe {
                let (rows, out) = (rows.add(row * PITCH), out.add(row * stride));
                tile::<S, { $count }, N>(rows, columns, shift, out, stride);
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

/// The rows after a block, `[n, dim]`, which probably come next even where they are out of bounds.
#[derive(Clone, Copy)]
struct Ahead {
    rows: *const i8,
    dim: usize,
}

impl Ahead {
    #[inline(always)]
    fn fetch(self, row: usize, count: usize) {
        let first = self.rows.wrapping_add(row * self.dim);
        crate::prefetch::prefetch_at(first, count * self.dim);
    }
}

/// Copies part of a row, 32 bytes at a time as integers: byte loops were vectorised or not
/// depending on the surrounding function, and loops over eight bytes not for rows of 96.
#[inline(always)]
fn flip(from: &[i8], to: &mut [u8], by: u8) {
    let by_word = u64::from_ne_bytes([by; 8]);
    let (blocks, rest) = from.as_chunks::<32>();
    let (to_blocks, to_rest) = to[..from.len()].as_chunks_mut::<32>();
    for (to, from) in to_blocks.iter_mut().zip(blocks) {
        // SAFETY: 32 bytes are there to read.
        let mut words = unsafe { from.as_ptr().cast::<[u64; 4]>().read_unaligned() };
        for word in &mut words {
            *word ^= by_word;
        }
        // SAFETY: 32 bytes are there to write.
        unsafe { to.as_mut_ptr().cast::<[u64; 4]>().write_unaligned(words) };
    }
    for (to, &x) in to_rest.iter_mut().zip(rest) {
        *to = x as u8 ^ by;
    }
}

/// `super::dots_i8` with tiles of `R` rows by `N` registers, and of `R1` by `N1` (a single panel)
/// for the last odd panel.
///
/// # Safety
/// The processor has `S`'s instruction set; `rows` is `[n_rows, dim]` and `out`
/// `[n_rows, padded_columns]`, and there are columns.
#[inline(always)]
pub(super) unsafe fn dots<
    S: Sums,
    const R: usize,
    const N: usize,
    const R1: usize,
    const N1: usize,
>(
    rows: &[i8],
    panels: &PanelsI7,
    out: &mut [i16],
) {
    let (dim, width) = (panels.dim(), panels.padded_columns());
    let (depth, shift) = (dim.div_ceil(QUAD), panels.shift());
    let chunks = depth.div_ceil(CHUNK);
    let starts = if S::NARROW {
        panels.narrow()
    } else {
        panels.wide()
    };
    let mut copy = vec![0u8; chunks * CHUNK_BYTES];
    let blocks = rows.chunks(BLOCK * dim).zip(out.chunks_mut(BLOCK * width));
    for (rows, out) in blocks {
        for (r, row) in rows.chunks_exact(dim).enumerate() {
            for (chunk, part) in row.chunks(PITCH).enumerate() {
                flip(part, &mut copy[chunk * CHUNK_BYTES + r * PITCH..], S::FLIP);
            }
        }
        let n = rows.len() / dim;
        let mut ahead = Some(Ahead {
            rows: rows.as_ptr().wrapping_add(rows.len()),
            dim,
        });
        let mut p = 0;
        while p < width / LANES {
            let (copy, out) = (copy.as_ptr(), out[p * LANES..].as_mut_ptr());
            let columns = Columns {
                depth,
                panel: panels.quads()[p * depth..].as_ptr(),
                starts: starts[p * chunks..].as_ptr(),
            };
            let ahead = ahead.take();
            // SAFETY: `copy` has the block's rows; the panels exist with their starts, and `out`
            // has their columns in every row.
            unsafe {
                if width / LANES - p >= N / N1 {
                    sweep::<S, R, N>(copy, n, columns, shift, out, width, ahead);
                    p += N / N1;
                } else {
                    sweep::<S, R1, N1>(copy, n, columns, shift, out, width, ahead);
                    p += 1;
                }
            }
        }
    }
}
