//! A checkpoint: texts to token vectors.

use std::sync::Arc;

use colidx::Model;
use numpy::{PyArray1, PyArray2};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::arrays::matrix;
use crate::error::OrRaise;
use crate::info::dict;
use crate::open::warn;
use crate::options::encoder_options;
use crate::watch::run;

/// Token vectors and token ids of a document.
type Encoded<'py> = (Bound<'py, PyArray2<f32>>, Bound<'py, PyArray1<u32>>);

/// An open checkpoint.
#[pyclass(frozen, module = "colidx._colidx")]
pub struct Encoder {
    pub model: Arc<Model>,
}

#[pymethods]
impl Encoder {
    #[new]
    fn new(py: Python<'_>, name: String, options: &Bound<'_, PyDict>) -> PyResult<Encoder> {
        let options = encoder_options(Default::default(), options)?;
        let model = run(py, None, |_| Model::open(&name, &options))?.or_raise()?;
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
    ) -> PyResult<Vec<Encoded<'py>>> {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let encoder = self.model.encoder();
        let encoded = run(py, None, |_| encoder.encode_documents(&texts))?.or_raise()?;
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
    ) -> PyResult<Vec<Bound<'py, PyArray2<f32>>>> {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let encoder = self.model.encoder();
        let encoded = run(py, None, |_| encoder.encode_queries(&texts))?.or_raise()?;
        let arrays = encoded.into_iter();
        arrays
            .map(|query| matrix(py, query.vectors, self.model.info().dim))
            .collect()
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
