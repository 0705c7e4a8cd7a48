//! The components of a segment, in one table: each is a file of its own.
//!
//! What every query reads (codes, posting lists) stays apart from what is read for few documents
//! (residuals, text), so that the first can stay in memory while the second stays on disk.

use super::Segment;
use super::columns::Columns;
use super::words::Words;
use crate::codebook::Codebook;
use crate::error::Result;
use crate::format::FileKind;
use crate::format::frame::Frame;
use crate::format::manifest::Manifest;
use crate::storage::Directory;

/// One component of a segment.
pub(super) struct Component {
    pub kind: FileKind,
    access: Access,
    /// Its file, where the segment has it.
    pub frame: fn(&Segment) -> Option<&Frame>,
    /// Checks all of it, but for its checksums.
    pub verify: fn(&Segment, &Codebook) -> Result<()>,
}

/// How a component is read.
#[derive(PartialEq, Eq)]
enum Access {
    Sequential,
    /// Random access: reading ahead would evict more useful pages.
    Random,
}

/// All components.
pub(super) const COMPONENTS: [Component; 8] = [
    Component {
        kind: FileKind::Documents,
        access: Access::Sequential,
        frame: |segment| Some(&segment.documents.frame),
        verify: |segment, _| segment.documents.verify(),
    },
    Component {
        kind: FileKind::Codes,
        access: Access::Random,
        frame: |segment| Some(&segment.vectors.codes_frame),
        verify: |segment, codebook| segment.vectors.verify(codebook),
    },
    Component {
        kind: FileKind::Residuals,
        access: Access::Random,
        frame: |segment| Some(&segment.vectors.residuals_frame),
        // With the codes.
        verify: |_, _| Ok(()),
    },
    Component {
        kind: FileKind::MeanResiduals,
        access: Access::Random,
        frame: |segment| Some(&segment.mean_residuals.frame),
        // Every byte is valid.
        verify: |_, _| Ok(()),
    },
    Component {
        kind: FileKind::Postings,
        access: Access::Random,
        frame: |segment| Some(&segment.postings.frame),
        verify: |segment, _| segment.postings.verify(segment),
    },
    Component {
        kind: FileKind::Text,
        access: Access::Random,
        frame: |segment| segment.text.as_ref().map(|text| &text.frame),
        verify: |segment, _| match &segment.text {
            Some(text) => text.verify(segment.documents.len()),
            None => Ok(()),
        },
    },
    Component {
        kind: FileKind::Columns,
        access: Access::Random,
        frame: |segment| segment.columns.as_ref().map(|columns| &columns.frame),
        verify: |segment, _| segment.columns.as_ref().map_or(Ok(()), Columns::verify),
    },
    Component {
        kind: FileKind::Words,
        access: Access::Random,
        frame: |segment| segment.words.as_ref().map(|words| &words.frame),
        verify: |segment, _| segment.words.as_ref().map_or(Ok(()), Words::verify),
    },
];

/// Opens the files of a segment.
pub(super) struct Opener<'a> {
    pub directory: &'a Directory,
    pub manifest: &'a Manifest,
    pub manifest_frame: &'a Frame,
    /// The segment's number.
    pub number: u32,
}

impl Opener<'_> {
    /// The file of a component, which the manifest must name.
    pub(super) fn open(&self, kind: FileKind) -> Result<Frame> {
        let frame =
            (self.manifest).open_file(self.directory, self.manifest_frame, kind, self.number)?;
        let random = |c: &Component| c.kind == kind && c.access == Access::Random;
        Ok(match COMPONENTS.iter().any(random) {
            true => frame.advise_random(),
            false => frame,
        })
    }

    /// The file of a component that a segment may lack.
    pub(super) fn open_optional(&self, kind: FileKind) -> Result<Option<Frame>> {
        match self.manifest.file(kind, self.number) {
            Some(_) => self.open(kind).map(Some),
            None => Ok(None),
        }
    }
}
