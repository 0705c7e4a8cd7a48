//! A document that a search found.

use std::sync::OnceLock;

use colidx::{DocId, Document};
use pyo3::prelude::*;

use crate::error::OrRaise;

/// A document that a search found. Title, text and metadata are read when they are asked for.
#[pyclass(frozen, module = "colidx")]
pub struct Hit {
    /// The document's key.
    #[pyo3(get)]
    key: String,
    /// MaxSim: the sum over query tokens of the best product with a document token.
    #[pyo3(get)]
    score: f32,
    /// Where the document is stored; `None` once unpickled.
    place: Option<(colidx::Index, DocId)>,
    document: OnceLock<Document>,
}

impl Hit {
    /// A hit in `index`.
    pub fn new(index: &colidx::Index, key: String, doc: DocId, score: f32) -> Hit {
        Hit {
            key,
            score,
            place: Some((index.clone(), doc)),
            document: OnceLock::new(),
        }
    }

    fn document(&self, py: Python<'_>) -> PyResult<&Document> {
        if let Some(document) = self.document.get() {
            return Ok(document);
        }
        let read = match &self.place {
            Some((index, doc)) => py.detach(|| index.document(*doc)).or_raise()?,
            None => Document::default(),
        };
        Ok(self.document.get_or_init(|| read))
    }
}

#[pymethods]
impl Hit {
    #[new]
    fn unpickle(key: String, score: f32, title: String, text: String, metadata: String) -> Hit {
        let mut document = Document::default();
        (document.title, document.text, document.metadata) = (title, text, metadata);
        Hit {
            key,
            score,
            place: None,
            document: document.into(),
        }
    }

    fn __getnewargs__(&self, py: Python<'_>) -> PyResult<(&str, f32, &str, &str, &str)> {
        let document = self.document(py)?;
        let Document {
            title,
            text,
            metadata,
            ..
        } = document;
        Ok((&self.key, self.score, title, text, metadata))
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

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let key = self.key.as_str().into_pyobject(py)?.repr()?;
        Ok(format!("Hit(key={key}, score={:.4})", self.score))
    }
}
