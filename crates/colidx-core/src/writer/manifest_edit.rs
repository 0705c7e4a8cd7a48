//! The edit from one manifest to the next.

use super::policy;
use crate::error::{Error, Result};
use crate::format::manifest::{Features, FileEntry, Manifest, SegmentEntry};
use crate::format::recall_table::RecallTable;
use crate::format::{FileKind, MAX_FILE_NUMBER};
use crate::index::Index;
use crate::ingest::{Assembled, BuildOptions, SegmentOutput};
use crate::snapshot::deletions::{self, Deletions, Entry};
use crate::storage::Directory;
use std::collections::{BTreeSet, HashMap, HashSet};

/// Allocates file numbers, none twice.
#[derive(Debug)]
pub(super) struct FileIds {
    next: u32,
}

impl FileIds {
    pub(super) fn from(next: u32) -> Self {
        Self { next }
    }

    /// The next number.
    pub(super) fn next(&self) -> u32 {
        self.next
    }

    pub(super) fn take(&mut self) -> Result<u32> {
        let number = self.next;
        if number > MAX_FILE_NUMBER {
            return Err(Error::NoMoreNumbers {
                max: MAX_FILE_NUMBER,
            });
        }
        self.next += 1;
        Ok(number)
    }
}

/// A segment that was written, and its files.
pub(super) type NewSegment = (SegmentEntry, Vec<FileEntry>);

/// The next manifest, while it is edited.
pub(super) struct ManifestEdit<'a> {
    index: &'a Index,
    /// The writer's handle.
    directory: &'a Directory,
    manifest: Manifest,
    deleted: &'a BTreeSet<Entry>,
}

impl<'a> ManifestEdit<'a> {
    pub(super) fn of(index: &'a Index, directory: &'a Directory) -> Self {
        const NONE: &BTreeSet<Entry> = &BTreeSet::new();
        let mut manifest = index.manifest().clone();
        manifest.generation = manifest.generation.saturating_add(1);
        Self {
            index,
            directory,
            manifest,
            deleted: NONE,
        }
    }

    /// Deletes committed documents. Must be called before segments are added or replaced.
    pub(super) fn delete(&mut self, entries: &'a BTreeSet<Entry>) -> Result<()> {
        let segments = &mut self.manifest.segments;
        let places: HashMap<u32, usize> = segments.iter().map(|s| s.number).zip(0..).collect();
        for &entry in entries {
            let (number, document) = deletions::parts(entry);
            if let Some(&place) = places.get(&number) {
                let documents = &self.index.segments()[place].documents;
                segments[place].deleted_documents += 1;
                segments[place].deleted_vectors += documents.vectors(document)?.len() as u64;
            }
        }
        self.deleted = entries;
        Ok(())
    }

    /// Every segment is being written with these features.
    pub(super) fn set_features(&mut self, features: Features) {
        self.manifest.features = features;
    }

    /// Replaces what searches were measured to find.
    pub(super) fn set_recall(&mut self, table: RecallTable) {
        self.manifest.recall = Some(table);
    }

    pub(super) fn add(&mut self, written: SegmentOutput) {
        self.manifest.segments.push(written.segment);
        self.manifest.files.extend(written.files);
    }

    /// Replaces segments by one, or by none where no document is left.
    pub(super) fn replace(&mut self, places: &[usize], by: Option<NewSegment>) {
        let Some(&first) = places.first() else {
            return;
        };
        let manifest = &mut self.manifest;
        let gone = |place: usize| places.contains(&place);
        let numbers: HashSet<u32> = places
            .iter()
            .map(|&p| manifest.segments[p].number)
            .collect();
        let files = &mut manifest.files;
        files.retain(|f| !(f.is_of_segment() && numbers.contains(&f.number)));
        let mut segments = Vec::new();
        for (place, &segment) in manifest.segments.iter().enumerate() {
            if let Some((merged, _)) = by.as_ref().filter(|_| place == first) {
                segments.push(*merged);
            }
            if !gone(place) {
                segments.push(segment);
            }
        }
        manifest.segments = segments;
        manifest
            .files
            .extend(by.into_iter().flat_map(|(_, files)| files));
    }

    /// Replaces the codebook and adds the segment encoded with it. Segments with vectors must have
    /// been replaced before.
    pub(super) fn train(&mut self, assembled: Assembled, options: &BuildOptions) {
        let manifest = &mut self.manifest;
        manifest.files.retain(|f| f.kind != FileKind::Codebook);
        manifest.files.push(assembled.codebook);
        manifest.codebook = assembled.codebook.number;
        manifest.centroids = assembled.centroids;
        manifest.unit_length = assembled.written.unit_length;
        manifest.nbits = options.nbits;
        manifest.seed = options.seed;
        // It was measured with the codebook before.
        manifest.recall = None;
        self.add(assembled.written);
    }

    /// Writes files of deletions and returns the manifest.
    pub(super) fn finish(mut self, file_ids: &mut FileIds) -> Result<Manifest> {
        let segments = &self.manifest.segments;
        let empty: Vec<usize> = (0..segments.len())
            .filter(|&place| segments[place].live_documents() == 0)
            .collect();
        self.replace(&empty, None);
        self.settle_deletions(file_ids)?;
        self.manifest.next_file = file_ids.next;
        Ok(self.manifest)
    }

    /// Writes a file of the new deletions. It absorbs older files by size tier, and those that
    /// mostly concern segments that are gone.
    fn settle_deletions(&mut self, file_ids: &mut FileIds) -> Result<()> {
        let live: HashSet<u32> = self.manifest.segments.iter().map(|s| s.number).collect();
        let is_live = |entry: &&Entry| live.contains(&deletions::parts(**entry).0);
        let live_entries = |file: &Deletions| file.entries().iter().filter(is_live).count();
        let gone = self.index.manifest().segments.iter();
        let some_gone = gone.clone().any(|s| !live.contains(&s.number));

        let mut entries: Vec<Entry> = self.deleted.iter().filter(is_live).copied().collect();
        let (mut kept, mut absorbed) = (Vec::new(), Vec::new());
        for file in self.index.deletions() {
            let half_gone = some_gone && live_entries(file) * 2 < file.entries().len();
            if half_gone {
                absorbed.push(file);
            } else {
                kept.push(file);
            }
        }
        loop {
            entries.extend(
                absorbed
                    .drain(..)
                    .flat_map(|f| f.entries().iter().filter(is_live)),
            );
            let sizes = kept.iter().map(|f| f.entries().len());
            let sizes: Vec<u64> = sizes.chain([entries.len()]).map(|n| n as u64).collect();
            let Some(group) = policy::crowded(&sizes) else {
                break;
            };
            // The last is the new file.
            let last = kept.len();
            for place in group.into_iter().rev().filter(|&place| place < last) {
                absorbed.push(kept.remove(place));
            }
            if absorbed.is_empty() {
                break;
            }
        }
        entries.sort_unstable();

        let kept: HashSet<u32> = kept.iter().map(|f| f.number).collect();
        let files = &mut self.manifest.files;
        files.retain(|f| f.kind != FileKind::Deletions || kept.contains(&f.number));
        if !entries.is_empty() {
            let number = file_ids.take()?;
            let digest = Deletions::write(self.directory, number, &entries)?;
            files.push(FileEntry::new(FileKind::Deletions, number, digest));
        }
        Ok(())
    }
}
