//! Segments: documents that were written together, in one file for each [`component`].

pub(crate) mod columns;
mod component;
pub(crate) mod deleted;
pub(crate) mod documents;
mod elias_fano;
pub(crate) mod mean_residuals;
pub(crate) mod postings;
mod spool;
pub(crate) mod text;
pub(crate) mod vectors;
pub(crate) mod words;

use crate::codebook::Codebook;
use crate::error::{FormatErrorKind, Result};
use crate::format::FileKind;
use crate::format::frame::Frame;
use crate::format::manifest::{Manifest, SegmentEntry};
use crate::storage::Directory;
use colidx_metadata::columns::has_fields;
use columns::Columns;
use component::{COMPONENTS, Opener};
use deleted::Deleted;
use documents::Documents;
use mean_residuals::MeanResiduals;
use postings::Postings;
use text::Text;
use vectors::Vectors;
use words::Words;

/// One segment, read in place.
#[derive(Debug, Clone)]
pub(crate) struct Segment {
    pub documents: Documents,
    pub vectors: Vectors,
    pub mean_residuals: MeanResiduals,
    pub postings: Postings,
    /// `None` when its documents came as vectors without text.
    pub text: Option<Text>,
    /// `None` when no document has metadata, or they are not in columns.
    pub columns: Option<Columns>,
    /// `None` without text, and in an index without words.
    pub words: Option<Words>,
    /// Its documents that are no longer there.
    pub deleted: Deleted,
}

impl Segment {
    pub(crate) fn open(
        directory: &Directory,
        manifest: &Manifest,
        manifest_frame: &Frame,
        entry: SegmentEntry,
    ) -> Result<Self> {
        let files = Opener {
            directory,
            manifest,
            manifest_frame,
            number: entry.number,
        };
        let text = files.open_optional(FileKind::Text)?;
        let columns = files.open_optional(FileKind::Columns)?;
        let columns = columns.map(|frame| Columns::open(frame, entry.documents));
        let words = files.open_optional(FileKind::Words)?;
        let analyzer = manifest.features.words.as_ref();
        let words = words.map(|frame| Words::open(frame, entry.documents, analyzer));
        let documents = files.open(FileKind::Documents)?;
        let (codes, residuals) = (
            files.open(FileKind::Codes)?,
            files.open(FileKind::Residuals)?,
        );
        let mean_residuals = files.open(FileKind::MeanResiduals)?;
        let postings = files.open(FileKind::Postings)?;
        Ok(Self {
            documents: Documents::open(documents, entry)?,
            vectors: Vectors::open(codes, residuals, entry.vectors, manifest)?,
            mean_residuals: MeanResiduals::open(mean_residuals, entry.documents, manifest.dim)?,
            postings: Postings::open(postings, manifest.centroids, entry.vectors)?,
            text: text.map(Text::open).transpose()?,
            columns: columns.transpose()?,
            words: words.transpose()?,
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

    /// Its files.
    pub(crate) fn frames(&self) -> impl Iterator<Item = &Frame> {
        let components = COMPONENTS.iter();
        components.filter_map(|component| (component.frame)(self))
    }

    /// Replaces `codes` by the codes of a document's vectors, and `out` by the vectors as they
    /// decode, `[n_tokens, dim]` row-major.
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

    /// Replaces `codes` by the codes of a document's vectors, each of a centroid that there is.
    pub(crate) fn codes(
        &self,
        codebook: &Codebook,
        document: u32,
        codes: &mut Vec<u32>,
    ) -> Result<()> {
        let range = self.documents.vectors(document)?;
        self.vectors.read_codes(codebook, range, codes)
    }

    /// Compares every section with its checksum.
    pub(crate) fn check(&self) -> Result<()> {
        self.frames().try_for_each(Frame::check_all)
    }

    /// Gives up the memory of what was read of it.
    pub(crate) fn advise_dontneed(&self) {
        self.frames().for_each(Frame::advise_dontneed);
    }

    /// Checks every checksum and every offset.
    pub(crate) fn verify(&self, codebook: &Codebook) -> Result<()> {
        self.check()?;
        let mut components = COMPONENTS.iter();
        components.try_for_each(|component| (component.verify)(self, codebook))
    }

    /// Checks that columns hold the metadata of its documents, all and no others.
    pub(crate) fn verify_columns(&self) -> Result<()> {
        match (&self.columns, &self.text) {
            (Some(columns), text) => columns.verify_against(text.as_ref()),
            (None, Some(text)) => text.each(|document, stored| match has_fields(stored.metadata) {
                Ok(false) => Ok(()),
                _ => Err(text.frame.error(FormatErrorKind::invalid(
                    "section DATA",
                    format!("metadata of document {document}"),
                    "none, as there are no columns",
                    "some",
                ))),
            }),
            (None, None) => Ok(()),
        }
    }
}
