//! Opening a snapshot, and moving on to a newer commit.

use super::Snapshot;
use super::deletions::{self, Deletions};
use crate::codebook::Codebook;
use crate::error::{Error, Result};
use crate::format::frame::Frame;
use crate::format::manifest::{MANIFEST, MANIFEST_NEW, Manifest, SegmentEntry};
use crate::format::{FileKind, JOURNAL, file_number};
use crate::segment::Segment;
use crate::storage::Directory;

impl Snapshot {
    /// The newest commit in a directory. Only headers and small tables are read.
    pub(crate) fn open(directory: &Directory) -> Result<Self> {
        // Pinned, so that all files come from one directory even if its path is replaced meanwhile.
        let directory = match directory.pinned() {
            Err(error) if is_missing(&error) => return Err(not_an_index(directory, false)),
            pinned => pinned?,
        };
        if !directory.exists(MANIFEST)? {
            return Err(no_manifest(&directory));
        }
        open_newest(&directory, None)
    }

    /// The state that is about to be committed, as a reader would open it. Its new parts are
    /// checked further than a reader does, where that takes little time.
    pub(crate) fn open_prepared(directory: &Directory, known: Option<&Self>) -> Result<Self> {
        let (manifest, frame) = Manifest::open_as(directory, MANIFEST_NEW)?;
        let known = known.filter(|known| same_codebook(&known.manifest, &manifest));
        let mut snapshot = open_commit(directory, manifest, frame, known)?;
        if known.is_none() {
            snapshot.codebook.verify()?;
        }
        // Only vectors whose dimensions differ by many orders of magnitude can decode to longer
        // ones than the format allows.
        if !snapshot.codebook.is_within_bounds() {
            for segment in &snapshot.segments {
                segment.verify(&snapshot.codebook)?;
            }
        }
        let in_place = directory.file_path(MANIFEST);
        snapshot.manifest_frame = snapshot.manifest_frame.renamed(in_place);
        Ok(snapshot)
    }

    /// The newest commit in `directory`, or `None` when it is this one. Files that both have are
    /// mapped once.
    pub(crate) fn newer_in(&self, directory: &Directory) -> Result<Option<Self>> {
        let (manifest, _) = Manifest::open(directory)?;
        if manifest == self.manifest {
            return Ok(None);
        }
        open_newest(directory, Some(self)).map(Some)
    }
}

/// Between reading a manifest and mapping its files, a writer may commit a newer one and remove
/// files that only the older one names. So where a file is missing, the newer manifest is tried.
fn open_newest(directory: &Directory, known: Option<&Snapshot>) -> Result<Snapshot> {
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
    known: Option<&Snapshot>,
) -> Result<Snapshot> {
    // With another codebook the index was rebuilt, and shares nothing.
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
    Ok(Snapshot {
        directory: directory.by_path(),
        manifest,
        manifest_frame: frame,
        codebook,
        segments,
        deletions,
    })
}

fn same_codebook(a: &Manifest, b: &Manifest) -> bool {
    a.file(FileKind::Codebook, a.codebook) == b.file(FileKind::Codebook, b.codebook)
        && (a.dim, a.nbits, a.centroids, a.unit_length)
            == (b.dim, b.nbits, b.centroids, b.unit_length)
}

impl Snapshot {
    /// The open segment whose files are those that `manifest` has for `entry`.
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

/// Why a directory that exists holds no index.
fn no_manifest(directory: &Directory) -> Error {
    let unfinished = directory.exists(JOURNAL).unwrap_or(false);
    let files = directory.list().unwrap_or_default();
    let of_index = files.into_iter().find(|name| file_number(name).is_some());
    match of_index {
        Some(found) if !unfinished => Error::ManifestMissing {
            path: directory.path().to_path_buf(),
            found,
        },
        _ => not_an_index(directory, unfinished),
    }
}

fn not_an_index(directory: &Directory, unfinished: bool) -> Error {
    Error::NotAnIndex {
        path: directory.path().to_path_buf(),
        hint: if unfinished {
            "A build was stopped here; resume it"
        } else {
            "Build one first, or check the path"
        },
    }
}
