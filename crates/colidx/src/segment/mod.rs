//! Segments: documents that were written together, each kind of data in a file of its own.
//!
//! What every query reads (codes, posting lists) stays apart from what is read for few documents
//! (residuals, text), so the first can stay in memory while the second stays on disk.

pub(crate) mod codes;
pub(crate) mod documents;
mod elias_fano;
pub(crate) mod means;
pub(crate) mod postings;
pub(crate) mod text;
pub(crate) mod vectors;

use crate::codebook::Codebook;
use crate::error::Result;
use crate::format::frame::Frame;
use crate::format::kind;
use crate::format::manifest::{Manifest, SegmentEntry};
use crate::storage::Directory;
use documents::Documents;
use means::Means;
use postings::Postings;
use text::Text;
use vectors::Vectors;

/// One segment, read in place.
#[derive(Debug, Clone)]
pub(crate) struct Segment {
    pub documents: Documents,
    pub vectors: Vectors,
    pub means: Means,
    pub postings: Postings,
    /// `None` when the index was built from vectors without text.
    pub text: Option<Text>,
}

impl Segment {
    pub(crate) fn open(
        directory: &Directory,
        manifest: &Manifest,
        of: &Frame,
        entry: SegmentEntry,
    ) -> Result<Self> {
        let open = |kind| manifest.open_file(directory, of, kind, entry.number);
        let text = match manifest.file(kind::TEXT, entry.number) {
            Some(_) => Some(Text::open(open(kind::TEXT)?)?),
            None => None,
        };
        Ok(Self {
            documents: Documents::open(open(kind::DOCUMENTS)?, entry)?,
            vectors: Vectors::open(
                open(kind::CODES)?,
                open(kind::RESIDUALS)?,
                entry.vectors,
                manifest,
            )?,
            means: Means::open(open(kind::MEANS)?, entry.documents, manifest.dim)?,
            postings: Postings::open(open(kind::POSTINGS)?, manifest.centroids)?,
            text,
        })
    }

    pub(crate) fn frames(&self) -> impl Iterator<Item = &Frame> {
        let vectors = [&self.vectors.codes_frame, &self.vectors.residuals_frame];
        [&self.documents.frame]
            .into_iter()
            .chain(vectors)
            .chain([&self.means.frame, &self.postings.frame])
            .chain(self.text.as_ref().map(|t| &t.frame))
    }

    /// Checks every checksum and every offset.
    pub(crate) fn verify(&self, codebook: &Codebook) -> Result<()> {
        for frame in self.frames() {
            frame.check_all()?;
        }
        self.documents.verify()?;
        self.vectors.verify(codebook)?;
        self.postings.verify(self)?;
        if let Some(text) = &self.text {
            text.verify(self.documents.len())?;
        }
        Ok(())
    }
}
