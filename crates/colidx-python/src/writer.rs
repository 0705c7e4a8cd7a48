//! The one writer of an index.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use colidx::corpus::{IngestError, delete_stale_passages, passage_limit, read_corpus};
use colidx::data::{Corpus, CorpusOptions};
use colidx::text::EncoderSource;
use colidx::{
    BuildOptions, CommitReport, IndexWriter, Model, NewDocument, NoVectors, Progress,
    RetrainOptions, TextError, WriterOptions,
};
use numpy::PyReadonlyArray2;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::arrays;
use crate::encoder::Encoder;
use crate::error::{OrRaise, exception};
use crate::index::{Index, opened_model};
use crate::info;
use crate::open::OpenIndex;
use crate::options::{build_options, corpus_options, pooled};
use crate::watch::{Watch, run};

/// Documents read between two reports of progress.
const READ_STEP: u64 = 64;

/// The beginning of the message when files hold no document to search for.
const NOTHING: &str = "corpus: expected at least one document with a title or text, got none";

/// Stages changes and commits them.
#[pyclass(frozen, module = "colidx._colidx")]
pub struct Writer {
    state: Mutex<Option<State>>,
    /// Whether work with a callback is under way.
    at_work: AtomicBool,
    /// Values in a vector, where it is known.
    dim: Option<usize>,
}

struct State {
    writer: IndexWriter,
    encoder: TextSource,
    /// Whether documents were staged whose text is to be encoded.
    needs_encoder: bool,
}

/// What encodes documents that come without vectors.
#[derive(Clone)]
enum TextSource {
    None,
    Model(Arc<Model>),
    /// The checkpoint of an index, which is opened when it is needed.
    OfIndex(OpenIndex),
}

impl TextSource {
    fn model(&self, watch: &Watch) -> Result<Option<Arc<Model>>, TextError> {
        match self {
            TextSource::None => Ok(None),
            TextSource::Model(model) => Ok(Some(Arc::clone(model))),
            TextSource::OfIndex(index) => index.model(watch).map(Some),
        }
    }
}

/// A document as Python gives it.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct Given {
    key: String,
    title: String,
    text: String,
    metadata: String,
}

impl Given {
    fn document(&self) -> NewDocument<'_> {
        NewDocument::new(&self.key)
            .title(&self.title)
            .text(&self.text)
            .metadata(&self.metadata)
    }
}

impl State {
    /// Commits, and says which documents were truncated.
    fn commit(&mut self, watch: &Watch) -> Result<(CommitReport, Option<String>), TextError> {
        let model = match self.needs_encoder {
            true => self.encoder.model(watch)?,
            false => None,
        };
        self.needs_encoder = false;
        let cancelled = || watch.cancelled();
        let Some(model) = &model else {
            return Ok((self.writer.commit(&mut NoVectors, watch)?, None));
        };
        let mut source = EncoderSource::new(model.encoder()).cancelled_by(&cancelled);
        let report = self.writer.commit(&mut source, watch)?;
        let length = model.info().document_length;
        Ok((report, source.truncated().line("", length)))
    }
}

impl Writer {
    fn new(writer: IndexWriter, encoder: TextSource, dim: Option<usize>) -> Writer {
        Writer {
            dim,
            at_work: AtomicBool::new(false),
            state: Mutex::new(Some(State {
                writer,
                encoder,
                needs_encoder: false,
            })),
        }
    }

    /// The checkpoint for texts, which is opened where it is not; Ctrl-C does not wait for that.
    fn model(&self, py: Python<'_>) -> PyResult<Option<Arc<Model>>> {
        match self.with(py, |state| state.encoder.clone())? {
            TextSource::None => Ok(None),
            TextSource::Model(model) => Ok(Some(model)),
            TextSource::OfIndex(index) => opened_model(py, index).map(Some),
        }
    }

    /// The vectors of the document `key`. The engine sees values alone, not where rows end.
    fn vectors<'py>(
        &self,
        key: &str,
        value: &Bound<'py, PyAny>,
    ) -> PyResult<PyReadonlyArray2<'py, f32>> {
        let array = arrays::vectors(format_args!("vectors of {key:?}"), value)?;
        match (self.dim, array.as_array().ncols()) {
            (Some(expected), got) if got != expected => {
                let message =
                    format!("vectors of {key:?}: expected dimension {expected}, got {got}");
                Err(exception("VectorError", message))
            }
            _ => Ok(array),
        }
    }

    /// Calls `work` with the state, on this thread. The lock is never waited for with the
    /// interpreter held: who has it may be waiting for the interpreter.
    fn with<T: Send>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&mut State) -> T + Send,
    ) -> PyResult<T> {
        self.check_idle()?;
        py.detach(|| self.locked(work)).ok_or_else(closed)
    }

    /// As [`Writer::with`], on the pool and watched.
    fn run<T: Send>(
        &self,
        py: Python<'_>,
        progress: Option<Py<PyAny>>,
        work: impl FnOnce(&mut State, &Watch) -> T + Send,
    ) -> PyResult<T> {
        self.check_idle()?;
        self.at_work.store(true, Ordering::Relaxed);
        let done = run(py, progress, |watch| {
            self.locked(|state| work(state, watch))
        });
        self.at_work.store(false, Ordering::Relaxed);
        done?.ok_or_else(closed)
    }

    /// Refuses a call from the callback of another, which would wait for itself.
    fn check_idle(&self) -> PyResult<()> {
        match self.at_work.load(Ordering::Relaxed) {
            true => Err(exception(
                "LockedError",
                "the writer is at work; wait until it returns",
            )),
            false => Ok(()),
        }
    }

    fn locked<T>(&self, work: impl FnOnce(&mut State) -> T) -> Option<T> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.as_mut().map(work)
    }
}

fn closed() -> PyErr {
    exception("ClosedError", "the writer is closed; take another one")
}

#[pymethods]
impl Writer {
    /// Begins a new index.
    #[staticmethod]
    fn create(
        py: Python<'_>,
        path: PathBuf,
        encoder: Option<Bound<'_, Encoder>>,
        options: &Bound<'_, PyDict>,
    ) -> PyResult<Writer> {
        let options = pooled(build_options(BuildOptions::default(), options)?);
        let model = encoder.map(|encoder| encoder.get().model.clone());
        let options = options.model(model.as_ref().map(|model| model.to_record()));
        let dim = options.dim;
        let writer = run(py, None, |_| IndexWriter::create(&path, options))?.or_raise()?;
        let encoder = model.map_or(TextSource::None, TextSource::Model);
        Ok(Writer::new(writer, encoder, dim))
    }

    /// Takes an index for writing.
    #[staticmethod]
    fn open(py: Python<'_>, index: &Bound<'_, Index>, memory: Option<usize>) -> PyResult<Writer> {
        let open = index.get().opened()?;
        let mut options = WriterOptions::default().model(open.index.model().cloned());
        if let Some(memory) = memory {
            options = options.memory(memory);
        }
        let path = open.index.path().to_owned();
        let writer = run(py, None, |_| IndexWriter::open(&path, options))?.or_raise()?;
        let dim = Some(open.index.dim());
        Ok(Writer::new(writer, TextSource::OfIndex(open), dim))
    }

    /// Adds a document, or with `replace` puts it in the place of another. Returns whether there
    /// was one. Without `vectors` its text is encoded at the commit.
    #[pyo3(signature = (document, vectors=None, token_ids=None, replace=false))]
    fn add(
        &self,
        py: Python<'_>,
        document: Given,
        vectors: Option<&Bound<'_, PyAny>>,
        token_ids: Option<&Bound<'_, PyAny>>,
        replace: bool,
    ) -> PyResult<bool> {
        let key = &document.key;
        let vectors = vectors
            .map(|vectors| self.vectors(key, vectors))
            .transpose()?;
        let ids = token_ids.map(|ids| arrays::token_ids(format_args!("token_ids of {key:?}"), ids));
        let ids = ids.transpose()?.unwrap_or_default();
        let values = vectors
            .as_ref()
            .map(|vectors| vectors.as_slice())
            .transpose()?;
        let replaced = self.with(py, |state| -> colidx::Result<bool> {
            let new = document.document();
            let writer = &mut state.writer;
            let replaced = match (values, replace) {
                (Some(values), false) => writer.add_vectors(new, values, &ids).map(|()| false),
                (Some(values), true) => writer.update_vectors(new, values, &ids),
                (None, false) => writer.add(new).map(|()| false),
                (None, true) => writer.update(new),
            }?;
            state.needs_encoder |= values.is_none();
            Ok(replaced)
        })?;
        replaced.or_raise()
    }

    /// Adds the documents of files and folders. Returns their number, and what was left out, in
    /// lines.
    fn add_corpus(
        &self,
        py: Python<'_>,
        paths: Vec<PathBuf>,
        options: &Bound<'_, PyDict>,
        replace: bool,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<(u64, Vec<String>)> {
        let has_limit = options.contains("passage_words")?;
        let skip = options.get_item("skip_bad_lines")?;
        let skip = skip.is_some_and(|skip| skip.is_truthy().unwrap_or(false));
        let base = CorpusOptions::new().index_magic(colidx::MAGIC);
        let options = corpus_options(base, options)?.keep_wholes(replace);
        let mut corpus = Corpus::open(&paths, options.clone()).or_raise()?;
        let model = self.model(py)?;
        if let (Some(model), false) = (&model, has_limit) {
            let (tokens, counter) = passage_limit(model);
            corpus.limit_passages(tokens, counter);
        }
        let report = self.run(py, progress, |state, watch| {
            state.needs_encoder = true;
            watch.begin("read", corpus.bytes_total());
            let mut count = 0u64;
            let mut look = |corpus: &Corpus| {
                count += 1;
                if count.is_multiple_of(READ_STEP) {
                    watch.advance(corpus.bytes_read());
                }
                !watch.cancelled()
            };
            let writer = &mut state.writer;
            let report = read_corpus(
                &mut corpus,
                skip,
                &mut look,
                &mut |document| match replace {
                    true => writer.update(document).map(drop),
                    false => writer.add(document),
                },
            )?;
            delete_stale_passages(&corpus, writer)?;
            Ok::<_, IngestError>(report)
        })?;
        let report = report.or_raise()?;
        let mut left_out = report.left_out();
        left_out.extend(report.corpus.without_content());
        if !report.has_content() {
            left_out.insert(0, NOTHING.to_owned());
            return Err(exception("InputError", left_out.join("\n")));
        }
        let unused = options.unused(&report.corpus).into_iter();
        left_out.extend(unused.map(|u| format!("not used: {}: {}", u.option, u.reason)));
        Ok((report.corpus.documents - report.refused, left_out))
    }

    /// Deletes a document. Returns whether there was one.
    fn delete(&self, py: Python<'_>, key: &str) -> PyResult<bool> {
        self.with(py, |state| state.writer.delete(key))?.or_raise()
    }

    /// Returns what was done, and what was cut short, in words.
    fn commit<'py>(
        &self,
        py: Python<'py>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<(Bound<'py, PyDict>, Option<String>)> {
        if self.with(py, |state| state.needs_encoder)? {
            self.model(py)?;
        }
        let (report, truncated) = self.run(py, progress, State::commit)?.or_raise()?;
        Ok((info::report(py, &report)?, truncated))
    }

    /// Merges all segments into one, without deleted documents.
    fn compact<'py>(
        &self,
        py: Python<'py>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let report = self.run(py, progress, |state, watch| state.writer.compact(watch))?;
        info::report(py, &report.or_raise()?)
    }

    /// Trains a new codebook on the stored vectors and encodes all documents with it.
    fn retrain<'py>(
        &self,
        py: Python<'py>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let report = self.run(py, progress, |state, watch| {
            state
                .writer
                .retrain(None, &RetrainOptions::default(), watch)
        })?;
        info::report(py, &report.or_raise()?)
    }

    /// Measures what searches find of the exact hits, and stores it.
    fn tune<'py>(
        &self,
        py: Python<'py>,
        index: &Bound<'py, Index>,
        queries: Vec<Bound<'py, PyAny>>,
        ks: Vec<usize>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let callback = progress.as_ref().map(|callback| callback.clone_ref(py));
        let queries = index.get().queries(py, &queries, callback)?;
        let table = self.run(py, progress, |state, watch| {
            state.writer.tune(&queries, &ks, watch)
        })?;
        info::recall(py, &table.or_raise()?)
    }

    /// Drops everything since the last commit.
    fn rollback(&self, py: Python<'_>) -> PyResult<()> {
        self.with(py, |state| {
            state.needs_encoder = false;
            state.writer.rollback();
        })
    }

    fn num_staged(&self, py: Python<'_>) -> PyResult<usize> {
        self.with(py, |state| state.writer.num_staged())
    }

    /// Drops what is not committed and lets go of the index.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.check_idle()?;
        let state = py.detach(|| {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.take()
        });
        drop(state);
        Ok(())
    }
}
