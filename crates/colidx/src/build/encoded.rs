//! Vectors of the sampled documents, kept in a spool file so that no document is encoded twice.

use super::VectorBatch;
use crate::error::Result;
use crate::storage::{Bytes, Directory, OutputFile};

const FILE: &str = "vectors.spool";

/// Where a document's vectors lie and, behind them, its token ids.
#[derive(Debug, Clone, Copy)]
struct Place {
    document: u32,
    vectors: u32,
    offset: u64,
}

/// Documents on their way into the file.
pub(super) struct EncodedWriter {
    out: OutputFile,
    dim: usize,
    places: Vec<Place>,
}

impl EncodedWriter {
    pub(super) fn create(directory: &Directory, dim: usize) -> Result<Self> {
        Ok(Self {
            out: directory.create(FILE)?,
            dim,
            places: Vec::new(),
        })
    }

    /// Keeps documents that were encoded.
    pub(super) fn push(&mut self, documents: &[u32], batch: &VectorBatch) -> Result<()> {
        let mut row = 0;
        for (&document, &vectors) in documents.iter().zip(&batch.lens) {
            self.places.push(Place {
                document,
                vectors,
                offset: self.out.position(),
            });
            let rows = row..row + vectors as usize;
            row = rows.end;
            let values = &batch.vectors[rows.start * self.dim..rows.end * self.dim];
            self.out.write(bytemuck::cast_slice(values))?;
            let ids = batch.token_ids.get(rows).unwrap_or_default();
            self.out.write(bytemuck::cast_slice(ids))?;
        }
        Ok(())
    }

    pub(super) fn finish(mut self, directory: &Directory, has_ids: bool) -> Result<Encoded> {
        self.out.flush()?;
        self.places.sort_unstable_by_key(|place| place.document);
        Ok(Encoded {
            bytes: directory.map(FILE)?,
            dim: self.dim,
            has_ids,
            places: self.places,
        })
    }
}

/// Documents that need not be encoded again.
pub(super) struct Encoded {
    bytes: Bytes,
    dim: usize,
    has_ids: bool,
    /// By document.
    places: Vec<Place>,
}

impl Encoded {
    fn place(&self, document: u32) -> Option<Place> {
        let found = self.places.binary_search_by_key(&document, |p| p.document);
        found.ok().map(|at| self.places[at])
    }

    /// Whether a document is here.
    pub(super) fn has(&self, document: u32) -> bool {
        self.place(document).is_some()
    }

    /// Appends a document to `batch` if it is here, and says so.
    pub(super) fn read(&self, document: u32, batch: &mut VectorBatch) -> bool {
        let Some(place) = self.place(document) else {
            return false;
        };
        let vectors = place.vectors as usize;
        let start = place.offset as usize;
        let ids = start + vectors * self.dim * size_of::<f32>();
        let end = ids + usize::from(self.has_ids) * vectors * size_of::<u32>();
        self.bytes.will_need(start..end);
        batch.lens.push(place.vectors);
        // This process wrote the file, in whole numbers of four bytes.
        let values = bytemuck::cast_slice(&self.bytes[start..ids]);
        batch.vectors.extend_from_slice(values);
        let token_ids = bytemuck::cast_slice(&self.bytes[ids..end]);
        batch.token_ids.extend_from_slice(token_ids);
        self.bytes.release(start..end);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_comes_back() {
        for has_ids in [false, true] {
            let directory = Directory::memory();
            let mut writer = EncodedWriter::create(&directory, 2).unwrap();
            let mut batch = VectorBatch {
                vectors: (0..10).map(|x| x as f32).collect(),
                lens: vec![3, 0, 2],
                token_ids: if has_ids { vec![5, 6, 7, 8, 9] } else { vec![] },
            };
            writer.push(&[7, 2, 4], &batch).unwrap();
            let encoded = writer.finish(&directory, has_ids).unwrap();
            batch.clear();
            let there = [4, 5, 2, 7].map(|document| encoded.read(document, &mut batch));
            assert_eq!(there, [true, false, true, true]);
            assert_eq!(batch.lens, [2, 0, 3]);
            assert_eq!(batch.vectors, [6., 7., 8., 9., 0., 1., 2., 3., 4., 5.]);
            let ids: &[u32] = if has_ids { &[8, 9, 5, 6, 7] } else { &[] };
            assert_eq!(batch.token_ids, ids);
        }
    }
}
