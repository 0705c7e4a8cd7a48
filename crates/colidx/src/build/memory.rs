//! How the memory of a build is shared out, and the least that will do.
//!
//! Some of it is held whatever there is: a few bytes a document, the codebook as it is trained, and of the sample the first rows
//! and one part. What is left decides how much of everything else is held at a time, and about nothing else.

use crate::error::{Error, Result};
use colidx_cluster::{FIRST_BYTES, TrainOptions};

/// The program itself, and what its buffers leave unused.
const PROGRAM: usize = 24 << 20;
/// A thread's stack and buffers.
const THREAD: usize = 8 << 20;
/// A document's place in the sample's order, its offsets, and the place of its vectors.
const DOCUMENT: usize = 48;
/// A value of the codebook, several times: as it is trained, rounded, in the graph, and laid out to be compared.
const CODEBOOK: usize = 16;

/// The bytes that a build may hold.
#[derive(Debug, Clone)]
pub(super) struct Memory {
    total: usize,
    documents: usize,
    /// Bytes of their keys.
    keys: usize,
    dim: usize,
    threads: usize,
    /// Values of the codebook.
    codebook: usize,
    /// Bytes of the sample's vectors.
    sample: usize,
}

impl Memory {
    /// Shares out `total` bytes; nothing is known yet of the vectors but their dimension.
    ///
    /// # Errors
    ///
    /// [`Error::Memory`] when that is too little in any case.
    pub(super) fn new(total: usize, documents: usize, keys: usize, dim: usize) -> Result<Self> {
        let memory = Self {
            total,
            documents,
            keys,
            dim,
            threads: rayon::current_num_threads(),
            codebook: 0,
            sample: 0,
        };
        memory.check()?;
        Ok(memory)
    }

    /// The same, for so many centroids that are trained on so many vectors.
    ///
    /// # Errors
    ///
    /// [`Error::Memory`] when that is too little.
    pub(super) fn with_codebook(&self, centroids: usize, vectors: u64) -> Result<Self> {
        let vector = self.dim * size_of::<f32>();
        let memory = Self {
            codebook: centroids.saturating_mul(self.dim),
            sample: usize::try_from(vectors)
                .unwrap_or(usize::MAX)
                .saturating_mul(vector),
            ..self.clone()
        };
        memory.check()?;
        Ok(memory)
    }

    fn check(&self) -> Result<()> {
        let least = self.least();
        if least <= self.total {
            return Ok(());
        }
        Err(Error::Memory {
            got: self.total as u64,
            least: least as u64,
            documents: self.documents as u64,
            centroids: (self.codebook / self.dim.max(1)) as u64,
            dim: self.dim,
        })
    }

    /// What is held whatever there is.
    fn least(&self) -> usize {
        let codebook = self.codebook.saturating_mul(CODEBOOK);
        let part = TrainOptions::new(0).part_bytes.min(self.sample);
        let first = FIRST_BYTES.min(self.sample);
        [self.fixed(), codebook, first, part, part / 2]
            .into_iter()
            .fold(0, usize::saturating_add)
    }

    /// What is held from beginning to end.
    fn fixed(&self) -> usize {
        let documents = self.documents.saturating_mul(DOCUMENT);
        let program = PROGRAM + self.threads * THREAD;
        program.saturating_add(documents).saturating_add(self.keys)
    }

    fn spare(&self) -> usize {
        self.total.saturating_sub(self.fixed())
    }

    /// For vectors of documents that are read together.
    pub(super) fn batch(&self) -> usize {
        self.spare() / 16
    }

    /// For rows of the sample on their way to the file.
    pub(super) fn chunks(&self) -> usize {
        self.spare() / 16
    }

    /// For parts of the sample that are trained at a time.
    pub(super) fn parts(&self) -> usize {
        let codebook = self.codebook.saturating_mul(CODEBOOK / 2);
        let first = FIRST_BYTES.min(self.sample);
        let left = self.spare().saturating_sub(codebook).saturating_sub(first);
        left / 2
    }

    /// For vectors that are compressed together.
    pub(super) fn gathered(&self) -> usize {
        self.spare() / 8
    }

    /// For posting lists that are made at a time.
    pub(super) fn lists(&self) -> usize {
        self.spare() / 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_little_is_refused_with_what_would_do() {
        let small = Memory::new(256 << 20, 5000, 60_000, 96).unwrap();
        let refused = small.with_codebook(1 << 20, 1 << 26);
        let Err(Error::Memory { got, least, .. }) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(got, 256 << 20);
        let enough = Memory::new(least as usize, 5000, 60_000, 96).unwrap();
        assert!(enough.with_codebook(1 << 20, 1 << 26).is_ok());
        let short = Memory::new(least as usize - 1, 5000, 60_000, 96).unwrap();
        assert!(short.with_codebook(1 << 20, 1 << 26).is_err());
        assert!(Memory::new(1 << 20, 1, 1, 8).is_err());
        assert!(Memory::new(1 << 30, usize::MAX, 1, 8).is_err());
    }

    #[test]
    fn what_the_promises_name_is_enough() {
        // SciFact, and a million documents with 262,144 centroids.
        let scifact = Memory::new(256 << 20, 5183, 90_000, 96).unwrap();
        scifact.with_codebook(16_384, 1 << 20).unwrap();
        let million = Memory::new(1 << 30, 1_000_000, 15_000_000, 128).unwrap();
        million.with_codebook(1 << 18, 1 << 24).unwrap();
    }
}
