//! Reading a whole snapshot and checking all of it.

use super::Snapshot;
use crate::error::{FormatErrorKind, Result};
use crate::segment::Segment;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

impl Snapshot {
    /// Checks every checksum, every offset and every code.
    pub(crate) fn verify(&self) -> Result<()> {
        self.manifest_frame.check_all()?;
        self.codebook.verify()?;
        for (segment, entry) in self.segments.iter().zip(&self.manifest.segments) {
            segment.verify(&self.codebook)?;
            if self.manifest.features.columns {
                segment.verify_columns()?;
            }
            if self.manifest.features.words.is_some()
                && segment.words.is_some() != segment.text.is_some()
            {
                return Err(self.manifest_frame.error(FormatErrorKind::invalid(
                    "section FILE",
                    format!("words of segment {}", entry.number),
                    "one file where it has text",
                    segment
                        .words
                        .as_ref()
                        .map_or("none", |_| "one without text"),
                )));
            }
            let mut vectors = 0;
            for document in segment.deleted.iter() {
                vectors += segment.documents.vectors(document)?.len() as u64;
            }
            if vectors != entry.deleted_vectors {
                return Err(self.manifest_frame.error(FormatErrorKind::invalid(
                    "section SEGM",
                    format!("deleted vectors of segment {}", entry.number),
                    vectors,
                    entry.deleted_vectors,
                )));
            }
        }
        for deletions in &self.deletions {
            deletions.frame.check_all()?;
        }
        self.verify_keys()
    }

    /// No two documents have the same key: the sorted keys of all segments are merged.
    fn verify_keys(&self) -> Result<()> {
        let mut keys: Vec<_> = self.segments.iter().map(Segment::sorted_keys).collect();
        let mut heads = BinaryHeap::new();
        let mut last: Option<&[u8]> = None;
        for (at, keys) in keys.iter_mut().enumerate() {
            if let Some(key) = keys.next() {
                heads.push(Reverse((key?, at)));
            }
        }
        while let Some(Reverse((key, at))) = heads.pop() {
            if last == Some(key) {
                return Err(self.segments[at]
                    .documents
                    .frame
                    .error(FormatErrorKind::invalid(
                        "section KEYS",
                        format!("key `{}`", String::from_utf8_lossy(key)),
                        "in one segment only",
                        "another has it too",
                    )));
            }
            last = Some(key);
            if let Some(key) = keys[at].next() {
                heads.push(Reverse((key?, at)));
            }
        }
        Ok(())
    }
}
