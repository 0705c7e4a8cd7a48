//! Numbers that a request may ask for.

use crate::error::{ApiError, Result};

/// Most centroids, candidates or documents to score that a search may ask for.
const EFFORT: usize = 1_000_000;

/// Refuses a number that is out of range.
pub(super) fn within(what: &str, got: usize, most: usize) -> Result<()> {
    if (1..=most).contains(&got) {
        return Ok(());
    }
    Err(ApiError::invalid(format!(
        "{what} is {got}, expected 1 to {most}"
    )))
}

/// As [`within`], for a knob that may be left alone.
pub(super) fn effort(what: &str, got: Option<usize>) -> Result<()> {
    got.map_or(Ok(()), |got| within(what, got, EFFORT))
}
