//! Centroid ids as they are stored.

use std::fmt;

mod sealed {
    pub trait Sealed {}
    impl Sealed for u16 {}
    impl Sealed for u32 {}
}

/// A stored centroid id: `u16` or `u32`.
pub trait Code: Copy + Ord + sealed::Sealed {
    /// The smallest value of the type.
    const ZERO: Self;

    /// The largest value of the type, as an index.
    const MAX: usize;

    /// The id as an index.
    fn index(self) -> usize;
}

impl Code for u16 {
    const ZERO: Self = 0;
    const MAX: usize = u16::MAX as usize;

    #[inline(always)]
    fn index(self) -> usize {
        usize::from(self)
    }
}

impl Code for u32 {
    const ZERO: Self = 0;
    const MAX: usize = u32::MAX as usize;

    #[inline(always)]
    fn index(self) -> usize {
        self as usize
    }
}

/// A code names a centroid that does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeOutOfRange {
    /// The first code that is out of range.
    pub code: usize,
    /// The number of centroids; valid codes lie below it.
    pub limit: usize,
}

impl fmt::Display for CodeOutOfRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "expected centroid ids below {}, got {}; the codes are damaged or belong to another codebook: verify the index",
            self.limit, self.code
        )
    }
}

impl std::error::Error for CodeOutOfRange {}

/// Checks that every code is below `limit`, before any is used as an offset.
pub(crate) fn check<C: Code>(codes: &[C], limit: usize) -> Result<(), CodeOutOfRange> {
    // One pass over all codes vectorises; a search for the first bad one would not.
    let largest = codes.iter().fold(C::ZERO, |max, &code| max.max(code));
    if C::MAX < limit || codes.is_empty() || largest.index() < limit {
        return Ok(());
    }
    let mut indices = codes.iter().map(|code| code.index());
    let code = indices.find(|&code| code >= limit);
    Err(CodeOutOfRange {
        code: code.unwrap_or(largest.index()),
        limit,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bad_code_is_named() {
        assert_eq!(check(&[1u16, 9, 12, 3], 13), Ok(()));
        let error = check(&[1u32, 9, 12, 30], 9).unwrap_err();
        assert_eq!(error, CodeOutOfRange { code: 9, limit: 9 });
        assert!(error.to_string().contains("below 9, got 9"));
        assert_eq!(check(&[u16::MAX], 65_536), Ok(()));
        assert_eq!(check::<u16>(&[], 0), Ok(()));
        assert!(check(&[0u32], 0).is_err());
    }
}
