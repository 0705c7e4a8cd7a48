//! The bytes of an index, as `index-format.md` specifies them.
//!
//! Every file has the same frame ([`frame`]): a header, sections at 64-byte boundaries, a directory
//! of the sections with their checksums, and a footer. The manifest ([`manifest`]) names the files
//! that make up the index; everything else is found through it.

mod file_kind;
pub(crate) mod frame;
pub(crate) mod manifest;
pub(crate) mod metadata;
pub(crate) mod model;
pub(crate) mod pooling;
pub(crate) mod recall_table;

pub(crate) use file_kind::{FileKind, Owner, file_name, file_number};
pub use frame::MAGIC;

use crate::error::{Error, Result};

/// Version of the format this library writes and reads.
pub const FORMAT_VERSION: u16 = 5;

/// Longest document key in bytes.
pub const MAX_KEY_BYTES: usize = 4096;

/// Most bytes of title, text and metadata together that one document may have.
pub const MAX_DOCUMENT_BYTES: usize = 32 << 20;

/// Most dimensions a vector may have.
pub const MAX_DIM: usize = 4096;

/// Refuses a dimension out of range.
pub(crate) fn check_dim(dim: usize) -> Result<()> {
    if (1..=MAX_DIM).contains(&dim) {
        return Ok(());
    }
    Err(Error::Option {
        option: "the vectors' dimension",
        got: dim.to_string(),
        expected: "at least 1 and at most 4,096",
    })
}

/// Most centroids a codebook may have.
pub const MAX_CENTROIDS: usize = 1 << 26;

/// The greatest file number: names have eight digits.
pub(crate) const MAX_FILE_NUMBER: u32 = 99_999_999;

/// The greatest sum of squares of a token vector as it decodes, the square of a length of 2^62:
/// squared distances between vectors then fit an f32.
pub(crate) const MAX_SQUARED_LENGTH: f64 = (1u128 << 124) as f64;

/// Sections begin at multiples of this.
pub(crate) const ALIGNMENT: u64 = 64;

/// The journal of an unfinished build.
pub(crate) const JOURNAL: &str = "build.journal";

/// A four-letter name of a file kind or a section, as it stands in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(transparent)]
pub(crate) struct Tag(pub [u8; 4]);

impl std::fmt::Display for Tag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0.escape_ascii())
    }
}

impl Tag {
    /// Whether all four bytes are printable ASCII, as those of a tag are.
    pub(crate) fn is_ascii(self) -> bool {
        self.0.iter().all(|byte| matches!(byte, b' '..=b'~'))
    }
}

pub(crate) fn checksum(bytes: &[u8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64(bytes)
}
