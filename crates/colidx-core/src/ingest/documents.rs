//! Documents of a segment to be: their text is stored as they come, and encoded from there.

use super::NewDocument;
use crate::error::{Error, Result};
use crate::format::frame::Frame;
use crate::format::manifest::FileEntry;
use crate::format::{FileKind, MAX_DOCUMENT_BYTES, file_name};
use crate::segment::documents::{KeyWriter, check_key};
use crate::segment::text::{Text, TextWriter};
use crate::storage::Directory;

/// Collects the documents of a segment.
pub(crate) struct DocumentWriter {
    number: u32,
    keys: KeyWriter,
    text: TextWriter,
    stores_text: bool,
    without_text: u64,
    /// A write failed half way: keys and text are out of step.
    poisoned: bool,
}

/// The documents of a segment, stored but not encoded.
pub(crate) struct StoredDocuments {
    /// Number of the segment's files.
    pub number: u32,
    pub keys: KeyWriter,
    /// The file of their text; `None` when none has any.
    pub text: Option<FileEntry>,
    /// Documents whose title and text are both empty, where others have text.
    pub without_text: u64,
}

impl DocumentWriter {
    /// For a segment whose files get this number.
    pub(crate) fn create(directory: &Directory, number: u32) -> Result<Self> {
        Ok(Self {
            number,
            keys: KeyWriter::default(),
            text: TextWriter::create(directory, number)?,
            stores_text: false,
            without_text: 0,
            poisoned: false,
        })
    }

    /// Adds a document. A refused one leaves no trace; after a failed write every call fails.
    pub(crate) fn add(&mut self, document: &NewDocument<'_>) -> Result<()> {
        if self.poisoned {
            return Err(Error::Poisoned);
        }
        if self.keys.len() as u64 == u64::from(u32::MAX) {
            return Err(Error::TooManyDocuments {
                max: u32::MAX.into(),
            });
        }
        check_document(document)?;
        let NewDocument {
            key,
            title,
            text,
            metadata,
        } = *document;
        self.keys.push(key)?;
        self.stores_text |= !(title.is_empty() && text.is_empty() && metadata.is_empty());
        self.without_text += u64::from(title.is_empty() && text.is_empty());
        self.poisoned = true;
        self.text.push(key, [title, text, metadata])?;
        self.poisoned = false;
        Ok(())
    }

    /// Documents added so far.
    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    /// Frees the key of an added document for another.
    pub(crate) fn forget(&mut self, key: &str) {
        self.keys.forget(key);
    }

    pub(crate) fn finish(self) -> Result<StoredDocuments> {
        if self.poisoned {
            return Err(Error::Poisoned);
        }
        let digest = self.text.finish()?;
        let text = FileEntry::new(FileKind::Text, self.number, digest);
        Ok(StoredDocuments {
            number: self.number,
            keys: self.keys,
            text: self.stores_text.then_some(text),
            without_text: if self.stores_text {
                self.without_text
            } else {
                0
            },
        })
    }
}

/// Checks the lengths of key and text, and that metadata is a JSON object.
pub(crate) fn check_document(document: &NewDocument<'_>) -> Result<()> {
    check_key(document.key)?;
    let got = document.title.len() + document.text.len() + document.metadata.len();
    if got > MAX_DOCUMENT_BYTES {
        return Err(Error::DocumentTooLarge {
            key: document.key.into(),
            got,
            max: MAX_DOCUMENT_BYTES,
        });
    }
    colidx_metadata::columns::check(document.metadata).map_err(|problem| Error::Metadata {
        key: document.key.into(),
        problem: problem.to_string(),
    })
}

impl StoredDocuments {
    /// Opens their text.
    pub(crate) fn open_text(&self, directory: &Directory) -> Result<Option<Text>> {
        let Some(file) = self.text else {
            return Ok(None);
        };
        let name = file_name(FileKind::Text, file.number);
        let frame = Frame::open(directory, &name, FileKind::Text, Some(file.digest))?;
        Text::open(frame).map(Some)
    }
}
