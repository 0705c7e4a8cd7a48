//! Files that are made of a segment's stored text: columns of its metadata.
//!
//! They are made whenever a segment is written or merged, so they hold what the same documents
//! would give in a new index.

use crate::error::{Error, Result};
use crate::format::FileKind;
use crate::format::file_name;
use crate::format::frame::Frame;
use crate::format::manifest::{Features, FileEntry};
use crate::progress::Progress;
use crate::segment::columns;
use crate::segment::text::Text;
use crate::storage::Directory;
use colidx_metadata::columns::ColumnsWriter;

/// Documents between two looks at whether to stop.
const STEP: u32 = 1 << 10;

/// Writes what `features` ask for of the text in `file`.
pub(super) fn derive(
    directory: &Directory,
    file: &FileEntry,
    features: &Features,
    progress: &dyn Progress,
) -> Result<Vec<FileEntry>> {
    if !features.columns {
        return Ok(Vec::new());
    }
    let name = file_name(FileKind::Text, file.number);
    let text = Text::open(Frame::open(
        directory,
        &name,
        FileKind::Text,
        Some(file.digest),
    )?)?;
    let mut metadata = ColumnsWriter::new();
    text.each(|document, stored| {
        if document.is_multiple_of(STEP) && progress.cancelled() {
            return Err(Error::Cancelled);
        }
        metadata
            .push(stored.metadata)
            .map_err(|error| Error::Metadata {
                key: format!("number {document} of {name}"),
                problem: error.to_string(),
            })
    })?;
    let mut files = Vec::new();
    if !metadata.is_empty() {
        let digest = columns::write(directory, file.number, metadata)?;
        files.push(FileEntry::new(FileKind::Columns, file.number, digest));
    }
    Ok(files)
}
