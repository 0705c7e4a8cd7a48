//! Indexes of other late-interaction engines: [`ForeignIndex`] reads one, [`ForeignSource`] gives
//! its vectors to an [`IndexWriter`](crate::IndexWriter).
//!
//! ```no_run
//! use colidx::import::{ForeignIndex, ForeignSource, new_document};
//! use colidx::{BuildOptions, IndexWriter, NoProgress};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut foreign = ForeignIndex::open("plaid/index".as_ref())?;
//! let options = BuildOptions::default().nbits(foreign.suggested_nbits());
//! let mut writer = IndexWriter::create("docs.colidx", options)?;
//! for document in foreign.documents() {
//!     writer.add(new_document(&document?))?;
//! }
//! writer.commit(&mut ForeignSource::new(&foreign), &NoProgress)?;
//! # Ok(())
//! # }
//! ```

use std::error::Error;

use colidx_core::{NewDocument, VectorBatch};

use crate::stored::{StoredSource, StoredVectors};

pub use colidx_import::*;

/// A document of another engine's index, to add to one of ours.
pub fn new_document(document: &ForeignDocument) -> NewDocument<'_> {
    NewDocument::new(&document.key)
        .title(&document.title)
        .text(&document.text)
        .metadata(&document.metadata_json)
}

/// The vectors of an index, for all of its documents added in order since the last commit.
pub type ForeignSource = StoredSource<VectorReader>;

impl StoredSource<VectorReader> {
    /// The vectors of `index`.
    pub fn new(index: &ForeignIndex) -> ForeignSource {
        StoredSource::over(index.vectors(), index.fingerprint())
    }
}

impl StoredVectors for VectorReader {
    fn dim(&self) -> usize {
        VectorReader::dim(self)
    }

    fn read(
        &mut self,
        document: u64,
        out: &mut VectorBatch,
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        let tokens = VectorReader::read(self, document as usize, &mut out.vectors)?;
        out.lens.push(tokens);
        Ok(())
    }
}
