//! Token vectors that lie in files, as the engine's source of vectors.

use std::error::Error;

use colidx_core::{SourceDocument, VectorBatch, VectorSource};

/// Values after which a batch is handed over though more documents were asked for: 64 MiB.
const BATCH: usize = 1 << 24;

/// Files of token vectors, which can be read in any order.
pub trait StoredVectors {
    /// Values in a vector.
    fn dim(&self) -> usize;

    /// Appends the vectors of a document, counted from 0, to a batch.
    ///
    /// # Errors
    /// Any.
    fn read(
        &mut self,
        document: u64,
        out: &mut VectorBatch,
    ) -> Result<(), Box<dyn Error + Send + Sync>>;
}

/// The vectors of all documents added since the last commit: in the order in which they lie in
/// their files, or in another that was set.
pub struct StoredSource<V> {
    vectors: V,
    fingerprint: String,
    /// By document, its number in the files; `None` where it is its place.
    order: Option<Vec<u64>>,
}

impl<V: StoredVectors> StoredSource<V> {
    /// `fingerprint` changes when the files do.
    pub(crate) fn over(vectors: V, fingerprint: String) -> StoredSource<V> {
        StoredSource {
            vectors,
            fingerprint,
            order: None,
        }
    }

    /// What reads the files.
    pub fn vectors(&self) -> &V {
        &self.vectors
    }

    /// Says which document in the files each added document is, from 0.
    pub fn set_order(&mut self, order: Vec<u64>) {
        self.order = Some(order);
    }
}

impl<V: StoredVectors> VectorSource for StoredSource<V> {
    fn dim(&self) -> usize {
        self.vectors.dim()
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
        for document in documents {
            let ordinal = document.ordinal as usize;
            let number = match &self.order {
                None => ordinal as u64,
                Some(order) => *order
                    .get(ordinal)
                    .ok_or("more documents were added than the files have vectors for")?,
            };
            self.vectors.read(number, out)?;
            if out.vectors.len() >= BATCH {
                break;
            }
        }
        Ok(())
    }
}
