//! A checkpoint as the engine's source of vectors.

use std::collections::BTreeMap;
use std::error::Error;
use std::time::{Duration, Instant};

use colidx_core::{SourceDocument, VectorBatch, VectorSource};
#[cfg(feature = "data")]
use colidx_data::counted::counted;
use colidx_encoder::{EncodedDocument, Encoder, EncoderError};

use super::document::DocumentText;

/// Texts per thread in one batch: enough that threads seldom wait for the slowest.
const PER_THREAD: usize = 32;

/// Most texts whose vectors are held at a time.
const MAX_BATCH: usize = 256;

/// How long one batch may take. Cancelling waits for the running batch, so that none is thrown
/// away. A call also returns after about this long, so that the builder can report progress.
const BATCH_TIME: Duration = Duration::from_millis(500);

/// Chooses how many texts to encode at once. Vectors do not depend on it.
pub struct BatchSizer {
    texts: usize,
}

impl BatchSizer {
    /// For the threads of the current rayon pool.
    pub fn new() -> BatchSizer {
        BatchSizer {
            texts: rayon::current_num_threads().min(MAX_BATCH),
        }
    }

    /// Texts of the next batch.
    pub fn texts(&self) -> usize {
        self.texts
    }

    /// Encodes the first texts of `left`, as many as one batch has, and takes them off it.
    ///
    /// # Errors
    /// What `encode` returns; `left` is as it was.
    pub fn encode<'t, D, T, E>(
        &mut self,
        left: &mut &'t [D],
        encode: impl FnOnce(&'t [D]) -> Result<Vec<T>, E>,
    ) -> Result<Vec<T>, E> {
        let (batch, rest) = left.split_at(left.len().min(self.texts));
        let began = Instant::now();
        let encoded = encode(batch)?;
        self.record(began.elapsed());
        *left = rest;
        Ok(encoded)
    }

    /// Adapts to the time that the last batch took.
    fn record(&mut self, time: Duration) {
        let threads = rayon::current_num_threads();
        let most = MAX_BATCH.min(PER_THREAD * threads);
        if time > BATCH_TIME {
            self.texts = (self.texts / 2).max(threads.min(most));
        } else if time < BATCH_TIME / 2 {
            self.texts = (self.texts * 2).min(most);
        }
    }
}

impl Default for BatchSizer {
    fn default() -> Self {
        BatchSizer::new()
    }
}

/// Encodes documents as they are for an index: title and text together.
pub(super) fn encode_documents<'d, D>(
    encoder: &Encoder,
    documents: &'d [D],
) -> Result<Vec<EncodedDocument>, EncoderError>
where
    DocumentText<'d>: From<&'d D>,
{
    let texts: Vec<DocumentText<'_>> = documents.iter().map(DocumentText::from).collect();
    let texts: Vec<&str> = texts.iter().map(DocumentText::as_str).collect();
    encoder.encode_documents(&texts)
}

/// Documents that were longer than the checkpoint reads, so that only their beginning was encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Truncated {
    count: u64,
    /// Keys of the first few, in the order in which they were added.
    first: BTreeMap<u32, String>,
    /// Most keys that are kept.
    kept: usize,
}

impl Default for Truncated {
    /// Keeps the keys of the first five.
    fn default() -> Truncated {
        Truncated::keeping(5)
    }
}

impl Truncated {
    /// Counts all documents, and keeps the keys of the first `kept`.
    pub fn keeping(kept: usize) -> Truncated {
        Truncated {
            count: 0,
            first: BTreeMap::new(),
            kept,
        }
    }

    /// Notes the document that was added as number `ordinal`.
    pub fn add(&mut self, ordinal: u32, key: &str) {
        self.count += 1;
        let last = self.first.last_key_value().map_or(0, |(&last, _)| last);
        if self.first.len() < self.kept || ordinal < last {
            self.first.insert(ordinal, key.to_owned());
        }
        if self.first.len() > self.kept {
            self.first.pop_last();
        }
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The keys that were kept.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.first.values().map(String::as_str)
    }

    /// What to say of them, if there are any, for a checkpoint that reads `length` tokens. `among`
    /// is empty or says of which documents.
    #[cfg(feature = "data")]
    pub fn line(&self, among: &str, length: usize) -> Option<String> {
        let names: Vec<String> = self.keys().map(|key| format!("`{key}`")).collect();
        (self.count > 0).then(|| {
            format!(
                "truncated: {}{among}, such as {}, of which the first {length} tokens were read",
                counted(self.count, "document"),
                names.join(", "),
            )
        })
    }
}

/// Encodes documents, and notes those that were longer than the checkpoint reads.
pub struct EncoderSource<'a> {
    encoder: &'a Encoder,
    sizer: BatchSizer,
    cancelled: &'a (dyn Fn() -> bool + Sync),
    truncated: Truncated,
}

impl<'a> EncoderSource<'a> {
    /// A source of the vectors that `encoder` makes.
    pub fn new(encoder: &'a Encoder) -> EncoderSource<'a> {
        EncoderSource {
            encoder,
            sizer: BatchSizer::new(),
            cancelled: &|| false,
            truncated: Truncated::default(),
        }
    }

    /// Stops after the running batch once `cancelled` says so; what is encoded by then is kept.
    pub fn cancelled_by(self, cancelled: &'a (dyn Fn() -> bool + Sync)) -> EncoderSource<'a> {
        EncoderSource { cancelled, ..self }
    }

    /// Keeps the keys of up to `keys` truncated documents, instead of five.
    pub fn keeping_truncated(self, keys: usize) -> EncoderSource<'a> {
        EncoderSource {
            truncated: Truncated::keeping(keys),
            ..self
        }
    }

    /// Documents so far that were longer than the checkpoint's document length.
    pub fn truncated(&self) -> &Truncated {
        &self.truncated
    }
}

impl VectorSource for EncoderSource<'_> {
    fn dim(&self) -> usize {
        self.encoder.info().dim
    }

    fn encode(
        &mut self,
        documents: &[SourceDocument<'_>],
        out: &mut VectorBatch,
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        let mut left = documents;
        let began = Instant::now();
        let goes_on = || began.elapsed() < BATCH_TIME && !(self.cancelled)();
        while !left.is_empty() && (out.lens.is_empty() || goes_on()) {
            let asked = left;
            let encode = |batch| encode_documents(self.encoder, batch);
            for (document, encoded) in asked.iter().zip(self.sizer.encode(&mut left, encode)?) {
                if encoded.truncated {
                    self.truncated.add(document.ordinal, document.key);
                }
                out.lens.push(encoded.token_ids.len() as u32);
                out.vectors.extend_from_slice(&encoded.vectors);
                out.token_ids.extend_from_slice(&encoded.token_ids);
            }
        }
        Ok(())
    }
}
