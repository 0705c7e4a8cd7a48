//! How the memory of a build is divided, and the least that is enough.
//!
//! Some is always held: a few bytes a document, the codebook in training, and of the sample the
//! first rows and one part. The rest decides only how much of everything else is held at a time.

use crate::error::{Error, Result};
use crate::segment::documents::KeyWriter;
use colidx_cluster::{FIRST_BYTES, TrainOptions};

/// The program itself, and slack of its buffers.
const PROGRAM: usize = 24 << 20;
/// A thread's stack and buffers.
const THREAD: usize = 8 << 20;
/// A document's place in the sample's order, its offsets, and the place of its vectors.
const DOCUMENT: usize = 48;
/// A value of the codebook, held several times: as stored, and laid out for comparisons.
const CODEBOOK: usize = 8;
/// The same in training: as trained, rounded, and in the graph.
const TRAINED: usize = 16;

/// The bytes that a build may hold.
#[derive(Debug, Clone)]
pub(super) struct Memory {
    total: usize,
    documents: usize,
    /// Bytes of their keys.
    keys: usize,
    threads: usize,
    /// Centroids of the codebook, and their values.
    centroids: usize,
    dim: usize,
    /// Bytes of the sample's vectors.
    sample: usize,
}

impl Memory {
    /// Divides `total` bytes for documents with these keys.
    ///
    /// # Errors
    ///
    /// [`Error::Memory`] when that is too little in any case.
    pub(super) fn new(total: usize, keys: &KeyWriter) -> Result<Self> {
        let memory = Self::unchecked(total, keys);
        memory.check()?;
        Ok(memory)
    }

    /// The same with an existing codebook: too little for either is refused at once, with what is
    /// enough for both.
    ///
    /// # Errors
    ///
    /// As [`Memory::new`].
    pub(super) fn with_trained(
        total: usize,
        keys: &KeyWriter,
        centroids: usize,
        dim: usize,
    ) -> Result<Self> {
        Self::unchecked(total, keys).with_codebook(centroids, dim, 0)
    }

    fn unchecked(total: usize, keys: &KeyWriter) -> Self {
        Self {
            total,
            documents: keys.len(),
            keys: keys.bytes(),
            threads: rayon::current_num_threads(),
            centroids: 0,
            dim: 0,
            sample: 0,
        }
    }

    /// The same with a codebook of `centroids` centroids, trained on `vectors` vectors, or not
    /// trained if that is 0.
    ///
    /// # Errors
    ///
    /// [`Error::Memory`] when that is too little.
    pub(super) fn with_codebook(&self, centroids: usize, dim: usize, vectors: u64) -> Result<Self> {
        let vectors = usize::try_from(vectors).unwrap_or(usize::MAX);
        let memory = Self {
            centroids,
            dim,
            sample: vectors.saturating_mul(dim * size_of::<f32>()),
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
        let Self {
            documents,
            centroids,
            dim,
            ..
        } = self;
        Err(Error::Memory {
            got: self.total as u64,
            least: least as u64,
            of: match centroids {
                0 => format!("{documents} documents"),
                _ => format!("{documents} documents and {centroids} centroids of {dim} dimensions"),
            },
        })
    }

    fn codebook(&self, bytes: usize) -> usize {
        self.centroids
            .saturating_mul(self.dim)
            .saturating_mul(bytes)
    }

    /// Bytes that are always held.
    fn least(&self) -> usize {
        let codebook = self.codebook(if self.sample > 0 { TRAINED } else { CODEBOOK });
        let part = TrainOptions::new(0).part_bytes.min(self.sample);
        let first = FIRST_BYTES.min(self.sample);
        [self.fixed(), codebook, first, part, part / 2]
            .into_iter()
            .fold(0, usize::saturating_add)
    }

    /// Bytes held from beginning to end.
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
        let codebook = self.codebook(TRAINED / 2);
        let first = FIRST_BYTES.min(self.sample);
        let left = self.spare().saturating_sub(codebook).saturating_sub(first);
        left / 2
    }

    /// For one batch of vectors being compressed; the next, as large, is gathered meanwhile. Both
    /// may exceed it by what was read last.
    pub(super) fn gathered(&self) -> usize {
        self.spare() / 32
    }

    /// For posting lists that are made at a time.
    pub(super) fn lists(&self) -> usize {
        self.spare() / 2
    }

    /// For postings of words and values of metadata. More makes nothing faster.
    pub(super) fn derived(&self) -> usize {
        (self.spare() / 2).min(256 << 20)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(count: usize) -> KeyWriter {
        let mut keys = KeyWriter::default();
        (0..count).for_each(|key| keys.push(&key.to_string()).unwrap());
        keys
    }

    #[test]
    fn too_little_is_refused_with_what_would_do() {
        let keys = keys(5000);
        let with =
            |total: u64| Memory::new(total as usize, &keys)?.with_codebook(1 << 20, 96, 1 << 26);
        let Err(error) = with(256 << 20) else {
            panic!("that is too little");
        };
        let said = error.to_string();
        assert!(said.starts_with("256MiB of memory is too little for 5000 documents and 1048576 centroids of 96 dimensions"), "{said}");
        let Error::Memory { least, .. } = error else {
            panic!("{error}");
        };
        assert!(with(least).is_ok() && with(least - 1).is_err());
        let error = Memory::new(1 << 20, &keys).unwrap_err().to_string();
        assert!(error.contains("for 5000 documents; give"), "{error}");
        let large = Memory::new(usize::MAX, &keys).unwrap();
        assert!(
            large
                .with_codebook(usize::MAX, usize::MAX / 8, u64::MAX)
                .is_ok()
        );
    }

    #[test]
    fn with_a_codebook_that_is_there_what_would_do_is_named_at_once() {
        let keys = keys(100);
        let with = |total: u64| Memory::with_trained(total as usize, &keys, 1 << 20, 96);
        let Err(Error::Memory { least, .. }) = with(1 << 20) else {
            panic!("that is too little");
        };
        assert!(with(least).is_ok() && with(least - 1).is_err());
    }

    #[test]
    fn what_the_promises_name_is_enough() {
        // SciFact, and what a million documents need beside some bytes a document, on as many
        // threads as they were built with.
        let threads = rayon::ThreadPoolBuilder::new().num_threads(2);
        threads.build().unwrap().install(|| {
            let scifact = Memory::new(256 << 20, &keys(5183)).unwrap();
            scifact.with_codebook(16_384, 96, 1 << 20).unwrap();
            let million = Memory::new((1 << 30) - (80 << 20), &keys(10)).unwrap();
            million.with_codebook(1 << 18, 128, 1 << 24).unwrap();
        });
    }
}
