//! Deletions: which documents of which segments are deleted.
//!
//! A commit that deletes writes one file that lists the deleted documents of all segments, so its
//! cost is that of what it deletes. Files of about the same size are merged as they become many.

use crate::error::{FormatErrorKind, Result};
use crate::format::frame::{Frame, FrameWriter, Seal, Section};
use crate::format::manifest::{Manifest, SegmentEntry};
use crate::format::{FileKind, Tag, file_name};
use crate::segment::deleted::Deleted;
use crate::storage::Directory;
use std::collections::HashMap;

const DEAD: Tag = Tag(*b"DEAD");

/// One deleted document: its segment's file number in the upper 32 bits, its number there below.
pub(crate) type Entry = u64;

/// The entry of a document.
pub(crate) fn entry(segment: u32, document: u32) -> Entry {
    u64::from(segment) << 32 | u64::from(document)
}

/// Segment and document of an entry.
pub(crate) fn parts(entry: Entry) -> (u32, u32) {
    ((entry >> 32) as u32, entry as u32)
}

/// One file of deletions, read in place.
#[derive(Debug, Clone)]
pub(crate) struct Deletions {
    pub frame: Frame,
    pub number: u32,
    entries: Section<Entry>,
}

impl Deletions {
    /// The files of deletions that the manifest names. They are read in full.
    pub(crate) fn open_all(
        directory: &Directory,
        manifest: &Manifest,
        of: &Frame,
    ) -> Result<Vec<Self>> {
        let files = manifest
            .files
            .iter()
            .filter(|f| f.kind == FileKind::Deletions);
        files
            .map(|file| {
                let frame = manifest.open_file(directory, of, FileKind::Deletions, file.number)?;
                frame.check(DEAD)?;
                let entries = frame.section::<Entry>(DEAD)?;
                if let Some(at) = entries.windows(2).position(|pair| pair[0] >= pair[1]) {
                    return Err(frame.error(FormatErrorKind::invalid(
                        DEAD,
                        format!("entry {}", at + 1),
                        "above the one before",
                        entries[at + 1],
                    )));
                }
                Ok(Self {
                    number: file.number,
                    entries,
                    frame,
                })
            })
            .collect()
    }

    /// The deleted documents, ascending by segment and document. Entries of segments that no longer
    /// exist have no meaning.
    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub(crate) fn write(directory: &Directory, number: u32, entries: &[Entry]) -> Result<Seal> {
        let name = file_name(FileKind::Deletions, number);
        let mut w = FrameWriter::create(directory, &name, FileKind::Deletions)?;
        w.section(DEAD, bytemuck::cast_slice(entries))?;
        w.finish()
    }

    fn invalid(&self, entry: Entry, expected: String) -> crate::Error {
        let (segment, document) = parts(entry);
        self.frame.error(FormatErrorKind::invalid(
            DEAD,
            format!("document of segment {segment}"),
            expected,
            document,
        ))
    }
}

/// The deleted documents of each segment, as many as the manifest says.
pub(crate) fn by_segment(
    files: &[Deletions],
    manifest: &Manifest,
    of: &Frame,
) -> Result<Vec<Deleted>> {
    let segments = &manifest.segments;
    let places: HashMap<u32, usize> = segments.iter().map(|s| s.number).zip(0..).collect();
    let mut deleted = vec![Deleted::default(); segments.len()];
    for file in files {
        let one_segment = |a: &Entry, b: &Entry| parts(*a).0 == parts(*b).0;
        for entries in file.entries.chunk_by(one_segment) {
            let number = parts(entries[0]).0;
            let Some(&at) = places.get(&number) else {
                continue;
            };
            let documents = segments[at].documents;
            for &entry in entries {
                let document = parts(entry).1;
                if document >= documents {
                    return Err(file.invalid(entry, format!("below {documents}")));
                }
                if !deleted[at].insert(document, documents) {
                    return Err(file.invalid(entry, "in one file only".into()));
                }
            }
        }
    }
    for (deleted, segment) in deleted.iter().zip(segments) {
        check_count(deleted, segment, of)?;
    }
    Ok(deleted)
}

fn check_count(deleted: &Deleted, segment: &SegmentEntry, manifest: &Frame) -> Result<()> {
    if deleted.len() == segment.deleted_documents {
        return Ok(());
    }
    Err(manifest.error(FormatErrorKind::invalid(
        Tag(*b"SEGM"),
        format!("deleted documents of segment {}", segment.number),
        format!("{}, as the files of deletions have", deleted.len()),
        segment.deleted_documents,
    )))
}
