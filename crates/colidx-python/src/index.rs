//! An open index.

use std::fmt::Display;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use colidx::text::{PlacePart, is_empty_query};
use colidx::{DocId, Query, SearchOptions, SearcherOptions, TextError};
use numpy::PyArray2;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::arrays::{self, matrix};
use crate::encoder::Encoder;
use crate::error::{OrRaise, exception};
use crate::hit::Hit;
use crate::info;
use crate::open::OpenIndex;
use crate::options::{encoder_options, search_options};
use crate::watch::{Watch, run};

/// An index at one commit, until it is reloaded.
#[pyclass(frozen, module = "colidx._colidx")]
pub struct Index {
    state: Mutex<Option<OpenIndex>>,
    path: PathBuf,
}

/// Title, text and metadata as JSON.
type Stored = (String, String, String);

/// Query token, document token, score, part, and where the token begins and ends in it, counted in
/// characters.
type Match = (String, String, f32, Option<&'static str>, usize, usize);

impl Index {
    /// The state, which stays as it is.
    pub fn opened(&self) -> PyResult<OpenIndex> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.clone().ok_or_else(|| {
            let path = self.path.display();
            exception(
                "ClosedError",
                format!("the index {path} is closed; open it again"),
            )
        })
    }

    /// Searches for queries that are made by `make` on the pool.
    fn search(
        &self,
        py: Python<'_>,
        options: &Bound<'_, PyDict>,
        keys: Option<Vec<String>>,
        make: impl FnOnce(&OpenIndex) -> Result<Vec<Query>, TextError> + Send,
    ) -> PyResult<Vec<Vec<Hit>>> {
        let open = self.opened()?;
        let options = search_options(SearchOptions::default().parallel(true), options)?;
        let found = run(py, None, |watch| {
            let queries = make(&open)?;
            search(&open, &queries, options, keys.as_deref(), watch)
        })?;
        found.or_raise()
    }
}

fn search(
    open: &OpenIndex,
    queries: &[Query],
    options: SearchOptions,
    keys: Option<&[String]>,
    watch: &Watch,
) -> Result<Vec<Vec<Hit>>, TextError> {
    let index = &open.index;
    let options = match keys {
        Some(keys) => {
            let docs = keys.iter().map(|key| index.find(key));
            let docs = docs.filter_map(|doc| doc.transpose());
            options.within(index.document_set(docs.collect::<colidx::Result<Vec<DocId>>>()?)?)
        }
        None => options,
    };
    // Many queries are faster on one thread each.
    let parallel = options.parallel && queries.len() == 1;
    let options = options.parallel(parallel).cancel(watch.token());
    let results = index.search_many(queries, &options)?.into_iter();
    let hits = results.map(|results| {
        let hits = results.hits.into_iter();
        hits.map(|hit| Hit::new(index, hit.key, hit.doc, hit.score))
            .collect()
    });
    Ok(hits.collect())
}

#[pymethods]
impl Index {
    #[new]
    #[pyo3(signature = (path, model=None, encoder=None, options=None))]
    fn new(
        py: Python<'_>,
        path: PathBuf,
        model: Option<String>,
        encoder: Option<Bound<'_, Encoder>>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Index> {
        let mut wanted = SearcherOptions::default();
        wanted.model = model;
        if let Some(options) = options {
            wanted.encoder = encoder_options(Default::default(), options)?;
        }
        let path = std::path::absolute(path)?;
        let model = encoder.map(|encoder| encoder.get().model.clone());
        let open = run(py, None, |_| OpenIndex::open(&path, wanted, model))?.or_raise()?;
        Ok(Index {
            state: Mutex::new(Some(open)),
            path,
        })
    }

    #[getter]
    fn path(&self) -> PathBuf {
        self.path.clone()
    }

    #[getter]
    fn closed(&self) -> bool {
        self.opened().is_err()
    }

    /// Lets go of the files.
    fn close(&self) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Moves on to the newest commit. Returns whether there was one.
    fn reload(&self, py: Python<'_>) -> PyResult<bool> {
        let open = self.opened()?;
        let Some(newer) = run(py, None, |_| open.reload())?.or_raise()? else {
            return Ok(false);
        };
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = Some(newer);
        Ok(true)
    }

    fn search_texts(
        &self,
        py: Python<'_>,
        queries: Vec<String>,
        options: &Bound<'_, PyDict>,
        keys: Option<Vec<String>>,
    ) -> PyResult<Vec<Vec<Hit>>> {
        self.search(py, options, keys, |open| {
            let model = open.model()?;
            let texts: Vec<&str> = queries.iter().map(String::as_str).collect();
            let encoded = model.encoder().encode_queries(&texts)?;
            if encoded.iter().any(is_empty_query) {
                return Err(TextError::EmptyQuery);
            }
            let dim = model.info().dim;
            let queries = encoded.iter().map(|query| Query::new(&query.vectors, dim));
            Ok(queries.collect::<colidx::Result<_>>()?)
        })
    }

    fn search_vectors(
        &self,
        py: Python<'_>,
        queries: Vec<Bound<'_, PyAny>>,
        options: &Bound<'_, PyDict>,
        keys: Option<Vec<String>>,
    ) -> PyResult<Vec<Vec<Hit>>> {
        let queries = queries.iter().enumerate();
        let queries = queries.map(|(at, one)| query(format_args!("queries[{at}]"), one));
        let queries = queries.collect::<PyResult<Vec<Query>>>()?;
        self.search(py, options, keys, |_| Ok(queries))
    }

    /// As `search_vectors`, for one query.
    fn search_one(
        &self,
        py: Python<'_>,
        vectors: &Bound<'_, PyAny>,
        options: &Bound<'_, PyDict>,
        keys: Option<Vec<String>>,
    ) -> PyResult<Vec<Vec<Hit>>> {
        let query = query("query", vectors)?;
        self.search(py, options, keys, |_| Ok(vec![query]))
    }

    /// What each token of a query of text matched; `None` where there is no such document.
    fn explain(&self, py: Python<'_>, query: &str, key: &str) -> PyResult<Option<Vec<Match>>> {
        let open = self.opened()?;
        let explained = run(py, None, |_| -> Result<_, TextError> {
            let searcher = open.searcher()?;
            let Some(doc) = open.index.find(key)? else {
                return Ok(None);
            };
            let found = searcher.explain(&searcher.encode(query)?, doc)?;
            let matches = found.into_iter().map(|found| {
                let (part, chars) = match found.place {
                    Some(place) => (Some(part_name(place.part)), place.span.chars),
                    None => (None, 0..0),
                };
                (
                    found.query_token,
                    found.document_token,
                    found.score,
                    part,
                    chars.start,
                    chars.end,
                )
            });
            Ok(Some(matches.collect()))
        })?;
        explained.or_raise()
    }

    /// What each vector of a query matched: pairs of a document's token, from 0, and the score.
    fn explain_vectors(
        &self,
        py: Python<'_>,
        vectors: &Bound<'_, PyAny>,
        key: &str,
    ) -> PyResult<Option<Vec<(usize, f32)>>> {
        let open = self.opened()?;
        let query = query("query", vectors)?;
        let explained = run(py, None, |_| -> colidx::Result<_> {
            let Some(doc) = open.index.find(key)? else {
                return Ok(None);
            };
            let matches = open.index.explain(&query, doc)?.into_iter();
            Ok(Some(
                matches
                    .map(|found| (found.document_token, found.score))
                    .collect(),
            ))
        })?;
        explained.or_raise()
    }

    fn document(&self, py: Python<'_>, key: &str) -> PyResult<Option<Stored>> {
        let index = self.opened()?.index;
        let found = py.detach(|| -> colidx::Result<_> {
            let Some(doc) = index.find(key)? else {
                return Ok(None);
            };
            let document = index.document(doc)?;
            Ok(Some((document.title, document.text, document.metadata)))
        });
        found.or_raise()
    }

    /// A document's vectors as search sees them, `[n_tokens, dim]`.
    fn vectors<'py>(
        &self,
        py: Python<'py>,
        key: &str,
    ) -> PyResult<Option<Bound<'py, PyArray2<f32>>>> {
        let index = self.opened()?.index;
        let found = py.detach(|| {
            let doc = index.find(key)?;
            doc.map(|doc| index.token_vectors(doc)).transpose()
        });
        let found = found.or_raise()?;
        found
            .map(|vectors| matrix(py, vectors, index.dim()))
            .transpose()
    }

    fn contains(&self, key: &str) -> PyResult<bool> {
        Ok(self.opened()?.index.find(key).or_raise()?.is_some())
    }

    fn keys(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        let index = self.opened()?.index;
        let keys = py.detach(|| {
            let keys = index.doc_ids().map(|doc| index.key(doc).map(str::to_owned));
            keys.collect::<colidx::Result<_>>()
        });
        keys.or_raise()
    }

    fn num_documents(&self) -> PyResult<u64> {
        Ok(self.opened()?.index.num_documents())
    }

    fn info<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let info = self.opened()?.index.info().or_raise()?;
        info::index(py, &info)
    }

    fn verify(&self, py: Python<'_>) -> PyResult<()> {
        let index = self.opened()?.index;
        run(py, None, |_| index.verify())?.or_raise()
    }
}

/// A query of the vectors that the argument `name` holds.
fn query(name: impl Display, vectors: &Bound<'_, PyAny>) -> PyResult<Query> {
    let array = arrays::vectors(name, vectors)?;
    let dim = array.as_array().ncols();
    Query::new(array.as_slice()?, dim).or_raise()
}

/// What Python calls a part.
fn part_name(part: PlacePart) -> &'static str {
    match part {
        PlacePart::Title => "title",
        PlacePart::Text => "text",
    }
}
