//! Corpora and embedding folders as documents of an index.

use std::fmt::Display;
use std::path::Path;
#[cfg(feature = "text")]
use std::sync::Arc;

use colidx_core::NewDocument;
#[cfg(feature = "text")]
use colidx_data::TokenCounter;
use colidx_data::embeddings::{Embeddings, EmbeddingsError};
use colidx_data::{Corpus, CorpusReport, InputError};

#[cfg(feature = "text")]
use crate::text::Model;

/// How many tokens of text a passage may have so that `model` reads all of it, and what counts
/// them: for [`Corpus::limit_passages`].
#[cfg(feature = "text")]
pub fn passage_limit(model: &Arc<Model>) -> (usize, Arc<dyn TokenCounter>) {
    let count = |model: &Model, text: &str| {
        // A text that the tokenizer refuses is refused again where it is encoded.
        model.encoder().document_token_count(text).unwrap_or(0)
    };
    let special = count(model, "");
    let model = Arc::clone(model);
    let limit = model.info().document_length.saturating_sub(special).max(1);
    let counter = move |text: &str| count(&model, text).saturating_sub(special);
    (limit, Arc::new(counter))
}

/// Messages of refused documents that are kept.
const SHOWN: usize = 5;

/// Why documents could not be read or taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IngestError {
    /// The corpus is malformed or cannot be read.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The embedding files are malformed or cannot be read.
    #[error(transparent)]
    Embeddings(#[from] EmbeddingsError),
    /// The index refuses a document.
    #[error("{place}: {source}")]
    Document {
        /// File and line.
        place: String,
        /// Why.
        source: Box<colidx_core::Error>,
    },
    /// The caller asked to stop.
    #[error("cancelled")]
    Cancelled,
}

/// What was read.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct IngestReport {
    /// What the reader left out or found empty.
    pub corpus: CorpusReport,
    /// Documents that the index refused and that were left out.
    pub refused: u64,
    /// Why, for the first of them.
    pub refused_messages: Vec<String>,
}

/// Adds a document to an index, or puts it in the place of another.
pub type Sink<'a> = dyn FnMut(&NewDocument<'_>) -> colidx_core::Result<()> + 'a;

/// Reads a corpus into `sink`. With `skip_refused`, documents that the index refuses for their key
/// or size are counted and left out. `watch` is given the bytes read after every document, and
/// returns whether to go on.
///
/// # Errors
/// A malformed line, a refused document, or `watch` says stop.
pub fn read_corpus(
    corpus: &mut Corpus,
    skip_refused: bool,
    watch: &mut dyn FnMut(&Corpus) -> bool,
    sink: &mut Sink<'_>,
) -> Result<IngestReport, IngestError> {
    let mut report = IngestReport::default();
    let mut metadata = String::new();
    while let Some(document) = corpus.next() {
        let document = document?;
        if !watch(corpus) {
            return Err(IngestError::Cancelled);
        }
        metadata.clear();
        if !document.metadata.is_empty() {
            metadata = serde_json::Value::Object(document.metadata).to_string();
        }
        let new = NewDocument::new(&document.key)
            .title(&document.title)
            .text(&document.text)
            .metadata(&metadata);
        match sink(&new) {
            Err(error) if skip_refused && is_refusal(&error) => {
                report.refused += 1;
                if report.refused_messages.len() < SHOWN {
                    let message = refused(&document.place, error).to_string();
                    report.refused_messages.push(message);
                }
            }
            result => result.map_err(|error| refused(&document.place, error))?,
        }
    }
    report.corpus = corpus.report().clone();
    Ok(report)
}

/// Gives `sink` the keys of the documents whose vectors lie in `folder`.
///
/// # Errors
/// There is no document, the keys cannot be read, or one is refused.
pub fn read_keys(
    folder: &Path,
    embeddings: &Embeddings,
    sink: &mut Sink<'_>,
) -> Result<(), IngestError> {
    if embeddings.documents() == 0 {
        let file = folder.join("doc_lens.npy").display().to_string();
        return Err(EmbeddingsError::NoDocuments { file }.into());
    }
    let file = folder.join("doc_keys.txt");
    for (line, key) in (1u64..).zip(embeddings.keys()?) {
        let key = key?;
        let new = NewDocument::new(&key);
        let place = format_args!("{}:{line}", file.display()).to_string();
        sink(&new).map_err(|error| refused(&place, error))?;
    }
    Ok(())
}

fn refused(place: &dyn Display, source: colidx_core::Error) -> IngestError {
    IngestError::Document {
        place: place.to_string(),
        source: Box::new(source),
    }
}

/// Whether an error is about one document alone.
fn is_refusal(error: &colidx_core::Error) -> bool {
    use colidx_core::Error;
    matches!(
        error,
        Error::DuplicateKey { .. } | Error::InvalidKey { .. } | Error::DocumentTooLarge { .. }
    )
}
