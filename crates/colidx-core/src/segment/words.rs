//! Words: for each word, the documents of a segment that have it.
//!
//! They are made of the stored text when a segment is written, and can be made of it again.

use crate::error::{Error, FormatErrorKind, Result};
use crate::format::frame::{FileDigest, Frame, FrameWriter, Section};
use crate::format::manifest::AnalyzerInfo;
use crate::format::{FileKind, Tag, file_name};
use crate::segment::spool::{FrameSections, Spools};
use crate::storage::Directory;
use colidx_lexical::{Analyzer, Options, Reader, Writer};

/// The words of a segment, read in place.
#[derive(Debug, Clone)]
pub(crate) struct Words {
    pub frame: Frame,
    reader: Reader<Section<u8>>,
}

impl Words {
    /// Of a segment of `documents`, in an index of this analyzer.
    pub(crate) fn open(
        frame: Frame,
        documents: u32,
        analyzer: Option<&AnalyzerInfo>,
    ) -> Result<Self> {
        let opened = Reader::open(|tag| frame.section(Tag(tag)).ok());
        let reader = opened.map_err(|error| damaged(&frame, error))?;
        let got = reader.info().documents;
        if got != documents {
            let field = "number of documents";
            return Err(frame.error(FormatErrorKind::invalid("WINF", field, documents, got)));
        }
        let of = |info: &AnalyzerInfo| format!("{}, version {}", info.analyzer, info.version);
        let info = reader.info();
        let got = of(&AnalyzerInfo {
            analyzer: info.analyzer.clone(),
            version: info.analyzer_version,
        });
        let expected = analyzer.map_or_else(|| "none".into(), of);
        if got != expected {
            return Err(frame.error(FormatErrorKind::invalid("WINF", "analyzer", expected, got)));
        }
        Ok(Self { frame, reader })
    }

    pub(crate) fn reader(&self) -> &Reader<Section<u8>> {
        &self.reader
    }

    pub(crate) fn verify(&self) -> Result<()> {
        self.reader
            .verify()
            .map_err(|error| damaged(&self.frame, error))
    }
}

/// Names the file in an error about its bytes.
pub(crate) fn damaged(frame: &Frame, error: colidx_lexical::Error) -> Error {
    use colidx_lexical::Error as WordsError;
    match error {
        WordsError::Damaged {
            tag,
            what,
            expected,
            got,
        } => frame.error(FormatErrorKind::invalid(tag, what, expected, got)),
        WordsError::Missing { tag } => frame.error(FormatErrorKind::MissingSection {
            section: tag.to_string(),
        }),
        other => other.into(),
    }
}

/// Collects the words of a segment's documents, and writes them.
pub(crate) struct WordsWriter {
    directory: Directory,
    number: u32,
    writer: Writer<Spools>,
}

impl WordsWriter {
    /// Holds about `memory` bytes of postings at a time.
    pub(crate) fn new(
        directory: &Directory,
        number: u32,
        analyzer: Analyzer,
        memory: usize,
    ) -> Self {
        let spools = Spools::new(directory, "words");
        let options = Options {
            memory,
            ..Options::default()
        };
        Self {
            directory: directory.clone(),
            number,
            writer: Writer::new(analyzer, options, spools),
        }
    }

    /// Adds the next document.
    pub(crate) fn push(&mut self, title: &str, text: &str) -> Result<()> {
        self.writer.push(title, text)
    }

    pub(crate) fn finish(self) -> Result<FileDigest> {
        let name = file_name(FileKind::Words, self.number);
        let mut out = FrameWriter::create(&self.directory, &name, FileKind::Words)?;
        self.writer.finish(&mut FrameSections::new(&mut out))?;
        out.finish()
    }
}
