//! Opening an index, and moving on to a newer commit.

use super::Index;
use crate::codebook::Codebook;
use crate::deletions::{self, Deletions};
use crate::error::{Error, Result};
use crate::format::frame::Frame;
use crate::format::kind;
use crate::format::manifest::{MANIFEST, MANIFEST_NEW, Manifest, SegmentEntry};
use crate::ingest::{JOURNAL, index_file};
use crate::search::{Pools, ReadAhead};
use crate::segment::Segment;
use crate::storage::Directory;
use std::path::Path;

impl Index {
    /// Maps an index. Nothing is copied or rewritten; only headers and small tables are read.
    ///
    /// # Errors
    ///
    /// [`Error::NotAnIndex`] without a manifest, [`Error::Format`] when a file is damaged, foreign or
    /// of another version, [`Error::Io`] when the system refuses, [`Error::Option`] when `COLIDX_KERNELS` names no
    /// instruction set of this processor.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_in(&Directory::new(path))
    }

    /// As [`Index::open`], from any directory.
    ///
    /// # Errors
    ///
    /// As [`Index::open`].
    pub fn open_in(directory: &Directory) -> Result<Self> {
        crate::ready()?;
        // What is opened is of one directory, whatever its path leads to meanwhile.
        let directory = match directory.pinned() {
            Err(error) if is_missing(&error) => return Err(not_an_index(directory, false)),
            pinned => pinned?,
        };
        if !directory.exists(MANIFEST)? {
            return Err(no_manifest(&directory));
        }
        open_newest(&directory, None)
    }

    /// The state that is about to be committed, as a reader would open it. What is new of it is checked further than a reader
    /// does, where that takes little time.
    pub(crate) fn open_prepared(directory: &Directory, known: Option<&Self>) -> Result<Self> {
        let (manifest, frame) = Manifest::open_as(directory, MANIFEST_NEW)?;
        let known = known.filter(|known| same_codebook(&known.manifest, &manifest));
        let mut index = open_commit(directory, manifest, frame, known)?;
        if known.is_none() {
            index.codebook.verify()?;
        }
        // Only vectors whose dimensions differ by many orders of magnitude can decode to longer ones than the format allows.
        if !index.codebook.is_within_bounds() {
            for segment in &index.segments {
                segment.verify(&index.codebook)?;
            }
        }
        let in_place = directory.file_path(MANIFEST);
        index.manifest_frame = index.manifest_frame.renamed(in_place);
        Ok(index)
    }

    /// The newest commit, when it is another than this one. What both have in common is mapped once.
    ///
    /// # Errors
    ///
    /// As [`Index::open`].
    pub fn reload(&self) -> Result<Option<Self>> {
        self.reload_from(&self.directory.pinned()?)
    }

    /// As [`Index::reload`], for a writer, whose directory may have been given another path.
    pub(crate) fn reload_from(&self, directory: &Directory) -> Result<Option<Self>> {
        let (manifest, _) = Manifest::open(directory)?;
        if manifest == self.manifest {
            return Ok(None);
        }
        open_newest(directory, Some(self)).map(Some)
    }
}

/// Between reading a manifest and mapping its files a writer may put a newer one in place and remove files that only the older
/// one names. The newer one's files are then there.
fn open_newest(directory: &Directory, known: Option<&Index>) -> Result<Index> {
    let (mut manifest, mut frame) = Manifest::open(directory)?;
    loop {
        let error = match open_commit(directory, manifest.clone(), frame, known) {
            Err(error) if is_missing(&error) => error,
            result => return result,
        };
        let (newer, newer_frame) = Manifest::open(directory)?;
        if newer == manifest {
            return Err(error);
        }
        (manifest, frame) = (newer, newer_frame);
    }
}

fn is_missing(error: &Error) -> bool {
    matches!(error, Error::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound)
}

fn open_commit(
    directory: &Directory,
    manifest: Manifest,
    frame: Frame,
    known: Option<&Index>,
) -> Result<Index> {
    // With the codebook the index was built anew.
    let known = known.filter(|known| same_codebook(&known.manifest, &manifest));
    let codebook = match known {
        Some(known) => known.codebook.clone(),
        None => Codebook::open(directory, &manifest, &frame)?,
    };
    let open = |&entry: &SegmentEntry| match known.and_then(|k| k.segment_like(&manifest, entry)) {
        Some(segment) => Ok(segment.clone()),
        None => Segment::open(directory, &manifest, &frame, entry),
    };
    let mut segments: Vec<Segment> = manifest.segments.iter().map(open).collect::<Result<_>>()?;
    let deletions = Deletions::open_all(directory, &manifest, &frame)?;
    let deleted = deletions::by_segment(&deletions, &manifest, &frame)?;
    for (segment, deleted) in segments.iter_mut().zip(deleted) {
        segment.deleted = deleted;
    }
    Ok(Index {
        directory: directory.by_path(),
        manifest,
        manifest_frame: frame,
        codebook,
        segments,
        deletions,
        pools: Pools::default(),
        ahead: ReadAhead::default(),
    })
}

fn same_codebook(a: &Manifest, b: &Manifest) -> bool {
    a.file(kind::CODEBOOK, a.codebook) == b.file(kind::CODEBOOK, b.codebook)
        && (a.dim, a.nbits, a.centroids, a.unit_length)
            == (b.dim, b.nbits, b.centroids, b.unit_length)
}

impl Index {
    /// The segment that has the very files that `manifest` has for `entry`.
    fn segment_like(&self, manifest: &Manifest, entry: SegmentEntry) -> Option<&Segment> {
        let own = &self.manifest;
        let at = own.segments.iter().position(|s| {
            (s.number, s.documents, s.vectors) == (entry.number, entry.documents, entry.vectors)
        })?;
        own.files_of(entry.number)
            .eq(manifest.files_of(entry.number))
            .then_some(&self.segments[at])
    }
}

/// Why there is no index in a directory that is there.
fn no_manifest(directory: &Directory) -> Error {
    let unfinished = directory.exists(JOURNAL).unwrap_or(false);
    match index_file(directory) {
        Ok(Some(found)) if !unfinished => Error::ManifestMissing {
            path: directory.path().to_path_buf(),
            found,
        },
        _ => not_an_index(directory, unfinished),
    }
}

fn not_an_index(directory: &Directory, unfinished: bool) -> Error {
    Error::NotAnIndex {
        path: directory.path().to_path_buf(),
        unfinished,
    }
}
