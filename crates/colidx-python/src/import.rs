//! Indexes of other engines.

use std::path::PathBuf;
use std::sync::Arc;

use colidx::encoder::EncoderOptions;
use colidx::import::{ForeignIndex, ForeignSource, new_document, other_settings};
use colidx::{BuildOptions, CommitReport, IndexWriter, Model, Progress, TextError};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::encoder::Encoder;
use crate::error::OrRaise;
use crate::open::warn;
use crate::options::{build_options, encoder_options, import_options, pooled};
use crate::watch::{Downloads, Watch, run, run_or_leave};

/// Documents read between two reports of progress.
const READ_STEP: u64 = 256;

/// Builds an index at `path` from that of another engine at `foreign`. `model` names the checkpoint
/// that made the vectors, unless `encoder` is it.
#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "each is an argument in Python")]
pub fn import_index(
    py: Python<'_>,
    foreign: PathBuf,
    path: PathBuf,
    model: Option<String>,
    encoder: Option<Bound<'_, Encoder>>,
    encoding: &Bound<'_, PyDict>,
    reading: &Bound<'_, PyDict>,
    options: &Bound<'_, PyDict>,
    progress: Option<Py<PyAny>>,
) -> PyResult<()> {
    let reading = import_options(Default::default(), reading)?;
    let encoding = encoder_options(Default::default(), encoding)?;
    let mut index = run(py, None, |_| ForeignIndex::open_with(&foreign, &reading))?.or_raise()?;
    let defaults = BuildOptions::default().nbits(index.suggested_nbits());
    let options = pooled(build_options(defaults, options)?);
    let model = match (encoder, model) {
        (Some(encoder), _) => Some(Arc::clone(&encoder.get().model)),
        (None, Some(name)) => {
            let encoding = as_encoded(encoding, &index);
            let shown = progress.as_ref().map(|progress| progress.clone_ref(py));
            let opened = run_or_leave(py, shown, move |watch| {
                Model::open_watched(&name, &encoding, &mut Downloads::new(watch))
            })?;
            Some(Arc::new(opened.or_raise()?))
        }
        (None, None) => None,
    };
    if let Some(model) = &model
        && model.info().dim != index.dim()
    {
        let wrong = TextError::WrongDimension {
            model: model.directory().to_owned(),
            index: foreign,
            expected: index.dim(),
            got: model.info().dim,
        };
        return Err(wrong).or_raise();
    }
    let contradiction = match (index.model(), &model) {
        (Some(known), Some(model)) => other_settings(known, model.info()),
        _ => None,
    };
    let options = options.model(model.map(|model| model.to_record()));
    let mut writer = run(py, None, |_| IndexWriter::create(&path, options))?.or_raise()?;
    run(py, progress, |watch| import(&mut index, &mut writer, watch))??;
    let notes: Vec<String> = index
        .report()
        .notes()
        .iter()
        .map(|n| n.to_string())
        .chain(contradiction)
        .collect();
    warn(notes.iter());
    Ok(())
}

/// Lengths that the other engine encoded with count, unless the options say otherwise.
fn as_encoded(mut options: EncoderOptions, index: &ForeignIndex) -> EncoderOptions {
    if let Some(known) = index.model() {
        let length = |tokens: Option<u64>| tokens.and_then(|tokens| usize::try_from(tokens).ok());
        options.query_length = options.query_length.or(length(known.query_length));
        options.document_length = options.document_length.or(length(known.document_length));
    }
    options
}

fn import(
    index: &mut ForeignIndex,
    writer: &mut IndexWriter,
    watch: &Watch,
) -> PyResult<CommitReport> {
    watch.begin("read", Some(index.len() as u64));
    for (count, document) in (0u64..).zip(index.documents()) {
        if count.is_multiple_of(READ_STEP) {
            watch.advance(count);
            if watch.cancelled() {
                return Err(colidx::Error::Cancelled).or_raise();
            }
        }
        writer.add(new_document(&document.or_raise()?)).or_raise()?;
    }
    writer
        .commit(&mut ForeignSource::new(index), watch)
        .or_raise()
}
