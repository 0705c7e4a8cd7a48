//! Files that a build keeps for itself: plain numbers, one after the other.

use crate::error::Result;
use crate::format::frame::Checkpoint;
use crate::storage::{Directory, OutputFile};
use bytemuck::Pod;
use xxhash_rust::xxh3::Xxh3Default;

/// A growing file of numbers, whose checkpoints the journal may record.
pub(super) struct Spool {
    out: OutputFile,
    hash: Xxh3Default,
}

impl Spool {
    /// A new spool, or one that resumes from a checkpoint.
    pub(super) fn open(
        directory: &Directory,
        name: &str,
        from: Option<Checkpoint>,
    ) -> Result<Self> {
        let (out, hash) = match from {
            Some(checkpoint) => {
                let (_, hash) = checkpoint.read(directory, name, 0)?;
                (directory.append(name, checkpoint.length)?, hash)
            }
            None => (directory.create(name)?, Xxh3Default::new()),
        };
        Ok(Self { out, hash })
    }

    pub(super) fn write<T: Pod>(&mut self, numbers: &[T]) -> Result<()> {
        let bytes = bytemuck::cast_slice(numbers);
        self.hash.update(bytes);
        self.out.write(bytes)
    }

    /// Hands all bytes to the system, so that the file can be mapped.
    pub(super) fn flush(&mut self) -> Result<()> {
        self.out.flush()
    }

    /// Hash of every number so far.
    pub(super) fn digest(&self) -> u64 {
        self.hash.digest()
    }

    /// Returns when every number so far is on disk.
    pub(super) fn checkpoint(&mut self) -> Result<Checkpoint> {
        self.out.sync()?;
        Ok(Checkpoint {
            length: self.out.position(),
            checksum: self.hash.digest(),
        })
    }
}

/// The numbers of a spool up to a checkpoint; none without one.
pub(super) fn read<T: Pod>(
    directory: &Directory,
    name: &str,
    from: Option<Checkpoint>,
) -> Result<Vec<T>> {
    let Some(checkpoint) = from else {
        return Ok(Vec::new());
    };
    let (bytes, _) = checkpoint.read(directory, name, 0)?;
    let numbers = bytes[..checkpoint.length as usize].chunks_exact(size_of::<T>());
    Ok(numbers.map(bytemuck::pod_read_unaligned).collect())
}
