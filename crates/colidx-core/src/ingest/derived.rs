//! Files that are made of a segment's stored text: columns of its metadata, and its words.
//!
//! They are made whenever a segment is written or merged, so they hold what the same documents
//! would give in a new index.

use crate::error::{Error, Result};
use crate::format::frame::Frame;
use crate::format::manifest::{Features, FileEntry};
use crate::format::{FileKind, file_name};
use crate::progress::Progress;
use crate::segment::columns::ColumnsWriter;
use crate::segment::text::Text;
use crate::segment::words::WordsWriter;
use crate::storage::Directory;

/// Documents between two looks at whether to stop.
const STEP: u32 = 1 << 10;

/// Writes what `features` ask for of the text in `file`, and holds about `memory` bytes for that: a
/// quarter for values of metadata, and the rest for postings.
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
    let for_columns = memory / 4;
    let mut columns = match features.columns {
        true => Some(ColumnsWriter::new(directory, number, for_columns)),
        false => None,
    };
    let for_words = memory - for_columns;
    let analyzer = features.analyzer()?;
    let mut words = analyzer.map(|a| WordsWriter::new(directory, number, a, for_words));
    Text::open(frame)?.each(|document, stored| {
        if document.is_multiple_of(STEP) && progress.cancelled() {
            return Err(Error::Cancelled);
        }
        if let Some(columns) = &mut columns {
            columns.push(stored.metadata)?;
        }
        match &mut words {
            Some(words) => words.push(stored.title, stored.text),
            None => Ok(()),
        }
    })?;
    let mut files = Vec::new();
    if let Some(columns) = columns
        && let Some(digest) = columns.finish()?
    {
        files.push(FileEntry::new(FileKind::Columns, number, digest));
    }
    if let Some(words) = words {
        files.push(FileEntry::new(FileKind::Words, number, words.finish()?));
    }
    Ok(files)
}
