//! A checkpoint: texts to token vectors.

use std::sync::Arc;

use colidx::encoder::EncoderError;
use colidx::text::BatchSizer;
use colidx::{Model, NewDocument, Progress, TextError};
use numpy::{PyArray1, PyArray2};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::arrays::matrix;
use crate::error::OrRaise;
use crate::info::dict;
use crate::open::warn;
use crate::options::encoder_options;
use crate::watch::{Downloads, Watch, run, run_or_leave};

/// Token vectors and token ids of a document.
type Encoded<'py> = (Bound<'py, PyArray2<f32>>, Bound<'py, PyArray1<u32>>);

/// Texts that are scored between two looks at Ctrl-C.
const SCORE_BATCH: usize = 16;

/// An open checkpoint.
#[pyclass(frozen, module = "colidx._colidx")]
pub struct Encoder {
    pub model: Arc<Model>,
}

/// Encodes texts in batches of about half a second, between which the work can be stopped.
fn in_batches<T>(
    texts: &[String],
    watch: &Watch,
    encode: impl Fn(&[&str]) -> Result<Vec<T>, EncoderError>,
) -> Result<Vec<T>, EncoderError> {
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let mut encoded = Vec::with_capacity(texts.len());
    let mut sizer = BatchSizer::new();
    watch.begin("encode", Some(texts.len() as u64));
    let mut left = &texts[..];
    while !left.is_empty() && !watch.cancelled() {
        encoded.extend(sizer.encode(&mut left, &encode)?);
        watch.advance(encoded.len() as u64);
    }
    Ok(encoded)
}

#[pymethods]
impl Encoder {
    #[new]
    fn new(
        py: Python<'_>,
        name: String,
        options: &Bound<'_, PyDict>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Encoder> {
        let options = encoder_options(Default::default(), options)?;
        let model = run_or_leave(py, progress, move |watch| {
            Model::open_watched(&name, &options, &mut Downloads::new(watch))
        })?;
        let model = model.or_raise()?;
        warn(model.warnings().iter());
        Ok(Encoder {
            model: Arc::new(model),
        })
    }

    /// Vectors and token ids of each document.
    fn encode_documents<'py>(
        &self,
        py: Python<'py>,
        texts: Vec<String>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Vec<Encoded<'py>>> {
        let encoder = self.model.encoder();
        let encoded = run(py, progress, |watch| {
            in_batches(&texts, watch, |batch| encoder.encode_documents(batch))
        })?;
        let encoded = encoded.or_raise()?;
        let arrays = encoded.into_iter().map(|document| {
            let vectors = matrix(py, document.vectors, self.model.info().dim)?;
            Ok((vectors, PyArray1::from_vec(py, document.token_ids)))
        });
        arrays.collect()
    }

    /// Vectors of each query.
    fn encode_queries<'py>(
        &self,
        py: Python<'py>,
        texts: Vec<String>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Vec<Bound<'py, PyArray2<f32>>>> {
        let encoder = self.model.encoder();
        let encoded = run(py, progress, |watch| {
            in_batches(&texts, watch, |batch| encoder.encode_queries(batch))
        })?;
        let encoded = encoded.or_raise()?;
        let arrays = encoded.into_iter();
        arrays
            .map(|query| matrix(py, query.vectors, self.model.info().dim))
            .collect()
    }

    /// MaxSim of a query and each text; `None` for one without anything to encode.
    fn score(
        &self,
        py: Python<'_>,
        query: &str,
        texts: Vec<String>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Vec<Option<f32>>> {
        let documents: Vec<NewDocument<'_>> = texts
            .iter()
            .map(|text| NewDocument::new("").text(text))
            .collect();
        let scores = run(py, progress, |watch| -> Result<_, TextError> {
            watch.begin("encode", Some(documents.len() as u64));
            let mut scores = Vec::with_capacity(documents.len());
            for batch in documents.chunks(SCORE_BATCH) {
                if watch.cancelled() {
                    break;
                }
                scores.extend(self.model.score(query, batch)?);
                watch.advance(scores.len() as u64);
            }
            Ok(scores)
        })?;
        scores.or_raise()
    }

    /// What the checkpoint says of itself.
    fn info<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let info = self.model.info();
        Ok(dict!(py,
            name: &info.name,
            location: self.model.location(),
            layout: &info.layout,
            architecture: &info.architecture,
            dim: info.dim,
            layers: info.layers,
            parameters: info.parameters,
            document_length: info.document_length,
            query_length: info.query_length,
            document_prompt: &info.document_prompt,
            query_prompt: &info.query_prompt,
            fingerprint: &info.fingerprint,
        ))
    }
}
