//! A document that a search found.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use colidx::text::{Answer, Highlights, TokenWeight};
use colidx::{DocId, Document, Index, TextError, TextSearcher};
use pyo3::prelude::*;

use crate::error::OrRaise;
use crate::watch::run;

/// A document that a search found. Title, text and metadata are read when they are asked for.
#[pyclass(frozen, module = "colidx")]
pub struct Hit {
    /// The document's key.
    #[pyo3(get)]
    key: String,
    /// What it is ranked by: MaxSim, BM25, or what a hybrid search makes of both.
    #[pyo3(get)]
    score: f32,
    /// MaxSim: the sum over query tokens of the best product with a document token. `None` in a
    /// search by words.
    #[pyo3(get)]
    maxsim: Option<f32>,
    /// BM25 of the words; `None` in a search by vectors.
    #[pyo3(get)]
    bm25: Option<f32>,
    /// Where the document is stored; `None` once unpickled.
    place: Option<Place>,
    document: OnceLock<Document>,
}

/// Where a document is stored, and what found it.
struct Place {
    index: Index,
    doc: DocId,
    /// `None` where the query was no text.
    found: Option<Found>,
}

/// A hit of an answer, by its rank from 0.
struct Found {
    answered: Arc<Answered>,
    rank: usize,
}

/// The answer to a query of text.
pub struct Answered {
    pub searcher: TextSearcher,
    pub answer: Answer,
}

impl Answered {
    /// The hits.
    pub fn hits(self) -> Vec<Hit> {
        let answered = Arc::new(self);
        let index = answered.searcher.index();
        let ranked = answered.answer.results.hits.iter().enumerate();
        let found = |rank| Found {
            answered: Arc::clone(&answered),
            rank,
        };
        ranked
            .map(|(rank, hit)| Hit::new(index, hit, Some(found(rank))))
            .collect()
    }
}

/// How much words stand out, where each begins and ends, counted in characters.
type Weights = Vec<(usize, usize, f32)>;

impl Hit {
    /// A hit of a query of vectors.
    pub fn of_vectors(index: &Index, hit: &colidx::Hit) -> Hit {
        Hit::new(index, hit, None)
    }

    fn new(index: &Index, hit: &colidx::Hit, found: Option<Found>) -> Hit {
        Hit {
            key: hit.key.clone(),
            score: hit.score,
            maxsim: hit.maxsim,
            bm25: hit.bm25,
            place: Some(Place {
                index: index.clone(),
                doc: hit.doc,
                found,
            }),
            document: OnceLock::new(),
        }
    }

    fn document(&self, py: Python<'_>) -> PyResult<&Document> {
        if let Some(document) = self.document.get() {
            return Ok(document);
        }
        let read = match &self.place {
            Some(place) => py.detach(|| place.index.document(place.doc)).or_raise()?,
            None => Document::default(),
        };
        Ok(self.document.get_or_init(|| read))
    }

    /// What to highlight; nothing where the query was no text.
    fn lit(&self, py: Python<'_>) -> PyResult<Highlights> {
        let found = self.place.as_ref().and_then(|place| place.found.as_ref());
        let Some(Found { answered, rank }) = found else {
            return Ok(Highlights::default());
        };
        let lit = run(py, None, |_| -> Result<Highlights, TextError> {
            let (_, highlights) = answered.searcher.highlighted_hit(&answered.answer, *rank)?;
            Ok(highlights)
        })?;
        lit.or_raise()
    }
}

#[pymethods]
impl Hit {
    #[new]
    #[pyo3(signature = (key, score, title, text, metadata, maxsim=None, bm25=None))]
    fn unpickle(
        key: String,
        score: f32,
        title: String,
        text: String,
        metadata: String,
        maxsim: Option<f32>,
        bm25: Option<f32>,
    ) -> Hit {
        let mut document = Document::default();
        (document.title, document.text, document.metadata) = (title, text, metadata);
        Hit {
            key,
            score,
            maxsim,
            bm25,
            place: None,
            document: document.into(),
        }
    }

    #[expect(clippy::type_complexity, reason = "the arguments of a call")]
    fn __getnewargs__(
        &self,
        py: Python<'_>,
    ) -> PyResult<(&str, f32, &str, &str, &str, Option<f32>, Option<f32>)> {
        let Document {
            title,
            text,
            metadata,
            ..
        } = self.document(py)?;
        let (maxsim, bm25) = (self.maxsim, self.bm25);
        Ok((&self.key, self.score, title, text, metadata, maxsim, bm25))
    }

    /// The document's title; empty where there is none.
    #[getter]
    fn title(&self, py: Python<'_>) -> PyResult<&str> {
        Ok(&self.document(py)?.title)
    }

    /// The document's text; empty where none is stored.
    #[getter]
    fn text(&self, py: Python<'_>) -> PyResult<&str> {
        Ok(&self.document(py)?.text)
    }

    /// Further fields of the document, a dict.
    #[getter]
    fn metadata<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let json = match self.document(py)?.metadata.as_str() {
            "" => "{}",
            json => json,
        };
        py.import("json")?.call_method1("loads", (json,))
    }

    /// The words of title and text that matter to the query, and how much each is to stand out.
    /// Nothing for a query of vectors, and once unpickled.
    fn highlights<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let lit = self.lit(py)?;
        let document = self.document(py)?;
        let title = weights(&document.title, &lit.title);
        let text = weights(&document.text, &lit.text);
        made(py, "highlights", (title, text))
    }

    /// The passage of the text that matters most to the query, of at most `columns` columns of a
    /// terminal: most characters take one, those of Chinese, Japanese and Korean two.
    #[pyo3(signature = (columns=240))]
    fn snippet<'py>(&self, py: Python<'py>, columns: usize) -> PyResult<Bound<'py, PyAny>> {
        let lit = self.lit(py)?;
        let snippet = lit.snippet(&self.document(py)?.text, columns);
        let words = snippet.words.iter().map(|word| {
            let Range { start, end } = word.span.chars;
            (start, end, word.weight)
        });
        let words: Weights = words.collect();
        let Range { start, end } = snippet.span.chars;
        made(py, "snippet", (snippet.text, start, end, words))
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let key = self.key.as_str().into_pyobject(py)?.repr()?;
        Ok(format!("Hit(key={key}, score={:.4})", self.score))
    }
}

/// A value of `colidx._types`, made by the function of this name.
fn made<'py, A>(py: Python<'py>, name: &str, arguments: A) -> PyResult<Bound<'py, PyAny>>
where
    A: pyo3::call::PyCallArgs<'py>,
{
    py.import("colidx._types")?.call_method1(name, arguments)
}

/// The tokens with a weight, in characters. Tokens are in order, so the text is read once.
fn weights(text: &str, tokens: &[TokenWeight]) -> Weights {
    let (mut bytes, mut chars) = (0, 0);
    let mut place = |at: usize| {
        let at = at.min(text.len());
        if at < bytes {
            (bytes, chars) = (0, 0);
        }
        chars += text.get(bytes..at).map_or(0, |part| part.chars().count());
        bytes = at;
        chars
    };
    let lit = tokens.iter().filter(|token| token.weight > 0.0);
    lit.map(|token| (place(token.span.start), place(token.span.end), token.weight))
        .collect()
}
