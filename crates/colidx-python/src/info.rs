//! What an index holds, as dictionaries.

use colidx::{CommitReport, IndexInfo, ModelInfo, RecallTable, SegmentInfo};
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// A dictionary of fields.
macro_rules! dict {
    ($py:expr, $($name:ident: $value:expr),* $(,)?) => {{
        let dict = PyDict::new($py);
        $(dict.set_item(stringify!($name), $value)?;)*
        dict
    }};
}
pub(crate) use dict;

pub fn index<'py>(py: Python<'py>, info: &IndexInfo) -> PyResult<Bound<'py, PyDict>> {
    let segments = info.segments.iter().map(|info| segment(py, info));
    let files = PyDict::new(py);
    for file in &info.files {
        files.set_item(&file.name, file.bytes)?;
    }
    let model = info
        .model
        .as_ref()
        .map(|info| model(py, info))
        .transpose()?;
    Ok(dict!(py,
        documents: info.documents,
        vectors: info.vectors,
        dim: info.dim,
        nbits: info.nbits,
        pool_factor: info.pooling.map_or(1, |pooling| pooling.factor),
        protected_tokens: info.pooling.map_or(0, |pooling| pooling.protected),
        centroids: info.centroids,
        generation: info.generation,
        format_version: info.format_version,
        deleted_documents: info.deleted_documents,
        deleted_vectors: info.deleted_vectors,
        seed: info.seed,
        sample_error: info.sample_error,
        bytes: info.bytes,
        text_bytes: info.text_bytes,
        bytes_per_vector: info.bytes_per_vector(),
        model: model,
        recall: info.recall.as_ref().map(|table| recall(py, table)).transpose()?,
        segments: segments.collect::<PyResult<Vec<_>>>()?,
        files: files,
    ))
}

pub fn recall<'py>(py: Python<'py>, table: &RecallTable) -> PyResult<Bound<'py, PyDict>> {
    let rows = table.rows.iter().map(|row| {
        Ok(dict!(py,
            k: row.k,
            effort: row.effort,
            recall: row.recall,
            milliseconds: row.milliseconds,
        ))
    });
    Ok(dict!(py,
        documents: table.documents,
        queries: table.queries,
        rows: rows.collect::<PyResult<Vec<_>>>()?,
    ))
}

fn segment<'py>(py: Python<'py>, info: &SegmentInfo) -> PyResult<Bound<'py, PyDict>> {
    Ok(dict!(py,
        number: info.number,
        documents: info.documents,
        vectors: info.vectors,
        deleted_documents: info.deleted_documents,
        error: info.error,
        bytes: info.bytes,
    ))
}

fn model<'py>(py: Python<'py>, info: &ModelInfo) -> PyResult<Bound<'py, PyDict>> {
    Ok(dict!(py,
        name: &info.name,
        location: &info.location,
        fingerprint: &info.fingerprint,
        architecture: &info.architecture,
        document_length: info.document_length,
        query_length: info.query_length,
        precision: &info.precision,
    ))
}

/// What a commit did.
pub fn report<'py>(py: Python<'py>, report: &CommitReport) -> PyResult<Bound<'py, PyDict>> {
    let phases = PyDict::new(py);
    for (phase, time) in &report.phases {
        phases.set_item(phase.to_string(), time.as_secs_f64())?;
    }
    Ok(dict!(py,
        generation: report.generation,
        resumed: report.resumed,
        added: report.added,
        deleted: report.deleted,
        vectors: report.vectors,
        without_vectors: report.without_vectors,
        without_text: report.without_text,
        centroids: report.centroids,
        sample_vectors: report.sample_vectors,
        error: report.error,
        sample_error: report.sample_error,
        merged: report.merged,
        reclaimed: report.reclaimed,
        unmerged: report.unmerged.as_ref().map(ToString::to_string),
        bytes_written: report.bytes_written,
        seconds: phases,
    ))
}
