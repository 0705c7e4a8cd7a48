//! AMX: three tiles of rows by one of columns at a time. A panel is loaded once for 48 rows, which
//! stay in the first-level cache. Where tiles do not fit, AVX-512 VNNI is used.

use std::arch::asm;
use std::arch::x86_64::*;
use std::mem::MaybeUninit;

use super::columns::{Factors, Quads};
use super::rows::Range;
use super::{PanelsI8, QUAD, RowsU8, avx512_vnni};
use crate::LANES;
use crate::amx::{self, LINE, ROWS, TILE, Tiles};

/// Tiles of rows multiplied together.
const ROW_TILES: usize = 3;

/// Sums of three tiles of rows by a panel.
#[repr(C, align(64))]
struct Sums([[i32; ROWS * LANES]; ROW_TILES]);

/// # Safety
/// There is AMX, with AVX-512 F and VNNI; `out` is as `super::tile::dots` asks for.
#[target_feature(enable = "avx512f")]
pub(super) unsafe fn dots(rows: &RowsU8, columns: &PanelsI8, out: &mut [f32], stride: usize) {
    let bytes = rows.stride();
    let Some((steps, depth)) = amx::steps(bytes).filter(|_| rows.len() >= ROWS) else {
        // SAFETY: the caller's promise.
        return unsafe { avx512_vnni::dots(rows, columns, out, stride) };
    };
    let last = rows.len() - ROWS;
    let mut sums = MaybeUninit::<Sums>::uninit();
    // SAFETY: there are tiles, by the caller's promise.
    let _tiles = unsafe { Tiles::new(depth) };
    for first in (0..rows.len()).step_by(ROW_TILES * ROWS) {
        // The last 16 rows overlap the ones before: some are multiplied twice.
        let firsts = [first, first + ROWS, first + 2 * ROWS].map(|row| row.min(last));
        let tiles = firsts.map(|row| rows.values()[row * bytes..].as_ptr());
        let panels = columns.quads().chunks_exact(bytes / QUAD);
        for (p, (panel, factors)) in panels.zip(columns.factors()).enumerate() {
            // SAFETY: there are 16 rows from each of the first ones on, and `bytes / QUAD` lines of
            // the panel.
            unsafe {
                multiply(
                    tiles,
                    bytes,
                    depth,
                    panel.as_ptr(),
                    steps,
                    sums.as_mut_ptr(),
                )
            };
            // SAFETY: they were just written.
            let sums = unsafe { sums.assume_init_ref() };
            for (row, sums) in firsts.into_iter().zip(&sums.0) {
                let ranges = &rows.ranges()[row..row + ROWS];
                let out = &mut out[row * stride + p * LANES..];
                // SAFETY: `out` has the panel's columns in each row.
                unsafe { finish(sums, ranges, factors, out, stride) };
            }
        }
    }
}

/// The sums of three tiles of rows by a panel.
///
/// # Safety
/// Tiles are configured for `depth`; there are 16 rows of `bytes` at each of `rows`, and `steps`
/// times `depth / 4` lines of the panel.
#[inline(always)]
unsafe fn multiply(
    rows: [*const u8; ROW_TILES],
    bytes: usize,
    depth: usize,
    panel: *const Quads,
    steps: usize,
    sums: *mut Sums,
) {
    // SAFETY: tiles 0 to 2 and 4 to 7 are ours; the memory read and written is the caller's
    // promise.
    unsafe {
        asm!(
            "tilezero tmm0",
            "tilezero tmm1",
            "tilezero tmm2",
            "2:",
            "tileloadd tmm7, [{panel} + {line}]",
            "tileloadd tmm4, [{a} + {bytes}]",
            "tdpbusd tmm0, tmm4, tmm7",
            "tileloadd tmm5, [{b} + {bytes}]",
            "tdpbusd tmm1, tmm5, tmm7",
            "tileloadd tmm6, [{c} + {bytes}]",
            "tdpbusd tmm2, tmm6, tmm7",
            "add {a}, {depth}",
            "add {b}, {depth}",
            "add {c}, {depth}",
            "add {panel}, {tile}",
            "dec {steps}",
            "jnz 2b",
            "tilestored [{sums} + {line}], tmm0",
            "tilestored [{sums} + {line} + {TILE}], tmm1",
            "tilestored [{sums} + {line} + 2 * {TILE}], tmm2",
            a = inout(reg) rows[0] => _,
            b = inout(reg) rows[1] => _,
            c = inout(reg) rows[2] => _,
            panel = inout(reg) panel => _,
            steps = inout(reg) steps => _,
            bytes = in(reg) bytes,
            depth = in(reg) depth,
            tile = in(reg) depth / QUAD * LINE,
            line = in(reg) LINE,
            sums = in(reg) sums,
            TILE = const TILE,
            out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm4") _,
            out("tmm5") _, out("tmm6") _, out("tmm7") _,
            options(nostack),
        );
    }
}

/// Scales the sums of 16 rows by a panel and writes them.
///
/// # Safety
/// The processor has AVX-512 F; `out` begins with the panel's columns in each of 16 rows, which are
/// `stride` apart, and there are as many ranges.
#[inline(always)]
unsafe fn finish(
    sums: &[i32; ROWS * LANES],
    ranges: &[Range],
    factors: &Factors,
    out: &mut [f32],
    stride: usize,
) {
    // SAFETY: the caller's promise.
    unsafe {
        let step = _mm512_loadu_ps(factors.step.0.as_ptr());
        let sum = _mm512_loadu_ps(factors.sum.0.as_ptr());
        let bias = _mm512_loadu_ps(factors.bias.0.as_ptr());
        let sums = sums.as_chunks::<LANES>().0;
        for ((sums, range), out) in sums.iter().zip(ranges).zip(out.chunks_mut(stride)) {
            let (offset, scale) = (_mm512_set1_ps(range.offset), _mm512_set1_ps(range.scale));
            let start = _mm512_fmadd_ps(offset, sum, bias);
            let sums = _mm512_loadu_si512(sums.as_ptr().cast());
            let product = _mm512_mul_ps(_mm512_cvtepi32_ps(sums), step);
            _mm512_storeu_ps(out.as_mut_ptr(), _mm512_fmadd_ps(product, scale, start));
        }
    }
}
