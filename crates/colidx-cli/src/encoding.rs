//! The engine's sources of vectors: a checkpoint, or files of vectors.

use std::error::Error;
use std::time::{Duration, Instant};

use colidx::{SourceDocument, VectorBatch, VectorSource};
use colidx_encoder::Encoder;

use crate::document::DocumentText;
use crate::interrupt;
use colidx_data::embeddings::Embeddings;

/// Texts for each thread that are encoded together: enough that the threads seldom wait for the last one.
const PER_THREAD: usize = 32;
/// Most texts whose vectors are held at a time.
const MOST: usize = 256;
/// How long texts that are encoded together should take at most: whoever presses Ctrl-C waits that long, as what was begun is
/// not thrown away.
const PATIENCE: Duration = Duration::from_millis(500);

/// How many texts to encode together; the vectors do not depend on it.
pub struct Window {
    texts: usize,
}

impl Window {
    /// For the threads of the current pool.
    pub fn new() -> Window {
        Window {
            texts: rayon::current_num_threads().min(MOST),
        }
    }

    /// Texts to take next.
    pub fn texts(&self) -> usize {
        self.texts
    }

    /// Learns from texts that took so long.
    pub fn took(&mut self, time: Duration) {
        let threads = rayon::current_num_threads();
        let most = MOST.min(PER_THREAD * threads);
        if time > PATIENCE {
            self.texts = (self.texts / 2).max(threads.min(most));
        } else if time < PATIENCE / 2 {
            self.texts = (self.texts * 2).min(most);
        }
    }
}

impl Default for Window {
    fn default() -> Self {
        Window::new()
    }
}

/// Encodes documents, and counts those that were longer than the checkpoint reads.
pub struct EncoderSource<'a> {
    encoder: &'a Encoder,
    window: Window,
    truncated: u64,
}

impl<'a> EncoderSource<'a> {
    /// A source of the vectors that `encoder` makes.
    pub fn new(encoder: &'a Encoder) -> EncoderSource<'a> {
        EncoderSource {
            encoder,
            window: Window::new(),
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
        let mut left = documents;
        // What was encoded before Ctrl-C is given, and kept.
        while !left.is_empty() && (out.lens.is_empty() || !interrupt::asked()) {
            let (chunk, rest) = left.split_at(left.len().min(self.window.texts()));
            left = rest;
            let began = Instant::now();
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
            self.window.took(began.elapsed());
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
