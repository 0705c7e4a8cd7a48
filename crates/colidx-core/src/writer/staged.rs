//! Changes that are not committed yet.

use super::manifest_edit::FileIds;
use crate::error::Result;
use crate::format::pooling::Pooling;
use crate::ingest::{
    DocumentWriter, NewDocument, StagedSource, StoredDocuments, SuppliedVectors, Supply,
    VectorSource, check_document,
};
use crate::segment::text::StoredText;
use crate::snapshot::deletions::Entry;
use crate::storage::Directory;
use std::collections::{BTreeSet, HashMap};

/// The vectors of a document as a caller gives them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Vectors<'a> {
    /// `[n_tokens, dim]` f32 row-major.
    pub values: &'a [f32],
    /// One for each vector, or empty.
    pub token_ids: &'a [u32],
}

/// Documents to be added and entries to be deleted by the next commit.
#[derive(Default)]
pub(super) struct Staged {
    documents: Option<DocumentWriter>,
    supplied: Option<SuppliedVectors>,
    /// By key, which of the documents has it.
    places: HashMap<u128, u32>,
    /// Staged documents that were replaced or deleted again.
    dropped: BTreeSet<u32>,
    /// Committed documents to delete.
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

    /// Whether the next commit needs vectors from a source.
    pub(super) fn needs_source(&self) -> bool {
        let supplied = self.supplied.iter().flat_map(SuppliedVectors::ordinals);
        let supplied = supplied.filter(|ordinal| !self.dropped.contains(ordinal));
        self.added() > supplied.count()
    }

    /// Refuses a document that cannot be stored.
    pub(super) fn check(
        &self,
        document: &NewDocument<'_>,
        supply: Option<&Supply<'_>>,
    ) -> Result<()> {
        check_document(document)?;
        supply.map_or(Ok(()), |supply| {
            SuppliedVectors::check(self.supplied.as_ref(), document.key, supply)
        })
    }

    /// Stages a document that was checked and whose key is not staged. After an I/O error the
    /// staged documents are not to be trusted.
    pub(super) fn add(
        &mut self,
        directory: &Directory,
        file_ids: &mut FileIds,
        document: &NewDocument<'_>,
        supply: Option<Supply<'_>>,
    ) -> Result<()> {
        let documents = self.documents(directory, file_ids)?;
        let place = documents.len() as u32;
        documents.add(document)?;
        if let Some(supply) = supply {
            let supplied = match &mut self.supplied {
                Some(supplied) => supplied,
                None => self.supplied.insert(SuppliedVectors::create(directory)?),
            };
            supplied.push(place, &supply)?;
        }
        self.places.insert(hash(document.key), place);
        Ok(())
    }

    /// The file of documents, which is begun where there is none.
    pub(super) fn documents(
        &mut self,
        directory: &Directory,
        file_ids: &mut FileIds,
    ) -> Result<&mut DocumentWriter> {
        let documents = self.take_writer(directory, file_ids)?;
        Ok(self.documents.insert(documents))
    }

    fn take_writer(
        &mut self,
        directory: &Directory,
        file_ids: &mut FileIds,
    ) -> Result<DocumentWriter> {
        match self.documents.take() {
            Some(documents) => Ok(documents),
            None => DocumentWriter::create(directory, file_ids.take()?),
        }
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

    /// The vectors that came with their documents, or that `source` makes for the others, pooled.
    pub(super) fn take_source<'a>(
        &mut self,
        dim: usize,
        pooling: Option<Pooling>,
        source: &'a mut dyn VectorSource,
    ) -> Result<StagedSource<'a>> {
        let source = self.needs_source().then_some(source);
        StagedSource::new(dim, pooling, self.supplied.take(), source)
    }

    /// The documents, without those that were dropped.
    pub(super) fn take_documents(
        &mut self,
        directory: &Directory,
        file_ids: &mut FileIds,
    ) -> Result<Ready> {
        self.places = HashMap::new();
        let documents = self.take_writer(directory, file_ids)?;
        let all = documents.len() as u32;
        let documents = documents.finish()?;
        if self.dropped.is_empty() {
            return Ok(Ready {
                documents,
                ordinals: None,
            });
        }
        let kept: Vec<u32> = (0..all).filter(|d| !self.dropped.contains(d)).collect();
        let text = documents.open_text(directory)?;
        let mut again = DocumentWriter::create(directory, file_ids.take()?)?;
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
        Ok(Ready {
            documents: again.finish()?,
            ordinals: Some(kept),
        })
    }
}

fn hash(key: &str) -> u128 {
    xxhash_rust::xxh3::xxh3_128(key.as_bytes())
}
