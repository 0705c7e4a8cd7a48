//! An open index.

use std::fmt::Display;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use colidx::text::TokenExplanation;
use colidx::{
    DocId, DocumentSet, FieldInfo, Model, Progress, Query, SearchBy, SearchOptions,
    SearcherOptions, TextError, TextSearcher, WordQuery,
};
use numpy::PyArray2;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::arrays::{self, matrix};
use crate::encoder::Encoder;
use crate::error::{OrRaise, exception};
use crate::filter::{self, Fact};
use crate::hit::{Answered, Hit};
use crate::info;
use crate::open::OpenIndex;
use crate::options::{encoder_options, search_options};
use crate::search::Search;
use crate::watch::{run, run_or_leave};

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

/// Query tokens, document tokens, and their similarities, `[n_document_tokens, n_query_tokens]`.
type Matrix<'py> = (Vec<String>, Vec<String>, Bound<'py, PyArray2<f32>>);

/// Path, documents with it, booleans, integers, floats, strings, distinct values.
type Field = (String, u64, u64, u64, u64, u64, u64);

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

    /// What searches for text: the index and its checkpoint, which words alone do not need.
    fn searcher(&self, py: Python<'_>, by: SearchBy) -> PyResult<TextSearcher> {
        let open = self.opened()?;
        let searcher = match by {
            SearchBy::Words => TextSearcher::by_words(open.index),
            _ => TextSearcher::new(open.index.clone(), opened_model(py, open)?),
        };
        searcher.or_raise()
    }

    /// Queries that are all texts, or all arrays.
    pub fn queries(
        &self,
        py: Python<'_>,
        given: &[Bound<'_, PyAny>],
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Vec<Query>> {
        let texts = given.iter().map(|one| one.extract().ok());
        let Some(texts) = texts.collect::<Option<Vec<String>>>() else {
            return arrays_of(given);
        };
        let searcher = self.searcher(py, SearchBy::Vectors)?;
        let encoded = run(py, progress, |watch| -> Result<_, TextError> {
            watch.begin("encode", Some(texts.len() as u64));
            let texts = texts.iter().enumerate();
            let queries = texts.map(|(at, text)| {
                watch.advance(at as u64);
                if watch.cancelled() {
                    return Err(colidx::Error::Cancelled.into());
                }
                let vectors = searcher.encode(text)?.vectors;
                Ok(Query::new(&vectors, searcher.index().dim())?)
            });
            queries.collect()
        })?;
        encoded.or_raise()
    }

    /// Searches by vectors, and by words too where there are some for the one query.
    fn by_vectors(
        &self,
        py: Python<'_>,
        queries: &[Query],
        words: Option<String>,
        options: &Bound<'_, PyDict>,
        keys: Option<Vec<String>>,
    ) -> PyResult<Vec<Vec<Hit>>> {
        let index = self.opened()?.index;
        let search = options_of(options)?;
        let by = search.of_vectors(words.is_some())?;
        let words = words.map(WordQuery::parse);
        let found = run(py, None, |watch| -> colidx::Result<_> {
            let options = among(&index, search.options, keys.as_deref())?;
            let options = options.cancel(watch.token());
            let results = match (queries, &words, by) {
                ([query], Some(words), SearchBy::Both(fusion)) => {
                    vec![index.search_hybrid(query, words, fusion, &options)?]
                }
                ([query], ..) => vec![index.search(query, &options)?],
                // Many queries are faster on one thread each.
                _ => index.search_many(queries, &options.parallel(false))?,
            };
            let hits = results.iter().map(|results| {
                let hits = results.hits.iter();
                hits.map(|hit| Hit::of_vectors(&index, hit)).collect()
            });
            Ok(hits.collect())
        })?;
        found.or_raise()
    }
}

/// The checkpoint of an index. Opening it may take long, so that can be left.
pub fn opened_model(py: Python<'_>, open: OpenIndex) -> PyResult<Arc<Model>> {
    match open.open_model() {
        Some(model) => Ok(model),
        None => run_or_leave(py, None, move |watch| open.model(watch))?.or_raise(),
    }
}

fn options_of(given: &Bound<'_, PyDict>) -> PyResult<Search> {
    let search = Search::default().set(SearchOptions::parallel, true);
    search_options(search, given)
}

/// Holds a search to the documents with these keys.
fn among(
    index: &colidx::Index,
    options: SearchOptions,
    keys: Option<&[String]>,
) -> colidx::Result<SearchOptions> {
    let Some(keys) = keys else {
        return Ok(options);
    };
    let docs = keys.iter().map(|key| index.find(key));
    let docs = docs.filter_map(|doc| doc.transpose());
    let docs = docs.collect::<colidx::Result<Vec<DocId>>>()?;
    Ok(options.within(index.document_set(docs)?))
}

/// The documents that a filter matches, if there is one.
fn matching(
    py: Python<'_>,
    index: &colidx::Index,
    filter: Option<&Bound<'_, PyAny>>,
) -> PyResult<Option<DocumentSet>> {
    let Some(given) = filter else {
        return Ok(None);
    };
    let filter = filter::filter(given)?.ok_or_else(|| {
        let message = format!("filter: expected {}", filter::EXPECTED);
        exception("OptionError", message)
    })?;
    py.detach(|| index.matching(&filter)).or_raise().map(Some)
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
        let search = options_of(options)?;
        let by = search.of_text()?;
        let searcher = self.searcher(py, by)?;
        let found = run(py, None, |watch| -> Result<_, TextError> {
            let options = among(searcher.index(), search.options, keys.as_deref())?;
            let parallel = options.parallel && queries.len() == 1;
            let options = options.parallel(parallel).cancel(watch.token());
            let texts: Vec<&str> = queries.iter().map(String::as_str).collect();
            let answers = searcher.answer_many(&texts, by, &options)?.into_iter();
            let hits = answers.map(|answer| {
                let searcher = searcher.clone();
                Answered { searcher, answer }.hits()
            });
            Ok(hits.collect())
        })?;
        found.or_raise()
    }

    fn search_vectors(
        &self,
        py: Python<'_>,
        queries: Vec<Bound<'_, PyAny>>,
        options: &Bound<'_, PyDict>,
        keys: Option<Vec<String>>,
    ) -> PyResult<Vec<Vec<Hit>>> {
        let queries = arrays_of(&queries)?;
        self.by_vectors(py, &queries, None, options, keys)
    }

    /// As `search_vectors`, for one query, perhaps with its words.
    fn search_one(
        &self,
        py: Python<'_>,
        vectors: &Bound<'_, PyAny>,
        words: Option<String>,
        options: &Bound<'_, PyDict>,
        keys: Option<Vec<String>>,
    ) -> PyResult<Vec<Vec<Hit>>> {
        let query = query("query", vectors)?;
        self.by_vectors(py, &[query], words, options, keys)
    }

    /// What each token, or with `words` each word, of a query of text matched; `None` where there
    /// is no such document.
    fn explain(
        &self,
        py: Python<'_>,
        query: &str,
        key: &str,
        words: bool,
    ) -> PyResult<Option<Vec<Match>>> {
        let by = match words {
            true => SearchBy::Words,
            false => SearchBy::Vectors,
        };
        let searcher = self.searcher(py, by)?;
        let explained = run(py, None, |_| -> Result<_, TextError> {
            let index = searcher.index();
            let Some(doc) = index.find(key)? else {
                return Ok(None);
            };
            let found = match words {
                true => {
                    let this = SearchOptions::default().within(index.document_set([doc])?);
                    searcher.explain_words(&searcher.answer_by(query, by, &this)?, doc)?
                }
                false => searcher.explain(&searcher.encode(query)?, doc)?,
            };
            Ok(Some(found.into_iter().map(found_match).collect()))
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

    /// Similarities of all query tokens with all document tokens.
    fn matrix<'py>(
        &self,
        py: Python<'py>,
        query: &str,
        key: &str,
    ) -> PyResult<Option<Matrix<'py>>> {
        let searcher = self.searcher(py, SearchBy::Vectors)?;
        let found = run(py, None, |_| -> Result<_, TextError> {
            let Some(doc) = searcher.index().find(key)? else {
                return Ok(None);
            };
            searcher.matrix(&searcher.encode(query)?, doc).map(Some)
        })?;
        let Some(found) = found.or_raise()? else {
            return Ok(None);
        };
        let rows = 0..found.similarities.document_tokens();
        let values = rows.flat_map(|token| found.similarities.of_document_token(token));
        let values = matrix(py, values.copied().collect(), found.query_tokens.len())?;
        let tokens = found.document_tokens.into_iter().map(|token| token.text);
        Ok(Some((found.query_tokens, tokens.collect(), values)))
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

    fn keys(&self, py: Python<'_>, filter: Option<&Bound<'_, PyAny>>) -> PyResult<Vec<String>> {
        let index = self.opened()?.index;
        let among = matching(py, &index, filter)?;
        let keys = py.detach(|| -> colidx::Result<Vec<String>> {
            let key = |doc| index.key(doc).map(str::to_owned);
            match &among {
                Some(set) => set.iter().map(key).collect(),
                None => index.doc_ids().map(key).collect(),
            }
        });
        keys.or_raise()
    }

    /// The fields of the metadata.
    fn fields(&self, py: Python<'_>) -> PyResult<Vec<Field>> {
        let index = self.opened()?.index;
        let fields = py.detach(|| index.fields()).or_raise()?;
        Ok(fields.into_iter().map(field).collect())
    }

    /// The most frequent values of a field and how many documents have each.
    fn facets(
        &self,
        py: Python<'_>,
        field: &str,
        most: usize,
        filter: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Vec<(Fact, u64)>> {
        let index = self.opened()?.index;
        let among = matching(py, &index, filter)?;
        let found = py.detach(|| index.facets(field, among.as_ref(), most));
        let found = found.or_raise()?.into_iter();
        Ok(found.map(|(value, count)| (value.into(), count)).collect())
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
fn arrays_of(given: &[Bound<'_, PyAny>]) -> PyResult<Vec<Query>> {
    let queries = given.iter().enumerate();
    let queries = queries.map(|(at, one)| query(format_args!("queries[{at}]"), one));
    queries.collect()
}

fn query(name: impl Display, vectors: &Bound<'_, PyAny>) -> PyResult<Query> {
    let array = arrays::vectors(name, vectors)?;
    let dim = array.as_array().ncols();
    Query::new(array.as_slice()?, dim).or_raise()
}

fn field(info: FieldInfo) -> Field {
    let types = info.types;
    (
        info.path,
        info.documents,
        types.booleans,
        types.integers,
        types.floats,
        types.strings,
        info.distinct,
    )
}

fn found_match(found: TokenExplanation) -> Match {
    let (part, chars) = match found.place {
        Some(place) => (Some(place.part.name()), place.span.chars),
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
}
