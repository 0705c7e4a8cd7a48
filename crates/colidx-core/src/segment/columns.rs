//! Columns: the metadata of a segment's documents by field and value, for filters.
//!
//! They are made of the stored metadata when a segment is written, and can be made of them again.

use crate::error::{Error, FormatErrorKind, Result};
use crate::format::frame::{FileDigest, Frame, FrameWriter, Section};
use crate::format::{FileKind, Tag, file_name};
use crate::segment::text::Text;
use crate::storage::Directory;
use colidx_metadata::Filter;
use colidx_metadata::columns::{Bits, ColumnsError, ColumnsWriter, Sections};

/// The columns of a segment, read in place.
#[derive(Debug, Clone)]
pub(crate) struct Columns {
    pub frame: Frame,
    columns: colidx_metadata::columns::Columns<Section<u8>>,
}

/// Why columns do not open.
enum OpenError {
    Section(Error),
    Columns(ColumnsError),
}

impl From<ColumnsError> for OpenError {
    fn from(error: ColumnsError) -> Self {
        Self::Columns(error)
    }
}

impl Columns {
    pub(crate) fn open(frame: Frame, documents: u32) -> Result<Self> {
        let section = |tag| frame.section(Tag(tag)).map_err(OpenError::Section);
        let opened = colidx_metadata::columns::Columns::open(documents, section);
        match opened {
            Ok(columns) => Ok(Self { frame, columns }),
            Err(OpenError::Section(error)) => Err(error),
            Err(OpenError::Columns(error)) => Err(damaged(&frame, error)),
        }
    }

    /// Of all documents, those that match, deleted ones included.
    pub(crate) fn matching(&self, filter: &Filter) -> Result<Bits> {
        self.checked(self.columns.evaluate(filter))
    }

    /// The columns themselves.
    pub(crate) fn get(&self) -> &colidx_metadata::columns::Columns<Section<u8>> {
        &self.columns
    }

    /// Names the file in an error of the columns.
    pub(crate) fn checked<T>(&self, result: Result<T, ColumnsError>) -> Result<T> {
        result.map_err(|error| damaged(&self.frame, error))
    }

    pub(crate) fn verify(&self) -> Result<()> {
        self.checked(self.columns.verify())
    }

    /// Checks that they say of every document what its stored metadata say.
    pub(super) fn verify_against(&self, text: Option<&Text>) -> Result<()> {
        let mut comparison = self.columns.compare();
        if let Some(text) = text {
            text.each(|_, stored| self.checked(comparison.push(stored.metadata)))?;
        }
        self.checked(comparison.finish())
    }
}

fn damaged(frame: &Frame, error: ColumnsError) -> Error {
    let ColumnsError {
        section,
        what,
        expected,
        got,
    } = error;
    frame.error(FormatErrorKind::invalid(section, what, expected, got))
}

/// Writes what a segment's documents have.
pub(crate) fn write(
    directory: &Directory,
    number: u32,
    columns: ColumnsWriter,
) -> Result<FileDigest> {
    let name = file_name(FileKind::Columns, number);
    let mut out = FrameWriter::create(directory, &name, FileKind::Columns)?;
    columns.finish(&mut out)?;
    out.finish()
}

impl Sections for FrameWriter {
    type Error = Error;

    fn begin(&mut self, tag: [u8; 4]) -> Result<()> {
        FrameWriter::begin(self, Tag(tag))
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        FrameWriter::write(self, bytes)
    }
}
