//! AVX-512: a register is a panel; tiles of 12 rows by two panels take 24 of the 32 registers.

use std::arch::x86_64::*;

use super::{Nearest, tile};
use crate::{Panels, RowsView};

// SAFETY: every method is the one instruction it names.
unsafe impl tile::Vector for __m512 {
    const WIDTH: usize = 16;

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller's promise.
        unsafe { _mm512_loadu_ps(from) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller's promise.
        unsafe { _mm512_storeu_ps(to, self) }
    }

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        // SAFETY: the caller's promise.
        unsafe { _mm512_set1_ps(value) }
    }

    #[inline(always)]
    unsafe fn mul_add(self, by: Self, plus: Self) -> Self {
        // SAFETY: the caller's promise.
        unsafe { _mm512_fmadd_ps(self, by, plus) }
    }

    #[inline(always)]
    unsafe fn select_greater(self, than: Self, yes: Self, no: Self) -> Self {
        // SAFETY: the caller's promise.
        unsafe { _mm512_mask_blend_ps(_mm512_cmp_ps_mask::<_CMP_GT_OQ>(self, than), no, yes) }
    }

    #[inline(always)]
    unsafe fn max(self, than: Self) -> Self {
        // SAFETY: the caller's promise. The instruction gives the second operand where neither is
        // greater.
        unsafe { _mm512_max_ps(self, than) }
    }
}

/// # Safety
/// The processor has AVX-512 F; `out` is `[n_rows, stride]`, the stride no less than the padded
/// columns.
#[target_feature(enable = "avx512f")]
pub(super) unsafe fn dots(rows: RowsView<'_>, panels: &Panels, out: &mut [f32], stride: usize) {
    // SAFETY: the caller's promise.
    unsafe { tile::dots::<__m512, 12, 2, 1>(rows, panels, out, stride) }
}

/// # Safety
/// The processor has AVX-512 F; `best` is `[padded_columns]`.
#[target_feature(enable = "avx512f")]
pub(super) unsafe fn max_dots(rows: &[f32], panels: &Panels, best: &mut [f32]) {
    // SAFETY: the caller's promise.
    unsafe { tile::max_dots::<__m512, 12, 2, 1>(rows, panels, best) }
}

/// # Safety
/// The processor has AVX-512 F; `out` is `[n_rows]`.
#[target_feature(enable = "avx512f")]
pub(super) unsafe fn nearest(rows: &[f32], panels: &Panels, out: &mut [Nearest]) {
    // SAFETY: the caller's promise.
    unsafe { tile::nearest::<__m512, 12, 2, 1>(rows, panels, out) }
}
