//! Batches of queries, from a text file or from a file of vectors.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use colidx::{Index, Model, Query};

use crate::args::QueryModelArgs;
use crate::error::CliError;
use crate::model;
use crate::output::Guard;
use colidx_data::embeddings::QueryEmbeddings;
use colidx_data::{QueryOptions, read_queries};

/// Queries that are encoded and searched at a time.
pub const CHUNK: usize = 64;

/// Keyed queries and the source of their vectors.
pub struct Queries {
    keys: Vec<String>,
    /// Position of each query in `vectors`.
    places: Vec<usize>,
    vectors: Vectors,
}

enum Vectors {
    Text {
        texts: Vec<String>,
        model: Box<Model>,
    },
    File {
        embeddings: QueryEmbeddings,
        buffer: Vec<f32>,
    },
}

/// Where queries come from, according to the flags that several commands share.
pub struct QuerySource<'a> {
    /// A text file.
    pub queries: Option<&'a PathBuf>,
    /// A file of vectors; with both, the vectors of those texts.
    pub embeddings: Option<&'a PathBuf>,
    /// The checkpoint for text.
    pub model: &'a QueryModelArgs,
}

impl QuerySource<'_> {
    /// Guards the index at `path`, the checkpoint and the query files against being overwritten.
    pub fn guard(&self, index: &Index, path: &Path, force: bool) -> Guard {
        let recorded = index.model().map(|model| &model.location);
        let models = [self.model.model.as_ref(), recorded];
        Guard::new(force, colidx::MAGIC)
            .index(path)
            .inputs([self.queries, self.embeddings].into_iter().flatten())
            .inputs(models.into_iter().flatten())
    }
}

impl Queries {
    /// Reads the queries, and opens the checkpoint if they need one.
    ///
    /// # Errors
    /// A file is bad, or there is no checkpoint that fits the index.
    pub fn open(index: &Index, from: &QuerySource<'_>) -> Result<Queries, CliError> {
        let texts = match from.queries {
            Some(queries) => Some(read_queries(queries, &QueryOptions::default())?),
            None => None,
        };
        let embeddings = match from.embeddings {
            Some(embeddings) => Some(QueryEmbeddings::open(embeddings)?),
            None => None,
        };
        match (texts, embeddings) {
            (Some(queries), None) => {
                let model = Box::new(model::of_index(index, from.model)?);
                let (keys, texts) = queries
                    .into_iter()
                    .map(|query| (query.key, query.text))
                    .unzip();
                Ok(Queries::new(keys, Vectors::Text { texts, model }))
            }
            (texts, Some(embeddings)) => {
                let keys: Vec<String> = match texts {
                    Some(queries) => queries.into_iter().map(|query| query.key).collect(),
                    None => (0..embeddings.queries())
                        .map(|row| row.to_string())
                        .collect(),
                };
                if keys.len() as u64 != embeddings.queries() {
                    return Err(CliError::QueryCount {
                        embeddings: from.embeddings.cloned().unwrap_or_default(),
                        vectors: embeddings.queries(),
                        queries: from.queries.cloned().unwrap_or_default(),
                        texts: keys.len(),
                    });
                }
                Ok(Queries::new(
                    keys,
                    Vectors::File {
                        embeddings,
                        buffer: Vec::new(),
                    },
                ))
            }
            (None, None) => Err(CliError::Usage(
                "--queries or --query-embeddings is needed".to_owned(),
            )),
        }
    }

    fn new(keys: Vec<String>, vectors: Vectors) -> Queries {
        Queries {
            places: (0..keys.len()).collect(),
            keys,
            vectors,
        }
    }

    /// Removes the queries whose keys are not `wanted` and returns their number.
    pub fn retain(&mut self, wanted: impl Fn(&str) -> bool) -> usize {
        let before = self.keys.len();
        let kept = std::mem::take(&mut self.keys)
            .into_iter()
            .zip(std::mem::take(&mut self.places));
        (self.keys, self.places) = kept.filter(|(key, _)| wanted(key)).unzip();
        before - self.keys.len()
    }

    /// The keys, in order.
    pub fn keys(&self) -> &[String] {
        &self.keys
    }

    /// Whether the queries are text, so that encoding time is worth reporting.
    pub fn are_text(&self) -> bool {
        matches!(self.vectors, Vectors::Text { .. })
    }

    /// The vectors of the queries `at`, by position.
    ///
    /// # Errors
    /// A query cannot be encoded or read.
    pub fn get(&mut self, at: Range<usize>) -> Result<Vec<Query>, CliError> {
        match &mut self.vectors {
            Vectors::Text { texts, model } => {
                let encoder = model.encoder();
                let texts: Vec<&str> = self.places[at]
                    .iter()
                    .map(|&place| texts[place].as_str())
                    .collect();
                let dim = encoder.info().dim;
                encoder
                    .encode_queries(&texts)?
                    .iter()
                    .map(|query| Ok(Query::new(&query.vectors, dim)?))
                    .collect()
            }
            Vectors::File { embeddings, buffer } => {
                let dim = embeddings.dim();
                let read = |&place: &usize| {
                    embeddings.read(place as u64, buffer)?;
                    Ok(Query::new(buffer, dim)?)
                };
                self.places[at].iter().map(read).collect()
            }
        }
    }

    /// The vectors of all queries, encoded one at a time as in interactive use, with the time of
    /// each.
    ///
    /// # Errors
    /// As [`Queries::get`].
    pub fn get_each(
        &mut self,
        mut done: impl FnMut(usize),
    ) -> Result<(Vec<Query>, Vec<Duration>), CliError> {
        let mut all = Vec::with_capacity(self.keys.len());
        let mut times = Vec::with_capacity(self.keys.len());
        for at in 0..self.keys.len() {
            let began = Instant::now();
            all.extend(self.get(at..at + 1)?);
            times.push(began.elapsed());
            done(at + 1);
        }
        Ok((all, times))
    }
}
