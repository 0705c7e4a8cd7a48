//! What was asked of a writer and not committed yet.

use super::change::Numbers;
use crate::error::Result;
use crate::ingest::{DocumentWriter, NewDocument, StoredDocuments};
use crate::segment::text::StoredText;
use crate::snapshot::deletions::Entry;
use crate::storage::Directory;
use std::collections::{BTreeSet, HashMap};

/// Documents to be added and entries to be deleted by the next commit.
#[derive(Default)]
pub(super) struct Staged {
    documents: Option<DocumentWriter>,
    /// By key, which of the documents has it.
    places: HashMap<u128, u32>,
    /// Documents that another took the place of, or that were deleted again.
    dropped: BTreeSet<u32>,
    /// Committed documents that are to go.
    pub deleted: BTreeSet<Entry>,
}

/// Staged documents, ready to be encoded.
pub(super) struct Ready {
    pub documents: StoredDocuments,
    /// By document, which of those that were staged it is; `None` when all are there.
    pub ordinals: Option<Vec<u32>>,
}

impl Staged {
    /// Documents that the next commit adds.
    pub(super) fn added(&self) -> usize {
        self.documents.as_ref().map_or(0, DocumentWriter::len) - self.dropped.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.added() == 0 && self.deleted.is_empty()
    }

    pub(super) fn contains(&self, key: &str) -> bool {
        self.places.contains_key(&hash(key))
    }

    /// Stages a document whose key is not staged.
    pub(super) fn add(
        &mut self,
        directory: &Directory,
        numbers: &mut Numbers,
        document: &NewDocument<'_>,
    ) -> Result<()> {
        let documents = match &mut self.documents {
            Some(documents) => documents,
            None => {
                let documents = DocumentWriter::create(directory, numbers.take()?)?;
                self.documents.insert(documents)
            }
        };
        let place = documents.len() as u32;
        documents.add(document)?;
        self.places.insert(hash(document.key), place);
        Ok(())
    }

    /// Takes a staged document back; `false` when there is none with this key.
    pub(super) fn drop_document(&mut self, key: &str) -> bool {
        let Some(place) = self.places.remove(&hash(key)) else {
            return false;
        };
        self.dropped.insert(place);
        if let Some(documents) = &mut self.documents {
            documents.forget(key);
        }
        true
    }

    /// The documents, without those that were dropped; `None` when there are none.
    pub(super) fn take_documents(
        &mut self,
        directory: &Directory,
        numbers: &mut Numbers,
    ) -> Result<Option<Ready>> {
        if self.added() == 0 {
            return Ok(None);
        }
        let Some(documents) = self.documents.take() else {
            return Ok(None);
        };
        let all = documents.len() as u32;
        let documents = documents.finish()?;
        if self.dropped.is_empty() {
            return Ok(Some(Ready {
                documents,
                ordinals: None,
            }));
        }
        let kept: Vec<u32> = (0..all).filter(|d| !self.dropped.contains(d)).collect();
        let text = documents.open_text(directory)?;
        let mut again = DocumentWriter::create(directory, numbers.take()?)?;
        for &document in &kept {
            let stored = match &text {
                Some(text) => text.get(document)?,
                None => StoredText::default(),
            };
            again.add(&NewDocument {
                key: documents.keys.key(document),
                title: &stored.title,
                text: &stored.text,
                metadata: &stored.metadata,
            })?;
        }
        Ok(Some(Ready {
            documents: again.finish()?,
            ordinals: Some(kept),
        }))
    }
}

fn hash(key: &str) -> u128 {
    xxhash_rust::xxh3::xxh3_128(key.as_bytes())
}
