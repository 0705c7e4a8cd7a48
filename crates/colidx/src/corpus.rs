//! Corpora and files of vectors as documents of an index.

use std::collections::HashMap;
use std::fmt::Display;
#[cfg(feature = "text")]
use std::sync::Arc;

use colidx_core::{FieldInfo, Filter, Index, IndexWriter, NewDocument};
#[cfg(feature = "text")]
use colidx_data::TokenCounter;
use colidx_data::counted::counted;
use colidx_data::embeddings::{Embeddings, EmbeddingsError};
use colidx_data::{Corpus, CorpusReport, InputError, Whole};

use crate::EmbeddingsSource;

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
    let counter = move |text: &str| {
        let count = count(&model, text);
        // The model stops counting where it stops reading.
        match count < model.info().document_length {
            true => count.saturating_sub(special),
            false => limit + 1,
        }
    };
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
    /// A record has no vectors.
    #[error(
        "the record `{key}` has no vectors, expected one record for each of the {documents} documents \
         that have some, by key where the vectors have keys and else in their order; remove the \
         record, or give it vectors"
    )]
    NoVectors {
        /// The key of the record.
        key: String,
        /// How many documents have vectors.
        documents: u64,
    },
    /// A document with vectors has no record.
    #[error(
        "{records} records for {documents} documents that have vectors{}, expected one for each; \
         write the missing ones",
        .key.as_ref().map_or(String::new(), |key| format!(", none for `{key}`"))
    )]
    NoRecords {
        /// How many records there are.
        records: u64,
        /// How many documents have vectors.
        documents: u64,
        /// The key of one without a record, where the vectors have keys.
        key: Option<String>,
    },
    /// The index cannot be read, or refuses a change.
    #[error(transparent)]
    Index(Box<colidx_core::Error>),
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

impl From<colidx_core::Error> for IngestError {
    fn from(error: colidx_core::Error) -> Self {
        IngestError::Index(Box::new(error))
    }
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

impl IngestReport {
    /// What was left out, in lines: bad lines and refused documents, and files that were not read.
    pub fn left_out(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let bad_lines = self.corpus.bad_lines + self.refused;
        if bad_lines > 0 {
            lines.push(format!("skipped: {}", counted(bad_lines, "bad line")));
            let shown = self.corpus.bad_line_messages.iter();
            let shown = shown.chain(&self.refused_messages);
            lines.extend(shown.map(|message| format!("  {message}")));
        }
        lines.extend(self.corpus.not_read());
        lines
    }

    /// Whether there was a document with a title or text that the index took.
    pub fn has_content(&self) -> bool {
        self.corpus.documents > self.refused + self.corpus.blank
    }
}

/// Adds a document to an index, or puts it in the place of another.
pub type Sink<'a> = dyn FnMut(&NewDocument<'_>) -> colidx_core::Result<()> + 'a;

/// Reads a corpus into `sink`. With `skip_refused`, documents that the index refuses for their key
/// or size are counted and left out. `watch` is given the bytes read after every document, and
/// returns whether to continue.
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

/// Deletes the passages that the index has of the files and records of `corpus`, and that are not
/// among the documents staged in `writer`: an edit has moved or removed them. Call it after an
/// update with all of the corpus, which was opened with [`CorpusOptions::keep_wholes`]. Returns how
/// many were deleted.
///
/// # Errors
/// The index is damaged, or a path of the corpus has no absolute form.
///
/// [`CorpusOptions::keep_wholes`]: colidx_data::CorpusOptions::keep_wholes
pub fn delete_stale_passages(
    corpus: &Corpus,
    writer: &mut IndexWriter,
) -> Result<u64, IngestError> {
    let Some(index) = writer.index().cloned() else {
        return Ok(0);
    };
    let strings = |name: &str, fields: &[FieldInfo]| {
        let named = fields.iter().find(|field| field.path == name);
        named.is_some_and(|field| field.types.strings > 0)
    };
    let fields = match index.fields() {
        // An index of an earlier version: nothing tells the passages of a file apart.
        Err(colidx_core::Error::NoColumns { .. }) => Vec::new(),
        fields => fields?,
    };
    let (has_path, has_root) = (strings("path", &fields), strings("root", &fields));
    let mut deleted = 0;
    for whole in corpus.wholes() {
        let keys = match whole? {
            Whole::File { path, elsewhere } if has_path => {
                let elsewhere = if has_root { elsewhere } else { Vec::new() };
                passages_of_file(&index, path, elsewhere)?
            }
            Whole::Record { key } => passages_of_record(&index, writer, key)?,
            _ => continue,
        };
        for key in keys {
            if !writer.is_staged(&key) {
                deleted += u64::from(writer.delete(&key)?);
            }
        }
    }
    Ok(deleted)
}

/// The keys of the passages of a file, by the `root` and `path` that it may have.
fn passages_of_file(
    index: &Index,
    path: String,
    elsewhere: Vec<(String, String)>,
) -> colidx_core::Result<Vec<String>> {
    let here = Filter::field("path").eq(path.as_str());
    let there = elsewhere.iter().map(|(root, path)| {
        let root = Filter::field("root").eq(root.as_str());
        root.and(Filter::field("path").eq(path.as_str()))
    });
    let filter = Filter::any(std::iter::once(here).chain(there));
    let paths: Vec<&str> = std::iter::once(&path)
        .chain(elsewhere.iter().map(|(_, path)| path))
        .map(String::as_str)
        .collect();
    // A record may have a field `path` too.
    let is_passage = |key: &str| {
        let mut paths = paths.iter();
        paths.any(|path| {
            key.strip_prefix(path)
                .is_some_and(|rest| rest.starts_with('#'))
        })
    };
    let mut keys = Vec::new();
    for doc in index.matching(&filter)?.iter() {
        let key = index.key(doc)?;
        if is_passage(key) {
            keys.push(key.to_owned());
        }
    }
    Ok(keys)
}

/// The keys that a record may have in the index: its own, and those of its passages, which count
/// from 1.
fn passages_of_record(
    index: &Index,
    writer: &IndexWriter,
    key: String,
) -> colidx_core::Result<Vec<String>> {
    let mut keys = Vec::new();
    for number in 1_u64.. {
        let passage = format!("{key}#{number}");
        if index.find(&passage)?.is_some() {
            keys.push(passage);
        } else if !writer.is_staged(&passage) {
            break;
        }
    }
    if index.find(&key)?.is_some() {
        keys.push(key);
    }
    Ok(keys)
}

/// Gives `sink` the keys of the documents of `embeddings`, without texts.
///
/// # Errors
/// There is no document, the keys cannot be read, or one is refused.
pub fn read_keys(embeddings: &Embeddings, sink: &mut Sink<'_>) -> Result<(), IngestError> {
    if embeddings.documents() == 0 {
        let file = embeddings.file();
        return Err(EmbeddingsError::NoDocuments { file }.into());
    }
    for (number, key) in (0..).zip(embeddings.keys()?) {
        let key = key?;
        let new = NewDocument::new(&key);
        sink(&new).map_err(|error| refused(&embeddings.key_place(number), error))?;
    }
    Ok(())
}

/// Reads the records of documents whose vectors `source` has, and sets the order in which it gives
/// them: by key where the vectors have keys, else the order of the records.
///
/// # Errors
/// As [`read_corpus`], and there is not exactly one record for each document that has vectors.
pub fn read_records(
    corpus: &mut Corpus,
    source: &mut EmbeddingsSource,
    watch: &mut dyn FnMut(&Corpus) -> bool,
    sink: &mut Sink<'_>,
) -> Result<IngestReport, IngestError> {
    let embeddings = source.vectors();
    let documents = embeddings.documents();
    let mut places: Option<HashMap<String, u64>> = None;
    if embeddings.has_keys() {
        let keys = (0..).zip(embeddings.keys()?);
        let keys: Result<_, EmbeddingsError> = keys.map(|(at, key)| Ok((key?, at))).collect();
        places = Some(keys?);
    }
    let mut order: Vec<u64> = Vec::new();
    let mut unknown: Option<String> = None;
    let mut take = |document: &NewDocument<'_>| {
        let number = match &mut places {
            Some(places) => places.remove(document.key),
            None => Some(order.len() as u64).filter(|&number| number < documents),
        };
        match number {
            Some(number) => order.push(number),
            None => {
                unknown.get_or_insert_with(|| document.key.to_owned());
                return Ok(());
            }
        }
        sink(document)
    };
    let report = read_corpus(corpus, false, watch, &mut take)?;
    let unknown = unknown.map(|key| IngestError::NoVectors { key, documents });
    if let Some(error) = unknown {
        return Err(error);
    }
    if (order.len() as u64) < documents {
        return Err(IngestError::NoRecords {
            records: order.len() as u64,
            documents,
            key: places.and_then(|left| left.into_keys().min()),
        });
    }
    source.set_order(order);
    Ok(report)
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
