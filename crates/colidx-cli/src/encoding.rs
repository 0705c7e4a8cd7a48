//! The engine's sources of vectors: a checkpoint, or files of vectors.

use std::error::Error;

use colidx::{SourceDocument, VectorBatch, VectorSource};
use colidx_encoder::Encoder;

use crate::document::DocumentText;
use crate::input::embeddings::Embeddings;
use crate::interrupt;

/// Texts for each thread between two looks at Ctrl-C: enough that the threads seldom wait for the last one, few enough to
/// stop within seconds.
const PER_THREAD: usize = 32;
/// Most texts whose vectors are held at a time.
const MOST: usize = 256;

/// Texts to encode together on the current pool; the vectors do not depend on it.
pub fn window() -> usize {
    MOST.min(PER_THREAD * rayon::current_num_threads())
}

/// Encodes documents, and counts those that were longer than the checkpoint reads.
pub struct EncoderSource<'a> {
    encoder: &'a Encoder,
    truncated: u64,
}

/// Encoding was stopped by Ctrl-C.
#[derive(Debug, thiserror::Error)]
#[error("interrupted")]
struct Stopped;

impl<'a> EncoderSource<'a> {
    /// A source of the vectors that `encoder` makes.
    pub fn new(encoder: &'a Encoder) -> EncoderSource<'a> {
        EncoderSource {
            encoder,
            truncated: 0,
        }
    }

    /// Documents so far that were longer than the checkpoint's document length.
    pub fn truncated(&self) -> u64 {
        self.truncated
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
        for chunk in documents.chunks(window()) {
            if interrupt::asked() {
                return Err(Stopped.into());
            }
            let texts: Vec<DocumentText> = chunk
                .iter()
                .map(|document| DocumentText::new(document.title, document.text))
                .collect();
            let texts: Vec<&str> = texts.iter().map(DocumentText::as_str).collect();
            for encoded in self.encoder.encode_documents(&texts)? {
                self.truncated += u64::from(encoded.truncated);
                out.lens.push(encoded.token_ids.len() as u32);
                out.vectors.extend_from_slice(&encoded.vectors);
                out.token_ids.extend_from_slice(&encoded.token_ids);
            }
        }
        Ok(())
    }
}

/// Reads vectors that were made before.
pub struct EmbeddingsSource {
    /// The files.
    pub embeddings: Embeddings,
    /// What tells them from others.
    pub fingerprint: String,
}

impl VectorSource for EmbeddingsSource {
    fn dim(&self) -> usize {
        self.embeddings.dim()
    }

    fn fingerprint(&self) -> String {
        self.fingerprint.clone()
    }

    fn needs_text(&self) -> bool {
        false
    }

    fn rereads(&self) -> bool {
        true
    }

    fn encode(
        &mut self,
        documents: &[SourceDocument<'_>],
        out: &mut VectorBatch,
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        let numbers: Vec<u64> = documents
            .iter()
            .map(|document| document.ordinal.into())
            .collect();
        self.embeddings.read(
            &numbers,
            &mut out.vectors,
            &mut out.lens,
            &mut out.token_ids,
        )?;
        Ok(())
    }
}
