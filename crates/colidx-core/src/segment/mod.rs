//! Segments: documents that were written together, each kind of data in a file of its own.
//!
//! What every query reads (codes, posting lists) stays apart from what is read for few documents
//! (residuals, text), so the first can stay in memory while the second stays on disk.

pub(crate) mod deleted;
pub(crate) mod documents;
mod elias_fano;
pub(crate) mod mean_residuals;
pub(crate) mod postings;
pub(crate) mod text;
pub(crate) mod vectors;

use crate::codebook::Codebook;
use crate::error::Result;
use crate::format::frame::Frame;
use crate::format::kind;
use crate::format::manifest::{Manifest, SegmentEntry};
use crate::storage::Directory;
use deleted::Deleted;
use documents::Documents;
use mean_residuals::MeanResiduals;
use postings::Postings;
use text::Text;
use vectors::Vectors;

/// One segment, read in place.
#[derive(Debug, Clone)]
pub(crate) struct Segment {
    pub documents: Documents,
    pub vectors: Vectors,
    pub mean_residuals: MeanResiduals,
    pub postings: Postings,
    /// `None` when its documents came as vectors without text.
    pub text: Option<Text>,
    /// Its documents that are no longer there.
    pub deleted: Deleted,
}

impl Segment {
    pub(crate) fn open(
        directory: &Directory,
        manifest: &Manifest,
        of: &Frame,
        entry: SegmentEntry,
    ) -> Result<Self> {
        let open = |kind| manifest.open_file(directory, of, kind, entry.number);
        let scattered = |kind| Ok::<_, crate::Error>(open(kind)?.read_here_and_there());
        let text = match manifest.file(kind::TEXT, entry.number) {
            Some(_) => Some(Text::open(scattered(kind::TEXT)?)?),
            None => None,
        };
        Ok(Self {
            documents: Documents::open(open(kind::DOCUMENTS)?, entry)?,
            vectors: Vectors::open(
                scattered(kind::CODES)?,
                scattered(kind::RESIDUALS)?,
                entry.vectors,
                manifest,
            )?,
            mean_residuals: MeanResiduals::open(
                scattered(kind::MEANS)?,
                entry.documents,
                manifest.dim,
            )?,
            postings: Postings::open(
                scattered(kind::POSTINGS)?,
                manifest.centroids,
                entry.vectors,
            )?,
            text,
            deleted: Deleted::default(),
        })
    }

    /// The numbers of its documents that are not deleted, ascending.
    pub(crate) fn live(&self) -> impl Iterator<Item = u32> + '_ {
        (0..self.documents.len()).filter(|&document| !self.deleted.contains(document))
    }

    /// The document with this key, unless it is deleted.
    pub(crate) fn find(&self, key: &str) -> Result<Option<u32>> {
        let found = self.documents.find(key)?;
        Ok(found.filter(|&document| !self.deleted.contains(document)))
    }

    /// The keys of its documents that are not deleted, ascending.
    pub(crate) fn sorted_keys(&self) -> impl Iterator<Item = Result<&[u8]>> + '_ {
        let all = self.documents.by_key();
        let live = move |d: &Result<u32>| !matches!(d, Ok(d) if self.deleted.contains(*d));
        all.filter(live).map(|d| self.documents.key_bytes(d?))
    }

    pub(crate) fn frames(&self) -> impl Iterator<Item = &Frame> {
        let vectors = [&self.vectors.codes_frame, &self.vectors.residuals_frame];
        [&self.documents.frame]
            .into_iter()
            .chain(vectors)
            .chain([&self.mean_residuals.frame, &self.postings.frame])
            .chain(self.text.as_ref().map(|t| &t.frame))
    }

    /// Replaces `codes` and `out` by those of a document's vectors, which are decoded to `[n_tokens, dim]` f32 row-major.
    pub(crate) fn decode(
        &self,
        codebook: &Codebook,
        document: u32,
        codes: &mut Vec<u32>,
        out: &mut Vec<f32>,
    ) -> Result<()> {
        let range = self.documents.vectors(document)?;
        self.vectors.codes.read(range.clone(), codes);
        let residuals = self.vectors.residuals(range);
        self.vectors.decode(codebook, codes, residuals, out)
    }

    /// Compares every section with its checksum.
    pub(crate) fn check(&self) -> Result<()> {
        self.frames().try_for_each(Frame::check_all)
    }

    /// Gives up the memory of what was read of it.
    pub(crate) fn release(&self) {
        self.frames().for_each(Frame::release);
    }

    /// Checks every checksum and every offset.
    pub(crate) fn verify(&self, codebook: &Codebook) -> Result<()> {
        self.check()?;
        self.documents.verify()?;
        self.vectors.verify(codebook)?;
        self.postings.verify(self)?;
        if let Some(text) = &self.text {
            text.verify(self.documents.len())?;
        }
        Ok(())
    }
}
