//! Token vectors from files, as the engine's source of vectors.

use std::error::Error;
use std::path::Path;

use colidx_core::VectorBatch;
use colidx_data::embeddings::{self, Embeddings, EmbeddingsError};

use crate::stored::{StoredSource, StoredVectors};

/// Reads vectors that were made before, in any of the forms of
/// [`embeddings`](mod@colidx_data::embeddings).
///
/// ```no_run
/// use colidx::corpus::read_keys;
/// use colidx::{BuildOptions, EmbeddingsSource, IndexWriter, NoProgress};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut source = EmbeddingsSource::open("pages.safetensors".as_ref())?; // a tensor a page
/// let mut writer = IndexWriter::create("pages.colidx", BuildOptions::default())?;
/// read_keys(source.vectors(), &mut |document| writer.add(document))?;
/// writer.commit(&mut source, &NoProgress)?;
/// # Ok(())
/// # }
/// ```
pub type EmbeddingsSource = StoredSource<Embeddings>;

impl StoredSource<Embeddings> {
    /// Opens a file or folder.
    ///
    /// # Errors
    /// A file is missing or malformed, or the files do not fit each other.
    pub fn open(path: &Path) -> Result<EmbeddingsSource, EmbeddingsError> {
        Ok(EmbeddingsSource::new(Embeddings::open(path)?, path))
    }

    /// Reads from `embeddings`, which were opened at `path`.
    pub fn new(embeddings: Embeddings, path: &Path) -> EmbeddingsSource {
        StoredSource::over(embeddings, embeddings::fingerprint(path))
    }
}

impl StoredVectors for Embeddings {
    fn dim(&self) -> usize {
        Embeddings::dim(self)
    }

    fn read(
        &mut self,
        document: u64,
        out: &mut VectorBatch,
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        Embeddings::read(
            self,
            &[document],
            &mut out.vectors,
            &mut out.lens,
            &mut out.token_ids,
        )?;
        Ok(())
    }
}
