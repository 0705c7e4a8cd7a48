//! AMX: rows are multiplied in place, sixteen at a time, and panels are tiles without conversion.
//! Where that is not possible, AVX-512 VNNI is used.

use std::arch::asm;
use std::arch::x86_64::*;
use std::mem::MaybeUninit;

use super::columns::Quads;
use super::{PanelsI7, QUAD, avx512_vnni};
use crate::LANES;
use crate::amx::{self, LINE, ROWS, TILE, Tiles};
use crate::prefetch::prefetch_at;

/// Distance of the prefetch, in rows.
const AHEAD: usize = 64;

/// Sums of 16 rows by two panels.
#[repr(C, align(64))]
struct Sums([[i32; ROWS * LANES]; 2]);

/// # Safety
/// There is AMX, with AVX-512 F, BW and VNNI; `rows` and `out` are as `super::tile::dots` asks for.
#[target_feature(enable = "avx512f,avx512bw")]
pub(super) unsafe fn dots(rows: &[i8], panels: &PanelsI7, out: &mut [i16]) {
    let (dim, width) = (panels.dim(), panels.padded_columns());
    let n = rows.len() / dim;
    let Some((steps, depth)) = amx::steps(dim).filter(|_| n >= ROWS) else {
        // SAFETY: the caller's promise.
        return unsafe { avx512_vnni::dots(rows, panels, out) };
    };
    let mut sums = MaybeUninit::<Sums>::uninit();
    // SAFETY: there are tiles, by the caller's promise.
    let _tiles = unsafe { Tiles::new(depth) };
    for row in (0..n).step_by(ROWS) {
        // The last 16 rows overlap the ones before: some are multiplied twice.
        let first = row.min(n - ROWS);
        let rows = rows[first * dim..].as_ptr();
        prefetch_at(rows.wrapping_add(AHEAD * dim), ROWS * dim);
        let out = &mut out[first * width..];
        for at in (0..width).step_by(2 * LANES) {
            let panel = |at: usize| panels.quads()[at / LANES * (dim / QUAD)..].as_ptr();
            let both = at + LANES < width;
            // SAFETY: there are 16 rows, and `dim / QUAD` lines of each panel; where there is one
            // panel it is taken twice. `out` has the columns in each row.
            unsafe {
                let (one, two) = (panel(at), panel(if both { at + LANES } else { at }));
                multiply(rows, dim, depth, one, two, steps, sums.as_mut_ptr());
                store(
                    &*sums.as_ptr(),
                    panels.shift(),
                    both,
                    out[at..].as_mut_ptr(),
                    width,
                );
            }
        }
    }
}

/// The sums of 16 rows by two panels.
///
/// # Safety
/// Tiles are configured for `depth`; there are 16 rows of `dim`, and `steps` times `depth / 4`
/// lines of each panel.
#[inline(always)]
unsafe fn multiply(
    rows: *const i8,
    dim: usize,
    depth: usize,
    one: *const Quads,
    two: *const Quads,
    steps: usize,
    sums: *mut Sums,
) {
    // SAFETY: tiles 0, 1, 4 and 7 are ours; the memory read and written is the caller's promise.
    unsafe {
        asm!(
            "tilezero tmm0",
            "tilezero tmm1",
            "2:",
            "tileloadd tmm4, [{rows} + {dim}]",
            "tileloadd tmm7, [{one} + {line}]",
            "tdpbssd tmm0, tmm4, tmm7",
            "tileloadd tmm7, [{two} + {line}]",
            "tdpbssd tmm1, tmm4, tmm7",
            "add {rows}, {depth}",
            "add {one}, {tile}",
            "add {two}, {tile}",
            "dec {steps}",
            "jnz 2b",
            "tilestored [{sums} + {line}], tmm0",
            "tilestored [{sums} + {line} + {TILE}], tmm1",
            rows = inout(reg) rows => _,
            one = inout(reg) one => _,
            two = inout(reg) two => _,
            steps = inout(reg) steps => _,
            dim = in(reg) dim,
            depth = in(reg) depth,
            tile = in(reg) depth / QUAD * LINE,
            line = in(reg) LINE,
            sums = in(reg) sums,
            TILE = const TILE,
            out("tmm0") _, out("tmm1") _, out("tmm4") _, out("tmm7") _,
            options(nostack),
        );
    }
}

/// Writes sums, shifted down, to 16 rows of 16 or (`both`) 32 columns.
///
/// # Safety
/// The processor has AVX-512 F and BW, and `out` has the columns in each of 16 rows of `width`.
#[inline(always)]
unsafe fn store(sums: &Sums, shift: u32, both: bool, out: *mut i16, width: usize) {
    let [one, two] = &sums.0;
    // SAFETY: the caller's promise.
    unsafe {
        let shift = _mm_cvtsi32_si128(shift as i32);
        let low_halves = _mm512_loadu_si512(const { &EVEN }.as_ptr().cast());
        for r in 0..ROWS {
            let row = |sums: &[i32; ROWS * LANES]| {
                let sums = _mm512_loadu_si512(sums.as_ptr().add(r * LANES).cast());
                _mm512_sra_epi32(sums, shift)
            };
            let words = _mm512_permutex2var_epi16(row(one), low_halves, row(two));
            let out = out.add(r * width);
            if both {
                _mm512_storeu_si512(out.cast(), words);
            } else {
                _mm256_storeu_si256(out.cast(), _mm512_castsi512_si256(words));
            }
        }
    }
}

/// The even ones of 64 words.
const EVEN: [u16; 32] = {
    let mut which = [0; 32];
    let mut i = 0;
    while i < 32 {
        which[i] = 2 * i as u16;
        i += 1;
    }
    which
};
