//! The part of an unfinished file that is safe on disk.

use crate::error::{FormatErrorKind, Result};
use crate::storage::{Bytes, Directory};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3Default;

/// How much of an unfinished file is on disk, as the journal of a build records it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Checkpoint {
    /// Bytes of the file.
    pub length: u64,
    /// Checksum of those, without the header of a frame.
    pub checksum: u64,
}

impl Checkpoint {
    /// Maps a file and checks that it begins with the recorded bytes; the first `header` are not
    /// under the checksum. Returns at least these bytes, and the hash, ready to be continued.
    pub(crate) fn read(
        self,
        directory: &Directory,
        name: &str,
        header: usize,
    ) -> Result<(Bytes, Xxh3Default)> {
        let bytes = directory.map(name)?;
        let path = directory.file_path(name);
        let length = usize::try_from(self.length).unwrap_or(usize::MAX);
        let Some(recorded) = bytes.get(header..length) else {
            return Err(FormatErrorKind::Length {
                section: "unfinished file".into(),
                expected: self.length.max(header as u64),
                got: bytes.len() as u64,
            }
            .at(&path));
        };
        let mut hash = Xxh3Default::new();
        hash.update(recorded);
        if hash.digest() != self.checksum {
            return Err(FormatErrorKind::Checksum {
                section: "unfinished file".into(),
                expected: self.checksum,
                got: hash.digest(),
            }
            .at(&path));
        }
        Ok((bytes, hash))
    }
}
