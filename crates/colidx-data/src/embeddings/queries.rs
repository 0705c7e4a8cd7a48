//! Query vectors: one file, [queries, tokens, dim].

use std::fs::File;
use std::path::Path;

use super::read::need_floats;
use super::{EmbeddingsError, not_finite};
use crate::OutputFile;
use crate::npy::{Dtype, NpyReader, NpyWriter};

/// A file of query vectors, open for reading. Vectors are read from it when they are asked for.
pub struct QueryEmbeddings {
    reader: NpyReader<File>,
    queries: u64,
    tokens: usize,
    dim: usize,
}

const SHAPE: &str = "[queries, tokens, dim]";

impl QueryEmbeddings {
    /// Opens a file.
    ///
    /// # Errors
    /// The file cannot be read, is no valid `.npy` file, or has another type or shape.
    pub fn open(path: &Path) -> Result<QueryEmbeddings, EmbeddingsError> {
        let reader = NpyReader::open(path)?;
        let [queries, tokens, dim] = reader.dimensions(SHAPE)?;
        need_floats(&reader)?;
        match (usize::try_from(tokens), usize::try_from(dim)) {
            (Ok(tokens), Ok(dim)) if tokens.checked_mul(dim).is_some() && dim > 0 => {
                Ok(QueryEmbeddings {
                    reader,
                    queries,
                    tokens,
                    dim,
                })
            }
            _ => Err(EmbeddingsError::NoDimensions {
                file: reader.file().to_owned(),
                expected: SHAPE,
            }),
        }
    }

    /// The number of queries.
    pub fn queries(&self) -> u64 {
        self.queries
    }

    /// The number of vectors of each query.
    pub fn tokens(&self) -> usize {
        self.tokens
    }

    /// The number of dimensions of a vector.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Reads one query, counted from 0, into `out`: [tokens, dim] row-major. What `out` held is
    /// replaced.
    ///
    /// # Errors
    /// No such query, a number that is not finite, or a failed read.
    pub fn read(&mut self, query: u64, out: &mut Vec<f32>) -> Result<(), EmbeddingsError> {
        if query >= self.queries {
            let (file, available) = (self.reader.file().to_owned(), self.queries);
            return Err(EmbeddingsError::OutOfRange {
                file,
                asked: query,
                available,
            });
        }
        out.clear();
        let count = self.tokens * self.dim;
        self.reader.read_floats(query * count as u64, count, out)?;
        match not_finite(out, self.dim) {
            None => Ok(()),
            Some((token, column, got)) => {
                let (file, token) = (self.reader.file().to_owned(), token as u64);
                Err(EmbeddingsError::QueryNotFinite {
                    file,
                    query,
                    token,
                    column,
                    got,
                })
            }
        }
    }
}

/// Writes query vectors. Queries with fewer vectors than others are filled up with zero vectors,
/// which add zero to every document's MaxSim and so change neither scores nor order.
pub struct QueryEmbeddingsWriter {
    writer: NpyWriter<OutputFile>,
    file: String,
    tokens: usize,
    dim: usize,
}

impl QueryEmbeddingsWriter {
    /// Writes queries of at most `tokens` vectors to `file`, which messages call `name`. `dtype` is
    /// f16 or f32.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn new(
        file: OutputFile,
        name: &str,
        tokens: usize,
        dim: usize,
        dtype: Dtype,
    ) -> Result<Self, EmbeddingsError> {
        let writer = NpyWriter::new(file, name, dtype, &[tokens as u64, dim as u64])?;
        Ok(QueryEmbeddingsWriter {
            writer,
            file: name.to_owned(),
            tokens,
            dim,
        })
    }

    /// Appends one query: [n, dim] row-major with n up to `tokens`.
    ///
    /// # Errors
    /// Too many vectors, a vector that is not whole, or a failed write.
    pub fn push(&mut self, vectors: &[f32]) -> Result<(), EmbeddingsError> {
        let whole = self.tokens * self.dim;
        if vectors.len() > whole || !vectors.len().is_multiple_of(self.dim) {
            return Err(EmbeddingsError::Mismatch {
                file: self.file.clone(),
                what: "a query",
                expected: format!("a multiple of {} up to {whole}", self.dim),
                got: vectors.len(),
            });
        }
        self.writer.write_floats(vectors)?;
        self.writer
            .write_floats(&vec![0.0; whole - vectors.len()])?;
        Ok(())
    }

    /// Completes the file.
    ///
    /// # Errors
    /// A failed write.
    pub fn finish(self) -> Result<(), EmbeddingsError> {
        Ok(self.writer.finish()?.finish()?)
    }
}
