//! NEON: a panel is four registers; tiles of 6 rows by one panel take 24 of the 32 registers.

use std::arch::aarch64::*;

use super::{Nearest, tile};
use crate::{Panels, RowsView};

// SAFETY: every method is the one instruction it names.
unsafe impl tile::Vector for float32x4_t {
    const WIDTH: usize = 4;

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller's promise.
        unsafe { vld1q_f32(from) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller's promise.
        unsafe { vst1q_f32(to, self) }
    }

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        // SAFETY: the caller's promise.
        unsafe { vdupq_n_f32(value) }
    }

    #[inline(always)]
    unsafe fn mul_add(self, by: Self, plus: Self) -> Self {
        // SAFETY: the caller's promise.
        unsafe { vfmaq_f32(plus, self, by) }
    }

    #[inline(always)]
    unsafe fn select_greater(self, than: Self, yes: Self, no: Self) -> Self {
        // SAFETY: the caller's promise.
        unsafe { vbslq_f32(vcgtq_f32(self, than), yes, no) }
    }
}

/// # Safety
/// The processor has NEON; `out` is `[n_rows, stride]`, the stride no less than the padded columns.
#[target_feature(enable = "neon")]
pub(super) unsafe fn dots(rows: RowsView<'_>, panels: &Panels, out: &mut [f32], stride: usize) {
    // SAFETY: the caller's promise.
    unsafe { tile::dots::<float32x4_t, 6, 4, 4>(rows, panels, out, stride) }
}

/// # Safety
/// The processor has NEON; `best` is `[padded_columns]`.
#[target_feature(enable = "neon")]
pub(super) unsafe fn max_dots(rows: &[f32], panels: &Panels, best: &mut [f32]) {
    // SAFETY: the caller's promise.
    unsafe { tile::max_dots::<float32x4_t, 6, 4, 4>(rows, panels, best) }
}

/// # Safety
/// The processor has NEON; `out` is `[n_rows]`.
#[target_feature(enable = "neon")]
pub(super) unsafe fn nearest(rows: &[f32], panels: &Panels, out: &mut [Nearest]) {
    // SAFETY: the caller's promise.
    unsafe { tile::nearest::<float32x4_t, 6, 4, 4>(rows, panels, out) }
}
