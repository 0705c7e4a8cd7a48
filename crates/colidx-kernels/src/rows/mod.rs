//! Centroid interaction (PLAID, arXiv 2205.09707, section 4.3): a document's score from its codes alone.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "aarch64")]
mod neon;
mod scalar;

use crate::code::check;
use crate::level::dispatch;
use crate::{Code, CodeOutOfRange, LANES, Level, level};

/// `acc[j] = max(acc[j], table[code][j])` over the codes of a document, `table` being `[K, stride]` and `acc` `[stride]`.
///
/// # Errors
/// [`CodeOutOfRange`] if a code is not below the number of the table's rows; `acc` is then untouched.
///
/// # Panics
/// If `stride` is 0 or no multiple of [`LANES`], `table` is no whole number of rows, or `acc` is not `stride` long.
pub fn max_rows<C: Code>(
    table: &[u8],
    stride: usize,
    codes: &[C],
    acc: &mut [u8],
) -> Result<(), CodeOutOfRange> {
    level().max_rows(table, stride, codes, acc)
}

impl Level {
    /// [`max_rows`] at this level.
    ///
    /// # Errors
    /// As [`max_rows`].
    ///
    /// # Panics
    /// As [`max_rows`], or if the processor does not support the level.
    pub fn max_rows<C: Code>(
        self,
        table: &[u8],
        stride: usize,
        codes: &[C],
        acc: &mut [u8],
    ) -> Result<(), CodeOutOfRange> {
        assert!(
            stride > 0 && stride.is_multiple_of(LANES),
            "the stride, {stride}, is a multiple of {LANES}"
        );
        assert!(table.len().is_multiple_of(stride), "`table` is [K, stride]");
        assert_eq!(acc.len(), stride, "`acc` is [stride]");
        check(codes, table.len() / stride)?;
        dispatch!(self, max_rows(table, codes, acc));
        Ok(())
    }
}

/// The maximum over `codes` of `N` registers of every row, from byte `at` of the row on.
///
/// `load`, `max` and `store` are the level's instructions on its register type.
macro_rules! max_columns {
    ($n:literal, $width:literal, $table:ident, $stride:ident, $codes:ident, $acc:ident, $at:expr,
     $load:ident, $max:ident, $store:ident) => {{
        let mut best: [_; $n] = std::array::from_fn(|i| $load($acc.add($at + i * $width).cast()));
        for code in $codes {
            let row = $table.add(code.index() * $stride + $at);
            for (i, best) in best.iter_mut().enumerate() {
                *best = $max(*best, $load(row.add(i * $width).cast()));
            }
        }
        for (i, best) in best.into_iter().enumerate() {
            $store($acc.add($at + i * $width).cast(), best);
        }
    }};
}
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
use max_columns;

#[cfg(test)]
mod tests;
