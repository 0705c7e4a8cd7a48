//! Token vectors from files, as the engine's source of vectors.

use std::error::Error;
use std::path::Path;

use colidx_core::{SourceDocument, VectorBatch, VectorSource};
use colidx_data::embeddings::{self, Embeddings, EmbeddingsError};

/// Reads vectors that were made before: a folder with `doc_embeddings.npy` and `doc_lens.npy`.
pub struct EmbeddingsSource {
    embeddings: Embeddings,
    fingerprint: String,
}

impl EmbeddingsSource {
    /// Opens the folder.
    ///
    /// # Errors
    /// A file is missing or malformed, or the files do not fit each other.
    pub fn open(folder: &Path) -> Result<EmbeddingsSource, EmbeddingsError> {
        Ok(EmbeddingsSource {
            embeddings: Embeddings::open(folder)?,
            fingerprint: embeddings::fingerprint(folder),
        })
    }

    /// The files.
    pub fn embeddings(&self) -> &Embeddings {
        &self.embeddings
    }
}

impl VectorSource for EmbeddingsSource {
    fn dim(&self) -> usize {
        self.embeddings.dim()
    }

    fn fingerprint(&self) -> String {
        self.fingerprint.clone()
    }

    fn needs_text(&self) -> bool {
        false
    }

    fn rereads(&self) -> bool {
        true
    }

    fn encode(
        &mut self,
        documents: &[SourceDocument<'_>],
        out: &mut VectorBatch,
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        let numbers: Vec<u64> = documents
            .iter()
            .map(|document| document.ordinal.into())
            .collect();
        self.embeddings.read(
            &numbers,
            &mut out.vectors,
            &mut out.lens,
            &mut out.token_ids,
        )?;
        Ok(())
    }
}
