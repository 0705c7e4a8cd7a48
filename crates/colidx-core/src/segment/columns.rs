//! Columns: the metadata of a segment's documents by field and value, for filters.
//!
//! They are made of the stored metadata when a segment is written, and can be made of them again.

use crate::error::{Error, FormatErrorKind, Result};
use crate::format::frame::{FileDigest, Frame, FrameWriter, Section};
use crate::format::{FileKind, Tag, file_name};
use crate::segment::spool::{Spool, Spools};
use crate::segment::text::Text;
use crate::storage::Directory;
use colidx_metadata::Filter;
use colidx_metadata::columns::{self, Bits, ColumnsError, MetadataError};
use colidx_metadata::columns::{Scratch, ScratchFile, Sections};

/// The columns of a segment, read in place.
#[derive(Debug, Clone)]
pub(crate) struct Columns {
    pub frame: Frame,
    columns: columns::Columns<Section<u8>>,
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
        let opened = columns::Columns::open(documents, section);
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
    pub(crate) fn get(&self) -> &columns::Columns<Section<u8>> {
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

/// Collects the metadata of a segment's documents, and writes them.
pub(crate) struct ColumnsWriter {
    directory: Directory,
    number: u32,
    writer: columns::ColumnsWriter<Spools>,
}

impl ColumnsWriter {
    /// Holds about `memory` bytes of values at a time.
    pub(crate) fn new(directory: &Directory, number: u32, memory: usize) -> Self {
        let spools = Spools::new(directory, "columns");
        Self {
            directory: directory.clone(),
            number,
            writer: columns::ColumnsWriter::new(memory, spools),
        }
    }

    /// Adds the metadata of the next document.
    pub(crate) fn push(&mut self, metadata: &str) -> Result<()> {
        let document = self.writer.documents();
        let pushed = self.writer.push(metadata);
        pushed.map_err(|error| error.of_document(document, self.number))
    }

    /// Writes what the documents have; nothing where that is nothing.
    pub(crate) fn finish(self) -> Result<Option<FileDigest>> {
        let (documents, number) = (self.writer.documents(), self.number);
        if self.writer.is_empty() {
            return Ok(None);
        }
        let name = file_name(FileKind::Columns, number);
        let mut out = FrameWriter::create(&self.directory, &name, FileKind::Columns)?;
        let written = self.writer.finish(&mut FrameSections(&mut out));
        written.map_err(|error| error.of_document(documents - 1, number))?;
        out.finish().map(Some)
    }
}

/// Why columns are not written.
pub(super) enum WriteError {
    Metadata(MetadataError),
    Other(Error),
}

impl WriteError {
    /// Names the document at which it came.
    fn of_document(self, document: u32, segment: u32) -> Error {
        match self {
            Self::Metadata(problem) => {
                let name = file_name(FileKind::Text, segment);
                Error::Metadata {
                    key: format!("number {document} of {name}"),
                    problem: problem.to_string(),
                }
            }
            Self::Other(error) => error,
        }
    }
}

impl From<MetadataError> for WriteError {
    fn from(error: MetadataError) -> Self {
        Self::Metadata(error)
    }
}

impl Scratch for Spools {
    type Error = WriteError;
    type File = Spool;

    fn create(&mut self) -> Result<Spool, WriteError> {
        Ok(self.next())
    }
}

impl ScratchFile for Spool {
    type Error = WriteError;

    fn append(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        Spool::append(self, bytes).map_err(WriteError::Other)
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> Result<(), WriteError> {
        Spool::read_at(self, offset, bytes).map_err(WriteError::Other)
    }
}

/// Sections of a frame.
struct FrameSections<'a>(&'a mut FrameWriter);

impl Sections for FrameSections<'_> {
    type Error = WriteError;

    fn begin(&mut self, tag: [u8; 4]) -> Result<(), WriteError> {
        self.0.begin(Tag(tag)).map_err(WriteError::Other)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        self.0.write(bytes).map_err(WriteError::Other)
    }
}
