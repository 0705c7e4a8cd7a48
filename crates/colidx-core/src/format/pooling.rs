//! How the vectors of an index were pooled.

use crate::error::{Error, Result};

/// Greatest factor, and most protected vectors.
const MOST: u32 = 1000;

/// How the vectors of documents are pooled before they are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pooling {
    /// Vectors of a document for each one that is stored, on average.
    pub factor: u32,
    /// How many of the first vectors of a document are stored as they are: with most checkpoints,
    /// 1 for the token that begins a text.
    pub protected: u32,
}

impl Pooling {
    /// By a factor of 2 to 1,000; the first vector of a document stays as it is.
    pub fn new(factor: u32) -> Pooling {
        Pooling {
            factor,
            protected: 1,
        }
    }

    /// Sets [`Pooling::protected`], 0 to 1,000.
    #[must_use]
    pub fn protected(mut self, vectors: u32) -> Pooling {
        self.protected = vectors;
        self
    }

    /// Refuses values out of range.
    pub(crate) fn check(self) -> Result<()> {
        if !(2..=MOST).contains(&self.factor) {
            return Err(Error::Option {
                option: "the pool factor",
                got: self.factor.to_string(),
                expected: "2 to 1,000",
            });
        }
        if self.protected > MOST {
            return Err(Error::Option {
                option: "the number of protected vectors",
                got: self.protected.to_string(),
                expected: "0 to 1,000",
            });
        }
        Ok(())
    }
}
