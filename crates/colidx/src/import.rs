//! Indexes of other late-interaction engines: [`ForeignIndex`] reads one, [`ForeignSource`] gives
//! its vectors to an [`IndexWriter`](crate::IndexWriter).
//!
//! ```no_run
//! use colidx::import::{ForeignIndex, ForeignSource, new_document};
//! use colidx::{BuildOptions, IndexWriter, NoProgress};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut foreign = ForeignIndex::open("plaid/index".as_ref())?;
//! let mut writer = IndexWriter::create("docs.colidx", BuildOptions::default())?;
//! for document in foreign.documents() {
//!     writer.add(new_document(&document?))?;
//! }
//! writer.commit(&mut ForeignSource::new(&foreign), &NoProgress)?;
//! # Ok(())
//! # }
//! ```

use std::error::Error;

use colidx_core::{NewDocument, SourceDocument, VectorBatch, VectorSource};

pub use colidx_import::*;

/// Values after which a batch is handed over though more documents were asked for: 64 MiB.
const BATCH: usize = 1 << 24;

/// A document of another engine's index, to add to one of ours.
pub fn new_document(document: &ForeignDocument) -> NewDocument<'_> {
    NewDocument::new(&document.key)
        .title(&document.title)
        .text(&document.text)
        .metadata(&document.metadata_json)
}

/// The vectors of an index, for all of its documents added in order since the last commit.
pub struct ForeignSource {
    vectors: VectorReader,
    fingerprint: String,
}

impl ForeignSource {
    /// The vectors of `index`.
    pub fn new(index: &ForeignIndex) -> ForeignSource {
        ForeignSource {
            vectors: index.vectors(),
            fingerprint: index.fingerprint(),
        }
    }
}

impl VectorSource for ForeignSource {
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
            let tokens = self
                .vectors
                .read(document.ordinal as usize, &mut out.vectors)?;
            out.lens.push(tokens);
            if out.vectors.len() >= BATCH {
                break;
            }
        }
        Ok(())
    }
}
