//! Query vectors: any form of those of documents, most often one array [queries, tokens, dim].

use std::path::Path;

use super::blocks::Lone;
use super::{Embeddings, EmbeddingsError, FIELD, Keys, QUERIES};
use crate::OutputFile;
use crate::npy::{Dtype, NpyWriter};

/// Query vectors in files, open for reading. Vectors are read when they are asked for.
pub struct QueryEmbeddings {
    embeddings: Embeddings,
    lens: Vec<u32>,
    token_ids: Vec<u32>,
}

impl QueryEmbeddings {
    /// Opens a file or folder; of a folder with a file `query_embeddings.npy`, that. An array of
    /// two dimensions in a file of its own is one query.
    ///
    /// # Errors
    /// A file cannot be read, is damaged, or has another type or shape.
    pub fn open(path: &Path) -> Result<QueryEmbeddings, EmbeddingsError> {
        let inside = path.join(QUERIES);
        let path = if inside.is_file() { &inside } else { path };
        Ok(QueryEmbeddings {
            embeddings: Embeddings::open_as(path, FIELD, Lone::One)?,
            lens: Vec::new(),
            token_ids: Vec::new(),
        })
    }

    /// The number of queries.
    pub fn queries(&self) -> u64 {
        self.embeddings.documents()
    }

    /// The number of rows of the longest query, padding included; 0 where only reading tells.
    pub fn tokens(&self) -> usize {
        usize::try_from(self.embeddings.longest()).unwrap_or(usize::MAX)
    }

    /// The number of dimensions of a vector.
    pub fn dim(&self) -> usize {
        self.embeddings.dim()
    }

    /// What the queries are called; `None` where they only have numbers.
    ///
    /// # Errors
    /// A file of keys cannot be opened.
    pub fn keys(&self) -> Result<Option<Keys>, EmbeddingsError> {
        match self.embeddings.has_keys() {
            true => self.embeddings.keys().map(Some),
            false => Ok(None),
        }
    }

    /// Reads one query, counted from 0, into `out`: [n, dim] row-major, without rows that are all
    /// zero, which are padding. What `out` held is replaced.
    ///
    /// # Errors
    /// No such query, a number that is not finite, or a failed read.
    pub fn read(&mut self, query: u64, out: &mut Vec<f32>) -> Result<(), EmbeddingsError> {
        out.clear();
        self.lens.clear();
        self.token_ids.clear();
        let read = (self.embeddings).read(&[query], out, &mut self.lens, &mut self.token_ids);
        read.map_err(|error| match error {
            EmbeddingsError::NotFinite {
                file,
                document,
                vector,
                column,
                got,
                ..
            } => EmbeddingsError::QueryNotFinite {
                file,
                query: document,
                token: vector,
                column,
                got,
            },
            error => error,
        })
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
