//! Where the documents of an index lie.

use crate::error::ImportError;

/// Most values in the vectors of one document: 1 GiB of them.
const MAX_VALUES: u64 = 1 << 28;

/// A document that is not deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// The engine's number of it.
    pub(crate) number: u64,
    /// The row of its first vector, counted through all chunks.
    pub(crate) first: u64,
    /// How many vectors it has.
    pub(crate) len: u32,
}

/// Places documents one after the other.
#[derive(Debug)]
pub(crate) struct Placer {
    dim: usize,
    /// The row after those that were placed.
    pub(crate) next: u64,
    pub(crate) places: Vec<Place>,
}

impl Placer {
    pub(crate) fn new(dim: usize) -> Placer {
        Placer {
            dim,
            next: 0,
            places: Vec::new(),
        }
    }

    /// Places a document of `len` tokens behind the last; `file` says so.
    pub(crate) fn place(&mut self, number: u64, len: i64, file: &str) -> Result<(), ImportError> {
        let limit = MAX_VALUES / self.dim as u64;
        let len = match u32::try_from(len) {
            Ok(len) if u64::from(len) <= limit => len,
            Ok(len) => {
                return Err(ImportError::TooLong {
                    file: file.to_owned(),
                    document: number,
                    got: len.into(),
                    limit,
                    dim: self.dim,
                });
            }
            Err(_) => {
                return Err(ImportError::Mismatch {
                    file: file.to_owned(),
                    expected: "lengths from 0 to 4,294,967,295".to_owned(),
                    got: len.to_string(),
                });
            }
        };
        let first = self.next;
        // Sums of a file's 32-bit numbers cannot overflow.
        self.next += u64::from(len);
        self.places.push(Place { number, first, len });
        Ok(())
    }
}
