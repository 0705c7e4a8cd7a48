//! The vectors of all documents in one array, with the length of each document in another.

use std::fs::File;

use super::lengths::Lengths;
use super::{EmbeddingsError, Raw, dim_of, need_floats};
use crate::npy::{NpyError, NpyReader};

const SHAPE: &str = "[total_tokens, dim]";

pub(super) struct Joined {
    vectors: NpyReader<File>,
    pub(super) dim: usize,
    lengths: Lengths,
    token_ids: Option<NpyReader<File>>,
    integers: Vec<i64>,
}

impl Joined {
    /// Checks that the arrays fit together.
    pub(super) fn new(
        vectors: NpyReader<File>,
        lengths: NpyReader<File>,
        token_ids: Option<NpyReader<File>>,
    ) -> Result<Joined, EmbeddingsError> {
        let [rows, dim] = vectors.dimensions(SHAPE)?;
        need_floats(vectors.file(), vectors.header().dtype)?;
        let dim = dim_of(vectors.file(), dim, SHAPE)?;
        let lengths = Lengths::new(lengths)?;
        if lengths.rows() != rows {
            return Err(EmbeddingsError::Rows {
                lengths: lengths.file().to_owned(),
                promised: lengths.rows(),
                documents: lengths.documents(),
                vectors: vectors.file().to_owned(),
                rows,
            });
        }
        if let Some(reader) = &token_ids {
            let [got] = reader.dimensions("[total_tokens]")?;
            if got != rows {
                let (file, vectors) = (reader.file().to_owned(), vectors.file().to_owned());
                return Err(EmbeddingsError::TokenIds {
                    file,
                    got,
                    vectors,
                    rows,
                });
            }
            let got = reader.header().dtype;
            if got.is_float() {
                let (file, expected) = (reader.file().to_owned(), "i32, i64 or u32");
                return Err(NpyError::WrongType {
                    file,
                    expected,
                    got,
                }
                .into());
            }
        }
        Ok(Joined {
            vectors,
            dim,
            lengths,
            token_ids,
            integers: Vec::new(),
        })
    }

    pub(super) fn documents(&self) -> u64 {
        self.lengths.documents()
    }

    pub(super) fn rows(&self) -> u64 {
        self.lengths.rows()
    }

    pub(super) fn lengths_file(&self) -> &str {
        self.lengths.file()
    }

    pub(super) fn has_token_ids(&self) -> bool {
        self.token_ids.is_some()
    }

    /// The file of vectors, and the rows of a document in it.
    pub(super) fn place(&mut self, document: u64) -> Result<(String, u64, u64), EmbeddingsError> {
        let (start, end) = self.lengths.rows_of(document)?;
        Ok((self.vectors.file().to_owned(), start, end))
    }

    /// Appends documents that follow each other.
    pub(super) fn read(&mut self, run: &[u64], out: &mut Raw<'_>) -> Result<(), EmbeddingsError> {
        let from = out.lens.len();
        let Some(&first_document) = run.first() else {
            return Ok(());
        };
        let first_row = self.lengths.rows_of(first_document)?.0;
        let mut end_row = first_row;
        for &document in run {
            let (start, end) = self.lengths.rows_of(document)?;
            out.lens.push((end - start) as u32);
            end_row = end;
        }
        let rows = (end_row - first_row) as usize;
        let first = first_row * self.dim as u64;
        self.vectors
            .read_floats(first, rows * self.dim, out.vectors)?;
        let place = Run {
            first_document,
            first_row,
            lens: &out.lens[from..],
        };
        self.read_token_ids(&place, rows, out.token_ids)
    }

    fn read_token_ids(
        &mut self,
        run: &Run<'_>,
        rows: usize,
        out: &mut Vec<u32>,
    ) -> Result<(), EmbeddingsError> {
        let Some(reader) = &mut self.token_ids else {
            return Ok(());
        };
        self.integers.clear();
        reader.read_integers(run.first_row, rows, &mut self.integers)?;
        for (row, &got) in self.integers.iter().enumerate() {
            match u32::try_from(got) {
                Ok(id) if id < u32::MAX => out.push(id),
                _ => {
                    return Err(EmbeddingsError::TokenId {
                        file: reader.file().to_owned(),
                        row: run.first_row + row as u64,
                        document: run.document_of(row),
                        got,
                    });
                }
            }
        }
        Ok(())
    }
}

/// Documents that follow each other.
struct Run<'a> {
    first_document: u64,
    first_row: u64,
    lens: &'a [u32],
}

impl Run<'_> {
    /// The document of a row of the run.
    fn document_of(&self, row: usize) -> u64 {
        let mut left = row as u64;
        for (document, &len) in (self.first_document..).zip(self.lens) {
            if left < u64::from(len) {
                return document;
            }
            left -= u64::from(len);
        }
        self.first_document + self.lens.len() as u64
    }
}
