//! Files that are made of a segment's stored text: columns of its metadata, and its words.
//!
//! They are made whenever a segment is written or merged, so they hold what the same documents
//! would give in a new index.

use crate::error::{Error, Result};
use crate::format::frame::Frame;
use crate::format::manifest::{Features, FileEntry};
use crate::format::{FileKind, file_name};
use crate::progress::Progress;
use crate::segment::columns;
use crate::segment::text::Text;
use crate::segment::words::WordsWriter;
use crate::storage::Directory;
use colidx_metadata::columns::ColumnsWriter;

/// Documents between two looks at whether to stop.
const STEP: u32 = 1 << 10;

/// Writes what `features` ask for of the text in `file`, with about `memory` bytes for postings.
pub(super) fn derive(
    directory: &Directory,
    file: &FileEntry,
    features: &Features,
    memory: usize,
    progress: &dyn Progress,
) -> Result<Vec<FileEntry>> {
    let number = file.number;
    let name = file_name(FileKind::Text, number);
    let frame = Frame::open(directory, &name, FileKind::Text, Some(file.digest))?;
    let mut metadata = ColumnsWriter::new();
    let analyzer = features.analyzer()?;
    let mut words = analyzer.map(|a| WordsWriter::new(directory, number, a, memory));
    Text::open(frame)?.each(|document, stored| {
        if document.is_multiple_of(STEP) && progress.cancelled() {
            return Err(Error::Cancelled);
        }
        if features.columns {
            let pushed = metadata.push(stored.metadata);
            pushed.map_err(|error| Error::Metadata {
                key: format!("number {document} of {name}"),
                problem: error.to_string(),
            })?;
        }
        match &mut words {
            Some(words) => words.push(stored.title, stored.text),
            None => Ok(()),
        }
    })?;
    let mut files = Vec::new();
    if !metadata.is_empty() {
        let digest = columns::write(directory, number, metadata)?;
        files.push(FileEntry::new(FileKind::Columns, number, digest));
    }
    if let Some(words) = words {
        files.push(FileEntry::new(FileKind::Words, number, words.finish()?));
    }
    Ok(files)
}
