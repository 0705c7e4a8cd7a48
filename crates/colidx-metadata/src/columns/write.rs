//! Collecting the columns of a segment, and writing them.

mod column;
mod merge;
mod runs;

use self::column::Column;
use self::merge::Merged;
use super::MetadataError;
use super::document::{Scalar, walk};
use super::layout::Kind;
use colidx_spill::{Runs, Scratch, Sections};
use std::collections::HashMap;

/// Fields that a segment may have: few enough for their columns to be counted.
const MAX_SEGMENT_FIELDS: u32 = u32::MAX / Kind::COUNT as u32;

/// Estimated overhead of a field besides its path and columns: an entry of the map, and
/// allocations.
const FIELD_BYTES: usize = 160;

/// The least memory to collect values in.
const LEAST_MEMORY: usize = 64 << 10;

/// Collects the metadata of a segment's documents.
///
/// Values collect in memory and go to a scratch file as a sorted run when there are many. At the
/// end all runs are merged, field by field. The bytes written do not depend on where runs end.
#[derive(Debug)]
pub struct ColumnsWriter<S: Scratch> {
    scratch: S,
    memory: usize,
    /// The columns of every path, of documents that are in no run yet.
    fields: HashMap<Box<str>, Vec<Column>>,
    /// About how many bytes they take.
    held: usize,
    runs: Option<Runs<S::File>>,
    documents: u32,
}

impl<S: Scratch<Error: From<MetadataError>>> ColumnsWriter<S> {
    /// A writer without documents, which holds about `memory` bytes, at least 64 KiB, and the
    /// values of one document.
    pub fn new(memory: usize, scratch: S) -> Self {
        Self {
            scratch,
            memory: memory.max(LEAST_MEMORY),
            fields: HashMap::new(),
            held: 0,
            runs: None,
            documents: 0,
        }
    }

    /// Adds the metadata of the next document: a JSON object, or nothing. Fails for metadata that
    /// [`check`](super::check) refuses, except for too many fields; the writer is of no use then.
    pub fn push(&mut self, metadata: &str) -> Result<(), S::Error> {
        // A list may double when it grows, and is copied then. Between documents, so that each is
        // in one run.
        if self.held > self.memory / 3 {
            self.spill()?;
        }
        let document = self.documents;
        self.documents = document
            .checked_add(1)
            .ok_or(MetadataError::TooManyDocuments { max: u32::MAX })?;
        let (fields, held) = (&mut self.fields, &mut self.held);
        walk(metadata, &mut |path, scalar| {
            let columns = match fields.get_mut(path) {
                Some(columns) => columns,
                None => {
                    *held += path.len() + FIELD_BYTES;
                    fields.entry(path.into()).or_default()
                }
            };
            match add(columns, scalar, document, held) {
                true => Ok(()),
                false => Err(MetadataError::full(path)),
            }
        })?;
        Ok(())
    }

    /// How many documents were added.
    pub fn documents(&self) -> u32 {
        self.documents
    }

    /// Whether no document has a field: then there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.runs.is_none()
    }

    /// Writes the values that are in memory to a run.
    pub(super) fn spill(&mut self) -> Result<(), S::Error> {
        let runs = match &mut self.runs {
            Some(runs) => runs,
            None => self.runs.insert(Runs::create(&mut self.scratch)?),
        };
        self.held = 0;
        runs.add(|file| runs::write(std::mem::take(&mut self.fields), file))
    }

    /// Writes the sections of [`TAGS`](super::TAGS), all of them and in that order. Fails with
    /// [`MetadataError::SegmentFull`] where there are more fields, or more values of one, than a
    /// segment can have.
    pub fn finish(
        mut self,
        sections: &mut impl Sections<Error = S::Error>,
    ) -> Result<(), S::Error> {
        if !self.fields.is_empty() {
            self.spill()?;
        }
        let mut merged = Merged::create(&mut self.scratch)?;
        if let Some(runs) = self.runs.take() {
            merged.merge(&runs, self.memory / 2)?;
        }
        merged.finish(sections)
    }
}

/// Adds a value to the column of its kind, and to `held` what it takes; `false` where the column is
/// full.
fn add(columns: &mut Vec<Column>, scalar: Scalar<'_>, document: u32, held: &mut usize) -> bool {
    let kind = scalar.kind();
    let at = columns.iter().position(|column| column.kind() == kind);
    let (at, before) = match at {
        Some(at) => (at, columns[at].held()),
        None => {
            columns.push(Column::new(kind));
            (columns.len() - 1, 0)
        }
    };
    let added = columns[at].push(scalar, document);
    *held += columns[at].held() - before;
    added
}
