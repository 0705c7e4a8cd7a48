//! An index of another engine, opened.

use std::path::Path;
use std::sync::Arc;

use crate::detect::{self, Found};
use crate::documents::{ForeignDocument, Table};
use crate::engine::{Engine, ForeignModel};
use crate::engines::{Layout, plaid, pylate};
use crate::error::ImportError;
use crate::folder::Folder;
use crate::options::ImportOptions;
use crate::places::Place;
use crate::report::Report;
use crate::vectors::{Stored, VectorReader};

/// An index of another engine. Centroids, lengths and keys are in memory, everything else is read
/// when asked for.
pub struct ForeignIndex {
    engine: Engine,
    model: Option<ForeignModel>,
    stored: Arc<Stored>,
    places: Arc<[Place]>,
    keys: Option<Vec<Box<str>>>,
    table: Option<Box<dyn Table>>,
    report: Report,
    fingerprint: String,
}

impl ForeignIndex {
    /// Opens the index in a folder: that of the engine, or one that holds just that.
    ///
    /// # Errors
    /// The folder is none of an engine that is known, files are missing or damaged, or they
    /// contradict each other.
    pub fn open(path: &Path) -> Result<ForeignIndex, ImportError> {
        ForeignIndex::open_with(path, &ImportOptions::default())
    }

    /// As [`ForeignIndex::open`], with options.
    ///
    /// # Errors
    /// Also if a file or column that the options name does not fit.
    pub fn open_with(path: &Path, options: &ImportOptions) -> Result<ForeignIndex, ImportError> {
        let Found {
            folder,
            layout,
            pylate,
        } = detect::detect(path)?;
        let mut parts = layout.read(&folder, options)?;
        check_effect(&folder, layout, &parts.engine, options)?;
        if let Some(outer) = &pylate {
            pylate::name(outer, layout, &mut parts)?;
        }
        Ok(ForeignIndex {
            engine: parts.engine,
            model: parts.model,
            stored: Arc::new(parts.stored),
            places: parts.places.into(),
            keys: parts.keys,
            table: parts.table,
            report: parts.report,
            fingerprint: folder.fingerprint(),
        })
    }

    /// Which engine wrote it.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Values in a vector.
    pub fn dim(&self) -> usize {
        self.stored.dim()
    }

    /// How many documents it has, without deleted ones.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether it has no documents.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// How many vectors its documents have.
    pub fn vector_count(&self) -> u64 {
        self.places.iter().map(|place| u64::from(place.len)).sum()
    }

    /// Whether its vectors are the originals, not decoded ones.
    pub fn has_originals(&self) -> bool {
        matches!(*self.stored, Stored::Originals { .. })
    }

    /// Bits a dimension that an index of ours needs to rank as the engine's own vectors do. Decoded
    /// vectors are quantised a second time: with 4 bits about 2 % of the first ten hits change.
    pub fn suggested_nbits(&self) -> u32 {
        if self.has_originals() { 4 } else { 8 }
    }

    /// The model that made the vectors, where the engine wrote it down.
    pub fn model(&self) -> Option<&ForeignModel> {
        self.model.as_ref()
    }

    /// The documents, in order.
    pub fn documents(&mut self) -> Documents<'_> {
        Documents {
            index: self,
            next: 0,
        }
    }

    /// Reads the vectors of the documents.
    pub fn vectors(&self) -> VectorReader {
        VectorReader::new(Arc::clone(&self.stored), Arc::clone(&self.places))
    }

    /// What could not be taken over. Complete once all documents were read.
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// Changes when a file of the index does.
    pub fn fingerprint(&self) -> String {
        let vectors = if self.has_originals() {
            "original"
        } else {
            "decoded"
        };
        format!("{}: {}; {vectors} vectors", self.engine, self.fingerprint)
    }

    /// A document, counted from 0; `None` if there are fewer.
    pub(crate) fn document(&mut self, rank: usize) -> Option<Result<ForeignDocument, ImportError>> {
        let place = self.places.get(rank)?;
        let key = self.keys.as_ref().and_then(|keys| keys.get(rank));
        let mut document = ForeignDocument {
            key: key.map_or_else(|| place.number.to_string(), |key| key.to_string()),
            ..ForeignDocument::default()
        };
        let read = self.table.as_mut().map_or(Ok(()), |table| {
            table.read(rank, place.number, &mut document, &mut self.report)
        });
        Some(read.map(|()| document))
    }
}

/// Refuses options that have no effect on this index.
fn check_effect(
    folder: &Folder,
    layout: Layout,
    engine: &Engine,
    options: &ImportOptions,
) -> Result<(), ImportError> {
    let (path, engine) = (folder.name(), engine.to_string());
    if options.collection.is_some() && !matches!(layout, Layout::Stanford | Layout::Ragatouille) {
        return Err(ImportError::NoCollection { path, engine });
    }
    let plaid = matches!(layout, Layout::FastPlaid | Layout::NextPlaid);
    match options.named_columns()[..] {
        [(of, column), ..] if !(plaid && folder.has(plaid::TABLE)) => {
            Err(ImportError::NoMetadata {
                path,
                engine,
                column: column.to_owned(),
                of,
            })
        }
        _ => Ok(()),
    }
}

/// The documents of an index, in the order of its vectors.
pub struct Documents<'a> {
    index: &'a mut ForeignIndex,
    next: usize,
}

impl Iterator for Documents<'_> {
    type Item = Result<ForeignDocument, ImportError>;

    fn next(&mut self) -> Option<Self::Item> {
        let document = self.index.document(self.next)?;
        self.next += 1;
        Some(document)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.index.len() - self.next;
        (left, Some(left))
    }
}
